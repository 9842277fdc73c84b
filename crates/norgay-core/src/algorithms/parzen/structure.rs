//! How the parameters of a space hang together in a density.

use crate::configuration::Configuration;
use crate::space::{Domain, Space};
use crate::value::Value;

use super::axis::Axis;

/// A space as densities see it: its axes, and groups of parameters that are active together.
#[derive(Clone, Debug)]
pub(crate) struct Structure {
    pub(super) axes: Vec<Axis>,
    /// Parents before children.
    pub(super) groups: Vec<Group>,
    /// Whether a density joins the parameters; otherwise each has one of its own.
    pub(super) multivariate: bool,
}

/// Parameters with the same conditions.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Positions of the numbers among them.
    pub(super) numbers: Vec<usize>,
    /// Positions of the categories among them.
    pub(super) categories: Vec<usize>,
    /// Positions of the parameters of one value among them.
    fixed: Vec<usize>,
    /// All of these must hold for them to be active.
    conditions: Vec<Requirement>,
    /// How many parameters vary together: its own, and those of its parents' groups.
    pub(super) dimensions: usize,
}

#[derive(Clone, Debug, PartialEq)]
struct Requirement {
    parent: usize,
    domain: Domain,
    values: Vec<Value>,
}

impl Structure {
    pub(crate) fn new(space: &Space, multivariate: bool) -> Self {
        let axes: Vec<Axis> = space
            .parameters()
            .iter()
            .map(|parameter| Axis::new(&parameter.domain))
            .collect();
        let mut this = Self {
            axes,
            groups: Vec::new(),
            multivariate,
        };
        let mut group_of: Vec<Option<usize>> = vec![None; space.parameters().len()];
        for position in ancestors_first(space) {
            let conditions = requirements(space, position);
            let joined = this.groups.iter().position(|group| {
                // Parameters without a condition may be apart from others: each is a root.
                group.conditions == conditions && multivariate
            });
            let index = joined.unwrap_or(this.groups.len());
            if joined.is_none() {
                let parents = conditions
                    .iter()
                    .filter_map(|condition| group_of[condition.parent]);
                let mut parents: Vec<usize> = parents.collect();
                parents.sort_unstable();
                parents.dedup();
                let above = parents.iter().map(|parent| this.groups[*parent].dimensions);
                let dimensions = if multivariate { above.sum() } else { 0 };
                this.groups.push(Group {
                    numbers: Vec::new(),
                    categories: Vec::new(),
                    fixed: Vec::new(),
                    conditions,
                    dimensions,
                });
            }
            group_of[position] = Some(index);
            let group = &mut this.groups[index];
            match this.axes[position] {
                Axis::Fixed => group.fixed.push(position),
                Axis::Number(_) => group.numbers.push(position),
                Axis::Category { .. } => group.categories.push(position),
            }
            if !matches!(this.axes[position], Axis::Fixed) {
                group.dimensions += 1;
            }
        }
        this
    }

    /// The number of coordinates of a point.
    pub(crate) fn width(&self) -> usize {
        self.axes.len()
    }

    /// The coordinates of a configuration's places.
    pub(crate) fn coordinates(&self, places: &[Option<f64>]) -> impl Iterator<Item = f32> {
        self.axes
            .iter()
            .zip(places)
            .map(|(axis, place)| place.map_or(f32::NAN, |place| axis.coordinate(place) as f32))
    }

    /// The point at places of the unit cube, all parameters taken as active.
    pub(crate) fn point(&self, places: &[f64]) -> Vec<f64> {
        let both = self.axes.iter().zip(places);
        both.map(|(axis, place)| axis.at_share(*place)).collect()
    }

    /// The configuration at a point.
    pub(crate) fn configuration(&self, space: &Space, point: &[f64]) -> Configuration {
        space.configure(|position, parameter| {
            let place = match (self.axes.get(position), point.get(position)) {
                (Some(axis), Some(coordinate)) => axis.place(*coordinate),
                _ => 0.5,
            };
            parameter.domain.at(place)
        })
    }

    /// Whether a group is active at a point whose earlier groups are set.
    pub(super) fn is_active(&self, group: &Group, point: &[f64]) -> bool {
        group.conditions.iter().all(|condition| {
            let coordinate = point[condition.parent];
            if coordinate.is_nan() {
                return false;
            }
            let place = self.axes[condition.parent].place(coordinate);
            let value = condition.domain.at(place);
            condition
                .values
                .iter()
                .any(|wanted| wanted.means_the_same(&value))
        })
    }
}

impl Group {
    /// All of the group's parameters.
    pub(super) fn members(&self) -> impl Iterator<Item = usize> {
        let all = self
            .numbers
            .iter()
            .chain(&self.categories)
            .chain(&self.fixed);
        all.copied()
    }

    /// Sets the parameters that have one value only.
    pub(super) fn fix(&self, point: &mut [f64]) {
        for position in &self.fixed {
            point[*position] = 0.5;
        }
    }
}

fn requirements(space: &Space, position: usize) -> Vec<Requirement> {
    let parameters = space.parameters();
    let conditions = parameters[position].conditions.iter();
    let required = conditions.filter_map(|condition| {
        let parent = space.position(&condition.parent)?;
        Some(Requirement {
            parent,
            domain: parameters[parent].domain.clone(),
            values: condition.values.clone(),
        })
    });
    required.collect()
}

/// The parameters' positions, parents before children, in the order of declaration otherwise.
fn ancestors_first(space: &Space) -> Vec<usize> {
    let count = space.parameters().len();
    let mut placed = vec![false; count];
    let mut order = Vec::with_capacity(count);
    while order.len() < count {
        let before = order.len();
        for position in 0..count {
            let ready = requirements(space, position)
                .iter()
                .all(|condition| placed[condition.parent]);
            if ready && !placed[position] {
                placed[position] = true;
                order.push(position);
            }
        }
        if order.len() == before {
            // A space has no circles; were there one, its members would stay inactive.
            break;
        }
    }
    order
}
