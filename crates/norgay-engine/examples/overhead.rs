//! Cost of a whole study of trivial trials: SQLite, every write durable before it counts.
//!
//! Usage: `overhead --trials N [--storage sqlite|memory]`; prints one JSON line.

#![allow(clippy::print_stdout, missing_docs)]

use std::time::Instant;

use norgay_core::Space;
use norgay_core::decision::Told;
use norgay_core::definition::{
    AlgorithmChoice, Budget, Direction, Objective, RetryPolicy, StudyDefinition, ValueOf,
};
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::{Configuration, Value};
use norgay_engine::clock::SystemClock;
use norgay_engine::open_study::OpenStudy;
use norgay_engine::storage::{MemoryStorage, SqliteStorage, Storage};

const LEASE_MS: u64 = 3_600_000;

fn continuous(low: f64, high: f64, scale: Scale) -> Domain {
    Domain::Continuous {
        low,
        high,
        scale,
        step: None,
    }
}

fn discrete(low: i64, high: i64, scale: Scale) -> Domain {
    Domain::Discrete {
        low,
        high,
        scale,
        step: None,
    }
}

fn choice(values: &[&str]) -> Domain {
    Domain::Choice {
        values: values.iter().map(|value| Value::from(*value)).collect(),
    }
}

/// The ten parameters of the peer's script beside this one.
fn space() -> Result<Space, String> {
    let mut parameters = Vec::new();
    for k in 0..2 {
        parameters.push((format!("f{k}"), continuous(-5.0, 5.0, Scale::Linear)));
        parameters.push((format!("g{k}"), continuous(1e-5, 1.0, Scale::Log)));
        parameters.push((format!("i{k}"), discrete(0, 100, Scale::Linear)));
        parameters.push((format!("c{k}"), choice(&["a", "b", "c"])));
    }
    parameters.push(("j".to_string(), discrete(1, 1024, Scale::Log)));
    parameters.push(("d".to_string(), choice(&["u", "v"])));
    let parameters = parameters
        .into_iter()
        .map(|(name, domain)| Parameter::new(name, domain))
        .collect();
    Space::new(parameters, Vec::new()).map_err(|errors| format!("{errors:?}"))
}

fn definition(trials: u64) -> Result<StudyDefinition, String> {
    Ok(StudyDefinition {
        space: space()?,
        objective: Objective {
            name: "value".into(),
            direction: Direction::Minimize,
            value: ValueOf::Best,
        },
        more_objectives: Vec::new(),
        outcome_constraints: Vec::new(),
        algorithm: AlgorithmChoice {
            name: "random".into(),
            arguments: Vec::new(),
        },
        seed: 0,
        budget: Budget {
            trials: Some(trials),
            ..Budget::default()
        },
        retry: RetryPolicy::default(),
        stopping_rule: None,
    })
}

fn objective(configuration: &Configuration) -> f64 {
    configuration
        .get("f0")
        .and_then(Value::as_f64)
        .unwrap_or(0.0)
}

/// Peak resident memory in MiB, where the system tells it.
fn peak_rss_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

fn argument(name: &str, default: &str) -> String {
    let arguments: Vec<String> = std::env::args().collect();
    let place = arguments.iter().position(|argument| argument == name);
    place
        .and_then(|place| arguments.get(place + 1))
        .map_or(default.to_string(), Clone::clone)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let trials: u64 = argument("--trials", "1000").parse()?;
    let kind = argument("--storage", "sqlite");
    let folder = tempfile::tempdir()?;
    let storage: Box<dyn Storage> = match kind.as_str() {
        "memory" => Box::new(MemoryStorage::default()),
        _ => Box::new(SqliteStorage::open(&folder.path().join("norgay.db"))?),
    };
    let clock = Box::new(SystemClock);
    let execution = serde_json::Value::Null;
    let mut study =
        OpenStudy::create_or_open(storage, clock, "overhead", definition(trials)?, execution)?;

    let began = Instant::now();
    let mut marks = vec![0.0];
    let mut asked = study.ask(LEASE_MS)?;
    let mut done = 0_u64;
    while let Some(trial) = asked {
        let metrics = vec![(
            "value".into(),
            Value::Float(objective(&trial.configuration)),
        )];
        let told = Told::Finished {
            step: None,
            metrics,
        };
        asked = study.tell_and_ask(trial.trial, trial.attempt, &told, LEASE_MS)?;
        done += 1;
        if done.is_multiple_of(1000) {
            marks.push(began.elapsed().as_secs_f64() * 1000.0);
        }
    }
    let wall_s = began.elapsed().as_secs_f64();
    let span = |pair: Option<&[f64]>| pair.map(|pair| pair[1] - pair[0]);
    let report = serde_json::json!({
        "system": "norgay",
        "storage": kind,
        "trials": done,
        "wall_s": wall_s,
        "trials_per_s": done as f64 / wall_s,
        "peak_rss_mib": peak_rss_mib(),
        "first_1000_ms": span(marks.windows(2).next()),
        "last_1000_ms": span(marks.windows(2).next_back()),
    });
    println!("{report}");
    Ok(())
}
