//! How a study's trials are run as Argo Workflows.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::scheduler::argo::api::TemplateKind;

/// Where and as what the workflows of a study run; stored in the study's log, so no secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArgoSettings {
    /// By which way workflows are started.
    pub route: Route,
    /// URL of the argo-server, which may have a path; empty if none was given.
    pub url: String,
    /// Namespace of the workflows; empty if none was given.
    pub namespace: String,
    /// File that holds the token, read again whenever the token is refused.
    pub token_file: Option<PathBuf>,
    /// File of the certificate authorities to trust, PEM.
    pub ca_file: Option<PathBuf>,
    /// Whether anybody may pass for the argo-server.
    pub insecure: bool,
    /// Name of a trial's template.
    pub template: String,
    /// Kind of the template.
    pub template_kind: TemplateKind,
    /// The template inside it that starts; empty for the template's own choice.
    pub entrypoint: String,
    /// Service account of the pods, if not the template's.
    pub service_account: Option<String>,
    /// Priority of the workflows.
    pub priority: Option<i32>,
    /// Most workflows started in a second.
    pub submit_rate: f64,
    /// Which ended workflows stay in the cluster.
    pub keep_workflows: KeepWorkflows,
    /// Time between two looks at the intermediate values of a trial, in milliseconds.
    pub metrics_interval_ms: u64,
}

impl Default for ArgoSettings {
    fn default() -> Self {
        Self {
            route: Route::Server,
            url: String::new(),
            namespace: String::new(),
            token_file: None,
            ca_file: None,
            insecure: false,
            template: String::new(),
            template_kind: TemplateKind::WorkflowTemplate,
            entrypoint: String::new(),
            service_account: None,
            priority: None,
            submit_rate: 5.0,
            keep_workflows: KeepWorkflows::Failed,
            metrics_interval_ms: 10_000,
        }
    }
}

/// By which way workflows are started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Route {
    /// The argo-server's REST API.
    #[default]
    Server,
    /// The Kubernetes API.
    Kubernetes,
}

/// Which ended workflows stay in the cluster once their results are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeepWorkflows {
    /// All.
    All,
    /// Those that failed, for whoever wants to know why.
    #[default]
    Failed,
    /// None.
    None,
}
