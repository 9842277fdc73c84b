use norgay_core::Value;
use norgay_core::space::{Domain, Parameter, Scale};

use crate::*;

fn floats(values: &[Value]) -> Vec<f64> {
    values.iter().map(|value| value.as_f64().unwrap()).collect()
}

fn grid(parameters: Vec<Parameter>, points: i64) -> Vec<norgay_core::Configuration> {
    let arguments = vec![("num_grid_points", Value::Int(points))];
    run(
        &mut simulation(space(parameters), algorithm("GridSearch", arguments)),
        10_000,
        |_| 0.0,
    )
}

#[test]
fn cs_43_every_combination_with_both_ends() {
    let parameters = vec![
        choice_of("a", &texts(&["a", "b"])),
        continuous("b", 2.0, 3.0, Scale::Linear),
    ];
    let found = grid(parameters, 2);
    let pairs: Vec<String> = found
        .iter()
        .map(|c| format!("{} {}", c.get("a").unwrap(), c.get("b").unwrap()))
        .collect();
    assert_eq!(pairs, ["a 2.0", "a 3.0", "b 2.0", "b 3.0"]);
}

#[test]
fn cs_44_points_are_even_and_exact() {
    let linear = grid(vec![continuous("x", 1.0, 3.0, Scale::Linear)], 3);
    assert_eq!(floats(&column(&linear, "x")), [1.0, 2.0, 3.0]);
    let log = grid(vec![continuous("x", 1e-4, 1e-2, Scale::Log)], 3);
    assert_eq!(floats(&column(&log, "x")), [1e-4, 1e-3, 1e-2]);
    let one = grid(vec![continuous("x", 1.0, 3.0, Scale::Linear)], 1);
    assert_eq!(floats(&column(&one, "x")), [1.0]);
}

#[test]
fn cs_45_names_sorted_and_the_last_fastest() {
    let found = grid(
        vec![
            discrete("z", 1, 2, Scale::Linear),
            discrete("a", 1, 2, Scale::Linear),
        ],
        2,
    );
    assert_eq!(floats(&column(&found, "a")), [1.0, 1.0, 2.0, 2.0]);
    assert_eq!(floats(&column(&found, "z")), [1.0, 2.0, 1.0, 2.0]);
}

#[test]
fn cs_46_whole_numbers_stay_inside_and_do_not_repeat() {
    let found = grid(vec![discrete("x", 8, 1000, Scale::Log)], 3);
    assert_eq!(floats(&column(&found, "x")), [8.0, 89.0, 1000.0]);
    let found = grid(vec![discrete("x", 1, 2, Scale::Linear)], 4);
    assert_eq!(column(&found, "x"), [Value::Int(1), Value::Int(2)]);
}

#[test]
fn inactive_parameters_do_not_multiply_the_grid() {
    let parameters = vec![
        choice_of("solver", &texts(&["sgd", "adam"])),
        discrete("m", 1, 3, Scale::Linear).when("solver", texts(&["sgd"])),
    ];
    let found = grid(parameters, 3);
    assert_eq!(found.len(), 4);
    assert_eq!(found.iter().filter(|c| c.get("m").is_none()).count(), 1);
}

#[test]
fn cs_6_listed_numbers_are_the_axis() {
    let values = [8, 16, 32].map(Value::Int).to_vec();
    let found = grid(
        vec![Parameter::new(
            "x",
            Domain::Ordinal {
                values: values.clone(),
            },
        )],
        2,
    );
    assert_eq!(column(&found, "x"), values);
}

#[test]
fn points_by_parameter() {
    let points = dict(vec![("a", Value::Int(3))]);
    let both = || {
        space(vec![
            continuous("a", 0.0, 1.0, Scale::Linear),
            continuous("b", 0.0, 1.0, Scale::Linear),
        ])
    };
    let choice = algorithm("grid", vec![("num_grid_points", points)]);
    assert_eq!(run(&mut simulation(both(), choice), 100, |_| 0.0).len(), 6);
    let unknown = dict(vec![("c", Value::Int(3))]);
    let choice = algorithm("grid", vec![("num_grid_points", unknown)]);
    assert!(build_error(&both(), &choice).contains("no parameter 'c'"));
}
