use norgay_core::space::Scale;
use norgay_core::testing::Simulation;
use norgay_core::{Configuration, Space, Value};

use crate::{algorithm, continuous, simulation, space};

fn plane() -> Space {
    let parameter = |name: &str| continuous(name, 0.0, 1.0, Scale::Linear);
    space(vec![parameter("x"), parameter("y")])
}

fn whole(configuration: &Configuration, name: &str) -> i64 {
    configuration.get(name).unwrap().as_i64().unwrap()
}

/// The distance from (0.3, 0.7), and the more the smaller the resource is.
fn loss(configuration: &Configuration) -> f64 {
    let at = |name: &str| configuration.get(name).unwrap().as_f64().unwrap();
    let distance = (at("x") - 0.3).abs() + (at("y") - 0.7).abs();
    distance + 1.0 / whole(configuration, "resource") as f64
}

fn run(name: &str, most: i64, trials: usize) -> Simulation {
    let arguments = vec![("R", Value::Int(most))];
    let mut simulation = simulation(plane(), algorithm(name, arguments));
    for _ in 0..trials {
        let trial = simulation.start().unwrap().unwrap();
        let (number, value) = (trial.number, loss(&trial.configuration));
        simulation.complete(number, value).unwrap();
    }
    simulation
}

/// Configurations that began (rung 0) or were promoted (others), by resource.
fn count(simulation: &Simulation, resource: i64, promoted: bool) -> usize {
    let trials = simulation.study().trials().iter();
    let configurations = trials.map(|trial| &trial.configuration);
    configurations
        .filter(|c| whole(c, "resource") == resource && (whole(c, "rung") > 0) == promoted)
        .count()
}

#[test]
fn hyperbands_brackets_begin_in_the_papers_proportions() {
    // The paper, for R = 81: brackets of 81, 34, 15, 8 and 5 configurations.
    let simulation = run("hyperband", 81, 600);
    let begun = [1, 3, 9, 27, 81].map(|resource| count(&simulation, resource, false));
    let total: usize = begun.iter().sum();
    for (count, expected) in begun.iter().zip([81, 34, 15, 8, 5]) {
        let exact = f64::from(expected) / 143.0 * total as f64;
        assert!((*count as f64 - exact).abs() <= 2.0, "{begun:?}");
    }
    // One of three goes on, or a few more: who was among the best then may not be now.
    let third = |count: usize| count / 3;
    let to_3 = count(&simulation, 3, true);
    let to_9 = count(&simulation, 9, true);
    let is_third = |found: usize, exact: usize| (exact - 1..exact * 3 / 2).contains(&found);
    assert!(is_third(to_3, third(begun[0])), "{to_3} {begun:?}");
    assert!(
        is_third(to_9, third(begun[1] + to_3)),
        "{to_9} {to_3} {begun:?}"
    );
}

#[test]
fn resources_are_counted_from_the_largest() {
    let simulation = run("hyperband", 50, 200);
    let trials = simulation.study().trials().iter();
    let mut resources: Vec<i64> = trials
        .map(|trial| whole(&trial.configuration, "resource"))
        .collect();
    resources.sort_unstable();
    resources.dedup();
    assert_eq!(resources, [2, 6, 17, 50]);
}

/// The mean distance of configurations that began late in the search.
fn late_distance(simulation: &Simulation) -> f64 {
    let trials = simulation.study().trials().iter().rev().take(60);
    let fresh = trials.filter(|trial| whole(&trial.configuration, "rung") == 0);
    let distances: Vec<f64> = fresh
        .map(|t| loss(&t.configuration) - 1.0 / whole(&t.configuration, "resource") as f64)
        .collect();
    distances.iter().sum::<f64>() / distances.len() as f64
}

#[test]
fn models_and_evolution_find_better_configurations_than_chance() {
    let random = late_distance(&run("hyperband", 9, 200));
    let evolved = late_distance(&run("dehb", 9, 200));
    assert!(evolved < random / 3.0, "{evolved} {random}");
    let modelled = late_distance(&run("mobster", 9, 80));
    assert!(modelled < random / 2.0, "{modelled} {random}");
    // A third of its configurations stay random.
    let estimated = late_distance(&run("bohb", 9, 200));
    assert!(estimated < 0.9 * random, "{estimated} {random}");
}
