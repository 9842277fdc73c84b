//! Reading what users write: study files, search spaces and the reference's flags.

mod execution;

pub use execution::{
    Execution, ParameterFormat, SchedulerKind, StorageStrategy, WorkingFolder,
};
