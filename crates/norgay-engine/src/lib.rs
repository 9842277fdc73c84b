//! Studies that survive: the run loop, storages, schedulers, files and configuration.

pub mod scheduler;
pub mod testing;
