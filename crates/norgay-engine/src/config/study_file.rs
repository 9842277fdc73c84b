//! Study files: YAML (or JSON) that says all about a study.

use std::path::Path;

use norgay_core::definition::StudyDefinition;

use super::assemble::{Context, FieldNames, assemble};
use super::draft::Draft;
use super::execution::Execution;
use super::fields::FIELDS;
use super::finding::{Finding, Findings};
use super::source_text::{Base, Origin, Report, unexplained};
use super::yaml::{MAX_YAML_BYTES, read_yaml};

/// All that a study is and how its trials are run.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyConfig {
    /// Name of the study.
    pub name: String,
    /// What it is about.
    pub definition: StudyDefinition,
    /// How its trials are run.
    pub execution: Execution,
    /// The database file, if one was named.
    pub storage: Option<String>,
    /// Whether messages about single trials are wanted (`--verbose`).
    pub verbose: bool,
    /// Doubtful places in what the user wrote.
    pub warnings: Vec<Finding>,
}

/// Reads a study file; relative paths start at `folder`.
///
/// # Errors
/// Every mistake at once, each with its field and place.
pub fn read_study(text: &str, source_name: &str, folder: &Path) -> Result<StudyConfig, Findings> {
    let whole = Origin::new(source_name, "", Base::Own);
    let mut report = Report::default();
    let node = match read_yaml(text) {
        Ok(node) => node,
        Err(error) => {
            report.error(&whole, error.place, error.problem.to_string());
            report.finish()?;
            return Err(unexplained(&whole));
        }
    };
    let mut draft = Draft::default();
    draft.read_fields(&node, FIELDS, "", &whole, &mut report);
    if node.as_entries().is_none() {
        report.finish()?;
        return Err(unexplained(&whole));
    }
    let context = Context {
        read_file: &|path| read_limited(folder, path),
        folder,
        default_name: default_name(source_name, folder),
        whole,
        names: FieldNames::StudyFile,
        retry: None,
    };
    assemble(&draft, &context, report)
}

/// Reads a file of a size that a text may have; `name` is what the user called it.
fn read_limited(folder: &Path, name: &str) -> Result<String, String> {
    let path = folder.join(name);
    let unreadable = |error: std::io::Error| format!("can't read '{name}': {error}");
    let length = std::fs::metadata(&path).map_err(unreadable)?.len();
    if length > MAX_YAML_BYTES as u64 {
        return Err(format!(
            "'{name}' has {length} bytes, and at most {MAX_YAML_BYTES} are allowed"
        ));
    }
    std::fs::read_to_string(&path).map_err(unreadable)
}

/// The file's name without its ending, or the folder's name if that is `study`.
fn default_name(source_name: &str, folder: &Path) -> String {
    let stem = Path::new(source_name)
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let folder = folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    match stem {
        Some(stem) if stem != "study" => stem,
        _ => folder.unwrap_or_else(|| "study".into()),
    }
}
