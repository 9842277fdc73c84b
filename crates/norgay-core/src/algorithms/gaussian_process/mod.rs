//! Bayesian optimization with a Gaussian process over mixed, conditional spaces.
//!
//! Sources: Jones, Schonlau and Welch, "Efficient global optimization of expensive black-box
//! functions" (1998); Snoek, Larochelle and Adams, "Practical Bayesian optimization of machine
//! learning algorithms" (NeurIPS 2012). What differs is told where it is done.

pub(crate) mod acquisition;
pub(crate) mod history;
pub(crate) mod hyperparameters;
pub(crate) mod initial_design;
pub(crate) mod kernel;
mod local_quadratic;
pub(crate) mod log_expected_improvement;
pub(crate) mod model;
pub(crate) mod output_transform;
pub(crate) mod posterior;
pub(crate) mod search;
mod trust_region;

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, View};
use crate::random::{Purpose, Stream};
use crate::space::Space;
use crate::value::Value;

use super::encoding::Encoding;
use super::{AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS};

use acquisition::Criterion;
use history::History;
use hyperparameters::Hyperparameters;
use initial_design::{design_point, design_size};
use kernel::Metric;
use model::{Model, Observations, Recipe};
use output_transform::OutputTransform;
use search::{Effort, Search};
use trust_region::{Progress, local_point};

/// Points that a model is fitted to at most.
const MAX_POINTS: usize = 300;
/// Pending points that a model takes into account at most.
const MAX_PENDING: usize = 100;
/// Above this variance of the noise no local model is used.
const LOCAL_NOISE: f64 = 0.1;
/// What the memo of a trial calls the hyperparameters of the model that suggested it.
const HYPERPARAMETERS: &str = "hyperparameters";

pub(super) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "gp",
    aliases: &[
        "GaussianProcess",
        "bayesian_optimization",
        "BayesianOptimization",
        "GPyOpt",
    ],
    summary: "Bayesian optimization with a Gaussian process",
    arguments: &[
        ArgumentEntry {
            name: "acquisition",
            default: "EI",
            help: "what candidates are ranked by: EI (expected improvement), MPI (probability of \
                   improvement) or LCB (lower confidence bound)",
        },
        ArgumentEntry {
            name: "num_initial_data_points",
            default: "infer",
            help: "points of the initial design",
        },
        ArgumentEntry {
            name: "transform",
            default: "yeo_johnson",
            help: "transform of the values: standardise, yeo_johnson, half_rank or mix",
        },
        ArgumentEntry {
            name: "members",
            default: "6",
            help: "processes in the ensemble of a model",
        },
        ArgumentEntry {
            name: "local",
            default: "true",
            help: "whether a quadratic model around the incumbent makes some of the suggestions",
        },
        MAX_NUM_TRIALS,
    ],
    allows_repetition: true,
    build,
};

struct GaussianProcessSearch {
    criterion: Criterion,
    initial_points: Option<usize>,
    transforms: Vec<OutputTransform>,
    members: u64,
    local: bool,
    max_num_trials: u64,
    encoding: Encoding,
}

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let criterion = match arguments
        .get("acquisition")
        .map(ToString::to_string)
        .as_deref()
    {
        None | Some("EI" | "ei") => Criterion::ExpectedImprovement,
        Some("MPI" | "mpi") => Criterion::ProbabilityOfImprovement,
        Some("LCB" | "lcb") => Criterion::LowerConfidenceBound(2.0),
        Some(other) => {
            let message = format!("it must be EI, MPI or LCB, not {other}");
            return Err(arguments.wrong("acquisition", message));
        }
    };
    let transforms = match arguments
        .get("transform")
        .map(ToString::to_string)
        .as_deref()
    {
        Some("standardise") => vec![OutputTransform::Standardise],
        Some("half_rank") => vec![OutputTransform::HalfRank],
        Some("mix") => vec![
            OutputTransform::YeoJohnson,
            OutputTransform::HalfRank,
            OutputTransform::Standardise,
        ],
        _ => vec![OutputTransform::YeoJohnson],
    };
    let initial = arguments.get("num_initial_data_points");
    let initial_points = match initial.and_then(Value::as_text) {
        Some("infer") => None,
        _ => arguments
            .count("num_initial_data_points", 1)?
            .map(|n| n as usize),
    };
    Ok(Box::new(GaussianProcessSearch {
        criterion,
        initial_points,
        transforms,
        members: arguments.count("members", 1)?.unwrap_or(6),
        local: arguments.flag("local", true)?,
        max_num_trials: arguments.max_num_trials()?,
        encoding: Encoding::new(space),
    }))
}

impl Algorithm for GaussianProcessSearch {
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        let history = History::read(view, &self.encoding);
        let wanted = self
            .initial_points
            .unwrap_or_else(|| design_size(self.encoding.len(), view.budget));
        if (history.len() < wanted || history.values.len() < 3)
            && let Some(point) = design_point(view, &self.encoding, &history.seen, view.suggested)
        {
            let reason = "initial design: points spread over the space".to_string();
            return Ok(self.proposal(view, &point, reason, None));
        }
        if self.local
            && let Some(suggestion) = self.local(view, &history)
        {
            return Ok(suggestion);
        }
        if let Some(suggestion) = self.model_based(view, &history) {
            return Ok(suggestion);
        }
        self.unseen(view, &history)
    }
}

impl GaussianProcessSearch {
    fn proposal(
        &self,
        view: &View<'_>,
        point: &[f64],
        reason: String,
        memo: Option<Value>,
    ) -> Suggestion {
        Suggestion::Trial(Proposal {
            configuration: self.encoding.decode(view.space, point),
            reason: reason.into(),
            memo,
        })
    }

    /// A suggestion of the local model, if one is due and it promises something.
    fn local(&self, view: &View<'_>, history: &History) -> Option<Suggestion> {
        let progress = Progress::read(view);
        if !progress.is_due() {
            return None;
        }
        let hyper =
            previous_hyperparameters(view).filter(|hyper| hyper.0.len() == self.encoding.len() + 2);
        if hyper
            .as_ref()
            .is_some_and(|hyper| hyper.noise() > LOCAL_NOISE)
        {
            return None;
        }
        let lengthscales: Option<Vec<f64>> = hyper.map(|hyper| {
            (0..self.encoding.len())
                .map(|p| hyper.lengthscale(p))
                .collect()
        });
        let found = local_point(
            view,
            &self.encoding,
            history,
            lengthscales.as_deref(),
            &progress,
        )?;
        let reason = format!(
            "the minimum of a quadratic model within {:.2e} of the incumbent",
            found.radius
        );
        let memo = Value::Dict(found.memo().into());
        Some(self.proposal(view, &found.point, reason, Some(memo)))
    }

    fn model_based(&self, view: &View<'_>, history: &History) -> Option<Suggestion> {
        if history.values.len() < 2 || self.encoding.len() == 0 {
            return None;
        }
        let metric = Metric {
            categorical: self
                .encoding
                .dimensions()
                .iter()
                .map(|dimension| dimension.axis.is_category())
                .collect(),
        };
        let previous = previous_hyperparameters(view);
        let chosen = subset(history, MAX_POINTS);
        let pick = |all: &[Vec<f64>]| chosen.iter().map(|k| all[*k].clone()).collect::<Vec<_>>();
        let numbers = |all: &[f64]| chosen.iter().map(|k| all[*k]).collect::<Vec<_>>();
        let points = pick(&history.points);
        let (values, repeats) = (numbers(&history.values), numbers(&history.repeats));
        let first_pending = history.pending.len().saturating_sub(MAX_PENDING);
        let observations = Observations {
            metric: &metric,
            points: &points,
            values: &values,
            repeats: &repeats,
            pending: &history.pending[first_pending..],
        };
        let recipe = Recipe {
            transforms: self.transforms.clone(),
            members: if values.len() <= 64 {
                self.members as usize
            } else {
                1
            },
            steps: 25,
        };
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Model);
        let model = Model::fit(&observations, &recipe, previous.as_ref(), &mut stream)?;
        let hyper = model.hyperparameters.clone();
        let lengthscales: Vec<f64> = (0..self.encoding.len())
            .map(|p| hyper.lengthscale(p))
            .collect();
        let improvement = model.into_improvement(self.criterion);
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
        let best: Vec<Vec<f64>> = order.iter().take(4).map(|k| points[*k].clone()).collect();
        let search = Search {
            space: view.space,
            encoding: &self.encoding,
            acquisition: &improvement,
            best: &best,
            lengthscales: &lengthscales,
            seen: &history.seen,
            region: None,
            effort: Effort::default(),
        };
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Acquisition);
        let (point, _) = search.run(&mut stream)?;
        let memo = Value::Dict(
            vec![(
                Value::from(HYPERPARAMETERS),
                hyper
                    .0
                    .iter()
                    .map(|x| Value::Float(*x))
                    .collect::<Vec<_>>()
                    .into(),
            )]
            .into(),
        );
        let reason = format!(
            "expected improvement by a model of {} results",
            values.len()
        );
        Some(self.proposal(view, &point, reason, Some(memo)))
    }

    /// A point that was not seen, or the end where there seems to be none.
    fn unseen(&self, view: &View<'_>, history: &History) -> Result<Suggestion, AlgorithmError> {
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Sample);
        for _ in 0..1000 {
            let configuration = view.space.sample(&mut stream)?;
            let point = self.encoding.encode(view.space, &configuration);
            if !history.seen.contains(&point) {
                let reason = "a random configuration that was not tried yet".to_string();
                return Ok(self.proposal(view, &point, reason, None));
            }
        }
        Ok(Suggestion::Done)
    }
}

/// The hyperparameters of the last suggestion that noted some.
fn previous_hyperparameters(view: &View<'_>) -> Option<Hyperparameters> {
    view.trials.iter().rev().take(50).find_map(|trial| {
        let noted = view.trials.memo(trial)?.get(HYPERPARAMETERS)?.as_items()?;
        noted
            .iter()
            .map(Value::as_f64)
            .collect::<Option<Vec<f64>>>()
            .map(Hyperparameters)
    })
}

/// Positions of the points that a model is fitted to: all, or the best, and some of the others
/// chosen in a way that does not change from one suggestion to the next.
fn subset(history: &History, most: usize) -> Vec<usize> {
    let n = history.points.len();
    if n <= most {
        return (0..n).collect();
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| history.values[*a].total_cmp(&history.values[*b]));
    let (best, rest) = order.split_at(most * 2 / 3);
    let mut rest = rest.to_vec();
    rest.sort_by_key(|k| (*k as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut chosen: Vec<usize> = best
        .iter()
        .chain(rest.iter().take(most - best.len()))
        .copied()
        .collect();
    chosen.sort_unstable();
    chosen
}
