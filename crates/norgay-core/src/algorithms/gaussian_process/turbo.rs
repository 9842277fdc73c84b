//! Bayesian optimization in a trust region that grows with success and shrinks with failure.
//!
//! Source: Eriksson et al., "Scalable global optimization via local Bayesian optimization"
//! (NeurIPS 2019), TuRBO-1, with the expected improvement in place of Thompson sampling. The state
//! of the region is read from the notes on earlier suggestions and from what became of them.

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, View};
use crate::algorithms::encoding::Encoding;
use crate::algorithms::lesson::Lesson;
use crate::algorithms::{AlgorithmEntry, Arguments, MAX_NUM_TRIALS};
use crate::random::{Purpose, Stream};
use crate::space::Space;
use crate::trial::{Origin, Trial};
use crate::value::Value;

use super::acquisition::Criterion;
use super::history::History;
use super::initial_design::design_point;
use super::kernel::Metric;
use super::model::{Model, Observations, Recipe};
use super::output_transform::OutputTransform;
use super::search::{Effort, Region, Search};

const FIRST_LENGTH: f64 = 0.8;
const LARGEST_LENGTH: f64 = 1.6;
/// Below this side length a new region is begun elsewhere.
const SMALLEST_LENGTH: f64 = 1.0 / 128.0;
/// Successes in a row after which the region grows.
const SUCCESSES: u32 = 3;
/// Points that a local model is fitted to at most.
const MAX_POINTS: usize = 200;
/// Pending points taken into account at most.
const MAX_PENDING: usize = 100;
const REGION: &str = "region";
const LENGTH: &str = "length";

pub(crate) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "turbo",
    aliases: &["TuRBO", "trust_region"],
    summary: "Bayesian optimization in a trust region around the incumbent, for many parameters",
    arguments: &[MAX_NUM_TRIALS],
    allows_repetition: true,
    build,
};

struct Turbo {
    encoding: Encoding,
    metric: Metric,
    max_num_trials: u64,
}

/// The region as the log tells it.
#[derive(Clone, Debug, PartialEq)]
struct State {
    /// Which region, from 0.
    region: i64,
    length: f64,
    successes: u32,
    failures: u32,
    best: Option<f64>,
    /// Trials of this region.
    trials: usize,
}

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let encoding = Encoding::new(space);
    Ok(Box::new(Turbo {
        metric: Metric::of(&encoding),
        encoding,
        max_num_trials: arguments.max_num_trials()?,
    }))
}

/// The region that a trial belongs to; trials that users gave belong to the first.
fn region_of(view: &View<'_>, trial: &Trial) -> Option<i64> {
    if view.trials.origin(trial) == Origin::Enqueued {
        return Some(0);
    }
    view.trials.memo(trial)?.get(REGION)?.as_i64()
}

impl State {
    fn first(region: i64) -> Self {
        Self {
            region,
            length: FIRST_LENGTH,
            successes: 0,
            failures: 0,
            best: None,
            trials: 0,
        }
    }

    fn read(view: &View<'_>, patience: u32) -> Self {
        let mut state = Self::first(0);
        for trial in view.trials.iter() {
            if region_of(view, trial) != Some(state.region) {
                continue;
            }
            state.trials += 1;
            let was_local = view
                .trials
                .memo(trial)
                .is_some_and(|memo| memo.get(LENGTH).is_some());
            match Lesson::of(trial, view.direction) {
                Lesson::Value(value) => state.take(value, was_local, patience),
                Lesson::Failure if was_local => state.fail(patience),
                _ => {}
            }
            if state.length < SMALLEST_LENGTH {
                state = Self::first(state.region + 1);
            }
        }
        state
    }

    fn take(&mut self, value: f64, was_local: bool, patience: u32) {
        let improved = self
            .best
            .is_none_or(|best| value < best - 1e-3 * best.abs());
        self.best = Some(self.best.map_or(value, |best| best.min(value)));
        if !was_local {
            return;
        }
        if !improved {
            self.fail(patience);
            return;
        }
        self.failures = 0;
        self.successes += 1;
        if self.successes == SUCCESSES {
            self.successes = 0;
            self.length = (2.0 * self.length).min(LARGEST_LENGTH);
        }
    }

    fn fail(&mut self, patience: u32) {
        self.successes = 0;
        self.failures += 1;
        if self.failures == patience {
            self.failures = 0;
            self.length *= 0.5;
        }
    }
}

impl Algorithm for Turbo {
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        let d = self.encoding.len();
        let state = State::read(view, d.max(4) as u32);
        let history = History::read_those(view, &self.encoding, |trial| {
            region_of(view, trial) == Some(state.region)
        });
        let note = |length: Option<f64>| {
            let region = (Value::from(REGION), Value::Int(state.region));
            let length = length.map(|length| (Value::from(LENGTH), Value::Float(length)));
            Some(Value::Dict(std::iter::once(region).chain(length).collect()))
        };
        let wanted = (2 * d).clamp(4, 40);
        if state.trials >= wanted
            && history.values.len() >= 2
            && let Some(point) = self.local(view, &history, &state)
        {
            return Ok(Suggestion::Trial(Proposal {
                configuration: self.encoding.decode(view.space, &point),
                reason: format!(
                    "expected improvement in a trust region of side {:.3}",
                    state.length
                )
                .into(),
                memo: note(Some(state.length)),
            }));
        }
        let point = design_point(view, &self.encoding, &history.seen, view.suggested);
        let configuration = match point {
            Some(point) => self.encoding.decode(view.space, &point),
            None => {
                let mut stream = Stream::new(view.seed, view.next_number, Purpose::Sample);
                let configuration = view.space.sample(&mut stream)?;
                let point = self.encoding.encode(view.space, &configuration);
                if history.seen.contains(&point) {
                    return Ok(Suggestion::Done);
                }
                configuration
            }
        };
        Ok(Suggestion::Trial(Proposal {
            configuration,
            reason: "points spread over the space, to begin a trust region".into(),
            memo: note(None),
        }))
    }
}

impl Turbo {
    fn local(&self, view: &View<'_>, history: &History, state: &State) -> Option<Vec<f64>> {
        let best = history.best()?;
        let centre = &history.points[best];
        let mut order: Vec<usize> = (0..history.points.len()).collect();
        let distance = |k: &usize| -> f64 {
            let pairs = history.points[*k].iter().zip(centre).enumerate();
            pairs
                .map(|(p, (a, b))| self.metric.squared(p, *a, *b))
                .sum()
        };
        order.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
        order.truncate(MAX_POINTS);
        let points: Vec<Vec<f64>> = order.iter().map(|k| history.points[*k].clone()).collect();
        let values: Vec<f64> = order.iter().map(|k| history.values[*k]).collect();
        let repeats: Vec<f64> = order.iter().map(|k| history.repeats[*k]).collect();
        let eligible: Vec<bool> = order.iter().map(|k| history.is_feasible(*k)).collect();
        let first_pending = history.pending.len().saturating_sub(MAX_PENDING);
        let observations = Observations {
            metric: &self.metric,
            points: &points,
            values: &values,
            repeats: &repeats,
            pending: &history.pending[first_pending..],
            eligible: &eligible,
        };
        let recipe = Recipe {
            transforms: vec![OutputTransform::YeoJohnson],
            members: 1,
            steps: 20,
            afresh: true,
        };
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Model);
        let model = Model::fit(&observations, &recipe, None, &mut stream)?;
        let lengthscales: Vec<f64> = (0..self.encoding.len())
            .map(|p| model.hyperparameters.lengthscale(p))
            .collect();
        let region = self.region(centre, &lengthscales, state.length);
        let improvement = model.into_improvement(Criterion::ExpectedImprovement);
        let search = Search {
            space: view.space,
            encoding: &self.encoding,
            acquisition: &improvement,
            best: &points[..points.len().min(4)],
            lengthscales: &lengthscales,
            seen: &history.seen,
            region: Some(&region),
            effort: Effort::default(),
        };
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Acquisition);
        search.run(&mut stream).map(|(point, _)| point)
    }

    /// The box around a centre whose sides go by the lengthscales.
    fn region(&self, centre: &[f64], lengthscales: &[f64], length: f64) -> Region {
        let numeric = (0..centre.len()).filter(|p| !self.metric.categorical[*p]);
        let logs: Vec<f64> = numeric.map(|p| libm::log(lengthscales[p])).collect();
        let mean = logs.iter().sum::<f64>() / logs.len().max(1) as f64;
        let half = |p: usize| 0.5 * length * lengthscales[p] / libm::exp(mean);
        Region {
            low: (0..centre.len())
                .map(|p| (centre[p] - half(p)).max(0.0))
                .collect(),
            high: (0..centre.len())
                .map(|p| (centre[p] + half(p)).min(1.0))
                .collect(),
        }
    }
}
