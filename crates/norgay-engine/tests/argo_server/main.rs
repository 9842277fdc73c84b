//! What is sent to an argo-server, and what its answers are taken for.

#![allow(clippy::unwrap_used)]

mod replay;

use std::time::Duration;

use futures_util::StreamExt;
use norgay_engine::scheduler::argo::api::{
    ApiError, Phase, Shutdown, Submission, TemplateKind, TemplateRef, WatchEvent, WorkflowApi,
};
use norgay_engine::scheduler::argo::server::{ArgoServer, ServerOptions, SetupError, TokenSource};
use norgay_testbed::{Kind, Options};
use replay::Replay;
use serde_json::{Value, json};

/// The submission that the reference makes for the inputs of its example (CS-95).
fn example() -> (Value, Submission) {
    let expected: Value =
        serde_json::from_str(include_str!("../data/expected_submit.json")).unwrap();
    let options = &expected["submitOptions"];
    let text = |value: &Value| value.as_str().unwrap().to_string();
    let pair = |text: &str| {
        let (name, value) = text.split_once('=').unwrap();
        (name.to_string(), value.to_string())
    };
    let parameters = options["parameters"].as_array().unwrap().iter();
    let submission = Submission {
        name: "moulding-1-1".into(),
        template: TemplateRef {
            kind: TemplateKind::WorkflowTemplate,
            name: text(&expected["resourceName"]),
        },
        entrypoint: text(&options["entrypoint"]),
        parameters: parameters.map(|one| pair(one.as_str().unwrap())).collect(),
        labels: text(&options["labels"]).split(',').map(pair).collect(),
        service_account: None,
        priority: None,
        deadline_s: None,
    };
    (expected, submission)
}

async fn refused(answer: &str) -> ApiError {
    let replay = Replay::of(&[answer]).await;
    let (_, mut submission) = example();
    submission.name = "w".into();
    let error = replay.client.submit(&submission, false).await.unwrap_err();
    assert_eq!(replay.sent().len(), 1);
    let told = format!("{error} {error:?} {:?}", replay.client);
    assert!(!told.contains("secret-token"), "{told}");
    error
}

#[tokio::test]
async fn cs_95_the_body_of_a_submission_is_the_references() {
    let replay = Replay::of(&["submit-taken", "submit-taken"]).await;
    let (expected, mut submission) = example();
    submission
        .labels
        .push(("norgay.dev/trial".into(), "1".into()));
    for dry_run in [false, true] {
        let taken = replay.client.submit(&submission, dry_run).await;
        assert!(matches!(taken, Err(ApiError::NameTaken { .. })));
    }
    let sent = replay.sent();
    let entrypoint = &expected["submitOptions"]["entrypoint"];
    let labels = expected["submitOptions"]["labels"].as_str().unwrap();
    let mut body = json!({
        "resourceKind": "WorkflowTemplate",
        "resourceName": expected["resourceName"],
        "submitOptions": {
            "name": "moulding-1-1",
            "entryPoint": entrypoint,
            "labels": format!("{labels},norgay.dev/trial=1"),
            "parameters": expected["submitOptions"]["parameters"],
        },
    });
    assert_eq!(sent[0].body, body);
    body["submitOptions"]["serverDryRun"] = json!(true);
    assert_eq!(sent[1].body, body);
    let header = |name: &str| sent[0].headers[name].to_str().unwrap();
    assert_eq!(header("authorization"), "Bearer secret-token");
    assert!(header("user-agent").starts_with("norgay/"));
}

#[tokio::test]
async fn a_deadline_takes_the_way_of_whole_objects() {
    let server = stand_in(Options::default());
    let client = client(&server, TokenSource::given(server.token()));
    let (_, mut submission) = example();
    submission.template.kind = TemplateKind::ClusterWorkflowTemplate;
    submission.deadline_s = Some(3600);
    submission.priority = Some(7);
    submission.service_account = Some("trial".into());
    // The template is not there: only what was sent is looked at.
    assert!(client.submit(&submission, true).await.is_err());
    let request = &server.requests_of(Kind::Create)[0];
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(body["serverDryRun"], true);
    let workflow = &body["workflow"];
    assert_eq!(workflow["metadata"]["name"], "moulding-1-1");
    assert_eq!(workflow["metadata"]["labels"]["sherpa_run"], "runner-pod");
    let spec = &workflow["spec"];
    let reference = json!({"name": "moulding-trial", "clusterScope": true});
    assert_eq!(spec["workflowTemplateRef"], reference);
    assert_eq!(spec["activeDeadlineSeconds"], 3600);
    assert_eq!(
        (&spec["priority"], &spec["serviceAccountName"]),
        (&json!(7), &json!("trial"))
    );
    assert_eq!(spec["entrypoint"], "copy-scale-fit-evaluate");
    let batch = json!({"name": "batch_size", "value": "16"});
    assert_eq!(
        spec["arguments"]["parameters"][3], batch,
        "values are texts"
    );
}

#[tokio::test]
async fn what_the_server_refuses_for_good_is_invalid() {
    for answer in [
        "submit-unknown-template",
        "submit-unknown-entrypoint",
        "submit-missing-parameter",
        "submit-braces",
        "submit-long-name",
        "submit-long-label",
        "submit-bad-labels",
        "submit-2-mb",
        "submit-5-mb",
    ] {
        let error = refused(answer).await;
        assert!(
            matches!(error, ApiError::Invalid { .. }),
            "{answer}: {error:?}"
        );
    }
}

#[tokio::test]
async fn what_may_have_been_done_is_not_known_to_have_failed() {
    let error = refused("submit-lost").await;
    assert!(matches!(error, ApiError::Unavailable { .. }), "{error:?}");
    let taken = ApiError::NameTaken { name: "w".into() };
    assert_eq!(refused("submit-taken").await, taken);
}

#[tokio::test]
async fn limits_are_told_with_the_time_to_wait() {
    let error = refused("submit-too-often").await;
    let ApiError::Busy { retry_after, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(retry_after, Some(Duration::from_secs(1)));
}

#[tokio::test]
async fn missing_permissions_are_told_in_the_servers_words() {
    let error = refused("submit-forbidden").await;
    assert!(matches!(error, ApiError::Forbidden { .. }), "{error:?}");
    assert!(
        error.to_string().contains("cannot create resource"),
        "{error}"
    );
}

#[tokio::test]
async fn a_preflight_asks_for_all_that_can_be_asked() {
    let calls = [
        "version",
        "userinfo",
        "list-empty",
        "get-none",
        "watch-empty",
    ];
    let replay = Replay::of(&calls).await;
    let facts = replay.client.preflight().await.unwrap();
    assert_eq!(facts.server, "argo-server v4.1.2");
    assert_eq!(facts.user.as_deref(), Some("service account argo/norgay"));
    assert_eq!(facts.server_time_ms, Some(1_795_535_139_000));
    assert_eq!(facts.missing_permissions, Vec::<String>::new());
    replay.sent();
    let calls = [
        "version",
        "userinfo",
        "list-forbidden",
        "get-none",
        "watch-forbidden",
    ];
    let facts = Replay::of(&calls).await.client.preflight().await.unwrap();
    assert_eq!(
        facts.missing_permissions,
        ["list workflows", "watch workflows"]
    );
}

#[tokio::test]
async fn a_web_page_is_no_answer_and_hints_at_the_path() {
    let replay = Replay::of(&["page-instead"]).await;
    let error = replay.client.preflight().await.unwrap_err();
    assert!(matches!(error, ApiError::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().contains("path"), "{error}");
}

#[tokio::test]
async fn cs_101_without_a_token_the_ways_to_give_one_are_told() {
    let replay = Replay::with_token(&["no-token"], TokenSource::none()).await;
    let error = replay.client.preflight().await.unwrap_err();
    assert!(matches!(error, ApiError::Unauthorized { .. }), "{error:?}");
    for way in ["ARGO_TOKEN", "api_exec_token", "--argo_token_file"] {
        assert!(error.to_string().contains(way), "{error}");
    }
    assert!(!replay.sent()[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn lists_are_read_to_their_end_without_what_is_only_archived() {
    let replay = Replay::of(&["list-first", "list-last"]).await;
    let labels = vec![("norgay.dev/study".to_string(), "0a1b2c3d".to_string())];
    let list = replay.client.list(&labels).await.unwrap();
    let names: Vec<&str> = list.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
    assert_eq!(list[0].finished_ms, Some(1_795_535_141_000));
    let sent = replay.sent();
    let selector = "listOptions.labelSelector=norgay.dev%2Fstudy%3D0a1b2c3d";
    assert!(sent[0].query.contains(selector), "{}", sent[0].query);
    assert!(!sent[0].query.contains("continue"));
    assert!(sent[1].query.contains("listOptions.continue=2"));
}

#[tokio::test]
async fn a_failed_workflow_tells_its_pods() {
    let replay = Replay::of(&["get-failed", "get-failed"]).await;
    let workflow = replay.client.get("w", Some("u")).await.unwrap().unwrap();
    let pods: Vec<_> = workflow
        .failed_pods
        .iter()
        .map(|pod| (pod.step.as_str(), pod.phase.as_str(), pod.exit_code))
        .collect();
    let expected = [
        ("train(0)", "Error", Some(1)),
        ("train(1)", "Failed", Some(137)),
    ];
    assert_eq!(pods, expected);
    assert_eq!(replay.client.get("w", Some("another")).await, Ok(None));
    // A server without an archive breaks down over a uid that is not there.
    assert!(
        replay
            .sent()
            .iter()
            .all(|sent| !sent.query.contains("uid="))
    );
}

#[tokio::test]
async fn ending_and_deleting_what_has_ended_is_no_error() {
    let calls = ["stop-finished", "terminate-none", "delete", "delete-none"];
    let replay = Replay::of(&calls).await;
    let client = &replay.client;
    assert_eq!(client.shut_down("w", Shutdown::Stop).await, Ok(()));
    assert_eq!(client.shut_down("w", Shutdown::Terminate).await, Ok(()));
    assert_eq!(client.delete("w").await, Ok(()));
    assert_eq!(client.delete("w").await, Ok(()));
    assert_eq!(replay.sent().len(), calls.len());
}

#[tokio::test]
async fn a_watch_tells_changes_and_ends_without_an_error_when_the_cluster_ends_it() {
    let replay = Replay::of(&["watch"]).await;
    let events: Vec<_> = replay
        .client
        .watch(&Vec::new())
        .await
        .unwrap()
        .collect()
        .await;
    let phases: Vec<_> = events
        .into_iter()
        .map(|event| match event.unwrap() {
            WatchEvent::Seen(workflow) => (true, workflow.phase),
            WatchEvent::Gone(workflow) => (false, workflow.phase),
        })
        .collect();
    let expected = [
        (true, Phase::Unseen),
        (true, Phase::Running),
        (false, Phase::Running),
    ];
    assert_eq!(phases, expected);
    let sent = &replay.sent()[0];
    // Only this header makes the server show that it lives, only this field shows its errors.
    assert_eq!(sent.headers["accept"], "text/event-stream");
    assert!(sent.query.contains("%2Cerror"), "{}", sent.query);
}

#[tokio::test]
async fn a_watch_that_is_refused_tells_why() {
    let watch = async |answer| {
        let replay = Replay::of(&[answer]).await;
        let watch = replay.client.watch(&Vec::new()).await;
        watch.err().unwrap()
    };
    let forbidden = watch("watch-forbidden").await;
    assert!(
        matches!(forbidden, ApiError::Forbidden { .. }),
        "{forbidden:?}"
    );
    assert!(forbidden.to_string().contains("cannot watch resource"));
    assert!(!watch("watch-too-old").await.is_refusal());
}

#[tokio::test]
async fn logs_are_lines() {
    let replay = Replay::of(&["logs", "logs"]).await;
    assert_eq!(
        replay.client.logs("w", 5).await.unwrap(),
        "epoch 1\nepoch 2"
    );
    assert_eq!(replay.client.logs("w", 1).await.unwrap(), "epoch 2");
    assert!(replay.sent()[0].query.contains("logOptions.container=main"));
}

fn stand_in(options: Options) -> norgay_testbed::ArgoServer {
    norgay_testbed::ArgoServer::start(options).unwrap()
}

fn client(server: &norgay_testbed::ArgoServer, token: TokenSource) -> ArgoServer {
    let options = ServerOptions {
        url: server.url(),
        namespace: server.namespace().into(),
        token,
        ca_file: None,
        insecure: false,
    };
    ArgoServer::new(&options).unwrap()
}

#[tokio::test]
async fn a_token_that_was_replaced_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    let server = stand_in(Options {
        token_file: Some(token_file.clone()),
        prefix: "/argo".into(),
        ..Options::default()
    });
    let client = client(&server, TokenSource::file(&token_file));
    assert_eq!(client.list(&Vec::new()).await, Ok(Vec::new()));
    server.rotate_token("another").unwrap();
    assert_eq!(client.list(&Vec::new()).await, Ok(Vec::new()));
    // Read again once, and not for ever.
    std::fs::write(&token_file, "wrong").unwrap();
    server.rotate_token("a third").unwrap();
    std::fs::write(&token_file, "wrong").unwrap();
    let before = server.requests_of(Kind::List).len();
    let refused = client.list(&Vec::new()).await;
    assert!(
        matches!(refused, Err(ApiError::Unauthorized { .. })),
        "{refused:?}"
    );
    assert_eq!(server.requests_of(Kind::List).len() - before, 2);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let server = stand_in(Options::default());
    let client = client(&server, TokenSource::given("secret-token"));
    drop(server);
    let error = client.list(&Vec::new()).await.unwrap_err();
    assert!(matches!(error, ApiError::Unavailable { .. }), "{error:?}");
}

#[test]
fn what_can_not_be_used_is_told_when_the_client_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let no_certificate = folder.path().join("ca.pem");
    std::fs::write(&no_certificate, "nothing").unwrap();
    let options = ServerOptions {
        url: "argo.example.org:2746".into(),
        namespace: "argo".into(),
        token: TokenSource::none(),
        ca_file: None,
        insecure: false,
    };
    let made = |change: &dyn Fn(&mut ServerOptions)| {
        let mut changed = options.clone();
        change(&mut changed);
        ArgoServer::new(&changed).map(|_| ())
    };
    assert_eq!(made(&|_| ()), Ok(()));
    assert_eq!(made(&|options| options.insecure = true), Ok(()));
    let namespace = made(&|options| options.namespace.clear());
    assert_eq!(namespace, Err(SetupError::Namespace));
    let url = made(&|options| options.url = "https://me:secret@argo".into()).unwrap_err();
    assert!(!url.to_string().contains("secret"), "{url}");
    for file in [no_certificate, folder.path().join("missing")] {
        let ca = made(&|options| options.ca_file = Some(file.clone())).unwrap_err();
        assert!(matches!(ca, SetupError::CaFile { .. }), "{ca:?}");
    }
    let token = made(&|options| options.token = TokenSource::file(folder.path().join("none")));
    assert!(matches!(token, Err(SetupError::Token { .. })), "{token:?}");
}
