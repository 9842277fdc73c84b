//! Studies that survive: the run loop, storages, schedulers, files and configuration.

pub mod config;
pub mod files;
pub mod metrics_file;
pub mod results;
pub mod retention;
pub mod scheduler;
pub mod testing;
