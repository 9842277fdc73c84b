//! The constants of CMA-ES for one number of dimensions and of ranked points.
//!
//! Source: N. Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv:1604.00772, table 1 (with
//! active update); for diagonal covariances R. Ros and N. Hansen, "A Simple Modification in
//! CMA-ES Achieving Linear Time and Space Complexity", PPSN 2008.

/// The least number of points whose ranking says anything.
pub(super) const MIN_POINTS: usize = 4;

/// How much each part of a ranking changes the distribution.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Constants {
    /// Weights by rank; those of the better half sum up to 1, the others are negative.
    pub weights: Vec<f64>,
    /// How many of the weights are positive.
    pub parents: usize,
    /// The variance-effective number of parents.
    pub effective: f64,
    /// Learning rate of the rank-one update.
    pub one: f64,
    /// Learning rate of the rank-mu update.
    pub mu: f64,
    /// Learning rate of the covariance's path.
    pub path: f64,
    /// Learning rate of the step size's path.
    pub path_sigma: f64,
    /// Damping of the step size.
    pub damping: f64,
    /// The expected length of a standard normal vector.
    pub length: f64,
}

/// The number of points of a generation, unless the user says otherwise.
pub(super) fn default_population(dimensions: usize) -> usize {
    4 + (3.0 * libm::log(dimensions.max(1) as f64)) as usize
}

impl Constants {
    pub fn new(dimensions: usize, points: usize, diagonal: bool) -> Self {
        let n = dimensions.max(1) as f64;
        let points = points.max(MIN_POINTS);
        let parents = points / 2;
        let half = libm::log(f64::midpoint(points as f64, 1.0));
        let mut weights: Vec<f64> = (1..=points)
            .map(|rank| half - libm::log(rank as f64))
            .collect();
        let effective = effective_size(&weights[..parents]);
        let effective_below = effective_size(&weights[parents..]);

        let faster = if diagonal { (n + 2.0) / 3.0 } else { 1.0 };
        let square = |x: f64| x * x;
        let one = (faster * 2.0 / (square(n + 1.3) + effective)).min(0.5);
        let mu = faster * 2.0 * (effective - 2.0 + 1.0 / effective) / (square(n + 2.0) + effective);
        let mu = mu.min(1.0 - one - 1e-8);
        // The largest total of negative weights that keeps the covariance positive definite.
        let below = (1.0 + one / mu)
            .min(1.0 + 2.0 * effective_below / (effective + 2.0))
            .min((1.0 - one - mu) / (n * mu));
        normalise(&mut weights, below);

        let path_sigma = (effective + 2.0) / (n + effective + 5.0);
        let excess = ((effective - 1.0) / (n + 1.0)).sqrt() - 1.0;
        Self {
            weights,
            parents,
            effective,
            one,
            mu,
            path: (4.0 + effective / n) / (n + 4.0 + 2.0 * effective / n),
            path_sigma,
            damping: 1.0 + 2.0 * excess.max(0.0) + path_sigma,
            length: n.sqrt() * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n)),
        }
    }
}

fn effective_size(weights: &[f64]) -> f64 {
    let sum: f64 = weights.iter().sum();
    let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
    sum * sum / squares
}

/// Scales the positive weights to 1 in total and the negative ones to `below`.
fn normalise(weights: &mut [f64], below: f64) {
    let above: f64 = weights.iter().filter(|weight| **weight > 0.0).sum();
    let under: f64 = -weights.iter().filter(|weight| **weight < 0.0).sum::<f64>();
    for weight in weights {
        *weight *= if *weight >= 0.0 {
            1.0 / above
        } else {
            below / under
        };
    }
}
