//! The covariance of a Gaussian process over mixed points: Matérn 5/2 with a lengthscale for each
//! dimension, where two labels of a categorical parameter are at distance 1.
//!
//! Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006), chapter 4.
//! A Hamming distance is a squared Euclidean one of an embedding, so the kernel stays positive
//! definite.

use crate::algorithms::encoding::Encoding;
use crate::numerics::dense::{Matrix, exponential, widest};

const SQRT_5: f64 = 2.236_067_977_499_79;

/// Which dimensions are categorical.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Metric {
    pub(crate) categorical: Vec<bool>,
}

/// The lengthscales, as inverse squares.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kernel {
    pub(crate) metric: Metric,
    /// Reciprocals of the squared lengthscales.
    pub(crate) weights: Vec<f64>,
    /// The variance of the process.
    pub(crate) variance: f64,
}

/// The Matérn 5/2 correlation at a squared distance.
#[inline(always)]
#[allow(clippy::inline_always)] // compiled into loops with wide instructions
pub(crate) fn matern(squared: f64) -> f64 {
    let s = SQRT_5 * squared.sqrt();
    (1.0 + s + s * s * (1.0 / 3.0)) * exponential(-s)
}

/// The same and its derivative by the squared distance.
#[inline(always)]
#[allow(clippy::inline_always)]
pub(crate) fn matern_and_slope(squared: f64) -> (f64, f64) {
    let s = SQRT_5 * squared.sqrt();
    let decay = exponential(-s);
    let near = 1.0 + s;
    (
        (near + s * s * (1.0 / 3.0)) * decay,
        -(5.0 / 6.0) * near * decay,
    )
}

impl Metric {
    /// The metric of an encoded space.
    pub(crate) fn of(encoding: &Encoding) -> Self {
        let dimensions = encoding.dimensions().iter();
        Self {
            categorical: dimensions.map(|d| d.axis.is_category()).collect(),
        }
    }

    /// The squared difference of two coordinates of a dimension.
    pub(crate) fn squared(&self, dimension: usize, a: f64, b: f64) -> f64 {
        if self.categorical[dimension] {
            f64::from(u8::from(a != b))
        } else {
            (a - b) * (a - b)
        }
    }
}

impl Kernel {
    /// Squared distances of a point to each of the points given by dimension (`columns[p][i]`).
    #[inline(always)]
    #[allow(clippy::inline_always, clippy::needless_range_loop)]
    pub(crate) fn squared_distances(&self, point: &[f64], columns: &Matrix, into: &mut [f64]) {
        into.fill(0.0);
        for (p, coordinate) in point.iter().enumerate() {
            let weight = self.weights[p];
            let column = &columns.row(p)[..into.len()];
            if self.metric.categorical[p] {
                for k in 0..into.len() {
                    into[k] += if *coordinate == column[k] {
                        0.0
                    } else {
                        weight
                    };
                }
            } else {
                for k in 0..into.len() {
                    let difference = coordinate - column[k];
                    into[k] += weight * difference * difference;
                }
            }
        }
    }

    /// Covariances of a point with each of the points given by dimension.
    #[allow(clippy::needless_range_loop)]
    pub(crate) fn covariances(&self, point: &[f64], columns: &Matrix, into: &mut [f64]) {
        widest(
            #[inline(always)]
            || {
                self.squared_distances(point, columns, into);
                for k in 0..into.len() {
                    into[k] = self.variance * matern(into[k]);
                }
            },
        );
    }
}
