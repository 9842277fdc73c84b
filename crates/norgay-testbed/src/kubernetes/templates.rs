//! Templates as objects of Kubernetes.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::answer;
use crate::templates::TemplateKind;
use crate::world::World;

pub(super) async fn list(
    State(world): State<Arc<World>>,
    Path(namespace): Path<String>,
) -> Response {
    let kind = TemplateKind::Namespaced;
    answer(
        200,
        Ok(listed(kind, world.state().templates.list(kind, &namespace))),
    )
}

pub(super) async fn list_of_cluster(State(world): State<Arc<World>>) -> Response {
    let kind = TemplateKind::Cluster;
    answer(
        200,
        Ok(listed(kind, world.state().templates.list(kind, ""))),
    )
}

pub(super) async fn get(
    State(world): State<Arc<World>>,
    Path((namespace, name)): Path<(String, String)>,
) -> Response {
    answer(
        200,
        world
            .state()
            .templates
            .get(TemplateKind::Namespaced, &namespace, &name),
    )
}

pub(super) async fn get_of_cluster(
    State(world): State<Arc<World>>,
    Path(name): Path<String>,
) -> Response {
    answer(
        200,
        world
            .state()
            .templates
            .get(TemplateKind::Cluster, "", &name),
    )
}

fn listed(kind: TemplateKind, items: Vec<Value>) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": format!("{}List", kind.name()),
        "metadata": {"resourceVersion": "1"},
        "items": items,
    })
}
