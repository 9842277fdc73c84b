//! The reference's flags by their own names, and ours (CS-93, CS-94, CS-99, CS-112, CS-113).
#![allow(clippy::unwrap_used)]

use std::path::Path;

use norgay_core::Value;
use norgay_core::definition::{Direction, RetryPolicy};
use norgay_core::trial::FailureCause;
use norgay_engine::config::{
    FLAGS, Findings, Route, SchedulerKind, Severity, StorageStrategy, StudyConfig, read_flags,
};
use proptest::prelude::*;

fn file(name: &str) -> Result<String, String> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let name = name
        .strip_prefix("s3://factory-bucket/moulding/input/")
        .unwrap_or(name);
    std::fs::read_to_string(data.join(name)).map_err(|_| format!("can't read '{name}'"))
}

fn read(args: &[&str]) -> Result<StudyConfig, Findings> {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    read_flags(&args, &file, "runner-pod", Path::new("/start"))
}

const SMALL: [&str; 9] = [
    "--input_path=/in",
    "--output_path=/out",
    "--default_parameter={'lr': tp['lr']}",
    "--hpo_parameter={'lr': {'type': 'Continuous', 'range': [0, 1]}}",
    "--algorithm=RandomSearch",
    "--algo_parameter={}",
    "--objective=loss",
    "--filename_objective=metrics.json",
    "--command=train {lr}",
];

fn with(more: &[&str]) -> StudyConfig {
    read(&[&SMALL[..], more].concat()).unwrap()
}

fn errors(args: &[&str]) -> String {
    read(args).unwrap_err().to_string()
}

fn errors_with(more: &[&str]) -> String {
    errors(&[&SMALL[..], more].concat())
}

#[test]
fn cs_93_the_example_flag_file_reads_once_there_is_a_command() {
    let inline = format!(
        "--default_parameter={}",
        include_str!("data/trial_run_parameter.txt")
    );
    let args = [
        "--flagfile=flags.txt",
        &inline,
        "--command=train {batch_size} {units} {model_name}",
        "--algorithm=RandomSearch",
        "--algo_parameter={'max_num_trials': 24}",
    ];
    let config = read(&args).unwrap();
    assert_eq!(config.name, "moulding-length-01");
    assert_eq!(config.definition.space.parameters().len(), 7);
    assert_eq!(
        config.definition.objective.name.as_ref(),
        "mean_squared_error"
    );
    assert_eq!(
        config.definition.algorithm.arguments,
        [("max_num_trials".to_owned(), Value::Int(24))]
    );
    assert_eq!(config.definition.budget.trials, None);
    assert_eq!(config.definition.retry, RetryPolicy::resubmitting(1));
    assert_eq!(config.execution.max_concurrent, 4);
    assert_eq!(config.execution.storage_strategy, StorageStrategy::Best);
    assert_eq!(
        config.execution.metrics_file.as_deref(),
        Some("moulding_length_metrics.json")
    );
    assert_eq!(
        config.execution.output_path,
        "s3://factory-bucket/moulding/output"
    );
    let warnings: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(warnings.join("\n"));
}

#[test]
fn cs_93_every_flag_of_the_example_is_known() {
    let text = include_str!("data/flags.txt");
    for line in text.lines() {
        let name = line.trim_start_matches("--").split('=').next().unwrap();
        assert!(FLAGS.iter().any(|flag| flag.name == name), "{name}");
    }
}

#[test]
fn cs_93_the_example_flag_file_alone_means_argo() {
    let config = read(&["--flagfile=flags.txt"]).unwrap();
    assert_eq!(config.execution.scheduler, SchedulerKind::Argo);
    let argo = config.execution.argo.unwrap();
    assert_eq!(argo.url, "https://127.0.0.1:2746/");
    assert_eq!(argo.namespace, "hpo-test");
    assert_eq!(argo.template, "moulding-trial");
    assert_eq!(argo.entrypoint, "copy-scale-fit-evaluate");
    assert_eq!(argo.route, Route::Server);
    assert!(!argo.insecure, "CS-102: TLS is verified by default");
    assert_eq!(config.warnings, []);
}

/// The flags of an Argo study but for those given.
fn argo(more: &[&str]) -> Vec<String> {
    let mut args: Vec<String> = SMALL[..8].iter().map(|arg| (*arg).to_string()).collect();
    args.extend(["--workflowtemplate=trial", "--entrypoint=main"].map(String::from));
    args.extend(more.iter().map(|arg| (*arg).to_string()));
    args
}

fn read_argo(more: &[&str]) -> Result<StudyConfig, Findings> {
    read_flags(&argo(more), &file, "runner-pod", Path::new("/start"))
}

#[test]
fn addresses_of_the_argo_server_are_taken_as_people_write_them() {
    for (flags, url) in [
        (
            &["--argo_ip=10.0.0.7", "--argo_port=2746"][..],
            "https://10.0.0.7:2746/",
        ),
        (&["--argo_ip=argo.example.com"], "https://argo.example.com/"),
        (&["--argo_ip=argo:2746"], "https://argo:2746/"),
        (
            &["--argo_ip=::1", "--argo_port=2746"],
            "https://[::1]:2746/",
        ),
        (
            &["--argo_ip=http://localhost:2746/argo/"],
            "http://localhost:2746/argo/",
        ),
        (
            &["--argo_url=https://x/argo", "--argo_ip=10.0.0.7"],
            "https://x/argo",
        ),
        (&[], ""),
    ] {
        let config = read_argo(flags).unwrap();
        assert_eq!(config.execution.argo.unwrap().url, url, "{flags:?}");
    }
}

#[test]
fn mistakes_in_the_flags_for_argo_name_their_flag() {
    let cases = [
        "--argo_ip=https://me:secret@host/",
        "--argo_ip=ftp://host",
        "--argo_ip=ho st",
        "--argo_url=https://host/?a=1",
        "--argo_port=70000",
        "--k8_namespace=Under_Score",
        "--workflowtemplate=",
        "--argo_submit_rate=0",
        "--argo_route=both",
        "--argo_keep_workflows=some",
        "--argo_template_kind=Workflow",
        "--argo_priority=high",
        "--argo_metrics_interval=soon",
    ];
    let told: Vec<String> = cases
        .iter()
        .map(|flag| {
            read_argo(&["--argo_ip=1.2.3.4", flag])
                .unwrap_err()
                .to_string()
        })
        .collect();
    assert!(!told.concat().contains("secret"));
    insta::assert_snapshot!(told.join("\n---\n"));
}

#[test]
fn cs_102_open_doors_are_told() {
    let config = read_argo(&["--argo_ip=http://10.0.0.7", "--argo_insecure"]).unwrap();
    let warnings: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(warnings.join("\n"));
}

#[test]
fn cs_93_missing_flags_are_named() {
    insta::assert_snapshot!(errors(&[]));
    let no_file: Vec<&str> = SMALL
        .iter()
        .copied()
        .filter(|flag| !flag.starts_with("--filename"))
        .collect();
    let patterned = [&no_file[..], &["--stdout_pattern=(?P<loss>.*)"]].concat();
    assert!(read(&patterned).is_ok());
    assert!(read(&no_file).is_err());
}

#[test]
fn cs_94_the_name_defaults_to_the_hosts() {
    assert_eq!(with(&[]).name, "runner-pod");
    assert_eq!(with(&["--run_name="]).name, "runner-pod");
    assert_eq!(with(&["--run_name=a", "--name=b"]).name, "b");
    assert_eq!(with(&[]).execution.study_folder, Path::new("/start"));
}

#[test]
fn cs_93_values_and_booleans_are_given_as_absl_takes_them() {
    let config = with(&[
        "--seed",
        "3",
        "-max_concurrent",
        "2",
        "--nolower_is_better",
        "--keep-failed",
    ]);
    assert_eq!(config.definition.seed, 3);
    assert_eq!(config.execution.max_concurrent, 2);
    assert_eq!(config.definition.objective.direction, Direction::Maximize);
    assert!(config.execution.keep_failed);
    for (text, direction) in [("True", Direction::Minimize), ("f", Direction::Maximize)] {
        let config = with(&[&format!("--lower_is_better={text}")]);
        assert_eq!(config.definition.objective.direction, direction);
    }
    assert_eq!(
        with(&["--target", "-0.5"]).definition.budget.target,
        Some(-0.5)
    );
    assert_eq!(with(&["--seed=1", "--seed=2"]).definition.seed, 2);
    assert!(!with(&["--verbose=0"]).verbose);
    assert!(!with(&["--noverbose"]).verbose);
    assert!(with(&[]).verbose);
}

#[test]
fn cs_81_resubmission_is_limited() {
    assert_eq!(with(&[]).definition.retry, RetryPolicy::default());
    let config = with(&["--resubmit_failed_trials", "--max_retries=3"]);
    assert_eq!(config.definition.retry.of(FailureCause::UserError), 3);
    let warnings = with(&["--max_retries=3"]).warnings;
    assert_eq!(warnings.len(), 1);
}

#[test]
fn our_own_flags_arrive() {
    let config = with(&[
        "--max_num_trials=9",
        "--wall_time=2h",
        "--max_failed=4",
        "--time_limit=10m",
        "--memory_limit=2GB",
        "--grace=3",
        "--resources=0, 1",
        "--environment=A=x=y",
        "--environment=B={resource}",
        "--constraints=lr < 0.9",
        "--constraints=lr > 0.1",
        "--stopping_rule={'name': 'median', 'min_trials': 2}",
        "--working_folder=study",
        "--parameter_format=json",
        "--typed_best_result",
        "--library_file_names",
        "--storage=norgay.db",
        "--scheduler=local",
    ]);
    assert_eq!(config.warnings, []);
    insta::assert_debug_snapshot!(config);
}

#[test]
fn cs_113_files_are_read_from_local_folders() {
    let base: Vec<&str> = SMALL
        .iter()
        .copied()
        .filter(|flag| !flag.contains("_parameter={'lr'") && !flag.contains("input"))
        .collect();
    let files = [
        "--hpo_parameter=hpo_parameter_single.json",
        "--default_parameter=small.txt",
    ];
    let reader = |name: &str| match name {
        "/in/small.txt" | "in/small.txt" | "s3://bucket/in/small.txt" => {
            Ok("{'units': str(tp['units_1'])}".to_owned())
        }
        other => file(other),
    };
    for input in [
        "--input_path=/in",
        "--input_path=file:///in",
        "--input_path=in",
        "--input_path=s3://bucket/in/",
    ] {
        let args = [&base[..], &files, &[input, "--command=train {units}"]].concat();
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let config = read_flags(&args, &reader, "host", Path::new("/")).unwrap();
        assert_eq!(config.definition.space.parameters().len(), 5);
        assert_eq!(
            config.execution.parameter_text.as_deref(),
            Some("{'units': str(tp['units_1'])}")
        );
    }
}

#[test]
fn every_mistake_of_a_bad_flag_file_is_told_with_its_line() {
    insta::assert_snapshot!(errors(&["--flagfile=flags_bad.txt"]));
}

#[test]
fn mistakes_on_the_command_line_name_their_flag() {
    let cases = [
        errors_with(&["--seed"]),
        errors_with(&["--seed", "--verbose"]),
        errors_with(&["stray"]),
        errors_with(&["--", "--seed=1"]),
        errors_with(&["--hpo_parameter={'lr': {'type': 'Continuos', 'range': (1, 2)}}"]),
        errors_with(&["--hpo_parameter={'lr': __import__('os')}"]),
        errors_with(&["--hpo_parameter=absent.json"]),
        errors_with(&["--default_parameter={'lr': tp['lrr']}"]),
        errors_with(&["--algo_parameter=[1]"]),
        errors_with(&["--algo_parameter={'a': tp['lr']}"]),
        errors_with(&["--scheduler=argo"]),
        errors_with(&["--scheduler=slurm"]),
        errors_with(&["--constraints=lr << 1"]),
        errors_with(&["--flagfile"]),
    ];
    insta::assert_snapshot!(cases.join("\n---\n"));
}

#[test]
fn cs_112_local_search_needs_a_seed_and_others_are_listed() {
    let cases = [
        errors_with(&["--algorithm=LocalSearch"]),
        errors_with(&["--algorithm=GPyOpts"]),
    ];
    insta::assert_snapshot!(cases.join("\n"));
}

#[test]
fn flag_files_may_name_flag_files_but_not_in_a_circle_or_too_deep() {
    let reader = |name: &str| -> Result<String, String> {
        match name {
            "outer" => Ok("--seed=1\n\n # comment\n// comment\n--flagfile=inner\n".into()),
            "inner" => Ok("\u{feff}--seed=2\r\n--max_concurrent=3\r\n".into()),
            "circle" => Ok("--flagfile=circle2".into()),
            "circle2" => Ok("--flagfile\ncircle".into()),
            "twice" => Ok("--flagfile=twice_\n".repeat(9_000)),
            "twice_" => Ok("--seed=1\n".repeat(9_000)),
            deep => deep
                .parse::<u32>()
                .map(|level| format!("--flagfile={}", level + 1))
                .map_err(|_| format!("can't read '{deep}'")),
        }
    };
    let read = |more: &[&str]| {
        let args: Vec<String> = [&SMALL[..], more]
            .concat()
            .iter()
            .map(|a| (*a).to_owned())
            .collect();
        read_flags(&args, &reader, "host", Path::new("/"))
    };
    let config = read(&["--flagfile=outer"]).unwrap();
    assert_eq!(config.definition.seed, 2);
    assert_eq!(config.execution.max_concurrent, 3);
    assert_eq!(
        read(&["--flagfile", "outer", "--seed=5"])
            .unwrap()
            .definition
            .seed,
        5
    );
    let told = ["circle", "1", "twice"].map(|file| {
        let error = read(&[&format!("--flagfile={file}")]).unwrap_err();
        error.0[0].to_string()
    });
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn flag_names_are_unique_and_the_defaults_are_valid() {
    for (position, flag) in FLAGS.iter().enumerate() {
        assert!(
            !FLAGS[..position]
                .iter()
                .any(|other| other.name == flag.name),
            "{}",
            flag.name
        );
        assert!(
            !flag.name.starts_with("no") || flag.name == "norgay",
            "{}",
            flag.name
        );
        if !flag.default.is_empty() {
            serde_json::from_str::<serde_json::Value>(flag.default).unwrap();
        }
    }
}

proptest! {
    #[test]
    fn no_arguments_panic_and_errors_are_never_empty(
        args in prop::collection::vec(prop_oneof![
            prop::sample::select(&SMALL[..]).prop_map(str::to_owned),
            (prop::sample::select(FLAGS), "[a-z0-9{}=',:\\[\\]. -]{0,12}", 0..4_u8).prop_map(
                |(flag, value, form)| match form {
                    0 => format!("--{}", flag.name),
                    1 => format!("--no{}", flag.name),
                    2 => value,
                    _ => format!("-{}={value}", flag.name),
                }
            ),
            ".{0,10}",
        ], 0..14)
    ) {
        match read_flags(&args, &file, "host", Path::new(".")) {
            Ok(config) => {
                prop_assert!(config.warnings.iter().all(|w| w.severity == Severity::Warning));
            }
            Err(Findings(findings)) => {
                prop_assert!(findings.iter().any(|finding| finding.severity == Severity::Error));
                prop_assert!(!findings.iter().any(|finding| finding.message.contains("a bug of")));
            }
        }
    }
}
