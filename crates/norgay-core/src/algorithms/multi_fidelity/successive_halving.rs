//! Successive halving in the asynchronous form with promotion: one bracket, random configurations.
//!
//! Source: Li et al., "A System for Massively Parallel Hyperparameter Tuning" (MLSys 2020), with
//! the arguments and entries of the reference.

use crate::algorithm::{Algorithm, AlgorithmError};
use crate::algorithms::{AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS};
use crate::space::Space;

use super::halving::{Halving, RandomSearcher};
use super::ladder::Ladder;

pub(in crate::algorithms) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "successive_halving",
    aliases: &["SuccessiveHalving", "asha"],
    summary: "gives many random configurations little, and the best of them ever more",
    arguments: &[
        super::LEAST_RESOURCE,
        super::MOST_RESOURCE,
        super::FACTOR,
        ArgumentEntry {
            name: "s",
            default: "0",
            help: "number of lowest rungs left out: every trial starts with r * eta^s",
        },
        ArgumentEntry {
            name: "max_finished_configs",
            default: "50",
            help: "number of completed trials on the highest rung that ends the search; 0: no end",
        },
        MAX_NUM_TRIALS,
    ],
    allows_repetition: false,
    build,
};

fn build(arguments: &Arguments<'_>, _: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let (least, most, factor) = super::resources(arguments)?;
    let ladder = Ladder::from_least(least, most, factor);
    let left_out = arguments.count("s", 0)?.unwrap_or(0);
    let start = usize::try_from(left_out).unwrap_or(usize::MAX);
    if start >= ladder.levels() {
        let message = format!(
            "it must be below the number of rungs, which is {}, not {left_out}",
            ladder.levels()
        );
        return Err(arguments.wrong("s", message));
    }
    let name = "max_finished_configs";
    // An absent argument has the default, one that is none or false or 0 means no end.
    let enough = match arguments.given(name) {
        None => 50,
        Some(value) if value.as_bool() == Some(false) => 0,
        Some(_) => arguments.count(name, 0)?.unwrap_or(0),
    };
    Ok(Box::new(Halving {
        ladder,
        brackets: vec![(start, 1.0)],
        max_finished: Some(enough).filter(|enough| *enough > 0),
        max_num_trials: arguments.max_num_trials()?,
        searcher: RandomSearcher,
    }))
}
