//! What the direct route needs of a Kubernetes API, over the same workflows.

mod pods;
mod reviews;
mod templates;
mod watch;
mod workflows;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::Value;

use crate::refusal::{Refusal, json_answer};
use crate::selector::Selector;
use crate::world::World;

/// What stands behind the question mark.
type Asked = Query<HashMap<String, String>>;

const WORKFLOWS: &str = "/apis/argoproj.io/v1alpha1/namespaces/{namespace}/workflows";
const WORKFLOW: &str = "/apis/argoproj.io/v1alpha1/namespaces/{namespace}/workflows/{name}";
const TEMPLATES: &str = "/apis/argoproj.io/v1alpha1/namespaces/{namespace}/workflowtemplates";
const TEMPLATE: &str = "/apis/argoproj.io/v1alpha1/namespaces/{namespace}/workflowtemplates/{name}";
const CLUSTER_TEMPLATES: &str = "/apis/argoproj.io/v1alpha1/clusterworkflowtemplates";
const CLUSTER_TEMPLATE: &str = "/apis/argoproj.io/v1alpha1/clusterworkflowtemplates/{name}";

/// All addresses.
pub(crate) fn routes() -> Router<Arc<World>> {
    let collection = post(workflows::create)
        .get(workflows::list_or_watch)
        .delete(workflows::delete_all);
    let one = get(workflows::get)
        .patch(workflows::patch)
        .delete(workflows::delete);
    Router::new()
        .route(WORKFLOWS, collection)
        .route(WORKFLOW, one)
        .route(TEMPLATES, get(templates::list))
        .route(TEMPLATE, get(templates::get))
        .route(CLUSTER_TEMPLATES, get(templates::list_of_cluster))
        .route(CLUSTER_TEMPLATE, get(templates::get_of_cluster))
        .route("/version", get(reviews::version))
        .route(
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            post(reviews::access),
        )
        .route(
            "/apis/authorization.k8s.io/v1/selfsubjectreviews",
            post(reviews::user),
        )
        .route(
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            post(reviews::user),
        )
        .route("/api/v1/namespaces/{namespace}/pods", get(pods::list))
        .route(
            "/api/v1/namespaces/{namespace}/pods/{name}/log",
            get(pods::log),
        )
}

fn asked<'a>(query: &'a HashMap<String, String>, name: &str) -> &'a str {
    query.get(name).map(String::as_str).unwrap_or_default()
}

fn selector(query: &HashMap<String, String>) -> Result<Selector, Refusal> {
    Selector::parse(asked(query, "labelSelector"))
}

fn answer(status: u16, result: Result<Value, Refusal>) -> Response {
    match result {
        Ok(value) => json_answer(status, &value),
        Err(refusal) => refusal.kubernetes(),
    }
}
