//! The stand-in runs the commands of templates as processes.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use common::{Client, PATIENCE};
use norgay_testbed::{ArgoServer, Lives, Options, Processes, read_templates};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A server that runs the templates of a YAML text; `$PLACE` is a folder that stays.
fn server(place: &TempDir, specification: &str) -> ArgoServer {
    let file = place.path().join("template.yaml");
    let head =
        "apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nmetadata: {name: trial}\n";
    std::fs::write(&file, format!("{head}{specification}")).unwrap();
    let variable = (
        "PLACE".to_string(),
        place.path().to_string_lossy().into_owned(),
    );
    let secret = (("store".to_string(), "key".to_string()), "hush".to_string());
    let processes = Processes {
        environment: BTreeMap::from([variable]),
        secrets: BTreeMap::from([secret]),
        folder: place.path().to_path_buf(),
        ..Processes::default()
    };
    let templates = read_templates(&file).unwrap();
    ArgoServer::start(Options {
        lives: Lives::Processes(Arc::new(processes)),
        templates,
        ..Options::default()
    })
    .unwrap()
}

fn ends(server: &ArgoServer, phase: &str) {
    let ended = |server: &ArgoServer| {
        matches!(
            server.phase("a").as_deref(),
            Some("Succeeded" | "Failed" | "Error")
        )
    };
    assert!(
        server.wait_until(PATIENCE, ended),
        "{:?}",
        server.workflow("a")
    );
    assert_eq!(
        server.phase("a").as_deref(),
        Some(phase),
        "{:?}",
        server.workflow("a")
    );
}

fn written(place: &TempDir, name: &str) -> String {
    std::fs::read_to_string(place.path().join(name)).unwrap_or_default()
}

/// The nodes of pods, by the name of their step.
fn pods(server: &ArgoServer) -> BTreeMap<String, Value> {
    let workflow = server.workflow("a").unwrap();
    let nodes = workflow["status"]["nodes"]
        .as_object()
        .unwrap()
        .values()
        .filter(|node| node["type"] == "Pod");
    nodes
        .map(|node| {
            (
                node["displayName"].as_str().unwrap().to_string(),
                node.clone(),
            )
        })
        .collect()
}

const DAG: &str = r#"
spec:
  entrypoint: all
  arguments: {parameters: [{name: x, value: 1}, {name: y, value: "default"}]}
  templates:
    - name: all
      dag:
        tasks:
          - name: last
            dependencies: [left, right]
            template: note
            arguments: {parameters: [{name: text, value: "last {{tasks.left.outputs.result}}"}]}
          - name: left
            template: note
            arguments: {parameters: [{name: text, value: "left {{workflow.parameters.x}}"}]}
          - name: right
            depends: "left && left.Succeeded"
            template: note
            arguments: {parameters: [{name: text, value: "right {{workflow.name}} {{workflow.labels.study}}"}]}
    - name: note
      inputs: {parameters: [{name: text}, {name: end, value: "{{workflow.parameters.y}}"}]}
      container:
        image: none
        command: [sh, -c]
        args: ['echo "$TEXT {{inputs.parameters.end}}" >> "$PLACE/notes"; echo "$TEXT"; echo "$SECRET" >&2']
        env:
          - {name: TEXT, value: "{{inputs.parameters.text}}"}
          - {name: SECRET, valueFrom: {secretKeyRef: {name: store, key: key}}}
          - {name: NONE, valueFrom: {secretKeyRef: {name: store, key: none, optional: true}}}
"#;

#[tokio::test]
async fn a_dag_runs_in_the_order_of_its_dependencies_with_its_parameters() {
    let place = TempDir::new().unwrap();
    let server = server(&place, DAG);
    let client = Client::of(&server);
    client
        .submit(json!({"name": "a", "labels": "study=s", "parameters": ["x=2"]}))
        .await;
    ends(&server, "Succeeded");
    assert_eq!(
        written(&place, "notes"),
        "left 2 default\nright a s default\nlast left 2 default\n"
    );
    let pods = pods(&server);
    assert_eq!(pods.keys().collect::<Vec<_>>(), ["last", "left", "right"]);
    assert_eq!(
        pods["last"]["outputs"],
        json!({"exitCode": "0", "result": "last left 2"})
    );
    let log = format!(
        "/api/v1/workflows/argo/a/log?podName={}",
        pods["left"]["id"].as_str().unwrap()
    );
    let log = client
        .send(Method::GET, &log, None)
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        log.contains(r#""content":"left 2""#) && log.contains(r#""content":"hush""#),
        "{log}"
    );
}

#[tokio::test]
async fn a_failed_step_keeps_the_next_ones_from_running() {
    let place = TempDir::new().unwrap();
    let steps = r#"
spec:
  entrypoint: all
  templates:
    - name: all
      steps:
        - [{name: first, template: fail}]
        - [{name: second, template: never}]
    - name: fail
      retryStrategy: {limit: "2"}
      container: {command: [sh, -c], args: ['echo tried >> "$PLACE/notes"; exit 3']}
    - name: never
      script: {command: [sh], source: 'echo never >> "$PLACE/notes"'}
"#;
    let server = server(&place, steps);
    Client::of(&server).start("a").await;
    ends(&server, "Failed");
    assert_eq!(written(&place, "notes"), "tried\ntried\ntried\n");
    let pods = pods(&server);
    assert_eq!(
        pods.keys().collect::<Vec<_>>(),
        ["first", "first(1)", "first(2)"]
    );
    assert_eq!(
        (
            &pods["first"]["outputs"]["exitCode"],
            &pods["first"]["message"]
        ),
        (&json!("3"), &json!("Error (exit code 3)"))
    );
}

/// A container that notes its end by SIGTERM, and a child of it that would run for long.
const LONG: &str = r#"
spec:
  entrypoint: main
  templates:
    - name: main
      container:
        command: [sh, -c]
        args: ['trap "echo ended > $PLACE/ended; exit 0" TERM; sleep 300 & echo $! > "$PLACE/child"; wait; wait']
"#;

/// Whether the process whose id is in the file `child` still runs.
fn child_runs(place: &TempDir) -> bool {
    let id = written(place, "child").trim().to_string();
    assert!(!id.is_empty());
    // One that was killed may be there until somebody asks how it ended.
    let state =
        std::fs::read_to_string(Path::new("/proc").join(id).join("stat")).unwrap_or_default();
    state
        .rsplit_once(')')
        .is_some_and(|(_, state)| !state.trim_start().starts_with('Z'))
}

async fn long_running(place: &TempDir) -> (ArgoServer, Client) {
    let server = server(place, LONG);
    let client = Client::of(&server);
    client.start("a").await;
    assert!(server.wait_until(PATIENCE, |_| !written(place, "child").trim().is_empty()));
    assert!(child_runs(place));
    (server, client)
}

#[tokio::test]
async fn a_terminated_workflow_ends_its_processes_gently_and_wholly() {
    for how in ["stop", "terminate"] {
        let place = TempDir::new().unwrap();
        let (server, client) = long_running(&place).await;
        client
            .call(
                Method::PUT,
                &format!("/api/v1/workflows/argo/a/{how}"),
                Some(json!({})),
            )
            .await;
        ends(&server, "Failed");
        assert_eq!(written(&place, "ended"), "ended\n");
        assert!(server.wait_until(PATIENCE, |_| !child_runs(&place)));
    }
}

#[tokio::test]
async fn a_deleted_workflow_ends_its_processes() {
    let place = TempDir::new().unwrap();
    let (server, client) = long_running(&place).await;
    client
        .call(Method::DELETE, "/api/v1/workflows/argo/a", None)
        .await;
    assert!(
        server.wait_until(PATIENCE, |_| written(&place, "ended") == "ended\n"
            && !child_runs(&place))
    );
}

#[tokio::test]
async fn all_processes_end_when_the_server_is_told_to() {
    let place = TempDir::new().unwrap();
    let (server, _) = long_running(&place).await;
    assert!(server.end_all(PATIENCE));
    assert!(server.wait_until(PATIENCE, |_| !child_runs(&place)));
}

#[tokio::test]
async fn a_workflow_that_takes_too_long_fails() {
    let place = TempDir::new().unwrap();
    let server = server(
        &place,
        &LONG.replace("spec:", "spec:\n  activeDeadlineSeconds: 0"),
    );
    Client::of(&server).start("a").await;
    ends(&server, "Failed");
}

#[tokio::test]
async fn what_cannot_be_run_is_an_error_of_the_cluster() {
    let flawed = [
        (
            "container: {image: i}",
            "does not have the command specified",
        ),
        (
            "container: {command: [a], env: [{name: A, valueFrom: {secretKeyRef: {name: b, key: c}}}]}",
            "secret \"b\"",
        ),
        ("http: {url: u}", "that the testbed can't run"),
        (
            "dag: {tasks: [{name: t, template: main, when: x}]}",
            "has when",
        ),
        (
            "dag: {tasks: [{name: t, template: gone}]}",
            "template gone not found",
        ),
    ];
    for (template, expected) in flawed {
        let place = TempDir::new().unwrap();
        let server = server(
            &place,
            &format!("spec: {{entrypoint: main, templates: [{{name: main, {template}}}]}}\n"),
        );
        Client::of(&server).start("a").await;
        ends(&server, "Error");
        let message = server.workflow("a").unwrap()["status"]["message"]
            .as_str()
            .unwrap()
            .to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_fails_as_argos_own_does() {
    let place = TempDir::new().unwrap();
    let server = server(
        &place,
        "spec: {entrypoint: main, templates: [{name: main, container: {command: [/no/such]}}]}\n",
    );
    Client::of(&server).start("a").await;
    ends(&server, "Error");
    assert_eq!(pods(&server)["a"]["outputs"]["exitCode"], "64");
}

#[test]
fn a_file_without_a_template_is_refused() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("f.yaml");
    std::fs::write(&file, "kind: ConfigMap\n").unwrap();
    assert!(
        read_templates(&file)
            .unwrap_err()
            .to_string()
            .contains("neither")
    );
    std::fs::write(&file, "kind: [\n").unwrap();
    assert!(
        read_templates(&file)
            .unwrap_err()
            .to_string()
            .contains("no YAML")
    );
    assert!(
        read_templates(&place.path().join("gone"))
            .unwrap_err()
            .to_string()
            .contains("can't be read")
    );
}
