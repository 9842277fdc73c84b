//! From the reference's flags to the workflow of a trial (CS-94 ... CS-99, CS-103).
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use norgay_core::Value;
use norgay_core::definition::StudyDefinition;
use norgay_engine::config::{Execution, StudyConfig, read_flags};
use norgay_engine::files::{Files, Settings};
use norgay_engine::run::JobMaker;
use norgay_engine::scheduler::argo::api::{Submission, TemplateKind};
use norgay_engine::scheduler::argo::fleet::{Fleet, FleetOptions, Timing};
use norgay_engine::scheduler::argo::names::StudyIdentity;
use norgay_engine::testing::StudyBuilder;

const FLAGS: &str = include_str!("data/flags.txt");
const TEXT: &str = include_str!("data/trial_run_parameter.txt");
const CONTINUE_TEXT: &str = include_str!("data/trial_run_parameter_continue.txt");

fn study(text: &str, more: &[&str]) -> StudyConfig {
    let read = |name: &str| match name {
        "flags.txt" => Ok(FLAGS.to_string()),
        "s3://factory-bucket/moulding/input/trial_run_parameter.txt" => Ok(text.to_string()),
        other => Err(format!("no file {other}")),
    };
    let mut args = vec!["--flagfile=flags.txt".to_string()];
    args.extend(more.iter().map(|flag| (*flag).to_string()));
    read_flags(&args, &read, "runner-pod", Path::new("/start")).unwrap()
}

/// A bucket that nobody asks for anything.
fn bucket(execution: &Execution, name: &str) -> Files {
    let keys = [
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "key"),
    ];
    let keys = keys.map(|(name, value)| (name.to_string(), value.to_string()));
    let settings = Settings::of(keys.into());
    let files = Files::open_with(&execution.output_path, Path::new("/start"), &settings);
    files.unwrap().child(name).unwrap()
}

fn submission(
    name: &str,
    definition: StudyDefinition,
    execution: &Execution,
    configuration: &[(&str, Value)],
    declared: &[&str],
) -> Result<Submission, String> {
    let settings = execution.argo.clone().unwrap();
    let files = bucket(execution, name);
    let mut builder = StudyBuilder::of(definition);
    let number = builder.running(configuration);
    let study = builder.study();
    let jobs = JobMaker::new(name, execution, files, study).map_err(|e| e.to_string())?;
    let trial = study.trial(number).unwrap();
    let job = jobs.make(study, trial).map_err(|e| e.to_string())?;
    let declared: BTreeSet<String> = declared.iter().map(|name| (*name).to_string()).collect();
    let fleet = Fleet::new(FleetOptions {
        identity: StudyIdentity::new(name, 0, 1, "runner-pod"),
        declared: BTreeMap::from([(settings.template.clone(), declared)]),
        settings,
        max_concurrent: 1,
        timing: Timing::default(),
    });
    Ok(fleet.submission(&job, job.workflow.as_ref().unwrap()))
}

fn configuration() -> Vec<(&'static str, Value)> {
    vec![
        ("batch_size", Value::Int(16)),
        ("learning_rate", Value::Float(1e-5)),
        ("units_1", Value::Int(64)),
        ("units_2", Value::Int(32)),
        ("dropout", Value::Float(0.1)),
        ("patience", Value::Int(10)),
        ("activation", Value::text("relu")),
    ]
}

fn of(config: &StudyConfig, declared: &[&str]) -> Submission {
    submission(
        &config.name,
        config.definition.clone(),
        &config.execution,
        &configuration(),
        declared,
    )
    .unwrap()
}

#[test]
fn cs_95_the_first_trial_of_the_example_is_sent_as_the_reference_sends_it() {
    let expected: serde_json::Value =
        serde_json::from_str(include_str!("data/expected_submit.json")).unwrap();
    let options = &expected["submitOptions"];
    let submission = of(&study(TEXT, &[]), &[]);
    let sent: Vec<String> = submission
        .parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(serde_json::json!(sent), options["parameters"]);
    assert_eq!(submission.template.name, expected["resourceName"]);
    assert_eq!(submission.template.kind, TemplateKind::WorkflowTemplate);
    assert_eq!(submission.entrypoint, options["entrypoint"]);
    let labels: Vec<String> = submission.labels[..2]
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(labels.join(","), options["labels"]);
    assert!(
        submission.labels[2..]
            .iter()
            .all(|(name, _)| name.starts_with("norgay.dev/"))
    );
    assert_eq!(submission.priority, None);
    assert_eq!(submission.service_account, None);
    assert_eq!(submission.deadline_s, None);
}

#[test]
fn cs_97_a_trial_that_goes_on_from_another_takes_the_continue_template() {
    let algorithm = [
        "--algorithm=SuccessiveHalving",
        "--algo_parameter={\"r\": 1, \"R\": 9, \"eta\": 3}",
    ];
    let config = study(CONTINUE_TEXT, &algorithm);
    let mut given = configuration();
    given.extend([
        ("resource", Value::Int(3)),
        ("save_to", Value::text("7")),
        ("load_from", Value::text("4")),
    ]);
    let definition = config.definition.clone();
    let sent = submission(&config.name, definition, &config.execution, &given, &[]).unwrap();
    assert_eq!(sent.template.name, "moulding-trial-continue");
    assert_eq!(sent.entrypoint, "continue-training");
    let value = |name: &str| {
        let found = sent.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap()
    };
    let base = "s3://factory-bucket/moulding/output/moulding-length-01";
    assert_eq!(value("output_path"), format!("{base}/7/"));
    assert_eq!(value("model_input_path"), format!("{base}/4/"));
    assert_eq!(value("epochs"), "3");
    assert_eq!(value("WorkflowTemplateContinue"), "moulding-trial-continue");
}

#[test]
fn cs_97_a_continued_trial_without_the_keys_is_refused_by_their_name() {
    let config = study(TEXT, &[]);
    let mut given = configuration();
    given.push(("load_from", Value::text("4")));
    let definition = config.definition.clone();
    let error = submission(&config.name, definition, &config.execution, &given, &[]);
    assert!(error.unwrap_err().contains("WorkflowTemplateContinue"));
}

#[test]
fn cs_99_values_may_be_json() {
    let submission = of(&study(TEXT, &["--parameter_format=json"]), &[]);
    let value = |name: &str| {
        let found = submission
            .parameters
            .iter()
            .find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap()
    };
    assert_eq!(value("shuffle"), "true");
    assert_eq!(
        value("metrics"),
        r#"["mean_squared_error","mean_absolute_error"]"#
    );
    assert_eq!(value("units"), "64,32");
}

#[test]
fn only_templates_made_for_norgay_get_more() {
    let declared = [
        "norgay_trial",
        "norgay_metrics_path",
        "learning_rate",
        "norgay_params",
    ];
    let plain = of(&study(TEXT, &[]), &[]);
    let more = of(&study(TEXT, &[]), &declared);
    assert_eq!(more.parameters[..plain.parameters.len()], plain.parameters);
    let added: BTreeMap<String, String> = more.parameters[plain.parameters.len()..]
        .iter()
        .cloned()
        .collect();
    assert_eq!(added["norgay_trial"], "1");
    assert_eq!(added["learning_rate"], "1e-05");
    assert_eq!(
        added["norgay_metrics_path"],
        "s3://factory-bucket/moulding/output/moulding-length-01/1/1/"
    );
    let parameters: serde_json::Value = serde_json::from_str(&added["norgay_params"]).unwrap();
    assert_eq!(parameters["units_1"], 64);
    assert_eq!(added.len(), declared.len());
}

#[test]
fn a_value_that_argo_would_evaluate_is_refused() {
    let config = study(TEXT, &[]);
    let mut given = configuration();
    given[6].1 = Value::text("{{workflow.name}}");
    let definition = config.definition.clone();
    let error = submission(&config.name, definition, &config.execution, &given, &[]);
    let error = error.unwrap_err();
    assert!(
        error.contains("'activation'") && error.contains("{{"),
        "{error}"
    );
}

#[test]
fn parameters_that_no_workflow_can_carry_are_refused() {
    let text = format!("{{'big': '{}'}}", "x".repeat(70_000));
    let config = study(TEXT, &[]);
    let execution = Execution {
        parameter_text: Some(text),
        ..config.execution.clone()
    };
    let definition = config.definition.clone();
    let error = submission(&config.name, definition, &execution, &configuration(), &[]);
    assert!(error.unwrap_err().contains("bytes"));
}

#[test]
fn a_time_limit_is_also_the_clusters() {
    let submission = of(&study(TEXT, &["--time_limit=10m", "--grace=20s"]), &[]);
    assert!(submission.deadline_s.is_some_and(|limit| limit > 620));
}
