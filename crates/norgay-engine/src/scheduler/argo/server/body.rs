//! The bodies of requests.

use serde_json::{Map, Value, json};

use super::super::api::{Labels, Submission, TemplateKind};

/// What starts a workflow: the last segment of its path, if it has one, and its body.
///
/// `submit` is the shorter way, but knows no deadline.
pub(super) fn start(
    submission: &Submission,
    namespace: &str,
    dry_run: bool,
) -> (Option<&'static str>, Value) {
    match submission.deadline_s {
        None => (Some("submit"), submit(submission, dry_run)),
        Some(deadline_s) => (None, create(submission, namespace, deadline_s, dry_run)),
    }
}

fn submit(submission: &Submission, dry_run: bool) -> Value {
    let parameters: Vec<String> = submission
        .parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut options = Map::new();
    options.insert("name".into(), json!(submission.name));
    if !submission.entrypoint.is_empty() {
        options.insert("entryPoint".into(), json!(submission.entrypoint));
    }
    options.insert("labels".into(), json!(label_text(&submission.labels)));
    options.insert("parameters".into(), json!(parameters));
    if let Some(account) = &submission.service_account {
        options.insert("serviceAccount".into(), json!(account));
    }
    if let Some(priority) = submission.priority {
        options.insert("priority".into(), json!(priority));
    }
    if dry_run {
        options.insert("serverDryRun".into(), json!(true));
    }
    json!({
        "resourceKind": submission.template.kind.name(),
        "resourceName": submission.template.name,
        "submitOptions": options,
    })
}

fn create(submission: &Submission, namespace: &str, deadline_s: u64, dry_run: bool) -> Value {
    let labels: Map<String, Value> = submission
        .labels
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let workflow = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": submission.name, "namespace": namespace, "labels": labels},
        "spec": spec(submission, deadline_s),
    });
    let mut body = json!({"namespace": namespace, "workflow": workflow});
    if dry_run {
        body["serverDryRun"] = json!(true);
    }
    body
}

fn spec(submission: &Submission, deadline_s: u64) -> Value {
    let parameters: Vec<Value> = submission
        .parameters
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let mut reference = json!({"name": submission.template.name});
    if submission.template.kind == TemplateKind::ClusterWorkflowTemplate {
        reference["clusterScope"] = json!(true);
    }
    let mut spec = json!({
        "workflowTemplateRef": reference,
        "arguments": {"parameters": parameters},
        "activeDeadlineSeconds": deadline_s,
    });
    if !submission.entrypoint.is_empty() {
        spec["entrypoint"] = json!(submission.entrypoint);
    }
    if let Some(account) = &submission.service_account {
        spec["serviceAccountName"] = json!(account);
    }
    if let Some(priority) = submission.priority {
        spec["priority"] = json!(priority);
    }
    spec
}

/// `a=b,c=d`: labels as submit options take them, and as a selector of all of them.
pub(super) fn label_text(labels: &Labels) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join(",")
}
