//! The search itself: which model makes the next suggestion.

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, View};
use crate::algorithms::encoding::Encoding;
use crate::random::{Purpose, Stream};
use crate::space::Space;
use crate::value::Value;

use super::acquisition::{Acquisition, Criterion, Improvement, Member};
use super::feasibility::{Cost, FailureModel, Feasible, dampened};
use super::history::History;
use super::hyperparameters::{Data, Evidence, Hyperparameters, Prior};
use super::initial_design::{design_point, design_size, middle};
use super::kernel::Metric;
use super::model::{Model, Observations, Recipe};
use super::optimum_prior::{Believed, OptimumPrior};
use super::posterior::Posterior;
use super::regret::{confidence_width, least_upper_bound};
use super::search::{Effort, Search};
use super::settings::Settings;
use super::trust_region::{Progress, local_point};

/// Points that a model is fitted to at most.
const MAX_POINTS: usize = 300;
/// Most numbers in the table of differences between the points of a model.
const MAX_DIFFERENCES: usize = 1_500_000;
/// Pending points that a model takes into account at most.
const MAX_PENDING: usize = 100;
/// Results up to which an ensemble is worth its time.
const ENSEMBLE_POINTS: usize = 64;
/// Above this variance of the noise no local model is used.
const LOCAL_NOISE: f64 = 0.1;
/// Logarithms of run times that differ by less are all the same.
const LEAST_TIME_DEVIATION: f64 = 0.05;
/// What the memo of a trial calls the hyperparameters of the model that suggested it.
const HYPERPARAMETERS: &str = "hyperparameters";
/// What the memo of a trial calls the skill of that model.
pub(crate) const SKILL: &str = "skill";

/// Bayesian optimization with a Gaussian process.
pub(crate) struct GaussianProcessSearch {
    settings: Settings,
    encoding: Encoding,
    metric: Metric,
}

/// The part of a history that models are fitted to.
struct Chosen {
    points: Vec<Vec<f64>>,
    values: Vec<f64>,
    repeats: Vec<f64>,
    outcomes: Vec<Vec<f64>>,
    log_times: Vec<f64>,
    eligible: Vec<bool>,
    pending: Vec<Vec<f64>>,
}

impl Algorithm for GaussianProcessSearch {
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.settings.max_num_trials {
            return Ok(Suggestion::Done);
        }
        if let Some(given) = self.settings.given_points.get(view.suggested as usize) {
            return Ok(Suggestion::Trial(Proposal {
                configuration: given.clone(),
                reason: "one of the given initial points".into(),
                memo: None,
            }));
        }
        let history = History::read(view, &self.encoding);
        if let Some(suggestion) = self.design(view, &history) {
            return Ok(suggestion);
        }
        let local = (self.settings.local && self.settings.regret_bound.is_none())
            .then(|| self.local(view, &history));
        if let Some(suggestion) = local.flatten() {
            return Ok(suggestion);
        }
        if let Some(suggestion) = self.model_based(view, &history) {
            return Ok(suggestion);
        }
        self.unseen(view, &history)
    }
}

impl GaussianProcessSearch {
    /// A search of a space.
    pub(crate) fn new(settings: Settings, space: &Space) -> Self {
        let encoding = Encoding::new(space);
        let metric = Metric::of(&encoding);
        Self {
            settings,
            encoding,
            metric,
        }
    }

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

    /// A point of the initial design, while there is too little for a model.
    fn design(&self, view: &View<'_>, history: &History) -> Option<Suggestion> {
        let wanted = self
            .settings
            .initial_points
            .unwrap_or_else(|| design_size(self.encoding.len(), view.budget));
        let is_over = history.len() >= wanted && history.values.len() >= 3;
        // Where nothing works, a model of the failures finds the way out better than chance.
        let is_hopeless = history.values.is_empty() && history.failures.len() >= wanted.max(5);
        if is_over || is_hopeless {
            return None;
        }
        let believed = self.settings.prior.as_ref().filter(|_| view.suggested == 0);
        let believed = believed.and_then(|prior| {
            let mut point = prior.point(&middle(view, &self.encoding));
            self.encoding.snap(view.space, &mut point);
            let configuration = self.encoding.decode(view.space, &point);
            let admitted = !history.seen.contains(&point) && view.space.is_feasible(&configuration);
            admitted.then_some((point, "where the optimum is believed to be"))
        });
        let (point, reason) = believed.or_else(|| {
            design_point(view, &self.encoding, &history.seen, view.suggested)
                .map(|point| (point, "initial design: points spread over the space"))
        })?;
        Some(self.proposal(view, &point, reason.to_string(), None))
    }

    /// A suggestion of the local model, if one is due and it promises something.
    fn local(&self, view: &View<'_>, history: &History) -> Option<Suggestion> {
        let progress = Progress::read(view);
        if !progress.is_due() {
            return None;
        }
        let hyper = self.previous(view);
        if hyper
            .as_ref()
            .is_some_and(|hyper| hyper.noise() > LOCAL_NOISE)
        {
            return None;
        }
        let lengthscales = hyper.map(|hyper| self.lengthscales(&hyper));
        let found = local_point(
            view,
            &self.encoding,
            history,
            lengthscales.as_deref(),
            &progress,
        )?;
        let fails = |model: FailureModel| !model.expects_success(&found.point);
        if !history.failures.is_empty()
            && self
                .failures(history, &self.choose(history))
                .is_some_and(fails)
        {
            return None;
        }
        let reason = format!(
            "the minimum of a quadratic model within {:.2e} of the incumbent",
            found.radius
        );
        let memo = Value::Dict(found.memo().into());
        Some(self.proposal(view, &found.point, reason, Some(memo)))
    }

    fn lengthscales(&self, hyper: &Hyperparameters) -> Vec<f64> {
        (0..self.encoding.len())
            .map(|p| hyper.lengthscale(p))
            .collect()
    }

    /// The point of the largest acquisition.
    fn model_based(&self, view: &View<'_>, history: &History) -> Option<Suggestion> {
        if self.encoding.len() == 0 || history.len() == 0 {
            return None;
        }
        let chosen = self.choose(history);
        let observations = Observations {
            metric: &self.metric,
            points: &chosen.points,
            values: &chosen.values,
            repeats: &chosen.repeats,
            pending: &chosen.pending,
            eligible: &chosen.eligible,
        };
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Model);
        let feasible = chosen.eligible.iter().any(|eligible| *eligible);
        let model = if feasible && chosen.values.len() >= 2 {
            let members = match chosen.values.len() {
                n if n <= ENSEMBLE_POINTS => self.settings.members,
                n if n <= 2 * ENSEMBLE_POINTS => self.settings.members.div_ceil(2),
                _ => 1,
            };
            let recipe = Recipe {
                transforms: self.settings.transforms.clone(),
                members,
                steps: if chosen.values.len() <= 128 { 25 } else { 12 },
                afresh: chosen.values.len() <= 20 || view.next_number.is_multiple_of(4),
            };
            Some(Model::fit(
                &observations,
                &recipe,
                self.previous(view).as_ref(),
                &mut stream,
            )?)
        } else {
            None
        };
        if let (Some(model), Some(bound)) = (&model, self.settings.regret_bound)
            && self.regret(view, history, &chosen, model) < bound
        {
            // Running trials may still show otherwise.
            return Some(if history.pending.is_empty() {
                Suggestion::Done
            } else {
                Suggestion::Wait
            });
        }
        let hyper = model.as_ref().map(|model| model.hyperparameters.clone());
        let skill = model.as_ref().map_or(0.0, |model| model.skill);
        let initial = Hyperparameters::initial(self.encoding.len());
        let lengthscales = self.lengthscales(hyper.as_ref().unwrap_or(&initial));
        let acquisition = Feasible {
            improvement: model.map(|model| -> Box<dyn Acquisition> {
                Box::new(model.into_improvement(self.settings.criterion))
            }),
            limits: Self::limits(&chosen, &observations),
            failures: self.failures(history, &chosen),
            cost: self.cost(view, &chosen, &observations),
        };
        if acquisition.improvement.is_none()
            && acquisition.limits.is_empty()
            && acquisition.failures.is_none()
        {
            return None;
        }
        let results = chosen.values.len();
        let (point, _) = self.maximize(view, history, &chosen, &lengthscales, &acquisition)?;
        let reason = match (&acquisition.improvement, acquisition.limits.is_empty()) {
            (Some(_), true) => {
                format!("expected improvement by a model of {results} results, skill {skill:.2}")
            }
            (Some(_), false) => {
                format!("expected improvement within the limits by models of {results} results")
            }
            (None, _) => "likely to work, by models of what did not".to_string(),
        };
        let memo = hyper.map(|hyper| noted(&hyper, skill));
        Some(self.proposal(view, &point, reason, memo))
    }

    /// A bound of how much better than the best result anything may be, by the most probable
    /// process.
    fn regret(&self, view: &View<'_>, history: &History, chosen: &Chosen, model: &Model) -> f64 {
        let Some(member) = model.members.first() else {
            return f64::INFINITY;
        };
        let width = confidence_width(self.encoding.len(), chosen.values.len());
        let best = least_upper_bound(&member.posterior, &chosen.points, width);
        let lengthscales = self.lengthscales(&model.hyperparameters);
        let lowest = Improvement {
            members: vec![Member {
                posterior: member.posterior.clone(),
                incumbent: member.incumbent,
            }],
            criterion: Criterion::LowerConfidenceBound(width),
        };
        match self.maximize(view, history, chosen, &lengthscales, &lowest) {
            Some((_, negated)) => best + negated,
            None => f64::INFINITY,
        }
    }

    fn maximize(
        &self,
        view: &View<'_>,
        history: &History,
        chosen: &Chosen,
        lengthscales: &[f64],
        acquisition: &dyn Acquisition,
    ) -> Option<(Vec<f64>, f64)> {
        let mut order: Vec<usize> = (0..chosen.points.len()).collect();
        order.sort_by(|a, b| {
            let infeasible = |k: usize| !chosen.eligible[k];
            infeasible(*a)
                .cmp(&infeasible(*b))
                .then(chosen.values[*a].total_cmp(&chosen.values[*b]))
        });
        let best: Vec<Vec<f64>> = order
            .iter()
            .take(4)
            .map(|k| chosen.points[*k].clone())
            .collect();
        let believed = self.settings.prior.as_ref().and_then(|prior| {
            OptimumPrior::power(history.values.len()).map(|power| Believed {
                inner: acquisition,
                prior,
                power,
            })
        });
        let search = Search {
            space: view.space,
            encoding: &self.encoding,
            acquisition: believed
                .as_ref()
                .map_or(acquisition, |b| b as &dyn Acquisition),
            best: &best,
            lengthscales,
            seen: &history.seen,
            region: None,
            effort: Effort::default(),
        };
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Acquisition);
        search.run(&mut stream)
    }

    /// Models of the metrics that have limits.
    fn limits(chosen: &Chosen, observations: &Observations<'_>) -> Vec<Posterior> {
        let count = chosen.outcomes.first().map_or(0, Vec::len);
        (0..count)
            .filter_map(|limit| {
                let values: Vec<f64> = chosen.outcomes.iter().map(|o| o[limit]).collect();
                let data = observations.with_values(dampened(&values));
                let hyper = most_probable(&data)?;
                Posterior::new(&data, &hyper, &chosen.pending).ok()
            })
            .collect()
    }

    /// The model of run times, if shorter trials are preferred and times differ.
    fn cost(
        &self,
        view: &View<'_>,
        chosen: &Chosen,
        observations: &Observations<'_>,
    ) -> Option<Cost> {
        if !self.settings.cost_aware || chosen.log_times.len() < 3 {
            return None;
        }
        let times = &chosen.log_times;
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        let variance = times.iter().map(|t| (t - mean) * (t - mean)).sum::<f64>();
        let deviation = (variance / times.len() as f64).sqrt();
        if deviation < LEAST_TIME_DEVIATION {
            return None;
        }
        let scaled = times.iter().map(|t| (t - mean) / deviation).collect();
        let data = observations.with_values(scaled);
        let posterior = Posterior::new(&data, &most_probable(&data)?, &[]).ok()?;
        let left = view.budget.map_or(0.5, |budget| {
            1.0 - (view.trials.len() as f64 / budget.max(1) as f64).min(1.0)
        });
        Some(Cost {
            posterior,
            weight: deviation * left,
        })
    }

    /// The model of failures, if there are any.
    fn failures(&self, history: &History, chosen: &Chosen) -> Option<FailureModel> {
        if history.failures.is_empty() {
            return None;
        }
        let first = history.failures.len().saturating_sub(MAX_POINTS / 2);
        let failed = history.failures[first..].iter().map(|point| (point, -1.0));
        let worked = chosen.points.iter().map(|point| (point, 1.0));
        let rows: Vec<(&Vec<f64>, f64)> = worked.chain(failed).collect();
        let points: Vec<Vec<f64>> = rows.iter().map(|(point, _)| (*point).clone()).collect();
        let labels: Vec<f64> = rows.iter().map(|(_, label)| *label).collect();
        let ones = vec![1.0; rows.len()];
        let observations = Observations {
            metric: &self.metric,
            points: &points,
            values: &labels,
            repeats: &ones,
            pending: &[],
            eligible: &[],
        };
        let latest = history.latest_failed.iter().filter(|failed| **failed);
        let caution = 1.0 + latest.count() as f64;
        FailureModel::fit(&observations.with_values(labels.clone()), caution)
    }

    /// Points that a model is fitted to: all, or the best, and some of the others chosen in a way
    /// that does not change from one suggestion to the next.
    fn choose(&self, history: &History) -> Chosen {
        let d = self.encoding.len().max(1);
        let affordable = ((2 * MAX_DIFFERENCES / d) as f64).sqrt() as usize;
        let most = MAX_POINTS.min(affordable).max(50);
        let positions = subset(&history.values, most);
        let pick = |all: &[Vec<f64>]| positions.iter().map(|k| all[*k].clone()).collect();
        let first_pending = history.pending.len().saturating_sub(MAX_PENDING);
        Chosen {
            points: pick(&history.points),
            values: positions.iter().map(|k| history.values[*k]).collect(),
            repeats: positions.iter().map(|k| history.repeats[*k]).collect(),
            outcomes: pick(&history.outcomes),
            log_times: positions.iter().map(|k| history.log_times[*k]).collect(),
            eligible: positions.iter().map(|k| history.is_feasible(*k)).collect(),
            pending: history.pending[first_pending..].to_vec(),
        }
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

    /// The hyperparameters of the last suggestion that noted some for as many dimensions.
    fn previous(&self, view: &View<'_>) -> Option<Hyperparameters> {
        let noted = view.trials.iter().rev().take(50).find_map(|trial| {
            let noted = view.trials.memo(trial)?.get(HYPERPARAMETERS)?.as_items()?;
            let numbers: Option<Vec<f64>> = noted.iter().map(Value::as_f64).collect();
            numbers.map(Hyperparameters)
        });
        noted.filter(|hyper| {
            hyper.0.len() == self.encoding.len() + 2 && hyper.0.iter().all(|x| x.is_finite())
        })
    }
}

pub(crate) fn most_probable(data: &Data) -> Option<Hyperparameters> {
    let d = data.dimensions();
    let mut evidence = Evidence::new(data, Prior::of(d));
    let (hyper, value) = evidence.minimize(&Hyperparameters::initial(d), 20);
    value.is_finite().then_some(hyper)
}

fn noted(hyper: &Hyperparameters, skill: f64) -> Value {
    let numbers: Vec<Value> = hyper.0.iter().map(|x| Value::Float(*x)).collect();
    let entries = vec![
        (Value::from(HYPERPARAMETERS), numbers.into()),
        (Value::from(SKILL), Value::Float(skill)),
    ];
    Value::Dict(entries.into())
}

fn subset(values: &[f64], most: usize) -> Vec<usize> {
    let n = values.len();
    if n <= most {
        return (0..n).collect();
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let (best, rest) = order.split_at(most * 2 / 3);
    let mut rest = rest.to_vec();
    // A fixed pseudo-random order of positions (Knuth's multiplicative hashing).
    rest.sort_by_key(|k| (*k as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let others = rest.iter().take(most - best.len());
    let mut chosen: Vec<usize> = best.iter().chain(others).copied().collect();
    chosen.sort_unstable();
    chosen
}
