//! What every algorithm must fulfil, whatever it does.
//!
//! Implementers call [`check_contract`] with their algorithm and each of [`contract_spaces`]. It
//! runs small studies and checks that
//!
//! - every suggestion is a valid configuration of the space: all active parameters, no inactive
//!   one, values inside their domains, constraints fulfilled;
//! - a suggestion is a function of the log: a new instance of the algorithm, given the same log,
//!   suggests the same as the one that saw the log grow;
//! - the same seed gives the same sequence;
//! - failed, pruned, running, NaN-reporting and user-given trials neither break it nor make it
//!   wait for ever;
//! - the end is the end: once it said that it is done, it says so again.

use std::sync::Arc;

use crate::algorithm::{Suggestion, View};
use crate::algorithms;
use crate::configuration::{BOOKKEEPING, Configuration};
use crate::decision::{Next, Told};
use crate::definition::AlgorithmChoice;
use crate::expression::Predicate;
use crate::random::{Purpose, Stream};
use crate::space::{Domain, Parameter, Scale, Space};
use crate::trial::Trial;
use crate::value::Value;

use super::Simulation;

/// Trials of a study in which the contract is checked.
const TRIALS: usize = 60;

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
}

/// Checks an algorithm on a space.
///
/// # Errors
/// The first breach of the contract, in words.
pub fn check_contract(choice: &AlgorithmChoice, space: &Space) -> Result<(), String> {
    for course in [Course::Sequential, Course::Turbulent, Course::AllFail] {
        let sequence =
            run(choice, space, course).map_err(|breach| describe(choice, course, &breach))?;
        let again =
            run(choice, space, course).map_err(|breach| describe(choice, course, &breach))?;
        if sequence != again {
            let breach = "the same seed gave another sequence";
            return Err(describe(choice, course, breach));
        }
    }
    Ok(())
}

fn describe(choice: &AlgorithmChoice, course: Course, breach: &str) -> String {
    format!("{} ({course:?}): {breach}", choice.name)
}

fn run(
    choice: &AlgorithmChoice,
    space: &Space,
    course: Course,
) -> Result<Vec<Configuration>, String> {
    let definition = Simulation::definition(space.clone(), choice.clone(), 7);
    let mut simulation = Simulation::new(definition).map_err(|error| error.to_string())?;
    let mut dice = Stream::new(11, 0, Purpose::Order);
    let at_once = if course == Course::Turbulent { 4 } else { 1 };
    let mut running: Vec<u64> = Vec::new();
    let mut over = false;
    while simulation.study().trials().len() < TRIALS {
        if course == Course::Turbulent && dice.below(10) == 0 {
            give(&mut simulation, space, &mut dice)?;
            over = false;
        }
        if course == Course::Turbulent && dice.below(10) == 0 {
            try_again(&mut simulation, &mut dice)?;
            over = false;
        }
        check_fresh(&mut simulation, choice, space)?;
        match simulation.advance().map_err(|error| error.to_string())? {
            Next::Start { .. } if over => return Err("it went on after its end".into()),
            Next::Start { trial, .. } => {
                check_valid(simulation.study().trial(trial), space)?;
                running.push(trial);
            }
            _ if running.is_empty() => break,
            next => over |= matches!(next, Next::Over(_)),
        }
        let waits = running.len() < at_once && dice.below(3) > 0;
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
    while let Some(number) = running.pop() {
        end(&mut simulation, number, course, &mut dice)?;
    }
    check_end(&mut simulation)?;
    let trials = simulation.study().trials().iter();
    Ok(trials.map(|trial| trial.configuration.clone()).collect())
}

/// A user's configuration joins the queue.
fn give(simulation: &mut Simulation, space: &Space, dice: &mut Stream) -> Result<(), String> {
    let given = space.sample(dice).map_err(|error| error.to_string())?;
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
    let value = dice.unit();
    let ended = match draw {
        _ if course == Course::AllFail => simulation.fail(number),
        0 | 1 => simulation.fail(number),
        2 | 3 => {
            let measured = if draw == 2 { f64::NAN } else { value };
            let metrics = vec![("loss".into(), Value::Float(measured))];
            let attempt = simulation.study().trial(number).map_or(0, Trial::attempt);
            let reported = simulation.study().report(number, attempt, None, metrics);
            let reported = reported.map_err(|error| error.to_string())?;
            let applied = simulation.apply(reported);
            applied.and_then(|()| simulation.tell(number, Told::Stopped))
        }
        _ => simulation.complete(number, value),
    };
    ended.map_err(|error| error.to_string())
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

fn check_valid(trial: Option<&Trial>, space: &Space) -> Result<(), String> {
    let Some(trial) = trial else {
        return Err("a started trial does not exist".into());
    };
    let entries = trial.configuration.entries().iter();
    let bare: Configuration = entries
        .filter(|(name, _)| space.get(name).is_some() || !BOOKKEEPING.contains(&name.as_ref()))
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

/// Spaces with everything that there is: all types, scales and steps, single values, nested
/// conditions, constraints.
pub fn contract_spaces() -> Vec<(&'static str, Space)> {
    let drafts = [
        ("numbers", numbers(), &[][..]),
        ("lists and single values", lists(), &[][..]),
        ("conditions", conditional(), &[][..]),
        (
            "constraints",
            numbers(),
            &["whole + stepped <= 5", "even > whole"][..],
        ),
    ];
    let spaces = drafts.into_iter().map(|(name, parameters, texts)| {
        let constraints = texts.iter().map(|text| Predicate::parse(text));
        let constraints = constraints.collect::<Result<_, _>>();
        let constraints = constraints.expect("a constraint without mistakes");
        let space = Space::new(parameters, constraints).expect("a space without mistakes");
        (name, space)
    });
    spaces.collect()
}

fn continuous(low: f64, high: f64, scale: Scale, step: Option<f64>) -> Domain {
    Domain::Continuous {
        low,
        high,
        scale,
        step,
    }
}

fn discrete(low: i64, high: i64, scale: Scale, step: Option<i64>) -> Domain {
    Domain::Discrete {
        low,
        high,
        scale,
        step,
    }
}

fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|text| Value::from(*text)).collect()
}

fn numbers() -> Vec<Parameter> {
    vec![
        Parameter::new("rate", continuous(1e-4, 1e-1, Scale::Log, None)),
        Parameter::new("share", continuous(-1.0, 1.0, Scale::Linear, None)),
        Parameter::new("stepped", continuous(0.0, 1.0, Scale::Linear, Some(0.1))),
        Parameter::new("whole", discrete(1, 20, Scale::Linear, None)),
        Parameter::new("even", discrete(0, 9, Scale::Linear, Some(2))),
        Parameter::new("power", discrete(1, 1000, Scale::Log, None)),
    ]
}

fn lists() -> Vec<Parameter> {
    let sizes = [8, 16, 32].map(Value::Int).to_vec();
    let pairs = vec![
        Value::from(vec![Value::Int(1), Value::Int(2)]),
        Value::from(Vec::new()),
        Value::None,
    ];
    vec![
        Parameter::new("size", Domain::Ordinal { values: sizes }),
        Parameter::new("layers", Domain::Choice { values: pairs }),
        Parameter::new(
            "only",
            Domain::Choice {
                values: texts(&["a"]),
            },
        ),
        Parameter::new("fixed", discrete(3, 3, Scale::Log, None)),
        Parameter::new("point", continuous(0.5, 0.5, Scale::Linear, None)),
        Parameter::new(
            "constant",
            Domain::Constant {
                value: Value::Int(60),
            },
        ),
    ]
}

fn conditional() -> Vec<Parameter> {
    let solver = Domain::Choice {
        values: texts(&["sgd", "adam", "none"]),
    };
    let nesterov = Domain::Choice {
        values: vec![Value::Bool(true), Value::Bool(false)],
    };
    let flag: Arc<str> = "nesterov".into();
    vec![
        // The child stands before its parents.
        Parameter::new("damping", discrete(1, 5, Scale::Linear, None))
            .when(&flag, vec![Value::Bool(true)]),
        Parameter::new("solver", solver),
        Parameter::new(flag.clone(), nesterov).when("solver", texts(&["sgd"])),
        Parameter::new("rate", continuous(1e-3, 1.0, Scale::Log, None))
            .when("solver", texts(&["sgd", "adam"])),
    ]
}
