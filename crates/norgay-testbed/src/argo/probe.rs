//! What there is to know before the first workflow.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::answer;
use crate::templates::TemplateKind;
use crate::world::World;

pub(super) async fn version(State(world): State<Arc<World>>) -> Response {
    let version = &world.setting.version;
    answer(Ok(json!({
        "version": version, "buildDate": "2026-08-01T00:00:00Z", "gitCommit": "", "gitTag": version,
        "gitTreeState": "clean", "goVersion": "", "compiler": "", "platform": "testbed",
    })))
}

pub(super) async fn info(State(world): State<Arc<World>>) -> Response {
    let namespace = world.setting.namespace.as_deref().unwrap_or_default();
    answer(Ok(
        json!({"managedNamespace": namespace, "links": [], "modals": {}, "navColor": "", "columns": []}),
    ))
}

pub(super) async fn user_info(State(world): State<Arc<World>>) -> Response {
    let user = &world.setting.user;
    let mut told = json!({"issuer": "testbed", "subject": user});
    if let Some((namespace, account)) = user
        .strip_prefix("system:serviceaccount:")
        .and_then(|rest| rest.split_once(':'))
    {
        told["serviceAccountName"] = json!(account);
        told["serviceAccountNamespace"] = json!(namespace);
    }
    answer(Ok(told))
}

pub(super) async fn templates(
    State(world): State<Arc<World>>,
    Path(namespace): Path<String>,
) -> Response {
    answer(Ok(listed(
        world
            .state()
            .templates
            .list(TemplateKind::Namespaced, &namespace),
    )))
}

pub(super) async fn cluster_templates(State(world): State<Arc<World>>) -> Response {
    answer(Ok(listed(
        world.state().templates.list(TemplateKind::Cluster, ""),
    )))
}

pub(super) async fn template(
    State(world): State<Arc<World>>,
    Path((namespace, name)): Path<(String, String)>,
) -> Response {
    answer(
        world
            .state()
            .templates
            .get(TemplateKind::Namespaced, &namespace, &name),
    )
}

pub(super) async fn cluster_template(
    State(world): State<Arc<World>>,
    Path(name): Path<String>,
) -> Response {
    answer(
        world
            .state()
            .templates
            .get(TemplateKind::Cluster, "", &name),
    )
}

fn listed(items: Vec<Value>) -> Value {
    let items = if items.is_empty() {
        Value::Null
    } else {
        Value::Array(items)
    };
    json!({"metadata": {}, "items": items})
}
