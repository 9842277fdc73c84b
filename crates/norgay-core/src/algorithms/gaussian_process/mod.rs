//! Bayesian optimization with a Gaussian process over mixed, conditional spaces.
//!
//! Sources: Jones, Schonlau and Welch, "Efficient global optimization of expensive black-box
//! functions" (1998); Snoek, Larochelle and Adams, "Practical Bayesian optimization of machine
//! learning algorithms" (NeurIPS 2012). What differs is told where it is done.

pub(crate) mod acquisition;
pub(crate) mod algorithm;
pub(crate) mod feasibility;
pub(crate) mod history;
pub(crate) mod hyperparameters;
pub(crate) mod initial_design;
pub(crate) mod kernel;
mod local_quadratic;
pub(crate) mod log_expected_improvement;
pub(crate) mod model;
pub(crate) mod optimum_prior;
pub(crate) mod output_transform;
pub(crate) mod posterior;
mod regret;
pub(crate) mod search;
pub(crate) mod settings;
mod trust_region;
pub(crate) mod turbo;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod oracle;

pub(crate) use algorithm::{GaussianProcessSearch, SKILL};

use crate::algorithm::{Algorithm, AlgorithmError};
use crate::space::Space;

use super::{AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS};

use settings::Settings;

pub(super) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "gp",
    aliases: &["GaussianProcess"],
    summary: "Bayesian optimization with a Gaussian process",
    arguments: &[
        settings::ACQUISITION,
        settings::EXPLORATION,
        settings::INITIAL_POINTS,
        settings::TRANSFORM,
        settings::MEMBERS,
        settings::LOCAL,
        settings::PRIOR,
        settings::PRIOR_CONFIDENCE,
        settings::COST_AWARE,
        settings::REGRET_BOUND,
        MAX_NUM_TRIALS,
    ],
    allows_repetition: true,
    build,
};

/// What the argument of this name is.
pub(super) const fn argument(
    name: &'static str,
    default: &'static str,
    help: &'static str,
) -> ArgumentEntry {
    ArgumentEntry {
        name,
        default,
        help,
    }
}

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let settings = Settings::read(arguments, space)?;
    Ok(Box::new(GaussianProcessSearch::new(settings, space)))
}
