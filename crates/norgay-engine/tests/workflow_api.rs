//! The contract of places that run workflows, against the stand-in and, if the environment names
//! one, against a live argo-server:
//! `NORGAY_TEST_ARGO_URL`, `NORGAY_TEST_ARGO_TOKEN`, `NORGAY_TEST_NAMESPACE`, and if wanted
//! `NORGAY_TEST_TEMPLATE`, `NORGAY_TEST_ARGO_CA_FILE`, `NORGAY_TEST_ARGO_INSECURE` (any text) and
//! `NORGAY_TEST_FORBIDDEN_TOKEN`, the token of somebody without any permission. The template
//! (`data/norgay-conformance.json`) is created if it is not there.

#![allow(clippy::unwrap_used)]

use std::env;
use std::sync::Arc;
use std::time::Duration;

use norgay_engine::scheduler::argo::api::{TemplateKind, TemplateRef, WorkflowApi};
use norgay_engine::scheduler::argo::server::{ArgoServer, ServerOptions, TokenSource};
use norgay_engine::testing::workflow_api_contract::{Fixture, check_workflow_api};
use norgay_testbed::{Ending, Lives, Options, PodFailure, Script};
use serde_json::{Value, json};

const TEMPLATE: &str = "norgay-conformance";

#[tokio::test]
async fn the_stand_in_keeps_the_contract() {
    let server = stand_in();
    let closed = stand_in();
    for verb in ["get", "list", "watch", "create"] {
        closed.forbid(&format!("{verb} workflows"));
    }
    let client = |server: &norgay_testbed::ArgoServer, token: &str| {
        let options = options(&server.url(), server.namespace(), token);
        Arc::new(ArgoServer::new(&options).unwrap())
    };
    let fixture = Fixture {
        api: client(&server, &server.token()),
        template: template(TEMPLATE),
        unknown: Some(client(&server, "nobody")),
        forbidden: Some(client(&closed, &closed.token())),
    };
    check_workflow_api(&fixture).await;
    assert_eq!(server.workflows(), Vec::<Value>::new(), "all is cleaned up");
    check_live_server().await;
}

#[tokio::test]
async fn a_preflight_does_not_wait_for_the_head_of_an_empty_watch() {
    let server = norgay_testbed::ArgoServer::start(Options {
        late_head: true,
        ..Options::default()
    })
    .unwrap();
    let options = options(&server.url(), server.namespace(), &server.token());
    let client = ArgoServer::new(&options).unwrap();
    let began = std::time::Instant::now();
    let facts = client.preflight().await.unwrap();
    assert_eq!(facts.missing_permissions, Vec::<String>::new());
    assert!(began.elapsed() < Duration::from_secs(10));
    server.forbid("watch workflows");
    let facts = client.preflight().await.unwrap();
    assert_eq!(facts.missing_permissions, ["watch workflows"]);
}

/// The same against a live server, if there is one.
async fn check_live_server() {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let Some(url) = variable("NORGAY_TEST_ARGO_URL") else {
        return;
    };
    let namespace = variable("NORGAY_TEST_NAMESPACE").unwrap_or_else(|| "argo".into());
    let client = |token: &str| {
        let mut options = options(&url, &namespace, token);
        options.ca_file = variable("NORGAY_TEST_ARGO_CA_FILE").map(Into::into);
        options.insecure = variable("NORGAY_TEST_ARGO_INSECURE").is_some();
        Arc::new(ArgoServer::new(&options).unwrap())
    };
    let name = variable("NORGAY_TEST_TEMPLATE").unwrap_or_else(|| TEMPLATE.into());
    let forbidden = variable("NORGAY_TEST_FORBIDDEN_TOKEN");
    let token = variable("NORGAY_TEST_ARGO_TOKEN").expect("a token");
    let api = client(&token);
    if api.template(&template(&name)).await.unwrap().is_none() {
        create_template(&url, &namespace, &token).await;
    }
    let fixture = Fixture {
        api,
        template: template(&name),
        unknown: Some(client("nobody")),
        forbidden: forbidden.map(|token| client(&token) as _),
    };
    check_workflow_api(&fixture).await;
}

/// Creates the template of the checks on a live server.
async fn create_template(url: &str, namespace: &str, token: &str) {
    norgay_engine::tls::install();
    let url = url.trim_end_matches('/');
    let answer = reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(env::var("NORGAY_TEST_ARGO_INSECURE").is_ok())
        .build()
        .unwrap()
        .post(format!("{url}/api/v1/workflow-templates/{namespace}"))
        .bearer_auth(token.trim_start_matches("Bearer "))
        .json(&json!({"namespace": namespace, "template": conformance_template()}))
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let told = answer.text().await.unwrap();
    assert!(
        status.is_success() || status == 409,
        "create the template of tests/data/norgay-conformance.json first: {status} {told}"
    );
}

fn conformance_template() -> Value {
    serde_json::from_str(include_str!("data/norgay-conformance.json")).unwrap()
}

fn options(url: &str, namespace: &str, token: &str) -> ServerOptions {
    ServerOptions {
        url: url.into(),
        namespace: namespace.into(),
        token: TokenSource::given(token),
        ca_file: None,
        insecure: false,
    }
}

fn template(name: &str) -> TemplateRef {
    TemplateRef {
        kind: TemplateKind::WorkflowTemplate,
        name: name.into(),
    }
}

/// A server whose workflows live as the template's step would.
fn stand_in() -> norgay_testbed::ArgoServer {
    norgay_testbed::ArgoServer::start(Options {
        templates: vec![conformance_template()],
        lives: Lives::each(life),
        ..Options::default()
    })
    .unwrap()
}

fn life(workflow: &Value) -> Script {
    let number = |name: &str| -> i32 {
        let parameters = workflow["spec"]["arguments"]["parameters"].as_array();
        let mut all = parameters.into_iter().flatten();
        let value = all.find(|parameter| parameter["name"] == name);
        value.map_or(0, |value| value["value"].as_str().unwrap().parse().unwrap())
    };
    let time = Duration::from_secs(number("seconds").unsigned_abs().into());
    let ending = match number("exit") {
        0 => Ending::default(),
        code => Ending::PodFailed(PodFailure::exit_code(code)),
    };
    Script::running_for(time).ending(ending)
}
