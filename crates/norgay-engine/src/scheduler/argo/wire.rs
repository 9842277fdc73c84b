//! Argo's objects as both its server and Kubernetes send them: only what Norgay reads, and
//! nothing of it required, since versions and controllers differ in what they leave out.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::api::{DeclaredParameter, FailedPod, Phase, Template, Workflow};

/// A workflow without its steps, which may be many and are skipped unread.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WorkflowObject {
    /// What every object has.
    pub metadata: Metadata,
    /// How far it is; empty until the controller has seen it.
    #[serde(deserialize_with = "null_as_default")]
    pub status: WorkflowStatus,
}

/// What every object of a cluster has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metadata {
    /// Its name.
    pub name: String,
    /// Which of all objects that ever had this name.
    pub uid: String,
    /// Counts changes of what was asked for.
    pub generation: i64,
    /// State of the object, to go on from with a watch.
    pub resource_version: String,
    /// Its labels.
    #[serde(deserialize_with = "null_as_default")]
    pub labels: BTreeMap<String, String>,
    /// Since when it is being deleted.
    pub deletion_timestamp: Option<String>,
}

/// How far a workflow is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkflowStatus {
    /// Argo's name of the phase.
    pub phase: String,
    /// What the cluster says about that.
    pub message: String,
    /// When it began to run.
    pub started_at: Option<String>,
    /// When it ended.
    pub finished_at: Option<String>,
}

impl From<WorkflowObject> for Workflow {
    fn from(object: WorkflowObject) -> Self {
        let WorkflowObject { metadata, status } = object;
        Self {
            name: metadata.name,
            uid: metadata.uid,
            labels: metadata.labels,
            phase: Phase::parse(&status.phase),
            message: status.message,
            started_ms: milliseconds(status.started_at.as_deref()),
            finished_ms: milliseconds(status.finished_at.as_deref()),
            deleting: metadata.deletion_timestamp.is_some(),
            failed_pods: Vec::new(),
        }
    }
}

/// The workflow in this text, with its failed pods.
///
/// Steps that were compressed or moved to a database are not unpacked: then there are no failed
/// pods to see, and nothing may depend on them.
pub fn workflow_with_pods(text: &[u8]) -> Result<Workflow, serde_json::Error> {
    let object: WorkflowObject = serde_json::from_slice(text)?;
    let steps: StepsOfObject = serde_json::from_slice(text)?;
    Ok(Workflow {
        failed_pods: failed_pods(steps.status.nodes),
        ..object.into()
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StepsOfObject {
    #[serde(deserialize_with = "null_as_default")]
    status: Steps,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Steps {
    #[serde(deserialize_with = "null_as_default")]
    nodes: BTreeMap<String, Node>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Node {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    display_name: String,
    phase: String,
    message: String,
    finished_at: Option<String>,
    #[serde(deserialize_with = "null_as_default")]
    outputs: NodeOutputs,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeOutputs {
    exit_code: Option<String>,
}

fn failed_pods(nodes: BTreeMap<String, Node>) -> Vec<FailedPod> {
    let mut failed: Vec<Node> = nodes
        .into_values()
        .filter(|node| node.kind == "Pod" && matches!(node.phase.as_str(), "Failed" | "Error"))
        .collect();
    // Pods without an end are still on their way to one.
    failed.sort_by_cached_key(|node| milliseconds(node.finished_at.as_deref()).unwrap_or(i64::MAX));
    failed.into_iter().map(FailedPod::from).collect()
}

impl From<Node> for FailedPod {
    fn from(node: Node) -> Self {
        let told = node.outputs.exit_code.and_then(|code| code.parse().ok());
        Self {
            step: [node.display_name, node.name]
                .into_iter()
                .find(|name| !name.is_empty())
                .unwrap_or_default(),
            phase: node.phase,
            exit_code: told.or_else(|| exit_code_in(&node.message)),
            message: node.message,
        }
    }
}

/// The code in a message such as `OOMKilled (exit code 137)`: a pod that was killed often has no
/// outputs that would tell it.
fn exit_code_in(message: &str) -> Option<i32> {
    let (_, rest) = message.split_once("exit code ")?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// A template of workflows, of a namespace or of the whole cluster.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TemplateObject {
    /// What every object has.
    pub metadata: Metadata,
    /// The workflow that it describes.
    pub spec: TemplateSpec,
}

/// The workflow that a template describes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TemplateSpec {
    /// The template inside it that starts.
    pub entrypoint: String,
    /// What it declares for the whole workflow.
    #[serde(deserialize_with = "null_as_default")]
    pub arguments: Arguments,
    /// The templates inside it.
    #[serde(deserialize_with = "null_as_default")]
    pub templates: Vec<InnerTemplate>,
}

/// A template inside of a workflow.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct InnerTemplate {
    /// Its name.
    pub name: String,
    /// What it takes.
    #[serde(deserialize_with = "null_as_default")]
    pub inputs: Arguments,
}

/// Declared parameters.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Arguments {
    /// In their order.
    #[serde(deserialize_with = "null_as_default")]
    pub parameters: Vec<Parameter>,
}

/// A declared parameter.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value, of any kind: Argo takes numbers as well as texts.
    pub value: Option<serde_json::Value>,
    /// What stands for a missing value.
    pub default: Option<serde_json::Value>,
    /// Where a value comes from.
    pub value_from: Option<serde_json::Value>,
    /// The values that are allowed; none says that all are.
    pub r#enum: Option<Vec<serde_json::Value>>,
}

impl Parameter {
    /// Whether it need not be sent.
    pub fn has_value(&self) -> bool {
        self.value.is_some() || self.default.is_some() || self.value_from.is_some()
    }
}

impl From<TemplateObject> for Template {
    fn from(object: TemplateObject) -> Self {
        let TemplateObject { metadata, spec } = object;
        Self {
            entrypoints: spec.templates.into_iter().map(|inner| inner.name).collect(),
            default_entrypoint: Some(spec.entrypoint).filter(|name| !name.is_empty()),
            parameters: spec
                .arguments
                .parameters
                .into_iter()
                .map(DeclaredParameter::from)
                .collect(),
            edition: format!("{}/{}", metadata.uid, metadata.generation),
        }
    }
}

impl From<Parameter> for DeclaredParameter {
    fn from(parameter: Parameter) -> Self {
        Self {
            has_value: parameter.has_value(),
            name: parameter.name,
        }
    }
}

/// Unix milliseconds of a time such as `2026-11-24T15:00:00Z`; `None` for anything else.
pub fn milliseconds(time: Option<&str>) -> Option<i64> {
    let time: jiff::Timestamp = time?.parse().ok()?;
    Some(time.as_millisecond())
}

/// Unix milliseconds of a `Date` header; `None` for anything else.
pub fn http_date_ms(date: &str) -> Option<i64> {
    let time = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(time.timestamp().as_millisecond())
}

/// Go's encoder writes `null` for what is empty.
pub(super) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workflow(object: &serde_json::Value) -> Workflow {
        workflow_with_pods(object.to_string().as_bytes()).expect("a workflow")
    }

    #[test]
    fn a_workflow_that_no_controller_has_seen_has_no_phase_yet() {
        let seen = workflow(&json!({"metadata": {"name": "w", "uid": "u", "labels": null}}));
        assert_eq!(seen.phase, Phase::Unseen);
        assert_eq!((seen.name.as_str(), seen.uid.as_str()), ("w", "u"));
        let empty = workflow(&json!({"metadata": {"name": "w"}, "status": null}));
        assert_eq!(empty.phase, Phase::Unseen);
    }

    #[test]
    fn times_are_read_as_milliseconds_and_null_as_none() {
        let seen = workflow(&json!({
            "metadata": {"name": "w", "deletionTimestamp": "2026-11-24T15:00:01Z"},
            "status": {"phase": "Running", "startedAt": "1970-01-01T00:00:01.5Z", "finishedAt": null},
        }));
        assert_eq!((seen.started_ms, seen.finished_ms), (Some(1500), None));
        assert!(seen.deleting);
    }

    #[test]
    fn failed_pods_come_in_the_order_of_their_end_and_others_not_at_all() {
        let node = |kind: &str, step: &str, phase: &str, end: &str, message: &str| {
            json!({"type": kind, "name": format!("w.{step}"), "displayName": step, "phase": phase,
                "finishedAt": end, "message": message, "outputs": {"exitCode": "1"}})
        };
        let mut late = node(
            "Pod",
            "fit",
            "Error",
            "2026-11-24T15:00:09Z",
            "OOMKilled (exit code 137)",
        );
        late["outputs"] = json!(null);
        let seen = workflow(&json!({"metadata": {}, "status": {"nodes": {
            "a": late,
            "b": node("Pod", "copy", "Failed", "2026-11-24T15:00:01Z", "Error (exit code 1)"),
            "c": node("DAG", "all", "Failed", "2026-11-24T15:00:10Z", ""),
            "d": node("Pod", "scaling", "Succeeded", "2026-11-24T15:00:02Z", ""),
        }}}));
        let told: Vec<_> = seen
            .failed_pods
            .iter()
            .map(|pod| (pod.step.as_str(), pod.exit_code))
            .collect();
        assert_eq!(told, [("copy", Some(1)), ("fit", Some(137))]);
        assert_eq!(seen.failed_pods[1].phase, "Error");
    }

    #[test]
    fn the_date_of_an_answer_is_read() {
        assert_eq!(http_date_ms("Thu, 01 Jan 1970 00:00:02 GMT"), Some(2000));
        assert_eq!(http_date_ms("soon"), None);
    }

    #[test]
    fn a_template_tells_what_has_to_be_sent() {
        let object: TemplateObject = serde_json::from_value(json!({
            "metadata": {"name": "trial", "uid": "u", "generation": 3},
            "spec": {
                "entrypoint": "dag",
                "arguments": {"parameters": [
                    {"name": "run_name"},
                    {"name": "depth", "value": 3},
                    {"name": "seed", "default": "1"},
                    {"name": "token", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
                ]},
                "templates": [{"name": "dag", "dag": {}}, {"name": "fit", "inputs": null}],
            },
        }))
        .expect("a template");
        let template = Template::from(object);
        assert_eq!(template.entrypoints, ["dag", "fit"]);
        assert_eq!(template.default_entrypoint.as_deref(), Some("dag"));
        assert_eq!(template.edition, "u/3");
        let required: Vec<_> = template
            .parameters
            .iter()
            .filter(|p| !p.has_value)
            .map(|p| p.name.as_str())
            .collect();
        assert_eq!(required, ["run_name"]);
    }
}
