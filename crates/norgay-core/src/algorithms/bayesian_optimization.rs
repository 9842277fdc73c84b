//! The reference's `GPyOpt`: its names and arguments, over our own models.

use crate::algorithm::{Algorithm, AlgorithmError};
use crate::configuration::Configuration;
use crate::definition::AlgorithmChoice;
use crate::space::Space;
use crate::value::Value;

use super::gaussian_process::GaussianProcessSearch;
use super::gaussian_process::output_transform::OutputTransform;
use super::gaussian_process::settings::{CONFIDENCE, Settings, criterion};
use super::{AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS};

const MODEL: &str = "model_type";
const INITIAL: &str = "num_initial_data_points";
const GIVEN: &str = "initial_data_points";
const ACQUISITION: &str = "acquisition_type";
/// Members of the ensemble that stands for integration over hyperparameters.
const INTEGRATED: usize = 12;

pub(super) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "bayesian_optimization",
    aliases: &["BayesianOptimization", "GPyOpt"],
    summary: "Bayesian optimization with the names and arguments of the reference",
    arguments: &[
        ArgumentEntry {
            name: MODEL,
            default: "GP",
            help: "GP, GP_MCMC (hyperparameters integrated over), warpedGP (values warped) or RF \
                   (a random forest)",
        },
        ArgumentEntry {
            name: INITIAL,
            default: "infer",
            help: "points before the model is used; infer: one more than there are parameters",
        },
        ArgumentEntry {
            name: GIVEN,
            default: "[]",
            help: "configurations that are tried first: a list of dicts",
        },
        ArgumentEntry {
            name: ACQUISITION,
            default: "EI",
            help: "EI, MPI or LCB, or with GP_MCMC these and _MCMC",
        },
        ArgumentEntry {
            name: "max_concurrent",
            default: "the study's",
            help: "accepted for compatibility: pending trials are taken into account anyway",
        },
        ArgumentEntry {
            name: "verbosity",
            default: "false",
            help: "accepted for compatibility",
        },
        MAX_NUM_TRIALS,
    ],
    allows_repetition: true,
    build,
};

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    arguments.count("max_concurrent", 1)?;
    if let Some(given) = arguments.get("verbosity")
        && given.as_bool().is_none()
        && given.as_i64().is_none()
    {
        return Err(arguments.wrong("verbosity", "it must be true or false"));
    }
    let given_points = given_points(arguments, space)?;
    if arguments.get(MODEL).and_then(Value::as_text) == Some("RF") {
        return forest(arguments, space, &given_points);
    }
    let (members, transform) = model(arguments)?;
    let criterion = match arguments.get(ACQUISITION) {
        None => Settings::default().criterion,
        Some(given) => {
            let name = given.as_text().unwrap_or_default();
            if name.to_ascii_uppercase().ends_with("_MCMC") && members == 1 {
                let message = format!("{name} needs the model GP_MCMC");
                return Err(arguments.wrong(ACQUISITION, message));
            }
            criterion(given, CONFIDENCE).ok_or_else(|| {
                let message = format!("it must be EI, MPI or LCB (or with _MCMC), not {given}");
                arguments.wrong(ACQUISITION, message)
            })?
        }
    };
    let settings = Settings {
        criterion,
        initial_points: Some(initial_points(arguments, space)?.max(given_points.len())),
        given_points,
        transforms: vec![transform],
        members,
        local: false,
        prior: None,
        cost_aware: false,
        regret_bound: None,
        max_num_trials: arguments.max_num_trials()?,
    };
    Ok(Box::new(GaussianProcessSearch::new(settings, space)))
}

/// The reference's random forest is our algorithm `forest`.
fn forest(
    arguments: &Arguments<'_>,
    space: &Space,
    given_points: &[Configuration],
) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    if !given_points.is_empty() {
        let message = "with the model RF it is not there: put these configurations into the queue";
        return Err(arguments.wrong(GIVEN, message));
    }
    let initial = initial_points(arguments, space)?.max(1) as i64;
    let mut chosen = vec![("initial_points".to_string(), Value::Int(initial))];
    if let Some(most) = arguments.get(MAX_NUM_TRIALS.name) {
        chosen.push((MAX_NUM_TRIALS.name.to_string(), most.clone()));
    }
    super::build(
        &AlgorithmChoice {
            name: "forest".to_string(),
            arguments: chosen,
        },
        space,
    )
}

/// Size of the ensemble and transform of the values for each of the reference's models.
fn model(arguments: &Arguments<'_>) -> Result<(usize, OutputTransform), AlgorithmError> {
    let given = arguments.get(MODEL);
    let refused = |reason: &str| Err(arguments.wrong(MODEL, reason));
    match given.map(|given| given.as_text().unwrap_or_default()) {
        None | Some("GP") => Ok((1, OutputTransform::Standardise)),
        Some("GP_MCMC") => Ok((INTEGRATED, OutputTransform::Standardise)),
        Some("warpedGP" | "warperdGP") => Ok((1, OutputTransform::YeoJohnson)),
        Some("sparseGP") => refused(
            "sparseGP is not there: GP is exact to 300 results and takes the most telling of more",
        ),
        Some("InputWarpedGP") => {
            refused("InputWarpedGP is not there: give parameters a log scale, or use warpedGP")
        }
        Some(other) => refused(&format!(
            "it must be GP, GP_MCMC, warpedGP or RF, not {other}"
        )),
    }
}

/// One more than there are parameters, or what is given, but no fewer than there are parameters.
fn initial_points(arguments: &Arguments<'_>, space: &Space) -> Result<usize, AlgorithmError> {
    let parameters = space.parameters().len();
    let given = arguments.get(INITIAL);
    if given.is_none_or(|given| given.as_text() == Some("infer")) {
        return Ok(parameters + 1);
    }
    let number = given.and_then(Value::as_i64).filter(|number| *number >= 0);
    let number = number
        .ok_or_else(|| arguments.wrong(INITIAL, "it must be a whole number, or the word infer"))?;
    Ok((number as usize).max(parameters))
}

fn given_points(
    arguments: &Arguments<'_>,
    space: &Space,
) -> Result<Vec<Configuration>, AlgorithmError> {
    let Some(given) = arguments.get(GIVEN) else {
        return Ok(Vec::new());
    };
    let items = given
        .as_items()
        .ok_or_else(|| arguments.wrong(GIVEN, "it must be a list of dicts of parameter values"))?;
    let each = items.iter().enumerate().map(|(index, item)| {
        let place = format!("{GIVEN}[{index}]");
        let configuration = arguments.configuration(&place, item)?;
        space
            .validated(&configuration, |_| false)
            .map_err(|error| arguments.wrong(&place, error.to_string()))
    });
    each.collect()
}
