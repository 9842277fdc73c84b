//! How far the best result may still be from the optimum.
//!
//! Source: Makarova et al., "Automatic termination for hyperparameter optimization" (AutoML 2022):
//! the smallest upper confidence bound of what was tried, less the smallest lower confidence bound
//! anywhere. The width is theirs: that of Srinivas et al. (2010) divided by five.

use crate::numerics::dense::Matrix;

use super::posterior::Posterior;

/// The width of the confidence bounds, in standard deviations.
pub(crate) fn confidence_width(dimensions: usize, results: usize) -> f64 {
    const DOUBT: f64 = 0.1;
    let (d, n) = (dimensions.max(1) as f64, results.max(1) as f64);
    let pi = std::f64::consts::PI;
    let beta = 2.0 * libm::log(d * n * n * pi * pi / (6.0 * DOUBT));
    (beta / 5.0).max(0.0).sqrt()
}

/// The smallest upper confidence bound among points.
pub(crate) fn least_upper_bound(posterior: &Posterior, points: &[Vec<f64>], width: f64) -> f64 {
    let mut rows = Matrix::zeros(0, points.first().map_or(0, Vec::len));
    for point in points {
        rows.push(point);
    }
    let (means, variances) = posterior.predict(&rows);
    let bounds = means.iter().zip(&variances);
    bounds
        .map(|(mean, variance)| mean + width * variance.sqrt())
        .fold(f64::INFINITY, f64::min)
}
