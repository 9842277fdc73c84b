//! What the reference's algorithms do, item by item (CS numbers of the compatibility checklist).
//!
//! Beside these, `tests/algorithms/` holds the items of the algorithms that came first: grid
//! (CS-43 to CS-46), random search (CS-47), local search (CS-60 to CS-62), Repeat, Iterate and
//! Chain (CS-67 to CS-72), successive halving (CS-54 to CS-59); that every algorithm ends after
//! `max_num_trials` (CS-51) stands in `tests/wrapped_algorithms.rs`.
#![allow(clippy::unwrap_used)]

mod bandits;
mod genetic;
mod own_algorithm;
mod population;
mod wrappers;

use norgay_core::definition::AlgorithmChoice;
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::testing::Simulation;
use norgay_core::trial::Trial;
use norgay_core::{Configuration, Space, Value};

fn space(parameters: Vec<Parameter>) -> Space {
    Space::new(parameters, Vec::new()).unwrap()
}

fn continuous(name: &str, low: f64, high: f64, scale: Scale) -> Parameter {
    let step = None;
    let domain = Domain::Continuous {
        low,
        high,
        scale,
        step,
    };
    Parameter::new(name, domain)
}

fn discrete(name: &str, low: i64, high: i64, scale: Scale) -> Parameter {
    let step = None;
    let domain = Domain::Discrete {
        low,
        high,
        scale,
        step,
    };
    Parameter::new(name, domain)
}

fn choice(name: &str, values: &[Value]) -> Parameter {
    let values = values.to_vec();
    Parameter::new(name, Domain::Choice { values })
}

fn ordinal(name: &str, values: &[Value]) -> Parameter {
    let values = values.to_vec();
    Parameter::new(name, Domain::Ordinal { values })
}

fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|text| Value::from(*text)).collect()
}

fn dict(pairs: Vec<(&str, Value)>) -> Value {
    let pairs = pairs.into_iter().map(|(k, v)| (Value::from(k), v));
    Value::Dict(pairs.collect())
}

fn simulation(space: Space, name: &str, arguments: Vec<(&str, Value)>) -> Simulation {
    let arguments = arguments.into_iter().map(|(k, v)| (k.to_string(), v));
    let choice = AlgorithmChoice {
        name: name.into(),
        arguments: arguments.collect(),
    };
    Simulation::new(Simulation::definition(space, choice, 1)).unwrap()
}

/// Runs up to `most` trials one after the other, each completed with a value.
fn run(simulation: &mut Simulation, most: usize, value: impl Fn(&Trial) -> f64) -> Vec<Trial> {
    let mut numbers = Vec::new();
    while numbers.len() < most {
        let Some(trial) = simulation.start().unwrap() else {
            break;
        };
        let (number, value) = (trial.number, value(trial));
        simulation.complete(number, value).unwrap();
        numbers.push(number);
    }
    let trial = |number: &u64| simulation.study().trial(*number).unwrap().clone();
    numbers.iter().map(trial).collect()
}

fn number(configuration: &Configuration, name: &str) -> f64 {
    configuration.get(name).unwrap().as_f64().unwrap()
}

fn text(trial: &Trial, name: &str) -> String {
    trial.configuration.get(name).unwrap().to_string()
}
