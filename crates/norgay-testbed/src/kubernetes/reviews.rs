//! What the API is, who we are, and what we may.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::answer;
use crate::world::World;

pub(super) async fn version() -> Response {
    answer(
        200,
        Ok(json!({
            "major": "1", "minor": "36", "gitVersion": "v1.36.2", "gitCommit": "", "gitTreeState": "clean",
            "buildDate": "2026-08-01T00:00:00Z", "goVersion": "", "compiler": "", "platform": "testbed",
        })),
    )
}

pub(super) async fn user(State(world): State<Arc<World>>) -> Response {
    answer(
        201,
        Ok(json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "SelfSubjectReview",
            "metadata": {"creationTimestamp": null},
            "status": {"userInfo": {"username": world.setting.user, "groups": ["system:authenticated"]}},
        })),
    )
}

pub(super) async fn access(State(world): State<Arc<World>>, body: Bytes) -> Response {
    let mut review: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let wanted = review["spec"]["resourceAttributes"].clone();
    let text = |name: &str| wanted[name].as_str().unwrap_or_default();
    let resource = match text("subresource") {
        "" => text("resource").to_string(),
        below => format!("{}/{below}", text("resource")),
    };
    let forbidden = world
        .state()
        .forbidden
        .contains(&format!("{} {resource}", text("verb")));
    let abroad = world
        .setting
        .namespace
        .as_deref()
        .is_some_and(|own| !["", own].contains(&text("namespace")));
    review["apiVersion"] = json!("authorization.k8s.io/v1");
    review["kind"] = json!("SelfSubjectAccessReview");
    review["status"] = json!({"allowed": !forbidden && !abroad});
    answer(201, Ok(review))
}
