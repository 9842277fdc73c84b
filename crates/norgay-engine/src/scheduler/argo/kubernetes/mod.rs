//! Workflows through the Kubernetes API itself, for clusters without an argo-server.
//!
//! Nobody there understands workflows: what the argo-server would check or read out for us is
//! done here.

mod connection;
mod create;
mod errors;
mod lists;
mod logs;
mod preflight;
mod source;
mod watch;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use kube::api::{DeleteParams, GetParams, Patch, PatchParams, PostParams};
use kube::core::Request;
use serde_json::json;

use self::connection::Connection;
use self::errors::Answer;
pub use self::source::ConnectError;
use self::source::Source;
use super::api::{
    ApiError, Facts, Labels, Shutdown, Submission, Template, TemplateKind, TemplateRef, WatchEvent,
    Workflow, WorkflowApi,
};
use super::wire::{TemplateObject, WorkflowObject, workflow_with_pods};
use crate::config::ArgoSettings;

/// Variable with the instance id of the controller that is to run our workflows. It is needed
/// only where several controllers share a namespace; without the right one, nothing ever runs.
pub const INSTANCE_ID_VARIABLE: &str = "NORGAY_ARGO_INSTANCE_ID";

/// Workflows of one namespace, through the Kubernetes API.
pub struct KubernetesWorkflows {
    connection: Arc<Connection>,
    template_kind: TemplateKind,
    instance_id: Option<String>,
}

impl KubernetesWorkflows {
    /// Finds the cluster: that of `KUBECONFIG` if it is set, else the one around this process,
    /// else that of `~/.kube/config`. Asks it nothing yet.
    pub async fn connect(settings: &ArgoSettings) -> Result<Self, ConnectError> {
        let instance_id = std::env::var(INSTANCE_ID_VARIABLE).ok();
        Ok(Self::from_source(Source::from_environment(), settings)
            .await?
            .instance(instance_id))
    }

    /// The cluster of this kubeconfig's current context.
    pub async fn from_kubeconfig(
        path: &Path,
        settings: &ArgoSettings,
    ) -> Result<Self, ConnectError> {
        Self::from_source(Source::Kubeconfig(Some(path.to_path_buf())), settings).await
    }

    async fn from_source(source: Source, settings: &ArgoSettings) -> Result<Self, ConnectError> {
        Ok(Self {
            connection: Arc::new(Connection::open(source, settings).await?),
            template_kind: settings.template_kind,
            instance_id: None,
        })
    }

    /// Lets the controller of this instance id run the workflows.
    #[must_use]
    pub fn instance(self, id: Option<String>) -> Self {
        let instance_id = id.filter(|id| !id.is_empty());
        Self {
            instance_id,
            ..self
        }
    }

    /// The namespace in which the workflows are.
    pub fn namespace(&self) -> &str {
        &self.connection.namespace
    }

    fn workflows(&self) -> Request {
        self.argo("workflows")
    }

    fn argo(&self, resource: &str) -> Request {
        let namespace = self.namespace();
        Request::new(format!(
            "/apis/argoproj.io/v1alpha1/namespaces/{namespace}/{resource}"
        ))
    }

    fn templates(&self, kind: TemplateKind) -> Request {
        match kind {
            TemplateKind::WorkflowTemplate => self.argo("workflowtemplates"),
            TemplateKind::ClusterWorkflowTemplate => {
                Request::new("/apis/argoproj.io/v1alpha1/clusterworkflowtemplates")
            }
        }
    }

    async fn template_object(
        &self,
        template: &TemplateRef,
    ) -> Result<Option<TemplateObject>, ApiError> {
        let request = self.templates(template.kind);
        let request = request.get(&template.name, &GetParams::default());
        let answer = self.connection.call(request).await?;
        if answer.is_absent() {
            return Ok(None);
        }
        self.read(&self.accepted(answer, "")?).map(Some)
    }

    /// Says what the argo-server would say to this submission, which nobody says here: a workflow
    /// that makes no sense would be taken and fail some seconds later.
    async fn check(&self, submission: &Submission) -> Result<(), ApiError> {
        let TemplateRef { kind, name } = &submission.template;
        let problems = match self.template_object(&submission.template).await? {
            None => vec![format!("there is no {} named {name}", kind.name())],
            Some(template) => create::problems(submission, &template.spec),
        };
        if problems.is_empty() {
            return Ok(());
        }
        Err(ApiError::Invalid {
            server: self.connection.server.clone(),
            message: problems.join("; "),
        })
    }

    fn accepted(&self, answer: Answer, name: &str) -> Result<Answer, ApiError> {
        if answer.is_success() {
            return Ok(answer);
        }
        Err(errors::refusal(&self.connection.server, name, &answer))
    }

    fn read<T: serde::de::DeserializeOwned>(&self, answer: &Answer) -> Result<T, ApiError> {
        serde_json::from_slice(&answer.body).map_err(|error| self.unreadable(&error))
    }

    fn unreadable(&self, error: &serde_json::Error) -> ApiError {
        errors::unreadable(&self.connection.server, error)
    }
}

#[async_trait]
impl WorkflowApi for KubernetesWorkflows {
    async fn preflight(&self) -> Result<Facts, ApiError> {
        preflight::facts(&self.connection, self.template_kind).await
    }

    async fn template(&self, template: &TemplateRef) -> Result<Option<Template>, ApiError> {
        Ok(self.template_object(template).await?.map(Template::from))
    }

    async fn template_names(&self, kind: TemplateKind) -> Result<Vec<String>, ApiError> {
        lists::names(&self.connection, &self.templates(kind), "").await
    }

    async fn submit(&self, submission: &Submission, dry_run: bool) -> Result<Workflow, ApiError> {
        if dry_run {
            self.check(submission).await?;
        }
        let body = create::body(submission, self.namespace(), self.instance_id.as_deref());
        let parameters = PostParams {
            dry_run,
            field_manager: None,
        };
        let request = self
            .workflows()
            .create(&parameters, body.to_string().into_bytes());
        let answer = self.connection.call(request).await?;
        let answer = self.accepted(answer, &submission.name)?;
        self.read::<WorkflowObject>(&answer).map(Workflow::from)
    }

    async fn get(&self, name: &str, uid: Option<&str>) -> Result<Option<Workflow>, ApiError> {
        let request = self.workflows().get(name, &GetParams::default());
        let answer = self.connection.call(request).await?;
        if answer.is_absent() {
            return Ok(None);
        }
        let answer = self.accepted(answer, name)?;
        let workflow = workflow_with_pods(&answer.body).map_err(|e| self.unreadable(&e))?;
        Ok(Some(workflow).filter(|found| uid.is_none_or(|uid| uid == found.uid)))
    }

    async fn list(&self, labels: &Labels) -> Result<Vec<Workflow>, ApiError> {
        let list = lists::workflows(&self.connection, &self.workflows(), labels).await?;
        Ok(list.items.into_iter().map(Workflow::from).collect())
    }

    async fn watch(
        &self,
        labels: &Labels,
    ) -> Result<BoxStream<'static, Result<WatchEvent, ApiError>>, ApiError> {
        watch::watch(&self.connection, &self.workflows(), labels).await
    }

    async fn shut_down(&self, name: &str, how: Shutdown) -> Result<(), ApiError> {
        let strategy = match how {
            Shutdown::Stop => "Stop",
            Shutdown::Terminate => "Terminate",
        };
        // Spec and status are one object here: anything but a patch would undo what the
        // controller writes at the same time.
        let patch = Patch::Merge(json!({"spec": {"shutdown": strategy}}));
        let request = self
            .workflows()
            .patch(name, &PatchParams::default(), &patch);
        let answer = self.connection.call(request).await?;
        if answer.is_absent() {
            return Ok(());
        }
        self.accepted(answer, name).map(drop)
    }

    async fn delete(&self, name: &str) -> Result<(), ApiError> {
        let request = self.workflows().delete(name, &DeleteParams::background());
        let answer = self.connection.call(request).await?;
        if answer.is_absent() {
            return Ok(());
        }
        self.accepted(answer, name).map(drop)
    }

    async fn logs(&self, name: &str, lines: usize) -> Result<String, ApiError> {
        logs::last_lines(&self.connection, name, lines).await
    }
}
