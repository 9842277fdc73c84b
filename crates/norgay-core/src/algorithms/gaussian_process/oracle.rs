//! The processes beside scikit-learn's, and gradients beside differences.

use serde::Deserialize;

use crate::numerics::dense::Matrix;
use crate::random::{Purpose, Stream};

use super::acquisition::{Acquisition, Criterion, Improvement, Member};
use super::feasibility::{Cost, FailureModel, Feasible};
use super::hyperparameters::{Data, Evidence, Hyperparameters, MEAN_PRECISION, Prior};
use super::kernel::Metric;
use super::posterior::Posterior;

/// Made by `tests/data/gaussian_process.py`.
const CASES: &str = include_str!("../../../tests/data/gaussian_process.json");

#[derive(Deserialize)]
struct Case {
    x: Vec<Vec<f64>>,
    y: Vec<f64>,
    lengthscales: Vec<f64>,
    variance: f64,
    noise: f64,
    mean: f64,
    log_marginal_likelihood: f64,
    at: Vec<Vec<f64>>,
    means: Vec<f64>,
    variances: Vec<f64>,
}

impl Case {
    fn tolerance(&self) -> f64 {
        if self.noise >= 1e-4 { 1e-8 } else { 1e-5 }
    }

    fn data(&self) -> Data {
        let categorical = vec![false; self.lengthscales.len()];
        data(&self.x, self.y.clone(), Metric { categorical })
    }

    fn hyperparameters(&self) -> Hyperparameters {
        let lengthscales = self.lengthscales.iter();
        let others = [self.variance, self.noise];
        let all = lengthscales.chain(&others);
        Hyperparameters(all.map(|x| x.ln()).collect())
    }
}

fn cases() -> Vec<Case> {
    serde_json::from_str(CASES).unwrap()
}

fn data(points: &[Vec<f64>], values: Vec<f64>, metric: Metric) -> Data {
    let mut columns = Matrix::zeros(metric.categorical.len(), points.len());
    for p in 0..metric.categorical.len() {
        for (entry, point) in columns.row_mut(p).iter_mut().zip(points) {
            *entry = point[p];
        }
    }
    Data {
        columns,
        repeats: vec![1.0; values.len()],
        values,
        metric,
    }
}

fn rows(points: &[Vec<f64>]) -> Matrix {
    let mut matrix = Matrix::zeros(0, points[0].len());
    for point in points {
        matrix.push(point);
    }
    matrix
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * (1.0 + b.abs())
}

#[test]
fn posteriors_are_scikit_learns() {
    for case in cases() {
        let data = case.data();
        let posterior = Posterior::new(&data, &case.hyperparameters(), &[]).unwrap();
        let (means, variances) = posterior.predict(&rows(&case.at));
        for k in 0..case.at.len() {
            assert!(close(means[k], case.means[k], case.tolerance()));
            assert!(close(variances[k], case.variances[k], case.tolerance()));
        }
    }
}

#[test]
fn marginal_likelihoods_are_scikit_learns() {
    for case in cases() {
        let data = case.data();
        let d = case.lengthscales.len();
        let prior = Prior::of(d);
        let hyper = case.hyperparameters();
        let mut gradient = vec![0.0; d + 2];
        let value = Evidence::new(&data, prior).value(&hyper.0, &mut gradient);
        let mut rest = 0.5 * MEAN_PRECISION * case.mean * case.mean;
        for (entry, log) in hyper.0.iter().enumerate() {
            let expected = match entry {
                entry if entry < d => prior.lengthscale,
                entry if entry == d => prior.variance,
                _ => prior.noise,
            };
            rest += 0.5 * ((log - expected.mean) / expected.deviation).powi(2);
        }
        assert!(close(
            rest - value,
            case.log_marginal_likelihood,
            case.tolerance()
        ));
    }
}

/// A mixed data set: two numbers, a category, a repeated measurement.
fn mixed() -> (Vec<Vec<f64>>, Data) {
    let mut stream = Stream::new(3, 0, Purpose::Sample);
    let points: Vec<Vec<f64>> = (0..15)
        .map(|_| vec![stream.unit(), stream.unit(), stream.below(3) as f64])
        .collect();
    let values = points
        .iter()
        .map(|p| (4.0 * p[0]).sin() + p[1] * p[2])
        .collect();
    let categorical = vec![false, false, true];
    let mut data = data(&points, values, Metric { categorical });
    data.repeats[3] = 4.0;
    (points, data)
}

#[test]
fn the_gradient_of_the_evidence_is_its_slope() {
    let (_, data) = mixed();
    let mut evidence = Evidence::new(&data, Prior::of(3));
    let theta = vec![-0.5, 0.2, 0.4, 0.3, -4.0];
    let mut gradient = vec![0.0; 5];
    evidence.value(&theta, &mut gradient);
    let step = 1e-5;
    for k in 0..5 {
        let mut at = |change: f64| {
            let mut moved = theta.clone();
            moved[k] += change;
            evidence.value(&moved, &mut [0.0; 5])
        };
        let slope = (at(step) - at(-step)) / (2.0 * step);
        assert!(
            close(gradient[k], slope, 1e-6),
            "{k}: {} {slope}",
            gradient[k]
        );
    }
}

#[test]
fn the_gradients_of_acquisitions_are_their_slopes() {
    let (points, data) = mixed();
    let hyper = Hyperparameters(vec![-0.5, 0.2, 0.4, 0.3, -4.0]);
    let other = Hyperparameters(vec![0.1, -0.3, 0.2, 0.0, -6.0]);
    let pending = vec![vec![0.4, 0.6, 1.0]];
    let labels = (0..15)
        .map(|k| if k % 4 == 0 { -1.0 } else { 1.0 })
        .collect();
    let failed = Data {
        values: labels,
        ..data.clone()
    };
    for criterion in [
        Criterion::ExpectedImprovement,
        Criterion::ProbabilityOfImprovement,
        Criterion::LowerConfidenceBound(2.0),
    ] {
        let member = |hyper| Member {
            posterior: Posterior::new(&data, hyper, &pending).unwrap(),
            incumbent: -0.5,
        };
        let acquisition = Feasible {
            improvement: Some(Box::new(Improvement {
                members: vec![member(&hyper), member(&other)],
                criterion,
            })),
            limits: vec![Posterior::new(&data, &other, &[]).unwrap()],
            failures: FailureModel::fit(&failed, 2.5),
            cost: Some(Cost {
                posterior: Posterior::new(&data, &hyper, &[]).unwrap(),
                weight: 0.7,
            }),
        };
        assert!(acquisition.failures.is_some());
        for point in [
            vec![0.31, 0.72, 2.0],
            vec![0.9, 0.1, 0.0],
            points[0].clone(),
        ] {
            let mut gradient = vec![0.0; 3];
            let value = acquisition.value_and_gradient(&point, &mut gradient);
            let alone = acquisition.values(&rows(std::slice::from_ref(&point)))[0];
            assert!(close(value, alone, 1e-8), "{criterion:?} {value} {alone}");
            let step = 1e-6;
            for k in 0..2 {
                let at = |change: f64| {
                    let mut moved = point.clone();
                    moved[k] += change;
                    acquisition.values(&rows(&[moved]))[0]
                };
                let slope = (at(step) - at(-step)) / (2.0 * step);
                assert!(
                    close(gradient[k], slope, 1e-3),
                    "{criterion:?} {point:?} {k}"
                );
            }
            assert_eq!(gradient[2], 0.0);
        }
    }
}

#[test]
fn believing_in_pending_points_leaves_the_mean_and_takes_uncertainty() {
    let (_, data) = mixed();
    let hyper = Hyperparameters(vec![-0.5, 0.2, 0.4, 0.3, -6.0]);
    let point = vec![0.5, 0.5, 1.0];
    let without = Posterior::new(&data, &hyper, &[]).unwrap();
    let with = Posterior::new(&data, &hyper, std::slice::from_ref(&point)).unwrap();
    let at = rows(&[point, vec![0.2, 0.9, 2.0]]);
    let ((m0, v0), (m1, v1)) = (without.predict(&at), with.predict(&at));
    assert!(m0.iter().zip(&m1).all(|(a, b)| close(*a, *b, 1e-9)));
    assert!(v1[0] < 0.1 * v0[0] && v1[1] <= v0[1]);
}

#[test]
fn the_model_of_failures_finds_the_region_that_fails() {
    let mut stream = Stream::new(8, 0, Purpose::Sample);
    let points: Vec<Vec<f64>> = (0..40)
        .map(|_| vec![stream.unit(), stream.unit()])
        .collect();
    let labels = points
        .iter()
        .map(|p| if p[0] > 0.6 { -1.0 } else { 1.0 })
        .collect();
    let categorical = vec![false; 2];
    let failures = FailureModel::fit(&data(&points, labels, Metric { categorical }), 1.0);
    let model = Feasible {
        improvement: None,
        limits: Vec::new(),
        failures,
        cost: None,
    };
    let worth = model.values(&rows(&[vec![0.2, 0.5], vec![0.9, 0.5]]));
    assert!(worth[0] > -0.5 && worth[1] < -1.5, "{worth:?}");
}
