//! Studies that survive: the run loop, storages, schedulers, files and configuration.

pub mod clock;
pub mod config;
pub mod files;
pub mod metrics_file;
pub mod open_study;
pub mod results;
pub mod retention;
pub mod run;
pub mod scheduler;
pub mod storage;
pub mod testing;
pub mod tls;
pub mod view;
