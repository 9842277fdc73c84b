//! The stand-in behaves as a Kubernetes API does.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Client, PATIENCE, server};
use norgay_testbed::{Kind, Lives, Options, Script};
use reqwest::{Method, Response};
use serde_json::{Value, json};

const AT: &str = "/apis/argoproj.io/v1alpha1/namespaces/argo/workflows";

fn workflow(name: &str, template: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name, "labels": {"study": "a"}},
        "spec": {"workflowTemplateRef": {"name": template}},
    })
}

async fn create(client: &Client, name: &str) -> Value {
    let (status, made) = client
        .call(Method::POST, AT, Some(workflow(name, "trial")))
        .await;
    assert_eq!(status, 201, "{made}");
    made
}

fn names(list: &Value) -> Vec<&str> {
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["metadata"]["name"].as_str().unwrap())
        .collect()
}

async fn event(answer: &mut Response) -> Value {
    serde_json::from_slice(&answer.chunk().await.unwrap().unwrap()).unwrap()
}

#[tokio::test]
async fn workflows_are_created_read_and_deleted() {
    let server = server(Options::default());
    let client = Client::of(&server);
    let made = create(&client, "a").await;
    assert_eq!(client.get(&format!("{AT}/a")).await, (200, made.clone()));
    let wrong = json!({"preconditions": {"uid": "another"}});
    let (status, refusal) = client
        .call(Method::DELETE, &format!("{AT}/a"), Some(wrong))
        .await;
    assert_eq!((status, &refusal["reason"]), (409, &json!("Conflict")));
    let (status, deleted) = client.call(Method::DELETE, &format!("{AT}/a"), None).await;
    assert_eq!((status, &deleted["status"]), (200, &json!("Success")));
    let (status, refusal) = client.get(&format!("{AT}/a")).await;
    assert_eq!(
        (status, &refusal["kind"], &refusal["reason"]),
        (404, &json!("Status"), &json!("NotFound"))
    );
}

#[tokio::test]
async fn what_kubernetes_refuses_is_refused_in_its_way() {
    let server = server(Options::default());
    let client = Client::of(&server);
    create(&client, "a").await;
    let (status, refusal) = client
        .call(Method::POST, AT, Some(workflow("a", "trial")))
        .await;
    assert_eq!((status, &refusal["reason"]), (409, &json!("AlreadyExists")));
    let (status, refusal) = client
        .call(Method::POST, AT, Some(workflow("A", "trial")))
        .await;
    assert_eq!((status, &refusal["reason"]), (422, &json!("Invalid")));
    let (status, _) = client
        .call(
            Method::POST,
            &format!("{AT}?dryRun=All"),
            Some(workflow("b", "trial")),
        )
        .await;
    assert_eq!((status, server.phase("b")), (201, None));
    server.rotate_token("new").unwrap();
    let (status, refusal) = client.get(AT).await;
    assert_eq!((status, &refusal["reason"]), (401, &json!("Unauthorized")));
}

#[tokio::test]
async fn a_missing_template_shows_only_later() {
    let lives = Lives::Scripted(Script::running_for(Duration::ZERO));
    let server = server(Options {
        lives,
        ..Options::default()
    });
    let client = Client::of(&server);
    assert_eq!(
        client
            .call(Method::POST, AT, Some(workflow("a", "gone")))
            .await
            .0,
        201
    );
    assert!(
        server.wait_until(PATIENCE, |server| server.phase("a").as_deref()
            == Some("Error"))
    );
    let message = server.workflow("a").unwrap()["status"]["message"].clone();
    assert_eq!(message, "workflowtemplates.argoproj.io \"gone\" not found");
}

#[tokio::test]
async fn a_controller_with_an_id_sees_only_what_bears_it() {
    let lives = Lives::Scripted(Script::running_for(Duration::ZERO));
    let server = server(Options {
        lives,
        instance_id: Some("mine".into()),
        ..Options::default()
    });
    let client = Client::of(&server);
    create(&client, "direct").await;
    client.start("served").await;
    assert!(
        server.wait_until(PATIENCE, |server| server.phase("served").as_deref()
            == Some("Succeeded"))
    );
    assert_eq!(server.phase("direct").as_deref(), Some(""));
}

#[tokio::test]
async fn a_list_comes_in_exact_pages() {
    let server = server(Options::default());
    let client = Client::of(&server);
    for name in ["c", "a", "b"] {
        create(&client, name).await;
    }
    let (_, first) = client
        .get(&format!("{AT}?labelSelector=study%3Da&limit=2"))
        .await;
    assert_eq!(
        (names(&first), &first["metadata"]["remainingItemCount"]),
        (vec!["a", "b"], &json!(1))
    );
    server.delete("a");
    let next = first["metadata"]["continue"].as_str().unwrap();
    let (_, second) = client.get(&format!("{AT}?limit=2&continue={next}")).await;
    assert_eq!(
        (names(&second), &second["metadata"]["continue"]),
        (vec!["c"], &Value::Null)
    );
    assert_eq!(
        names(&client.get(&format!("{AT}?labelSelector=study%3Db")).await.1),
        [""; 0]
    );
}

#[tokio::test]
async fn a_patch_of_shutdown_ends_a_workflow() {
    let server = server(Options::default());
    let client = Client::of(&server);
    create(&client, "a").await;
    let patch = json!({"spec": {"shutdown": "Terminate"}});
    let (status, patched) = client
        .call(Method::PATCH, &format!("{AT}/a"), Some(patch))
        .await;
    assert_eq!(
        (status, &patched["spec"]["workflowTemplateRef"]["name"]),
        (200, &json!("trial"))
    );
    assert!(
        server.wait_until(PATIENCE, |server| server.phase("a").as_deref()
            == Some("Failed"))
    );
}

#[tokio::test]
async fn a_watch_goes_on_from_a_list() {
    let server = server(Options::default());
    let client = Client::of(&server);
    create(&client, "a").await;
    let version = client.get(AT).await.1["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_string();
    let path = format!("{AT}?watch=true&labelSelector=study%3Da&resourceVersion={version}");
    let mut watch = client.send(Method::GET, &path, None).await.unwrap();
    server.set_phase("a", "Running");
    let told = event(&mut watch).await;
    assert_eq!(
        (&told["type"], &told["object"]["status"]["phase"]),
        (&json!("MODIFIED"), &json!("Running"))
    );
    server.forget_changes();
    let told = event(&mut client.send(Method::GET, &path, None).await.unwrap()).await;
    assert_eq!(
        (&told["type"], &told["object"]["code"]),
        (&json!("ERROR"), &json!(410))
    );
    assert_eq!(server.counters().of(Kind::Watch), 2);
}

#[tokio::test]
async fn a_quiet_watch_sends_bookmarks_if_they_are_allowed() {
    let server = server(Options {
        keep_alive: Duration::from_millis(5),
        ..Options::default()
    });
    let path = format!("{AT}?watch=1&allowWatchBookmarks=true");
    let mut watch = Client::of(&server)
        .send(Method::GET, &path, None)
        .await
        .unwrap();
    assert_eq!(event(&mut watch).await["type"], "BOOKMARK");
}

#[tokio::test]
async fn one_can_ask_who_one_is_and_what_one_may() {
    let server = server(Options::default());
    let client = Client::of(&server);
    server.forbid("get pods/log");
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    for (resource, below, allowed) in [("workflows", "", true), ("pods", "log", false)] {
        let wanted =
            json!({"verb": "get", "resource": resource, "subresource": below, "namespace": "argo"});
        let review = json!({"spec": {"resourceAttributes": wanted}});
        let (status, told) = client.call(Method::POST, path, Some(review)).await;
        assert_eq!(
            (status, &told["status"]["allowed"]),
            (201, &json!(allowed)),
            "{resource}"
        );
    }
    let user = client
        .call(
            Method::POST,
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            Some(json!({})),
        )
        .await
        .1;
    assert_eq!(
        user["status"]["userInfo"]["username"],
        "system:serviceaccount:argo:norgay"
    );
    assert_eq!(client.get("/version").await.1["gitVersion"], "v1.36.2");
}

#[tokio::test]
async fn pods_and_what_they_wrote_can_be_read() {
    let server = server(Options::default());
    let client = Client::of(&server);
    create(&client, "a").await;
    server.set_phase("a", "Running");
    server.write_log("a", "hello");
    let path = "/api/v1/namespaces/argo/pods";
    let (_, pods) = client
        .get(&format!(
            "{path}?labelSelector=workflows.argoproj.io/workflow%3Da"
        ))
        .await;
    let [pod] = names(&pods)[..] else {
        panic!("{pods}")
    };
    let log = client
        .send(
            Method::GET,
            &format!("{path}/{pod}/log?container=main&tailLines=1"),
            None,
        )
        .await
        .unwrap();
    assert_eq!(log.text().await.unwrap(), "hello\n");
}
