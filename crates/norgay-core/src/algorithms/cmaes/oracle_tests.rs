//! The normal distribution's path compared with other implementations of CMA-ES.

use serde_json::Value as Json;

use crate::random::{Purpose, Stream};

use super::gaussian::{Gaussian, Shape};

/// Made by the Python package `cmaes` 0.13.1 on NumPy 2.4.6, whose points were replaced by mean +
/// sigma * (symmetric root of the covariance) * draws; all numbers are what it had after `tell`.
const TRAJECTORIES: &str = include_str!("../../../tests/data/cma_trajectories.json");

/// Evaluations that divide an ellipsoid's value by 10, once the shape is learnt: the median of 21
/// runs of pycma 4.5.0 from (1, ..., 1) with step size 1, between the values 1e-2 and 1e-10.
const PYCMA_PER_DECADE: f64 = 155.0;

fn sphere(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum()
}

fn ellipsoid(x: &[f64]) -> f64 {
    let last = (x.len() - 1) as f64;
    let terms = x.iter().enumerate();
    terms
        .map(|(i, x)| libm::pow(10.0, 6.0 * i as f64 / last) * x * x)
        .sum()
}

fn rosenbrock(x: &[f64]) -> f64 {
    let pairs = x.windows(2);
    pairs
        .map(|pair| {
            let (bent, straight) = (pair[1] - pair[0] * pair[0], 1.0 - pair[0]);
            100.0 * bent * bent + straight * straight
        })
        .sum()
}

fn floats(json: &Json) -> Vec<f64> {
    let items = json.as_array().expect("a list").iter();
    items.map(|item| item.as_f64().expect("a number")).collect()
}

/// One generation with these draws; gives the best value.
fn generation(gaussian: &mut Gaussian, draws: &[Vec<f64>], function: fn(&[f64]) -> f64) -> f64 {
    let mut ranked: Vec<(f64, Vec<f64>)> = draws
        .iter()
        .map(|draws| {
            let step = gaussian.step(draws);
            let steps = gaussian.mean.iter().zip(&step);
            let point: Vec<f64> = steps.map(|(m, s)| m + gaussian.sigma * s).collect();
            (function(&point), step)
        })
        .collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    let best = ranked[0].0;
    let steps: Vec<Vec<f64>> = ranked.into_iter().map(|(_, step)| step).collect();
    gaussian.update(&steps);
    best
}

#[test]
fn fifty_generations_with_given_draws_are_those_of_another_implementation() {
    let trajectories: Json = serde_json::from_str(TRAJECTORIES).expect("JSON");
    for trajectory in trajectories.as_array().expect("a list") {
        let name = trajectory["function"].as_str().expect("a name");
        let (dimensions, function): (usize, fn(&[f64]) -> f64) = match name {
            "sphere" => (3, sphere),
            "ellipsoid" => (5, ellipsoid),
            _ => (4, rosenbrock),
        };
        let mean = vec![trajectory["mean"].as_f64().expect("a number"); dimensions];
        let sigma = trajectory["sigma"].as_f64().expect("a number");
        let mut gaussian = Gaussian::new(mean, sigma, Shape::identity(dimensions, false));
        let generations = trajectory["generations"].as_array().expect("a list");
        assert_eq!(generations.len(), 50);
        for (number, expected) in generations.iter().enumerate() {
            let draws: Vec<Vec<f64>> = expected["draws"]
                .as_array()
                .expect("a list")
                .iter()
                .map(floats)
                .collect();
            generation(&mut gaussian, &draws, function);
            if expected.get("mean").is_none() {
                continue;
            }
            let Shape::Full { covariance, .. } = &gaussian.shape else {
                panic!("a full covariance was asked for");
            };
            let found = gaussian
                .mean
                .iter()
                .chain(covariance)
                .chain([&gaussian.sigma]);
            let mut known = floats(&expected["mean"]);
            known.extend(floats(&expected["covariance"]));
            known.push(expected["sigma"].as_f64().expect("a number"));
            for (found, known) in found.zip(known) {
                let error = (found - known).abs() / known.abs().max(1e-3);
                assert!(error < 1e-9, "{name}, {number}: {found} for {known}");
            }
        }
    }
}

#[test]
fn an_ellipsoid_is_descended_as_fast_as_by_pycma() {
    let mut spent: Vec<f64> = (0..9).map(evaluations_per_decade).collect();
    spent.sort_by(f64::total_cmp);
    let ratio = spent[4] / PYCMA_PER_DECADE;
    assert!((0.85..1.15).contains(&ratio), "{ratio}");
}

fn evaluations_per_decade(seed: u64) -> f64 {
    let n = 10;
    let mut gaussian = Gaussian::new(vec![1.0; n], 1.0, Shape::identity(n, false));
    let (mut count, mut begun) = (0, None);
    for number in 0..2_000 {
        let mut stream = Stream::new(seed, number, Purpose::Variation);
        let draws: Vec<Vec<f64>> = (0..10)
            .map(|_| (0..n).map(|_| stream.normal()).collect())
            .collect();
        let best = generation(&mut gaussian, &draws, ellipsoid);
        count += draws.len();
        if best < 1e-2 {
            begun.get_or_insert(count);
        }
        if best < 1e-10 {
            break;
        }
    }
    (count - begun.unwrap_or(0)) as f64 / 8.0
}
