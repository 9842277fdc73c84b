//! The repository's own templates are such as the stand-in takes.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::Client;
use norgay_testbed::{ArgoServer, Options, read_templates};
use reqwest::Method;
use serde_json::json;

async fn is_accepted(file: &str, template: &str, entrypoint: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(file);
    let templates = read_templates(&file).unwrap();
    let server = ArgoServer::start(Options {
        templates,
        ..Options::default()
    })
    .unwrap();
    let sent = [
        "run_name=r",
        "input_path=s3://b/i/",
        "output_path=s3://b/o/r/1/",
        "model_input_path=",
    ];
    let options =
        json!({"name": "a", "entryPoint": entrypoint, "parameters": sent, "serverDryRun": true});
    let body = json!({"resourceKind": "WorkflowTemplate", "resourceName": template, "submitOptions": options});
    let path = "/api/v1/workflows/argo/submit";
    let (status, answer) = Client::of(&server)
        .call(Method::POST, path, Some(body))
        .await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn the_examples_template_is_accepted() {
    is_accepted(
        "examples/auto-mpg/argo/template.yaml",
        "auto-mpg-trial",
        "copy-scale-select-fit-evaluate",
    )
    .await;
}

#[tokio::test]
async fn the_trials_template_of_the_deployment_is_accepted() {
    let file = "deploy/base/dag_hpo_trial_run.yaml";
    is_accepted(file, "moulding-trial", "copy-scale-fit-evaluate").await;
    is_accepted(file, "moulding-trial", "continue-training").await;
}
