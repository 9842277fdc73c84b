//! Fitted models of an objective: one Gaussian process, or an ensemble of them.

use crate::numerics::dense::Matrix;
use crate::random::Stream;

use super::acquisition::{Criterion, Improvement, Member};
use super::hyperparameters::{Data, Evidence, Hyperparameters, Prior};
use super::kernel::Metric;
use super::output_transform::{OutputTransform, transformed};
use super::posterior::Posterior;

/// Above this variance of the noise the best observation may be luck, and the best posterior mean
/// is the incumbent.
const NOISY: f64 = 1e-3;
/// Metropolis steps between two members of an ensemble.
const THINNING: usize = 8;

/// How a model is made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recipe {
    /// The transforms of the values; members of an ensemble take them in turn.
    pub(crate) transforms: Vec<OutputTransform>,
    /// Processes in the ensemble, the most probable one included.
    pub(crate) members: usize,
    /// Most quasi-Newton steps of a fit.
    pub(crate) steps: u32,
    /// Whether to start afresh beside earlier hyperparameters.
    pub(crate) afresh: bool,
}

/// What a model is fitted to; values are finite, in the sense of minimization.
pub(crate) struct Observations<'a> {
    pub(crate) metric: &'a Metric,
    pub(crate) points: &'a [Vec<f64>],
    pub(crate) values: &'a [f64],
    pub(crate) repeats: &'a [f64],
    pub(crate) pending: &'a [Vec<f64>],
    /// Which points may be the incumbent: those that keep the outcome constraints.
    pub(crate) eligible: &'a [bool],
}

/// A fitted model.
pub(crate) struct Model {
    pub(crate) members: Vec<Member>,
    /// The most probable hyperparameters.
    pub(crate) hyperparameters: Hyperparameters,
    /// The share of the variance of the values that the most probable process predicts of values
    /// it has not seen.
    pub(crate) skill: f64,
}

impl Observations<'_> {
    fn data(&self, transform: OutputTransform) -> Data {
        self.with_values(transformed(self.values, transform))
    }

    /// The points with other values.
    pub(crate) fn with_values(&self, values: Vec<f64>) -> Data {
        let d = self.metric.categorical.len();
        let mut columns = Matrix::zeros(d, self.points.len());
        for p in 0..d {
            let row = columns.row_mut(p);
            for (entry, point) in row.iter_mut().zip(self.points) {
                *entry = point[p];
            }
        }
        Data {
            columns,
            values,
            repeats: self.repeats.to_vec(),
            metric: self.metric.clone(),
        }
    }
}

impl Model {
    /// Fits a model, starting from earlier hyperparameters where there are some; `None` where the
    /// numbers don't allow it.
    pub(crate) fn fit(
        observations: &Observations<'_>,
        recipe: &Recipe,
        previous: Option<&Hyperparameters>,
        stream: &mut Stream,
    ) -> Option<Self> {
        let d = observations.metric.categorical.len();
        let prior = Prior::of(d);
        let data = observations.data(recipe.transforms[0]);
        let mut evidence = Evidence::new(&data, prior);
        let initial = Hyperparameters::initial(d);
        let usable = previous.filter(|p| p.0.len() == initial.0.len());
        let fresh = (recipe.afresh || usable.is_none()).then_some(&initial);
        let starts = usable.into_iter().chain(fresh);
        let (map, value) = starts
            .map(|start| evidence.minimize(start, recipe.steps))
            .filter(|(_, value)| value.is_finite())
            .min_by(|a, b| a.1.total_cmp(&b.1))?;
        let mut states = vec![map.clone()];
        states.extend(metropolis(
            &mut evidence,
            &map,
            value,
            recipe.members - 1,
            stream,
        ));
        let mut members = Vec::with_capacity(states.len());
        let mut skill = 0.0;
        for (k, state) in states.iter().enumerate() {
            let transform = recipe.transforms[k % recipe.transforms.len()];
            let data = if k % recipe.transforms.len() == 0 {
                data.clone()
            } else {
                observations.data(transform)
            };
            if let Ok(posterior) = Posterior::new(&data, state, observations.pending) {
                let incumbent = incumbent(&posterior, &data, observations);
                if k == 0 {
                    skill = posterior.skill(&data.values);
                }
                members.push(Member {
                    posterior,
                    incumbent,
                });
            }
        }
        (!members.is_empty()).then_some(Self {
            members,
            hyperparameters: map,
            skill,
        })
    }

    /// The acquisition function of this model.
    pub(crate) fn into_improvement(self, criterion: Criterion) -> Improvement {
        Improvement {
            members: self.members,
            criterion,
        }
    }
}

/// The value to improve on: the best one, by observation or, with noise, by expectation; and the
/// best that is believed of pending points.
fn incumbent(posterior: &Posterior, data: &Data, observations: &Observations<'_>) -> f64 {
    let smallest = |values: Vec<f64>| values.into_iter().fold(f64::INFINITY, f64::min);
    let means = |points: &[Vec<f64>]| {
        let mut rows = Matrix::zeros(0, data.dimensions());
        for point in points {
            rows.push(point);
        }
        smallest(posterior.means(&rows))
    };
    let eligible = |k: &usize| observations.eligible[*k];
    let places = (0..observations.points.len()).filter(eligible);
    let observed = if posterior.noise() < NOISY {
        smallest(places.map(|k| data.values[k]).collect())
    } else {
        let points: Vec<Vec<f64>> = places.map(|k| observations.points[k].clone()).collect();
        means(&points)
    };
    observed.min(means(observations.pending))
}

/// States of a random-walk Metropolis chain from the most probable hyperparameters.
fn metropolis(
    evidence: &mut Evidence<'_>,
    map: &Hyperparameters,
    value: f64,
    count: usize,
    stream: &mut Stream,
) -> Vec<Hyperparameters> {
    let entries = map.0.len();
    let scale = 1.2 / (entries as f64).sqrt();
    let prior = Prior::of(entries - 2);
    let (low, high) = prior.bounds(entries - 2);
    let (mut here, mut energy) = (map.0.clone(), value);
    let mut states = Vec::with_capacity(count);
    for _ in 0..count {
        for _ in 0..THINNING {
            let there: Vec<f64> = here.iter().map(|x| x + scale * stream.normal()).collect();
            let dice = stream.unit();
            let inside = (0..entries).all(|k| there[k] >= low[k] && there[k] <= high[k]);
            if !inside {
                continue;
            }
            let proposed = evidence.value_only(&there);
            if libm::log(dice.max(1e-300)) < energy - proposed {
                here = there;
                energy = proposed;
            }
        }
        states.push(Hyperparameters(here.clone()));
    }
    states
}
