//! The parts of a space that CMA-ES searches: axes of a normal distribution, and categories.

use crate::configuration::Configuration;
use crate::space::{Domain, Scale, Space};

/// Which parameters are searched, and how.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Coordinates {
    /// Parameters with an order, each an axis of the normal distribution.
    pub axes: Vec<Axis>,
    /// Parameters without an order, and those of two values: their places and numbers of values.
    pub categorical: Vec<(usize, usize)>,
    parameters: usize,
}

/// A parameter with an order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    /// Its position in the space.
    pub parameter: usize,
    /// Whether its values can be counted.
    pub discrete: bool,
}

/// Where a trial is: its positions on the axes, and its categories where they are active.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Point {
    /// Places in the unit interval; those outside it stand for its ends.
    pub positions: Vec<f64>,
    /// Which of the axes are active.
    pub active: Vec<bool>,
    /// Categories; `None` where the parameter is inactive.
    pub categories: Vec<Option<usize>>,
}

impl Coordinates {
    pub fn of(space: &Space) -> Self {
        let mut axes = Vec::new();
        let mut categorical = Vec::new();
        for (position, parameter) in space.parameters().iter().enumerate() {
            let count = parameter.domain.cardinality();
            let unordered = matches!(parameter.domain, Domain::Choice { .. });
            match count {
                Some(0 | 1) => {}
                // Two values have no order to speak of, and their shares are learned directly.
                Some(count) if unordered || count == 2 => {
                    categorical.push((position, count as usize));
                }
                _ => axes.push(Axis {
                    parameter: position,
                    discrete: count.is_some(),
                }),
            }
        }
        Self {
            axes,
            categorical,
            parameters: space.parameters().len(),
        }
    }

    /// How many coordinates there are.
    pub fn len(&self) -> usize {
        self.axes.len() + self.categorical.len()
    }

    /// How many of them are not continuous.
    pub fn discrete(&self) -> usize {
        let axes = self.axes.iter().filter(|axis| axis.discrete).count();
        axes + self.categorical.len()
    }

    /// The configuration of a point.
    pub fn configuration(&self, space: &Space, point: &Point) -> Configuration {
        let mut places = vec![0.5; self.parameters];
        for (axis, position) in self.axes.iter().zip(&point.positions) {
            // Beyond an end is at the end: an optimum there is hit exactly.
            places[axis.parameter] = position.clamp(0.0, 1.0);
        }
        for ((parameter, count), category) in self.categorical.iter().zip(&point.categories) {
            let category = category.unwrap_or(0);
            places[*parameter] = (category as f64 + 0.5) / *count as f64;
        }
        space.at(&places)
    }

    /// The point of a configuration; inactive axes are at `mean`.
    pub fn point(&self, space: &Space, configuration: &Configuration, mean: &[f64]) -> Point {
        let places = space.places(configuration);
        let axes = self.axes.iter().zip(mean);
        let categorical = self.categorical.iter();
        Point {
            positions: axes
                .map(|(axis, mean)| places[axis.parameter].unwrap_or(*mean))
                .collect(),
            active: self
                .axes
                .iter()
                .map(|axis| places[axis.parameter].is_some())
                .collect(),
            categories: categorical
                .map(|(parameter, count)| {
                    places[*parameter]
                        .map(|place| ((place * *count as f64) as usize).min(count - 1))
                })
                .collect(),
        }
    }

    /// Marks what is inactive in a point's configuration.
    pub fn mark_inactive(&self, space: &Space, configuration: &Configuration, point: &mut Point) {
        let is_active = |position: usize| {
            configuration
                .get(&space.parameters()[position].name)
                .is_some()
        };
        for (axis, active) in self.axes.iter().zip(&mut point.active) {
            *active = is_active(axis.parameter);
        }
        for ((parameter, _), category) in self.categorical.iter().zip(&mut point.categories) {
            if !is_active(*parameter) {
                *category = None;
            }
        }
    }
}

/// The ends of the part of the unit interval that gives the same value as `place`; `None` at an
/// end of the domain. Only domains whose values can be counted have such parts.
pub(super) fn cell(domain: &Domain, place: f64) -> (Option<f64>, Option<f64>) {
    let place = place.clamp(0.0, 1.0);
    if let Domain::Discrete {
        low,
        high,
        scale: Scale::Log,
        ..
    } = domain
        && let Some(value) = domain.at(place).as_i64()
    {
        let log = |number: f64| libm::log(number);
        let (start, end) = (log(*low as f64 - 0.5), log(*high as f64 + 0.5));
        let part = |number: f64| (log(number) - start) / (end - start);
        let value_at = value as f64;
        let lower = (value > *low).then(|| part(value_at - 0.5));
        let upper = (value < *high).then(|| part(value_at + 0.5));
        return (lower, upper);
    }
    let count = domain.cardinality().unwrap_or(1).max(1);
    let index = ((place * count as f64) as u64).min(count - 1);
    let lower = (index > 0).then(|| index as f64 / count as f64);
    let upper = (index + 1 < count).then(|| (index + 1) as f64 / count as f64);
    (lower, upper)
}
