//! What a suggestion costs: `suggest_cost ALGORITHM DIMENSIONS TRIALS[,TRIALS...] [float|mixed]`.
//!
//! Prints the median time of a suggestion, in microseconds, after each number of trials. Every
//! suggestion is asked for after one more trial has been completed.
#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::Instant;

use norgay_core::algorithm::{Trials, View};
use norgay_core::algorithms;
use norgay_core::definition::{AlgorithmChoice, Direction};
use norgay_core::random::{Purpose, Stream};
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::trial::{Origin, Trial, TrialState};
use norgay_core::{Space, Value};

/// Suggestions of which the median is taken.
const REPETITIONS: usize = 101;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, dimensions, counts, rest @ ..] = arguments.as_slice() else {
        return Err(
            "usage: suggest_cost ALGORITHM DIMENSIONS TRIALS[,TRIALS...] [float|mixed]".into(),
        );
    };
    let kind = rest.first().map_or("float", String::as_str);
    let space = space(dimensions.parse()?, kind == "mixed")?;
    println!("{name}, {dimensions} parameters ({kind})");
    for count in counts.split(',') {
        let count: usize = count.parse()?;
        let (first, median) = cost(name, &space, count)?;
        println!("{count:>8} trials: median {median:.1} us, the first {first:.1} us");
    }
    Ok(())
}

/// The times of the first suggestion and of the median one after so many trials.
fn cost(name: &str, space: &Space, count: usize) -> Result<(f64, f64), Box<dyn std::error::Error>> {
    let choice = AlgorithmChoice {
        name: name.to_string(),
        arguments: Vec::new(),
    };
    let mut algorithm = algorithms::build(&choice, space)?;
    let mut trials = Vec::with_capacity(count + REPETITIONS);
    for number in 1..=count {
        trials.push(trial(space, number as u64)?);
    }
    let mut times = Vec::with_capacity(REPETITIONS);
    for _ in 0..=REPETITIONS {
        let number = trials.len() as u64 + 1;
        let view = View {
            space,
            direction: Direction::Minimize,
            more_objectives: &[],
            constraints: &[],
            seed: 1,
            budget: None,
            next_number: number,
            suggested: number - 1,
            trials: Trials::all(&trials),
        };
        let start = Instant::now();
        std::hint::black_box(algorithm.suggest(&view)?);
        times.push(start.elapsed().as_secs_f64() * 1e6);
        trials.push(trial(space, number)?);
    }
    let first = times.remove(0);
    times.sort_by(f64::total_cmp);
    Ok((first, times[times.len() / 2]))
}

/// A completed trial at a random configuration.
fn trial(space: &Space, number: u64) -> Result<Trial, Box<dyn std::error::Error>> {
    let configuration = space.sample(&mut Stream::new(2, number, Purpose::Sample))?;
    let places = space.places(&configuration);
    let squares = places
        .iter()
        .flatten()
        .map(|place| (place - 0.3) * (place - 0.3));
    Ok(Trial {
        number,
        value: Some(squares.sum()),
        configuration,
        origin: Origin::Suggested,
        reason: Arc::from(""),
        memo: None,
        created_ms: 0,
        state: TrialState::Completed,
        cause: None,
        outcome: None,
        attempts: Vec::new(),
        measurements: Vec::new(),
    })
}

fn space(dimensions: usize, mixed: bool) -> Result<Space, Box<dyn std::error::Error>> {
    let domain = |index: usize| match index % 4 {
        1 if mixed => Domain::Choice {
            values: (0..5).map(Value::Int).collect(),
        },
        2 if mixed => Domain::Discrete {
            low: 1,
            high: 20,
            scale: Scale::Linear,
            step: None,
        },
        3 if mixed => Domain::Continuous {
            low: 1e-5,
            high: 1.0,
            scale: Scale::Log,
            step: None,
        },
        _ => Domain::Continuous {
            low: 0.0,
            high: 1.0,
            scale: Scale::Linear,
            step: None,
        },
    };
    let parameters =
        (0..dimensions).map(|index| Parameter::new(format!("x{index}"), domain(index)));
    Space::new(parameters.collect(), Vec::new()).map_err(|errors| {
        errors
            .into_iter()
            .map(|e| e.to_string())
            .collect::<Vec<_>>()
            .join("; ")
            .into()
    })
}
