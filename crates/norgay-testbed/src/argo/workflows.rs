//! Workflows that are there.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::{Asked, At, answer, asked, fields, selector};
use crate::refusal::Refusal;
use crate::world::{Shutdown, World};

/// One workflow, with `uid` only the one of this uid.
pub(super) async fn get(
    State(world): State<Arc<World>>,
    Path(key): At,
    Query(query): Asked,
) -> Response {
    let uid = asked(&query, "uid");
    let found = world.state().store.get(&key).and_then(|found| {
        let right = uid.is_empty() || uid == found.uid;
        right
            .then_some(found)
            .ok_or_else(|| Refusal::not_found("workflows", &key.1))
    });
    answer(found.map(|found| fields(&query).pick(&found.object)))
}

/// The workflows with these labels; `continue` is how many of them to pass over.
pub(super) async fn list(
    State(world): State<Arc<World>>,
    Path(namespace): Path<String>,
    Query(query): Asked,
) -> Response {
    answer(listed(&world, &namespace, &query))
}

fn listed(
    world: &World,
    namespace: &str,
    query: &std::collections::HashMap<String, String>,
) -> Result<Value, Refusal> {
    check_field_selector(asked(query, "listOptions.fieldSelector"))?;
    let number = |name: &str| match asked(query, name) {
        "" => Ok(0),
        text => text
            .parse::<usize>()
            .map_err(|_| Refusal::bad_request(format!("{name} must be a number: {text}"))),
    };
    let (limit, offset) = (
        number("listOptions.limit")?,
        number("listOptions.continue")?,
    );
    let (version, found) = {
        let mut state = world.state();
        let found = state.store.list(namespace, &selector(query)?, true);
        (state.store.version(), found)
    };
    let end = if limit == 0 {
        found.len()
    } else {
        found.len().min(offset + limit)
    };
    let page = found.get(offset..end).unwrap_or_default();
    let fields = fields(query);
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if end < found.len() {
        metadata["continue"] = json!(end.to_string());
    }
    let head = fields.pick(&json!({"metadata": metadata}));
    let items: Vec<Value> = page
        .iter()
        .map(|one| picked_item(&fields, &one.object))
        .collect();
    let mut list = head;
    // An empty list of Go is no list at all.
    list["items"] = if items.is_empty() {
        Value::Null
    } else {
        Value::Array(items)
    };
    Ok(list)
}

fn picked_item(fields: &crate::fields::Fields, object: &Value) -> Value {
    fields.pick_at(object, "items")
}

fn check_field_selector(text: &str) -> Result<(), Refusal> {
    let known = [
        "metadata.name",
        "metadata.namespace",
        "spec.startedAt",
        "ext.showRemainingItemCount",
    ];
    let wrong = text
        .split(',')
        .find(|part| !part.is_empty() && !known.iter().any(|known| part.starts_with(known)));
    wrong.map_or(Ok(()), |part| {
        Err(Refusal::bad_request(format!(
            "unsupported requirement {part}"
        )))
    })
}

/// Deletes a workflow.
pub(super) async fn delete(State(world): State<Arc<World>>, Path(key): At) -> Response {
    answer(world.delete(&key).map(|_| json!({})))
}

/// No further steps of a workflow.
pub(super) async fn stop(State(world): State<Arc<World>>, Path(key): At, _: Bytes) -> Response {
    answer(
        world
            .shut_down(&key, Shutdown::Stop)
            .map(|workflow| workflow.object.clone()),
    )
}

/// Nothing further of a workflow.
pub(super) async fn terminate(
    State(world): State<Arc<World>>,
    Path(key): At,
    _: Bytes,
) -> Response {
    answer(
        world
            .shut_down(&key, Shutdown::Terminate)
            .map(|workflow| workflow.object.clone()),
    )
}
