//! Finds out, before a study starts anything, whether the cluster will take its workflows: all
//! that is wrong at once, each with what to do about it.
//!
//! Asking (here), judging ([`judge`]) and wording ([`Check`]'s display) are apart, so that the
//! judgement can be tried without a cluster.

mod judge;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::api::{ApiError, Facts, Submission, Template, TemplateRef, Workflow, WorkflowApi};
use crate::clock::{Clock, SystemClock};
use crate::files::{AccessReport, FilesError};

pub use judge::judge;

/// What a study will ask of the cluster.
#[derive(Clone, Debug)]
pub struct Expectations {
    /// The namespace of its workflows.
    pub namespace: String,
    /// Its templates, each with the entrypoint that is named; empty for the template's own.
    pub templates: Vec<(TemplateRef, String)>,
    /// The workflow of a first trial.
    pub sample: Submission,
    /// Parameters that are sent to templates that declare them.
    pub optional: Vec<String>,
    /// Parameters that are sent as the reference sends them, though they are for Norgay itself.
    pub for_norgay: Vec<String>,
    /// The study's folder, for people.
    pub folder: String,
}

/// What was seen.
#[derive(Debug)]
pub struct Observed {
    /// Who answers.
    pub facts: Result<Facts, ApiError>,
    /// Each template, in the order of the expectations.
    pub templates: Vec<Result<Option<Template>, ApiError>>,
    /// The names of all templates of their kind, if one was not found.
    pub names: Vec<String>,
    /// Whether the sample could be started; `None` if that was not tried.
    pub dry_run: Option<Result<Workflow, ApiError>>,
    /// Whether the study's folder can be used.
    pub access: Result<AccessReport, String>,
    /// The time of this machine at the answer, Unix milliseconds.
    pub now_ms: i64,
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it was.
    pub what: String,
    /// What was found.
    pub outcome: Outcome,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is well.
    Fine,
    /// The study can run, but maybe not as it was meant.
    Warning(Finding),
    /// The study can't run.
    Problem(Finding),
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl Check {
    /// Whether the study can't run.
    pub fn is_problem(&self) -> bool {
        matches!(self.outcome, Outcome::Problem(_))
    }

    /// What is not as it should be.
    pub fn finding(&self) -> Option<&Finding> {
        match &self.outcome {
            Outcome::Fine => None,
            Outcome::Warning(finding) | Outcome::Problem(finding) => Some(finding),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.finding() {
            None => f.write_str(&self.what),
            Some(Finding { message, remedy }) => {
                write!(f, "{}: {message}\n  {remedy}", self.what)
            }
        }
    }
}

/// All that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// In the order in which it should be mended.
    pub checks: Vec<Check>,
    /// Whether something did not answer, so that the same checks may end otherwise later.
    pub may_pass: bool,
    /// The parameters that each template declares.
    pub declared: BTreeMap<String, BTreeSet<String>>,
}

/// Looks at all that a study will need of the cluster; `access` tries its folder and may block.
pub async fn preflight(
    api: &dyn WorkflowApi,
    expected: &Expectations,
    access: impl FnOnce() -> Result<AccessReport, FilesError> + Send + 'static,
) -> Report {
    let access = tokio::task::spawn_blocking(access);
    let facts = api.preflight().await;
    let now_ms = SystemClock.now_ms();
    let access = access.await;
    let is_bucket_away = matches!(&access, Ok(Err(error)) if error.is_passing());
    let mut observed = Observed {
        templates: Vec::new(),
        names: Vec::new(),
        dry_run: None,
        access: match access {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(_) => Err("the check did not come to its end".to_string()),
        },
        facts,
        now_ms,
    };
    if judge::is_let_in(&observed.facts) {
        ask_for_templates(api, expected, &mut observed).await;
    }
    Report {
        checks: judge(expected, &observed),
        may_pass: is_bucket_away || is_cluster_away(&observed),
        declared: declared(expected, &observed.templates),
    }
}

fn is_cluster_away(observed: &Observed) -> bool {
    let away = |error: Option<&ApiError>| error.is_some_and(ApiError::may_pass);
    let dry_run = observed.dry_run.as_ref().and_then(|run| run.as_ref().err());
    let mut templates = observed.templates.iter().map(|told| told.as_ref().err());
    away(observed.facts.as_ref().err()) || away(dry_run) || templates.any(away)
}

async fn ask_for_templates(
    api: &dyn WorkflowApi,
    expected: &Expectations,
    observed: &mut Observed,
) {
    for (template, _) in &expected.templates {
        observed.templates.push(api.template(template).await);
    }
    if observed.templates.contains(&Ok(None)) {
        // Only to be helpful: that they can't be listed is no finding.
        let names = api.template_names(expected.sample.template.kind).await;
        observed.names = names.unwrap_or_default();
    }
    // A template that may not be seen says nothing about what may be started.
    let first = observed.templates.first();
    if matches!(first, Some(Ok(Some(_)) | Err(ApiError::Forbidden { .. }))) {
        observed.dry_run = Some(api.submit(&expected.sample, true).await);
    }
}

fn declared(
    expected: &Expectations,
    templates: &[Result<Option<Template>, ApiError>],
) -> BTreeMap<String, BTreeSet<String>> {
    let mut declared = BTreeMap::new();
    for ((reference, _), told) in expected.templates.iter().zip(templates) {
        if let Ok(Some(template)) = told {
            let names = template.parameters.iter().map(|one| one.name.clone());
            declared.insert(reference.name.clone(), names.collect());
        }
    }
    declared
}
