//! How samples are distributed.

use norgay_core::random::{Purpose, Stream};
use norgay_core::space::{Declaration, Parameter, Space};
use norgay_core::value::Value;

use crate::{built, declared, floats, ints, log, space};

fn drawn(declaration: &Declaration, count: u64) -> Vec<Value> {
    let space = space(vec![Parameter::new("x", built(declaration).0)]);
    (1..=count).map(|trial| draw(&space, trial)).collect()
}

fn draw(space: &Space, trial: u64) -> Value {
    let mut stream = Stream::new(1234, trial, Purpose::Sample);
    let sample = space.sample(&mut stream).expect("an unconstrained space");
    sample.get("x").expect("x is active").clone()
}

/// Whether numbers are uniform in the unit interval, by Kolmogorov and Smirnov's test at 0.1 %.
fn is_uniform(mut places: Vec<f64>) -> bool {
    places.sort_by(f64::total_cmp);
    let count = places.len() as f64;
    let gaps = places.iter().enumerate().map(|(index, place)| {
        let (below, above) = (index as f64 / count, (index + 1) as f64 / count);
        (place - below).abs().max((place - above).abs())
    });
    gaps.fold(0.0, f64::max) < 1.95 / count.sqrt()
}

fn counts(values: &[Value]) -> std::collections::BTreeMap<i64, u32> {
    let mut counts = std::collections::BTreeMap::new();
    for value in values {
        let number = value.as_i64().expect("a whole number");
        *counts.entry(number).or_insert(0) += 1;
    }
    counts
}

#[test]
fn cs_01_continuous_yields_floats_between_the_bounds() {
    let values = drawn(&declared("x", "Continuous", floats(&[-2.0, 3.0])), 5_000);
    let places = values.iter().map(|value| match value {
        Value::Float(number) if (-2.0..=3.0).contains(number) => (number + 2.0) / 5.0,
        other => panic!("{other:?}"),
    });
    assert!(is_uniform(places.collect()));
}

#[test]
fn cs_03_a_log_scale_is_uniform_in_the_exponent() {
    let values = drawn(
        &log(declared("x", "Continuous", floats(&[1e-4, 1e-1]))),
        10_000,
    );
    let exponents = values
        .iter()
        .filter_map(Value::as_f64)
        .map(|value| (value.log10() + 4.0) / 3.0);
    assert!(is_uniform(exponents.collect()));
}

#[test]
fn cs_04_discrete_yields_ints_with_both_ends() {
    let counts = counts(&drawn(&declared("x", "Discrete", ints(&[8, 32])), 25_000));
    assert_eq!(counts.len(), 25);
    assert_eq!(counts.keys().next(), Some(&8));
    assert_eq!(counts.keys().last(), Some(&32));
    let squares = counts
        .values()
        .map(|count| (f64::from(*count) - 1000.0).powi(2) / 1000.0);
    assert!(squares.sum::<f64>() < 51.18); // 0.1 % point, 24 degrees of freedom
}

#[test]
fn cs_05_discrete_on_a_log_scale_yields_both_ends_and_nothing_outside() {
    let counts = counts(&drawn(
        &log(declared("x", "Discrete", ints(&[1, 1000]))),
        40_000,
    ));
    assert_eq!(counts.keys().next(), Some(&1));
    assert_eq!(counts.keys().last(), Some(&1000));
    // From half below to half above: 1 owns ln 3 of ln 2001.
    let expected = 40_000.0 * 3.0_f64.ln() / 2001.0_f64.ln();
    assert!((f64::from(counts[&1]) - expected).abs() < 4.0 * expected.sqrt());
}

#[test]
fn cs_06_samples_of_three_numbers_are_exactly_these() {
    let counts = counts(&drawn(
        &declared("x", "Discrete", ints(&[8, 16, 32])),
        9_000,
    ));
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), [8, 16, 32]);
    assert!(counts.values().all(|count| (2_800..3_200).contains(count)));
}

#[test]
fn cs_07_every_listed_value_is_drawn_equally_often() {
    for kind in ["Choice", "Ordinal"] {
        let values = drawn(&declared("x", kind, ints(&[3, 1, 2])), 9_000);
        assert!(
            counts(&values)
                .values()
                .all(|count| (2_800..3_200).contains(count))
        );
    }
}

#[test]
fn steps_are_drawn_equally_often_ends_included() {
    let stepped = Declaration {
        step: Some(0.25.into()),
        ..declared("x", "Continuous", floats(&[0.0, 1.0]))
    };
    let values = drawn(&stepped, 10_000);
    for wanted in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let count = values
            .iter()
            .filter(|value| value.as_f64() == Some(wanted))
            .count();
        assert!((1_800..2_200).contains(&count), "{wanted}: {count}");
    }
}

#[test]
fn cs_13_the_seed_alone_decides_a_sample() {
    let declaration = declared("x", "Continuous", floats(&[0.0, 1.0]));
    assert_eq!(drawn(&declaration, 20), drawn(&declaration, 20));
    let space = space(vec![Parameter::new("x", built(&declaration).0)]);
    let mut other = Stream::new(1235, 1, Purpose::Sample);
    let sample = space.sample(&mut other).expect("an unconstrained space");
    assert_ne!(sample.get("x"), Some(&draw(&space, 1)));
}
