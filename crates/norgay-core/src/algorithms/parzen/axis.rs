//! One parameter as a coordinate of a density.

use crate::numerics::single::{exp, upper_tail};
use crate::space::{Domain, Scale};
use crate::value::Value;

use super::kernels::{LANES, Lanes};

/// The most values of a number whose kernels are summed up one by one.
const MOST_CELLS: u64 = 64;

/// How a parameter enters a density.
#[derive(Clone, Debug)]
pub(super) enum Axis {
    /// It has one value only.
    Fixed,
    /// A number, by its place in the unit interval.
    Number(Number),
    /// A category, by its rank among the categories' texts: the order in which they are listed
    /// changes nothing.
    Category {
        /// The rank of the category listed here.
        rank: Vec<usize>,
        /// Where the category of this rank is listed.
        listed: Vec<usize>,
    },
}

/// A number's coordinate: continuous, or in cells of the unit interval.
#[derive(Clone, Debug)]
pub(super) struct Number {
    /// What the values are.
    domain: Domain,
    /// Place and width of the cells up to `smooth_from`.
    cells: Vec<(f32, f32)>,
    /// From here on the coordinate counts as continuous.
    smooth_from: f32,
    /// How many values there are, if all have cells of one width.
    even: Option<f64>,
    /// The mean width of a cell, 0 if there are none.
    pub(super) width: f64,
}

impl Axis {
    pub(super) fn new(domain: &Domain) -> Self {
        if domain.cardinality() == Some(1) {
            return Self::Fixed;
        }
        match domain {
            Domain::Constant { .. } => Self::Fixed,
            Domain::Choice { values } => {
                let listed = by_text(values);
                let mut rank = vec![0; listed.len()];
                for (position, place) in listed.iter().enumerate() {
                    rank[*place] = position;
                }
                Self::Category { rank, listed }
            }
            _ => Self::Number(Number::new(domain)),
        }
    }

    /// How many categories there are, if these are categories.
    pub(super) fn categories(&self) -> Option<usize> {
        match self {
            Self::Category { listed, .. } => Some(listed.len()),
            _ => None,
        }
    }

    /// The coordinate of a place of the unit interval.
    pub(super) fn coordinate(&self, place: f64) -> f64 {
        match self {
            Self::Fixed => 0.5,
            Self::Number(_) => place,
            Self::Category { rank, .. } => {
                let count = rank.len();
                let index = ((place * count as f64) as usize).min(count - 1);
                rank[index] as f64
            }
        }
    }

    /// The coordinate at a share of the parameter's values: equal shares are equally many.
    pub(super) fn at_share(&self, share: f64) -> f64 {
        match self {
            Self::Category { rank, .. } => {
                let count = rank.len() as f64;
                libm::floor(share * count).clamp(0.0, count - 1.0)
            }
            _ => share,
        }
    }

    /// The place of a coordinate.
    pub(super) fn place(&self, coordinate: f64) -> f64 {
        match self {
            Self::Category { listed, .. } => {
                let index = listed.get(coordinate as usize).copied().unwrap_or(0);
                (index as f64 + 0.5) / listed.len() as f64
            }
            _ => coordinate,
        }
    }
}

/// Positions of the values in the order of their texts.
fn by_text(values: &[Value]) -> Vec<usize> {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| texts[*a].cmp(&texts[*b]));
    order
}

impl Number {
    fn new(domain: &Domain) -> Self {
        let count = domain.cardinality();
        let few = count.is_some_and(|count| count <= MOST_CELLS);
        let logarithmic = match domain {
            Domain::Discrete {
                low,
                high,
                scale: Scale::Log,
                ..
            } => Some((*low, *high)),
            _ => None,
        };
        let (cells, smooth_from) = match (count, logarithmic) {
            (Some(_), Some((low, high))) => logarithmic_cells(low, high),
            (Some(count), None) if few => {
                let width = 1.0 / count as f32;
                let cell = |index| ((index as f32 + 0.5) * width, width);
                ((0..count).map(cell).collect(), 1.0)
            }
            _ => (Vec::new(), 0.0),
        };
        Self {
            domain: domain.clone(),
            cells,
            smooth_from,
            even: count
                .filter(|_| logarithmic.is_none())
                .map(|count| count as f64),
            width: count.map_or(0.0, |count| 1.0 / count as f64),
        }
    }

    /// The place of the cell that this place is in.
    pub(super) fn snapped(&self, place: f64) -> f64 {
        if let Some(count) = self.even {
            let index = libm::floor(place * count).clamp(0.0, count - 1.0);
            return (index + 0.5) / count;
        }
        if self.width == 0.0 {
            return place;
        }
        let value = self.domain.at(place);
        self.domain.place_of(&value).unwrap_or(place)
    }

    /// What truncation leaves of a normal density around each centre: its integral over the unit
    /// interval. Cells count with the density at their places times their widths.
    pub(super) fn masses(&self, centres: &Lanes, deviation: f32) -> Lanes {
        let inverse = 1.0 / deviation;
        let mut masses = [0.0; LANES];
        for (place, width) in &self.cells {
            let height = width * inverse * DENSITY_AT_CENTRE;
            for (mass, centre) in masses.iter_mut().zip(centres) {
                let distance = (place - centre) * inverse;
                *mass += height * exp(-0.5 * distance * distance);
            }
        }
        if self.smooth_from >= 1.0 {
            return masses;
        }
        for (mass, centre) in masses.iter_mut().zip(centres) {
            let from = (self.smooth_from - centre) * inverse;
            let tail = upper_tail(from.abs());
            let below = if from > 0.0 { 1.0 - tail } else { tail };
            *mass += 1.0 - below - upper_tail((1.0 - centre) * inverse);
        }
        masses
    }
}

/// The standard normal density at 0.
const DENSITY_AT_CENTRE: f32 = 0.398_942_3;

/// The lowest cells of whole numbers on a log scale, the only wide ones, and where they end.
fn logarithmic_cells(low: i64, high: i64) -> (Vec<(f32, f32)>, f32) {
    let logarithm = |number: f64| libm::log(number);
    let (start, end) = (logarithm(low as f64 - 0.5), logarithm(high as f64 + 0.5));
    let place = |number: f64| (logarithm(number) - start) / (end - start);
    let last = high.min(low.saturating_add(MOST_CELLS as i64 - 1));
    let cell = |value: i64| {
        let value = value as f64;
        let width = place(value + 0.5) - place(value - 0.5);
        (place(value) as f32, width as f32)
    };
    let from = if last == high {
        1.0
    } else {
        place(last as f64 + 0.5) as f32
    };
    ((low..=last).map(cell).collect(), from)
}
