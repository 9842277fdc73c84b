//! Workflows as objects of Kubernetes: nothing of Argo's own is checked.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::Response;
use serde_json::{Value, json};

use super::{Asked, answer, asked, selector, watch};
use crate::refusal::{Reason, Refusal};
use crate::store::Key;
use crate::world::{Shutdown, World};

type Texts = HashMap<String, String>;

pub(super) async fn create(
    State(world): State<Arc<World>>,
    Path(namespace): Path<String>,
    Query(query): Asked,
    body: Bytes,
) -> Response {
    let dry = asked(&query, "dryRun") == "All";
    let created = parse(&body).and_then(|mut workflow| {
        workflow["metadata"]["namespace"] = json!(namespace);
        world.create(workflow, dry)
    });
    answer(201, created.map(|created| created.object.clone()))
}

pub(super) async fn get(State(world): State<Arc<World>>, Path(key): Path<Key>) -> Response {
    let found = world.state().store.get(&key);
    answer(200, found.map(|found| found.object.clone()))
}

pub(super) async fn list_or_watch(
    State(world): State<Arc<World>>,
    Path(namespace): Path<String>,
    Query(query): Asked,
    headers: HeaderMap,
) -> Response {
    if matches!(asked(&query, "watch"), "true" | "1") {
        return watch::watch(world, namespace, &query);
    }
    let accepted = headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let only_metadata = accepted.contains("as=PartialObjectMetadataList");
    answer(200, listed(&world, &namespace, &query, only_metadata))
}

/// The workflows by name; `continue` is the last name of the page before.
fn listed(
    world: &World,
    namespace: &str,
    query: &Texts,
    only_metadata: bool,
) -> Result<Value, Refusal> {
    let selector = selector(query)?;
    let (version, mut found) = {
        let mut state = world.state();
        (
            state.store.version(),
            state.store.list(namespace, &selector, false),
        )
    };
    found.sort_by(|one, other| one.key.cmp(&other.key));
    let after = asked(query, "continue");
    found.retain(|one| after.is_empty() || one.key.1.as_str() > after);
    let limit = asked(query, "limit")
        .parse()
        .ok()
        .filter(|&limit| limit > 0)
        .unwrap_or(usize::MAX);
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if let (Some(last), true) = (found.get(limit - 1), found.len() > limit) {
        metadata["continue"] = json!(last.key.1);
        metadata["remainingItemCount"] = json!(found.len() - limit);
    }
    let items: Vec<Value> = found
        .iter()
        .take(limit)
        .map(|one| shown(&one.object, only_metadata))
        .collect();
    let (api, kind) = if only_metadata {
        ("meta.k8s.io/v1", "PartialObjectMetadataList")
    } else {
        ("argoproj.io/v1alpha1", "WorkflowList")
    };
    Ok(json!({"apiVersion": api, "kind": kind, "metadata": metadata, "items": items}))
}

fn shown(object: &Value, only_metadata: bool) -> Value {
    if !only_metadata {
        return object.clone();
    }
    json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": object["metadata"]})
}

pub(super) async fn patch(
    State(world): State<Arc<World>>,
    Path(key): Path<Key>,
    body: Bytes,
) -> Response {
    answer(
        200,
        parse(&body).and_then(|patch| patched(&world, &key, &patch)),
    )
}

/// Applies a merge patch (RFC 7386).
fn patched(world: &World, key: &Key, patch: &Value) -> Result<Value, Refusal> {
    let mut state = world.state();
    let stored = state.store.modify(key, |object| merge(object, patch))?;
    if let Some(how) = patch["spec"]["shutdown"].as_str().and_then(Shutdown::parse) {
        state.signal(&stored.uid, |signal| signal.shutdown = Some(how));
    }
    Ok(stored.object.clone())
}

fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().and_then(|target| target.remove(key));
        } else {
            merge(&mut target[key], value);
        }
    }
}

pub(super) async fn delete(
    State(world): State<Arc<World>>,
    Path(key): Path<Key>,
    body: Bytes,
) -> Response {
    answer(200, deleted(&world, &key, &body))
}

fn deleted(world: &Arc<World>, key: &Key, body: &[u8]) -> Result<Value, Refusal> {
    let options = serde_json::from_slice(body).unwrap_or(Value::Null);
    let uid = world.state().store.get(key)?.uid.clone();
    if options["preconditions"]["uid"]
        .as_str()
        .is_some_and(|wanted| wanted != uid)
    {
        let message = format!(
            "Operation cannot be fulfilled on workflows.argoproj.io \"{}\": the UID is another",
            key.1
        );
        return Err(Refusal::new(Reason::Conflict, message));
    }
    world.delete(key)?;
    let details = json!({"name": key.1, "group": "argoproj.io", "kind": "workflows", "uid": uid});
    Ok(
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}),
    )
}

pub(super) async fn delete_all(
    State(world): State<Arc<World>>,
    Path(namespace): Path<String>,
    Query(query): Asked,
) -> Response {
    let deleted = selector(&query).map(|selector| {
        let found = world.state().store.list(&namespace, &selector, false);
        for one in found {
            // One that went in between is gone all the same.
            drop(world.delete(&one.key));
        }
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})
    });
    answer(200, deleted)
}

fn parse(body: &[u8]) -> Result<Value, Refusal> {
    let read: Result<Value, _> = serde_json::from_slice(body);
    let object = read.ok().filter(Value::is_object);
    object.ok_or_else(|| Refusal::bad_request("the body of the request was no JSON object"))
}
