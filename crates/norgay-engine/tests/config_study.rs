//! Study files: what they give, and all their mistakes at once.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use norgay_core::Value;
use norgay_core::definition::{Budget, Direction, RetryPolicy, ValueOf};
use norgay_core::stopping::{
    AshaRule, AutoRule, HyperbandRule, MedianRule, PatienceRule, StoppingRule, ThresholdRule,
};
use norgay_core::trial::FailureCause;
use norgay_engine::config::shape::{FieldEntry, Shape};
use norgay_engine::config::{
    Execution, FIELDS, Findings, ParameterFormat, Severity, StorageStrategy, StudyConfig,
    WorkingFolder, read_study,
};
use proptest::prelude::*;

fn study(text: &str) -> StudyConfig {
    read_study(text, "moulding.yaml", Path::new("/somewhere/press")).unwrap()
}

fn errors(text: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    read_study(text, "study.yaml", &folder)
        .unwrap_err()
        .to_string()
}

const SMALL: &str = "parameters: {lr: {type: continuous, range: [0, 1]}}\nminimize: loss\n";

#[test]
fn every_stopping_rule_has_its_own_arguments() {
    let rule = |text: &str| {
        let text = format!("{SMALL}stopping_rule: {text}\n");
        study(&text).definition.stopping_rule.unwrap()
    };
    assert_eq!(rule("auto"), StoppingRule::Auto(AutoRule::default()));
    assert_eq!(
        rule("{name: auto, min_iterations: 4, eta: 2, chance: 0.1}"),
        StoppingRule::Auto(AutoRule {
            min_iterations: 4,
            eta: 2,
            chance: 0.1,
        })
    );
    assert_eq!(rule("asha"), StoppingRule::Asha(AshaRule::default()));
    assert_eq!(
        rule("{name: hyperband, min_iterations: 2, max_iterations: 50, eta: 4}"),
        StoppingRule::Hyperband(HyperbandRule {
            min_iterations: 2,
            max_iterations: 50,
            eta: 4,
        })
    );
    assert_eq!(
        rule("{name: patience, patience: 7, min_delta: 0.1}"),
        StoppingRule::Patience(PatienceRule {
            min_iterations: 0,
            patience: 7,
            min_delta: 0.1,
        })
    );
    assert_eq!(
        rule("{name: threshold, upper: 10}"),
        StoppingRule::Threshold(ThresholdRule {
            upper: Some(10.0),
            ..ThresholdRule::default()
        })
    );
    for (text, part) in [
        (
            "{name: asha, legacy: true}",
            "the rule asha has no argument 'legacy'",
        ),
        (
            "{name: median, eta: 3}",
            "it has min_iterations, min_trials, legacy",
        ),
        ("threshold", "needs a lower or an upper limit"),
        ("{name: asha, eta: 1}", "at least 2"),
        ("{name: auto, chance: 1}", "below 1"),
        ("{name: patience, min_delta: -1}", "must not be negative"),
    ] {
        let told = errors(&format!("{SMALL}stopping_rule: {text}\n"));
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn what_the_algorithm_adds_to_trials_has_its_name_in_texts_and_commands() {
    let text = SMALL.to_owned()
        + "parameter_text: \"{'epochs': tp['resource'], 'from': tp['load_from'] + '/'}\"\n\
           command: train --epochs {resource} --from {load_from}\nmetrics_file: m.json\n";
    let halving = text.clone() + "algorithm: {name: asha, R: 27}\n";
    assert!(study(&halving).warnings.is_empty());
    let chained = "algorithm: {name: chain, algorithms: [random, asha]}\n";
    study(&(text.clone() + chained));
    let told = errors(&(text + "algorithm: random\n"));
    assert!(told.contains("resource"), "{told}");
    let slots = study(&(halving + "resources: [0, 1]\n"));
    assert_eq!(slots.warnings.len(), 1, "{:?}", slots.warnings);
}

const FULL: &str = r#"
name: moulding-length
parameters:
  lr: {type: continuous, range: [1e-4, 1e-1], scale: log}
  momentum: {type: continuous, range: [0, 0.99], when: {solver: sgd}}
  solver: [sgd, adam]
  units_1: {type: discrete, range: [8, 64]}
  units_2: {type: discrete, range: [8, 64]}
  epochs: 60
constraints: [units_2 <= units_1]
objective: {name: loss, direction: minimize, value: last}
algorithm: {name: grid, num_grid_points: 3}
seed: 1
budget: {trials: 30, wall_time: 2h, target: 0.01, max_failed: 10, max_failed_in_a_row: 0, patience: 12, min_improvement: 0.5}
max_concurrent: 2
command: python3 train.py --lr {lr} --units "{units_1} {units_2}" {key}
metrics_file: metrics.json
stdout_pattern: 'loss=(?P<loss>[0-9.e+-]+)'
stopping_rule: {name: median, min_iterations: 5, min_trials: 3, legacy: true}
parameter_text: |
  {"key": str(tp['units_1']) + ",1"}
parameter_format: json
input_path: input
output_path: results
storage: norgay.db
resources: [0, 1]
limits: {time: 10m, memory: 2GB, grace: 5s}
retry: {user-error: 1, pre-empted: 7}
environment: {CUDA_VISIBLE_DEVICES: '{resource}', SEED: 3}
working_folder: study
storage_strategy: best
keep_failed: true
typed_best_result: true
library_file_names: true
scheduler: local
"#;

#[test]
fn every_field_arrives() {
    let config = study(FULL);
    assert_eq!(config.warnings, []);
    assert_eq!(config.name, "moulding-length");
    assert_eq!(config.storage.as_deref(), Some("norgay.db"));
    let definition = &config.definition;
    assert_eq!(definition.space.parameters().len(), 6);
    assert_eq!(
        definition.space.constraints()[0].text(),
        "units_2 <= units_1"
    );
    assert_eq!(definition.objective.value, ValueOf::Last);
    assert_eq!(definition.algorithm.name, "grid");
    assert_eq!(
        definition.algorithm.arguments,
        [("num_grid_points".to_owned(), Value::Int(3))]
    );
    assert_eq!(definition.seed, 1);
    let budget = Budget {
        trials: Some(30),
        wall_time_ms: Some(7_200_000),
        target: Some(0.01),
        max_failed: Some(10),
        max_failed_in_a_row: 0,
        patience: Some(12),
        min_improvement: 0.5,
    };
    assert_eq!(definition.budget, budget);
    assert_eq!(definition.retry.of(FailureCause::UserError), 1);
    assert_eq!(definition.retry.of(FailureCause::PreEmpted), 7);
    assert_eq!(definition.retry.of(FailureCause::Lost), 5);
    let rule = MedianRule {
        min_iterations: 5,
        min_trials: 3,
        legacy: true,
    };
    assert_eq!(definition.stopping_rule, Some(StoppingRule::Median(rule)));
    let execution = Execution {
        command: [
            "python3",
            "train.py",
            "--lr",
            "{lr}",
            "--units",
            "{units_1} {units_2}",
            "{key}",
        ]
        .map(str::to_owned)
        .to_vec(),
        max_concurrent: 2,
        parameter_text: Some("{\"key\": str(tp['units_1']) + \",1\"}\n".into()),
        parameter_format: ParameterFormat::Json,
        input_path: Some("input".into()),
        output_path: "results".into(),
        metrics_file: Some("metrics.json".into()),
        stdout_pattern: Some("loss=(?P<loss>[0-9.e+-]+)".into()),
        resources: Some(vec!["0".into(), "1".into()]),
        time_limit_ms: Some(600_000),
        memory_limit_bytes: Some(2_000_000_000),
        grace_ms: 5000,
        environment: [("CUDA_VISIBLE_DEVICES", "{resource}"), ("SEED", "3")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        working_folder: WorkingFolder::Study,
        storage_strategy: StorageStrategy::Best,
        keep_failed: true,
        typed_best_result: true,
        library_file_names: true,
        study_folder: PathBuf::from("/somewhere/press"),
        ..Execution::default()
    };
    assert_eq!(config.execution, execution);
}

#[test]
fn a_small_study_has_the_defaults() {
    let config = study(SMALL);
    assert_eq!(config.name, "moulding");
    assert_eq!(config.definition.algorithm.name, "auto");
    assert_eq!(config.definition.objective.direction, Direction::Minimize);
    assert_eq!(config.definition.retry, RetryPolicy::default());
    let execution = Execution {
        study_folder: PathBuf::from("/somewhere/press"),
        ..Execution::default()
    };
    assert_eq!(config.execution, execution);
    let named = |source| {
        read_study(SMALL, source, Path::new("/somewhere/press"))
            .unwrap()
            .name
    };
    assert_eq!(named("study.yaml"), "press");
    assert_eq!(named("/a/b.c/lr-search.yml"), "lr-search");
    assert_eq!(
        study(&SMALL.replace("minimize", "maximize"))
            .definition
            .objective
            .direction,
        Direction::Maximize
    );
}

fn defaults(table: &[FieldEntry]) -> serde_json::Map<String, serde_json::Value> {
    let mut map = serde_json::Map::new();
    for field in table {
        match field.shape {
            Shape::Fields(inner) => {
                let inner = defaults(inner);
                if field.name != "objective" && !inner.is_empty() {
                    map.insert(field.name.into(), inner.into());
                }
            }
            Shape::NameOr(_) => {}
            _ if field.default.is_empty() => {}
            _ => {
                map.insert(
                    field.name.into(),
                    serde_json::from_str(field.default).unwrap(),
                );
            }
        }
    }
    map
}

#[test]
fn the_defaults_of_the_table_are_the_ones_that_hold() {
    let written = serde_json::Value::from(defaults(FIELDS));
    let body = written.to_string();
    let body = body.trim_start_matches('{').trim_end_matches('}');
    let objective =
        r#""parameters": {"lr": {"type": "continuous", "range": [0, 1]}}, "minimize": "loss""#;
    // The braces of nested maps were trimmed with the outer ones if they stood last.
    let open = body.matches('{').count() - body.matches('}').count();
    let text = format!("{{{objective}, {body}{}}}", "}".repeat(open));
    assert_eq!(study(&text), study(SMALL));
}

#[test]
fn every_mistake_of_a_bad_study_is_told_with_its_place() {
    insta::assert_snapshot!(errors(include_str!("data/study_bad.yaml")));
}

#[test]
fn mistakes_between_fields_are_told() {
    let cases = [
        format!("{SMALL}command: train {{lrr}} {{lr}} {{trial_id}}\nmetrics_file: m.json\n"),
        format!(
            "{SMALL}command: [train, '{{a}}', '{{{{b}}}}', '{{a}} {{a}}']\nmetrics_file: m.json\n"
        ),
        format!("{SMALL}stdout_pattern: 'accuracy=(?P<accuracy>.*)'\n"),
        format!("{SMALL}parameter_text: \"{{'a': tp['lrr']}}\"\n"),
        format!("{SMALL}parameter_text: \"{{'a': 1 / tp['lr']}}\"\n"),
        format!("{SMALL}parameter_text: nothing.txt\n"),
        format!("{SMALL}parameters: nothing.yaml\n"),
        "minimize: loss\n".to_owned(),
        "parameters: nothing.yaml\nobjective: {direction: maximize}\n".to_owned(),
        "parameters: hpo_parameter_bad.json\n".to_owned(),
        format!("{SMALL}algorithm: LocalSearch\n"),
        format!("{SMALL}algorithm: GPyOpts\n"),
        format!("{SMALL}algorithm: {{num_grid_points: 3}}\n"),
        format!("{SMALL}stopping_rule: {{min_trials: 3}}\n"),
        format!("{SMALL}command: ''\n"),
        format!("{SMALL}command: '# nothing'\nmetrics_file: m.json\n"),
        "- a\n- b\n".to_owned(),
        String::new(),
        "a: [".to_owned(),
    ];
    insta::assert_snapshot!(cases.map(|case| errors(&case)).join("\n---\n"));
}

#[test]
fn a_parameter_text_and_a_space_may_be_files_of_the_studys_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let text = "parameters: hpo_parameter.json\nminimize: mse\ncommand: train {units}\n\
                metrics_file: m.json\nparameter_text: trial_run_parameter.txt\n";
    let config = read_study(text, "study.yaml", &folder).unwrap();
    assert_eq!(config.definition.space.parameters().len(), 7);
    let content = include_str!("data/trial_run_parameter.txt");
    assert_eq!(config.execution.parameter_text.as_deref(), Some(content));
    assert_eq!(config.warnings.len(), 1);
}

#[test]
fn doubtful_things_are_warnings() {
    let text = "parameters: {resource: [1, 2], n: {type: discrete, range: [1, 2, 3]}}\n\
                minimize: loss\ncommand: train {n}\n";
    let warnings = study(text).warnings;
    assert!(
        warnings
            .iter()
            .all(|warning| warning.severity == Severity::Warning)
    );
    let lines: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

proptest! {
    #[test]
    fn no_text_panics_and_errors_are_never_empty(
        lines in prop::collection::vec(prop::sample::select(&[
            "parameters: {lr: {type: continuous, range: [0, 1]}}", "minimize: loss", "maximize: a",
            "parameters: {a: [1, 2], b: {when: {a: 1}}}", "objective: {name: x}", "objective: 1",
            "algorithm: random", "algorithm: {name: grid}", "algorithm: [1]", "budget: {trials: 1}",
            "budget: 3", "command: a {lr}", "command: [1, {}]", "resources: [0]", "resources: 1",
            "environment: {A: '{lr}'}", "environment: []", "stopping_rule: median", "seed: x",
            "stopping_rule: {}", "limits: {time: 1}", "retry: {lost: 1}", "parameter_text: '{}'",
            "stdout_pattern: '('", "constraints: lr < 1", "constraints: [1]", "? [a]", "name: ..",
        ][..]), 0..8)
    ) {
        let text = lines.join("\n");
        match read_study(&text, "s.yaml", Path::new(".")) {
            Ok(config) => {
                let warnings = config.warnings;
                prop_assert!(warnings.iter().all(|w| w.severity == Severity::Warning));
            },
            Err(Findings(findings)) => {
                prop_assert!(findings.iter().any(|finding| finding.severity == Severity::Error));
                let unexplained = findings.iter().any(|f| f.message.contains("a bug of"));
                prop_assert!(!unexplained, "{}", text);
            }
        }
    }

    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_study(&String::from_utf8_lossy(&bytes), "s.yaml", Path::new("."));
    }
}

const SPACE: &str = "parameters: {lr: {type: continuous, range: [0, 1]}}\n";

#[test]
fn several_objectives_are_a_list_of_names_and_maps() {
    let text = SPACE.to_owned()
        + "objectives: [loss, {name: accuracy, direction: maximize}]\n\
           outcome_constraints: [memory_gb <= 8, 0.5 <= recall]\n";
    let definition = study(&text).definition;
    let objectives = definition.objectives();
    let objectives: Vec<(&str, Direction)> =
        objectives.map(|o| (o.name.as_ref(), o.direction)).collect();
    let expected = [
        ("loss", Direction::Minimize),
        ("accuracy", Direction::Maximize),
    ];
    assert_eq!(objectives, expected);
    let limits = definition.outcome_constraints.iter();
    let limits: Vec<String> = limits.map(ToString::to_string).collect();
    assert_eq!(limits, ["memory_gb <= 8", "recall >= 0.5"]);
}

#[test]
fn mistakes_in_objectives_and_limits_are_told_at_their_place() {
    for (lines, part) in [
        ("objectives: []", "expected a list of names and maps"),
        ("objectives: [a, a]", "there is an objective 'a' already"),
        (
            "objectives: [{direction: maximize}]",
            "the objective's name is missing",
        ),
        (
            "objectives: [{name: a, value: best}]",
            "there is no field 'value'",
        ),
        (
            "objectives: [a]\nminimize: b",
            "'objectives' and 'minimize' exclude each other",
        ),
        (
            "minimize: a\noutcome_constraints: [m < 8]",
            "expected <= or >=, found '<'",
        ),
        (
            "minimize: a\noutcome_constraints: m",
            "a metric and its limit",
        ),
        (
            "minimize: a\noutcome_constraints: [m <= 8, m <= 8]",
            "it is written twice",
        ),
        (
            "objectives: [a, b]\nalgorithm: local_search",
            "it optimizes one objective, and there are 2; for several there are",
        ),
    ] {
        let told = errors(&format!("{SPACE}{lines}\n"));
        assert!(told.contains(part), "{lines}: {told}");
        assert!(told.contains("study.yaml:"), "{told}");
    }
}
