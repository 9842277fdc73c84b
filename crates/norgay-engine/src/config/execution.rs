//! How a study's trials are run: everything that is not the study's own definition.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::argo::ArgoSettings;
use crate::files::{Files, FilesError};

/// How a study's trials are run; stored in the study's log as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Execution {
    /// Where trials run.
    pub scheduler: SchedulerKind,
    /// How trials become Argo Workflows, if they do.
    pub argo: Option<ArgoSettings>,
    /// Program and arguments of a trial with `{name}` placeholders; empty for ask and tell.
    pub command: Vec<String>,
    /// Most trials at once.
    pub max_concurrent: usize,
    /// The reference's parameter text, evaluated for every trial.
    pub parameter_text: Option<String>,
    /// How values are written into commands.
    pub parameter_format: ParameterFormat,
    /// Folder of input files: a path or URL.
    pub input_path: Option<String>,
    /// Folder under which the study's own folder lies: a path or URL.
    pub output_path: String,
    /// The metrics file in a trial's output folder.
    pub metrics_file: Option<String>,
    /// Regular expression with named groups that finds metrics in lines of standard output.
    pub stdout_pattern: Option<String>,
    /// Slots such as GPU numbers; each running trial holds one of its own.
    pub resources: Option<Vec<String>>,
    /// Longest run time of an attempt, in milliseconds.
    pub time_limit_ms: Option<u64>,
    /// Most memory of an attempt's processes, in bytes.
    pub memory_limit_bytes: Option<u64>,
    /// Time between SIGTERM and SIGKILL, in milliseconds.
    pub grace_ms: u64,
    /// Variables for the trials, with placeholders.
    pub environment: BTreeMap<String, String>,
    /// Where commands run.
    pub working_folder: WorkingFolder,
    /// What becomes of trials' files.
    pub storage_strategy: StorageStrategy,
    /// Keeps the files of failed trials whatever the strategy.
    pub keep_failed: bool,
    /// Writes numbers as numbers into `best_result.json`, not as text.
    pub typed_best_result: bool,
    /// Also writes `results.csv` and `config.pkl`, as the reference's library names them.
    pub library_file_names: bool,
    /// Folder of the study file, or where `norgay run` was started: relative paths start here.
    pub study_folder: PathBuf,
}

impl Execution {
    /// The folder under which each study has one of its own, named as the study.
    ///
    /// # Errors
    /// It is no location that can be used.
    pub fn output(&self) -> Result<Files, FilesError> {
        Files::open(&self.output_path, &self.study_folder)
    }
}

impl Default for Execution {
    fn default() -> Self {
        Self {
            scheduler: SchedulerKind::Local,
            argo: None,
            command: Vec::new(),
            max_concurrent: 1,
            parameter_text: None,
            parameter_format: ParameterFormat::Python,
            input_path: None,
            output_path: "output".into(),
            metrics_file: None,
            stdout_pattern: None,
            resources: None,
            time_limit_ms: None,
            memory_limit_bytes: None,
            grace_ms: 10_000,
            environment: BTreeMap::new(),
            working_folder: WorkingFolder::Trial,
            storage_strategy: StorageStrategy::Keep,
            keep_failed: false,
            typed_best_result: false,
            library_file_names: false,
            study_folder: PathBuf::new(),
        }
    }
}

/// Where trials run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SchedulerKind {
    /// Processes of this machine.
    #[default]
    Local,
    /// Argo Workflows on Kubernetes.
    Argo,
}

/// How values are written into commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterFormat {
    /// Python's text form: `True`, `None`, `1e-05`.
    #[default]
    Python,
    /// JSON.
    Json,
}

/// Where a trial's command runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkingFolder {
    /// In the trial's own output folder.
    #[default]
    Trial,
    /// In the study's folder.
    Study,
    /// In this folder.
    Path(PathBuf),
}

/// What becomes of trials' files once their results are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StorageStrategy {
    /// All are kept (but those of failed trials).
    #[default]
    Keep,
    /// None is kept.
    Delete,
    /// Only those of the best trial so far are kept.
    Best,
    /// Only those that another trial may go on from are kept.
    Continue,
}
