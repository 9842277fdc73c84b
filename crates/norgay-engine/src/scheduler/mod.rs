//! Where attempts run: the trait that every scheduler fulfils, and what travels across it.

pub mod argo;
pub mod bucket_report;
pub mod local;
pub(crate) mod report_line;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use norgay_core::Value;

/// Names one try at running a trial; the scheduler starts it at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptKey {
    /// The trial's number, from 1.
    pub trial: u64,
    /// The attempt's number within the trial, from 1.
    pub attempt: u32,
}

/// One attempt to start: everything that the scheduler needs, nothing that it has to look up.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Which attempt this is.
    pub key: AttemptKey,
    /// Program and arguments; `{resource}` in them stands for the slot that the attempt gets.
    pub command: Vec<String>,
    /// Variables set for the attempt, over the inherited ones; `{resource}` as in `command`.
    pub environment: BTreeMap<String, String>,
    /// Folder in which the command runs; created if absent.
    pub working_folder: PathBuf,
    /// Folder of the attempt's own records and logs; created if absent.
    pub record_folder: PathBuf,
    /// Text of the parameters file (`NORGAY_PARAMS`), JSON.
    pub parameters_json: String,
    /// Longest run time.
    pub time_limit: Option<Duration>,
    /// Most resident memory of the whole process group, in bytes.
    pub memory_limit_bytes: Option<u64>,
    /// Time between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// What runs in place of the command where trials are workflows.
    pub workflow: Option<WorkflowTask>,
}

/// A trial as a workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkflowTask {
    /// Name of the template, if not the study's own: that of continued trials.
    pub template: Option<String>,
    /// The template inside it that starts, if not the study's own.
    pub entrypoint: Option<String>,
    /// Parameters that are always sent, in order.
    pub parameters: Vec<(String, String)>,
    /// Parameters that are sent if the template declares them.
    pub optional: Vec<(String, String)>,
    /// The trial's folder in the study's.
    pub folder: String,
    /// The metrics file in that folder.
    pub metrics_file: Option<String>,
    /// Whether another trial or attempt may have left its metrics in that folder.
    pub may_be_stale: bool,
}

/// Something that a scheduler has to tell about an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Which attempt.
    pub key: AttemptKey,
    /// What happened.
    pub change: Change,
}

/// What happened to an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The attempt reported metrics at a step; the engine drops what it knows already.
    Reported {
        /// The step; `None` means one more than the attempt's last.
        step: Option<u64>,
        /// Metrics by name, in the order of the report.
        metrics: Vec<(String, Value)>,
    },
    /// A report that could not be read; told to the user, the attempt goes on.
    BadReport {
        /// What is wrong with it and where.
        message: String,
    },
    /// The attempt's process is gone; no further notice of this attempt follows.
    Ended(JobEnd),
}

/// How an attempt's process ended.
#[derive(Clone, Debug, PartialEq)]
pub struct JobEnd {
    /// Exit code or signal, or that nobody knows.
    pub exit: Exit,
    /// Why the scheduler itself ended it, if it did.
    pub ended_by: Option<EndedBy>,
    /// The last lines of standard error (of standard output if that is empty), and after them, on
    /// a line that begins with `norgay: `, what the scheduler has to say about the end.
    pub log_tail: String,
    /// The file of final metrics, where the scheduler has fetched it already.
    pub result: Option<ResultFile>,
}

/// A file of final metrics, or that there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultFile {
    /// Its path in the study's folder.
    pub path: String,
    /// Whether it is Norgay's `result.json`, not a plain metrics file.
    pub is_envelope: bool,
    /// Its content; `None` if there is no such file, an error if it can't be read.
    pub content: Result<Option<Vec<u8>>, String>,
}

/// A process's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
    /// It could not be started: program missing or not executable (see the log tail). Also if it
    /// was stopped before it started, which [`JobEnd::ended_by`] tells.
    NotStarted,
    /// It vanished without a record (machine restarted, supervisor killed).
    Unknown,
}

/// Why the scheduler ended an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// [`Scheduler::stop`] or [`Scheduler::kill`] was called. A SIGTERM that came from elsewhere
    /// (the machine shuts down) is none of that: it shows as [`Exit::Signal`] without a cause.
    StopRequest,
    /// The time limit passed.
    TimeLimit,
    /// The memory limit was passed, or the kernel's out-of-memory killer struck.
    MemoryLimit,
    /// The machine was taken away: pre-empted, drained, evicted.
    PreEmption,
    /// The place where it was to run failed.
    Platform,
    /// Somebody stopped it without asking Norgay.
    Elsewhere,
}

/// What a restarted engine found of an attempt that its log says was started.
#[derive(Clone, Debug, PartialEq)]
pub enum Adoption {
    /// It still runs, or ended while nobody watched: notices follow from `poll`. An attempt that is
    /// gone without a record, but has left reports that nobody has read, is adopted too: its
    /// reports follow, then an end of [`Exit::Unknown`].
    Adopted,
    /// The scheduler has not started it and, unless asked again, never will: it is safe to start.
    NeverStarted,
    /// It is gone without a record or a report, and anything left of it has been killed; no notice
    /// follows.
    Lost,
}

/// A scheduler could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SchedulerError {
    /// What failed and what to do about it.
    pub message: String,
}

/// What a scheduler has to tell since it was asked last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct News {
    /// What happened to attempts; an attempt's reports always come before its end.
    pub notices: Vec<Notice>,
    /// What the user should know of the place itself.
    pub messages: Vec<String>,
}

/// A place where attempts run. Calls return at once; news arrive through [`Scheduler::poll`].
pub trait Scheduler {
    /// Whether another attempt can start now (a slot is free).
    fn has_room(&self) -> bool;
    /// Starts an attempt. Calling it again with the same key starts nothing.
    fn start(&mut self, job: &Job) -> Result<(), SchedulerError>;
    /// Takes over an attempt that an earlier engine process started.
    fn adopt(&mut self, job: &Job) -> Result<Adoption, SchedulerError>;
    /// What happened since the last call. With this call the notices of the last one count as
    /// stored: what is left of attempts that they told ended may be cleaned away.
    ///
    /// # Errors
    /// Nothing can be started or watched any more until the user has mended something. Running
    /// attempts go on.
    fn poll(&mut self) -> Result<News, SchedulerError>;
    /// Asks an attempt to end: SIGTERM, the grace period, SIGKILL of its whole group.
    fn stop(&mut self, key: AttemptKey);
    /// Ends an attempt at once.
    fn kill(&mut self, key: AttemptKey);
    /// How long the engine may wait between two polls while attempts run.
    fn pace(&self) -> Duration;
    /// Whether all that was left of ended attempts is cleaned away.
    fn is_settled(&self) -> bool;
}
