//! What every algorithm must fulfil, whatever it does.
//!
//! Implementers call [`check_contract`] with their algorithm and each of the
//! [`contract_spaces`](super::contract_spaces). It runs small studies and checks that
//!
//! - every suggestion is a valid configuration of the space: all active parameters, no inactive
//!   one, values inside their domains, constraints fulfilled;
//! - a suggestion is a function of the log: a new instance of the algorithm, given the same log
//!   (also after a restart, read from its stored form), suggests the same as the one that saw the
//!   log grow; so the same seed gives the same sequence;
//! - failed, pruned, running, repeated and user-given trials neither break it nor make it wait
//!   for ever, nor do values that are NaN, infinite, huge, tiny or all the same;
//! - to maximize is to minimize the negative: both give the same sequence;
//! - the end is the end: once it said that it is done, it says so again.
//!
//! [`check_many_pending`] adds that any number of running trials is fine.

use crate::algorithm::{Suggestion, View};
use crate::algorithms;
use crate::configuration::Configuration;
use crate::decision::{Next, Told};
use crate::definition::{AlgorithmChoice, Direction};
use crate::event::Record;
use crate::random::{Purpose, Stream};
use crate::space::Space;
use crate::study::Study;
use crate::trial::Trial;
use crate::value::Value;

use super::{Simulation, SimulationError};

/// After so many trials the algorithm is compared with new instances of it.
const FRESH_AT: [usize; 11] = [0, 1, 2, 4, 7, 11, 16, 19, 25, 34, 44];

/// Values at which arithmetic breaks.
const EXTREMES: [f64; 12] = [
    f64::NAN,
    f64::INFINITY,
    1e300,
    -1e300,
    1e-300,
    f64::NEG_INFINITY,
    0.0,
    -0.0,
    f64::MAX,
    f64::MIN,
    5e-324,
    1.0,
];

/// How the trials of a checked study go.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Course {
    /// One after the other, all completed.
    Sequential,
    /// Four at a time, some of them failing, pruned, or reporting NaN; users give some, and have
    /// some tried again.
    Turbulent,
    /// Every one fails.
    AllFail,
    /// Two at a time, with values at which arithmetic breaks.
    Extreme,
    /// All have the same value.
    AllEqual,
}

impl Course {
    const ALL: [Self; 5] = [
        Self::Sequential,
        Self::Turbulent,
        Self::AllFail,
        Self::Extreme,
        Self::AllEqual,
    ];

    /// Trials of a study that goes so.
    fn trials(self) -> usize {
        match self {
            Self::Turbulent => 50,
            Self::Sequential | Self::Extreme => 30,
            Self::AllFail | Self::AllEqual => 20,
        }
    }

    fn at_once(self) -> usize {
        match self {
            Self::Turbulent => 4,
            Self::Extreme => 2,
            _ => 1,
        }
    }
}

/// Checks an algorithm on a space.
///
/// # Errors
/// The first breach of the contract, in words.
pub fn check_contract(choice: &AlgorithmChoice, space: &Space) -> Result<(), String> {
    for course in Course::ALL {
        run(choice, space, course).map_err(|breach| describe(choice, course, &breach))?;
    }
    check_directions(choice, space)
}

fn describe(choice: &AlgorithmChoice, course: Course, breach: &str) -> String {
    format!("{} ({course:?}): {breach}", choice.name)
}

fn run(choice: &AlgorithmChoice, space: &Space, course: Course) -> Result<(), String> {
    let definition = Simulation::definition(space.clone(), choice.clone(), 7);
    let mut simulation = Simulation::new(definition).map_err(|error| error.to_string())?;
    let bookkeeping = algorithms::build(choice, space).map_err(|error| error.to_string())?;
    let bookkeeping = bookkeeping.bookkeeping();
    let added = |name: &str| bookkeeping.iter().any(|(known, _)| *known == name);
    let mut dice = Stream::new(11, 0, Purpose::Order);
    let mut running: Vec<u64> = Vec::new();
    let mut over = false;
    while simulation.study().trials().len() < course.trials() {
        if course == Course::Turbulent && dice.below(10) == 0 {
            give(&mut simulation, space, &mut dice)?;
            over = false;
        }
        if course == Course::Turbulent && dice.below(10) == 0 {
            try_again(&mut simulation, &mut dice)?;
            over = false;
        }
        let known = simulation.study().trials().len();
        if FRESH_AT.contains(&known) {
            check_fresh(&mut simulation, choice, space)?;
        }
        match simulation.advance().map_err(|error| error.to_string())? {
            Next::Start { .. } if over => return Err("it went on after its end".into()),
            Next::Start { trial, .. } => {
                check_valid(simulation.study().trial(trial), space, added)?;
                running.push(trial);
            }
            _ if running.is_empty() => break,
            next => over |= matches!(next, Next::Over(_)),
        }
        let waits = running.len() < course.at_once() && dice.below(3) > 0;
        if !waits {
            let chosen = dice.below(running.len() as u64) as usize;
            end(
                &mut simulation,
                running.swap_remove(chosen),
                course,
                &mut dice,
            )?;
        }
    }
    check_restart(&mut simulation, choice, space)?;
    while let Some(number) = running.pop() {
        end(&mut simulation, number, course, &mut dice)?;
    }
    check_end(&mut simulation)
}

/// A user's configuration joins the queue: a new one, or one that was tried before.
fn give(simulation: &mut Simulation, space: &Space, dice: &mut Stream) -> Result<(), String> {
    let trials = simulation.study().trials();
    let known = trials.get(dice.below(2 * trials.len() as u64) as usize);
    let given = match known {
        Some(known) => known.configuration.clone(),
        None => space.sample(dice).map_err(|error| error.to_string())?,
    };
    simulation
        .enqueue(&given)
        .map_err(|error| error.to_string())
}

/// A user puts a trial that failed or was pruned into the queue again, if there is one.
fn try_again(simulation: &mut Simulation, dice: &mut Stream) -> Result<(), String> {
    let number = 1 + dice.below(simulation.study().trials().len() as u64);
    match simulation.study().retry(number) {
        Ok(events) => simulation.apply(events).map_err(|error| error.to_string()),
        Err(_) => Ok(()),
    }
}

fn end(
    simulation: &mut Simulation,
    number: u64,
    course: Course,
    dice: &mut Stream,
) -> Result<(), String> {
    let draw = if course == Course::Turbulent {
        dice.below(8)
    } else {
        7
    };
    let value = match course {
        Course::Extreme => EXTREMES[(number % EXTREMES.len() as u64) as usize],
        Course::AllEqual => 1.0,
        _ => dice.unit(),
    };
    let ended = match draw {
        _ if course == Course::AllFail => simulation.fail(number),
        _ if value.is_nan() => prune(simulation, number, value),
        0 | 1 => simulation.fail(number),
        2 => prune(simulation, number, f64::NAN),
        3 => prune(simulation, number, value),
        _ => simulation.complete(number, value),
    };
    ended.map_err(|error| error.to_string())
}

/// Reports a value and ends the trial early.
fn prune(simulation: &mut Simulation, number: u64, value: f64) -> Result<(), SimulationError> {
    let metrics = vec![("loss".into(), Value::Float(value))];
    let attempt = simulation.study().trial(number).map_or(0, Trial::attempt);
    let reported = simulation.study().report(number, attempt, None, metrics)?;
    simulation.apply(reported)?;
    simulation.tell(number, Told::Stopped)
}

/// A new instance says what the old one says, and saying it twice changes nothing.
fn check_fresh(
    simulation: &mut Simulation,
    choice: &AlgorithmChoice,
    space: &Space,
) -> Result<(), String> {
    let ask = |view: &View<'_>| -> Result<Suggestion, String> {
        let fresh = algorithms::build(choice, space).map_err(|error| error.to_string())?;
        let mut fresh = fresh;
        let first = fresh.suggest(view).map_err(|error| error.to_string())?;
        let second = fresh.suggest(view).map_err(|error| error.to_string())?;
        if first == second {
            Ok(first)
        } else {
            Err(format!("asked twice, it says {first:?} and {second:?}"))
        }
    };
    let fresh = ask(&simulation.study().view())?;
    let grown = simulation.suggestion().map_err(|error| error.to_string())?;
    if fresh == grown {
        return Ok(());
    }
    Err(format!(
        "after {} trials a new instance suggests {fresh:?}, the old one {grown:?}",
        simulation.study().trials().len()
    ))
}

/// After a restart, from the log as it is stored, the suggestion is the same.
fn check_restart(
    simulation: &mut Simulation,
    choice: &AlgorithmChoice,
    space: &Space,
) -> Result<(), String> {
    let stored = |record: &Record| -> Result<Record, serde_json::Error> {
        let event = serde_json::from_str(&serde_json::to_string(&record.event)?)?;
        Ok(Record {
            event,
            ..record.clone()
        })
    };
    let log = simulation.log().iter().map(stored);
    let log: Vec<Record> = log
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let study = Study::replay(log).map_err(|error| error.to_string())?;
    let study = study.ok_or("the log is empty")?;
    let mut fresh = algorithms::build(choice, space).map_err(|error| error.to_string())?;
    let restarted = fresh.suggest(&study.view());
    let grown = simulation.suggestion();
    if restarted == grown {
        return Ok(());
    }
    Err(format!(
        "after a restart it suggests {restarted:?}, without one {grown:?}"
    ))
}

/// Maximizing gives the same sequence as minimizing the negative.
fn check_directions(choice: &AlgorithmChoice, space: &Space) -> Result<(), String> {
    let run = |direction: Direction| -> Result<Vec<Configuration>, SimulationError> {
        let mut definition = Simulation::definition(space.clone(), choice.clone(), 5);
        definition.objective.direction = direction;
        let sign = match direction {
            Direction::Minimize => 1.0,
            Direction::Maximize => -1.0,
        };
        let mut simulation = Simulation::new(definition)?;
        let mut dice = Stream::new(13, 0, Purpose::Order);
        for _ in 0..18 {
            while simulation.study().counts().running < 2
                && matches!(simulation.advance()?, Next::Start { .. })
            {}
            let running: Vec<u64> = simulation.study().running().collect();
            let chosen = running.get(dice.below(running.len() as u64) as usize);
            let Some(number) = chosen else { break };
            simulation.complete(*number, sign * dice.normal())?;
        }
        let trials = simulation.study().trials().iter();
        Ok(trials.map(|trial| trial.configuration.clone()).collect())
    };
    let described = |error: SimulationError| format!("{}: {error}", choice.name);
    let minimized = run(Direction::Minimize).map_err(described)?;
    let maximized = run(Direction::Maximize).map_err(described)?;
    let differ = |(a, b): &(&Configuration, &Configuration)| a != b;
    match minimized
        .iter()
        .zip(&maximized)
        .position(|pair| differ(&pair))
    {
        None if minimized.len() == maximized.len() => Ok(()),
        place => Err(format!(
            "{}: maximizing differs from minimizing the negative at trial {}",
            choice.name,
            place.unwrap_or(minimized.len().min(maximized.len())) + 1
        )),
    }
}

/// Checks that an algorithm copes with so many running trials, given by users, and with some of
/// its own.
///
/// # Errors
/// The first breach of the contract, in words.
pub fn check_many_pending(
    choice: &AlgorithmChoice,
    space: &Space,
    pending: u64,
) -> Result<(), String> {
    let described = |error: String| format!("{} ({pending} running): {error}", choice.name);
    many_pending(choice, space, pending).map_err(described)
}

fn many_pending(choice: &AlgorithmChoice, space: &Space, pending: u64) -> Result<(), String> {
    let definition = Simulation::definition(space.clone(), choice.clone(), 3);
    let mut simulation = Simulation::new(definition).map_err(|error| error.to_string())?;
    let mut dice = Stream::new(17, 0, Purpose::Order);
    for _ in 0..pending {
        let given = space.sample(&mut dice).map_err(|error| error.to_string())?;
        let queued = simulation.enqueue(&given);
        queued.map_err(|error| error.to_string())?;
        simulation.advance().map_err(|error| error.to_string())?;
    }
    let bookkeeping = algorithms::build(choice, space).map_err(|error| error.to_string())?;
    let bookkeeping = bookkeeping.bookkeeping();
    let added = |name: &str| bookkeeping.iter().any(|(known, _)| *known == name);
    // Before any result, then after some.
    for round in 0..2 {
        for _ in 0..3 {
            if let Next::Start { trial, .. } =
                simulation.advance().map_err(|error| error.to_string())?
            {
                check_valid(simulation.study().trial(trial), space, added)?;
            }
        }
        for number in (round + 1..=pending).step_by(97) {
            let running = simulation.study().running().any(|known| known == number);
            if running {
                let told = simulation.complete(number, dice.normal());
                told.map_err(|error| error.to_string())?;
            }
        }
    }
    Ok(())
}

fn check_valid(
    trial: Option<&Trial>,
    space: &Space,
    added: impl Fn(&str) -> bool,
) -> Result<(), String> {
    let Some(trial) = trial else {
        return Err("a started trial does not exist".into());
    };
    let entries = trial.configuration.entries().iter();
    let bare: Configuration = entries
        .filter(|(name, _)| space.get(name).is_some() || !added(name))
        .cloned()
        .collect();
    let number = trial.number;
    match space.validated(&bare, |_| false) {
        Err(error) => Err(format!("trial {number}: {error}")),
        Ok(valid) if valid != bare => Err(format!(
            "trial {number}: {bare:?} should have been {valid:?}"
        )),
        Ok(_) => Ok(()),
    }
}

/// Nothing runs any more: the algorithm must not wait, and its end must be one.
fn check_end(simulation: &mut Simulation) -> Result<(), String> {
    let mut first = None;
    for _ in 0..3 {
        let said = simulation.suggestion().map_err(|error| error.to_string())?;
        if said == Suggestion::Wait {
            return Err("it waits although nothing runs".into());
        }
        if *first.get_or_insert_with(|| said.clone()) != said {
            return Err("asked again, it says something else".into());
        }
    }
    Ok(())
}
