//! Helpers for tests, of this crate and of those that use it.

mod study_builder;

pub use study_builder::StudyBuilder;
