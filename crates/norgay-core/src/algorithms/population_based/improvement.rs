//! How much one interval of training improves a member, as a Gaussian process over its parameters
//! and the time.
//!
//! Source: Bogunovic, Scarlett and Cevher, "Time-varying Gaussian process bandit optimization",
//! AISTATS 2016: what was seen `t` generations ago counts by `(1 - e)^(t/2)` less.

use crate::algorithms::gaussian_process::kernel::{Metric, matern};
use crate::numerics::dense::{Matrix, cholesky, product, solve_lower, solve_upper};

/// The latest so many improvements are learned from.
const MAX_ROWS: usize = 150;

/// Fewer teach nothing.
const MIN_ROWS: usize = 3;

/// Lengthscales for one dimension; they grow as the diagonal of the cube does.
const LENGTHSCALES: [f64; 4] = [0.15, 0.3, 0.6, 1.2];
const FORGETTING: [f64; 4] = [0.0, 0.05, 0.1, 0.2];
const NOISES: [f64; 3] = [0.01, 0.1, 0.5];

/// A member's parameters in an interval of training.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) point: Vec<f64>,
    pub(super) generation: f64,
    /// By how much its value became better; 0 where it is not known yet.
    pub(super) gain: f64,
}

#[derive(Clone, Copy, Debug)]
struct Hyperparameters {
    /// Reciprocal of the squared lengthscale.
    weight: f64,
    forgetting: f64,
    noise: f64,
}

/// The fitted process.
pub(super) struct Improvement {
    metric: Metric,
    hyperparameters: Hyperparameters,
    rows: Vec<Row>,
    /// Factor of the covariances of all rows, pending ones last.
    factor: Matrix,
    /// The inverse covariances of the rows with gains, times these.
    coefficients: Vec<f64>,
}

impl Improvement {
    /// Learns from `known` gains, given that of `pending` ones none is known; `None` if there is
    /// too little to learn.
    ///
    /// Pending rows count for the uncertainty alone: each is believed to give what is expected.
    pub(super) fn new(metric: Metric, known: &[Row], pending: &[Row]) -> Option<Self> {
        let mut rows = known[known.len().saturating_sub(MAX_ROWS)..].to_vec();
        standardize(&mut rows);
        if rows.len() < MIN_ROWS {
            return None;
        }
        let gains: Vec<f64> = rows.iter().map(|row| row.gain).collect();
        let dimensions = metric.categorical.len().max(1) as f64;
        let mut best: Option<(f64, Hyperparameters, Vec<f64>)> = None;
        for lengthscale in LENGTHSCALES {
            let weight = 1.0 / (lengthscale * lengthscale * dimensions);
            for forgetting in FORGETTING {
                for noise in NOISES {
                    let tried = Hyperparameters {
                        weight,
                        forgetting,
                        noise,
                    };
                    let Some((evidence, coefficients)) = fit(&metric, tried, &rows, &gains) else {
                        continue;
                    };
                    if best.as_ref().is_none_or(|(most, ..)| evidence > *most) {
                        best = Some((evidence, tried, coefficients));
                    }
                }
            }
        }
        let (_, hyperparameters, coefficients) = best?;
        rows.extend(pending.iter().take(MAX_ROWS).cloned());
        let factor = factorized(&metric, hyperparameters, &rows)?;
        Some(Self {
            metric,
            hyperparameters,
            rows,
            factor,
            coefficients,
        })
    }

    /// What an interval with these parameters improves, and the standard deviation of that.
    pub(super) fn predicted(&self, point: &[f64], generation: f64) -> (f64, f64) {
        let covariance = |row: &Row| {
            let difference = row.generation - generation;
            correlation(
                &self.metric,
                self.hyperparameters,
                &row.point,
                point,
                difference,
            )
        };
        let mut covariances: Vec<f64> = self.rows.iter().map(covariance).collect();
        let mean = product(&covariances[..self.coefficients.len()], &self.coefficients);
        solve_lower(&self.factor, &mut covariances);
        let variance = 1.0 - product(&covariances, &covariances);
        (mean, libm::sqrt(variance.max(0.0)))
    }

    /// The standardized gains of rows, each with how much it still counts at a time.
    pub(super) fn weighted_gains(&self, generation: f64) -> impl Iterator<Item = (&Row, f64)> {
        let forgetting = self.hyperparameters.forgetting;
        let known = self.rows.iter().take(self.coefficients.len());
        known.map(move |row| (row, remembered(forgetting, row.generation - generation)))
    }
}

/// Brings gains to mean 0 and standard deviation 1, and drops those that are no finite number.
fn standardize(rows: &mut Vec<Row>) {
    rows.retain(|row| row.gain.is_finite());
    let largest = rows
        .iter()
        .fold(0.0_f64, |most, row| most.max(row.gain.abs()));
    if largest <= 0.0 {
        return;
    }
    // Squares of huge gains would be infinite.
    for row in rows.iter_mut() {
        row.gain /= largest;
    }
    let count = rows.len() as f64;
    let mean = rows.iter().map(|row| row.gain).sum::<f64>() / count;
    for row in rows.iter_mut() {
        row.gain -= mean;
    }
    let squares: f64 = rows.iter().map(|row| row.gain * row.gain).sum();
    let deviation = libm::sqrt(squares / count);
    if deviation > 0.0 {
        for row in rows.iter_mut() {
            row.gain /= deviation;
        }
    }
}

fn remembered(forgetting: f64, generations: f64) -> f64 {
    libm::pow(1.0 - forgetting, generations.abs() / 2.0)
}

fn correlation(
    metric: &Metric,
    hyperparameters: Hyperparameters,
    a: &[f64],
    b: &[f64],
    generations: f64,
) -> f64 {
    let pairs = a.iter().zip(b).enumerate();
    let squared: f64 = pairs.map(|(p, (a, b))| metric.squared(p, *a, *b)).sum();
    matern(squared * hyperparameters.weight) * remembered(hyperparameters.forgetting, generations)
}

fn factorized(metric: &Metric, hyperparameters: Hyperparameters, rows: &[Row]) -> Option<Matrix> {
    let mut matrix = Matrix::zeros(rows.len(), rows.len());
    for (i, a) in rows.iter().enumerate() {
        let row = matrix.row_mut(i);
        for (entry, b) in row.iter_mut().zip(&rows[..i]) {
            let difference = a.generation - b.generation;
            *entry = correlation(metric, hyperparameters, &a.point, &b.point, difference);
        }
        row[i] = 1.0 + hyperparameters.noise;
    }
    cholesky(&mut matrix).ok()?;
    Some(matrix)
}

/// The logarithm of the marginal likelihood, but for a constant, and the coefficients.
fn fit(
    metric: &Metric,
    hyperparameters: Hyperparameters,
    rows: &[Row],
    gains: &[f64],
) -> Option<(f64, Vec<f64>)> {
    let factor = factorized(metric, hyperparameters, rows)?;
    let mut coefficients = gains.to_vec();
    solve_lower(&factor, &mut coefficients);
    let misfit = product(&coefficients, &coefficients);
    solve_upper(&factor, &mut coefficients);
    let logarithms: f64 = (0..rows.len()).map(|i| libm::log(factor.row(i)[i])).sum();
    Some((-0.5 * misfit - logarithms, coefficients))
}

#[cfg(test)]
mod tests {
    use super::{Improvement, Row};
    use crate::algorithms::gaussian_process::kernel::Metric;

    fn metric() -> Metric {
        Metric {
            categorical: vec![false],
        }
    }

    fn row(place: f64, generation: f64, gain: f64) -> Row {
        Row {
            point: vec![place],
            generation,
            gain,
        }
    }

    #[test]
    fn it_expects_most_where_gains_were_largest_and_is_least_sure_far_away() {
        let known: Vec<Row> = (0..20)
            .map(|k| {
                let place = f64::from(k % 10) / 20.0;
                row(place, f64::from(k / 10), -(place - 0.3) * (place - 0.3))
            })
            .collect();
        let model = Improvement::new(metric(), &known, &[]).expect("enough rows");
        let expected = |place: f64| model.predicted(&[place], 2.0);
        assert!(expected(0.3).0 > expected(0.0).0 && expected(0.3).0 > expected(0.45).0);
        assert!(expected(1.0).1 > expected(0.3).1);
    }

    #[test]
    fn a_pending_row_lowers_the_uncertainty_and_leaves_the_expectation() {
        let known: Vec<Row> = (0..6)
            .map(|k| row(f64::from(k) / 10.0, 1.0, f64::from(k)))
            .collect();
        let without = Improvement::new(metric(), &known, &[]).expect("enough rows");
        let with = Improvement::new(metric(), &known, &[row(0.9, 2.0, 0.0)]).expect("enough rows");
        let (before, after) = (without.predicted(&[0.9], 2.0), with.predicted(&[0.9], 2.0));
        assert_eq!(before.0, after.0);
        assert!(after.1 < before.1);
    }

    #[test]
    fn old_gains_are_forgotten_when_they_no_longer_hold() {
        // What was good in the first generations is bad in the last ones.
        let known: Vec<Row> = (0..60)
            .map(|k| {
                let (place, time) = (f64::from(k % 6) / 5.0, f64::from(k / 6));
                row(place, time, if time < 5.0 { place } else { -place })
            })
            .collect();
        let model = Improvement::new(metric(), &known, &[]).expect("enough rows");
        assert!(model.predicted(&[0.0], 10.0).0 > model.predicted(&[1.0], 10.0).0);
    }

    #[test]
    fn extreme_and_equal_gains_are_endured() {
        let gains = [f64::INFINITY, f64::NAN, 1e300, -1e300, 0.0, 1e-300];
        let known: Vec<Row> = gains.iter().map(|gain| row(0.5, 1.0, *gain)).collect();
        let model = Improvement::new(metric(), &known, &[]).expect("four finite gains");
        assert!(model.predicted(&[0.1], 2.0).0.is_finite());
        let known = vec![row(0.5, 1.0, 2.0); 5];
        let model = Improvement::new(metric(), &known, &[]).expect("enough rows");
        assert_eq!(model.predicted(&[0.5], 1.0).0, 0.0);
        assert!(Improvement::new(metric(), &known[..2], &[]).is_none());
    }
}
