//! The pods of workflows, as far as their nodes tell of them.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{Asked, answer, asked, selector};
use crate::refusal::{Reason, Refusal};
use crate::selector::Selector;
use crate::store::Stored;
use crate::world::World;

pub(super) async fn list(
    State(world): State<Arc<World>>,
    Path(namespace): Path<String>,
    Query(query): Asked,
) -> Response {
    let listed = selector(&query).map(|selector| {
        let workflows = world.state().store.list(&namespace, &Selector::default(), false);
        let pods = workflows.iter().flat_map(|workflow| pods_of(workflow));
        let items: Vec<Value> = pods.filter(|pod| selector.selects(pod)).collect();
        json!({"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": items})
    });
    answer(200, listed)
}

fn pods_of(workflow: &Stored) -> Vec<Value> {
    let nodes = workflow.object["status"]["nodes"].as_object();
    let pods = nodes
        .into_iter()
        .flat_map(|nodes| nodes.values())
        .filter(|node| node["type"] == "Pod");
    pods.map(|node| pod_of(workflow, node)).collect()
}

fn pod_of(workflow: &Stored, node: &Value) -> Value {
    let labels = json!({
        "workflows.argoproj.io/workflow": workflow.key.1,
        "workflows.argoproj.io/completed": node["finishedAt"].is_string().to_string(),
    });
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": node["id"], "namespace": workflow.key.0, "labels": labels},
        "spec": {"containers": [{"name": "main"}]},
        "status": {"phase": node["phase"], "message": node["message"]},
    })
}

pub(super) async fn log(
    State(world): State<Arc<World>>,
    Path((namespace, pod)): Path<(String, String)>,
    Query(query): Asked,
) -> Response {
    let mut state = world.state();
    let workflows = state.store.list(&namespace, &Selector::default(), false);
    let Some(workflow) = workflows
        .iter()
        .find(|one| one.object["status"]["nodes"][&pod].is_object())
    else {
        return Refusal::new(Reason::NotFound, format!("pods \"{pod}\" not found")).kubernetes();
    };
    let lines = state.logs.of(&workflow.uid, &pod);
    let tail = asked(&query, "tailLines").parse().unwrap_or(usize::MAX);
    let first = lines.len().saturating_sub(tail);
    let text: String = lines[first..]
        .iter()
        .flat_map(|line| [line.text.as_str(), "\n"])
        .collect();
    text.into_response()
}
