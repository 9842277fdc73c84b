//! The stand-in does wrong what the plan says.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Client, PATIENCE, server};
use norgay_testbed::{
    ClusterFaults, FaultPlan, Kind, Lives, Options, RequestFault, RequestRule, Script, When,
};
use reqwest::Method;
use serde_json::{Value, json};

const AT: &str = "/api/v1/workflows/argo";

fn first(kind: Kind, fault: RequestFault) -> Options {
    let requests = vec![RequestRule {
        on: vec![kind],
        when: When::Nth(1),
        fault,
    }];
    Options {
        faults: FaultPlan {
            requests,
            ..FaultPlan::default()
        },
        ..Options::default()
    }
}

fn cluster(cluster: ClusterFaults) -> Options {
    let lives = Lives::Scripted(Script::running_for(Duration::from_millis(1)));
    Options {
        lives,
        faults: FaultPlan {
            cluster,
            ..FaultPlan::default()
        },
        ..Options::default()
    }
}

#[tokio::test]
async fn a_lost_reply_leaves_a_workflow_and_a_lost_request_none() {
    for (fault, left) in [
        (RequestFault::LostReply, true),
        (RequestFault::LostRequest, false),
    ] {
        let server = server(first(Kind::Submit, fault));
        let client = Client::of(&server);
        let body = json!({"resourceKind": "wftmpl", "resourceName": "trial", "submitOptions": {"name": "a"}});
        let sent = client
            .send(Method::POST, &format!("{AT}/submit"), Some(body))
            .await;
        assert!(sent.is_err());
        assert_eq!(server.phase("a").is_some(), left);
        let again = client.submit(json!({"name": "a"})).await.0;
        assert_eq!(again, if left { 409 } else { 200 });
    }
}

#[tokio::test]
async fn a_busy_server_says_how_long_to_wait() {
    let server = server(first(
        Kind::Get,
        RequestFault::TooManyRequests {
            retry_after_s: Some(3),
        },
    ));
    let answer = Client::of(&server)
        .send(Method::GET, &format!("{AT}/a"), None)
        .await
        .unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after"]),
        (429, &"3".parse().unwrap())
    );
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(body["code"], 8);
}

#[tokio::test]
async fn a_proxy_answers_with_a_page() {
    let server = server(first(Kind::List, RequestFault::ProxyPage(502)));
    let answer = Client::of(&server)
        .send(Method::GET, AT, None)
        .await
        .unwrap();
    assert_eq!(answer.status(), 502);
    assert!(answer.text().await.unwrap().starts_with("<html>"));
}

#[tokio::test]
async fn a_server_error_has_its_code() {
    let server = server(first(Kind::List, RequestFault::Status(503)));
    let client = Client::of(&server);
    let (status, body) = client.get(AT).await;
    assert_eq!((status, &body["code"]), (503, &json!(14)));
    assert_eq!(client.get(AT).await.0, 200);
}

#[tokio::test]
async fn a_list_may_lag_behind() {
    let lag = ClusterFaults {
        list_lag_ms: 60_000,
        ..ClusterFaults::default()
    };
    let server = server(Options {
        lives: Lives::default(),
        ..cluster(lag)
    });
    let client = Client::of(&server);
    client.start("a").await;
    assert_eq!(client.get(AT).await.1["items"], Value::Null);
    assert_eq!(client.get(&format!("{AT}/a")).await.0, 200);
    server.set_faults(FaultPlan::default());
    assert_eq!(client.get(AT).await.1["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn finished_workflows_may_be_deleted_before_anybody_looks() {
    let short = ClusterFaults {
        delete_finished_after_ms: Some(1),
        ..ClusterFaults::default()
    };
    let server = server(cluster(short));
    Client::of(&server).start("a").await;
    assert!(server.wait_until(PATIENCE, |server| server.phase("a").is_none()));
}

#[tokio::test]
async fn a_workflow_may_vanish_while_it_runs() {
    let gone = ClusterFaults {
        vanishes: 1.0,
        ..ClusterFaults::default()
    };
    let server = server(cluster(gone));
    Client::of(&server).start("a").await;
    assert!(server.wait_until(PATIENCE, |server| server.phase("a").is_none()));
}

#[tokio::test]
async fn a_workflow_may_stay_running_though_its_pods_succeeded() {
    let stuck = ClusterFaults {
        stuck_running: 1.0,
        ..ClusterFaults::default()
    };
    let server = server(cluster(stuck));
    let client = Client::of(&server);
    client.start("a").await;
    let pods_done = |workflow: &Value| workflow["status"]["nodes"]["a"]["phase"] == "Succeeded";
    assert!(server.wait_until(PATIENCE, |server| {
        server.workflow("a").is_some_and(|one| pods_done(&one))
    }));
    assert_eq!(server.phase("a").as_deref(), Some("Running"));
    client
        .call(Method::PUT, &format!("{AT}/a/terminate"), Some(json!({})))
        .await;
    assert!(
        server.wait_until(PATIENCE, |server| server.phase("a").as_deref()
            == Some("Failed"))
    );
}

#[tokio::test]
async fn a_deletion_may_take_its_time() {
    let slow = ClusterFaults {
        delete_takes_ms: 50,
        ..ClusterFaults::default()
    };
    let server = server(Options {
        lives: Lives::default(),
        ..cluster(slow)
    });
    let client = Client::of(&server);
    client.start("a").await;
    assert_eq!(
        client
            .call(Method::DELETE, &format!("{AT}/a"), None)
            .await
            .0,
        200
    );
    let (status, left) = client.get(&format!("{AT}/a")).await;
    assert!(status == 404 || left["metadata"]["deletionTimestamp"].is_string());
    assert!(server.wait_until(PATIENCE, |server| server.phase("a").is_none()));
}
