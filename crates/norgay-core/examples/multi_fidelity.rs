//! How many epochs each way to give up early needs, on made-up learning curves of known ends.
//!
//! `cargo run --release -p norgay-core --example multi_fidelity -- [seeds] [methods...]`
//!
//! One worker has epochs for 30 trainings of 27. What counts at each moment is the best value
//! measured so far (the curve's true value there, where curves are noisy). The table tells, for
//! each family of curves, the median over the seeds of that value's height above the best end of
//! 2000 random configurations, after 10 and after 30 trainings; and of the epochs that the method
//! needs to reach what the best plain method (marked *) has at the end, as a part of all.

#![allow(clippy::print_stdout, clippy::print_stderr)]
#![allow(missing_docs)]

use norgay_core::decision::Told;
use norgay_core::definition::AlgorithmChoice;
use norgay_core::random::{Purpose, Stream};
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::stopping::{AshaRule, AutoRule, HyperbandRule, MedianRule, StoppingRule};
use norgay_core::testing::Simulation;
use norgay_core::trial::StopCause;
use norgay_core::{Configuration, Space, Value};

type Failure = Box<dyn std::error::Error>;

const EPOCHS: u64 = 27;
const TRAININGS: u64 = 30;
const FAMILIES: [&str; 5] = ["power", "rugged", "crossing", "noisy", "diverging"];

/// Name, algorithm, stopping rule, and whether it is one of the usual methods.
const METHODS: [(&str, &str, &str, bool); 14] = [
    ("random", "random", "", true),
    ("random+median", "random", "median", true),
    ("random+asha", "random", "asha", true),
    ("random+hyperband", "random", "hyperband", true),
    ("random+auto", "random", "auto", false),
    ("asha (promotion)", "successive_halving", "", true),
    ("hyperband (promotion)", "hyperband", "", true),
    ("dehb", "dehb", "", true),
    ("mobster", "mobster", "", true),
    ("bohb", "bohb", "", true),
    ("gp", "gp", "", false),
    ("gp+asha", "gp", "asha", false),
    ("gp+hyperband", "gp", "hyperband", false),
    ("gp+auto", "gp", "auto", false),
];

fn space() -> Result<Space, Failure> {
    let parameter = |k: usize| {
        let domain = Domain::Continuous {
            low: 0.0,
            high: 1.0,
            scale: Scale::Linear,
            step: None,
        };
        Parameter::new(format!("x{k}"), domain)
    };
    let space = Space::new((0..5).map(parameter).collect(), Vec::new());
    space.map_err(|error| format!("{error:?}").into())
}

/// A curve: value and noise at epochs from 1.
struct Curve {
    end: f64,
    height: f64,
    rate: f64,
    /// The epoch from which it rises, if it does.
    turn: f64,
    noise: f64,
}

impl Curve {
    fn of(family: &str, instance: u64, x: &[f64]) -> Self {
        let mut shift = Stream::new(instance, 1, Purpose::Design);
        let weights = [1.0, 0.6, 0.4, 0.2, 0.1];
        let mut end = 0.1;
        for (place, weight) in x.iter().zip(weights) {
            let best = 0.15 + 0.7 * shift.unit();
            end += weight * (place - best) * (place - best);
        }
        let mut curve = Self {
            end,
            height: 0.8 + 0.6 * x[2],
            rate: 0.4 + 1.2 * x[1],
            turn: f64::INFINITY,
            noise: 0.0,
        };
        match family {
            "rugged" => curve.end += 0.06 * (23.0 * x[0] + 3.0).sin() * (17.0 * x[1]).cos(),
            // The lower it ends, the slower it falls.
            "crossing" => {
                (curve.height, curve.rate) = (1.2, 0.25 + 1.3 * (curve.end / 0.6).min(1.0));
            }
            "noisy" => curve.noise = 0.04,
            "diverging" if x[3] > 0.75 => curve.turn = 1.0 + 12.0 * x[4],
            _ => {}
        }
        curve
    }

    fn at(&self, epoch: u64) -> f64 {
        let epoch = epoch as f64;
        let fallen = self.end + self.height * epoch.min(self.turn).powf(-self.rate);
        fallen + 0.05 * (epoch - self.turn).max(0.0)
    }
}

fn places(configuration: &Configuration) -> Vec<f64> {
    let values = configuration.entries().iter().take(5);
    values
        .map(|(_, value)| value.as_f64().unwrap_or(0.0))
        .collect()
}

fn rule(name: &str) -> Option<StoppingRule> {
    match name {
        "median" => Some(StoppingRule::Median(MedianRule::default())),
        "asha" => Some(StoppingRule::Asha(AshaRule::default())),
        "hyperband" => Some(StoppingRule::Hyperband(HyperbandRule {
            max_iterations: EPOCHS,
            ..HyperbandRule::default()
        })),
        "auto" => Some(StoppingRule::Auto(AutoRule::default())),
        _ => None,
    }
}

/// The best value after each epoch.
fn run(family: &str, seed: u64, algorithm: &str, stopping: &str) -> Result<Vec<f64>, Failure> {
    let granting = ["successive_halving", "hyperband", "dehb", "mobster", "bohb"];
    let arguments = if granting.contains(&algorithm) {
        vec![("R".to_string(), Value::Int(EPOCHS as i64))]
    } else {
        Vec::new()
    };
    let choice = AlgorithmChoice {
        name: algorithm.to_string(),
        arguments,
    };
    let mut definition = Simulation::definition(space()?, choice, seed);
    definition.stopping_rule = rule(stopping);
    let mut simulation = Simulation::new(definition)?;
    let mut trace: Vec<f64> = Vec::new();
    let (mut best, mut true_best) = (f64::INFINITY, f64::INFINITY);
    while trace.len() < (TRAININGS * EPOCHS) as usize {
        let Some(trial) = simulation.start()? else {
            break;
        };
        let (number, configuration) = (trial.number, trial.configuration.clone());
        let whole = |name: &str| u64::try_from(configuration.get(name)?.as_i64()?).ok();
        let curve = Curve::of(family, seed, &places(&configuration));
        let mut noise = Stream::new(seed, number, Purpose::TrialSeed);
        // A promoted trial goes on where the one below left off.
        let parent = configuration.get("load_from").and_then(Value::as_text);
        let parent: Option<u64> = parent.and_then(|name| name.parse().ok());
        let done = parent.and_then(|n| simulation.study().trial(n)?.last_step());
        let mut told = Told::Finished {
            step: None,
            metrics: Vec::new(),
        };
        for epoch in done.unwrap_or(0) + 1..=whole("resource").unwrap_or(EPOCHS) {
            let value = curve.at(epoch);
            let measured = value + curve.noise * noise.normal();
            if measured < best {
                (best, true_best) = (measured, value);
            }
            trace.push(true_best);
            let study = simulation.study();
            let metrics = vec![("loss".into(), Value::Float(measured))];
            let events = study.report(number, 1, Some(epoch), metrics)?;
            simulation.apply(events)?;
            if let Some(reason) = simulation.study().stopping_verdict(number) {
                let study = simulation.study();
                let events = study.request_stop(number, StopCause::Pruned, &reason)?;
                simulation.apply(events)?;
                told = Told::Stopped;
                break;
            }
        }
        simulation.tell(number, told)?;
    }
    trace.truncate((TRAININGS * EPOCHS) as usize);
    Ok(trace)
}

/// The best end of many random configurations.
fn reference(family: &str, seed: u64) -> f64 {
    let mut stream = Stream::new(seed, 9, Purpose::Sample);
    let ends = (0..2000).map(|_| {
        let x: Vec<f64> = (0..5).map(|_| stream.unit()).collect();
        Curve::of(family, seed, &x).at(EPOCHS)
    });
    ends.fold(f64::INFINITY, f64::min)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let seeds: u64 = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let wanted: Vec<String> = arguments.collect();
    let methods = METHODS
        .iter()
        .filter(|m| wanted.is_empty() || wanted.iter().any(|w| w == m.0));
    let methods: Vec<_> = methods.collect();
    for family in FAMILIES {
        let mut traces = Vec::new();
        for (name, algorithm, stopping, _) in &methods {
            let runs = (0..seeds).map(|seed| run(family, seed, algorithm, stopping));
            let runs = runs.collect::<Result<Vec<_>, _>>()?;
            eprintln!("{family}: {name}");
            traces.push(runs);
        }
        // By seed, what the best usual method reaches, and when it did.
        let goals = (0..seeds as usize).map(|seed| {
            let usual = methods.iter().zip(&traces).filter(|(method, _)| method.3);
            usual
                .filter_map(|(_, runs)| {
                    let trace = &runs[seed];
                    let last = trace.last()?;
                    let when = trace.iter().position(|value| value <= last)? + 1;
                    Some((*last, when))
                })
                .fold((f64::INFINITY, 1), |a, b| if b.0 < a.0 { b } else { a })
        });
        let goals: Vec<(f64, usize)> = goals.collect();
        println!("{family:<22} after 10  after 30  epochs to the usual best / its own");
        for ((name, _, _, usual), runs) in methods.iter().zip(&traces) {
            let after = |trainings: u64| {
                let at = (trainings * EPOCHS - 1) as usize;
                let heights = runs.iter().enumerate().filter_map(|(seed, trace)| {
                    Some(trace.get(at).or(trace.last())? - reference(family, seed as u64))
                });
                median(heights.collect())
            };
            let needed = runs.iter().zip(&goals).map(|(trace, (goal, when))| {
                let reached = trace.iter().position(|value| value <= goal);
                reached.map_or(f64::INFINITY, |at| (at + 1) as f64 / *when as f64)
            });
            let needed = median(needed.collect());
            let mark = if *usual { "*" } else { " " };
            println!(
                "{mark}{name:<21} {:>8.4}  {:>8.4}  {needed:>8.2}",
                after(10),
                after(30)
            );
        }
    }
    Ok(())
}
