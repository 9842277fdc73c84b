//! The kernels of one group of parameters: how likely each configuration of a mixture makes a
//! point's coordinates.
//!
//! Stored in lanes of configurations, so that one instruction treats several of them.

use crate::numerics::normal::{self, LOG_SQRT_2_PI};
use crate::numerics::single;
use crate::random::Stream;

use super::axis::{Axis, Number};
use super::bandwidth::{Spread, smeared};
use super::structure::{Group, Structure};

/// How many rows' worth of even draws a category is smoothed with.
const SMOOTHING: f64 = 0.5;

pub(super) const LANES: usize = 8;
pub(super) type Lanes = [f32; LANES];

/// The kernels of the rows of a mixture for one group of parameters.
#[derive(Clone, Debug)]
pub(super) struct Kernels {
    /// Standard deviations of draws before they go to the nearest value, by number.
    widths: Vec<f64>,
    /// Divides a coordinate so that half its squared distance in deviations is a plain square.
    scales: Vec<f32>,
    /// What another category than the row's own costs, in nats.
    penalties: Vec<f32>,
    /// The share of draws that keep the row's category.
    kept: Vec<f64>,
    /// Scaled coordinates of the numbers, and after them codes of the categories, of each lane.
    coordinates: Vec<Lanes>,
    /// How many numbers and categories there are.
    width: usize,
    /// The logarithm of the kernel at its centre.
    peaks: Vec<Lanes>,
    /// 1 where the row has the group's parameters, else 0.
    present: Vec<Lanes>,
    /// 0 where the row has the group's parameters, else minus infinity.
    pub(super) mask: Vec<Lanes>,
    /// Whether all rows have them.
    pub(super) all_present: bool,
}

impl Kernels {
    pub(super) fn new(structure: &Structure, group: &Group, rows: &[&[f32]]) -> Self {
        let first = group.members().next();
        let has = |row: &[f32]| first.is_some_and(|member| !row[member].is_nan());
        let present: Vec<&[f32]> = rows.iter().copied().filter(|row| has(row)).collect();
        let drawn = numbers(structure, group, &present);
        let numbers: Vec<(&Number, f64)> = drawn
            .iter()
            .map(|(number, width)| (*number, smeared(*width, number.width)))
            .collect();
        let smoothing = SMOOTHING / (present.len() as f64 + 1.0);
        let categories: Vec<f64> = group
            .categories
            .iter()
            .map(|position| structure.axes[*position].categories().unwrap_or(1) as f64)
            .collect();
        let lanes = rows.len().div_ceil(LANES);
        let width = numbers.len() + categories.len();
        let mut this = Self {
            scales: numbers
                .iter()
                .map(|(_, deviation)| (std::f64::consts::FRAC_1_SQRT_2 / deviation) as f32)
                .collect(),
            penalties: vec![libm::log((1.0 + smoothing) / smoothing) as f32; categories.len()],
            kept: categories
                .iter()
                .map(|k| 1.0 / (1.0 + k * smoothing))
                .collect(),
            widths: drawn.iter().map(|(_, width)| *width).collect(),
            coordinates: vec![[0.0; LANES]; lanes * width],
            width,
            peaks: vec![[0.0; LANES]; lanes],
            present: vec![[0.0; LANES]; lanes],
            mask: vec![[f32::NEG_INFINITY; LANES]; lanes],
            all_present: present.len() == rows.len(),
        };
        for (index, row) in rows.iter().enumerate().filter(|(_, row)| has(row)) {
            let (lane, offset) = (index / LANES, index % LANES);
            let columns = this.columns_mut(lane);
            let members = group.numbers.iter().chain(&group.categories);
            for (column, position) in columns.iter_mut().zip(members) {
                column[offset] = row[*position];
            }
            this.present[lane][offset] = 1.0;
            this.mask[lane][offset] = 0.0;
        }
        let heights = numbers
            .iter()
            .map(|(_, deviation)| -LOG_SQRT_2_PI - libm::log(*deviation));
        // Relative to the uniform distribution of the categories.
        let own = categories
            .iter()
            .map(|k| libm::log(k * (1.0 + smoothing) / (1.0 + k * smoothing)));
        let peak = heights.sum::<f64>() + own.sum::<f64>();
        for lane in 0..lanes {
            this.scale(lane, &numbers, peak as f32);
        }
        this
    }

    /// Scales the numbers of a lane of rows, and finds the height of their kernels.
    fn scale(&mut self, lane: usize, numbers: &[(&Number, f64)], peak: f32) {
        let mut logarithms = [peak; LANES];
        let mut masses = [1.0; LANES];
        let scales = std::mem::take(&mut self.scales);
        let columns = self.columns_mut(lane);
        for (slot, ((number, deviation), scale)) in numbers.iter().zip(&scales).enumerate() {
            let column = &mut columns[slot];
            let shares = number.masses(column, *deviation as f32);
            for (mass, share) in masses.iter_mut().zip(shares) {
                *mass *= share;
            }
            for centre in column {
                *centre *= scale;
            }
            // Before the product of many shares gets too small.
            if slot % 32 == 31 || slot + 1 == numbers.len() {
                for (logarithm, mass) in logarithms.iter_mut().zip(&mut masses) {
                    *logarithm -= libm::logf(mass.max(f32::MIN_POSITIVE));
                    *mass = 1.0;
                }
            }
        }
        self.scales = scales;
        for (logarithm, present) in logarithms.iter_mut().zip(&self.present[lane]) {
            *logarithm *= present;
        }
        self.peaks[lane] = logarithms;
    }

    fn columns_mut(&mut self, lane: usize) -> &mut [Lanes] {
        &mut self.coordinates[lane * self.width..(lane + 1) * self.width]
    }

    /// Adds the logarithm of each row's density at a point to that row's entry. Rows without the
    /// group's parameters know nothing of them: for these the density is the uniform one.
    pub(super) fn explain(&self, group: &Group, point: &[f64], logarithms: &mut [Lanes]) {
        let numbers = group.numbers.iter().zip(&self.scales);
        let numbers: Vec<f32> = numbers
            .map(|(position, scale)| point[*position] as f32 * scale)
            .collect();
        let categories = group.categories.iter().zip(&self.penalties);
        let categories: Vec<(f32, f32)> = categories
            .map(|(position, penalty)| (point[*position] as f32, *penalty))
            .collect();
        let width = self.width;
        for (lane, entry) in logarithms.iter_mut().enumerate() {
            let columns = &self.coordinates[lane * width..(lane + 1) * width];
            let (first, rest) = columns.split_at(numbers.len());
            let mut distance = [0.0; LANES];
            for (column, place) in first.iter().zip(&numbers) {
                for (sum, centre) in distance.iter_mut().zip(column) {
                    let difference = centre - place;
                    *sum += difference * difference;
                }
            }
            for (column, (code, penalty)) in rest.iter().zip(&categories) {
                for (sum, own) in distance.iter_mut().zip(column) {
                    *sum += if own == code { 0.0 } else { *penalty };
                }
            }
            let (peaks, present) = (&self.peaks[lane], &self.present[lane]);
            for offset in 0..LANES {
                entry[offset] += peaks[offset] - present[offset] * distance[offset];
            }
        }
    }

    /// Draws the group's coordinates: from a row's kernel, or uniformly.
    pub(super) fn draw(
        &self,
        structure: &Structure,
        group: &Group,
        row: Option<usize>,
        point: &mut [f64],
        stream: &mut Stream,
    ) {
        let width = self.width;
        let own =
            |slot: usize| row.map(|row| self.coordinates[row / LANES * width + slot][row % LANES]);
        for (slot, position) in group.numbers.iter().enumerate() {
            let Axis::Number(number) = &structure.axes[*position] else {
                continue;
            };
            let share = stream.unit();
            let place = own(slot).map_or(share, |scaled| {
                let centre = f64::from(scaled / self.scales[slot]);
                truncated(centre, self.widths[slot], share)
            });
            point[*position] = number.snapped(place);
        }
        for (slot, position) in group.categories.iter().enumerate() {
            let categories = structure.axes[*position].categories().unwrap_or(1);
            let other = stream.below(categories as u64) as f64;
            let keeps = stream.unit() < self.kept[slot];
            point[*position] = match own(self.scales.len() + slot) {
                Some(code) if keeps => f64::from(code),
                _ => other,
            };
        }
        group.fix(point);
    }
}

/// The numbers of a group, and the standard deviations of their kernels.
fn numbers<'a>(structure: &'a Structure, group: &Group, rows: &[&[f32]]) -> Vec<(&'a Number, f64)> {
    let numbers = group.numbers.iter().filter_map(|position| {
        let Axis::Number(number) = &structure.axes[*position] else {
            return None;
        };
        let mut spread = Spread::default();
        for row in rows {
            spread.add(row[*position]);
        }
        Some((number, spread.bandwidth(group.dimensions, number.width)))
    });
    numbers.collect()
}

/// The value below which a share of a normal distribution lies that is cut to the unit interval.
fn truncated(centre: f64, deviation: f64, share: f64) -> f64 {
    let tail = |distance: f64| f64::from(single::upper_tail((distance / deviation) as f32));
    let (below, above) = (tail(centre.max(0.0)), tail((1.0 - centre).max(0.0)));
    let rank = below + share * (1.0 - above - below);
    (centre + deviation * normal::quantile(rank)).clamp(0.0, 1.0)
}
