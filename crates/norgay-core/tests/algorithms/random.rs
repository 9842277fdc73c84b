use norgay_core::Value;
use norgay_core::random::{Purpose, Stream};
use norgay_core::space::Scale;

use crate::*;

fn drawn(parameter: norgay_core::space::Parameter, count: u64) -> Vec<Value> {
    let name = parameter.name.clone();
    let space = space(vec![parameter]);
    let draw = |number| {
        let mut stream = Stream::new(5, number, Purpose::Sample);
        space
            .sample(&mut stream)
            .unwrap()
            .get(&name)
            .unwrap()
            .clone()
    };
    (1..=count).map(draw).collect()
}

#[test]
fn cs_1_continuous_values_are_floats_inside() {
    let values = drawn(continuous("x", -2.0, 3.0, Scale::Linear), 2000);
    for value in values {
        assert!(matches!(value, Value::Float(x) if (-2.0..=3.0).contains(&x)));
    }
}

#[test]
fn cs_3_log_draws_are_uniform_on_the_log_scale() {
    let values = drawn(continuous("x", 1e-4, 1e-1, Scale::Log), 10_000);
    let mut places: Vec<f64> = values
        .iter()
        .map(|value| (libm::log10(value.as_f64().unwrap()) + 4.0) / 3.0)
        .collect();
    places.sort_by(f64::total_cmp);
    // Kolmogorov and Smirnov: the critical distance at the level 0.01 is 1.63 / sqrt(n).
    let count = places.len() as f64;
    let distance = places.iter().enumerate().fold(0.0_f64, |most, (k, place)| {
        let below = (place - k as f64 / count).abs();
        let above = ((k + 1) as f64 / count - place).abs();
        most.max(below).max(above)
    });
    assert!(distance < 1.63 / count.sqrt(), "{distance}");
}

#[test]
fn cs_4_whole_numbers_reach_both_ends() {
    let values = drawn(discrete("x", 8, 32, Scale::Linear), 5000);
    let numbers: Vec<i64> = values.iter().map(|value| value.as_i64().unwrap()).collect();
    assert!(values.iter().all(|value| matches!(value, Value::Int(_))));
    assert_eq!(numbers.iter().min(), Some(&8));
    assert_eq!(numbers.iter().max(), Some(&32));
    for wanted in 8..=32 {
        let count = numbers.iter().filter(|number| **number == wanted).count();
        assert!((120..290).contains(&count), "{wanted}: {count}");
    }
}

#[test]
fn cs_5_whole_numbers_on_a_log_scale_reach_both_ends() {
    let values = drawn(discrete("x", 1, 1000, Scale::Log), 50_000);
    let numbers: Vec<i64> = values.iter().map(|value| value.as_i64().unwrap()).collect();
    assert_eq!(numbers.iter().min(), Some(&1));
    assert_eq!(numbers.iter().max(), Some(&1000));
}

#[test]
fn cs_7_listed_values_keep_their_type() {
    let listed = [Value::Int(1), Value::from("1"), Value::Bool(false)];
    let values = drawn(choice_of("x", &listed), 300);
    assert!(values.iter().all(|value| listed.contains(value)));
    assert!(listed.iter().all(|value| values.contains(value)));
}

#[test]
fn cs_47_it_ends_after_max_num_trials() {
    let count = |arguments| {
        let parameters = vec![continuous("x", 0.0, 1.0, Scale::Linear)];
        let choice = algorithm("RandomSearch", arguments);
        run(&mut simulation(space(parameters), choice), 50, |_| 0.0).len()
    };
    assert_eq!(count(vec![("max_num_trials", Value::Int(10))]), 10);
    assert_eq!(count(vec![("max_num_trials", Value::Int(0))]), 0);
    assert_eq!(count(vec![("max_num_trials", Value::None)]), 50);
    assert_eq!(count(Vec::new()), 50);
}

#[test]
fn arguments_are_checked() {
    let space = space(vec![continuous("x", 0.0, 1.0, Scale::Linear)]);
    let wrong = algorithm("random", vec![("max_num_trial", Value::Int(1))]);
    assert!(build_error(&space, &wrong).contains("max_num_trials"));
    let wrong = algorithm("random", vec![("max_num_trials", Value::Int(-1))]);
    assert!(build_error(&space, &wrong).contains("-1"));
    assert!(build_error(&space, &algorithm("randon", Vec::new())).contains("mean random"));
}
