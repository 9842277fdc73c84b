//! What Norgay asks of a place that runs workflows: one trait, with one implementation for the
//! argo-server's REST API and one for Kubernetes itself.
//!
//! An implementation repeats nothing on its own, apart from a request whose token was refused: the
//! fleet decides what is tried again and when. All calls may be made at the same time.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

/// A place that runs workflows, in one namespace.
#[async_trait]
pub trait WorkflowApi: Send + Sync {
    /// Who answers, and as whom we are known there; fails if we are not let in.
    async fn preflight(&self) -> Result<Facts, ApiError>;
    /// A template; `None` if there is none of this name.
    async fn template(&self, template: &TemplateRef) -> Result<Option<Template>, ApiError>;
    /// The names of the templates of this kind, to tell which one may have been meant; empty if
    /// that can't be told.
    async fn template_names(&self, _kind: TemplateKind) -> Result<Vec<String>, ApiError> {
        Ok(Vec::new())
    }
    /// Starts a workflow, or with `dry_run` only finds out whether it could be started.
    ///
    /// A name that is taken is [`ApiError::NameTaken`]: whose workflow that is has to be looked up.
    async fn submit(&self, submission: &Submission, dry_run: bool) -> Result<Workflow, ApiError>;
    /// A workflow with its failed steps; `None` if it is gone, also if another one took its name
    /// (`uid` given and another).
    async fn get(&self, name: &str, uid: Option<&str>) -> Result<Option<Workflow>, ApiError>;
    /// All workflows with these labels, without their steps. A list may be older than what was
    /// told before it: a workflow missing in it is not gone.
    async fn list(&self, labels: &Labels) -> Result<Vec<Workflow>, ApiError>;
    /// The workflows with these labels as they are now, and then each of their changes, without
    /// their steps. Ends, sooner or later, in an error or without one; then list and watch again.
    async fn watch(
        &self,
        labels: &Labels,
    ) -> Result<BoxStream<'static, Result<WatchEvent, ApiError>>, ApiError>;
    /// Ends a workflow; one that has ended already, or is gone, is no error.
    async fn shut_down(&self, name: &str, how: Shutdown) -> Result<(), ApiError>;
    /// Deletes a workflow with all its pods; one that is gone already is no error.
    async fn delete(&self, name: &str) -> Result<(), ApiError>;
    /// The last lines of what a workflow's main containers wrote, as far as their pods are there.
    async fn logs(&self, name: &str, lines: usize) -> Result<String, ApiError>;
}

/// Labels in the order in which they are written.
pub type Labels = Vec<(String, String)>;

/// Who answered a preflight, and as whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What answers and its version, such as `argo-server v4.1.2`.
    pub server: String,
    /// The user or service account as which we are known, if it is told.
    pub user: Option<String>,
    /// The time of the server at its answer, Unix milliseconds.
    pub server_time_ms: Option<i64>,
    /// What we may not do though Norgay has to, each as `verb resource`, if that can be told.
    pub missing_permissions: Vec<String>,
}

/// The kind of a template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum TemplateKind {
    /// Of the workflows' own namespace.
    #[default]
    WorkflowTemplate,
    /// Of the whole cluster.
    ClusterWorkflowTemplate,
}

impl TemplateKind {
    /// The kind's name in Argo.
    pub fn name(self) -> &'static str {
        match self {
            Self::WorkflowTemplate => "WorkflowTemplate",
            Self::ClusterWorkflowTemplate => "ClusterWorkflowTemplate",
        }
    }
}

/// Names a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRef {
    /// Its kind.
    pub kind: TemplateKind,
    /// Its name.
    pub name: String,
}

/// What a template says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// Names of the templates inside it that can be entrypoints.
    pub entrypoints: Vec<String>,
    /// The entrypoint if none is named.
    pub default_entrypoint: Option<String>,
    /// The parameters that it declares for the whole workflow, and whether each has a value.
    pub parameters: Vec<DeclaredParameter>,
    /// Which edition of the template it is (its uid and generation): edits change it.
    pub edition: String,
}

/// A parameter that a template declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredParameter {
    /// Its name.
    pub name: String,
    /// Whether it has a value or a default, so that it need not be sent.
    pub has_value: bool,
}

/// A workflow to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Its name; a name is used once.
    pub name: String,
    /// What it is made from.
    pub template: TemplateRef,
    /// The template inside it that starts; empty for the template's own choice.
    pub entrypoint: String,
    /// Values of its parameters, in order.
    pub parameters: Vec<(String, String)>,
    /// Its labels, in order.
    pub labels: Labels,
    /// The service account of its pods, if not the template's.
    pub service_account: Option<String>,
    /// Its priority among the workflows that wait.
    pub priority: Option<i32>,
    /// The seconds after which the cluster itself ends it, in case that nobody else does.
    pub deadline_s: Option<u64>,
}

/// What is known of a workflow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workflow {
    /// Its name.
    pub name: String,
    /// Which of all workflows that ever had this name.
    pub uid: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// How far it is.
    pub phase: Phase,
    /// What the cluster says about that.
    pub message: String,
    /// When it began to run, Unix milliseconds.
    pub started_ms: Option<i64>,
    /// When it ended, Unix milliseconds.
    pub finished_ms: Option<i64>,
    /// Whether it is being deleted: gone for our purposes.
    pub deleting: bool,
    /// Its pods that failed, in the order of their end; only [`WorkflowApi::get`] tells them.
    pub failed_pods: Vec<FailedPod>,
}

/// How far a workflow is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// The controller has not seen it.
    #[default]
    Unseen,
    /// It waits for its turn.
    Pending,
    /// It runs.
    Running,
    /// It ended well.
    Succeeded,
    /// A step failed, its deadline passed, or it was stopped.
    Failed,
    /// Argo or the cluster failed.
    Error,
    /// Something that this version of Norgay doesn't know.
    Unknown(String),
}

impl Phase {
    /// The phase of this name.
    pub fn parse(name: &str) -> Self {
        match name {
            "" => Self::Unseen,
            "Pending" => Self::Pending,
            "Running" => Self::Running,
            "Succeeded" => Self::Succeeded,
            "Failed" => Self::Failed,
            "Error" => Self::Error,
            other => Self::Unknown(other.to_string()),
        }
    }

    /// Whether nothing more will come.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Error)
    }
}

/// A pod that failed, as its workflow tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailedPod {
    /// The name of its step.
    pub step: String,
    /// Its phase, `Failed` or `Error`.
    pub phase: String,
    /// Why, in the cluster's words.
    pub message: String,
    /// The exit code of its main container, if it got that far.
    pub exit_code: Option<i32>,
}

/// A change of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEvent {
    /// It is there, or has changed.
    Seen(Workflow),
    /// It is gone.
    Gone(Workflow),
}

/// How to end a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Its exit handlers still run. One that waits for its turn ignores it.
    Stop,
    /// Nothing of it runs any more.
    Terminate,
}

/// A call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The token is missing, wrong or too old (401).
    #[error("{server} does not accept the token: {message}")]
    Unauthorized {
        /// Who refused.
        server: String,
        /// In its words.
        message: String,
    },
    /// We are known but may not do this (403).
    #[error("{server} does not allow it: {message}")]
    Forbidden {
        /// Who refused.
        server: String,
        /// In its words.
        message: String,
    },
    /// The name is taken (409).
    #[error("there is a workflow named {name} already")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// The request itself is wrong and would be so again (400, 404 of a namespace, 413, 422).
    #[error("{server} refuses it: {message}")]
    Invalid {
        /// Who refused.
        server: String,
        /// In its words.
        message: String,
    },
    /// Too many requests (429).
    #[error("{server} is asked too often")]
    Busy {
        /// Who refused.
        server: String,
        /// How long to wait, if it said so.
        retry_after: Option<Duration>,
    },
    /// No answer, or one that may be another the next time: whether the call had an effect is
    /// not known.
    #[error("{server} can't be reached: {message}")]
    Unavailable {
        /// Who did not answer.
        server: String,
        /// What happened.
        message: String,
    },
}

impl ApiError {
    /// Whether the same call may succeed later.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Unavailable { .. })
    }

    /// Whether nobody but the user can mend it: no call of ours will be let through.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Unauthorized { .. } | Self::Forbidden { .. })
    }
}
