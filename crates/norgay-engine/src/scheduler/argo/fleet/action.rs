//! What the fleet wants done, and what it is told of the outcome.

use crate::files::Seen;
use crate::scheduler::argo::api::{ApiError, Shutdown, Submission, WatchEvent, Workflow};
use crate::scheduler::{AttemptKey, ResultFile};

/// Something to do. Actions don't wait for each other.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Delete the metrics file that another attempt may have left.
    Forget {
        /// For this attempt.
        key: AttemptKey,
        /// The file, in the study's folder.
        path: String,
    },
    /// Start a workflow.
    Submit {
        /// Of this attempt.
        key: AttemptKey,
        /// The workflow.
        submission: Box<Submission>,
    },
    /// Look whether a workflow is there.
    Inspect {
        /// Of this attempt.
        key: AttemptKey,
        /// Its name.
        name: String,
        /// Its uid, if it is known.
        uid: Option<String>,
    },
    /// Look why a workflow failed.
    Explain {
        /// Of this attempt.
        key: AttemptKey,
        /// Its name.
        name: String,
        /// Its uid, if it is known.
        uid: Option<String>,
    },
    /// End a workflow.
    ShutDown {
        /// Of this attempt.
        key: AttemptKey,
        /// Its name.
        name: String,
        /// How.
        how: Shutdown,
    },
    /// Delete a workflow.
    Delete {
        /// Its name.
        name: String,
    },
    /// List all workflows of the study.
    List,
    /// Read the intermediate values of an attempt.
    ReadReports {
        /// Of this attempt.
        key: AttemptKey,
        /// The file, in the study's folder.
        path: String,
        /// The edition that is known already.
        etag: Option<String>,
    },
    /// Read the final metrics of an attempt: the first of these files that is there.
    ReadResult {
        /// Of this attempt.
        key: AttemptKey,
        /// Files in the study's folder, and whether each is a `result.json`.
        paths: Vec<(String, bool)>,
    },
}

/// An outcome of an action, or news of the watch.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// Of [`Action::Forget`].
    Forgotten(AttemptKey, Result<(), String>),
    /// Of [`Action::Submit`].
    Submitted(AttemptKey, Result<Workflow, ApiError>),
    /// Of [`Action::Inspect`].
    Inspected(AttemptKey, Result<Option<Workflow>, ApiError>),
    /// Of [`Action::Explain`].
    Explained(AttemptKey, Result<Explanation, ApiError>),
    /// Of [`Action::ShutDown`].
    ShutDown(AttemptKey, Shutdown, Result<(), ApiError>),
    /// Of [`Action::Delete`].
    Deleted(String, Result<(), ApiError>),
    /// Of [`Action::List`].
    Listed(Result<Vec<Workflow>, ApiError>),
    /// Of [`Action::ReadReports`].
    ReportsRead(AttemptKey, Result<Seen, String>),
    /// Of [`Action::ReadResult`]; its content is no error here.
    ResultRead(AttemptKey, Result<ResultFile, String>),
    /// A change that the watch tells of.
    Watched(WatchEvent),
    /// The watch has begun, or has ended with this reason.
    WatchState(Result<(), ApiError>),
}

/// Why a workflow failed: itself with its failed pods, and their last lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// The workflow; `None` if it is gone meanwhile.
    pub workflow: Option<Workflow>,
    /// The last lines of its pods.
    pub logs: String,
}
