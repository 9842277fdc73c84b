//! Studies that survive: the run loop, storages, schedulers, files and configuration.

pub mod config;
pub mod files;
pub mod metrics_file;
pub mod scheduler;
