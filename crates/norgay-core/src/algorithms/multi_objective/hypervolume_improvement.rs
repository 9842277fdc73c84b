//! The logarithm of the expected hypervolume improvement.
//!
//! For independent normal predictions the expectation is exact: what lies undominated is divided
//! into boxes, and in each the expected gain is a product over the objectives of differences of
//! expected improvements (Yang, Emmerich, Deutz and Bäck, "Efficient computation of expected
//! hypervolume improvement using box decomposition algorithms", Journal of Global Optimization
//! 75, 2019). No samples are drawn. It is summed as logarithms, so that it has slopes where the
//! improvement itself is next to nothing (Ament et al., "Unexpected improvements to expected
//! improvement for Bayesian optimization", NeurIPS 2023).

use crate::algorithms::gaussian_process::acquisition::{Acquisition, Criterion};
use crate::algorithms::gaussian_process::posterior::Posterior;
use crate::numerics::dense::Matrix;
use crate::numerics::hypervolume::Cell;

/// Boxes that add less than this share of the largest don't count for the gradient.
const NEGLIGIBLE: f64 = -40.0;

/// The acquisition function.
pub(super) struct HypervolumeImprovement {
    posteriors: Vec<Posterior>,
    /// For each objective the different ends of boxes.
    levels: Vec<Vec<f64>>,
    boxes: Vec<Vec<Side>>,
}

/// From where to where a box goes in an objective: positions among the levels.
#[derive(Clone, Copy, Debug)]
struct Side {
    /// Absent if the box has no end below.
    low: Option<usize>,
    high: usize,
}

impl HypervolumeImprovement {
    /// The improvement that `posteriors`, one for each objective, promise in these cells.
    pub fn new(posteriors: Vec<Posterior>, cells: &[Cell]) -> Self {
        let objectives = 0..posteriors.len();
        let levels: Vec<Vec<f64>> = objectives
            .map(|objective| {
                let ends = cells
                    .iter()
                    .flat_map(|cell| [cell.lower[objective], cell.upper[objective]]);
                let mut levels: Vec<f64> = ends.filter(|end| end.is_finite()).collect();
                levels.sort_by(f64::total_cmp);
                levels.dedup();
                levels
            })
            .collect();
        let place = |objective: usize, end: f64| levels[objective].partition_point(|l| *l < end);
        let boxes = cells.iter().map(|cell| {
            let sides = (0..levels.len()).map(|objective| {
                let (low, high) = (cell.lower[objective], cell.upper[objective]);
                Side {
                    low: low.is_finite().then(|| place(objective, low)),
                    high: place(objective, high),
                }
            });
            sides.collect()
        });
        let boxes = boxes.collect();
        Self {
            posteriors,
            levels,
            boxes,
        }
    }

    /// The logarithm of the sum over the boxes, given the logarithms of the expected improvements
    /// on all levels; `each` becomes the boxes' logarithms.
    fn sum(&self, improvements: &[Vec<f64>], each: &mut Vec<f64>) -> f64 {
        each.clear();
        each.extend(self.boxes.iter().map(|sides| {
            let factors = sides.iter().zip(improvements);
            factors.map(|(side, logs)| side.factor(logs)).sum::<f64>()
        }));
        let largest = each.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        if !largest.is_finite() {
            return largest;
        }
        let sum: f64 = each.iter().map(|value| libm::exp(value - largest)).sum();
        largest + libm::log(sum)
    }
}

impl Side {
    /// The logarithm of the expected gain between the ends.
    fn factor(self, logs: &[f64]) -> f64 {
        match self.low {
            None => logs[self.high],
            Some(low) => logs[self.high] + log_one_minus_exp(logs[low] - logs[self.high]),
        }
    }
}

/// `ln(1 - exp(x))` for `x <= 0`.
fn log_one_minus_exp(x: f64) -> f64 {
    if x >= 0.0 {
        f64::NEG_INFINITY
    } else if x > -std::f64::consts::LN_2 {
        libm::log(-libm::expm1(x))
    } else {
        libm::log1p(-libm::exp(x))
    }
}

impl Acquisition for HypervolumeImprovement {
    fn values(&self, points: &Matrix) -> Vec<f64> {
        let predictions: Vec<(Vec<f64>, Vec<f64>)> =
            self.posteriors.iter().map(|p| p.predict(points)).collect();
        let mut each = Vec::with_capacity(self.boxes.len());
        let mut improvements: Vec<Vec<f64>> =
            self.levels.iter().map(|l| vec![0.0; l.len()]).collect();
        (0..points.rows())
            .map(|k| {
                for (objective, logs) in improvements.iter_mut().enumerate() {
                    let (means, variances) = &predictions[objective];
                    for (log, level) in logs.iter_mut().zip(&self.levels[objective]) {
                        *log = Criterion::ExpectedImprovement.value(*level, means[k], variances[k]);
                    }
                }
                self.sum(&improvements, &mut each)
            })
            .collect()
    }

    fn value_and_gradient(&self, point: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let predictions: Vec<_> = self
            .posteriors
            .iter()
            .map(|posterior| posterior.predict_with_gradient(point))
            .collect();
        let slopes: Vec<Vec<(f64, f64, f64)>> = self
            .levels
            .iter()
            .zip(&predictions)
            .map(|(levels, p)| {
                let levels = levels.iter();
                levels
                    .map(|level| Criterion::ExpectedImprovement.slopes(*level, p.mean, p.variance))
                    .collect()
            })
            .collect();
        let improvements: Vec<Vec<f64>> = slopes
            .iter()
            .map(|slopes| slopes.iter().map(|(log, _, _)| *log).collect())
            .collect();
        let mut each = Vec::with_capacity(self.boxes.len());
        let whole = self.sum(&improvements, &mut each);
        if !whole.is_finite() {
            return whole;
        }
        let weights = self.level_weights(&improvements, &each, whole);
        for ((weights, slopes), prediction) in weights.iter().zip(&slopes).zip(&predictions) {
            let pairs = weights.iter().zip(slopes);
            let (by_mean, by_variance) = pairs.fold((0.0, 0.0), |(mean, variance), (w, s)| {
                (mean + w * s.1, variance + w * s.2)
            });
            let parts = prediction
                .mean_gradient
                .iter()
                .zip(&prediction.variance_gradient);
            for (total, (mean, variance)) in gradient.iter_mut().zip(parts) {
                *total += by_mean * mean + by_variance * variance;
            }
        }
        whole
    }
}

impl HypervolumeImprovement {
    /// How the whole changes with the logarithm of the improvement on each level.
    fn level_weights(&self, improvements: &[Vec<f64>], each: &[f64], whole: f64) -> Vec<Vec<f64>> {
        let mut weights: Vec<Vec<f64>> = self.levels.iter().map(|l| vec![0.0; l.len()]).collect();
        for (sides, value) in self.boxes.iter().zip(each) {
            if value - whole < NEGLIGIBLE {
                continue;
            }
            let share = libm::exp(value - whole);
            for ((side, weights), logs) in sides.iter().zip(&mut weights).zip(improvements) {
                match side.low {
                    None => weights[side.high] += share,
                    Some(low) => {
                        let difference = logs[low] - logs[side.high];
                        let left = -libm::expm1(difference);
                        if left > 0.0 {
                            weights[side.high] += share / left;
                            weights[low] -= share * libm::exp(difference) / left;
                        }
                    }
                }
            }
        }
        weights
    }
}

#[cfg(test)]
mod tests {
    use super::HypervolumeImprovement;
    use crate::algorithms::gaussian_process::acquisition::{Acquisition, Criterion};
    use crate::algorithms::gaussian_process::hyperparameters::{Data, Hyperparameters};
    use crate::algorithms::gaussian_process::kernel::Metric;
    use crate::algorithms::gaussian_process::posterior::Posterior;
    use crate::numerics::dense::Matrix;
    use crate::numerics::hypervolume::{hypervolume, undominated_cells};
    use crate::numerics::normal;

    const FRONT: [[f64; 2]; 3] = [[-0.5, 0.8], [0.1, 0.2], [0.6, -0.4]];
    const REFERENCE: [f64; 2] = [1.0, 1.2];

    /// A process of one dimension through some values.
    fn posterior(values: [f64; 3]) -> Posterior {
        let mut columns = Matrix::zeros(1, 3);
        columns.row_mut(0).copy_from_slice(&[0.1, 0.5, 0.9]);
        let data = Data {
            columns,
            values: values.to_vec(),
            repeats: vec![1.0; 3],
            metric: Metric {
                categorical: vec![false],
            },
        };
        let hyper = Hyperparameters::initial(1);
        Posterior::new(&data, &hyper, &[]).expect("a posterior")
    }

    fn improvement() -> HypervolumeImprovement {
        let posteriors = vec![posterior([0.0, -0.6, 1.0]), posterior([0.5, 0.3, -0.9])];
        let cells = undominated_cells(&FRONT, &REFERENCE, 100).expect("few cells");
        HypervolumeImprovement::new(posteriors, &cells)
    }

    /// The mean of what a point would add, over quantiles of both normal predictions.
    #[test]
    fn it_is_the_expected_gain_of_hypervolume() {
        let improvement = improvement();
        let before = hypervolume(&FRONT, &REFERENCE);
        for x in [0.0, 0.3, 0.7, 1.0] {
            let predictions = improvement.posteriors.iter();
            let predictions: Vec<_> = predictions.map(|p| p.predict_with_gradient(&[x])).collect();
            let steps = 300;
            let quantile = |objective: usize, k: usize| {
                let p = &predictions[objective];
                let share = (k as f64 + 0.5) / f64::from(steps);
                p.mean + p.variance.sqrt() * normal::quantile(share)
            };
            let mut sum = 0.0;
            for i in 0..steps as usize {
                for j in 0..steps as usize {
                    let mut points = FRONT.to_vec();
                    points.push([quantile(0, i), quantile(1, j)]);
                    sum += hypervolume(&points, &REFERENCE) - before;
                }
            }
            let expected = sum / f64::from(steps * steps);
            let mut gradient = [0.0];
            let found = libm::exp(improvement.value_and_gradient(&[x], &mut gradient));
            assert!(
                (found / expected - 1.0).abs() < 2e-2,
                "{x}: {found} {expected}"
            );
        }
    }

    #[test]
    fn values_and_slopes_agree_with_each_other_and_with_differences() {
        let improvement = improvement();
        for x in [0.02, 0.31, 0.64, 0.97] {
            let mut gradient = [0.0];
            let here = improvement.value_and_gradient(&[x], &mut gradient);
            let mut points = Matrix::zeros(0, 1);
            for point in [x, x - 1e-6, x + 1e-6] {
                points.push(&[point]);
            }
            let values = improvement.values(&points);
            assert!((values[0] - here).abs() < 1e-9 * here.abs().max(1.0));
            let slope = (values[2] - values[1]) / 2e-6;
            assert!(
                (slope - gradient[0]).abs() < 1e-4 * slope.abs().max(1.0),
                "{x}"
            );
        }
    }

    #[test]
    fn of_one_objective_it_is_the_expected_improvement() {
        let cells = undominated_cells(&[[-0.2]], &[1.0], 10).expect("one cell");
        let improvement = HypervolumeImprovement::new(vec![posterior([0.0, -0.2, 1.0])], &cells);
        let p = improvement.posteriors[0].predict_with_gradient(&[0.3]);
        let expected = Criterion::ExpectedImprovement.value(-0.2, p.mean, p.variance);
        let mut gradient = [0.0];
        let found = improvement.value_and_gradient(&[0.3], &mut gradient);
        assert!((found - expected).abs() < 1e-12);
    }
}
