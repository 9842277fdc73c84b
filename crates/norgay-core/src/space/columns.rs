//! Configurations as rows of numbers, one column a parameter, for models of a space.
//!
//! A number or an ordinal is its place in the unit interval, a choice the index of its value. An
//! inactive parameter stands apart from all its values: at [`INACTIVE`] or in a category of its
//! own, so that a model can tell activity from value with one split.

use crate::configuration::Configuration;
use crate::numerics::random_forest::Feature;

use super::{Domain, Space};

/// What a numeric column holds where the parameter is inactive.
pub const INACTIVE: f64 = -1.0;

/// How the values of one parameter become numbers.
#[derive(Clone, Debug)]
struct Column {
    /// For a choice, how many values it has.
    values: Option<usize>,
    /// For any list of values, how many it has.
    listed: Option<f64>,
    /// Whether every place is a value of its own.
    continuous: bool,
    /// Parents, and their places for which the parameter is active.
    conditions: Vec<(usize, Vec<f64>)>,
    /// Where in the unit cube it is active.
    activity: Vec<Activity>,
}

/// A parameter is active only while an ancestor of it lies in one of these parts of its range.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    /// Position of the ancestor.
    pub ancestor: usize,
    /// Parts of the unit interval.
    pub cells: Vec<(f64, f64)>,
}

/// The columns of a space.
#[derive(Clone, Debug)]
pub struct Columns {
    columns: Vec<Column>,
}

impl Columns {
    /// The columns of a space.
    pub fn new(space: &Space) -> Self {
        let column = |parameter: &super::Parameter| {
            let (values, listed) = match &parameter.domain {
                Domain::Choice { values } => (Some(values.len()), Some(values.len() as f64)),
                Domain::Ordinal { values } => (None, Some(values.len() as f64)),
                _ => (None, None),
            };
            let conditions = parameter.conditions.iter().filter_map(|condition| {
                let parent = space.position(&condition.parent)?;
                let domain = &space.parameters()[parent].domain;
                let places = condition.values.iter().filter_map(|v| domain.place_of(v));
                Some((parent, places.collect()))
            });
            Column {
                values,
                listed,
                continuous: parameter.domain.cardinality().is_none(),
                conditions: conditions.collect(),
                activity: Vec::new(),
            }
        };
        let mut this = Self {
            columns: space.parameters().iter().map(column).collect(),
        };
        for &position in &space.order {
            this.columns[position].activity = this.activity_of(space, position);
        }
        this
    }

    /// The activity of a parameter whose parents know theirs.
    fn activity_of(&self, space: &Space, position: usize) -> Vec<Activity> {
        let mut found: Vec<Activity> = Vec::new();
        for condition in &space.parameters()[position].conditions {
            let Some(parent) = space.position(&condition.parent) else {
                continue;
            };
            for inherited in &self.columns[parent].activity {
                if !found.contains(inherited) {
                    found.push(inherited.clone());
                }
            }
            let domain = &space.parameters()[parent].domain;
            let cells = condition.values.iter().filter_map(|v| domain.cell_of(v));
            found.push(Activity {
                ancestor: parent,
                cells: cells.collect(),
            });
        }
        found
    }

    /// What must hold of its ancestors, those further up first, for a parameter to be active.
    pub fn activity(&self, position: usize) -> &[Activity] {
        &self.columns[position].activity
    }

    /// What each column holds.
    pub fn features(&self) -> Vec<Feature> {
        let feature = |column: &Column| match column.values {
            // The last category is that of the inactive.
            Some(values) => Feature::Categorical(values + usize::from(column.is_conditional())),
            None => Feature::Numeric,
        };
        self.columns.iter().map(feature).collect()
    }

    /// The row of a configuration; what is not in the space counts as inactive.
    pub fn row(&self, space: &Space, configuration: &Configuration) -> Vec<f64> {
        let places = space.places(configuration);
        let cells = self.columns.iter().zip(places);
        cells.map(|(column, place)| column.cell(place)).collect()
    }

    /// Whether a parameter is active in a row.
    pub fn is_active(&self, row: &[f64], position: usize) -> bool {
        let column = &self.columns[position];
        let cell = row[position];
        match column.values {
            Some(values) => cell < values as f64,
            None => cell != INACTIVE,
        }
    }

    /// The places of a row's values; `None` where the parameter is inactive.
    pub fn places(&self, row: &[f64]) -> Vec<Option<f64>> {
        let place = |(position, column): (usize, &Column)| {
            let cell = row[position];
            let place = match column.values {
                Some(values) => (cell + 0.5) / values as f64,
                None => cell,
            };
            self.is_active(row, position).then_some(place)
        };
        self.columns.iter().enumerate().map(place).collect()
    }

    /// The row of the configuration at a point of the unit cube: that of [`Space::at`].
    pub fn row_at(&self, space: &Space, places: &[f64]) -> Vec<f64> {
        let mut snapped: Vec<Option<f64>> = vec![None; self.columns.len()];
        for &position in &space.order {
            let column = &self.columns[position];
            let holds = |(parent, wanted): &(usize, Vec<f64>)| {
                snapped[*parent].is_some_and(|place| wanted.contains(&place))
            };
            if column.conditions.iter().all(holds) {
                let place = places.get(position).copied().unwrap_or(0.5);
                snapped[position] = column.snap(&space.parameters()[position].domain, place);
            }
        }
        let cells = self.columns.iter().zip(snapped);
        cells.map(|(column, place)| column.cell(place)).collect()
    }
}

impl Column {
    fn is_conditional(&self) -> bool {
        !self.conditions.is_empty()
    }

    /// The place of the value at a place.
    fn snap(&self, domain: &Domain, place: f64) -> Option<f64> {
        if !place.is_finite() {
            return domain.place_of(&domain.at(place));
        }
        let place = place.clamp(0.0, 1.0);
        match self.listed {
            Some(count) => Some((libm::floor(place * count).min(count - 1.0) + 0.5) / count),
            None if self.continuous => Some(place),
            None => domain.place_of(&domain.at(place)),
        }
    }

    fn cell(&self, place: Option<f64>) -> f64 {
        match (self.values, place) {
            (None, Some(place)) => place,
            (None, None) => INACTIVE,
            (Some(values), Some(place)) => {
                libm::floor(place * values as f64).min(values as f64 - 1.0)
            }
            (Some(values), None) if self.is_conditional() => values as f64,
            // Only a configuration from outside the space lacks it.
            (Some(_), None) => 0.0,
        }
    }
}
