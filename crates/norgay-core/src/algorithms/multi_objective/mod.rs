//! Bayesian optimization of several objectives, with outcome constraints.
//!
//! - `ehvi`: the point with the largest expected hypervolume improvement (Daulton, Balandat and
//!   Bakshy, "Differentiable expected hypervolume improvement for parallel multi-objective
//!   Bayesian optimization", NeurIPS 2020, and "Parallel Bayesian optimization of multiple noisy
//!   objectives", NeurIPS 2021). Here the expectation is exact; of noisy results the front is one
//!   of posterior means; pending trials count as if they gave what the models expect.
//! - `parego`: the expected improvement of another weighting of the objectives for each trial
//!   (Knowles, 2006).
//!
//! Both have one Gaussian process an objective or weighting, and one an outcome constraint.

mod history;
mod hypervolume_improvement;
mod models;
mod scalarization;

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, View};
use crate::random::{Purpose, Stream};
use crate::space::Space;
use crate::value::Value;

use super::encoding::Encoding;
use super::gaussian_process::acquisition::Acquisition;
use super::gaussian_process::feasibility::Feasible;
use super::gaussian_process::initial_design::{design_point, design_size};
use super::gaussian_process::search::{Effort, Search};
use super::{AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS};

use history::History;
use models::Models;

/// Points that models are fitted to at most.
const MAX_POINTS: usize = 300;
/// Pending points that models take into account at most.
const MAX_PENDING: usize = 100;
/// Objectives for which the hypervolume's boxes are few enough.
const MAX_OBJECTIVES: usize = 4;

const INITIAL_POINTS: ArgumentEntry = ArgumentEntry {
    name: "num_initial_data_points",
    default: "infer",
    help: "points of the initial design",
};

const REFERENCE_POINT: ArgumentEntry = ArgumentEntry {
    name: "reference_point",
    default: "infer",
    help: "list of a value for each objective: trials that are worse in one of them are of no use",
};

pub(super) const EHVI: AlgorithmEntry = AlgorithmEntry {
    name: "ehvi",
    aliases: &["qlognehvi", "mobo"],
    summary: "expected hypervolume improvement, for several objectives and outcome constraints",
    arguments: &[INITIAL_POINTS, REFERENCE_POINT, MAX_NUM_TRIALS],
    allows_repetition: true,
    build: |arguments, space| build(arguments, space, Method::HypervolumeImprovement),
};

pub(super) const PAREGO: AlgorithmEntry = AlgorithmEntry {
    name: "parego",
    aliases: &[],
    summary: "expected improvement of changing weightings of several objectives",
    arguments: &[INITIAL_POINTS, MAX_NUM_TRIALS],
    allows_repetition: true,
    build: |arguments, space| build(arguments, space, Method::Scalarization),
};

/// What a point is worth to the objectives.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Method {
    HypervolumeImprovement,
    Scalarization,
}

struct ModelBased {
    method: Method,
    initial_points: Option<usize>,
    reference: Option<Vec<f64>>,
    max_num_trials: u64,
    encoding: Encoding,
}

fn build(
    arguments: &Arguments<'_>,
    space: &Space,
    method: Method,
) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let given = arguments.get(INITIAL_POINTS.name);
    let initial_points = match given.and_then(Value::as_text) {
        Some("infer") => None,
        _ => arguments.count(INITIAL_POINTS.name, 1)?,
    };
    Ok(Box::new(ModelBased {
        method,
        initial_points: initial_points.map(|points| points as usize),
        reference: match method {
            Method::HypervolumeImprovement => reference_point(arguments)?,
            Method::Scalarization => None,
        },
        max_num_trials: arguments.max_num_trials()?,
        encoding: Encoding::new(space),
    }))
}

/// The reference point that the user gives, if any.
fn reference_point(arguments: &Arguments<'_>) -> Result<Option<Vec<f64>>, AlgorithmError> {
    let name = REFERENCE_POINT.name;
    let given = match arguments.get(name) {
        None => return Ok(None),
        Some(value) if value.as_text() == Some("infer") => return Ok(None),
        Some(value) => value,
    };
    let numbers = given
        .as_items()
        .map(|items| items.iter().map(Value::as_f64));
    let numbers: Option<Vec<f64>> = numbers.and_then(Iterator::collect);
    match numbers {
        Some(numbers) if numbers.iter().all(|number| number.is_finite()) => Ok(Some(numbers)),
        _ => Err(arguments.wrong(name, "it must be a list of finite numbers")),
    }
}

/// A point and why it is suggested.
struct Choice {
    point: Vec<f64>,
    reason: String,
    memo: Option<Value>,
}

impl Algorithm for ModelBased {
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        self.check_reference(view)?;
        let history = History::read(view, &self.encoding);
        let inferred = || design_size(self.encoding.len(), view.budget);
        let wanted = self.initial_points.unwrap_or_else(inferred);
        if (history.len() < wanted || history.points.len() < 3)
            && let Some(point) = design_point(view, &self.encoding, &history.seen, view.suggested)
        {
            let reason = "initial design: points spread over the space".to_string();
            return Ok(self.proposal(view, point, reason, None));
        }
        let history = history.thinned(MAX_POINTS);
        match self.chosen(view, &history) {
            Some(choice) => Ok(self.proposal(view, choice.point, choice.reason, choice.memo)),
            None => self.unseen(view, &history),
        }
    }
}

impl ModelBased {
    fn proposal(
        &self,
        view: &View<'_>,
        point: Vec<f64>,
        reason: String,
        memo: Option<Value>,
    ) -> Suggestion {
        Suggestion::Trial(Proposal {
            configuration: self.encoding.decode(view.space, &point),
            reason: reason.into(),
            memo,
        })
    }

    fn check_reference(&self, view: &View<'_>) -> Result<(), AlgorithmError> {
        let (objectives, given) = (view.objectives(), self.reference.as_ref().map(Vec::len));
        if given.is_none_or(|given| given == objectives) {
            return Ok(());
        }
        Err(AlgorithmError::Unsuitable {
            algorithm: EHVI.name,
            message: format!("reference_point needs {objectives} values, one for each objective"),
        })
    }

    /// What the models choose; `None` if they can't.
    fn chosen(&self, view: &View<'_>, history: &History) -> Option<Choice> {
        if history.points.len() < 2 || self.encoding.len() == 0 {
            return None;
        }
        let mut models = Models::new(view, history, &self.encoding);
        let feasible = !history.feasible().is_empty();
        let (improvement, words) = match self.method {
            _ if !feasible => (None, "probability to keep the constraints".to_string()),
            Method::HypervolumeImprovement if view.objectives() <= MAX_OBJECTIVES => {
                let reference = self.reference.as_ref().map(|point| {
                    let pairs = point.iter().zip(view.directions());
                    pairs
                        .map(|(value, direction)| direction.minimized(*value))
                        .collect::<Vec<f64>>()
                });
                match models.hypervolume_improvement(reference.as_deref()) {
                    Some(worth) => (Some(worth), models.words_of_improvement()),
                    None => models.scalarized()?,
                }
            }
            _ => models.scalarized()?,
        };
        let acquisition = Feasible {
            improvement,
            limits: models.limits(),
            failures: models.failures(),
            cost: None,
        };
        if acquisition.improvement.is_none()
            && acquisition.limits.is_empty()
            && acquisition.failures.is_none()
        {
            return None;
        }
        let point = self.best_point(view, history, &acquisition, &models)?;
        let reason = format!("{words}, by models of {} results", history.points.len());
        let memo = Some(models.memo());
        Some(Choice {
            point,
            reason,
            memo,
        })
    }

    fn best_point(
        &self,
        view: &View<'_>,
        history: &History,
        acquisition: &dyn Acquisition,
        models: &Models<'_>,
    ) -> Option<Vec<f64>> {
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Acquisition);
        let best = centres(history, &mut stream);
        let lengthscales = models.lengthscales();
        let search = Search {
            space: view.space,
            encoding: &self.encoding,
            acquisition,
            best: &best,
            lengthscales: &lengthscales,
            seen: &history.seen,
            region: None,
            effort: Effort::default(),
        };
        search.run(&mut stream).map(|(point, _)| point)
    }

    /// A point that was not seen, or the end where there seems to be none.
    fn unseen(&self, view: &View<'_>, history: &History) -> Result<Suggestion, AlgorithmError> {
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Sample);
        for _ in 0..1000 {
            let configuration = view.space.sample(&mut stream)?;
            let point = self.encoding.encode(view.space, &configuration);
            if !history.seen.contains(&point) {
                let reason = "a random configuration that was not tried yet".to_string();
                return Ok(self.proposal(view, point, reason, None));
            }
        }
        Ok(Suggestion::Done)
    }
}

/// The points around which the search looks closely: some of the front, others each time, or the
/// least infeasible ones.
fn centres(history: &History, stream: &mut Stream) -> Vec<Vec<f64>> {
    let mut places = history.front();
    if places.is_empty() {
        places = (0..history.points.len()).collect();
        places.sort_by(|a, b| history.violations[*a].total_cmp(&history.violations[*b]));
    } else {
        stream.shuffle(&mut places);
    }
    let places = places.into_iter().take(4);
    places.map(|place| history.points[place].clone()).collect()
}
