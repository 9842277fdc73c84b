//! Algorithms: the contract over the whole table, and the compatibility checks (CS) by number.
#![allow(clippy::unwrap_used)]

#[path = "algorithms/cmaes.rs"]
mod cmaes;
#[path = "algorithms/contract.rs"]
mod contract;
#[path = "algorithms/differential_evolution.rs"]
mod differential_evolution;
#[path = "algorithms/grid.rs"]
mod grid;
#[path = "algorithms/local_search.rs"]
mod local_search;
#[path = "algorithms/multi_fidelity.rs"]
mod multi_fidelity;
#[path = "algorithms/multi_objective.rs"]
mod multi_objective;
#[path = "algorithms/nsga.rs"]
mod nsga;
#[path = "algorithms/random.rs"]
mod random;
#[path = "algorithms/successive_halving.rs"]
mod successive_halving;
#[path = "algorithms/tpe.rs"]
mod tpe;
#[path = "algorithms/wrappers.rs"]
mod wrappers;

use norgay_core::definition::AlgorithmChoice;
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::testing::Simulation;
use norgay_core::{Configuration, Space, Value};

fn space(parameters: Vec<Parameter>) -> Space {
    Space::new(parameters, Vec::new()).unwrap()
}

fn choice_of(name: &str, values: &[Value]) -> Parameter {
    let values = values.to_vec();
    Parameter::new(name, Domain::Choice { values })
}

fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|text| Value::from(*text)).collect()
}

fn continuous(name: &str, low: f64, high: f64, scale: Scale) -> Parameter {
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

fn discrete(name: &str, low: i64, high: i64, scale: Scale) -> Parameter {
    let step = None;
    Parameter::new(
        name,
        Domain::Discrete {
            low,
            high,
            scale,
            step,
        },
    )
}

fn dict(pairs: Vec<(&str, Value)>) -> Value {
    let pairs = pairs.into_iter().map(|(k, v)| (Value::from(k), v));
    Value::Dict(pairs.collect())
}

fn algorithm(name: &str, arguments: Vec<(&str, Value)>) -> AlgorithmChoice {
    let arguments = arguments.into_iter().map(|(k, v)| (k.to_string(), v));
    AlgorithmChoice {
        name: name.into(),
        arguments: arguments.collect(),
    }
}

fn simulation(space: Space, algorithm: AlgorithmChoice) -> Simulation {
    Simulation::new(Simulation::definition(space, algorithm, 1)).unwrap()
}

/// The error of making the algorithm.
fn build_error(space: &Space, choice: &AlgorithmChoice) -> String {
    let built = norgay_core::algorithms::build(choice, space);
    built.map(|_| ()).unwrap_err().to_string()
}

/// Runs up to `most` trials one after the other, each completed with a value.
fn run(
    simulation: &mut Simulation,
    most: usize,
    value: impl Fn(&Configuration) -> f64,
) -> Vec<Configuration> {
    let mut seen = Vec::new();
    while seen.len() < most {
        let Some(trial) = simulation.start().unwrap() else {
            break;
        };
        let (number, configuration) = (trial.number, trial.configuration.clone());
        simulation.complete(number, value(&configuration)).unwrap();
        seen.push(configuration);
    }
    seen
}

/// The values of one parameter.
fn column(configurations: &[Configuration], name: &str) -> Vec<Value> {
    let values = configurations.iter().map(|c| c.get(name).unwrap().clone());
    values.collect()
}
