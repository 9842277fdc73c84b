//! Where a run of CMA-ES starts.
//!
//! The warm start is M. Nomura, S. Watanabe, Y. Akimoto, Y. Ozaki and M. Onishi, "Warm Starting
//! CMA-ES for Hyperparameter Optimization", AAAI 2021.

use crate::random::Stream;

use super::categorical::Categorical;
use super::coordinates::{Coordinates, Point};
use super::distribution::Distribution;
use super::gaussian::{Gaussian, Shape};

/// More axes than this have variances only.
pub(super) const MAX_FULL: usize = 200;
/// The standard deviation around each of the good points of a history.
const SPREAD: f64 = 0.1;
/// The share of the good points whose categories are not counted on.
const DOUBT: f64 = 0.5;

/// All categories equally likely.
fn indifferent(coordinates: &Coordinates) -> Vec<Vec<f64>> {
    let counts = coordinates.categorical.iter();
    counts
        .map(|(_, count)| vec![1.0 / *count as f64; *count])
        .collect()
}

/// Each category as likely as it is frequent among the points, half of it at least by chance.
fn frequent(coordinates: &Coordinates, points: &[Point]) -> Vec<Vec<f64>> {
    let mut rows = indifferent(coordinates);
    for (parameter, row) in rows.iter_mut().enumerate() {
        let found = points
            .iter()
            .filter_map(|point| point.categories[parameter]);
        let found: Vec<usize> = found.filter(|category| *category < row.len()).collect();
        if found.is_empty() {
            continue;
        }
        for probability in row.iter_mut() {
            *probability *= DOUBT;
        }
        for category in &found {
            row[*category] += (1.0 - DOUBT) / found.len() as f64;
        }
    }
    rows
}

fn joined(coordinates: &Coordinates, gaussian: Gaussian, rows: Vec<Vec<f64>>) -> Distribution {
    Distribution::new(gaussian, Categorical::new(rows, coordinates.discrete()))
}

fn round(coordinates: &Coordinates, mean: Vec<f64>, sigma: f64) -> Gaussian {
    let axes = coordinates.axes.len();
    Gaussian::new(mean, sigma, Shape::identity(axes, axes > MAX_FULL))
}

/// Around the middle of the space.
pub(super) fn centre(coordinates: &Coordinates, sigma: f64) -> Distribution {
    let middle = vec![0.5; coordinates.axes.len()];
    joined(
        coordinates,
        round(coordinates, middle, sigma),
        indifferent(coordinates),
    )
}

/// Around a random place.
pub(super) fn anywhere(coordinates: &Coordinates, sigma: f64, stream: &mut Stream) -> Distribution {
    let mean = coordinates.axes.iter().map(|_| stream.unit()).collect();
    joined(
        coordinates,
        round(coordinates, mean, sigma),
        indifferent(coordinates),
    )
}

/// Around a point that is known to be good.
pub(super) fn around(coordinates: &Coordinates, sigma: f64, point: &Point) -> Distribution {
    let rows = frequent(coordinates, std::slice::from_ref(point));
    let mean = point.positions.clone();
    joined(coordinates, round(coordinates, mean, sigma), rows)
}

/// Where the good points of a history are.
pub(super) fn among(coordinates: &Coordinates, points: &[Point]) -> Distribution {
    let axes = coordinates.axes.len();
    let count = points.len().max(1) as f64;
    let mean: Vec<f64> = (0..axes)
        .map(|axis| points.iter().map(|p| p.positions[axis]).sum::<f64>() / count)
        .collect();
    let product = |a: usize, b: usize| {
        let products = points
            .iter()
            .map(|p| (p.positions[a] - mean[a]) * (p.positions[b] - mean[b]));
        let own = if a == b { SPREAD * SPREAD } else { 0.0 };
        products.sum::<f64>() / count + own
    };
    let gaussian = if axes > MAX_FULL {
        diagonal(&mean, &(0..axes).map(|a| product(a, a)).collect::<Vec<_>>())
    } else {
        let entries = (0..axes * axes).map(|i| product(i / axes, i % axes));
        full(&mean, &entries.collect::<Vec<_>>())
    };
    let gaussian = gaussian.unwrap_or_else(|| round(coordinates, mean, SPREAD));
    joined(coordinates, gaussian, frequent(coordinates, points))
}

/// Splits variances into a step size and a shape of volume 1.
fn diagonal(mean: &[f64], variances: &[f64]) -> Option<Gaussian> {
    let volume = variances.iter().map(|v| libm::log(*v)).sum::<f64>() / variances.len() as f64;
    let unit = libm::exp(volume);
    let shape = variances.iter().map(|variance| variance / unit).collect();
    unit.is_normal()
        .then(|| Gaussian::new(mean.to_vec(), unit.sqrt(), Shape::Diagonal(shape)))
}

/// The same for a covariance matrix.
fn full(mean: &[f64], covariance: &[f64]) -> Option<Gaussian> {
    use crate::numerics::symmetric_eigen::SymmetricEigen;
    let n = mean.len();
    let eigen = SymmetricEigen::new(covariance, n).filter(|_| n > 0)?;
    let logs = eigen
        .values
        .iter()
        .map(|value| libm::log(value.max(1e-300)));
    let unit = libm::exp(logs.sum::<f64>() / n as f64);
    let scaled = covariance.iter().map(|entry| entry / unit).collect();
    let shape = Shape::full(scaled, n).filter(|_| unit.is_normal())?;
    Some(Gaussian::new(mean.to_vec(), unit.sqrt(), shape))
}
