//! What the main containers of a workflow wrote.

use kube::api::LogParams;
use kube::core::Request;

use super::connection::Connection;
use super::{errors, lists};
use crate::scheduler::argo::api::ApiError;

/// The last lines over all pods of a workflow, in the order in which these were made.
pub(super) async fn last_lines(
    connection: &Connection,
    workflow: &str,
    lines: usize,
) -> Result<String, ApiError> {
    let pods = Request::new(format!("/api/v1/namespaces/{}/pods", connection.namespace));
    let mut text = String::new();
    let of_workflow = format!("workflows.argoproj.io/workflow={workflow}");
    for name in lists::names(connection, &pods, &of_workflow).await? {
        let written = written_by(connection, &pods, &name, lines).await?;
        text.push_str(&written);
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
    }
    Ok(tail(&text, lines).to_string())
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
