//! Where configurations work: a model of failures, and models of the metrics that have limits.
//!
//! Sources: Gardner et al., "Bayesian optimization with inequality constraints" (ICML 2014), for
//! the product of improvement and probability; Gelbart, Snoek and Adams, "Bayesian optimization
//! with unknown constraints" (UAI 2014), for failures; Rasmussen and Williams (2006), section 3.4,
//! for the Laplace approximation of the classifier.

use crate::numerics::dense::Matrix;
use crate::numerics::normal::{self, LOG_SQRT_2_PI};

use super::acquisition::Acquisition;
use super::hyperparameters::{Data, Evidence, Hyperparameters, Prior};
use super::posterior::{Posterior, Prediction};

/// No configuration is held to be more hopeless than this.
const LEAST_PROBABILITY: f64 = 1e-3;
/// The variance of the classifier's latent process.
const LATENT_VARIANCE: f64 = 9.0;
/// Newton steps of the Laplace approximation.
const NEWTON_STEPS: usize = 8;
/// What uncertainty is worth while nothing feasible is known.
const CURIOSITY: f64 = 0.1;

/// The probability that a configuration works.
///
/// Its logarithm counts `caution` times: where too many of the latest trials failed, improvements
/// that are likely to fail must promise more.
pub(crate) struct FailureModel {
    posterior: Posterior,
    caution: f64,
}

impl FailureModel {
    /// A probit classifier of points that worked and that failed, `data.values` being 1 and -1;
    /// `None` where the numbers don't allow it. O(n³).
    pub(crate) fn fit(data: &Data, caution: f64) -> Option<Self> {
        let d = data.dimensions();
        let mut evidence = Evidence::new(data, Prior::of(d));
        let (mut hyper, value) = evidence.minimize(&Hyperparameters::initial(d), 20);
        if !value.is_finite() {
            return None;
        }
        hyper.0[d] = libm::log(LATENT_VARIANCE);
        let worked = data.values.iter().filter(|label| **label > 0.0).count() as f64;
        let mean = normal::quantile((worked + 1.0) / (data.len() as f64 + 1.5));
        // Each Newton step is a regression on targets with noise of their own.
        let mut latent = vec![mean; data.len()];
        let mut targets = data.clone();
        let noise = hyper.noise();
        let mut posterior = None;
        for _ in 0..NEWTON_STEPS {
            for (i, label) in data.values.iter().enumerate() {
                let z = label * latent[i];
                let log_density = -0.5 * z * z - LOG_SQRT_2_PI;
                let ratio = libm::exp(log_density - normal::log_cumulative(z));
                let weight = (ratio * (ratio + z)).max(1e-10);
                targets.values[i] = latent[i] + label * ratio / weight;
                targets.repeats[i] = noise * weight;
            }
            let fitted = Posterior::around(&targets, &hyper, mean).ok()?;
            let mut points = Matrix::zeros(0, d);
            for i in 0..data.len() {
                let point: Vec<f64> = (0..d).map(|p| data.columns.row(p)[i]).collect();
                points.push(&point);
            }
            latent = fitted.means(&points);
            posterior = Some(fitted);
        }
        posterior.map(|posterior| Self { posterior, caution })
    }

    /// Whether a point will rather work than not.
    pub(crate) fn expects_success(&self, point: &[f64]) -> bool {
        let mut rows = Matrix::zeros(0, point.len());
        rows.push(point);
        self.posterior.means(&rows)[0] > 0.0
    }

    fn log_probability(&self, mean: f64, variance: f64) -> f64 {
        let probability = normal::cumulative(mean / (1.0 + variance).sqrt());
        self.caution * libm::log(LEAST_PROBABILITY + (1.0 - LEAST_PROBABILITY) * probability)
    }

    fn add_gradient(&self, prediction: &Prediction, gradient: &mut [f64]) -> f64 {
        let scale = (1.0 + prediction.variance).sqrt();
        let z = prediction.mean / scale;
        let whole = LEAST_PROBABILITY + (1.0 - LEAST_PROBABILITY) * normal::cumulative(z);
        let slope = self.caution * (1.0 - LEAST_PROBABILITY) * normal::density(z) / whole;
        let by_mean = slope / scale;
        let by_variance = -0.5 * slope * z / (1.0 + prediction.variance);
        add(prediction, by_mean, by_variance, gradient);
        self.caution * libm::log(whole)
    }
}

/// An improvement times the probability that a configuration works and keeps all limits.
pub(crate) struct Feasible {
    /// The improvement on the feasible incumbent, if there is one.
    pub(crate) improvement: Option<Box<dyn Acquisition>>,
    /// Metrics with limits, as processes that keep their limit where they are below 0.
    pub(crate) limits: Vec<Posterior>,
    pub(crate) failures: Option<FailureModel>,
    pub(crate) cost: Option<Cost>,
}

/// What a trial is expected to cost, as a process of the logarithm of its cost.
///
/// Source: Lee, Perrone, Archambeau and Seeger, "Cost-aware Bayesian optimization" (2020): the
/// improvement is divided by the cost to a power that falls as the budget is used up.
pub(crate) struct Cost {
    pub(crate) posterior: Posterior,
    /// How many units of the logarithm of the improvement one unit of the process is worth.
    pub(crate) weight: f64,
}

impl Acquisition for Feasible {
    fn rough_values(&self, points: &Matrix) -> Vec<f64> {
        let improvement = self.improvement.as_ref();
        self.limited(points, improvement.map(|i| i.rough_values(points)))
    }

    fn values(&self, points: &Matrix) -> Vec<f64> {
        let improvement = self.improvement.as_ref();
        self.limited(points, improvement.map(|i| i.values(points)))
    }

    fn value_and_gradient(&self, point: &[f64], gradient: &mut [f64]) -> f64 {
        let mut value = match &self.improvement {
            Some(improvement) => improvement.value_and_gradient(point, gradient),
            None => {
                gradient.fill(0.0);
                0.0
            }
        };
        let curiosity = if self.improvement.is_none() {
            CURIOSITY
        } else {
            0.0
        };
        for limit in &self.limits {
            let prediction = limit.predict_with_gradient(point);
            let deviation = prediction.variance.sqrt();
            let z = -prediction.mean / deviation;
            let log = normal::log_cumulative(z);
            let slope = libm::exp(-0.5 * z * z - LOG_SQRT_2_PI - log);
            let by_variance = -0.5 * slope * z / prediction.variance;
            let curious = 0.5 * curiosity / prediction.variance;
            add(
                &prediction,
                -slope / deviation,
                by_variance + curious,
                gradient,
            );
            value += log + 0.5 * curiosity * libm::log(prediction.variance);
        }
        if let Some(model) = &self.failures {
            let prediction = model.posterior.predict_with_gradient(point);
            value += model.add_gradient(&prediction, gradient);
            add(
                &prediction,
                0.0,
                0.5 * curiosity / prediction.variance,
                gradient,
            );
            value += 0.5 * curiosity * libm::log(prediction.variance);
        }
        if let Some(cost) = &self.cost {
            let prediction = cost.posterior.predict_with_gradient(point);
            add(&prediction, -cost.weight, 0.0, gradient);
            value -= cost.weight * prediction.mean;
        }
        value
    }
}

impl Feasible {
    /// Improvements times the probabilities of keeping the limits and of working, as logarithms.
    fn limited(&self, points: &Matrix, improvements: Option<Vec<f64>>) -> Vec<f64> {
        let mut values = improvements.unwrap_or_else(|| vec![0.0; points.rows()]);
        let curiosity = if self.improvement.is_none() {
            CURIOSITY
        } else {
            0.0
        };
        for limit in &self.limits {
            let (means, variances) = limit.predict(points);
            for (k, value) in values.iter_mut().enumerate() {
                let z = -means[k] / variances[k].sqrt();
                *value += normal::log_cumulative(z) + 0.5 * curiosity * libm::log(variances[k]);
            }
        }
        if let Some(model) = &self.failures {
            let (means, variances) = model.posterior.predict(points);
            for (k, value) in values.iter_mut().enumerate() {
                *value += model.log_probability(means[k], variances[k])
                    + 0.5 * curiosity * libm::log(variances[k]);
            }
        }
        if let Some(cost) = &self.cost {
            for (value, mean) in values.iter_mut().zip(cost.posterior.means(points)) {
                *value -= cost.weight * mean;
            }
        }
        values
    }
}

fn add(prediction: &Prediction, by_mean: f64, by_variance: f64, gradient: &mut [f64]) {
    let parts = prediction
        .mean_gradient
        .iter()
        .zip(&prediction.variance_gradient);
    for (total, (mean, variance)) in gradient.iter_mut().zip(parts) {
        *total += by_mean * mean + by_variance * variance;
    }
}

/// Values of a metric with a limit (kept at 0 and below), on a scale that keeps 0 and dampens what
/// is far from it.
pub(crate) fn dampened(values: &[f64]) -> Vec<f64> {
    let mut sizes: Vec<f64> = values
        .iter()
        .map(|c| c.abs())
        .filter(|c| *c > 0.0)
        .collect();
    sizes.sort_by(f64::total_cmp);
    let unit = sizes.get(sizes.len() / 2).copied().unwrap_or(1.0);
    let logs: Vec<f64> = values
        .iter()
        .map(|c| libm::log1p((c / unit).abs()).copysign(*c))
        .collect();
    let mean = logs.iter().sum::<f64>() / logs.len().max(1) as f64;
    let variance = logs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / logs.len().max(1) as f64;
    let deviation = if variance > 0.0 { variance.sqrt() } else { 1.0 };
    logs.iter().map(|x| x / deviation).collect()
}
