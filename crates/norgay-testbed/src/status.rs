//! How far a workflow is, as its controller writes it into the object.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::store::is_final;
use crate::time;

/// How a workflow ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// All went well.
    #[default]
    Succeeded,
    /// A pod failed; the workflow's phase is the pod's.
    PodFailed(PodFailure),
    /// Argo itself failed, with this message and no pod to blame.
    Error(String),
}

/// A pod that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodFailure {
    /// `Failed`, or `Error` if the pod did not get as far as that.
    pub phase: String,
    /// What the cluster says about it.
    pub message: String,
    /// The exit code of the main container, if it got that far.
    pub exit_code: Option<i32>,
}

impl PodFailure {
    fn new(phase: &str, message: impl Into<String>, exit_code: Option<i32>) -> Self {
        Self {
            phase: phase.into(),
            message: message.into(),
            exit_code,
        }
    }

    /// The main container ended with this code.
    pub fn exit_code(code: i32) -> Self {
        Self::new("Failed", format!("Error (exit code {code})"), Some(code))
    }

    /// The main container took more memory than it may.
    pub fn out_of_memory() -> Self {
        Self::new("Failed", "OOMKilled (exit code 137)", Some(137))
    }

    /// The node had to make room.
    pub fn evicted() -> Self {
        Self::new(
            "Failed",
            "Evicted: The node was low on resource: memory.",
            None,
        )
    }

    /// Somebody took the pod away, a node that went down for instance.
    pub fn deleted() -> Self {
        Self::new("Error", "pod deleted", None)
    }

    /// The image can't be had, so that nothing started.
    pub fn not_started() -> Self {
        let message =
            "Pod failed before main container starts due to ImagePullBackOff: no such image";
        Self::new("Failed", message, None)
    }

    /// The executor beside the main container failed.
    pub fn executor() -> Self {
        Self::new("Error", "Error (exit code 64)", Some(64))
    }
}

/// Sets a workflow's phase and what goes with it.
pub(crate) fn set_phase(workflow: &mut Value, phase: &str, message: &str) {
    let now = time::now();
    let status = &mut workflow["status"];
    status["phase"] = json!(phase);
    match message {
        "" => drop(
            status
                .as_object_mut()
                .and_then(|status| status.remove("message")),
        ),
        message => status["message"] = json!(message),
    }
    if !status["startedAt"].is_string() {
        status["startedAt"] = json!(now);
    }
    status["finishedAt"] = if is_final(phase) {
        json!(now)
    } else {
        Value::Null
    };
    status["progress"] = json!(if phase == "Succeeded" { "1/1" } else { "0/1" });
    let labels = &mut workflow["metadata"]["labels"];
    labels["workflows.argoproj.io/phase"] = json!(phase);
    labels["workflows.argoproj.io/completed"] = json!(is_final(phase).to_string());
}

/// Begins to run a workflow: an entry node with one pod below it.
pub(crate) fn begin(workflow: &mut Value, entrypoint: &str) {
    set_phase(workflow, "Running", "");
    let name = name_of(workflow);
    let pod = pod_id(&name, "main");
    let entry = json!({
        "id": name, "name": name, "displayName": name, "type": "DAG", "templateName": entrypoint,
        "phase": "Running", "startedAt": time::now(), "children": [pod],
    });
    workflow["status"]["nodes"] = json!({
        name.clone(): entry,
        pod.clone(): pod_node(&name, "main", "main", "Running"),
    });
}

/// A node of a pod; `step` is its name in the workflow, `template` what it runs.
pub(crate) fn pod_node(workflow: &str, step: &str, template: &str, phase: &str) -> Value {
    json!({
        "id": pod_id(workflow, step), "name": format!("{workflow}.{step}"), "displayName": step,
        "type": "Pod", "templateName": template, "boundaryID": workflow, "phase": phase,
        "startedAt": time::now(), "hostNodeName": "testbed",
    })
}

/// The node of a workflow that is one pod only.
pub(crate) fn entry_pod(workflow: &str, template: &str) -> Value {
    let mut node = pod_node(workflow, "", template, "Running");
    for (field, value) in [
        ("id", workflow),
        ("name", workflow),
        ("displayName", workflow),
        ("boundaryID", ""),
    ] {
        node[field] = json!(value);
    }
    node
}

/// The node of the entrypoint of a workflow that is more than one pod.
pub(crate) fn begin_entry(workflow: &mut Value, entrypoint: &str) {
    set_phase(workflow, "Running", "");
    let name = name_of(workflow);
    workflow["status"]["nodes"] = json!({name.clone(): {
        "id": name, "name": name, "displayName": name, "type": "DAG", "templateName": entrypoint,
        "phase": "Running", "startedAt": time::now(),
    }});
}

/// Ends the node of the entrypoint, unless it is a pod that ended by itself.
pub(crate) fn end_entry(workflow: &mut Value, name: &str, phase: &str) {
    let node = &mut workflow["status"]["nodes"][name];
    if node["finishedAt"].is_null() {
        node["phase"] = json!(phase);
        node["finishedAt"] = json!(time::now());
    }
}

/// Ends a pod's node.
pub(crate) fn end_pod(node: &mut Value, failure: Option<&PodFailure>) {
    node["finishedAt"] = json!(time::now());
    node["phase"] = json!(failure.map_or("Succeeded", |failure| failure.phase.as_str()));
    let code = failure.map_or(Some(0), |failure| failure.exit_code);
    if let Some(failure) = failure {
        node["message"] = json!(failure.message);
    }
    if let Some(code) = code {
        node["outputs"]["exitCode"] = json!(code.to_string());
    }
}

/// Ends a workflow with one pod.
pub(crate) fn end(workflow: &mut Value, ending: &Ending) {
    match ending {
        Ending::Succeeded => end_nodes(workflow, None),
        Ending::PodFailed(failure) => end_nodes(workflow, Some(failure)),
        Ending::Error(_) => {}
    }
    let (phase, message) = phase_and_message(workflow, ending);
    set_phase(workflow, &phase, &message);
}

fn end_nodes(workflow: &mut Value, failure: Option<&PodFailure>) {
    let Some(nodes) = workflow["status"]["nodes"].as_object_mut() else {
        return;
    };
    for node in nodes.values_mut() {
        if node["type"] == "Pod" {
            end_pod(node, failure);
        } else {
            node["phase"] = json!(failure.map_or("Succeeded", |failure| failure.phase.as_str()));
            node["finishedAt"] = json!(time::now());
        }
    }
}

fn phase_and_message(workflow: &Value, ending: &Ending) -> (String, String) {
    match ending {
        Ending::Succeeded => ("Succeeded".into(), String::new()),
        Ending::PodFailed(failure) => {
            let pod = pod_id(&name_of(workflow), "main");
            (failure.phase.clone(), format!("child '{pod}' failed"))
        }
        Ending::Error(message) => ("Error".into(), message.clone()),
    }
}

/// Ends a workflow that was stopped (`Stop`) or terminated (`Terminate`).
pub(crate) fn end_shut_down(workflow: &mut Value, how: &str) {
    let message = format!("Stopped with strategy '{how}'");
    for node in workflow["status"]["nodes"]
        .as_object_mut()
        .into_iter()
        .flat_map(|nodes| nodes.values_mut())
    {
        if node["finishedAt"].is_null() {
            node["phase"] = json!("Failed");
            node["message"] = json!(format!("workflow shutdown with strategy: {how}"));
            node["finishedAt"] = json!(time::now());
        }
    }
    set_phase(workflow, "Failed", &message);
}

/// Ends a workflow that took longer than it may.
pub(crate) fn end_late(workflow: &mut Value) {
    let failure = PodFailure::new("Failed", "Step exceeded its deadline", None);
    end(workflow, &Ending::PodFailed(failure));
}

fn name_of(workflow: &Value) -> String {
    workflow["metadata"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_string()
}

/// The id of a step's node: the workflow's name and a hash (FNV-1a) of the step's.
pub(crate) fn pod_id(workflow: &str, step: &str) -> String {
    let full = format!("{workflow}.{step}");
    let hash = full.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("{workflow}-{hash}")
}
