//! The REST API of an argo-server.

mod logs;
mod probe;
mod submit;
mod watch;
mod workflows;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post, put};
use serde_json::Value;

use crate::fields::Fields;
use crate::refusal::{Refusal, json_answer};
use crate::selector::Selector;
use crate::store::Key;
use crate::world::World;

/// What stands behind the question mark.
type Asked = Query<HashMap<String, String>>;
/// Namespace and name of a workflow.
type At = Path<Key>;

/// All addresses.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/api/v1/workflows/{namespace}/submit", post(submit::submit))
        .route(
            "/api/v1/workflows/{namespace}",
            post(submit::create).get(workflows::list),
        )
        .route(
            "/api/v1/workflows/{namespace}/{name}",
            get(workflows::get).delete(workflows::delete),
        )
        .route(
            "/api/v1/workflows/{namespace}/{name}/stop",
            put(workflows::stop),
        )
        .route(
            "/api/v1/workflows/{namespace}/{name}/terminate",
            put(workflows::terminate),
        )
        .route("/api/v1/workflows/{namespace}/{name}/log", get(logs::logs))
        .route(
            "/api/v1/workflows/{namespace}/{name}/{pod}/log",
            get(logs::logs_of_pod),
        )
        .route("/api/v1/workflow-events/{namespace}", get(watch::watch))
        .route(
            "/api/v1/workflow-templates/{namespace}",
            get(probe::templates),
        )
        .route(
            "/api/v1/workflow-templates/{namespace}/{name}",
            get(probe::template),
        )
        .route(
            "/api/v1/cluster-workflow-templates",
            get(probe::cluster_templates),
        )
        .route(
            "/api/v1/cluster-workflow-templates/{name}",
            get(probe::cluster_template),
        )
        .route("/api/v1/version", get(probe::version))
        .route("/api/v1/info", get(probe::info))
        .route("/api/v1/userinfo", get(probe::user_info))
}

/// Something asked for by its name, or nothing.
fn asked<'a>(query: &'a HashMap<String, String>, name: &str) -> &'a str {
    query.get(name).map(String::as_str).unwrap_or_default()
}

fn fields(query: &HashMap<String, String>) -> Fields {
    Fields::parse(asked(query, "fields"))
}

fn selector(query: &HashMap<String, String>) -> Result<Selector, Refusal> {
    Selector::parse(asked(query, "listOptions.labelSelector"))
}

fn answer(result: Result<Value, Refusal>) -> Response {
    match result {
        Ok(value) => json_answer(200, &value),
        Err(refusal) => refusal.argo(),
    }
}
