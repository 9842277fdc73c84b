//! Helpers for tests, and contract suites for the open sets of the engine: whoever adds a
//! scheduler or a storage runs its suite.

pub mod scheduler_contract;
pub mod storage_contract;
mod study_builder;
pub mod workflow_api_contract;

pub use study_builder::StudyBuilder;
