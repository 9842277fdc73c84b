//! What is inside the record files. A stored format: fields may be added, never change meaning.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::scheduler::{EndedBy, Exit};

/// `job.json`: what the supervisor is to run, ready to use (slot and variables filled in).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct JobRecord {
    pub(super) trial: u64,
    pub(super) attempt: u32,
    /// Value of `NORGAY_ATTEMPT_ID`, by which processes of this attempt are known.
    pub(super) attempt_id: String,
    pub(super) command: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) working_folder: PathBuf,
    pub(super) resource: Option<String>,
    pub(super) time_limit_ms: Option<u64>,
    pub(super) memory_limit_bytes: Option<u64>,
    pub(super) grace_ms: u64,
}

impl JobRecord {
    pub(super) fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }

    pub(super) fn time_limit(&self) -> Option<Duration> {
        self.time_limit_ms.map(Duration::from_millis)
    }
}

/// `started.json`: which processes the attempt consists of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct StartedRecord {
    pub(super) supervisor: ProcessIdentity,
    /// The command's main process, whose number is that of the process group.
    pub(super) leader: ProcessIdentity,
    /// Names the run of the machine: process numbers mean nothing in another.
    pub(super) boot_id: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) started_at: String,
}

/// A process, safe against the reuse of its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProcessIdentity {
    pub(super) pid: i32,
    /// Start time in clock ticks after boot; `None` where the system does not tell.
    pub(super) start_ticks: Option<u64>,
}

/// `exit.json`: how the attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ExitRecord {
    pub(super) exit: RecordedExit,
    pub(super) ended_by: Option<RecordedCause>,
    /// What the supervisor has to say about it.
    pub(super) message: Option<String>,
    pub(super) ended_at: String,
}

/// [`Exit`] as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RecordedExit {
    Code(i32),
    Signal(i32),
    NotStarted,
    Unknown,
}

impl From<RecordedExit> for Exit {
    fn from(exit: RecordedExit) -> Self {
        match exit {
            RecordedExit::Code(code) => Self::Code(code),
            RecordedExit::Signal(signal) => Self::Signal(signal),
            RecordedExit::NotStarted => Self::NotStarted,
            RecordedExit::Unknown => Self::Unknown,
        }
    }
}

/// [`EndedBy`] as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RecordedCause {
    StopRequest,
    TimeLimit,
    MemoryLimit,
}

impl From<RecordedCause> for EndedBy {
    fn from(cause: RecordedCause) -> Self {
        match cause {
            RecordedCause::StopRequest => Self::StopRequest,
            RecordedCause::TimeLimit => Self::TimeLimit,
            RecordedCause::MemoryLimit => Self::MemoryLimit,
        }
    }
}

impl ExitRecord {
    /// An end noted now, without a cause of ours.
    pub(super) fn now(exit: RecordedExit, message: Option<String>) -> Self {
        Self {
            exit,
            ended_by: None,
            message,
            ended_at: jiff::Timestamp::now().to_string(),
        }
    }
}
