//! Studies that survive: the run loop, storages, schedulers, files and configuration.

pub mod clock;
pub mod config;
pub mod open_study;
pub mod scheduler;
pub mod storage;
