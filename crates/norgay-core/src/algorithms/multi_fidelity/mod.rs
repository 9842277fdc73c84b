//! Algorithms that give many configurations a small resource (epochs, samples) and go on with the
//! best of them: trials stand on rungs, and a trial that is promoted is a new trial that loads the
//! checkpoint of the old one.
//!
//! They share the [`ladder`] of resources, the reading of the [`rungs`] and the algorithm of
//! [`halving`], and differ in their brackets and in where new configurations come from.

pub(super) mod bohb;
pub(super) mod dehb;
mod halving;
pub(super) mod hyperband;
mod ladder;
pub(super) mod mobster;
mod model_searcher;
mod rungs;
mod shadows;
pub(super) mod successive_halving;

use crate::algorithm::AlgorithmError;

use super::{ArgumentEntry, Arguments, MAX_NUM_TRIALS};

const LEAST_RESOURCE: ArgumentEntry = ArgumentEntry {
    name: "r",
    default: "1",
    help: "smallest resource of a trial, such as a number of epochs",
};

const MOST_RESOURCE: ArgumentEntry = ArgumentEntry {
    name: "R",
    default: "9",
    help: "largest resource of a trial",
};

const FACTOR: ArgumentEntry = ArgumentEntry {
    name: "eta",
    default: "3",
    help: "factor between the resources of two rungs; one of so many results goes on",
};

/// What all take that climb from one resource to another.
const LADDER_ARGUMENTS: &[ArgumentEntry] = &[LEAST_RESOURCE, MOST_RESOURCE, FACTOR, MAX_NUM_TRIALS];

/// The smallest and largest resource and the factor between rungs.
fn resources(arguments: &Arguments<'_>) -> Result<(u64, u64, u64), AlgorithmError> {
    let least = arguments.count("r", 1)?.unwrap_or(1);
    let most = arguments.count("R", 1)?.unwrap_or(9);
    let factor = arguments.count("eta", 2)?.unwrap_or(3);
    if most < least {
        let message = format!("it must be at least r, which is {least}, not {most}");
        return Err(arguments.wrong("R", message));
    }
    Ok((least, most, factor))
}
