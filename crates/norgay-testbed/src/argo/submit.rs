//! New workflows.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::answer;
use crate::refusal::{Reason, Refusal};
use crate::submission::{complete_name, field, flag, read_submission, validate};
use crate::world::{INSTANCE_LABEL, World};

/// A workflow from a template.
pub(super) async fn submit(
    State(world): State<Arc<World>>,
    Path(namespace): Path<String>,
    body: Bytes,
) -> Response {
    answer(parse(&body).and_then(|body| submitted(&world, &namespace, &body)))
}

fn submitted(world: &Arc<World>, namespace: &str, body: &Value) -> Result<Value, Refusal> {
    let submission = read_submission(body, namespace, &world.state().templates)?;
    checked_and_created(
        world,
        submission.workflow,
        submission.dry_run,
        submission.server_dry_run,
    )
}

/// A workflow as an object.
pub(super) async fn create(
    State(world): State<Arc<World>>,
    Path(namespace): Path<String>,
    body: Bytes,
) -> Response {
    answer(parse(&body).and_then(|body| created(&world, &namespace, &body)))
}

fn created(world: &Arc<World>, namespace: &str, body: &Value) -> Result<Value, Refusal> {
    let mut workflow = field(body, "workflow").cloned().unwrap_or_default();
    if !workflow.is_object() {
        return Err(Refusal::bad_request("workflow body not specified"));
    }
    workflow["metadata"]["namespace"] = json!(namespace);
    workflow["apiVersion"] = json!("argoproj.io/v1alpha1");
    workflow["kind"] = json!("Workflow");
    workflow["status"] = json!({"startedAt": null, "finishedAt": null});
    values_to_texts(&mut workflow);
    checked_and_created(world, workflow, false, flag(body, "serverDryRun"))
}

fn checked_and_created(
    world: &Arc<World>,
    mut workflow: Value,
    dry_run: bool,
    server_dry_run: bool,
) -> Result<Value, Refusal> {
    {
        let state = world.state();
        validate(&workflow, &state.templates)?;
        if dry_run {
            complete_name(&mut workflow, state.store.version());
            return Ok(workflow);
        }
    }
    if let Some(id) = &world.setting.instance_id {
        workflow["metadata"]["labels"][INSTANCE_LABEL] = json!(id);
    }
    let created =
        world
            .create(workflow, server_dry_run)
            .map_err(|refusal| match refusal.reason {
                // What a server can't tell apart it calls a bad request here.
                Reason::Internal => Refusal::bad_request(refusal.message),
                _ => refusal,
            })?;
    Ok(created.object.clone())
}

/// Values that are no texts become texts, numbers by way of a floating-point number.
fn values_to_texts(workflow: &mut Value) {
    let parameters = workflow["spec"]["arguments"]["parameters"].as_array_mut();
    for parameter in parameters.into_iter().flatten() {
        if let Some(number) = parameter["value"].as_f64() {
            parameter["value"] = json!(number.to_string());
        } else if let Some(truth) = parameter["value"].as_bool() {
            parameter["value"] = json!(truth.to_string());
        }
    }
}

fn parse(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::bad_request(format!("the body is no JSON: {error}")))
}
