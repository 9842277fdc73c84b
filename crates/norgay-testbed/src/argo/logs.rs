//! What workflows wrote.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use futures_util::{StreamExt, stream};
use serde_json::json;

use super::{Asked, At, asked};
use crate::logs::Line;
use crate::store::{Key, Stored};
use crate::stream::{Form, Piece};
use crate::world::World;

pub(super) async fn logs(
    State(world): State<Arc<World>>,
    Path(key): At,
    Query(query): Asked,
    headers: HeaderMap,
) -> Response {
    let pod = asked(&query, "podName").to_string();
    told(world, key, pod, &query, &headers)
}

pub(super) async fn logs_of_pod(
    State(world): State<Arc<World>>,
    Path((namespace, name, pod)): Path<(String, String, String)>,
    Query(query): Asked,
    headers: HeaderMap,
) -> Response {
    told(world, (namespace, name), pod, &query, &headers)
}

fn told(
    world: Arc<World>,
    key: Key,
    pod: String,
    query: &HashMap<String, String>,
    headers: &HeaderMap,
) -> Response {
    let workflow = match world.state().store.get(&key) {
        Ok(workflow) => workflow,
        Err(refusal) => return refusal.argo(),
    };
    let form = Form::accepted(headers);
    let lines = world.state().logs.of(&workflow.uid, &pod);
    let tail = asked(query, "logOptions.tailLines")
        .parse()
        .unwrap_or(usize::MAX);
    let first = lines.len().saturating_sub(tail);
    let start = piece(form, &lines[first..]);
    let body = if asked(query, "logOptions.follow") == "true" {
        let followed = Followed {
            world,
            workflow,
            pod,
            told: lines.len(),
            form,
        };
        Body::from_stream(stream::iter([start]).chain(stream::unfold(followed, Followed::next)))
    } else {
        Body::from_stream(stream::iter([start]))
    };
    form.answer(body)
}

fn piece(form: Form, lines: &[Line]) -> Piece {
    let mut text = String::new();
    for line in lines {
        form.write(
            &json!({"result": {"content": line.text, "podName": line.pod}}),
            &mut text,
        );
    }
    Ok(text.into())
}

/// Lines as they come, until the workflow has ended.
struct Followed {
    world: Arc<World>,
    workflow: Arc<Stored>,
    pod: String,
    told: usize,
    form: Form,
}

impl Followed {
    async fn next(mut self) -> Option<(Piece, Self)> {
        loop {
            let mut changed = self.world.state().store.subscribe();
            let lines = self.world.state().logs.of(&self.workflow.uid, &self.pod);
            if lines.len() > self.told {
                let piece = piece(self.form, &lines[self.told..]);
                self.told = lines.len();
                return Some((piece, self));
            }
            let now = self.world.state().store.get(&self.workflow.key).ok();
            if now.is_none_or(|now| now.is_final() || now.uid != self.workflow.uid) {
                return None;
            }
            // New lines alone are no change of a workflow, so they are looked for as well.
            let patience = std::time::Duration::from_millis(200);
            let _ = tokio::time::timeout(patience, changed.changed()).await;
        }
    }
}
