//! What can be chosen of a search with a Gaussian process.

use crate::algorithm::AlgorithmError;
use crate::algorithms::{ArgumentEntry, Arguments};
use crate::configuration::Configuration;
use crate::space::Space;
use crate::value::Value;

use super::acquisition::Criterion;
use super::argument;
use super::optimum_prior::OptimumPrior;
use super::output_transform::OutputTransform;

pub(crate) const ACQUISITION: ArgumentEntry = argument(
    "acquisition",
    "EI",
    "what candidates are ranked by: EI (expected improvement), MPI (probability of improvement) \
     or LCB (lower confidence bound)",
);
pub(crate) const EXPLORATION: ArgumentEntry = argument(
    "exploration",
    "2",
    "width of the confidence bound of LCB, in standard deviations",
);
pub(crate) const INITIAL_POINTS: ArgumentEntry = argument(
    "initial_points",
    "5 to 10, by the number of parameters",
    "points spread over the space before the model is used",
);
pub(crate) const TRANSFORM: ArgumentEntry = argument(
    "transform",
    "yeo_johnson",
    "what is done to the values: yeo_johnson, half_rank, standardise, or mix for all three",
);
pub(crate) const MEMBERS: ArgumentEntry = argument(
    "members",
    "6",
    "models in the ensemble, as long as there are at most 64 results; 1 for the most probable only",
);
pub(crate) const LOCAL: ArgumentEntry = argument(
    "local",
    "true",
    "whether a quadratic model around the incumbent makes some of the suggestions",
);
pub(crate) const PRIOR: ArgumentEntry = argument(
    "prior",
    "none",
    "where the optimum is believed to be: a dict of values of some parameters",
);
pub(crate) const PRIOR_CONFIDENCE: ArgumentEntry = argument(
    "prior_confidence",
    "medium",
    "how firm that belief is: low, medium or high",
);

pub(crate) const COST_AWARE: ArgumentEntry = argument(
    "cost_aware",
    "false",
    "whether shorter trials are preferred: improvement per time, less so as the budget is used up",
);
pub(crate) const REGRET_BOUND: ArgumentEntry = argument(
    "regret_bound",
    "none",
    "ends the search once the model is sure that the best result is at most so far from the \
     optimum, in standard deviations of the results (after their transform)",
);
/// Width of the confidence bound in standard deviations, as in the reference.
pub(crate) const CONFIDENCE: f64 = 2.0;

/// The choices.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) criterion: Criterion,
    /// Size of the initial design; by the space if absent.
    pub(crate) initial_points: Option<usize>,
    /// Configurations that are tried first.
    pub(crate) given_points: Vec<Configuration>,
    pub(crate) transforms: Vec<OutputTransform>,
    pub(crate) members: usize,
    pub(crate) local: bool,
    pub(crate) prior: Option<OptimumPrior>,
    pub(crate) cost_aware: bool,
    /// The regret at which the search ends.
    pub(crate) regret_bound: Option<f64>,
    pub(crate) max_num_trials: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            criterion: Criterion::ExpectedImprovement,
            initial_points: None,
            given_points: Vec::new(),
            transforms: vec![OutputTransform::YeoJohnson],
            members: 6,
            local: true,
            prior: None,
            cost_aware: false,
            regret_bound: None,
            max_num_trials: u64::MAX,
        }
    }
}

impl Settings {
    /// Reads the arguments of `gp`.
    pub(crate) fn read(arguments: &Arguments<'_>, space: &Space) -> Result<Self, AlgorithmError> {
        let defaults = Self::default();
        Ok(Self {
            criterion: match arguments.get(ACQUISITION.name) {
                None => defaults.criterion,
                Some(given) => criterion(given, exploration(arguments)?)
                    .ok_or_else(|| wrong(arguments, &ACQUISITION, "EI, MPI or LCB", given))?,
            },
            initial_points: arguments
                .count(INITIAL_POINTS.name, 1)?
                .map(|count| count as usize),
            transforms: match arguments.get(TRANSFORM.name) {
                None => defaults.transforms,
                Some(given) => transforms(given).ok_or_else(|| {
                    let right = "yeo_johnson, half_rank, standardise or mix";
                    wrong(arguments, &TRANSFORM, right, given)
                })?,
            },
            members: arguments
                .count(MEMBERS.name, 1)?
                .map_or(defaults.members, |count| (count as usize).min(64)),
            local: arguments.flag(LOCAL.name, defaults.local)?,
            prior: Self::prior(arguments, space)?,
            cost_aware: arguments.flag(COST_AWARE.name, false)?,
            regret_bound: regret_bound(arguments)?,
            max_num_trials: arguments.max_num_trials()?,
            ..defaults
        })
    }

    /// Reads the arguments of a prior on the optimum.
    pub(crate) fn prior(
        arguments: &Arguments<'_>,
        space: &Space,
    ) -> Result<Option<OptimumPrior>, AlgorithmError> {
        let spread = match arguments.get(PRIOR_CONFIDENCE.name).map(Value::as_text) {
            Some(Some("low")) => 0.35,
            None | Some(Some("medium")) => 0.2,
            Some(Some("high")) => 0.1,
            Some(_) => {
                let message = "it must be low, medium or high";
                return Err(arguments.wrong(PRIOR_CONFIDENCE.name, message));
            }
        };
        let Some(given) = arguments.get(PRIOR.name) else {
            return Ok(None);
        };
        let given = arguments.configuration(PRIOR.name, given)?;
        OptimumPrior::new(space, &given, spread)
            .map(Some)
            .map_err(|message| arguments.wrong(PRIOR.name, message))
    }
}

fn wrong(
    arguments: &Arguments<'_>,
    argument: &ArgumentEntry,
    right: &str,
    given: &Value,
) -> AlgorithmError {
    arguments.wrong(argument.name, format!("it must be {right}, not {given}"))
}

fn regret_bound(arguments: &Arguments<'_>) -> Result<Option<f64>, AlgorithmError> {
    let Some(given) = arguments.get(REGRET_BOUND.name) else {
        return Ok(None);
    };
    let bound = given
        .as_f64()
        .filter(|bound| *bound > 0.0 && bound.is_finite());
    let right = "a number above 0";
    bound
        .map(Some)
        .ok_or_else(|| wrong(arguments, &REGRET_BOUND, right, given))
}

fn exploration(arguments: &Arguments<'_>) -> Result<f64, AlgorithmError> {
    let Some(given) = arguments.get(EXPLORATION.name) else {
        return Ok(CONFIDENCE);
    };
    let width = given
        .as_f64()
        .filter(|width| *width >= 0.0 && width.is_finite());
    width.ok_or_else(|| wrong(arguments, &EXPLORATION, "a number from 0", given))
}

/// The criterion of a name, as in the reference.
pub(crate) fn criterion(name: &Value, exploration: f64) -> Option<Criterion> {
    match name.as_text()?.to_ascii_lowercase().as_str() {
        "ei" | "ei_mcmc" => Some(Criterion::ExpectedImprovement),
        "mpi" | "mpi_mcmc" => Some(Criterion::ProbabilityOfImprovement),
        "lcb" | "lcb_mcmc" => Some(Criterion::LowerConfidenceBound(exploration)),
        _ => None,
    }
}

fn transforms(name: &Value) -> Option<Vec<OutputTransform>> {
    match name.as_text()? {
        "yeo_johnson" => Some(vec![OutputTransform::YeoJohnson]),
        "half_rank" => Some(vec![OutputTransform::HalfRank]),
        "standardise" => Some(vec![OutputTransform::Standardise]),
        "mix" => Some(vec![
            OutputTransform::YeoJohnson,
            OutputTransform::HalfRank,
            OutputTransform::Standardise,
        ]),
        _ => None,
    }
}
