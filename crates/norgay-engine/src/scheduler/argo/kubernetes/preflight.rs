//! Who answers, as whom we are known, and what we may do.

use futures_util::future::try_join_all;
use http::Request as HttpRequest;
use kube::api::PostParams;
use kube::core::Request;
use serde_json::{Value, json};

use super::connection::Connection;
use super::errors::{self, Answer};
use crate::scheduler::argo::api::{ApiError, Facts, TemplateKind};

/// What is done with workflows.
const VERBS: [&str; 6] = ["create", "get", "list", "watch", "patch", "delete"];

pub(super) async fn facts(
    connection: &Connection,
    template_kind: TemplateKind,
) -> Result<Facts, ApiError> {
    let request = HttpRequest::get("/version").body(Vec::new());
    let answer = connection
        .call(request.map_err(kube::core::request::Error::BuildRequest))
        .await?;
    if !answer.is_success() {
        return Err(errors::refusal(&connection.server, "", &answer));
    }
    let version = told(&answer, "/gitVersion").unwrap_or_else(|| "of unknown version".to_string());
    Ok(Facts {
        server: format!("Kubernetes {version}"),
        server_time_ms: answer.date_ms,
        user: user(connection).await?,
        missing_permissions: missing_permissions(connection, template_kind).await?,
    })
}

/// `None` where the API is too old to say it.
async fn user(connection: &Connection) -> Result<Option<String>, ApiError> {
    let answer = review(
        connection,
        "authentication.k8s.io",
        "selfsubjectreviews",
        json!({}),
    )
    .await?;
    Ok(answer.and_then(|answer| told(&answer, "/status/userInfo/username")))
}

async fn missing_permissions(
    connection: &Connection,
    template_kind: TemplateKind,
) -> Result<Vec<String>, ApiError> {
    let templates = match template_kind {
        TemplateKind::WorkflowTemplate => "workflowtemplates",
        TemplateKind::ClusterWorkflowTemplate => "clusterworkflowtemplates",
    };
    let needed = VERBS
        .iter()
        .map(|verb| (*verb, "workflows"))
        .chain([("get", templates)]);
    let questions = needed.map(|(verb, resource)| missing(connection, verb, resource));
    Ok(try_join_all(questions)
        .await?
        .into_iter()
        .flatten()
        .collect())
}

/// The permission if we lack it.
async fn missing(
    connection: &Connection,
    verb: &str,
    resource: &str,
) -> Result<Option<String>, ApiError> {
    let mut attributes = json!({"group": "argoproj.io", "verb": verb, "resource": resource});
    if resource != "clusterworkflowtemplates" {
        attributes["namespace"] = json!(connection.namespace);
    }
    let spec = json!({"spec": {"resourceAttributes": attributes}});
    let answer = review(
        connection,
        "authorization.k8s.io",
        "selfsubjectaccessreviews",
        spec,
    )
    .await?;
    let allowed = answer.and_then(|answer| value(&answer, "/status/allowed")?.as_bool());
    Ok((allowed == Some(false)).then(|| format!("{verb} {resource}")))
}

/// What the API says about us; `None` if it does not answer such questions.
async fn review(
    connection: &Connection,
    group: &str,
    resource: &str,
    mut body: Value,
) -> Result<Option<Answer>, ApiError> {
    let kind = match resource {
        "selfsubjectreviews" => "SelfSubjectReview",
        _ => "SelfSubjectAccessReview",
    };
    body["apiVersion"] = json!(format!("{group}/v1"));
    body["kind"] = json!(kind);
    let request = Request::new(format!("/apis/{group}/v1/{resource}"));
    let request = request.create(&PostParams::default(), body.to_string().into_bytes());
    let answer = connection.call(request).await?;
    if answer.is_success() {
        return Ok(Some(answer));
    }
    match errors::refusal(&connection.server, "", &answer) {
        ApiError::Invalid { .. } | ApiError::Forbidden { .. } => Ok(None),
        error => Err(error),
    }
}

fn told(answer: &Answer, pointer: &str) -> Option<String> {
    value(answer, pointer)?.as_str().map(str::to_string)
}

fn value(answer: &Answer, pointer: &str) -> Option<Value> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    body.pointer(pointer).cloned()
}
