use norgay_core::expression::Predicate;
use norgay_core::random::{Purpose, Stream};
use norgay_core::space::{ConfigurationError, Field, Parameter, Scale, SpaceError};
use norgay_core::testing::contract_spaces;
use norgay_core::{Configuration, Space, Value};
use proptest::prelude::*;

use crate::{choice, continuous, discrete, texts};

fn whole(name: &str) -> Parameter {
    Parameter::new(name, discrete(1, 9, Scale::Linear, None))
}

fn nested() -> Space {
    let parameters = vec![
        whole("grandchild").when("child", vec![Value::Int(1), Value::Int(2)]),
        whole("child").when("parent", texts(&["a"])),
        Parameter::new("parent", choice(&["a", "b"])),
        whole("both")
            .when("parent", texts(&["a"]))
            .when("other", texts(&["x"])),
        Parameter::new("other", choice(&["x", "y"])),
    ];
    Space::new(parameters, Vec::new()).unwrap()
}

fn configuration(entries: &[(&str, Value)]) -> Configuration {
    let entries = entries
        .iter()
        .map(|(name, value)| ((*name).into(), value.clone()));
    entries.collect()
}

fn errors(parameters: Vec<Parameter>, constraints: &[&str]) -> Vec<SpaceError> {
    let constraints = constraints
        .iter()
        .map(|text| Predicate::parse(text).unwrap());
    Space::new(parameters, constraints.collect()).unwrap_err()
}

#[test]
fn children_follow_their_parents() {
    let space = nested();
    let at = |child: f64, parent: f64, other: f64| {
        let found = space.at(&[0.5, child, parent, 0.5, other]);
        let names = found.entries().iter().map(|(name, _)| name.to_string());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(at(0.0, 0.0, 0.0), "grandchild child parent both other");
    assert_eq!(at(1.0, 0.0, 0.0), "child parent both other");
    assert_eq!(at(0.0, 0.0, 1.0), "grandchild child parent other");
    assert_eq!(at(0.0, 1.0, 0.0), "parent other");
}

#[test]
fn configurations_from_outside_are_checked() {
    let space = nested();
    let no_extra = |_: &str| false;
    let fine = configuration(&[("other", "y".into()), ("parent", "b".into())]);
    let taken = space.validated(&fine, no_extra).unwrap();
    assert_eq!(taken.entries()[0].0.as_ref(), "parent");
    let missing = configuration(&[("parent", "a".into()), ("other", "y".into())]);
    let error = space.validated(&missing, no_extra).unwrap_err();
    assert!(matches!(error, ConfigurationError::Missing { name } if name.as_ref() == "child"));
    let inactive = fine.with("child", Value::Int(1));
    let error = space.validated(&inactive, no_extra).unwrap_err();
    assert!(matches!(error, ConfigurationError::Inactive { .. }));
    let unknown = fine.with("rung", Value::Int(1));
    let error = space.validated(&unknown, no_extra).unwrap_err();
    assert!(matches!(error, ConfigurationError::Unknown { .. }));
    let kept = space.validated(&unknown, |name| name == "rung").unwrap();
    assert_eq!(kept.get("rung"), Some(&Value::Int(1)));
    let outside = fine.with("parent", "c".into());
    let error = space.validated(&outside, no_extra).unwrap_err();
    assert!(matches!(error, ConfigurationError::Outside { .. }));
}

#[test]
fn circles_are_refused() {
    let a = whole("a").when("b", vec![Value::Int(1)]);
    let b = whole("b").when("a", vec![Value::Int(1)]);
    let found = errors(vec![a, b], &[]);
    assert!(found.iter().any(|error| error.message.contains("circle")));
    let own = whole("a").when("a", vec![Value::Int(1)]);
    assert!(errors(vec![own], &[])[0].message.contains("circle"));
}

#[test]
fn all_mistakes_of_a_space_at_once() {
    let found = errors(
        vec![
            whole("a"),
            whole("a"),
            whole("b").when("nobody", vec![Value::Int(1)]),
            whole("c").when("a", vec![Value::Int(99)]),
        ],
        &["d > 1"],
    );
    let places: Vec<(&str, Field)> = found
        .iter()
        .map(|error| (error.parameter.as_str(), error.field))
        .collect();
    assert_eq!(
        places,
        [
            ("a", Field::Name),
            ("b", Field::When),
            ("c", Field::When),
            ("d > 1", Field::Whole),
        ]
    );
}

#[test]
fn constraints_are_kept_by_samples() {
    let parameters = vec![whole("a"), whole("b")];
    let constraint = Predicate::parse("a < b").unwrap();
    let space = Space::new(parameters, vec![constraint]).unwrap();
    for number in 0..200 {
        let mut stream = Stream::new(1, number, Purpose::Sample);
        let found = space.sample(&mut stream).unwrap();
        let value = |name| found.get(name).and_then(Value::as_i64).unwrap();
        assert!(value("a") < value("b"));
    }
    let wrong = configuration(&[("a", Value::Int(2)), ("b", Value::Int(2))]);
    let error = space.validated(&wrong, |_| false).unwrap_err();
    assert!(error.to_string().contains("a < b"));
}

#[test]
fn impossible_constraints_are_told() {
    let constraints = ["a > 0", "a > 10"].map(|text| Predicate::parse(text).unwrap());
    let space = Space::new(vec![whole("a")], constraints.to_vec()).unwrap();
    let error = space
        .sample(&mut Stream::new(1, 1, Purpose::Sample))
        .unwrap_err();
    assert_eq!(error.constraint, "a > 10");
}

#[test]
fn an_inactive_parameter_breaks_no_constraint() {
    let parameters = vec![
        Parameter::new("solver", choice(&["sgd", "adam"])),
        whole("m").when("solver", texts(&["sgd"])),
    ];
    let constraint = Predicate::parse("m > 3").unwrap();
    let space = Space::new(parameters, vec![constraint]).unwrap();
    assert!(space.is_feasible(&space.at(&[1.0, 0.0])));
    assert!(!space.is_feasible(&space.at(&[0.0, 0.0])));
}

#[test]
fn spaces_are_stored_and_come_back() {
    for (name, space) in contract_spaces() {
        let json = serde_json::to_string(&space).unwrap();
        let back: Space = serde_json::from_str(&json).unwrap();
        assert_eq!(back, space, "{name}");
    }
    let circle = r#"{"parameters": [{"name": "a", "type": "discrete", "low": 1, "high": 2,
        "when": [{"parent": "a", "values": [1]}]}]}"#;
    assert!(serde_json::from_str::<Space>(circle).is_err());
}

#[test]
fn cardinality_counts_what_can_be_counted() {
    let parameters = vec![whole("a"), Parameter::new("b", choice(&["x", "y"]))];
    let space = Space::new(parameters, Vec::new()).unwrap();
    assert_eq!(space.cardinality(), Some(18));
    assert_eq!(nested().cardinality(), None);
    let open = Parameter::new("x", continuous(0.0, 1.0, Scale::Linear, None));
    assert_eq!(
        Space::new(vec![open], Vec::new()).unwrap().cardinality(),
        None
    );
}

proptest! {
    #[test]
    fn every_point_of_the_cube_is_a_valid_configuration(
        places in prop::collection::vec(0.0..=1.0_f64, 8),
    ) {
        for (name, space) in contract_spaces() {
            let found = space.at(&places);
            if space.is_feasible(&found) {
                prop_assert_eq!(space.validated(&found, |_| false), Ok(found.clone()), "{}", name);
            }
            let back: Vec<f64> = space.places(&found).iter().map(|p| p.unwrap_or(0.5)).collect();
            let again = space.at(&back);
            prop_assert_eq!(again.entries().len(), found.entries().len());
        }
    }
}
