//! Parameters that depend on others, and constraints between them.

use norgay_core::Configuration;
use norgay_core::expression::Predicate;
use norgay_core::random::{Purpose, Stream};
use norgay_core::space::{ConfigurationError, Domain, Field, Parameter, Space};
use norgay_core::value::Value;

use crate::{choice, discrete, space, texts};

fn names(configuration: &Configuration) -> Vec<&str> {
    configuration
        .entries()
        .iter()
        .map(|(name, _)| name.as_ref())
        .collect()
}

fn given(entries: &[(&str, Value)]) -> Configuration {
    entries
        .iter()
        .map(|(name, value)| ((*name).into(), value.clone()))
        .collect()
}

/// `c` hangs on `b`, `b` on `a`; the children are declared before their parents.
fn nested() -> Space {
    space(vec![
        discrete("c", 1, 3).when("b", vec![2.into()]),
        discrete("b", 1, 2).when("a", texts(&["on", "half"])),
        choice("a", &["on", "half", "off"]),
    ])
}

#[test]
fn children_are_present_exactly_when_their_conditions_hold() {
    let space = nested();
    let at = |a: f64, b: f64| space.at(&[0.0, b, a]);
    assert_eq!(names(&at(0.0, 0.9)), ["c", "b", "a"]);
    assert_eq!(names(&at(0.5, 0.1)), ["b", "a"]);
    // A parent that is inactive itself makes its children inactive, whatever its place says.
    assert_eq!(names(&at(0.9, 0.9)), ["a"]);
}

#[test]
fn all_conditions_of_a_child_must_hold() {
    let child = discrete("x", 1, 2)
        .when("a", texts(&["on"]))
        .when("b", texts(&["on"]));
    let space = space(vec![
        choice("a", &["on", "off"]),
        choice("b", &["on", "off"]),
        child,
    ]);
    let with = |a, b| space.at(&[a, b, 0.5]).get("x").is_some();
    assert_eq!(
        [
            with(0.0, 0.0),
            with(0.0, 0.9),
            with(0.9, 0.0),
            with(0.9, 0.9)
        ],
        [true, false, false, false]
    );
}

#[test]
fn a_condition_compares_numbers_by_value() {
    let parent = Parameter::new(
        "rate",
        Domain::Continuous {
            low: 0.0,
            high: 0.5,
            scale: norgay_core::space::Scale::Linear,
            step: Some(0.1),
        },
    );
    let child = discrete("x", 1, 2).when("rate", vec![0.3.into(), 0.into()]);
    let space = space(vec![parent, child]);
    let active: Vec<bool> = (0..6)
        .map(|cell| {
            space
                .at(&[(f64::from(cell) + 0.5) / 6.0, 0.5])
                .get("x")
                .is_some()
        })
        .collect();
    assert_eq!(active, [true, false, false, true, false, false]);
}

#[test]
fn conditions_that_can_never_hold_are_refused() {
    let wrong = [
        discrete("x", 1, 2).when("nobody", texts(&["on"])),
        discrete("x", 1, 2).when("a", texts(&["maybe"])),
        discrete("x", 1, 2).when("a", vec![1.into()]),
        discrete("x", 1, 2).when("x", vec![1.into()]),
    ];
    for parameter in wrong {
        let errors = Space::new(vec![choice("a", &["on", "off"]), parameter], Vec::new())
            .expect_err("the condition is wrong");
        assert_eq!(
            (errors[0].parameter.as_str(), errors[0].field),
            ("x", Field::When)
        );
    }
}

#[test]
fn a_circle_of_conditions_is_told_with_its_members() {
    let one = || vec![Value::Int(1)];
    let parameters = vec![
        discrete("outside", 1, 2).when("a", one()),
        discrete("a", 1, 2).when("b", one()),
        discrete("b", 1, 2).when("c", one()),
        discrete("c", 1, 2).when("a", one()),
        discrete("free", 1, 2),
    ];
    let errors = Space::new(parameters, Vec::new()).expect_err("a circle");
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].parameter, "a");
    assert!(
        errors[0].message.ends_with("a, b, c, a"),
        "{}",
        errors[0].message
    );
}

#[test]
fn inactive_parameters_take_no_value_and_active_ones_need_one() {
    let space = nested();
    let none = |_: &str| false;
    let check = |entries: &[(&str, Value)]| space.validated(&given(entries), none);
    let whole = [
        ("a", "on".into()),
        ("b", 2.into()),
        ("c", Value::Float(3.0)),
    ];
    let taken = check(&whole).expect("a whole configuration");
    assert_eq!(names(&taken), ["c", "b", "a"]);
    assert_eq!(taken.get("c"), Some(&Value::Int(3)));
    assert!(check(&[("a", "off".into())]).is_ok());
    let missing = check(&[("a", "on".into()), ("b", 2.into())]);
    assert!(matches!(missing, Err(ConfigurationError::Missing { name }) if &*name == "c"));
    let inactive = check(&[("a", "off".into()), ("b", 1.into())]);
    assert!(matches!(inactive, Err(ConfigurationError::Inactive { name }) if &*name == "b"));
    let unknown = check(&[("a", "off".into()), ("d", 1.into())]);
    assert!(matches!(unknown, Err(ConfigurationError::Unknown { name, .. }) if &*name == "d"));
    let outside = check(&[("a", "on".into()), ("b", 3.into())]);
    assert!(matches!(outside, Err(ConfigurationError::Outside { name, .. }) if &*name == "b"));
}

#[test]
fn bookkeeping_entries_stay_at_the_end_if_they_are_wanted() {
    let space = space(vec![discrete("x", 1, 2)]);
    let entries = given(&[("load_from", "7".into()), ("x", 1.into())]);
    let taken = space
        .validated(&entries, |name| name == "load_from")
        .expect("a wanted entry");
    assert_eq!(names(&taken), ["x", "load_from"]);
    assert!(space.validated(&entries, |_| false).is_err());
}

fn constrained(constraints: &[&str]) -> Space {
    let parsed = constraints
        .iter()
        .map(|text| Predicate::parse(text).expect("a constraint"));
    let parameters = vec![
        discrete("x", 1, 9),
        discrete("y", 1, 9),
        choice("mode", &["on", "off"]),
        discrete("z", 1, 9).when("mode", texts(&["on"])),
    ];
    Space::new(parameters, parsed.collect()).expect("a constrained space")
}

#[test]
fn samples_fulfil_every_constraint() {
    let space = constrained(&["x < y", "z <= x", "x % 2 == 1"]);
    for trial in 0..500 {
        let mut stream = Stream::new(1, trial, Purpose::Sample);
        let sample = space.sample(&mut stream).expect("a feasible sample");
        let number = |name: &str| sample.get(name).and_then(Value::as_i64);
        let (x, y) = (number("x").expect("x"), number("y").expect("y"));
        assert!(x < y && x % 2 == 1);
        assert!(number("z").is_none_or(|z| z <= x));
        assert!(
            space
                .validated(&sample, |_| false)
                .is_ok_and(|taken| taken == sample)
        );
    }
}

#[test]
fn a_constraint_on_an_inactive_parameter_forbids_nothing() {
    let space = constrained(&["z > 100"]);
    let mut stream = Stream::new(1, 1, Purpose::Sample);
    let sample = space.sample(&mut stream).expect("a sample without z");
    assert_eq!(sample.get("mode"), Some(&"off".into()));
}

#[test]
fn constraints_that_leave_nothing_are_named() {
    let space = constrained(&["x > 0", "y > 100"]);
    let mut stream = Stream::new(1, 1, Purpose::Sample);
    let error = space.sample(&mut stream).expect_err("nothing is feasible");
    assert_eq!(error.constraint, "y > 100");
}

#[test]
fn a_constraint_that_cannot_be_computed_does_not_hold() {
    let space = constrained(&["1 / (x - y) < 100"]);
    let equal = given(&[("x", 2.into()), ("y", 2.into()), ("mode", "off".into())]);
    assert!(!space.is_feasible(&equal));
    let refused = space.validated(&equal, |_| false);
    assert!(matches!(
        refused,
        Err(ConfigurationError::Constraint { .. })
    ));
}

#[test]
fn a_constraint_on_an_unknown_parameter_is_refused() {
    let constraint = Predicate::parse("x < w").expect("a constraint");
    let errors = Space::new(vec![discrete("x", 1, 2)], vec![constraint]).expect_err("w is unknown");
    assert!(errors[0].message.contains('w'));
}

#[test]
fn cardinality_counts_what_can_be_counted() {
    let counted = space(vec![discrete("x", 1, 9), choice("y", &["a", "b"])]);
    assert_eq!(counted.cardinality(), Some(18));
    assert_eq!(nested().cardinality(), None);
    let huge = space(vec![discrete("x", i64::MIN, i64::MAX), discrete("y", 0, 9)]);
    assert_eq!(huge.cardinality(), Some(u64::MAX));
}
