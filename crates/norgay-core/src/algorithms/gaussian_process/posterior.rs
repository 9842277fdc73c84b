//! What a fitted Gaussian process says of points.

use crate::numerics::dense::{
    Matrix, NotPositiveDefinite, cholesky, extend_cholesky, multiply_lower,
    multiply_lower_transposed, product, squared_lengths, transposed, transposed_inverse, widest,
};

use super::hyperparameters::{Data, Hyperparameters, weights, weights_around};
use super::kernel::{Kernel, matern_and_slope};

/// The smallest variance, as a share of the process's.
const SMALLEST_VARIANCE: f64 = 1e-12;

/// A Gaussian process given its data.
///
/// Points that are pending count for the variance only: believing that each of them will give
/// what the model expects (the Kriging believer of Ginsbourger et al., "Kriging is well-suited to
/// parallelize optimization", 2010) leaves the mean as it is.
#[derive(Clone, Debug)]
pub(crate) struct Posterior {
    kernel: Kernel,
    noise: f64,
    mean: f64,
    alpha: Vec<f64>,
    columns: Matrix,
    lower: Matrix,
}

/// A prediction and how it changes with the point's numeric coordinates.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prediction {
    pub(crate) mean: f64,
    pub(crate) variance: f64,
    pub(crate) mean_gradient: Vec<f64>,
    pub(crate) variance_gradient: Vec<f64>,
}

impl Posterior {
    /// Conditions the process on data and on pending points. O((n + q)³).
    pub(crate) fn new(
        data: &Data,
        hyper: &Hyperparameters,
        pending: &[Vec<f64>],
    ) -> Result<Self, NotPositiveDefinite> {
        Self::conditioned(data, hyper, pending, None)
    }

    /// Conditions a process of known mean on data. O(n³).
    pub(crate) fn around(
        data: &Data,
        hyper: &Hyperparameters,
        mean: f64,
    ) -> Result<Self, NotPositiveDefinite> {
        Self::conditioned(data, hyper, &[], Some(mean))
    }

    fn conditioned(
        data: &Data,
        hyper: &Hyperparameters,
        pending: &[Vec<f64>],
        mean: Option<f64>,
    ) -> Result<Self, NotPositiveDefinite> {
        let (n, d) = (data.len(), data.dimensions());
        let rows = n + pending.len();
        let mut columns = Matrix::zeros(d, rows);
        for p in 0..d {
            let row = columns.row_mut(p);
            row[..n].copy_from_slice(data.columns.row(p));
            for (entry, point) in row[n..].iter_mut().zip(pending) {
                *entry = point[p];
            }
        }
        let kernel = hyper.kernel(&data.metric);
        let noise = hyper.noise();
        let mut whole = Matrix::zeros(rows, rows);
        let mut point = vec![0.0; d];
        for i in 0..rows {
            for (p, coordinate) in point.iter_mut().enumerate() {
                *coordinate = columns.row(p)[i];
            }
            let row = whole.row_mut(i);
            kernel.covariances(&point, &columns, &mut row[..i]);
            let repeats = data.repeats.get(i).copied().unwrap_or(1.0);
            row[i] = kernel.variance + noise / repeats;
        }
        let mut observed = Matrix::zeros(n, n);
        for i in 0..n {
            observed.row_mut(i).copy_from_slice(&whole.row(i)[..n]);
        }
        cholesky(&mut observed)?;
        let fitted = match mean {
            None => weights(&observed, &data.values),
            Some(mean) => weights_around(&observed, &data.values, mean),
        };
        let mut alpha = fitted.alpha;
        alpha.resize(rows, 0.0);
        let factor = if pending.is_empty() {
            observed
        } else {
            for i in 0..n {
                whole.row_mut(i)[..n].copy_from_slice(observed.row(i));
            }
            extend_cholesky(&mut whole, n)?;
            whole
        };
        Ok(Self {
            kernel,
            noise,
            mean: fitted.mean,
            alpha,
            columns,
            lower: transposed(&transposed_inverse(&factor)),
        })
    }

    /// Which share of the variance of the values is predicted by the process that leaves each
    /// value out in turn; without pending points.
    ///
    /// Source: Rasmussen and Williams (2006), section 5.4.2. O(n²).
    pub(crate) fn skill(&self, values: &[f64]) -> f64 {
        let n = values.len();
        let mut diagonal = vec![0.0; n];
        for k in 0..n {
            for (entry, part) in diagonal.iter_mut().zip(&self.lower.row(k)[..=k]) {
                *entry += part * part;
            }
        }
        let missed: f64 = (0..n).map(|i| (self.alpha[i] / diagonal[i]).powi(2)).sum();
        let mean = values.iter().sum::<f64>() / n as f64;
        let whole: f64 = values.iter().map(|y| (y - mean) * (y - mean)).sum();
        if whole > 0.0 {
            1.0 - missed / whole
        } else {
            0.0
        }
    }

    /// The variance of the noise of one measurement.
    pub(crate) fn noise(&self) -> f64 {
        self.noise
    }

    /// Means and variances of the noise-free values at points given by row. O(m n²).
    pub(crate) fn predict(&self, points: &Matrix) -> (Vec<f64>, Vec<f64>) {
        let rows = self.alpha.len();
        let mut covariances = Matrix::zeros(points.rows(), rows);
        for k in 0..points.rows() {
            let row = covariances.row_mut(k);
            self.kernel.covariances(points.row(k), &self.columns, row);
        }
        let means = (0..points.rows())
            .map(|k| self.mean + product(&self.alpha, covariances.row(k)))
            .collect();
        let explained = squared_lengths(&self.lower, &covariances);
        let variances = explained.iter().map(|e| self.variance_left(*e)).collect();
        (means, variances)
    }

    /// Only the means. O(m n).
    pub(crate) fn means(&self, points: &Matrix) -> Vec<f64> {
        let mut row = vec![0.0; self.alpha.len()];
        (0..points.rows())
            .map(|k| {
                self.kernel
                    .covariances(points.row(k), &self.columns, &mut row);
                self.mean + product(&self.alpha, &row)
            })
            .collect()
    }

    fn variance_left(&self, explained: f64) -> f64 {
        let whole = self.kernel.variance;
        (whole - explained).max(SMALLEST_VARIANCE * whole)
    }

    /// The prediction at one point with its gradient; 0 in categorical dimensions. O(n² + n d).
    pub(crate) fn predict_with_gradient(&self, point: &[f64]) -> Prediction {
        let rows = self.alpha.len();
        let mut squared = vec![0.0; rows];
        let mut covariances = vec![0.0; rows];
        let mut slopes = vec![0.0; rows];
        widest(
            #[inline(always)]
            || {
                self.kernel
                    .squared_distances(point, &self.columns, &mut squared);
                for i in 0..rows {
                    let (correlation, slope) = matern_and_slope(squared[i]);
                    covariances[i] = self.kernel.variance * correlation;
                    slopes[i] = self.kernel.variance * slope;
                }
            },
        );
        let explained = multiply_lower(&self.lower, &covariances);
        let solved = multiply_lower_transposed(&self.lower, &explained);
        let d = point.len();
        let mut mean_gradient = vec![0.0; d];
        let mut variance_gradient = vec![0.0; d];
        widest(
            #[inline(always)]
            || {
                for p in 0..d {
                    if self.kernel.metric.categorical[p] {
                        continue;
                    }
                    let column = self.columns.row(p);
                    let mut sums = [0.0; 2];
                    for i in 0..rows {
                        let change = slopes[i] * (point[p] - column[i]);
                        sums[0] += self.alpha[i] * change;
                        sums[1] += solved[i] * change;
                    }
                    mean_gradient[p] = 2.0 * self.kernel.weights[p] * sums[0];
                    variance_gradient[p] = -4.0 * self.kernel.weights[p] * sums[1];
                }
            },
        );
        Prediction {
            mean: self.mean + product(&self.alpha, &covariances),
            variance: self.variance_left(product(&explained, &explained)),
            mean_gradient,
            variance_gradient,
        }
    }
}
