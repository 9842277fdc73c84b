//! What an argo-server tells over time: changes of workflows, and what pods wrote.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt};
use reqwest::Response;
use serde::Deserialize;

use super::super::api::{ApiError, WatchEvent, Workflow};
use super::super::wire::WorkflowObject;
use super::connection::{Connection, no_answer};
use super::event_stream::EventStream;
use super::refusal::{Asked, StreamError};

/// The server says something every 15 seconds: whoever is silent for longer is dead.
const SILENCE: Duration = Duration::from_secs(45);
/// Logs are a help for people: what has not come by then is left out.
const LOG_LIMIT: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct Frame {
    result: Option<Change>,
    error: Option<StreamError>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    object: Option<WorkflowObject>,
}

/// What a message of the stream says.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Event(WatchEvent),
    Nothing,
    End,
    Failure(ApiError),
}

struct Watch {
    response: Response,
    connection: Arc<Connection>,
    pending: EventStream,
    told: VecDeque<Result<WatchEvent, ApiError>>,
    ended: bool,
}

/// The changes that this answer tells; ends with the first error.
pub(super) fn events(
    response: Response,
    connection: Arc<Connection>,
) -> BoxStream<'static, Result<WatchEvent, ApiError>> {
    let watch = Watch {
        response,
        connection,
        pending: EventStream::default(),
        told: VecDeque::new(),
        ended: false,
    };
    stream::unfold(watch, |mut watch| async move {
        while watch.told.is_empty() && !watch.ended {
            watch.advance().await;
        }
        watch.told.pop_front().map(|told| (told, watch))
    })
    .boxed()
}

impl Watch {
    /// Waits for the next bytes and reads them.
    async fn advance(&mut self) {
        let messages = match tokio::time::timeout(SILENCE, self.response.chunk()).await {
            Err(_) => return self.fail("nothing came for 45 seconds".to_string()),
            Ok(Err(error)) => {
                let error = self.connection.error(no_answer(error), Asked::Other);
                return self.end(Some(error));
            }
            Ok(Ok(None)) => {
                self.ended = true;
                std::mem::take(&mut self.pending)
                    .finish()
                    .into_iter()
                    .collect()
            }
            Ok(Ok(Some(bytes))) => match self.pending.push(&bytes) {
                Ok(messages) => messages,
                Err(_) => return self.fail("an event was longer than any workflow".to_string()),
            },
        };
        for message in messages {
            match read(&message, self.connection.name()) {
                Told::Event(event) => self.told.push_back(Ok(event)),
                Told::Nothing => {}
                Told::End => return self.end(None),
                Told::Failure(error) => return self.end(Some(error)),
            }
        }
    }

    fn fail(&mut self, message: String) {
        let server = self.connection.name().to_string();
        self.end(Some(ApiError::Unavailable { server, message }));
    }

    fn end(&mut self, error: Option<ApiError>) {
        self.ended = true;
        self.told.extend(error.map(Err));
    }
}

fn read(message: &[u8], server: &str) -> Told {
    let failure = |message: String| {
        let server = server.to_string();
        Told::Failure(ApiError::Unavailable { server, message })
    };
    let frame: Frame = match serde_json::from_slice(message) {
        Ok(frame) => frame,
        Err(_) => return failure("an event could not be read".to_string()),
    };
    if let Some(error) = frame.error {
        return error.into_error(server).map_or(Told::End, Told::Failure);
    }
    let Some(change) = frame.result else {
        return failure("an event said nothing".to_string());
    };
    let workflow = change.object.map(Workflow::from);
    match (change.kind.as_str(), workflow) {
        ("ADDED" | "MODIFIED", Some(workflow)) => Told::Event(WatchEvent::Seen(workflow)),
        ("DELETED", Some(workflow)) => Told::Event(WatchEvent::Gone(workflow)),
        ("ERROR", _) => failure("the watch has failed".to_string()),
        // Bookmarks, and what later versions may add.
        _ => Told::Nothing,
    }
}

#[derive(Deserialize)]
struct LogFrame {
    result: Option<LogLine>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LogLine {
    content: String,
}

/// The last lines that this answer tells, as far as they come.
pub(super) async fn last_lines(mut response: Response, lines: usize) -> String {
    let mut last = VecDeque::new();
    let mut pending = EventStream::default();
    let reading = async {
        while let Ok(Some(bytes)) = response.chunk().await {
            let Ok(messages) = pending.push(&bytes) else {
                break;
            };
            for message in &messages {
                keep(&mut last, message, lines);
            }
        }
    };
    // What has come is worth showing, however it ended.
    let _ = tokio::time::timeout(LOG_LIMIT, reading).await;
    if let Some(message) = pending.finish() {
        keep(&mut last, &message, lines);
    }
    Vec::from(last).join("\n")
}

fn keep(last: &mut VecDeque<String>, message: &[u8], lines: usize) {
    let Ok(LogFrame { result: Some(line) }) = serde_json::from_slice(message) else {
        return;
    };
    last.push_back(line.content);
    while last.len() > lines {
        last.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::api::Phase;
    use super::*;

    fn told(message: &str) -> Told {
        read(message.as_bytes(), "s")
    }

    #[test]
    fn changes_are_seen_or_gone_and_anything_new_is_passed_over() {
        let object = r#""object":{"metadata":{"name":"w","labels":null},"status":{"phase":"Running","startedAt":null}}"#;
        let workflow = Workflow {
            name: "w".into(),
            phase: Phase::Running,
            ..Workflow::default()
        };
        for kind in ["ADDED", "MODIFIED"] {
            let message = format!(r#"{{"result":{{"type":"{kind}",{object}}}}}"#);
            let event = WatchEvent::Seen(workflow.clone());
            assert_eq!(told(&message), Told::Event(event));
        }
        let message = format!(r#"{{"result":{{"type":"DELETED",{object}}}}}"#);
        assert_eq!(told(&message), Told::Event(WatchEvent::Gone(workflow)));
        let message = format!(r#"{{"result":{{"type":"BOOKMARK",{object}}}}}"#);
        assert_eq!(told(&message), Told::Nothing);
    }

    #[test]
    fn errors_end_a_watch() {
        let end = r#"{"error":{"grpc_code":8,"http_code":429,"message":"EOF"}}"#;
        assert_eq!(told(end), Told::End);
        let old = r#"{"error":{"grpc_code":3,"http_code":400,"message":"too old resource version: 1 (322)"}}"#;
        for message in [old, "{}", "no JSON", r#"{"result":{"type":"ERROR"}}"#] {
            let Told::Failure(error) = told(message) else {
                panic!("no failure: {message}");
            };
            assert!(error.may_pass(), "{error}");
        }
    }

    #[test]
    fn the_last_lines_are_kept() {
        let mut last = VecDeque::new();
        for line in ["a", "b", "c"] {
            let message = format!(r#"{{"result":{{"content":"{line}","podName":"p"}}}}"#);
            keep(&mut last, message.as_bytes(), 2);
        }
        keep(
            &mut last,
            br#"{"error":{"message":"container not found"}}"#,
            2,
        );
        assert_eq!(last, ["b", "c"]);
    }
}
