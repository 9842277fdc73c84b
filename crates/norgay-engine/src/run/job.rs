//! Makes of a trial the job that a scheduler runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use norgay_core::expression::{ExpressionError, ParameterText, parse_parameter_text};
use norgay_core::random::{Purpose, Stream};
use norgay_core::study::Study;
use norgay_core::trial::Trial;
use norgay_core::{Configuration, Value};

use super::workflow_task::{ENTRYPOINT_CONTINUE, TEMPLATE_CONTINUE};
use crate::config::{
    CommandTemplate, Execution, ParameterFormat, SchedulerKind, Template, TrialPaths,
    WorkingFolder, check_with_dummy_trial, trial_parameters, value_text, workflow_parameters,
};
use crate::files::{Files, FilesError};
use crate::retention::trial_folder;
use crate::scheduler::{AttemptKey, Job};

/// A trial can't be turned into a job.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The parameter text.
    #[error("parameter text: {0}")]
    ParameterText(#[from] ExpressionError),
    /// No command.
    #[error("the study has no command: give one, or use `norgay ask` and `norgay tell`")]
    NoCommand,
    /// The output is not on this machine.
    #[error("{location}: the local scheduler needs an output folder on this machine")]
    NotLocal {
        /// The output location.
        location: String,
    },
    /// The parameters can't be written.
    #[error("the parameters of trial {trial} can't be written as JSON: {problem}")]
    Parameters {
        /// The trial.
        trial: u64,
        /// Why.
        problem: String,
    },
    /// A trial goes on from another one, but how is not said.
    #[error(
        "trial {trial} goes on from another one, but the parameter text has no '{key}': add \
         {TEMPLATE_CONTINUE} and {ENTRYPOINT_CONTINUE} to it, or choose an algorithm that starts \
         every trial anew"
    )]
    NoContinueKey {
        /// The trial.
        trial: u64,
        /// The key that is missing.
        key: &'static str,
    },
    /// A value that Argo would take for an expression.
    #[error(
        "parameter '{name}' of trial {trial} holds '{{{{', which Argo takes for the beginning of \
         an expression; write it another way"
    )]
    Braces {
        /// The trial.
        trial: u64,
        /// The parameter.
        name: String,
    },
    /// More than a workflow can carry.
    #[error(
        "the parameters of trial {trial} have {bytes} bytes, and a workflow carries {limit}; put \
         large ones into a file of the input path and send its name"
    )]
    TooLarge {
        /// The trial.
        trial: u64,
        /// Their size.
        bytes: usize,
        /// The most.
        limit: usize,
    },
}

/// Makes jobs of a study's trials.
pub struct JobMaker {
    run_name: String,
    execution: Execution,
    base: Files,
    /// The study's folder as trials are told it, with a slash at its end.
    place: String,
    /// The same on this machine; empty if it is not there.
    folder: PathBuf,
    input_path: String,
    command: CommandTemplate,
    text: Option<ParameterText>,
}

impl JobMaker {
    /// Checks all that can be checked before the first trial.
    ///
    /// # Errors
    /// No command, a wrong parameter text, an output that is not on this machine.
    pub fn new(
        run_name: &str,
        execution: &Execution,
        base: Files,
        study: &Study,
    ) -> Result<Self, JobError> {
        let is_local = execution.scheduler == SchedulerKind::Local;
        if is_local && execution.command.is_empty() {
            return Err(JobError::NoCommand);
        }
        let text = execution
            .parameter_text
            .as_deref()
            .map(parse_parameter_text)
            .transpose()?;
        if let Some(text) = &text {
            let definition = study.definition();
            let built = norgay_core::algorithms::build(&definition.algorithm, &definition.space);
            let added = built.map_or(Vec::new(), |algorithm| algorithm.bookkeeping());
            check_with_dummy_trial(&definition.space, &added, text)?;
        }
        let location = base.location().to_string();
        let place = format!("{}/", location.trim_end_matches('/'));
        let folder = match base.local_path("") {
            None if is_local => return Err(JobError::NotLocal { location }),
            folder => folder.unwrap_or_default(),
        };
        let input_path = execution
            .input_path
            .as_deref()
            .map(|input| local_text(input, &execution.study_folder))
            .unwrap_or_default();
        let command = CommandTemplate::parse(&with_absolute_files(execution));
        Ok(Self {
            run_name: run_name.to_string(),
            execution: execution.clone(),
            base,
            place,
            folder,
            input_path,
            command,
            text,
        })
    }

    /// The files of the study.
    pub fn base(&self) -> &Files {
        &self.base
    }

    /// Name of the metrics file, if trials write one.
    pub fn metrics_file(&self) -> Option<&str> {
        self.execution.metrics_file.as_deref()
    }

    /// Deletes the metrics that an earlier attempt left, lest they pass for those of the next.
    pub fn forget_metrics(&self, trial: &Trial) -> Result<(), FilesError> {
        match self.metrics_file() {
            Some(file) => self
                .base
                .delete_file(&format!("{}/{file}", trial_folder(trial))),
            None => Ok(()),
        }
    }

    /// What a trial is given, by name.
    pub fn parameters(
        &self,
        study_space: &norgay_core::Space,
        trial: &Trial,
    ) -> Result<Vec<(String, Value)>, JobError> {
        let (configuration, text) = (&trial.configuration, self.text.as_ref());
        self.with_paths(trial, |paths| {
            trial_parameters(study_space, configuration, text, paths)
        })
    }

    /// What a trial's workflow is given, by name.
    pub(super) fn workflow_parameters(
        &self,
        study_space: &norgay_core::Space,
        trial: &Trial,
    ) -> Result<Vec<(String, Value)>, JobError> {
        let (configuration, text) = (&trial.configuration, self.text.as_ref());
        self.with_paths(trial, |paths| {
            workflow_parameters(study_space, configuration, text, paths)
        })
    }

    fn with_paths<T>(
        &self,
        trial: &Trial,
        make: impl FnOnce(&TrialPaths<'_>) -> Result<T, ExpressionError>,
    ) -> Result<T, JobError> {
        let source = source(trial);
        let model_input_path = source.map(|parent| format!("{}{parent}/", self.place));
        Ok(make(&TrialPaths {
            run_name: &self.run_name,
            input_path: &self.input_path,
            output_path: &self.output_path(trial),
            model_input_path: &model_input_path.unwrap_or_default(),
        })?)
    }

    /// The trial's own folder as trials are told it, with a slash at its end.
    pub(super) fn output_path(&self, trial: &Trial) -> String {
        format!("{}{}/", self.place, trial_folder(trial))
    }

    /// How values are written.
    pub(super) fn parameter_format(&self) -> ParameterFormat {
        self.execution.parameter_format
    }

    /// Where an attempt's records and logs are.
    pub fn record_folder(base: &Path, key: AttemptKey) -> PathBuf {
        base.join("jobs")
            .join(format!("trial_{}", key.trial))
            .join(format!("attempt_{}", key.attempt))
    }

    /// The job of a trial's latest attempt.
    pub fn make(&self, study: &Study, trial: &Trial) -> Result<Job, JobError> {
        let key = AttemptKey {
            trial: trial.number,
            attempt: trial.attempt(),
        };
        if self.execution.scheduler == SchedulerKind::Argo {
            return Ok(Job {
                workflow: Some(self.workflow_task(study, trial)?),
                ..self.empty_job(key)
            });
        }
        let space = &study.definition().space;
        let parameters = self.parameters(space, trial)?;
        let record_folder = Self::record_folder(&self.folder, key);
        let trial_path = self.folder.join(trial_folder(trial));
        let parameters_file = record_folder.join("params.json");
        let granted =
            trial.configuration.get("resource").is_some() && space.get("resource").is_none();
        let lookup = |name: &str| -> Option<String> {
            let text = match name {
                "trial_id" => trial.number.to_string(),
                "attempt" => key.attempt.to_string(),
                "output_dir" => trial_path.display().to_string(),
                "params" => parameters_file.display().to_string(),
                // The scheduler knows the slot.
                "resource" if self.execution.resources.is_some() || !granted => {
                    "{resource}".to_string()
                }
                name => {
                    let found = parameters.iter().find(|(known, _)| known == name);
                    return found
                        .map(|(_, value)| value_text(value, self.execution.parameter_format));
                }
            };
            Some(text)
        };
        let environment = self.environment(study, trial, &trial_path, &parameters_file, &lookup);
        Ok(Job {
            key,
            command: self.command.render(&lookup),
            environment,
            working_folder: match &self.execution.working_folder {
                WorkingFolder::Trial => trial_path.clone(),
                WorkingFolder::Study => self.execution.study_folder.clone(),
                WorkingFolder::Path(path) => self.execution.study_folder.join(path),
            },
            record_folder,
            parameters_json: parameters_json(trial.number, parameters)?,
            ..self.empty_job(key)
        })
    }

    /// A job with the study's limits and nothing to do.
    fn empty_job(&self, key: AttemptKey) -> Job {
        Job {
            key,
            command: Vec::new(),
            environment: BTreeMap::new(),
            working_folder: PathBuf::new(),
            record_folder: PathBuf::new(),
            parameters_json: String::new(),
            time_limit: self.execution.time_limit_ms.map(Duration::from_millis),
            memory_limit_bytes: self.execution.memory_limit_bytes,
            grace: Duration::from_millis(self.execution.grace_ms),
            workflow: None,
        }
    }

    fn environment(
        &self,
        study: &Study,
        trial: &Trial,
        trial_path: &Path,
        parameters_file: &Path,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> BTreeMap<String, String> {
        // Users' own variables come last: they win.
        let mut seed = Stream::new(study.definition().seed, trial.number, Purpose::TrialSeed);
        let study_folder = self.execution.study_folder.display().to_string();
        let mut environment = BTreeMap::from([
            ("NORGAY_STUDY".to_string(), self.run_name.clone()),
            ("NORGAY_STUDY_DIR".into(), study_folder.clone()),
            ("NORGAY_TRIAL_ID".into(), trial.number.to_string()),
            ("NORGAY_ATTEMPT".into(), trial.attempt().to_string()),
            ("NORGAY_OUTPUT_DIR".into(), trial_path.display().to_string()),
            ("NORGAY_INPUT_DIR".into(), self.input_path.clone()),
            (
                "NORGAY_PARAMS".into(),
                parameters_file.display().to_string(),
            ),
            ("NORGAY_SEED".into(), seed.below(1 << 31).to_string()),
            ("SHERPA_TRIAL_ID".into(), trial.number.to_string()),
            (
                "SHERPA_OUTPUT_DIR".into(),
                self.folder.display().to_string(),
            ),
        ]);
        if let Ok(program) = std::env::current_exe() {
            environment.insert("NORGAY".into(), program.display().to_string());
        }
        if self.execution.working_folder != WorkingFolder::Study {
            // Modules beside the script are found although the trial runs in its own folder.
            let inherited = std::env::var("PYTHONPATH").unwrap_or_default();
            let separator = if inherited.is_empty() { "" } else { ":" };
            let path = format!("{study_folder}{separator}{inherited}");
            environment.insert("PYTHONPATH".into(), path);
        }
        for (name, value) in &self.execution.environment {
            if let Some(value) = Template::parse(value).render(lookup) {
                environment.insert(name.clone(), value);
            }
        }
        environment
    }
}

/// The folder that a trial goes on from.
pub(super) fn source(trial: &Trial) -> Option<String> {
    let source = trial.configuration.get("load_from")?;
    let name = value_text(source, ParameterFormat::Python);
    Some(name).filter(|name| !name.is_empty() && *source != Value::None)
}

fn parameters_json(trial: u64, parameters: Vec<(String, Value)>) -> Result<String, JobError> {
    let map: Configuration = parameters
        .into_iter()
        .map(|(name, value)| (name.into(), value))
        .collect();
    serde_json::to_string_pretty(&map).map_err(|error| JobError::Parameters {
        trial,
        problem: error.to_string(),
    })
}

/// The command with every argument that names a file of the study's folder made absolute, since
/// trials run in folders of their own.
fn with_absolute_files(execution: &Execution) -> Vec<String> {
    let absolute = |argument: &String| {
        let plain = !argument.is_empty()
            && !argument.contains('{')
            && !argument.starts_with('-')
            && Path::new(argument).is_relative();
        let file = execution.study_folder.join(argument);
        if plain && file.is_file() {
            file.display().to_string()
        } else {
            argument.clone()
        }
    };
    execution.command.iter().map(absolute).collect()
}

/// A location as trials are given it: an absolute path where it is a folder of this machine.
fn local_text(location: &str, relative_to: &Path) -> String {
    match Files::open(location, relative_to)
        .ok()
        .and_then(|files| files.local_path(""))
    {
        Some(path) => format!("{}/", path.display()),
        None => location.to_string(),
    }
}
