//! The joint distribution of one run: a normal one over the axes, with margins where their values
//! can be counted, and independent ones over the categories.
//!
//! Sources: R. Hamano, S. Saito, M. Nomura and S. Shirakawa, "CMA-ES with Margin: Lower-Bounding
//! Marginal Probability for Mixed-Integer Black-Box Optimization", GECCO 2022; for the categories
//! see [`categorical`](super::categorical).

use crate::numerics::normal::{cumulative, quantile};
use crate::random::Stream;
use crate::space::Space;

use super::categorical::Categorical;
use super::constants::Constants;
use super::coordinates::{Coordinates, Point, cell};
use super::gaussian::Gaussian;

/// A distribution over the points of a space.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Distribution {
    pub gaussian: Gaussian,
    /// How much further than the normal distribution says an axis with margin is spread.
    stretch: Vec<f64>,
    pub categorical: Categorical,
}

impl Distribution {
    pub fn new(gaussian: Gaussian, categorical: Categorical) -> Self {
        Self {
            stretch: vec![1.0; gaussian.dimensions()],
            gaussian,
            categorical,
        }
    }

    /// A point. One that lies outside the unit cube is drawn anew, once: points inside tell more,
    /// and an optimum at the bounds needs some outside.
    pub fn draw(&self, stream: &mut Stream) -> Point {
        let first = self.draw_anywhere(stream);
        let inside = |position: &f64| (0.0..=1.0).contains(position);
        if first.positions.iter().all(inside) {
            return first;
        }
        self.draw_anywhere(stream)
    }

    fn draw_anywhere(&self, stream: &mut Stream) -> Point {
        let draws: Vec<f64> = self.gaussian.mean.iter().map(|_| stream.normal()).collect();
        let step = self.gaussian.step(&draws);
        let categories = 0..self.categorical.probabilities.len();
        Point {
            positions: (0..step.len())
                .map(|axis| self.gaussian.mean[axis] + self.scale(axis) * step[axis])
                .collect(),
            active: vec![true; step.len()],
            categories: categories
                .map(|parameter| Some(self.categorical.category(parameter, stream.unit())))
                .collect(),
        }
    }

    /// The length on an axis of a step of 1.
    fn scale(&self, axis: usize) -> f64 {
        self.gaussian.sigma * self.stretch[axis]
    }

    /// Learns from points in the order of their values, the best first. Those that come from
    /// another distribution (false) count with a step that this one might have taken.
    pub fn update(&mut self, space: &Space, coordinates: &Coordinates, ranked: &[(bool, &Point)]) {
        if self.gaussian.dimensions() > 0 {
            let steps: Vec<Vec<f64>> = ranked
                .iter()
                .map(|(own, point)| self.step_to(*own, point))
                .collect();
            let drift = self.drift(&steps, ranked);
            self.gaussian.update(&steps);
            for (mean, drift) in self.gaussian.mean.iter_mut().zip(&drift) {
                *mean -= drift;
            }
            for (axis, mean) in coordinates.axes.iter().zip(&mut self.gaussian.mean) {
                // On an axis with margin the margin keeps the mean near.
                if !axis.discrete {
                    *mean = mean.clamp(0.0, 1.0);
                }
            }
            self.keep_margins(space, coordinates, ranked.len());
        }
        if !self.categorical.probabilities.is_empty() {
            let categories: Vec<&[Option<usize>]> = ranked
                .iter()
                .map(|(_, point)| point.categories.as_slice())
                .collect();
            self.categorical.update(&categories);
        }
    }

    /// How far the mean would move along axes on account of points where these are inactive.
    ///
    /// Such points take part in everything else, since draws that mean nothing change the size
    /// and the shape of the distribution in no direction.
    fn drift(&self, steps: &[Vec<f64>], ranked: &[(bool, &Point)]) -> Vec<f64> {
        let axes = self.gaussian.dimensions();
        let mut drift = vec![0.0; axes];
        if ranked
            .iter()
            .all(|(_, point)| point.active.iter().all(|active| *active))
        {
            return drift;
        }
        let constants = Constants::new(axes, steps.len(), false);
        let parents = constants.weights.iter().zip(steps).zip(ranked);
        for ((weight, step), (_, point)) in parents.take(constants.parents) {
            for axis in (0..axes).filter(|axis| !point.active[*axis]) {
                drift[axis] += self.gaussian.sigma * weight * step[axis];
            }
        }
        drift
    }

    fn step_to(&self, own: bool, point: &Point) -> Vec<f64> {
        let mut step: Vec<f64> = (0..point.positions.len())
            .map(|axis| (point.positions[axis] - self.gaussian.mean[axis]) / self.scale(axis))
            .collect();
        if !own {
            self.gaussian.shorten(&mut step);
        }
        step
    }

    /// Gives the values beside the mean's value a least probability, on every axis with margin.
    fn keep_margins(&mut self, space: &Space, coordinates: &Coordinates, points: usize) {
        let margin = 1.0 / (coordinates.len() * points) as f64;
        for (index, axis) in coordinates.axes.iter().enumerate() {
            if !axis.discrete {
                continue;
            }
            let domain = &space.parameters()[axis.parameter].domain;
            let mean = self.gaussian.mean[index];
            match cell(domain, mean) {
                (Some(lower), Some(upper)) => self.keep_both(index, lower, upper, margin),
                (Some(end), None) | (None, Some(end)) => self.keep_one(index, end, margin),
                (None, None) => {}
            }
        }
    }

    /// The mean's value is the first or the last: its only neighbour begins at `end`.
    fn keep_one(&mut self, axis: usize, end: f64, margin: f64) {
        let deviation = self.gaussian.deviation(axis) * self.stretch[axis];
        let mean = &mut self.gaussian.mean[axis];
        if cumulative(-(*mean - end).abs() / deviation) < margin {
            let distance = -quantile(margin) * deviation;
            *mean = end + distance.copysign(*mean - end);
        }
    }

    fn keep_both(&mut self, axis: usize, lower: f64, upper: f64, margin: f64) {
        let plain = self.gaussian.deviation(axis);
        let deviation = plain * self.stretch[axis];
        let mean = &mut self.gaussian.mean[axis];
        let below = cumulative((lower - *mean) / deviation);
        let above = cumulative((*mean - upper) / deviation);
        if below.min(above) >= margin / 2.0 {
            return;
        }
        let inside = 1.0 - below - above;
        let (raised_below, raised_above) = (below.max(margin / 2.0), above.max(margin / 2.0));
        let total = raised_below + raised_above + inside;
        let share = (1.0 - total) / (total - 1.5 * margin);
        let lifted = |p: f64| (p + share * (p - margin / 2.0)).clamp(1e-10, 0.5 - 1e-10);
        let low_distance = -quantile(lifted(raised_below));
        let high_distance = -quantile(lifted(raised_above));
        let both = low_distance + high_distance;
        *mean = (lower * high_distance + upper * low_distance) / both;
        self.stretch[axis] = (upper - lower) / (both * plain);
    }
}
