//! The maximization of an acquisition function over a mixed space.
//!
//! Random points and perturbations of the best trials are ranked; the best of them are polished in
//! turns: quasi-Newton steps in the continuous coordinates, sweeps over the values of the others.
//! (Multi-start gradients as in Balandat et al., "BoTorch" (NeurIPS 2020); alternating over
//! discrete and continuous coordinates as in Wan et al., "Think global and act local" (ICML
//! 2021).)

use std::collections::HashSet;

use crate::algorithms::encoding::{Axis, Encoding};
use crate::numerics::dense::Matrix;
use crate::numerics::lbfgs::{self, Limits};
use crate::random::Stream;
use crate::space::Space;

use super::acquisition::Acquisition;

/// Candidates that are looked at closely.
const SHORT_LIST: usize = 100;
/// A round of polishing that gains less (of a logarithm) is the last.
const ENOUGH: f64 = 1e-3;

/// How much work a search does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Points drawn from the whole space.
    pub(crate) samples: usize,
    /// Perturbations of each of the best trials.
    pub(crate) perturbations: usize,
    /// Points that are polished.
    pub(crate) starts: usize,
    /// Rounds of polishing of each.
    pub(crate) rounds: usize,
    /// Quasi-Newton steps in a round.
    pub(crate) steps: u32,
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            samples: 400,
            perturbations: 40,
            starts: 6,
            rounds: 3,
            steps: 20,
        }
    }
}

/// Points that must not be suggested again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(HashSet<Box<[i64]>>);

impl Seen {
    /// Remembers a point.
    pub(crate) fn insert(&mut self, point: &[f64]) {
        self.0.insert(key(point));
    }

    /// Whether a point equals one that was seen, but for rounding.
    pub(crate) fn contains(&self, point: &[f64]) -> bool {
        self.0.contains(&key(point))
    }
}

fn key(point: &[f64]) -> Box<[i64]> {
    point.iter().map(|x| libm::round(x * 1e9) as i64).collect()
}

/// A box to which the search confines numeric coordinates.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub(crate) low: Vec<f64>,
    pub(crate) high: Vec<f64>,
}

/// A search for the best point.
pub(crate) struct Search<'a> {
    pub(crate) space: &'a Space,
    pub(crate) encoding: &'a Encoding,
    pub(crate) acquisition: &'a dyn Acquisition,
    /// Points from which perturbations start, best first.
    pub(crate) best: &'a [Vec<f64>],
    /// Lengthscales of the model, for the size of steps.
    pub(crate) lengthscales: &'a [f64],
    pub(crate) seen: &'a Seen,
    pub(crate) region: Option<&'a Region>,
    pub(crate) effort: Effort,
}

struct Candidate {
    point: Vec<f64>,
    value: f64,
}

impl Search<'_> {
    /// The best unseen feasible point found, and its worth; `None` if none was found.
    pub(crate) fn run(&self, stream: &mut Stream) -> Option<(Vec<f64>, f64)> {
        let points = self.candidates(stream);
        let ranked = self.ranked(points);
        let starts = self.starts(&ranked);
        let mut best: Option<(Vec<f64>, f64)> = None;
        for start in starts {
            let polished = self.polish(start, stream);
            if best
                .as_ref()
                .is_none_or(|(_, value)| polished.value > *value)
            {
                best = Some((polished.point, polished.value));
            }
        }
        best
    }

    fn admits(&self, point: &[f64]) -> bool {
        !self.seen.contains(point)
            && (self.space.constraints().is_empty()
                || self
                    .space
                    .is_feasible(&self.encoding.decode(self.space, point)))
    }

    fn candidates(&self, stream: &mut Stream) -> Vec<Vec<f64>> {
        let mut points = Vec::new();
        for _ in 0..self.effort.samples {
            self.keep(&mut points, self.sampled(stream));
        }
        // Tight constraints: what passes by luck is too little, so ask for feasible samples.
        if points.len() < self.effort.samples / 10 && !self.space.constraints().is_empty() {
            for _ in 0..self.effort.samples / 10 {
                let Ok(configuration) = self.space.sample(stream) else {
                    break;
                };
                let point = self.encoding.encode(self.space, &configuration);
                self.keep(&mut points, point);
            }
        }
        for centre in self.best.iter().take(4) {
            for k in 0..self.effort.perturbations {
                let scale = [0.2, 0.07, 0.02, 0.005][k % 4];
                let point = self.perturbed(centre, scale, stream);
                self.keep(&mut points, point);
            }
        }
        points
    }

    fn keep(&self, points: &mut Vec<Vec<f64>>, mut point: Vec<f64>) {
        self.confine(&mut point);
        self.encoding.snap(self.space, &mut point);
        if self.admits(&point) {
            points.push(point);
        }
    }

    fn confine(&self, point: &mut [f64]) {
        if let Some(region) = self.region {
            for (p, dimension) in self.encoding.dimensions().iter().enumerate() {
                if !dimension.axis.is_category() {
                    point[p] = point[p].clamp(region.low[p], region.high[p]);
                }
            }
        }
    }

    fn sampled(&self, stream: &mut Stream) -> Vec<f64> {
        let dimensions = self.encoding.dimensions().iter().enumerate();
        dimensions
            .map(|(p, dimension)| {
                let place = stream.unit();
                match self.region {
                    Some(region) if !dimension.axis.is_category() => {
                        region.low[p] + place * (region.high[p] - region.low[p])
                    }
                    _ => dimension.at(place),
                }
            })
            .collect()
    }

    fn perturbed(&self, centre: &[f64], scale: f64, stream: &mut Stream) -> Vec<f64> {
        let mut point = centre.to_vec();
        self.encoding.fill(self.space, &mut point, stream);
        let d = point.len().max(1);
        let rate = (3.0 / d as f64).min(1.0);
        let forced = stream.below(d as u64) as usize;
        for (p, dimension) in self.encoding.dimensions().iter().enumerate() {
            if p != forced && stream.unit() >= rate {
                continue;
            }
            let step = scale * self.lengthscales[p].clamp(0.1, 1.0) * stream.normal();
            point[p] = match &dimension.axis {
                Axis::Category(_) => dimension.at(stream.unit()),
                Axis::Levels(levels) => {
                    let moved = dimension.snapped(self.space, point[p] + step);
                    if moved == point[p] {
                        neighbour(levels, point[p], step)
                    } else {
                        moved
                    }
                }
                _ => (point[p] + step).clamp(0.0, 1.0),
            };
        }
        point
    }

    /// The best of the points, best first: those that look best at first are looked at closely.
    fn ranked(&self, points: Vec<Vec<f64>>) -> Vec<Candidate> {
        let rough = self.acquisition.rough_values(&self.matrix(&points));
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by(|a, b| rough[*b].total_cmp(&rough[*a]));
        order.truncate(SHORT_LIST);
        let mut ranked = self.valued(order.iter().map(|k| points[*k].clone()).collect());
        ranked.sort_by(|a, b| b.value.total_cmp(&a.value));
        ranked
    }

    fn matrix(&self, points: &[Vec<f64>]) -> Matrix {
        let mut matrix = Matrix::zeros(0, self.encoding.len());
        for point in points {
            matrix.push(point);
        }
        matrix
    }

    fn valued(&self, points: Vec<Vec<f64>>) -> Vec<Candidate> {
        let values = self.acquisition.values(&self.matrix(&points));
        let pairs = points.into_iter().zip(values);
        pairs
            .map(|(point, value)| Candidate { point, value })
            .collect()
    }

    /// The best candidates that are apart from each other.
    fn starts<'b>(&self, ranked: &'b [Candidate]) -> Vec<&'b Candidate> {
        let mut starts: Vec<&Candidate> = Vec::new();
        let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).any(|(x, y)| (x - y).abs() > 0.02);
        for candidate in ranked {
            if starts.len() == self.effort.starts {
                break;
            }
            if starts
                .iter()
                .all(|other| apart(&other.point, &candidate.point))
            {
                starts.push(candidate);
            }
        }
        if starts.is_empty() {
            ranked.iter().take(1).collect()
        } else {
            starts
        }
    }

    fn polish(&self, start: &Candidate, stream: &mut Stream) -> Candidate {
        let mut best = Candidate {
            point: start.point.clone(),
            value: start.value,
        };
        for _ in 0..self.effort.rounds {
            let before = best.value;
            self.climb(&mut best);
            self.sweep(&mut best, stream);
            if best.value - before < ENOUGH {
                break;
            }
        }
        best
    }

    /// Quasi-Newton steps in the active continuous coordinates, in units of the lengthscales.
    fn climb(&self, best: &mut Candidate) {
        let active = self.encoding.active(self.space, &best.point);
        let moved: Vec<usize> = (0..self.encoding.len())
            .filter(|p| active[*p])
            .filter(|p| {
                matches!(
                    self.encoding.dimensions()[*p].axis,
                    Axis::Continuous | Axis::Grid
                )
            })
            .collect();
        if moved.is_empty() {
            return;
        }
        let unit = |p: usize| self.lengthscales[p].clamp(0.05, 2.0);
        let bound = |p: usize| match self.region {
            None => (0.0, 1.0),
            Some(region) => (region.low[p], region.high[p]),
        };
        let low: Vec<f64> = moved.iter().map(|p| bound(*p).0 / unit(*p)).collect();
        let high: Vec<f64> = moved.iter().map(|p| bound(*p).1 / unit(*p)).collect();
        let mut x: Vec<f64> = moved.iter().map(|p| best.point[*p] / unit(*p)).collect();
        let mut point = best.point.clone();
        let mut gradient = vec![0.0; self.encoding.len()];
        let limits = Limits {
            iterations: self.effort.steps,
            gradient: 1e-5,
            decrease: 1e-7,
            first_step: 0.1,
        };
        lbfgs::minimize(&mut x, &low, &high, limits, |x, into| {
            for (value, p) in x.iter().zip(&moved) {
                point[*p] = value * unit(*p);
            }
            let value = self.acquisition.value_and_gradient(&point, &mut gradient);
            for (into, p) in into.iter_mut().zip(&moved) {
                *into = -gradient[*p] * unit(*p);
            }
            -value
        });
        let mut end = best.point.clone();
        for (value, p) in x.iter().zip(&moved) {
            end[*p] = (value * unit(*p)).clamp(0.0, 1.0);
        }
        // Where the climb ended outside the constraints, part of the way may be inside.
        for share in [1.0, 0.5, 0.25, 0.1] {
            let mut tried: Vec<f64> = best
                .point
                .iter()
                .zip(&end)
                .map(|(a, b)| {
                    if share == 1.0 {
                        *b
                    } else {
                        a + share * (b - a)
                    }
                })
                .collect();
            self.encoding.snap(self.space, &mut tried);
            if self.admits(&tried) {
                self.take_better(best, vec![tried]);
                return;
            }
        }
    }

    /// Takes the best of some points if it is better.
    fn take_better(&self, best: &mut Candidate, points: Vec<Vec<f64>>) {
        let better = self.valued(points);
        for candidate in better {
            if candidate.value > best.value {
                *best = candidate;
            }
        }
    }

    /// One pass over the coordinates that take listed values: the best value of each in turn.
    fn sweep(&self, best: &mut Candidate, stream: &mut Stream) {
        let mut order: Vec<usize> = (0..self.encoding.len()).collect();
        stream.shuffle(&mut order);
        for p in order {
            let active = self.encoding.active(self.space, &best.point);
            if !active[p] {
                continue;
            }
            let alternatives = self.alternatives(p, best.point[p]);
            let mut points = Vec::with_capacity(alternatives.len());
            for coordinate in alternatives {
                let mut point = best.point.clone();
                self.encoding.fill(self.space, &mut point, stream);
                point[p] = coordinate;
                self.keep(&mut points, point);
            }
            if !points.is_empty() {
                self.take_better(best, points);
            }
        }
    }

    /// Other values of a listed dimension: all, or those near and some far.
    fn alternatives(&self, p: usize, coordinate: f64) -> Vec<f64> {
        let dimension = &self.encoding.dimensions()[p];
        match &dimension.axis {
            Axis::Continuous => Vec::new(),
            Axis::Category(count) => (0..*count)
                .map(|code| code as f64)
                .filter(|code| *code != coordinate)
                .collect(),
            Axis::Levels(levels) => {
                let here = dimension.level(coordinate).unwrap_or(0) as i64;
                let last = levels.len() as i64 - 1;
                let far = (levels.len() as i64 / 10).max(4);
                let near = [-1, 1, -2, 2, -3, 3, -8, 8, -far, far];
                let mut indices: Vec<i64> = if levels.len() <= 16 {
                    (0..=last).collect()
                } else {
                    near.iter().map(|step| here + step).collect()
                };
                indices.retain(|k| *k >= 0 && *k <= last && *k != here);
                indices.iter().map(|k| levels[*k as usize]).collect()
            }
            Axis::Grid => [-1e-2, 1e-2, -1e-3, 1e-3, -1e-4, 1e-4]
                .iter()
                .map(|step| (coordinate + step).clamp(0.0, 1.0))
                .collect(),
        }
    }
}

fn neighbour(levels: &[f64], coordinate: f64, step: f64) -> f64 {
    let here = levels.partition_point(|level| *level < coordinate);
    let next = if step >= 0.0 {
        (here + 1).min(levels.len() - 1)
    } else {
        here.saturating_sub(1)
    };
    levels[next]
}
