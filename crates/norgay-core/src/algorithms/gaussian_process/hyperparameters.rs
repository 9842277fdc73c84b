//! The hyperparameters of the Gaussian process: their prior, and their most probable values.
//!
//! Sources: Rasmussen and Williams (2006), chapter 5, for the marginal likelihood and its
//! gradient; the dimension-scaled log-normal prior of the lengthscales follows Hvarfner et al.,
//! "Vanilla Bayesian optimization performs great in high dimensions" (ICML 2024), with other
//! constants.

use crate::numerics::dense::{
    Matrix, add_scaled, cholesky, inverse_of_whole, product, solve_lower, solve_upper,
    transposed_inverse, widest,
};
use crate::numerics::lbfgs::{self, Limits};

use super::kernel::{Kernel, Metric, matern, matern_and_slope};

/// The precision of the prior on the mean of the standardised values.
pub(crate) const MEAN_PRECISION: f64 = 0.05;
const LOG_2_PI: f64 = 1.837_877_066_409_345_3;

/// Points and values that a process is fitted to.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    /// Coordinates by dimension: row `p` holds coordinate `p` of every point.
    pub(crate) columns: Matrix,
    /// Values, transformed.
    pub(crate) values: Vec<f64>,
    /// How many times each point was measured.
    pub(crate) repeats: Vec<f64>,
    /// Which dimensions are categorical.
    pub(crate) metric: Metric,
}

impl Data {
    pub(crate) fn dimensions(&self) -> usize {
        self.metric.categorical.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }
}

/// Logarithms of the lengthscales, then of the variance, then of the noise's variance.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hyperparameters(pub(crate) Vec<f64>);

impl Hyperparameters {
    /// Where fits start when nothing is known.
    pub(crate) fn initial(dimensions: usize) -> Self {
        let mut all = vec![libm::log(0.5 * (dimensions.max(1) as f64).sqrt()); dimensions];
        all.extend([0.0, libm::log(1e-3)]);
        Self(all)
    }

    /// The lengthscale of a dimension.
    pub(crate) fn lengthscale(&self, dimension: usize) -> f64 {
        libm::exp(self.0[dimension])
    }

    /// The variance of the noise.
    pub(crate) fn noise(&self) -> f64 {
        libm::exp(self.0[self.0.len() - 1])
    }

    pub(crate) fn kernel(&self, metric: &Metric) -> Kernel {
        let d = self.0.len() - 2;
        Kernel {
            metric: metric.clone(),
            weights: self.0[..d].iter().map(|l| libm::exp(-2.0 * l)).collect(),
            variance: libm::exp(self.0[d]),
        }
    }
}

/// A normal prior on the logarithm of a hyperparameter, and its bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogNormal {
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// The prior on all hyperparameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prior {
    pub(crate) lengthscale: LogNormal,
    pub(crate) variance: LogNormal,
    pub(crate) noise: LogNormal,
}

impl Prior {
    /// The prior for a number of dimensions: longer lengthscales where there are more of them.
    pub(crate) fn of(dimensions: usize) -> Self {
        let d = dimensions.max(1) as f64;
        Self {
            lengthscale: LogNormal {
                mean: 0.5 * libm::log(d) - 0.4,
                deviation: 1.0,
                low: libm::log(0.02),
                high: libm::log(30.0 * d.sqrt()),
            },
            variance: LogNormal {
                mean: 0.5,
                deviation: 1.0,
                low: -4.0,
                high: 4.0,
            },
            noise: LogNormal {
                mean: -9.0,
                deviation: 3.0,
                low: libm::log(1e-6),
                high: 0.5,
            },
        }
    }

    fn of_entry(&self, entry: usize, dimensions: usize) -> LogNormal {
        match entry.cmp(&dimensions) {
            std::cmp::Ordering::Less => self.lengthscale,
            std::cmp::Ordering::Equal => self.variance,
            std::cmp::Ordering::Greater => self.noise,
        }
    }

    /// Bounds of all hyperparameters.
    pub(crate) fn bounds(&self, dimensions: usize) -> (Vec<f64>, Vec<f64>) {
        let entries = 0..dimensions + 2;
        entries
            .map(|entry| self.of_entry(entry, dimensions))
            .map(|prior| (prior.low, prior.high))
            .unzip()
    }
}

/// The negative logarithm of the posterior density of hyperparameters, with its gradient.
pub(crate) struct Evidence<'a> {
    data: &'a Data,
    prior: Prior,
    /// Squared differences of all pairs of points `j < i`, by dimension.
    differences: Matrix,
    squared: Vec<f64>,
}

impl<'a> Evidence<'a> {
    /// O(n² d).
    pub(crate) fn new(data: &'a Data, prior: Prior) -> Self {
        let n = data.len();
        let pairs = n * n.saturating_sub(1) / 2;
        let mut differences = Matrix::zeros(data.dimensions(), pairs);
        for p in 0..data.dimensions() {
            let column = data.columns.row(p);
            let row = differences.row_mut(p);
            let mut pair = 0;
            for i in 1..n {
                for j in 0..i {
                    row[pair] = data.metric.squared(p, column[i], column[j]);
                    pair += 1;
                }
            }
        }
        Self {
            data,
            prior,
            differences,
            squared: vec![0.0; pairs],
        }
    }

    /// The value at some hyperparameters; the gradient is written. Infinite where the covariance
    /// can't be factorised. O(n³).
    pub(crate) fn value(&mut self, theta: &[f64], gradient: &mut [f64]) -> f64 {
        self.value_with(theta, Some(gradient))
    }

    /// The same without the gradient, at less than half the price. O(n³/3).
    pub(crate) fn value_only(&mut self, theta: &[f64]) -> f64 {
        self.value_with(theta, None)
    }

    fn value_with(&mut self, theta: &[f64], gradient: Option<&mut [f64]>) -> f64 {
        let hyper = Hyperparameters(theta.to_vec());
        let (n, d) = (self.data.len(), self.data.dimensions());
        let kernel = hyper.kernel(&self.data.metric);
        let noise = hyper.noise();
        let squared = &mut self.squared;
        let differences = &self.differences;
        widest(
            #[inline(always)]
            || {
                squared.fill(0.0);
                for p in 0..d {
                    let weight = kernel.weights[p];
                    add_scaled(squared, weight, differences.row(p));
                }
            },
        );
        let mut factor = covariance(squared, n, kernel.variance, noise, &self.data.repeats);
        if cholesky(&mut factor).is_err() {
            return f64::INFINITY;
        }
        let Weights { alpha, fit, .. } = weights(&factor, &self.data.values);
        let half_log_determinant: f64 = (0..n).map(|i| libm::log(factor.row(i)[i])).sum();
        let mut value = fit + half_log_determinant + 0.5 * n as f64 * LOG_2_PI;
        let priors = theta.iter().enumerate();
        let slopes: Vec<f64> = priors
            .map(|(entry, log)| {
                let prior = self.prior.of_entry(entry, d);
                let distance = (log - prior.mean) / prior.deviation;
                value += 0.5 * distance * distance;
                distance / prior.deviation
            })
            .collect();
        let Some(gradient) = gradient else {
            return value;
        };
        let inverse = inverse_of_whole(&transposed_inverse(&factor));
        // From here on `squared` holds, for each pair, half the derivative by its covariance times
        // the derivative of its covariance by its squared distance.
        let mut correlations = vec![0.0; n];
        let mut by_variance = 0.0;
        let mut by_noise = 0.0;
        widest(
            #[inline(always)]
            || {
                let mut start = 0;
                for i in 0..n {
                    let row = &inverse.row(i)[..i];
                    let diagonal = inverse.row(i)[i] - alpha[i] * alpha[i];
                    by_variance += 0.5 * diagonal * kernel.variance;
                    by_noise += 0.5 * diagonal * noise / self.data.repeats[i];
                    let pairs = &mut squared[start..start + i];
                    let (row, others) = (&row[..i], &alpha[..i]);
                    let correlations = &mut correlations[..i];
                    for k in 0..i {
                        let w = (row[k] - alpha[i] * others[k]) * kernel.variance;
                        let (correlation, slope) = matern_and_slope(pairs[k]);
                        correlations[k] = w * correlation;
                        pairs[k] = w * slope;
                    }
                    for sum in correlations.iter() {
                        by_variance += sum;
                    }
                    start += i;
                }
                for (p, (slope, weight)) in gradient.iter_mut().zip(&kernel.weights).enumerate() {
                    *slope = -2.0 * weight * product(squared, differences.row(p));
                }
            },
        );
        gradient[d] = by_variance;
        gradient[d + 1] = by_noise;
        for (total, slope) in gradient.iter_mut().zip(slopes) {
            *total += slope;
        }
        value
    }

    /// Minimizes from a start.
    pub(crate) fn minimize(
        &mut self,
        start: &Hyperparameters,
        steps: u32,
    ) -> (Hyperparameters, f64) {
        let (low, high) = self.prior.bounds(self.data.dimensions());
        let mut theta = start.0.clone();
        let limits = Limits {
            iterations: steps,
            gradient: 1e-3,
            decrease: 1e-7,
            first_step: 0.5,
        };
        let value = lbfgs::minimize(&mut theta, &low, &high, limits, |theta, gradient| {
            self.value(theta, gradient)
        });
        (Hyperparameters(theta), value)
    }
}

/// The lower triangle of the covariance of noisy values from the squared distances of pairs.
fn covariance(squared: &[f64], n: usize, variance: f64, noise: f64, repeats: &[f64]) -> Matrix {
    let mut whole = Matrix::zeros(n, n);
    widest(
        #[inline(always)]
        || {
            let mut start = 0;
            for i in 0..n {
                let row = whole.row_mut(i);
                let pairs = &squared[start..start + i];
                for k in 0..i {
                    row[k] = variance * matern(pairs[k]);
                }
                row[i] = variance + noise / repeats[i];
                start += i;
            }
        },
    );
    whole
}

/// What the values weigh in predictions.
pub(crate) struct Weights {
    /// The inverse covariance times the values less their mean.
    pub(crate) alpha: Vec<f64>,
    /// The mean, by generalised least squares with a weak prior around 0.
    pub(crate) mean: f64,
    /// Half the squared Mahalanobis distance of the values from the mean, and the mean's prior.
    pub(crate) fit: f64,
}

/// Weights of values under a factorised covariance. O(n²).
pub(crate) fn weights(factor: &Matrix, values: &[f64]) -> Weights {
    let solve = |right: &[f64]| {
        let mut x = right.to_vec();
        solve_lower(factor, &mut x);
        solve_upper(factor, &mut x);
        x
    };
    let ones = solve(&vec![1.0; values.len()]);
    let plain = solve(values);
    let mean = plain.iter().sum::<f64>() / (ones.iter().sum::<f64>() + MEAN_PRECISION);
    let alpha: Vec<f64> = plain.iter().zip(&ones).map(|(a, b)| a - mean * b).collect();
    let quadratic: f64 = values.iter().zip(&alpha).map(|(y, a)| (y - mean) * a).sum();
    Weights {
        alpha,
        mean,
        fit: 0.5 * quadratic + 0.5 * MEAN_PRECISION * mean * mean,
    }
}

/// The same where the mean is known.
pub(crate) fn weights_around(factor: &Matrix, values: &[f64], mean: f64) -> Weights {
    let mut alpha: Vec<f64> = values.iter().map(|y| y - mean).collect();
    solve_lower(factor, &mut alpha);
    let fit = 0.5 * product(&alpha, &alpha);
    solve_upper(factor, &mut alpha);
    Weights { alpha, mean, fit }
}
