//! Reading what users write: study files, search spaces and the reference's flags.

mod algorithm_check;
mod argo;
mod argo_reader;
mod assemble;
mod cross_checks;
mod draft;
mod execution;
mod execution_reader;
mod fields;
mod finding;
mod flag_line;
mod flag_table;
mod flags;
mod parameter_reader;
pub mod placeholder;
mod quantity;
mod reference;
mod schema;
pub mod shape;
mod shape_check;
mod source_text;
mod space_fields;
mod space_reader;
mod stopping_rule;
mod study_file;
pub mod trial_parameters;
pub mod yaml;
mod yaml_scalar;

pub use argo::{ArgoSettings, KeepWorkflows, Route};
pub use execution::{Execution, ParameterFormat, SchedulerKind, StorageStrategy, WorkingFolder};
pub use fields::FIELDS;
pub use finding::{Finding, Findings, Severity};
pub use flag_table::{FLAGS, FlagEntry};
pub use flags::read_flags;
pub use placeholder::{CommandTemplate, Template, value_text};
pub use reference::study_file_reference;
pub use schema::{space_schema, study_schema};
pub(crate) use source_text::did_you_mean;
pub use space_fields::PARAMETER_FIELDS;
pub use space_reader::read_space;
pub use study_file::{StudyConfig, read_study};
pub use trial_parameters::{
    TrialPaths, check_with_dummy_trial, trial_parameters, workflow_parameters,
};
