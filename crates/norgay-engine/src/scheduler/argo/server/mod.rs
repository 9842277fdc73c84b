//! Workflows through an argo-server's REST API.

mod address;
mod body;
mod connection;
mod event_stream;
mod refusal;
mod token;
mod watching;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::api::{
    ApiError, Facts, Labels, Shutdown, Submission, Template, TemplateKind, TemplateRef, WatchEvent,
    Workflow, WorkflowApi,
};
use super::wire::{self, TemplateObject, WorkflowObject};
use crate::config::ArgoSettings;
use connection::{Answer, Call, Connection, Failure};
use refusal::Asked;

pub use token::{TokenSource, VARIABLES};

/// A watch that is not refused within this time is granted; one that is refused later is told of
/// by the study's own.
const REFUSAL_COMES_WITHIN: Duration = Duration::from_secs(1);

/// What has to be known of an argo-server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Its address, which may have a path; https if it does not say.
    pub url: String,
    /// The namespace of the workflows.
    pub namespace: String,
    /// The token.
    pub token: TokenSource,
    /// File of certificate authorities to trust beside the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// Whether anybody may pass for the server.
    pub insecure: bool,
}

impl ServerOptions {
    /// Those of a study, with the token from the environment or from its file.
    pub fn of(settings: &ArgoSettings) -> Self {
        Self {
            url: settings.url.clone(),
            namespace: settings.namespace.clone(),
            token: TokenSource::from_environment(settings.token_file.as_deref()),
            ca_file: settings.ca_file.clone(),
            insecure: settings.insecure,
        }
    }
}

/// A client could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The address is none. It is not repeated, since it may hold a password.
    #[error("the address of the argo-server can't be used: {reason}")]
    Url {
        /// Why not.
        reason: String,
    },
    /// There is no namespace.
    #[error("the namespace of the workflows is not given")]
    Namespace,
    /// The token can't be read.
    #[error("the token for the argo-server can't be used: {reason}")]
    Token {
        /// Why not.
        reason: String,
    },
    /// The certificate authorities can't be read.
    #[error("the certificate authorities in {path} can't be used: {reason}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The client can't be made from all that.
    #[error("no HTTP client can be made: {reason}")]
    Client {
        /// Why not.
        reason: String,
    },
}

/// An argo-server.
#[derive(Clone, Debug)]
pub struct ArgoServer {
    connection: Arc<Connection>,
    namespace: String,
}

const LIST_FIELDS: &str = "metadata,items.metadata.name,items.metadata.uid,items.metadata.labels,\
    items.metadata.deletionTimestamp,items.status.phase,items.status.message,\
    items.status.startedAt,items.status.finishedAt";
const WATCH_FIELDS: &str = "result.type,result.object.metadata.name,result.object.metadata.uid,\
    result.object.metadata.labels,result.object.metadata.deletionTimestamp,\
    result.object.status.phase,result.object.status.message,result.object.status.startedAt,\
    result.object.status.finishedAt,error";
const GET_FIELDS: &str = "metadata.name,metadata.uid,metadata.labels,metadata.deletionTimestamp,\
    status.phase,status.message,status.startedAt,status.finishedAt,status.nodes";

/// Set by the server on workflows of which there is only a copy in its archive.
const ARCHIVING_LABEL: &str = "workflows.argoproj.io/workflow-archiving-status";
const ARCHIVED_ONLY: &str = "Persisted";

impl ArgoServer {
    /// A client of this server; nothing is sent yet.
    pub fn new(options: &ServerOptions) -> Result<Self, SetupError> {
        if options.namespace.is_empty() {
            return Err(SetupError::Namespace);
        }
        Ok(Self {
            connection: Arc::new(Connection::new(options)?),
            namespace: options.namespace.clone(),
        })
    }

    fn workflows(&self, method: Method, rest: &[&str]) -> Call {
        let mut segments = vec!["workflows", self.namespace.as_str()];
        segments.extend(rest);
        self.connection.call(method, &segments)
    }

    fn templates(&self, kind: TemplateKind, rest: &[&str]) -> Call {
        let mut segments = match kind {
            TemplateKind::WorkflowTemplate => vec!["workflow-templates", self.namespace.as_str()],
            TemplateKind::ClusterWorkflowTemplate => vec!["cluster-workflow-templates"],
        };
        segments.extend(rest);
        self.connection.call(Method::GET, &segments)
    }

    async fn read<T: DeserializeOwned>(&self, call: &Call) -> Result<(T, Answer), Failure> {
        let answer = self.connection.ask(call).await?;
        Ok((parsed(&answer.body)?, answer))
    }

    fn error(&self, failure: Failure) -> ApiError {
        self.connection.error(failure, Asked::Other)
    }

    /// The workflows of one page, and where the next one begins, if there is one.
    async fn page(&self, labels: &Labels, next: &str) -> Result<ListObject, ApiError> {
        let mut call = self
            .workflows(Method::GET, &[])
            .with_query("listOptions.labelSelector", &body::label_text(labels))
            .with_query("fields", LIST_FIELDS);
        if !next.is_empty() {
            call = call.with_query("listOptions.continue", next);
        }
        let read = self.read(&call).await;
        read.map(|(page, _)| page).map_err(|f| self.error(f))
    }

    /// What we may not do, each tried where that changes nothing.
    async fn missing_permissions(&self) -> Result<Vec<String>, ApiError> {
        let one = self.workflows(Method::GET, &[]);
        let one = one.with_query("listOptions.limit", "1");
        let list = one.with_query("fields", "items.metadata.name");
        let get = self.workflows(Method::GET, &["norgay-is-this-allowed"]);
        let mut missing = Vec::new();
        for (what, call) in [("list workflows", list), ("get workflows", get)] {
            match self.connection.ask(&call).await {
                Ok(_) => {}
                Err(Failure::Refused(refusal)) if refusal.is_not_found() => {}
                Err(failure) => match self.error(failure) {
                    ApiError::Forbidden { .. } => missing.push(what.to_string()),
                    other => return Err(other),
                },
            }
        }
        let nothing = vec![("norgay.dev/study".into(), "none".into())];
        match tokio::time::timeout(REFUSAL_COMES_WITHIN, self.watch(&nothing)).await {
            Ok(Err(ApiError::Forbidden { .. })) => missing.push("watch workflows".to_string()),
            Ok(Err(other)) => return Err(other),
            // A watch that is granted answers with its first event, or after 15 seconds.
            Ok(Ok(_)) | Err(_) => {}
        }
        Ok(missing)
    }
}

#[async_trait]
impl WorkflowApi for ArgoServer {
    async fn preflight(&self) -> Result<Facts, ApiError> {
        let version = self.connection.call(Method::GET, &["version"]);
        let read = self.read::<VersionObject>(&version).await;
        let (version, answer) = read.map_err(|f| self.error(f))?;
        // Nothing depends on the name, and old servers do not tell it.
        let user = self.connection.call(Method::GET, &["userinfo"]);
        let user = self.read::<UserObject>(&user).await.ok();
        Ok(Facts {
            server: format!("argo-server {}", version.version),
            user: user.and_then(|(user, _)| user.name()),
            server_time_ms: answer.server_time_ms,
            missing_permissions: self.missing_permissions().await?,
        })
    }

    async fn template(&self, template: &TemplateRef) -> Result<Option<Template>, ApiError> {
        let call = self.templates(template.kind, &[template.name.as_str()]);
        match self.read::<TemplateObject>(&call).await {
            Ok((object, _)) => Ok(Some(object.into())),
            Err(Failure::Refused(refusal)) if refusal.is_not_found() => Ok(None),
            Err(failure) => Err(self.error(failure)),
        }
    }

    async fn template_names(&self, kind: TemplateKind) -> Result<Vec<String>, ApiError> {
        let call = self.templates(kind, &[]);
        let call = call.with_query("fields", "items.metadata.name");
        let read = self.read::<ListObject>(&call).await;
        let (list, _) = read.map_err(|f| self.error(f))?;
        Ok(list
            .items
            .into_iter()
            .map(|item| item.metadata.name)
            .collect())
    }

    async fn submit(&self, submission: &Submission, dry_run: bool) -> Result<Workflow, ApiError> {
        let (segment, body) = body::start(submission, &self.namespace, dry_run);
        let segments: Vec<&str> = segment.into_iter().collect();
        let call = self.workflows(Method::POST, &segments).with_body(body);
        let read = self.read::<WorkflowObject>(&call).await;
        let asked = Asked::Submit(&submission.name);
        let (object, _) = read.map_err(|failure| self.connection.error(failure, asked))?;
        Ok(object.into())
    }

    async fn get(&self, name: &str, uid: Option<&str>) -> Result<Option<Workflow>, ApiError> {
        // The uid is never sent: servers without an archive fail over one that is not there.
        let call = self.workflows(Method::GET, &[name]);
        let call = call.with_query("fields", GET_FIELDS);
        let read = match self.connection.ask(&call).await {
            Ok(answer) => wire::workflow_with_pods(&answer.body).map_err(|_| not_json()),
            Err(Failure::Refused(refusal)) if refusal.is_not_found() => return Ok(None),
            Err(failure) => Err(failure),
        };
        let workflow = read.map_err(|f| self.error(f))?;
        let is_ours = uid.is_none_or(|uid| uid == workflow.uid);
        Ok(Some(workflow).filter(|_| is_ours))
    }

    async fn list(&self, labels: &Labels) -> Result<Vec<Workflow>, ApiError> {
        let mut found = Vec::new();
        let mut next = String::new();
        loop {
            let page = self.page(labels, &next).await?;
            let live = page.items.into_iter().filter(|item| {
                let archived = item.metadata.labels.get(ARCHIVING_LABEL);
                archived.is_none_or(|status| status != ARCHIVED_ONLY)
            });
            found.extend(live.map(Workflow::from));
            // A server that names the same page again would be asked for ever.
            if page.metadata.next.is_empty() || page.metadata.next == next {
                return Ok(found);
            }
            next = page.metadata.next;
        }
    }

    async fn watch(
        &self,
        labels: &Labels,
    ) -> Result<BoxStream<'static, Result<WatchEvent, ApiError>>, ApiError> {
        let segments = ["workflow-events", self.namespace.as_str()];
        let call = self
            .connection
            .call(Method::GET, &segments)
            .with_query("listOptions.labelSelector", &body::label_text(labels))
            .with_query("fields", WATCH_FIELDS)
            .for_events();
        let response = self.connection.open(&call).await;
        let response = response.map_err(|f| self.error(f))?;
        Ok(watching::events(response, self.connection.clone()))
    }

    async fn shut_down(&self, name: &str, how: Shutdown) -> Result<(), ApiError> {
        let segment = match how {
            Shutdown::Stop => "stop",
            Shutdown::Terminate => "terminate",
        };
        let body = serde_json::json!({"namespace": self.namespace, "name": name});
        let call = self
            .workflows(Method::PUT, &[name, segment])
            .with_body(body);
        match self.connection.ask(&call).await {
            Ok(_) => Ok(()),
            Err(Failure::Refused(refusal))
                if refusal.is_not_found() || refusal.is_ended_already() =>
            {
                Ok(())
            }
            Err(failure) => Err(self.error(failure)),
        }
    }

    async fn delete(&self, name: &str) -> Result<(), ApiError> {
        let call = self.workflows(Method::DELETE, &[name]);
        match self.connection.ask(&call).await {
            Ok(_) => Ok(()),
            Err(Failure::Refused(refusal)) if refusal.is_not_found() => Ok(()),
            Err(failure) => Err(self.error(failure)),
        }
    }

    async fn logs(&self, name: &str, lines: usize) -> Result<String, ApiError> {
        let call = self
            .workflows(Method::GET, &[name, "log"])
            .with_query("logOptions.container", "main")
            .with_query("logOptions.tailLines", &lines.to_string())
            .for_events();
        match self.connection.open(&call).await {
            Ok(response) => Ok(watching::last_lines(response, lines).await),
            Err(Failure::Refused(refusal)) if refusal.is_not_found() => Ok(String::new()),
            Err(failure) => Err(self.error(failure)),
        }
    }
}

/// A body that should be JSON and is not is that of a web page: the address is not the server's.
fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|_| not_json())
}

fn not_json() -> Failure {
    Failure::NoAnswer(
        "it answered with something that is no JSON of Argo; does the URL lack a path, or is a \
         proxy in between?"
            .to_string(),
    )
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListObject {
    #[serde(deserialize_with = "wire::null_as_default")]
    metadata: ListMetadata,
    #[serde(deserialize_with = "wire::null_as_default")]
    items: Vec<WorkflowObject>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListMetadata {
    #[serde(rename = "continue")]
    next: String,
}

#[derive(Deserialize)]
struct VersionObject {
    version: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct UserObject {
    subject: String,
    email: String,
    service_account_name: String,
    service_account_namespace: String,
}

impl UserObject {
    fn name(self) -> Option<String> {
        if !self.service_account_name.is_empty() {
            let (namespace, name) = (self.service_account_namespace, self.service_account_name);
            return Some(format!("service account {namespace}/{name}"));
        }
        let mut told = [self.email, self.subject].into_iter();
        told.find(|text| !text.is_empty())
    }
}
