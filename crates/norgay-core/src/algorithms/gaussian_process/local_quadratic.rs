//! A quadratic model around the incumbent, and its minimum within a trust region.
//!
//! Smooth objectives look quadratic near an optimum, where a stationary process learns slowly.
//! The model is a Bayesian regression on all linear and quadratic terms, in its kernel form, so
//! that fewer points than terms are enough: the posterior mean is then the smallest quadratic that
//! explains the data, as in Powell, "The NEWUOA software for unconstrained optimization without
//! derivatives" (2006). Errors of third order are noise that grows with the distance, as in moving
//! least squares.

use crate::numerics::dense::{
    Matrix, cholesky, product, solve_lower, solve_upper, transposed_inverse,
};
use crate::numerics::lbfgs::{self, Limits};
use crate::random::Stream;

/// Ratios of the deviations of quadratic to linear terms that are tried.
const BENDS: [f64; 4] = [0.1, 0.5, 2.0, 8.0];
/// Deviations of the error at the distance of the region's radius, beside linear terms, tried.
const ERRORS: [f64; 4] = [1e-4, 1e-2, 0.1, 0.5];

/// A quadratic function of the difference from the incumbent, in units of the radius.
pub(crate) struct Quadratic {
    gradient: Vec<f64>,
    /// By rows; symmetric.
    curvature: Matrix,
    radius: f64,
    skill: f64,
}

/// The share of the values' squares that leave-one-out predictions explain, from the factor of the
/// covariance (Rasmussen and Williams, 2006, section 5.4.2).
fn skill(factor: &Matrix, alpha: &[f64], values: &[f64]) -> f64 {
    let inverse = transposed_inverse(factor);
    let residuals = (0..values.len()).map(|i| {
        let row = inverse.row(i);
        alpha[i] / product(row, row)
    });
    let missed: f64 = residuals.map(|r| r * r).sum();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let whole: f64 = values.iter().map(|y| (y - mean) * (y - mean)).sum();
    1.0 - missed / whole
}

impl Quadratic {
    /// Fits the values at points, less the value at the `centre`; `None` if they can't be fitted.
    ///
    /// `centre` must not be among the points. O(m³ + m d²) for m points, times the 16 pairs tried.
    pub(crate) fn fit(
        centre: &[f64],
        value: f64,
        points: &[&[f64]],
        values: &[f64],
        radius: f64,
    ) -> Option<Self> {
        let m = points.len();
        let mut steps = Matrix::zeros(0, centre.len());
        for point in points {
            let step: Vec<f64> = point
                .iter()
                .zip(centre)
                .map(|(a, b)| (a - b) / radius)
                .collect();
            steps.push(&step);
        }
        let differences: Vec<f64> = values.iter().map(|y| y - value).collect();
        let mut products = Matrix::zeros(m, m);
        for i in 0..m {
            for j in 0..=i {
                products.row_mut(i)[j] = product(steps.row(i), steps.row(j));
            }
        }
        let mut best: Option<(f64, f64, Vec<f64>, Matrix)> = None;
        for bend in BENDS {
            for error in ERRORS {
                let mut whole = products.clone();
                for i in 0..m {
                    for j in 0..=i {
                        let p = products.row(i)[j];
                        whole.row_mut(i)[j] = p + bend * bend * p * p;
                    }
                    let squared = products.row(i)[i];
                    whole.row_mut(i)[i] +=
                        error * error * squared.powi(3) + 1e-12 * (1.0 + squared);
                }
                if cholesky(&mut whole).is_err() {
                    continue;
                }
                let mut alpha = differences.clone();
                solve_lower(&whole, &mut alpha);
                let scale = product(&alpha, &alpha) / m as f64;
                solve_upper(&whole, &mut alpha);
                let half: f64 = (0..m).map(|i| libm::log(whole.row(i)[i])).sum();
                let evidence = -half - 0.5 * m as f64 * libm::log(scale.max(1e-300));
                if best.as_ref().is_none_or(|b| evidence > b.0)
                    && alpha.iter().all(|a| a.is_finite())
                {
                    best = Some((evidence, bend, alpha, whole));
                }
            }
        }
        let (_, bend, alpha, factor) = best?;
        let skill = skill(&factor, &alpha, &differences);
        Some(Self::from_weights(&steps, &alpha, bend, radius, skill))
    }

    fn from_weights(steps: &Matrix, alpha: &[f64], bend: f64, radius: f64, skill: f64) -> Self {
        let d = steps.columns();
        let mut gradient = vec![0.0; d];
        let mut curvature = Matrix::zeros(d, d);
        for (k, weight) in alpha.iter().enumerate() {
            let step = steps.row(k);
            for i in 0..d {
                gradient[i] += weight * step[i];
                for (entry, other) in curvature.row_mut(i).iter_mut().zip(step) {
                    *entry += 2.0 * bend * bend * weight * step[i] * other;
                }
            }
        }
        Self {
            gradient,
            curvature,
            radius,
            skill,
        }
    }

    /// Which share of the variance of the values is predicted by the model that leaves each value
    /// out in turn.
    pub(crate) fn skill(&self) -> f64 {
        self.skill
    }

    /// The predicted change of the value for a step in units of the radius, with its gradient.
    fn change(&self, step: &[f64], gradient: &mut [f64]) -> f64 {
        let mut value = 0.0;
        for (i, slope) in gradient.iter_mut().enumerate() {
            let bent = product(self.curvature.row(i), step);
            *slope = self.gradient[i] + bent;
            value += step[i] * (self.gradient[i] + 0.5 * bent);
        }
        value
    }

    /// The point of the least predicted value within the radius (in each coordinate) and between 0
    /// and `upper`, and the predicted change.
    pub(crate) fn minimum(
        &self,
        centre: &[f64],
        upper: &[f64],
        stream: &mut Stream,
    ) -> (Vec<f64>, f64) {
        let bounds = centre.iter().zip(upper);
        let (low, high): (Vec<f64>, Vec<f64>) = bounds
            .map(|(c, u)| {
                (
                    (-c / self.radius).max(-1.0),
                    ((u - c) / self.radius).min(1.0),
                )
            })
            .unzip();
        let limits = Limits {
            iterations: 50,
            gradient: 1e-12,
            decrease: 1e-14,
            first_step: 0.3,
        };
        let mut best = (vec![0.0; centre.len()], 0.0);
        for start in 0..5 {
            let mut step: Vec<f64> = (0..centre.len())
                .map(|i| {
                    if start == 0 {
                        0.0
                    } else {
                        low[i] + stream.unit() * (high[i] - low[i])
                    }
                })
                .collect();
            // The scale of the change is made 1, which the limits are meant for.
            let scale = self
                .gradient
                .iter()
                .fold(1e-300, |a: f64, g| a.max(g.abs()));
            let value = lbfgs::minimize(&mut step, &low, &high, limits, |step, gradient| {
                let value = self.change(step, gradient);
                for g in gradient.iter_mut() {
                    *g /= scale;
                }
                value / scale
            }) * scale;
            if value < best.1 {
                best = (step, value);
            }
        }
        let point = centre
            .iter()
            .zip(&best.0)
            .map(|(c, s)| c + s * self.radius)
            .collect();
        (point, best.1)
    }
}
