//! The stand-in bears thousands of workflows.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Client, PATIENCE, server};
use norgay_testbed::{Kind, Lives, Options, Script};
use reqwest::Method;
use serde_json::json;

const WORKFLOWS: usize = 2000;
const CALLERS: usize = 20;

#[tokio::test]
async fn thousands_of_workflows_pass_through_and_leave_nothing() {
    let lives = Lives::Scripted(Script::running_for(Duration::from_millis(5)));
    let server = server(Options {
        lives,
        ..Options::default()
    });
    let client = Arc::new(Client::of(&server));
    let callers = (0..CALLERS).map(|caller| {
        let client = Arc::clone(&client);
        tokio::spawn(async move {
            for number in 0..WORKFLOWS / CALLERS {
                let name = format!("w-{caller}-{number}");
                client.start(&name).await;
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    assert!(server.wait_until(PATIENCE, |server| server.counters().live == 0));
    let path = "/api/v1/workflows/argo?fields=metadata,items.metadata.name";
    let (_, list) = client.get(path).await;
    let names: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["metadata"]["name"].clone())
        .collect();
    assert_eq!(names.len(), WORKFLOWS);
    for name in names {
        let path = format!("/api/v1/workflows/argo/{}", name.as_str().unwrap());
        assert_eq!(
            client.call(Method::DELETE, &path, None).await,
            (200, json!({}))
        );
    }
    let counters = server.counters();
    assert_eq!(
        (counters.created, counters.of(Kind::Delete)),
        (WORKFLOWS as u64, WORKFLOWS as u64)
    );
    assert!(counters.created_again.is_empty() && server.workflows().is_empty());
}
