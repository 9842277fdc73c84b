use norgay_core::algorithm::Suggestion;
use norgay_core::definition::AlgorithmChoice;
use norgay_core::random::{Purpose, Stream};
use norgay_core::space::{Parameter, Scale};
use norgay_core::testing::Simulation;
use norgay_core::{Configuration, Value};

use crate::*;

fn cmaes() -> AlgorithmChoice {
    algorithm("cmaes", Vec::new())
}

fn numbers(dimensions: usize) -> Vec<Parameter> {
    let names = (0..dimensions).map(|i| format!("x{i}"));
    names
        .map(|name| continuous(&name, -5.0, 5.0, Scale::Linear))
        .collect()
}

fn number(configuration: &Configuration, name: &str) -> f64 {
    configuration.get(name).unwrap().as_f64().unwrap()
}

/// The squared distance of all numbers from 1.7.
fn distance(configuration: &Configuration) -> f64 {
    let values = configuration.entries().iter();
    values
        .filter_map(|(_, value)| value.as_f64())
        .map(|x| (x - 1.7) * (x - 1.7))
        .sum()
}

fn best(found: &[Configuration], value: impl Fn(&Configuration) -> f64) -> f64 {
    found.iter().map(value).fold(f64::INFINITY, f64::min)
}

/// An entry of a trial's notes.
fn memo_of<'a>(simulation: &'a Simulation, number: u64, key: &str) -> Option<&'a Value> {
    let memo = simulation.study().trial(number)?.memo.as_deref()?;
    memo.get(key)
}

#[test]
fn it_finds_the_minimum_of_a_sphere() {
    let mut simulation = simulation(space(numbers(5)), cmaes());
    let found = run(&mut simulation, 400, distance);
    assert!(best(&found, distance) < 1e-4);
}

#[test]
fn an_optimum_at_the_bounds_is_hit_exactly() {
    let mut simulation = simulation(space(numbers(4)), cmaes());
    let slope = |c: &Configuration| {
        let values = (0..4).map(|i| number(c, &format!("x{i}")) * (1.0 + f64::from(i)));
        values.sum()
    };
    let found = run(&mut simulation, 200, slope);
    assert_eq!(best(&found, slope), -50.0);
}

#[test]
fn whole_numbers_and_categories_are_found_with_the_numbers() {
    let mut parameters = numbers(2);
    for name in ["a", "b", "c"] {
        parameters.push(discrete(name, -10, 10, Scale::Linear));
    }
    parameters.push(choice_of("kind", &texts(&["p", "q", "r", "s"])));
    let value = |c: &Configuration| {
        let kind = c.get("kind") == Some(&Value::from("r"));
        let whole = ["a", "b", "c"].map(|name| number(c, name) - 7.0);
        let whole: f64 = whole.iter().map(|x| x * x).sum();
        let plain: f64 = (0..2)
            .map(|i| number(c, &format!("x{i}")) - 1.7)
            .map(|x| x * x)
            .sum();
        plain + whole + if kind { 0.0 } else { 3.0 }
    };
    let mut simulation = simulation(space(parameters), cmaes());
    let found = run(&mut simulation, 500, value);
    assert!(best(&found, value) < 1e-3);
}

#[test]
fn a_whole_number_never_freezes() {
    // The optimum moves away late: the margin keeps the neighbours possible.
    let mut parameters = numbers(1);
    parameters.push(discrete("whole", 0, 9, Scale::Linear));
    let mut simulation = simulation(space(parameters), cmaes());
    run(&mut simulation, 300, |c| distance(c) + number(c, "whole"));
    let late = run(&mut simulation, 300, |c| {
        number(c, "x0").abs() - number(c, "whole")
    });
    assert!(late.iter().any(|c| number(c, "whole") == 9.0));
}

#[test]
fn the_first_trial_of_a_generation_notes_what_was_ranked() {
    let choice = algorithm("cmaes", vec![("population_size", Value::Int(4))]);
    let mut simulation = simulation(space(numbers(2)), choice);
    for value in [3.0, 1.0, 4.0, 2.0] {
        let trial = simulation.start().unwrap().unwrap().number;
        simulation.complete(trial, value).unwrap();
    }
    simulation.start().unwrap().unwrap();
    let ranked = [2, 4, 1, 3].map(Value::Int).to_vec();
    assert_eq!(
        memo_of(&simulation, 5, "ranked"),
        Some(&Value::from(ranked))
    );
    assert_eq!(memo_of(&simulation, 5, "generation"), Some(&Value::Int(1)));
    assert_eq!(memo_of(&simulation, 4, "ranked"), None);
}

#[test]
fn failures_are_ranked_last_and_running_trials_hold_nothing_up() {
    let choice = algorithm("cmaes", vec![("population_size", Value::Int(4))]);
    let mut simulation = simulation(space(numbers(2)), choice);
    for _ in 0..7 {
        simulation.start().unwrap().unwrap();
    }
    simulation.fail(2).unwrap();
    for (number, value) in [(3, 5.0), (5, 4.0), (7, 6.0)] {
        simulation.complete(number, value).unwrap();
    }
    let eighth = simulation.start().unwrap().unwrap().number;
    let ranked = [5, 3, 7, 2].map(Value::Int).to_vec();
    assert_eq!(
        memo_of(&simulation, eighth, "ranked"),
        Some(&Value::from(ranked))
    );
    // The late results of generation 0 count in the next one.
    for number in [1, 4, 6, 8] {
        simulation.complete(number, number as f64).unwrap();
    }
    let ninth = simulation.start().unwrap().unwrap().number;
    let ranked = [1, 4, 6, 8].map(Value::Int).to_vec();
    assert_eq!(
        memo_of(&simulation, ninth, "ranked"),
        Some(&Value::from(ranked))
    );
}

#[test]
fn results_older_than_three_generations_are_dropped() {
    let choice = algorithm("cmaes", vec![("population_size", Value::Int(4))]);
    let mut simulation = simulation(space(numbers(2)), choice);
    let straggler = simulation.start().unwrap().unwrap().number;
    run(&mut simulation, 20, distance);
    simulation.complete(straggler, -1.0).unwrap();
    run(&mut simulation, 8, distance);
    let listed = simulation.study().trials().iter().any(|trial| {
        let ranked = memo_of(&simulation, trial.number, "ranked").and_then(Value::as_items);
        ranked.is_some_and(|ranked| ranked.contains(&Value::Int(1)))
    });
    assert!(!listed);
}

#[test]
fn thousands_of_running_trials_neither_block_nor_blur_it() {
    let mut simulation = simulation(space(numbers(3)), cmaes());
    for _ in 0..2_000 {
        simulation.start().unwrap().unwrap();
    }
    for number in 1..=2_000 {
        let value = distance(&simulation.study().trial(number).unwrap().configuration);
        simulation.complete(number, value).unwrap();
        if number % 4 == 0 {
            simulation.start().unwrap().unwrap();
        }
    }
    let trials = simulation.study().trials();
    let mean = |range: std::ops::Range<usize>| {
        let values = trials[range]
            .iter()
            .map(|trial| distance(&trial.configuration));
        values.sum::<f64>() / 100.0
    };
    assert!(mean(2_400..2_500) < mean(0..100) / 3.0);
}

#[test]
fn it_starts_at_the_best_trial_that_users_gave() {
    let mut simulation = simulation(space(numbers(3)), cmaes());
    for (place, value) in [(4.0, 1.0), (-4.0, 2.0)] {
        let names = (0..3).map(|i| (format!("x{i}").into(), Value::Float(place)));
        simulation.enqueue(&names.collect()).unwrap();
        let trial = simulation.start().unwrap().unwrap().number;
        simulation.complete(trial, value).unwrap();
    }
    assert!(
        matches!(simulation.suggestion().unwrap(), Suggestion::Trial(p) if p.reason.contains("around trial 1"))
    );
    let found = run(&mut simulation, 7, |_| 0.0);
    let centre: f64 = found.iter().map(|c| number(c, "x0")).sum::<f64>() / 7.0;
    assert!(centre > 2.0, "{centre}");
}

#[test]
fn it_goes_on_where_a_long_history_is_good() {
    let mut simulation = simulation(space(numbers(3)), cmaes());
    let mut stream = Stream::new(5, 1, Purpose::Sample);
    for _ in 0..200 {
        let given = simulation
            .study()
            .definition()
            .space
            .sample(&mut stream)
            .unwrap();
        simulation.enqueue(&given).unwrap();
    }
    let given = run(&mut simulation, 200, distance);
    let suggested = run(&mut simulation, 20, distance);
    let mean =
        |found: &[Configuration]| found.iter().map(distance).sum::<f64>() / found.len() as f64;
    assert!(mean(&suggested) < mean(&given) / 3.0);
    assert!(
        memo_of(&simulation, 201, "history")
            .unwrap()
            .as_items()
            .unwrap()
            .len()
            == 20
    );
}

#[test]
fn a_converged_run_is_followed_by_another() {
    let choice = algorithm("cmaes", vec![("population_size", Value::Int(4))]);
    let mut simulation = simulation(space(numbers(1)), choice);
    run(&mut simulation, 600, distance);
    let restarts = simulation.study().trials().iter();
    let restarts = restarts.filter(|t| memo_of(&simulation, t.number, "restart").is_some());
    assert!(restarts.count() >= 1);
    let choice = algorithm(
        "cmaes",
        vec![
            ("population_size", Value::Int(4)),
            ("restarts", "none".into()),
        ],
    );
    let mut simulation = crate::simulation(space(numbers(1)), choice);
    run(&mut simulation, 600, distance);
    let restarts = simulation.study().trials().iter();
    let mut restarts = restarts.filter(|t| memo_of(&simulation, t.number, "restart").is_some());
    assert!(restarts.next().is_none());
}

#[test]
fn three_hundred_parameters_are_searched_with_variances_only() {
    let mut simulation = simulation(space(numbers(210)), cmaes());
    let found = run(&mut simulation, 1_500, distance);
    assert!(best(&found[1_400..], distance) < 0.5 * best(&found[..100], distance));
}

#[test]
fn wrong_arguments_are_errors() {
    let space = space(numbers(2));
    let error = |name, value| build_error(&space, &algorithm("cmaes", vec![(name, value)]));
    assert!(error("population_size", Value::Int(3)).contains("from 4"));
    assert!(error("sigma", Value::Float(0.0)).contains("above 0"));
    assert!(error("sigma", Value::Float(f64::NAN)).contains("above 0"));
    assert!(error("restarts", "often".into()).contains("bipop, ipop or none"));
}
