//! Search spaces in all written forms, and all their mistakes at once (CS-6, CS-8, CS-9, CS-14,
//! CS-15).
#![allow(clippy::unwrap_used)]

use norgay_core::space::Domain;
use norgay_core::{Space, Value};
use norgay_engine::config::{Findings, Severity, read_space};
use proptest::prelude::*;

fn space(text: &str, source: &str) -> Space {
    read_space(text, source).unwrap().0
}

fn errors(text: &str, source: &str) -> String {
    read_space(text, source).unwrap_err().to_string()
}

const SINGLE: &str =
    r#"{"a": {"type": "Continuous", "range": [0, 1]}, "b": {"type": "Choice", "range": ["x"]}}"#;

#[test]
fn cs_14_single_object_list_and_row_give_the_same_space() {
    let single = space(SINGLE, "space.json");
    let forms = [
        r#"[{"a": {"type": "Continuous", "range": [0, 1]}},
            {"b": {"type": "Choice", "range": ["x"]}}]"#,
        "[{'a': {'type': 'Continuous', 'range': [0, 1]}, 'b': {'type': 'Choice', 'range': ['x']}}]",
        "{'a': {'type': 'Continuous', 'range': [0, 1]}},\n\
         {'b': {'type': 'Choice', 'range': ['x']}},\n",
        "{'a': {'type': 'Continuous', 'range': [0, 1]}}\n\
         {'b': {'type': 'Choice', 'range': ['x']}}",
    ];
    for form in forms {
        assert_eq!(space(form, "space.json"), single, "{form}");
    }
    assert_eq!(space(SINGLE, "space.yaml"), single);
    let yaml = "a: {type: continuous, range: [0, 1]}\nb: [x]\n";
    assert_eq!(space(yaml, "space.yaml"), single);
    assert_eq!(space(yaml, "space.txt"), single);
    assert_eq!(
        space("- a: {type: Continuous, values: [0, 1]}\n- b: [x]\n", "s"),
        single
    );
}

#[test]
fn cs_14_the_examples_read() {
    let list = include_str!("data/hpo_parameter.json");
    assert_eq!(space(list, "hpo_parameter.json").parameters().len(), 7);
    let row = include_str!("data/hpo_parameter_seed_style.txt");
    assert_eq!(space(row, "seed_style.txt").parameters().len(), 3);
    let single = include_str!("data/hpo_parameter_single.json");
    assert_eq!(space(single, "single.json").parameters().len(), 5);
}

#[test]
fn cs_6_three_valued_discrete_warns_with_name_and_place() {
    let (space, warnings) = read_space(
        include_str!("data/hpo_parameter.json"),
        "hpo_parameter.json",
    )
    .unwrap();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].severity, Severity::Warning);
    insta::assert_snapshot!(warnings[0]);
    let Domain::Ordinal { values } = &space.get("batch_size").unwrap().domain else {
        panic!()
    };
    assert_eq!(values.len(), 3);
}

#[test]
fn cs_9_cs_15_every_mistake_of_the_bad_example_is_told_with_its_place() {
    let text = include_str!("data/hpo_parameter_bad.json");
    insta::assert_snapshot!(errors(text, "hpo_parameter_bad.json"));
}

#[test]
fn mistakes_of_norgays_form_are_told_all_at_once() {
    insta::assert_snapshot!(errors(
        include_str!("data/space_bad.yaml"),
        "space_bad.yaml"
    ));
}

#[test]
fn cs_8_tuples_and_names_that_are_no_text_are_refused() {
    let text =
        "{'a': {'type': 'Continuous', 'range': (0, 1)}, 2: {'type': 'Choice', 'range': [1]}}";
    insta::assert_snapshot!(errors(text, "space.txt"));
    insta::assert_snapshot!(errors("{'a': (1, 2)}", "s.txt"));
}

#[test]
fn a_bare_list_is_a_choice_only_in_norgays_form() {
    let known = space("a: [1, 2]\nb: 60\n", "space.yaml");
    assert!(matches!(
        known.get("a").unwrap().domain,
        Domain::Choice { .. }
    ));
    assert_eq!(
        known.get("b").unwrap().domain,
        Domain::Constant {
            value: Value::Int(60)
        }
    );
    assert_eq!(
        space("{'b': 60}", "s.json").get("b").unwrap().domain,
        Domain::Constant {
            value: Value::Int(60)
        }
    );
    insta::assert_snapshot!(errors("{'a': [1, 2]}", "s.json"));
}

#[test]
fn texts_that_are_no_space_are_refused() {
    let texts = [
        ("", "empty.yaml"),
        ("[]", "empty.json"),
        ("[1, {'a': {'type': 'Choice', 'range': [1]}}]", "s.json"),
        ("{'a': open('x')}", "s.json"),
        ("a: [1", "s.yaml"),
        ("{lr: {'type': 'Continuous'}}", "s.json"),
        (
            "a: {type: continuous, range: [.nan, 1]}\nb: {x: [.inf]}",
            "s.yaml",
        ),
    ];
    insta::assert_snapshot!(texts.map(|(text, source)| errors(text, source)).join("\n"));
}

#[test]
fn mistakes_that_follow_from_others_are_not_told() {
    let text = "a: {type: choice, values: []}\nb: {type: choice, values: [1], when: {a: 1}}\n";
    insta::assert_snapshot!(errors(text, "s.yaml"));
    insta::assert_snapshot!(errors("a: {type: continuous, rnage: [1, 2]}", "s.yaml"));
}

proptest! {
    #[test]
    fn bytes_never_panic_and_errors_are_never_empty(
        text in "[a-c:'\"\\[\\]{}(), \n.0-9typerange-]{0,120}", yaml in any::<bool>()
    ) {
        let source = if yaml { "s.yaml" } else { "s.json" };
        if let Err(Findings(findings)) = read_space(&text, source) {
            prop_assert!(findings.iter().any(|finding| finding.severity == Severity::Error));
        }
    }
}
