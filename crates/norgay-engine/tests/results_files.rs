//! The files that a study leaves beside its table: configuration, search space, best result.

use std::io::Write;
use std::process::{Command, Stdio};

use norgay_core::definition::{AlgorithmChoice, Direction};
use norgay_core::space::{Declaration, Domain, Parameter, Scale, Space};
use norgay_core::trial::{AttemptEnd, FailureCause, TrialState};
use norgay_core::{Study, Value};
use norgay_engine::results::{
    best_result_json, optimization_parameters_json, study_config_json, study_config_pickle,
};
use norgay_engine::testing::StudyBuilder;
use serde_json::json;

fn parameters() -> Vec<Parameter> {
    let mut units = Parameter::new(
        "units 1",
        Domain::Discrete {
            low: 1,
            high: 9,
            scale: Scale::Linear,
            step: Some(2),
        },
    )
    .when("solver", vec!["sgd".into(), Value::None]);
    units.mutable = false;
    vec![
        Parameter::new(
            "lr",
            Domain::Continuous {
                low: 1e-5,
                high: 1.0,
                scale: Scale::Log,
                step: None,
            },
        ),
        Parameter::new(
            "solver",
            Domain::Choice {
                values: vec!["sgd".into(), Value::None, true.into(), 1.into(), 1.5.into()],
            },
        ),
        units,
        Parameter::new(
            "batch",
            Domain::Ordinal {
                values: vec![8.into(), 16.into(), Value::from(vec![1.into(), "ä".into()])],
            },
        ),
        Parameter::new(
            "grid",
            Domain::Continuous {
                low: -1.0,
                high: 1.0,
                scale: Scale::Linear,
                step: Some(0.25),
            },
        ),
        Parameter::new("fixed", Domain::Constant { value: 60.into() }),
    ]
}

fn json_of(bytes: Vec<u8>) -> serde_json::Value {
    serde_json::from_slice(&bytes).expect("JSON")
}

fn best(study: &Study, typed: bool) -> serde_json::Value {
    json_of(best_result_json(study, typed).expect("a file"))
}

#[test]
fn cs_111_the_space_is_written_in_the_form_that_users_write() {
    let builder = StudyBuilder::new(parameters());
    let bytes = optimization_parameters_json(builder.study()).expect("a file");
    let text = String::from_utf8(bytes.clone()).expect("UTF-8");
    assert!(
        text.find("\"solver\"") < text.find("\"batch\""),
        "in the order of declaration"
    );
    assert_eq!(
        json_of(bytes),
        json!({
            "lr": {"type": "Continuous", "range": [1e-5, 1.0], "scale": "log"},
            "solver": {"type": "Choice", "range": ["sgd", null, true, 1, 1.5]},
            "units 1": {
                "type": "Discrete", "range": [1, 9], "scale": "linear", "step": 2,
                "when": {"solver": ["sgd", null]}, "mutable": false,
            },
            "batch": {"type": "Ordinal", "range": [8, 16, [1, "ä"]]},
            "grid": {"type": "Continuous", "range": [-1.0, 1.0], "scale": "linear", "step": 0.25},
            "fixed": {"type": "Constant", "value": 60},
        })
    );
}

#[test]
fn cs_111_the_written_space_declares_the_same_space_again() {
    let builder = StudyBuilder::new(parameters());
    let bytes = optimization_parameters_json(builder.study()).expect("a file");
    let written: Value = serde_json::from_slice(&bytes).expect("values");
    let pairs = written.as_pairs().expect("an object");
    let declared = pairs.iter().map(|(name, fields)| {
        let field = |key| fields.get(key).cloned();
        let declaration = Declaration {
            name: name.to_string(),
            kind: field("type"),
            range: field("range"),
            scale: field("scale"),
            step: field("step"),
            value: field("value"),
            when: field("when"),
            mutable: field("mutable"),
            strict: None,
        };
        let (parameter, warnings) = declaration.build().expect("a parameter");
        assert_eq!(warnings, []);
        parameter
    });
    let space = Space::new(declared.collect(), Vec::new()).expect("a space");
    assert_eq!(&space, &builder.study().definition().space);
}

#[test]
fn several_conditions_on_one_parent_become_their_common_values() {
    let solver = Parameter::new(
        "solver",
        Domain::Choice {
            values: vec!["a".into(), "b".into(), "c".into()],
        },
    );
    let child = Parameter::new("child", Domain::Constant { value: 1.into() })
        .when("solver", vec!["a".into(), "b".into()])
        .when("solver", vec!["b".into(), "c".into()]);
    let builder = StudyBuilder::new(vec![solver, child]);
    let written = json_of(optimization_parameters_json(builder.study()).expect("a file"));
    assert_eq!(written["child"]["when"], json!({"solver": ["b"]}));
}

/// A study with something in every part of its definition.
fn rich_study() -> StudyBuilder {
    let mut definition = StudyBuilder::definition(parameters());
    definition.objective.direction = Direction::Maximize;
    definition.seed = u64::MAX;
    definition.budget.trials = Some(10);
    definition.algorithm = AlgorithmChoice {
        name: "LocalSearch".into(),
        arguments: vec![
            (
                "perturbation_factors".into(),
                Value::Tuple([0.8.into(), 1.2.into()].into()),
            ),
            (
                "seed_configuration".into(),
                Value::Dict([(1.into(), f64::INFINITY.into())].into()),
            ),
        ],
    };
    let mut builder = StudyBuilder::of(definition);
    builder.completed(&[("lr", 0.1.into())], 0.5);
    builder.running(&[("lr", 0.2.into())]);
    builder
}

#[test]
fn the_configuration_is_plain_json() {
    let builder = rich_study();
    let config = json_of(study_config_json(builder.study(), "my \"run\"").expect("a file"));
    assert_eq!(config["name"], "my \"run\"");
    assert_eq!(config["objective"], "loss");
    assert_eq!(config["direction"], "maximize");
    assert_eq!(config["lower_is_better"], false);
    assert_eq!(config["seed"], u64::MAX);
    assert_eq!(config["num_trials"], 2);
    assert_eq!(config["budget"]["trials"], 10);
    assert_eq!(config["trials_by_state"]["completed"], 1);
    assert_eq!(config["trials_by_state"]["running"], 1);
    assert_eq!(config["retries"]["pre-empted"], 20);
    assert_eq!(config["stopping_rule"], json!(null));
    assert_eq!(config["parameters"][2]["name"], "units 1");
    assert_eq!(config["parameters"][2]["step"], 2);
    let algorithm = json!({
        "name": "LocalSearch",
        "arguments": {"perturbation_factors": [0.8, 1.2], "seed_configuration": {"1": "inf"}},
    });
    assert_eq!(config["algorithm"], algorithm);
}

fn python(script: &str, input: &[u8]) -> String {
    let mut python = Command::new("python3")
        .args(["-I", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is needed for this test");
    let mut stdin = python.stdin.take().expect("a pipe");
    stdin.write_all(input).expect("written");
    drop(stdin);
    let output = python.wait_with_output().expect("an end");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn cs_36_the_pickle_opens_in_python_with_nothing_installed() {
    let builder = rich_study();
    let pickle = study_config_pickle(builder.study(), "run").expect("a file");
    // An unpickler that admits no global at all: builtin containers and scalars alone.
    let script = "
import pickle, sys
class Plain(pickle.Unpickler):
    def find_class(self, module, name):
        raise pickle.UnpicklingError(module + '.' + name)
config = Plain(sys.stdin.buffer).load()
assert type(config) is dict and type(config['parameters']) is list
for key in ('lower_is_better', 'num_trials', 'seed', 'algorithm'):
    print(key, repr(config[key]))
for parameter in config['parameters']:
    print(parameter)
";
    let wanted = "\
lower_is_better False
num_trials 2
seed 18446744073709551615
algorithm {'name': 'LocalSearch', 'arguments': {'perturbation_factors': [0.8, 1.2], \
'seed_configuration': {1: inf}}}
{'name': 'lr', 'type': 'Continuous', 'range': [1e-05, 1.0], 'scale': 'log'}
{'name': 'solver', 'type': 'Choice', 'range': ['sgd', None, True, 1, 1.5]}
{'name': 'units 1', 'type': 'Discrete', 'range': [1, 9], 'scale': 'linear', 'step': 2, \
'when': {'solver': ['sgd', None]}, 'mutable': False}
{'name': 'batch', 'type': 'Ordinal', 'range': [8, 16, [1, 'ä']]}
{'name': 'grid', 'type': 'Continuous', 'range': [-1.0, 1.0], 'scale': 'linear', 'step': 0.25}
{'name': 'fixed', 'type': 'Constant', 'value': 60}
";
    let script = format!("import sys; sys.stdout.reconfigure(encoding='utf-8'){script}");
    assert_eq!(python(&script, &pickle), wanted);
}

#[test]
fn cs_32_the_best_result_of_nothing_is_an_empty_object() {
    let builder = StudyBuilder::new(parameters());
    assert_eq!(
        best_result_json(builder.study(), false).expect("a file"),
        b"{}\n"
    );
}

#[test]
fn cs_33_failed_and_stopped_trials_are_never_best() {
    let mut builder = StudyBuilder::new(parameters());
    for (end, state) in [
        (
            AttemptEnd::Failed(FailureCause::UserError),
            TrialState::Failed,
        ),
        (AttemptEnd::Pruned, TrialState::Pruned),
        (AttemptEnd::Cancelled, TrialState::Cancelled),
    ] {
        let trial = builder.running(&[("lr", 0.1.into())]);
        builder.measure(trial, 1, &[("loss", 0.001.into())]);
        builder.end(trial, end, state);
    }
    assert_eq!(best(builder.study(), false), json!({}));
    builder.completed(&[("lr", 0.1.into())], 0.5);
    assert_eq!(best(builder.study(), false)["Trial-ID"], "4");
}

#[test]
fn cs_34_cs_111_the_best_result_has_every_column_but_the_status_as_text() {
    let mut builder = StudyBuilder::new(parameters());
    let trial = builder.running(&[
        ("lr", 1e-5.into()),
        ("solver", Value::None),
        ("units 1", 3.into()),
        ("batch", Value::from(vec![1.into(), "ä".into()])),
    ]);
    builder.measure(trial, 1, &[("loss", 0.25.into()), ("ok", true.into())]);
    builder.measure(
        trial,
        4,
        &[("loss", 0.5.into()), ("late", f64::INFINITY.into())],
    );
    builder.end(trial, AttemptEnd::Completed, TrialState::Completed);
    builder.completed(&[("lr", 0.1.into())], 0.5);
    let study = builder.study();
    let text = String::from_utf8(best_result_json(study, false).expect("a file")).expect("UTF-8");
    let wanted = r#"{
  "Trial-ID": "1",
  "Iteration": "4",
  "batch": "[1, 'ä']",
  "fixed": "nan",
  "grid": "nan",
  "lr": "1e-05",
  "solver": "None",
  "units 1": "3",
  "Objective": "0.25",
  "loss": "0.25",
  "ok": "True",
  "late": "nan"
}
"#;
    assert_eq!(text, wanted);
    let typed = json!({
        "Trial-ID": 1, "Iteration": 4, "batch": [1, "ä"], "fixed": null, "grid": null, "lr": 1e-5,
        "solver": null, "units 1": 3, "Objective": 0.25, "loss": 0.25, "ok": true, "late": null,
    });
    assert_eq!(best(study, true), typed);
}
