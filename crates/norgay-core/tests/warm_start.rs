//! What a study takes over from another one.
#![allow(missing_docs, clippy::unwrap_used)]

use norgay_core::definition::AlgorithmChoice;
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::testing::Simulation;
use norgay_core::warm_start::fitted_best;
use norgay_core::{Space, Value};

fn number(name: &str, low: f64, high: f64) -> Parameter {
    let scale = Scale::Linear;
    let step = None;
    Parameter::new(
        name,
        Domain::Continuous {
            low,
            high,
            scale,
            step,
        },
    )
}

fn space(parameters: Vec<Parameter>) -> Space {
    Space::new(parameters, Vec::new()).unwrap()
}

/// A finished study of `x` and `y` whose value is `x`.
fn other() -> Simulation {
    let random = AlgorithmChoice {
        name: "random".into(),
        arguments: Vec::new(),
    };
    let both = space(vec![number("x", 0.0, 10.0), number("y", 0.0, 1.0)]);
    let mut simulation = Simulation::new(Simulation::definition(both, random, 3)).unwrap();
    for _ in 0..20 {
        let trial = simulation.start().unwrap().unwrap();
        let (number, x) = (trial.number, trial.configuration.get("x").cloned());
        simulation
            .complete(number, x.unwrap().as_f64().unwrap())
            .unwrap();
    }
    simulation
}

#[test]
fn the_best_come_first_with_what_both_spaces_share() {
    let other = other();
    let here = space(vec![number("x", 0.0, 10.0), number("z", 4.0, 6.0)]);
    let taken = fitted_best(&here, other.study(), 3);
    let x = |k: usize| taken[k].get("x").unwrap().as_f64().unwrap();
    assert_eq!(taken.len(), 3);
    assert!(x(0) + 0.5 < x(1) && x(1) + 0.5 < x(2), "they are apart");
    assert!(
        taken
            .iter()
            .all(|c| c.get("z") == Some(&Value::Float(5.0)) && c.get("y").is_none())
    );
}

#[test]
fn values_outside_become_the_nearest_and_copies_are_dropped() {
    let other = other();
    let here = space(vec![number("x", 100.0, 200.0)]);
    let taken = fitted_best(&here, other.study(), 5);
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].get("x"), Some(&Value::Float(100.0)));
}

#[test]
fn nothing_is_taken_from_a_space_that_shares_nothing() {
    let here = space(vec![number("z", 0.0, 1.0)]);
    assert!(fitted_best(&here, other().study(), 5).is_empty());
}
