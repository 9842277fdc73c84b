//! Watches of the stand-in, and what goes wrong with them.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Client, server};
use norgay_testbed::{FaultPlan, Options, WatchFault, WatchRule, When};
use reqwest::{Response, header};
use serde_json::{Value, json};

const FIELDS: &str =
    "fields=result.type,result.object.metadata.name,result.object.status.phase,error";

/// An open watch of the study `a`.
struct Watch {
    answer: Response,
    text: String,
}

impl Watch {
    async fn open(client: &Client, query: &str) -> Self {
        let url = format!(
            "{}/api/v1/workflow-events/argo?listOptions.labelSelector=study%3Da&{query}",
            client.url
        );
        let request = client
            .http
            .get(url)
            .bearer_auth(&client.token)
            .header(header::ACCEPT, "text/event-stream");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
        Self {
            answer,
            text: String::new(),
        }
    }

    /// The next line that is not empty; none at the end, however it came.
    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some((line, rest)) = self.text.split_once('\n') {
                let line = line.to_string();
                self.text = rest.to_string();
                if !line.is_empty() {
                    return Some(line);
                }
                continue;
            }
            let piece = self.answer.chunk().await.ok().flatten()?;
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    async fn frame(&mut self) -> Option<Value> {
        let line = self.line().await?;
        Some(serde_json::from_str(line.strip_prefix("data: ").unwrap()).unwrap())
    }

    /// Type, name and phase of the next change.
    async fn change(&mut self) -> (String, String, String) {
        let frame = self.frame().await.unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let object = &frame["result"]["object"];
        (
            text(&frame["result"]["type"]),
            text(&object["metadata"]["name"]),
            text(&object["status"]["phase"]),
        )
    }
}

fn change(kind: &str, name: &str, phase: &str) -> (String, String, String) {
    (kind.into(), name.into(), phase.into())
}

fn faulty(after_changes: u64, fault: WatchFault) -> Options {
    let watches = vec![WatchRule {
        when: When::Nth(1),
        after_changes,
        fault,
    }];
    Options {
        faults: FaultPlan {
            watches,
            ..FaultPlan::default()
        },
        ..Options::default()
    }
}

#[tokio::test]
async fn a_watch_begins_with_what_is_there_and_goes_on_with_changes() {
    let server = server(Options::default());
    let client = Client::of(&server);
    client.start("a").await;
    client
        .submit(json!({"name": "other", "labels": "study=b"}))
        .await;
    let mut watch = Watch::open(&client, FIELDS).await;
    assert_eq!(watch.change().await, change("ADDED", "a", ""));
    client.start("b").await;
    assert_eq!(watch.change().await, change("ADDED", "b", ""));
    server.set_phase("a", "Running");
    assert_eq!(watch.change().await, change("MODIFIED", "a", "Running"));
    server.delete("a");
    assert_eq!(watch.change().await, change("DELETED", "a", "Running"));
}

#[tokio::test]
async fn a_watch_goes_on_from_a_version_unless_it_is_too_old() {
    let server = server(Options::default());
    let client = Client::of(&server);
    let first = client.start("a").await;
    client.start("b").await;
    let version = first["metadata"]["resourceVersion"].as_str().unwrap();
    let query = format!("{FIELDS}&listOptions.resourceVersion={version}");
    assert_eq!(
        Watch::open(&client, &query).await.change().await,
        change("ADDED", "b", "")
    );
    server.forget_changes();
    let mut late = Watch::open(&client, &query).await;
    let error = late.frame().await.unwrap();
    assert_eq!(
        (&error["error"]["grpc_code"], &error["error"]["http_code"]),
        (&json!(3), &json!(400))
    );
    assert!(
        error["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("too old resource version")
    );
    assert_eq!(late.line().await, None);
}

#[tokio::test]
async fn a_quiet_watch_shows_that_it_is_alive() {
    let server = server(Options {
        keep_alive: Duration::from_millis(10),
        ..Options::default()
    });
    let mut watch = Watch::open(&Client::of(&server), "").await;
    assert_eq!(watch.line().await.as_deref(), Some(":"));
}

#[tokio::test]
async fn a_watch_can_end_with_an_error_in_its_stream() {
    let server = server(faulty(1, WatchFault::Eof));
    let client = Client::of(&server);
    client.start("a").await;
    let mut watch = Watch::open(&client, FIELDS).await;
    watch.change().await;
    let error = json!({"grpc_code": 8, "http_code": 429, "message": "EOF", "http_status": "Too Many Requests"});
    assert_eq!(watch.frame().await, Some(json!({"error": error})));
    assert_eq!(watch.line().await, None);
    client.start("b").await;
    assert_eq!(
        Watch::open(&client, FIELDS).await.change().await,
        change("ADDED", "a", "")
    );
}

#[tokio::test]
async fn an_error_frame_is_empty_to_one_who_did_not_ask_for_it() {
    let server = server(faulty(0, WatchFault::TooOld));
    let mut watch = Watch::open(&Client::of(&server), "fields=result.type").await;
    assert_eq!(watch.frame().await, Some(json!({})));
}

#[tokio::test]
async fn a_watch_can_be_cut_or_go_silent() {
    let silent = server(Options {
        keep_alive: Duration::from_millis(5),
        ..faulty(0, WatchFault::Silent)
    });
    let mut watch = Watch::open(&Client::of(&silent), "").await;
    let nothing = tokio::time::timeout(Duration::from_millis(60), watch.line()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    silent.cut_watches();
    assert!(watch.answer.chunk().await.is_err());
}
