//! A trial as a workflow: its template, and its parameters as `key=value`.

use norgay_core::Value;
use norgay_core::random::{Purpose, Stream};
use norgay_core::study::Study;
use norgay_core::trial::Trial;

use super::job::{JobError, JobMaker, source};
use crate::config::value_text;
use crate::retention::trial_folder;
use crate::scheduler::WorkflowTask;

/// Key of the parameter text that names the template of continued trials.
pub const TEMPLATE_CONTINUE: &str = "WorkflowTemplateContinue";
/// Key of the parameter text that names the entrypoint of continued trials.
pub const ENTRYPOINT_CONTINUE: &str = "EntrypointContinue";
/// Most bytes of all parameters of a workflow together: more does not fit its object in the
/// cluster once Argo has copied them into its steps.
const MOST_BYTES: usize = 64 * 1024;

impl JobMaker {
    /// The workflow of a trial's latest attempt.
    pub(super) fn workflow_task(
        &self,
        study: &Study,
        trial: &Trial,
    ) -> Result<WorkflowTask, JobError> {
        let space = &study.definition().space;
        let given = self.workflow_parameters(space, trial)?;
        let (template, entrypoint) = if source(trial).is_some() {
            (
                Some(continue_key(trial, &given, TEMPLATE_CONTINUE)?),
                Some(continue_key(trial, &given, ENTRYPOINT_CONTINUE)?),
            )
        } else {
            (None, None)
        };
        let parameters = self.texts(&given);
        let optional = self.optional(study, trial)?;
        check(trial, parameters.iter().chain(&optional))?;
        Ok(WorkflowTask {
            template,
            entrypoint,
            parameters,
            optional,
            folder: trial_folder(trial),
            metrics_file: self.metrics_file().map(str::to_string),
            may_be_stale: trial.attempt() > 1 || trial.configuration.get("save_to").is_some(),
        })
    }

    fn texts(&self, given: &[(String, Value)]) -> Vec<(String, String)> {
        let text = |value: &Value| value_text(value, self.parameter_format());
        given
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect()
    }

    /// What only templates made for Norgay declare.
    fn optional(&self, study: &Study, trial: &Trial) -> Result<Vec<(String, String)>, JobError> {
        let entries = trial.configuration.entries().iter();
        let hyperparameters: Vec<(String, Value)> = entries
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect();
        let json =
            serde_json::to_string(&trial.configuration).map_err(|error| JobError::Parameters {
                trial: trial.number,
                problem: error.to_string(),
            })?;
        let mut seed = Stream::new(study.definition().seed, trial.number, Purpose::TrialSeed);
        let metrics_path = format!("{}{}/", self.output_path(trial), trial.attempt());
        let mut optional = self.texts(&hyperparameters);
        optional.extend([
            ("norgay_params".to_string(), json),
            ("norgay_trial".into(), trial.number.to_string()),
            ("norgay_attempt".into(), trial.attempt().to_string()),
            ("norgay_seed".into(), seed.below(1 << 31).to_string()),
            ("norgay_metrics_path".into(), metrics_path),
        ]);
        Ok(optional)
    }
}

/// Template or entrypoint of a trial that goes on from another one (CS-97).
fn continue_key(
    trial: &Trial,
    given: &[(String, Value)],
    key: &'static str,
) -> Result<String, JobError> {
    let value = given.iter().find(|(name, _)| name == key);
    match value.and_then(|(_, value)| value.as_text()) {
        Some(text) if !text.is_empty() => Ok(text.to_string()),
        _ => Err(JobError::NoContinueKey {
            trial: trial.number,
            key,
        }),
    }
}

/// Argo would take `{{` for the beginning of an expression of its own.
fn check<'a>(
    trial: &Trial,
    parameters: impl Iterator<Item = &'a (String, String)>,
) -> Result<(), JobError> {
    let trial = trial.number;
    let mut bytes = 0;
    for (name, value) in parameters {
        if value.contains("{{") {
            let name = name.clone();
            return Err(JobError::Braces { trial, name });
        }
        bytes += name.len() + value.len() + 1;
    }
    if bytes > MOST_BYTES {
        return Err(JobError::TooLarge {
            trial,
            bytes,
            limit: MOST_BYTES,
        });
    }
    Ok(())
}
