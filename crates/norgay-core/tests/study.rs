//! The study's state machine: what may happen, what does not, and that the log tells all of it.
#![allow(clippy::unwrap_used)]

#[path = "study/events.rs"]
mod events;
#[path = "study/lifecycle.rs"]
mod lifecycle;
#[path = "study/median_rule.rs"]
mod median_rule;
#[path = "study/outcomes.rs"]
mod outcomes;
#[path = "study/stopping_rules.rs"]
mod stopping_rules;
#[path = "study/telling.rs"]
mod telling;

use norgay_core::definition::{AlgorithmChoice, StudyDefinition};
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::testing::Simulation;
use norgay_core::trial::Metrics;
use norgay_core::{Space, Value};

fn definition() -> StudyDefinition {
    let domain = Domain::Continuous {
        low: 0.0,
        high: 1.0,
        scale: Scale::Linear,
        step: None,
    };
    let space = Space::new(vec![Parameter::new("x", domain)], Vec::new()).unwrap();
    let algorithm = AlgorithmChoice {
        name: "random".into(),
        arguments: Vec::new(),
    };
    Simulation::definition(space, algorithm, 1)
}

fn study(change: impl FnOnce(&mut StudyDefinition)) -> Simulation {
    let mut definition = definition();
    change(&mut definition);
    Simulation::new(definition).unwrap()
}

/// Starts a trial and gives its number.
fn start(simulation: &mut Simulation) -> u64 {
    simulation.start().unwrap().unwrap().number
}

fn loss(value: f64) -> Metrics {
    vec![("loss".into(), Value::Float(value))]
}

/// Reports the objective of a trial's latest attempt at a step.
fn report(simulation: &mut Simulation, number: u64, step: u64, value: f64) {
    let attempt = simulation.study().trial(number).unwrap().attempt();
    let events = simulation
        .study()
        .report(number, attempt, Some(step), loss(value))
        .unwrap();
    simulation.apply(events).unwrap();
}
