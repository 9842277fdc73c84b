use norgay_core::definition::AlgorithmChoice;
use norgay_core::space::{Parameter, Scale};
use norgay_core::testing::Simulation;
use norgay_core::{Configuration, Value};

use crate::*;

fn de() -> AlgorithmChoice {
    algorithm("de", Vec::new())
}

fn numbers(dimensions: usize) -> Vec<Parameter> {
    let names = (0..dimensions).map(|i| format!("x{i}"));
    names
        .map(|name| continuous(&name, -5.0, 5.0, Scale::Linear))
        .collect()
}

/// The squared distance of all numbers from 1.7, and 3 unless a category `kind` is `r`.
fn distance(configuration: &Configuration) -> f64 {
    let values = configuration.entries().iter().map(|(_, value)| value);
    values
        .map(|value| match value.as_f64() {
            Some(x) => (x - 1.7) * (x - 1.7),
            None if *value == Value::from("r") => 0.0,
            None => 3.0,
        })
        .sum()
}

fn best(found: &[Configuration]) -> f64 {
    found.iter().map(distance).fold(f64::INFINITY, f64::min)
}

fn memo_of<'a>(simulation: &'a Simulation, number: u64, key: &str) -> Option<&'a Value> {
    simulation.study().trial(number)?.memo.as_deref()?.get(key)
}

#[test]
fn it_finds_the_minimum_of_a_sphere() {
    let mut simulation = simulation(space(numbers(4)), de());
    assert!(best(&run(&mut simulation, 500, distance)) < 1e-4);
}

#[test]
fn whole_numbers_and_categories_are_found_with_the_numbers() {
    let mut parameters = numbers(2);
    parameters.push(discrete("whole", -10, 10, Scale::Linear));
    parameters.push(choice_of("kind", &texts(&["p", "q", "r", "s"])));
    let mut simulation = simulation(space(parameters), de());
    // The nearest whole number is 0.3 away.
    assert!(best(&run(&mut simulation, 500, distance)) < 0.09 + 1e-3);
}

#[test]
fn every_member_has_a_child_before_one_has_two() {
    let choice = algorithm("de", vec![("population_size", Value::Int(6))]);
    let mut simulation = simulation(space(numbers(3)), choice);
    run(&mut simulation, 12, distance);
    let mut lineages: Vec<i64> = (7..=12)
        .map(|number| {
            memo_of(&simulation, number, "lineage")
                .unwrap()
                .as_i64()
                .unwrap()
        })
        .collect();
    lineages.sort_unstable();
    assert_eq!(lineages, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_better_child_takes_its_parents_place_in_whatever_order_results_arrive() {
    let choice = algorithm("de", vec![("population_size", Value::Int(4))]);
    let mut simulation = simulation(space(numbers(2)), choice);
    run(&mut simulation, 4, |_| 5.0);
    for _ in 0..4 {
        simulation.start().unwrap().unwrap();
    }
    for (number, value) in [(8, 1.0), (6, 9.0), (5, 2.0), (7, 8.0)] {
        simulation.complete(number, value).unwrap();
    }
    let mut parents = Vec::new();
    for _ in 0..4 {
        let number = simulation.start().unwrap().unwrap().number;
        parents.push(
            memo_of(&simulation, number, "parent")
                .unwrap()
                .as_i64()
                .unwrap(),
        );
    }
    assert!(parents.contains(&5) && parents.contains(&8), "{parents:?}");
    assert!(
        !parents.contains(&6) && !parents.contains(&7),
        "{parents:?}"
    );
}

#[test]
fn running_trials_hold_nothing_up() {
    let mut simulation = simulation(space(numbers(3)), de());
    for _ in 0..500 {
        simulation.start().unwrap().unwrap();
    }
    for number in 1..=500 {
        let value = distance(&simulation.study().trial(number).unwrap().configuration);
        simulation.complete(number, value).unwrap();
    }
    assert!(best(&run(&mut simulation, 200, distance)) < 0.1);
}

#[test]
fn what_users_give_joins_the_population() {
    let mut simulation = simulation(space(numbers(3)), de());
    run(&mut simulation, 30, distance);
    let names = (0..3).map(|i| (format!("x{i}").into(), Value::Float(1.7)));
    simulation.enqueue(&names.collect()).unwrap();
    run(&mut simulation, 12, distance);
    let parents = simulation.study().trials()[31..].iter();
    let mut parents = parents.filter_map(|trial| memo_of(&simulation, trial.number, "parent"));
    assert!(parents.any(|parent| *parent == Value::Int(31)));
}

#[test]
fn the_population_shrinks_while_the_budget_is_spent() {
    let choice = algorithm("de", vec![("population_size", Value::Int(20))]);
    let mut definition = Simulation::definition(space(numbers(3)), choice, 1);
    definition.budget.trials = Some(200);
    let mut simulation = Simulation::new(definition).unwrap();
    run(&mut simulation, 200, distance);
    let late = (185..=200).filter_map(|number| memo_of(&simulation, number, "lineage"));
    let mut late: Vec<i64> = late.filter_map(Value::as_i64).collect();
    late.sort_unstable();
    late.dedup();
    assert!(late.len() <= 7, "{late:?}");
}

#[test]
fn wrong_arguments_are_errors() {
    let choice = algorithm("de", vec![("population_size", Value::Int(3))]);
    assert!(build_error(&space(numbers(2)), &choice).contains("from 4"));
}
