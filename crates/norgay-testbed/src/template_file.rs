//! Templates from YAML files.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::templates::TemplateKind;

/// A file gives no template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It can't be read.
    #[error("{} can't be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is no YAML.
    #[error("{} is no YAML: {message}", path.display())]
    NotYaml {
        /// The file.
        path: PathBuf,
        /// Where and why.
        message: String,
    },
    /// None of its documents is a template.
    #[error("{} has neither a WorkflowTemplate nor a ClusterWorkflowTemplate", path.display())]
    NoTemplate {
        /// The file.
        path: PathBuf,
    },
}

/// The WorkflowTemplates and ClusterWorkflowTemplates among the documents of a YAML file.
pub fn read_templates(path: &Path) -> Result<Vec<Value>, TemplateError> {
    let path_of = || path.to_path_buf();
    let text = std::fs::read_to_string(path).map_err(|error| TemplateError::Unreadable {
        path: path_of(),
        error,
    })?;
    // `y` and `on` are texts, as in YAML 1.2.
    let options = serde_saphyr::options! { strict_booleans: true };
    let documents: Vec<Value> =
        serde_saphyr::from_multiple_with_options(&text, options).map_err(|error| {
            TemplateError::NotYaml {
                path: path_of(),
                message: error.to_string(),
            }
        })?;
    let is_template = |one: &Value| one["kind"].as_str().and_then(TemplateKind::parse).is_some();
    let templates: Vec<Value> = documents.into_iter().filter(is_template).collect();
    if templates.is_empty() {
        Err(TemplateError::NoTemplate { path: path_of() })
    } else {
        Ok(templates)
    }
}
