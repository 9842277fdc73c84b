//! Small changes of values, as local search and population-based training make them.

use crate::algorithm::AlgorithmError;
use crate::configuration::Configuration;
use crate::space::{Domain, Space};
use crate::value::Value;

use super::{ArgumentEntry, Arguments};

pub(super) const PERTURBATION_FACTORS: ArgumentEntry = ArgumentEntry {
    name: "perturbation_factors",
    default: "[0.8, 1.2]",
    help: "what a number is multiplied by to change it a little",
};

/// The factors given, or those of the reference.
pub(super) fn factors(arguments: &Arguments<'_>) -> Result<Vec<f64>, AlgorithmError> {
    let name = "perturbation_factors";
    let Some(given) = arguments.get(name) else {
        return Ok(vec![0.8, 1.2]);
    };
    let usable = |item: &Value| {
        item.as_f64()
            .filter(|factor| factor.is_finite() && *factor > 0.0)
    };
    let read = given
        .as_items()
        .and_then(|items| items.iter().map(usable).collect::<Option<Vec<f64>>>());
    read.filter(|factors| !factors.is_empty()).ok_or_else(|| {
        let message = format!("it must be a list of numbers above 0, not {given}");
        arguments.wrong(name, message)
    })
}

/// The configuration without an algorithm's bookkeeping.
pub(super) fn parameters_only(space: &Space, configuration: &Configuration) -> Configuration {
    let entries = configuration.entries().iter();
    entries
        .filter(|(name, _)| space.get(name).is_some())
        .cloned()
        .collect()
}

/// A number times a factor, in the domain; where that is the same number, one step further.
pub(super) fn multiplied(
    domain: &Domain,
    value: &Value,
    number: f64,
    factor: f64,
) -> Option<Value> {
    let is_other = |moved: &Value| !moved.means_the_same(value);
    let moved = domain.nearest(number * factor)?;
    if is_other(&moved) {
        return Some(moved);
    }
    // Away from 0 for factors above 1; 0 itself goes up for these, and down for the others.
    let upwards = (factor > 1.0) == (number >= 0.0);
    let step = match domain {
        Domain::Discrete { step, .. } => step.unwrap_or(1) as f64,
        Domain::Continuous {
            step: Some(step), ..
        } => *step,
        // No factor moves 0; the same part of the range does.
        Domain::Continuous { low, high, .. } if number == 0.0 => {
            (factor - 1.0).abs() * (high * 0.5 - low * 0.5) * 2.0
        }
        _ => return None,
    };
    if factor == 1.0 {
        return None;
    }
    let stepped = if upwards {
        number + step
    } else {
        number - step
    };
    domain.nearest(stepped).filter(is_other)
}
