//! What the main containers of a workflow wrote.

use kube::api::{ListParams, LogParams};
use kube::core::Request;
use serde::Deserialize;

use super::connection::Connection;
use super::errors;
use crate::scheduler::argo::api::ApiError;
use crate::scheduler::argo::wire::null_as_default;

#[derive(Default, Deserialize)]
#[serde(default)]
struct PodList {
    #[serde(deserialize_with = "null_as_default")]
    items: Vec<Pod>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pod {
    metadata: PodMetadata,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodMetadata {
    name: String,
    creation_timestamp: String,
}

/// The last lines over all pods of a workflow, in the order in which these were made.
pub(super) async fn last_lines(
    connection: &Connection,
    workflow: &str,
    lines: usize,
) -> Result<String, ApiError> {
    let pods = Request::new(format!("/api/v1/namespaces/{}/pods", connection.namespace));
    let mut text = String::new();
    for name in pod_names(connection, &pods, workflow).await? {
        let written = written_by(connection, &pods, &name, lines).await?;
        text.push_str(&written);
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
    }
    Ok(tail(&text, lines).to_string())
}

async fn pod_names(
    connection: &Connection,
    pods: &Request,
    workflow: &str,
) -> Result<Vec<String>, ApiError> {
    let of_workflow = format!("workflows.argoproj.io/workflow={workflow}");
    let request = pods.list_metadata(&ListParams::default().labels(&of_workflow));
    let answer = connection.call(request).await?;
    if !answer.is_success() {
        return Err(errors::refusal(&connection.server, workflow, &answer));
    }
    let mut list: PodList = serde_json::from_slice(&answer.body)
        .map_err(|error| errors::unreadable(&connection.server, &error))?;
    // All in the same form, so that they sort by time.
    list.items.sort_by(|a, b| {
        a.metadata
            .creation_timestamp
            .cmp(&b.metadata.creation_timestamp)
    });
    Ok(list
        .items
        .into_iter()
        .map(|pod| pod.metadata.name)
        .collect())
}

/// Nothing for pods that have not started yet, are gone, or have no such container.
async fn written_by(
    connection: &Connection,
    pods: &Request,
    name: &str,
    lines: usize,
) -> Result<String, ApiError> {
    let parameters = LogParams {
        container: Some("main".to_string()),
        tail_lines: Some(lines.try_into().unwrap_or(i64::MAX)),
        ..LogParams::default()
    };
    let answer = connection.call(pods.logs(name, &parameters)).await?;
    match answer.status {
        200..300 => Ok(String::from_utf8_lossy(&answer.body).into_owned()),
        400 | 404 => Ok(String::new()),
        _ => Err(errors::refusal(&connection.server, name, &answer)),
    }
}

/// The last lines of a text whose lines all end.
fn tail(text: &str, lines: usize) -> &str {
    let total = text.lines().count();
    let mut rest = text;
    for _ in 0..total.saturating_sub(lines) {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::tail;

    #[test]
    fn the_tail_is_the_last_lines() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc\n");
        assert_eq!(tail("a\n", 2), "a\n");
        assert_eq!(tail("a\n", 0), "");
        assert_eq!(tail("", 2), "");
    }
}
