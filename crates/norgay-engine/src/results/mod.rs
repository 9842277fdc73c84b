//! What a study leaves behind for people and other programs: pure functions of the study.
//!
//! The forms are those of the reference (its CSV is what pandas writes), so that scripts made
//! for it go on working.

mod best_result;
mod column_form;
mod csv_reader;
mod csv_writer;
mod plain;
mod study_config;
mod table;

pub use best_result::best_result_json;
pub use csv_reader::{ReadError, read_results};
pub use csv_writer::study_results_csv;
pub use study_config::{optimization_parameters_json, study_config_json, study_config_pickle};
pub use table::{Columns, ResultsTable, Row, RowStatus};

/// A file of results could not be put together.
#[derive(Debug, thiserror::Error)]
#[error("can't write {file}: {source}")]
pub struct WriteError {
    /// The file's usual name.
    pub file: &'static str,
    /// Why.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl WriteError {
    fn new(
        file: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            file,
            source: source.into(),
        }
    }
}
