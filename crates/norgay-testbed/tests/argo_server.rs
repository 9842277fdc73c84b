//! The stand-in behaves as an argo-server does.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Client, PATIENCE, server};
use norgay_testbed::{Ending, Kind, Lives, Options, PodFailure, Script};
use reqwest::Method;
use serde_json::{Value, json};

const AT: &str = "/api/v1/workflows/argo";

fn error(code: u32, message: &str) -> Value {
    json!({"code": code, "message": message})
}

#[tokio::test]
async fn a_submitted_workflow_can_be_read_and_has_no_phase_until_it_is_seen() {
    let server = server(Options::default());
    let client = Client::of(&server);
    let made = client.start("a").await;
    let (status, found) = client.get(&format!("{AT}/a")).await;
    assert_eq!((status, &found), (200, &made));
    assert_eq!(found["metadata"]["labels"]["study"], "a");
    assert_eq!(
        found["metadata"]["labels"]["workflows.argoproj.io/workflow-template"],
        "trial"
    );
    assert!(found["status"]["phase"].is_null());
    assert!(!found["metadata"]["uid"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn a_script_leads_a_workflow_to_its_end() {
    let lives = Lives::Scripted(Script::running_for(Duration::from_millis(20)));
    let server = server(Options {
        lives,
        ..Options::default()
    });
    let client = Client::of(&server);
    client.start("a").await;
    assert!(
        server.wait_until(PATIENCE, |server| server.phase("a").as_deref()
            == Some("Succeeded"))
    );
    let workflow = client.get(&format!("{AT}/a")).await.1;
    assert_eq!(
        workflow["metadata"]["labels"]["workflows.argoproj.io/completed"],
        "true"
    );
    assert!(workflow["status"]["finishedAt"].is_string());
    assert_eq!(workflow["status"]["nodes"]["a"]["phase"], "Succeeded");
}

#[tokio::test]
async fn a_failed_pod_says_why() {
    let script =
        Script::running_for(Duration::ZERO).ending(Ending::PodFailed(PodFailure::out_of_memory()));
    let server = server(Options {
        lives: Lives::Scripted(script),
        ..Options::default()
    });
    let client = Client::of(&server);
    client.start("a").await;
    assert!(
        server.wait_until(PATIENCE, |server| server.phase("a").as_deref()
            == Some("Failed"))
    );
    let workflow = server.workflow("a").unwrap();
    let pods = workflow["status"]["nodes"]
        .as_object()
        .unwrap()
        .values()
        .filter(|node| node["type"] == "Pod");
    let told: Vec<_> = pods
        .map(|pod| (pod["message"].clone(), pod["outputs"]["exitCode"].clone()))
        .collect();
    assert_eq!(told, [(json!("OOMKilled (exit code 137)"), json!("137"))]);
}

#[tokio::test]
async fn a_taken_name_is_refused_and_the_workflow_stays_as_it_is() {
    let server = server(Options::default());
    let client = Client::of(&server);
    let first = client.start("a").await;
    let taken = error(6, "workflows.argoproj.io \"a\" already exists");
    assert_eq!(client.submit(json!({"name": "a"})).await, (409, taken));
    assert_eq!(server.workflow("a").unwrap(), first);
    assert!(server.counters().created_again.is_empty());
}

#[tokio::test]
async fn a_dry_run_creates_nothing_but_tells_what_is_wrong() {
    let server = server(Options::default());
    let client = Client::of(&server);
    assert_eq!(
        client
            .submit(json!({"name": "a", "serverDryRun": true}))
            .await
            .0,
        200
    );
    assert_eq!(server.phase("a"), None);
    let unknown = client
        .submit(json!({"name": "a", "serverDryRun": true, "entryPoint": "gone"}))
        .await;
    assert_eq!(unknown, (400, error(3, "template name 'gone' not found")));
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = server(Options::default());
    let client = Client::of(&server);
    let missing = (404, error(5, "workflows.argoproj.io \"a\" not found"));
    assert_eq!(client.get(&format!("{AT}/a")).await, missing);
    assert_eq!(
        client.call(Method::DELETE, &format!("{AT}/a"), None).await,
        missing
    );
    assert_eq!(
        client
            .call(Method::PUT, &format!("{AT}/a/stop"), Some(json!({})))
            .await,
        missing
    );
    client.start("a").await;
    assert_eq!(client.get(&format!("{AT}/a?uid=another")).await, missing);
    let body = json!({"resourceKind": "WorkflowTemplate", "resourceName": "gone"});
    let (status, refusal) = client
        .call(Method::POST, &format!("{AT}/submit"), Some(body))
        .await;
    assert_eq!(
        (status, refusal),
        (
            404,
            error(5, "workflowtemplates.argoproj.io \"gone\" not found")
        )
    );
}

#[tokio::test]
async fn a_deleted_workflow_is_gone() {
    let server = server(Options::default());
    let client = Client::of(&server);
    client.start("a").await;
    assert_eq!(
        client.call(Method::DELETE, &format!("{AT}/a"), None).await,
        (200, json!({}))
    );
    assert_eq!(server.phase("a"), None);
}

#[tokio::test]
async fn only_the_right_token_and_namespace_are_let_in() {
    let server = server(Options {
        prefix: "/argo/".into(),
        ..Options::default()
    });
    let mut client = Client::of(&server);
    assert!(server.url().ends_with("/argo"));
    assert_eq!(client.get("/api/v1/version").await.1["version"], "v4.1.2");
    assert_eq!(
        client.get("/api/v1/userinfo").await.1["serviceAccountName"],
        "norgay"
    );
    let (status, refusal) = client.get("/api/v1/workflows/other").await;
    assert_eq!((status, &refusal["code"]), (403, &json!(7)));
    server.forbid("create workflows");
    assert_eq!(client.submit(json!({"name": "a"})).await.0, 403);
    server.rotate_token("new").unwrap();
    assert_eq!(
        client.get("/api/v1/version").await,
        (401, error(16, "token not valid"))
    );
    client.token = "new".into();
    assert_eq!(
        client.get("/api/v1/info").await,
        (200, client.get("/api/v1/info").await.1)
    );
}

#[tokio::test]
async fn templates_of_both_kinds_can_be_read_and_used() {
    let server = server(Options::default());
    let client = Client::of(&server);
    let mut cluster = common::template();
    cluster["kind"] = json!("ClusterWorkflowTemplate");
    cluster["metadata"]["name"] = json!("wide");
    server.put_template(cluster);
    let (status, found) = client.get("/api/v1/workflow-templates/argo/trial").await;
    assert_eq!(
        (status, &found["spec"]["entrypoint"]),
        (200, &json!("main"))
    );
    assert_eq!(
        client
            .get("/api/v1/cluster-workflow-templates/wide")
            .await
            .0,
        200
    );
    assert_eq!(
        client.get("/api/v1/workflow-templates/argo/wide").await.0,
        404
    );
    let body =
        json!({"resourceKind": "cwft", "resourceName": "wide", "submitOptions": {"name": "a"}});
    let (status, made) = client
        .call(Method::POST, &format!("{AT}/submit"), Some(body))
        .await;
    assert_eq!(
        (status, &made["spec"]["workflowTemplateRef"]["clusterScope"]),
        (200, &json!(true))
    );
}

#[tokio::test]
async fn a_list_is_selected_cut_and_paged_by_offset() {
    let server = server(Options::default());
    let client = Client::of(&server);
    for name in ["a", "b", "c"] {
        client.start(name).await;
    }
    client
        .submit(json!({"name": "d", "labels": "study=b"}))
        .await;
    let selected =
        format!("{AT}?listOptions.labelSelector=study%3Da&fields=metadata,items.metadata.name");
    let names = |list: &Value| -> Vec<String> {
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["metadata"]["name"].as_str().unwrap().into())
            .collect()
    };
    let (_, first) = client.get(&format!("{selected}&listOptions.limit=2")).await;
    assert_eq!(names(&first), ["c", "b"]);
    // Fields are compared as texts, so that asking for `name` gives `namespace` as well.
    assert_eq!(
        first["items"][0],
        json!({"metadata": {"name": "c", "namespace": "argo"}})
    );
    assert_eq!(first["metadata"]["continue"], "2");
    let (_, second) = client
        .get(&format!(
            "{selected}&listOptions.limit=2&listOptions.continue=2"
        ))
        .await;
    assert_eq!(names(&second), ["a"]);
    assert!(second["metadata"]["continue"].is_null());
    let (status, _) = client
        .get(&format!(
            "{AT}?listOptions.fieldSelector=status.phase%3DRunning"
        ))
        .await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn an_empty_list_is_null() {
    let server = server(Options::default());
    let (status, list) = Client::of(&server).get(AT).await;
    assert_eq!((status, &list["items"]), (200, &Value::Null));
}

#[tokio::test]
async fn a_running_workflow_that_is_stopped_fails() {
    for how in ["stop", "terminate"] {
        let server = server(Options::default());
        let client = Client::of(&server);
        client.start("a").await;
        server.set_phase("a", "Running");
        assert_eq!(
            client
                .call(Method::PUT, &format!("{AT}/a/{how}"), Some(json!({})))
                .await
                .0,
            200
        );
        assert!(
            server.wait_until(PATIENCE, |server| server.phase("a").as_deref()
                == Some("Failed"))
        );
        let message = server.workflow("a").unwrap()["status"]["message"]
            .as_str()
            .unwrap()
            .to_lowercase();
        assert_eq!(message, format!("stopped with strategy '{how}'"));
    }
}

#[tokio::test]
async fn a_finished_workflow_cannot_be_stopped() {
    let server = server(Options::default());
    let client = Client::of(&server);
    client.start("a").await;
    server.set_phase("a", "Succeeded");
    let (status, refusal) = client
        .call(Method::PUT, &format!("{AT}/a/terminate"), Some(json!({})))
        .await;
    let message = "cannot shutdown a completed workflow: workflow: \"a\", namespace: \"argo\"";
    assert_eq!((status, refusal), (500, error(13, message)));
}

#[tokio::test]
async fn a_workflow_that_waits_heeds_no_stop_before_it_is_admitted() {
    let server = server(Options::default());
    let client = Client::of(&server);
    for name in ["a", "b"] {
        client.start(name).await;
        server.set_phase(name, "Pending");
    }
    client
        .call(Method::PUT, &format!("{AT}/a/stop"), Some(json!({})))
        .await;
    client
        .call(Method::PUT, &format!("{AT}/b/terminate"), Some(json!({})))
        .await;
    assert!(
        server.wait_until(PATIENCE, |server| server.phase("b").as_deref()
            == Some("Failed"))
    );
    assert_eq!(server.phase("a").as_deref(), Some("Pending"));
    server.set_phase("a", "Running");
    assert!(
        server.wait_until(PATIENCE, |server| server.phase("a").as_deref()
            == Some("Failed"))
    );
}

#[tokio::test]
async fn a_created_workflow_may_have_a_deadline() {
    let lives = Lives::Scripted(Script {
        ends_after: None,
        ..Script::running_for(Duration::ZERO)
    });
    let server = server(Options {
        lives,
        ..Options::default()
    });
    let client = Client::of(&server);
    let workflow = json!({
        "metadata": {"name": "a", "labels": {"study": "a"}},
        "spec": {
            "workflowTemplateRef": {"name": "trial"},
            "activeDeadlineSeconds": 0,
            "arguments": {"parameters": [{"name": "x", "value": 0.5}]},
        },
    });
    let (status, made) = client
        .call(
            Method::POST,
            AT,
            Some(json!({"namespace": "argo", "workflow": workflow})),
        )
        .await;
    assert_eq!(
        (status, &made["spec"]["arguments"]["parameters"][0]["value"]),
        (200, &json!("0.5"))
    );
    assert!(
        server.wait_until(PATIENCE, |server| server.phase("a").as_deref()
            == Some("Failed"))
    );
}

#[tokio::test]
async fn logs_come_line_by_line() {
    let server = server(Options::default());
    let client = Client::of(&server);
    client.start("a").await;
    for line in ["one", "two", "three"] {
        server.write_log("a", line);
    }
    let path = format!("{AT}/a/log?logOptions.container=main&logOptions.tailLines=2");
    let text = client
        .send(Method::GET, &path, None)
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| line["result"]["content"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["two", "three"]);
    assert!(
        lines[0]["result"]["podName"]
            .as_str()
            .unwrap()
            .starts_with("a-")
    );
}

#[tokio::test]
async fn every_request_is_on_record() {
    let server = server(Options::default());
    let client = Client::of(&server);
    client.start("a").await;
    client.get(&format!("{AT}?listOptions.limit=1")).await;
    let submitted = &server.requests_of(Kind::Submit)[0];
    assert_eq!(
        (submitted.method.as_str(), submitted.status),
        ("POST", Some(200))
    );
    assert_eq!(
        serde_json::from_str::<Value>(&submitted.body).unwrap()["resourceName"],
        "trial"
    );
    assert_eq!(
        server.requests_of(Kind::List)[0].query,
        "listOptions.limit=1"
    );
    let counters = server.counters();
    assert_eq!(
        (counters.created, counters.live, counters.most_live),
        (1, 1, 1)
    );
    assert_eq!(
        (counters.of(Kind::Submit), counters.of(Kind::Delete)),
        (1, 0)
    );
    server.delete("a");
    client.start("a").await;
    assert_eq!(server.counters().created_again, ["a"]);
}
