//! What a trial is given: commands with placeholders, and the parameter text (CS-95, CS-98,
//! CS-99, CS-100).
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use norgay_core::expression::parse_parameter_text;
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::{Configuration, Space, Value};
use norgay_engine::config::{
    CommandTemplate, ParameterFormat, Template, TrialPaths, check_with_dummy_trial, read_space,
    trial_parameters, value_text,
};
use proptest::prelude::*;

fn lookup(name: &str) -> Option<String> {
    match name {
        "lr" => Some("0.1".into()),
        "val/loss" | "a-b.c_d" | "größe" => Some("x".into()),
        _ => None,
    }
}

fn rendered(text: &str) -> Option<String> {
    Template::parse(text).render(&lookup)
}

#[test]
fn only_identifiers_in_braces_are_placeholders() {
    assert_eq!(rendered("--lr={lr}").as_deref(), Some("--lr=0.1"));
    assert_eq!(rendered("{a-b.c_d}{größe}{lr}").as_deref(), Some("xx0.1"));
    for text in [
        "{}",
        "{ lr }",
        "{lr",
        "lr}",
        "{'a': 1}",
        "{$x}",
        "${lr:-1}",
        "a{1,2}",
        "{val/loss}",
    ] {
        assert_eq!(rendered(text).as_deref(), Some(text));
    }
    assert_eq!(rendered("{momentum} {lr}"), None);
    assert_eq!(
        Template::parse("{a} {b} {a}").names().collect::<Vec<_>>(),
        ["a", "b", "a"]
    );
}

#[test]
fn doubled_braces_are_escapes_but_nested_json_is_left_alone() {
    assert_eq!(rendered("{{lr}}").as_deref(), Some("{lr}"));
    assert_eq!(
        rendered("awk '{{print $1}}'").as_deref(),
        Some("awk '{print $1}'")
    );
    assert_eq!(rendered("{{{lr}}}").as_deref(), Some("{0.1}"));
    assert_eq!(
        rendered(r#"{"a": {"b": 1}}"#).as_deref(),
        Some(r#"{"a": {"b": 1}}"#)
    );
    assert_eq!(
        rendered(r#"{"a": {"b": {lr}}}"#).as_deref(),
        Some(r#"{"a": {"b": 0.1}}"#)
    );
}

fn command(arguments: &[&str]) -> Vec<String> {
    let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
    CommandTemplate::parse(&arguments).render(&lookup)
}

#[test]
fn an_inactive_parameter_takes_its_argument_and_flag_along() {
    assert_eq!(
        command(&["t", "--lr", "{lr}", "--m", "{m}", "end"]),
        ["t", "--lr", "0.1", "end"]
    );
    assert_eq!(command(&["t", "-m", "{m}"]), ["t"]);
    assert_eq!(command(&["t", "--m={m}", "x"]), ["t", "x"]);
    // The flag is not bare, or the argument is more than the placeholder.
    assert_eq!(command(&["t", "--a=1", "{m}"]), ["t", "--a=1"]);
    assert_eq!(command(&["t", "--m", "x{m}"]), ["t", "--m"]);
    assert_eq!(command(&["t", "word", "{m}"]), ["t", "word"]);
    assert_eq!(command(&["t", "--", "{m}"]), ["t", "--"]);
    assert_eq!(command(&["t", "-1", "{m}"]), ["t", "-1"]);
    assert_eq!(command(&["t", "--m", "{m}", "{m}"]), ["t"]);
}

#[test]
fn cs_99_values_are_in_pythons_text_form_or_json() {
    let values = [
        (Value::Bool(true), "True", "true"),
        (Value::None, "None", "null"),
        (Value::Float(1e-5), "1e-05", "1e-5"),
        (Value::Int(3), "3", "3"),
        (Value::from("a b"), "a b", "a b"),
        (Value::from(vec![Value::from("a")]), "['a']", "[\"a\"]"),
    ];
    for (value, python, json) in values {
        assert_eq!(value_text(&value, ParameterFormat::Python), python);
        let text = value_text(&value, ParameterFormat::Json);
        assert!(
            text == json || text.parse::<f64>().ok() == json.parse::<f64>().ok(),
            "{text}"
        );
    }
}

const PATHS: TrialPaths<'static> = TrialPaths {
    run_name: "moulding-length-01",
    input_path: "s3://factory-bucket/moulding/input/",
    output_path: "s3://factory-bucket/moulding/output/moulding-length-01/1/",
    model_input_path: "",
};

fn configuration(entries: &[(&str, Value)]) -> Configuration {
    entries
        .iter()
        .map(|(name, value)| (Arc::from(*name), value.clone()))
        .collect()
}

#[test]
fn cs_95_cs_98_cs_99_the_parameters_of_the_example_are_byte_for_byte_the_expected_ones() {
    let flags = include_str!("data/flags.txt");
    let space = flags
        .lines()
        .find_map(|line| line.strip_prefix("--hpo_parameter="))
        .unwrap();
    let (space, _) = read_space(space, "flags.txt").unwrap();
    let text = parse_parameter_text(include_str!("data/trial_run_parameter.txt")).unwrap();
    check_with_dummy_trial(&space, &[], &text).unwrap();
    let configuration = configuration(&[
        ("batch_size", Value::Int(16)),
        ("learning_rate", Value::Float(1e-5)),
        ("units_1", Value::Int(64)),
        ("units_2", Value::Int(32)),
        ("dropout", Value::Float(0.1)),
        ("patience", Value::Int(10)),
        ("activation", Value::from("relu")),
    ]);
    let merged = trial_parameters(&space, &configuration, Some(&text), &PATHS).unwrap();
    let expected: serde_json::Value =
        serde_json::from_str(include_str!("data/expected_submit.json")).unwrap();
    let mut expected: Vec<&str> = expected["submitOptions"]["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item.as_str().unwrap())
        .collect();
    let mut found: Vec<String> = merged
        .iter()
        .map(|(key, value)| format!("{key}={}", value_text(value, ParameterFormat::Python)))
        .collect();
    // Here the trial's own parameters come first; the request names only the text's keys.
    let own = [
        "learning_rate=1e-05",
        "units_1=64",
        "units_2=32",
        "patience=10",
    ];
    found.retain(|line| !own.contains(&line.as_str()));
    assert_eq!(found[0], "batch_size=16");
    assert_eq!(&found[found.len() - 4..], &expected[expected.len() - 4..]);
    found.sort();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn cs_98_the_texts_keys_keep_their_places_and_the_paths_win() {
    let space = Space::new(vec![number("a"), number("b")], vec![]).unwrap();
    let trial = configuration(&[("a", Value::Int(1)), ("b", Value::Int(2))]);
    let text = "{'run_name': 'x', 'c': 3, 'b': str(tp['a']), 'output_path': 'mine'}";
    let text = parse_parameter_text(text).unwrap();
    let merged = trial_parameters(&space, &trial, Some(&text), &PATHS).unwrap();
    let keys: Vec<&str> = merged.iter().map(|(key, _)| key.as_str()).collect();
    let expected = [
        "a",
        "b",
        "run_name",
        "c",
        "output_path",
        "input_path",
        "model_input_path",
    ];
    assert_eq!(keys, expected);
    let get = |name: &str| {
        merged
            .iter()
            .find(|(key, _)| key == name)
            .unwrap()
            .1
            .clone()
    };
    assert_eq!(get("b"), Value::from("1"));
    assert_eq!(get("run_name"), Value::from(PATHS.run_name));
    assert_eq!(get("output_path"), Value::from(PATHS.output_path));
    let without = trial_parameters(&space, &trial, None, &PATHS).unwrap();
    assert_eq!(without.len(), 6);
}

fn number(name: &str) -> Parameter {
    let domain = Domain::Discrete {
        low: 0,
        high: 10,
        scale: Scale::default(),
        step: None,
    };
    Parameter::new(name, domain)
}

#[test]
fn cs_100_every_line_of_the_hostile_text_is_refused_before_the_first_trial() {
    let space = Space::new(vec![number("batch_size")], vec![]).unwrap();
    for line in include_str!("data/trial_run_parameter_hostile.txt").lines() {
        let refused = match parse_parameter_text(line) {
            Err(_) => true,
            Ok(text) => check_with_dummy_trial(&space, &[], &text).is_err(),
        };
        assert!(refused, "{line}");
    }
}

#[test]
fn an_entry_of_the_algorithm_is_none_in_a_trial_that_a_user_gave() {
    let space = Space::new(vec![number("a")], vec![]).unwrap();
    let text = parse_parameter_text("{'epochs': str(tp['resource'])}").unwrap();
    let given = |entries: &[(&str, Value)]| {
        let merged = trial_parameters(&space, &configuration(entries), Some(&text), &PATHS);
        let found = merged.unwrap().into_iter().find(|(key, _)| key == "epochs");
        found.unwrap().1
    };
    let (a, granted) = (("a", Value::Int(1)), ("resource", Value::Int(9)));
    assert_eq!(given(std::slice::from_ref(&a)), Value::from("None"));
    assert_eq!(given(&[a, granted]), Value::from("9"));
}

#[test]
fn cs_100_a_dummy_trial_finds_mistakes_of_single_values() {
    let (space, _) = read_space(
        "n: {type: discrete, range: [0, 4]}\nsolver: [sgd, adam, 3]\n\
         m: {type: continuous, range: [0, 1], when: {solver: sgd}}\n",
        "s.yaml",
    )
    .unwrap();
    let problem = |text: &str| {
        let text = parse_parameter_text(text).unwrap();
        check_with_dummy_trial(&space, &[], &text)
            .err()
            .map(|error| error.to_string())
    };
    assert_eq!(problem("{'a': str(tp['solver']) + str(tp['m'])}"), None);
    let found = [
        problem("{'a': 12 / tp['n']}"),
        problem("{'a': 'x' + tp['solver']}"),
        problem("{'a': 1 + tp['m']}"),
        problem("{'a': tp['nn']}"),
    ];
    insta::assert_snapshot!(found.map(Option::unwrap).join("\n"));
}

#[test]
fn cs_100_configurations_that_break_a_constraint_are_not_tried() {
    let constraint = norgay_core::expression::Predicate::parse("n > 0").unwrap();
    let space = Space::new(vec![number("n")], vec![constraint]).unwrap();
    let text = parse_parameter_text("{'a': 12 / tp['n']}").unwrap();
    assert_eq!(check_with_dummy_trial(&space, &[], &text), Ok(()));
}

proptest! {
    #[test]
    fn a_text_without_placeholders_and_doubled_braces_renders_as_itself(text in "[^{}]{0,40}") {
        prop_assert_eq!(rendered(&text), Some(text));
    }

    #[test]
    fn escaping_gives_any_text(text in "[a-z{}\" ]{0,20}") {
        // Each brace escaped by its own pair, so that closing ones have an opening one before.
        let escaped = text.replace('{', "{{").replace('}', "}}");
        let rendered = Template::parse(&escaped).render(&|_| None);
        prop_assert!(rendered.is_some());
        let balanced = text.chars().try_fold(0_i32, |open, c| match c {
            '{' => Some(open + 1),
            '}' => (open > 0).then_some(open - 1),
            _ => Some(open),
        });
        if balanced.is_some() {
            prop_assert_eq!(rendered, Some(text));
        }
    }
}
