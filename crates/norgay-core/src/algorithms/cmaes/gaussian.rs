//! The normal distribution that CMA-ES samples, and how a ranking of points changes it.
//!
//! Source: N. Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv:1604.00772. Points are
//! drawn with the symmetric root of the covariance, so that they depend on the covariance alone
//! and not on the signs or the order of its eigenvectors.

use crate::numerics::symmetric_eigen::{SymmetricEigen, mirror};

use super::constants::Constants;

/// Keeps the division by a squared length finite.
const TINY: f64 = 1e-8;
/// The step size stays below this: the space is one unit wide.
const LARGEST_SIGMA: f64 = 1e4;
/// The step size stays above this, so that positions and steps can be turned into each other.
const SMALLEST_SIGMA: f64 = 1e-150;

/// A normal distribution that adapts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Gaussian {
    pub mean: Vec<f64>,
    pub sigma: f64,
    pub shape: Shape,
    path_sigma: Vec<f64>,
    path: Vec<f64>,
    updates: u32,
}

/// A covariance matrix, apart from the step size.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Of many dimensions the variances only (sep-CMA-ES).
    Diagonal(Vec<f64>),
    /// All of it.
    Full {
        covariance: Vec<f64>,
        root: Vec<f64>,
        inverse_root: Vec<f64>,
        /// The largest eigenvalue divided by the smallest.
        condition: f64,
    },
}

impl Shape {
    /// The same variance in all directions.
    pub fn identity(dimensions: usize, diagonal: bool) -> Self {
        if diagonal {
            return Self::Diagonal(vec![1.0; dimensions]);
        }
        let mut covariance = vec![0.0; dimensions * dimensions];
        for i in 0..dimensions {
            covariance[i * dimensions + i] = 1.0;
        }
        Self::Full {
            root: covariance.clone(),
            inverse_root: covariance.clone(),
            covariance,
            condition: 1.0,
        }
    }

    /// A full covariance matrix; `None` if it is not positive definite.
    pub fn full(covariance: Vec<f64>, dimensions: usize) -> Option<Self> {
        let eigen = SymmetricEigen::new(&covariance, dimensions)?;
        let smallest = *eigen.values.first()?;
        let largest = *eigen.values.last()?;
        if smallest <= 0.0 {
            return None;
        }
        Some(Self::Full {
            root: eigen.map(f64::sqrt),
            inverse_root: eigen.map(|value| 1.0 / value.sqrt()),
            covariance,
            condition: largest / smallest,
        })
    }

    /// The variance along one axis.
    pub fn variance(&self, axis: usize) -> f64 {
        match self {
            Self::Diagonal(variances) => variances[axis],
            Self::Full { covariance, .. } => {
                let n = covariance.len().isqrt();
                covariance[axis * n + axis]
            }
        }
    }

    /// The largest variance divided by the smallest.
    pub fn condition(&self) -> f64 {
        match self {
            Self::Full { condition, .. } => *condition,
            Self::Diagonal(variances) => {
                let largest = variances.iter().copied().fold(0.0, f64::max);
                largest / variances.iter().copied().fold(f64::INFINITY, f64::min)
            }
        }
    }

    /// The step of a standard normal vector.
    fn step(&self, draws: &[f64]) -> Vec<f64> {
        match self {
            Self::Diagonal(variances) => scaled(draws, variances, f64::sqrt),
            Self::Full { root, .. } => product(root, draws),
        }
    }

    /// The standard normal vector of a step.
    fn whitened(&self, step: &[f64]) -> Vec<f64> {
        match self {
            Self::Diagonal(variances) => scaled(step, variances, |v| 1.0 / v.sqrt()),
            Self::Full { inverse_root, .. } => product(inverse_root, step),
        }
    }

    /// The weighted sum of this and of the steps' outer products.
    fn updated(&self, keep: f64, steps: &[(f64, &[f64])]) -> Option<Self> {
        match self {
            Self::Diagonal(variances) => {
                let mut new: Vec<f64> = variances.iter().map(|variance| keep * variance).collect();
                for (weight, step) in steps {
                    for (sum, part) in new.iter_mut().zip(*step) {
                        *sum += weight * (part * part);
                    }
                }
                let usable = new.iter().all(|v| v.is_finite() && *v > 0.0);
                usable.then_some(Self::Diagonal(new))
            }
            Self::Full { covariance, .. } => {
                let n = covariance.len().isqrt();
                let mut new: Vec<f64> = covariance.iter().map(|entry| keep * entry).collect();
                for (weight, step) in steps {
                    for row in 0..n {
                        let factor = weight * step[row];
                        let target = &mut new[row * n..=row * n + row];
                        for (sum, part) in target.iter_mut().zip(*step) {
                            *sum += factor * part;
                        }
                    }
                }
                mirror(&mut new, n);
                Self::full(new, n)
            }
        }
    }
}

fn scaled(vector: &[f64], variances: &[f64], factor: impl Fn(f64) -> f64) -> Vec<f64> {
    let pairs = vector.iter().zip(variances);
    pairs.map(|(x, variance)| x * factor(*variance)).collect()
}

fn product(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
    let rows = matrix.chunks_exact(vector.len().max(1));
    rows.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
        .collect()
}

fn length(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}

impl Gaussian {
    pub fn new(mean: Vec<f64>, sigma: f64, shape: Shape) -> Self {
        Self {
            path_sigma: vec![0.0; mean.len()],
            path: vec![0.0; mean.len()],
            mean,
            sigma,
            shape,
            updates: 0,
        }
    }

    pub fn dimensions(&self) -> usize {
        self.mean.len()
    }

    /// The standard deviation along one axis.
    pub fn deviation(&self, axis: usize) -> f64 {
        self.sigma * self.shape.variance(axis).sqrt()
    }

    /// The step from the mean, in units of the step size, that these standard normal draws give.
    pub fn step(&self, draws: &[f64]) -> Vec<f64> {
        self.shape.step(draws)
    }

    /// Shortens a step that this distribution would hardly have drawn.
    ///
    /// Source: N. Hansen, "Injecting External Solutions Into CMA-ES", arXiv:1110.4181, eq. 4.
    pub fn shorten(&self, step: &mut [f64]) {
        let n = self.dimensions() as f64;
        let most = n.sqrt() + 2.0 * n / (n + 2.0);
        let found = length(&self.shape.whitened(step));
        if found > most {
            for part in step {
                *part *= most / found;
            }
        }
    }

    /// Learns from the steps of a generation, the best first.
    pub fn update(&mut self, steps: &[Vec<f64>]) {
        let n = self.dimensions();
        let diagonal = matches!(self.shape, Shape::Diagonal(_));
        let constants = Constants::new(n, steps.len(), diagonal);
        let weighted = constants.weights.iter().zip(steps);
        let mut centre = vec![0.0; n];
        for (weight, step) in weighted.clone().take(constants.parents) {
            for (sum, part) in centre.iter_mut().zip(step) {
                *sum += weight * part;
            }
        }
        for (mean, part) in self.mean.iter_mut().zip(&centre) {
            *mean += self.sigma * part;
        }
        self.updates += 1;
        let stalled = self.follow_path(&constants, &centre);

        // The negative weights count for steps of the expected length.
        let ranked = weighted.map(|(weight, step)| {
            if *weight >= 0.0 {
                return (constants.mu * weight, step.as_slice());
            }
            let whitened = self.shape.whitened(step);
            let squared: f64 = whitened.iter().map(|x| x * x).sum();
            let factor = n as f64 / (squared + TINY);
            (constants.mu * weight * factor, step.as_slice())
        });
        let mut parts: Vec<(f64, &[f64])> = ranked.collect();
        parts.push((constants.one, &self.path));
        let total: f64 = constants.weights.iter().sum();
        let lost = stalled * constants.path * (2.0 - constants.path);
        let keep = 1.0 + constants.one * lost - constants.one - constants.mu * total;
        let shape = self.shape.updated(keep, &parts);
        // Rounding destroyed it: start again with the same overall size.
        self.shape = shape.unwrap_or_else(|| Shape::identity(n, diagonal));
    }

    /// Moves both paths and the step size; 1 if the covariance's path stands still, else 0.
    fn follow_path(&mut self, constants: &Constants, centre: &[f64]) -> f64 {
        let n = self.dimensions() as f64;
        let rate = constants.path_sigma;
        let gain = (rate * (2.0 - rate) * constants.effective).sqrt();
        let whitened = self.shape.whitened(centre);
        for (path, part) in self.path_sigma.iter_mut().zip(&whitened) {
            *path = (1.0 - rate) * *path + gain * part;
        }
        let found = length(&self.path_sigma);
        let change = rate / constants.damping * (found / constants.length - 1.0);
        let sigma = self.sigma * libm::exp(change.min(1.0));
        self.sigma = sigma.clamp(SMALLEST_SIGMA, LARGEST_SIGMA);

        let settled = 1.0 - libm::pow(1.0 - rate, f64::from(2 * (self.updates + 1)));
        let usual = (1.4 + 2.0 / (n + 1.0)) * constants.length;
        let moves = found / settled.sqrt() < usual;
        let rate = constants.path;
        let gain = (rate * (2.0 - rate) * constants.effective).sqrt();
        let gain = if moves { gain } else { 0.0 };
        for (path, part) in self.path.iter_mut().zip(centre) {
            *path = (1.0 - rate) * *path + gain * part;
        }
        f64::from(u8::from(!moves))
    }
}
