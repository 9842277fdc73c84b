//! `norgay doctor --argo`, and the same checks at the start of a run.

#![allow(clippy::unwrap_used)]

mod common;

use std::process::Output;

use common::Place;
use norgay_testbed::{ArgoServer, Options};
use serde_json::{Value, json};

const STUDY: &str = "
name: moulding
parameters:
  x: {type: continuous, range: [0, 1]}
minimize: loss
budget: {trials: 1}
scheduler: argo
argo: {template: trial, entrypoint: main, namespace: argo}
output_path: output
metrics_file: metrics.json
";

fn template(parameters: &Value) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": {"name": "trial"},
        "spec": {
            "entrypoint": "main",
            "arguments": {"parameters": parameters},
            "templates": [{"name": "main", "container": {"image": "i", "command": ["true"]}}],
        },
    })
}

/// A template that takes what is sent.
fn fitting() -> Value {
    let names = ["run_name", "input_path", "output_path", "model_input_path"];
    let mut declared = names
        .map(|name| json!({"name": name, "value": ""}))
        .to_vec();
    declared.push(json!({"name": "x"}));
    template(&json!(declared))
}

fn server(template: Value) -> ArgoServer {
    ArgoServer::start(Options {
        templates: vec![template],
        ..Options::default()
    })
    .unwrap()
}

fn norgay(place: &Place, server: &ArgoServer, arguments: &[&str]) -> Output {
    let mut command = place.command(arguments);
    command
        .env("ARGO_SERVER", server.url())
        .env("ARGO_TOKEN", server.token());
    command.output().unwrap()
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

#[test]
fn a_cluster_that_takes_the_study_passes_every_check() {
    let place = Place::with(STUDY, "");
    let server = server(fitting());
    let output = norgay(&place, &server, &["doctor", "--argo", "study.yaml"]);
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{out}");
    for line in [
        "ok      argo-server v4.1.2, namespace argo, as ",
        "ok      permissions",
        "ok      WorkflowTemplate trial in the namespace argo",
        "ok      entrypoint main of trial",
        "ok      a trial's workflow, tried without starting it",
        "ok      writing, reading and deleting in ",
    ] {
        assert!(out.contains(line), "no {line:?} in:\n{out}");
    }
    assert!(!out.contains("warning"), "{out}");
    assert_eq!(server.workflows(), Vec::<Value>::new());
    assert!(!place.file("norgay.db").exists() && !place.file("output").exists());
}

#[test]
fn all_that_is_wrong_is_told_at_once_and_a_run_does_not_begin() {
    let place = Place::with(&STUDY.replace("entrypoint: main", "entrypoint: mian"), "");
    let server = server(template(
        &json!([{"name": "batch_size"}, {"name": "x", "value": "1"}]),
    ));
    server.forbid("watch workflows");
    let findings = [
        "not allowed: watch workflows",
        "did you mean 'main'?",
        "no value is sent for batch_size",
        "does not declare output_path",
    ];
    let output = norgay(
        &place,
        &server,
        &["doctor", "--argo", "--json", "study.yaml"],
    );
    assert_eq!(output.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let told = told["checks"].to_string();
    let output = norgay(&place, &server, &["run", "study.yaml", "--quiet"]);
    assert_ne!(output.status.code(), Some(0));
    let err = text(&output.stderr);
    for finding in findings {
        assert!(told.contains(finding), "no {finding:?} in:\n{told}");
        assert!(err.contains(finding), "no {finding:?} in:\n{err}");
    }
    assert_eq!(server.workflows(), Vec::<Value>::new());
}

#[test]
fn who_is_not_let_in_learns_the_ways_to_give_a_token() {
    let place = Place::with(STUDY, "");
    let server = server(fitting());
    let mut command = place.command(&["doctor", "study.yaml", "--argo"]);
    let command = command
        .env("ARGO_SERVER", server.url())
        .env("ARGO_TOKEN", "secret-and-wrong");
    let output = command.output().unwrap();
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{out}");
    assert!(out.contains("api_exec_token"), "{out}");
    assert!(!out.contains("secret-and-wrong"), "{out}");
}

#[test]
fn flags_are_checked_as_a_study_file_is() {
    let place = Place::empty();
    let server = server(fitting());
    let address = server.url();
    let (_, port) = address.rsplit_once(':').unwrap();
    let port = format!("--argo_port={port}");
    let flags = [
        "doctor",
        "--argo",
        "--run_name=moulding",
        "--input_path=input",
        "--output_path=output",
        "--default_parameter={'x': tp['x']}",
        "--hpo_parameter={'x': {'type': 'Continuous', 'range': [0, 1]}}",
        "--algorithm=RandomSearch",
        "--algo_parameter={'max_num_trials': 2}",
        "--objective=loss",
        "--filename_objective=metrics.json",
        "--workflowtemplate=trial",
        "--entrypoint=main",
        "--argo_ip=http://127.0.0.1",
        &port,
        "--k8_namespace=argo",
    ];
    let output = norgay(&place, &server, &flags);
    let out = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{out}{}",
        text(&output.stderr)
    );
    assert!(out.contains("ok      entrypoint main of trial"), "{out}");
}

#[test]
fn a_study_of_this_machine_has_no_cluster_to_ask() {
    let place = Place::with(&STUDY.replace("scheduler: argo\n", "command: 'true'\n"), "");
    let (out, _) = place.norgay(&["doctor", "--argo", "study.yaml"], 1);
    assert!(out.contains("scheduler: argo"), "{out}");
    let (out, _) = Place::empty().norgay(&["doctor", "--argo"], 1);
    assert!(out.contains("name the study file"), "{out}");
}
