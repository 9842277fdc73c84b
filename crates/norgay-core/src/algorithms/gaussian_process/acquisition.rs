//! Acquisition functions over posteriors.

use crate::numerics::dense::Matrix;
use crate::numerics::normal::{LOG_SQRT_2_PI, log_cumulative};

use super::log_expected_improvement::{log_expected_improvement, log_improvement};
use super::posterior::Posterior;

/// What a candidate is worth: to be maximized.
pub(crate) trait Acquisition {
    /// The worth of points given by row.
    fn values(&self, points: &Matrix) -> Vec<f64>;

    /// The same, maybe less exactly and sooner: for choosing the points worth a closer look.
    fn rough_values(&self, points: &Matrix) -> Vec<f64> {
        self.values(points)
    }

    /// The worth of one point; its gradient by the numeric coordinates is written.
    fn value_and_gradient(&self, point: &[f64], gradient: &mut [f64]) -> f64;
}

/// Which function of a normal prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Criterion {
    /// The logarithm of the expected improvement.
    ExpectedImprovement,
    /// The logarithm of the probability of an improvement by a share of the deviation of values.
    ProbabilityOfImprovement,
    /// The lower confidence bound of this many standard deviations, negated.
    LowerConfidenceBound(f64),
}

/// One posterior of an ensemble.
pub(crate) struct Member {
    pub(crate) posterior: Posterior,
    /// The value to improve on.
    pub(crate) incumbent: f64,
}

/// A criterion averaged over an ensemble of posteriors.
pub(crate) struct Improvement {
    pub(crate) members: Vec<Member>,
    pub(crate) criterion: Criterion,
}

impl Criterion {
    pub(crate) fn value(self, incumbent: f64, mean: f64, variance: f64) -> f64 {
        match self {
            Self::ExpectedImprovement => log_expected_improvement(incumbent, mean, variance),
            Self::ProbabilityOfImprovement => {
                let z = (incumbent - MARGIN - mean) / variance.sqrt();
                log_cumulative(z)
            }
            Self::LowerConfidenceBound(width) => width * variance.sqrt() - mean,
        }
    }

    /// The value and its derivatives by mean and variance.
    pub(crate) fn slopes(self, incumbent: f64, mean: f64, variance: f64) -> (f64, f64, f64) {
        let deviation = variance.sqrt();
        match self {
            Self::ExpectedImprovement => {
                let z = (incumbent - mean) / deviation;
                let (log, slope) = log_improvement(z);
                let by_deviation = (1.0 - slope * z) / deviation;
                let value = log + libm::log(deviation);
                (value, -slope / deviation, by_deviation * 0.5 / deviation)
            }
            Self::ProbabilityOfImprovement => {
                let z = (incumbent - MARGIN - mean) / deviation;
                let log = log_cumulative(z);
                let slope = libm::exp(-0.5 * z * z - LOG_SQRT_2_PI - log);
                (log, -slope / deviation, -slope * z * 0.5 / variance)
            }
            Self::LowerConfidenceBound(width) => {
                (width * deviation - mean, -1.0, width * 0.5 / deviation)
            }
        }
    }
}

/// The margin of the probability of improvement: without one it never leaves the incumbent.
const MARGIN: f64 = 0.01;

impl Acquisition for Improvement {
    /// The worth by the most probable process alone.
    fn rough_values(&self, points: &Matrix) -> Vec<f64> {
        match self.members.first() {
            Some(member) => self.values_of(member, points),
            None => vec![0.0; points.rows()],
        }
    }

    fn values(&self, points: &Matrix) -> Vec<f64> {
        let members = self.members.iter();
        let each: Vec<Vec<f64>> = members
            .map(|member| self.values_of(member, points))
            .collect();
        let mut row = vec![0.0; each.len()];
        (0..points.rows())
            .map(|k| {
                for (value, member) in row.iter_mut().zip(&each) {
                    *value = member[k];
                }
                self.combined(&row)
            })
            .collect()
    }

    fn value_and_gradient(&self, point: &[f64], gradient: &mut [f64]) -> f64 {
        let parts: Vec<(f64, Vec<f64>)> = self
            .members
            .iter()
            .map(|member| {
                let p = member.posterior.predict_with_gradient(point);
                let (value, by_mean, by_variance) =
                    self.criterion.slopes(member.incumbent, p.mean, p.variance);
                let pairs = p.mean_gradient.iter().zip(&p.variance_gradient);
                let gradient = pairs.map(|(m, v)| by_mean * m + by_variance * v).collect();
                (value, gradient)
            })
            .collect();
        let values: Vec<f64> = parts.iter().map(|(value, _)| *value).collect();
        let whole = self.combined(&values);
        gradient.fill(0.0);
        for (value, part) in &parts {
            let weight = match self.criterion {
                Criterion::LowerConfidenceBound(_) => 1.0 / parts.len() as f64,
                _ => libm::exp(value - whole) / parts.len() as f64,
            };
            for (total, component) in gradient.iter_mut().zip(part) {
                *total += weight * component;
            }
        }
        whole
    }
}

impl Improvement {
    fn values_of(&self, member: &Member, points: &Matrix) -> Vec<f64> {
        let (means, variances) = member.posterior.predict(points);
        let pairs = means.iter().zip(&variances);
        let value = |(mean, variance): (&f64, &f64)| {
            self.criterion.value(member.incumbent, *mean, *variance)
        };
        pairs.map(value).collect()
    }

    /// The mean over the members: of the improvement itself, where its logarithm is given.
    fn combined(&self, values: &[f64]) -> f64 {
        let count = values.len() as f64;
        if let [only] = values {
            return *only;
        }
        if matches!(self.criterion, Criterion::LowerConfidenceBound(_)) {
            return values.iter().sum::<f64>() / count;
        }
        let largest = values.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        if !largest.is_finite() {
            return largest;
        }
        let sum: f64 = values.iter().map(|v| libm::exp(v - largest)).sum();
        largest + libm::log(sum / count)
    }
}
