//! A density over a space: kernels around given configurations, and the uniform distribution.
//!
//! Groups of conditional parameters come after their parents. Each has a mixture of its own, of
//! the rows that know its parameters, weighted by how well these rows explain the coordinates of
//! the groups before: so children depend on their parents, and on one another.

use crate::numerics::single;
use crate::random::Stream;

use super::kernels::{Kernels, LANES, Lanes};
use super::structure::Structure;

/// A mixture of one kernel a row and a uniform one.
#[derive(Clone, Debug)]
pub(super) struct Mixture {
    /// The kernels of each group, and the logarithm of the sum of their weights.
    parts: Vec<(Kernels, f64)>,
    /// Logarithms of the rows' weights, minus infinity in lanes without a row.
    weights: Vec<Lanes>,
    rows: usize,
}

/// The logarithm of the weight of the uniform distribution, a row's being 0.
const UNIFORM: f32 = 0.0;

impl Mixture {
    /// A mixture of these points with these weights; that of the uniform distribution is 1.
    pub(super) fn new(
        structure: &Structure,
        rows: &[&[f32]],
        weight: impl Fn(usize) -> f64,
    ) -> Self {
        let mut weights = vec![[f32::NEG_INFINITY; LANES]; rows.len().div_ceil(LANES)];
        for index in 0..rows.len() {
            weights[index / LANES][index % LANES] = libm::log(weight(index)) as f32;
        }
        let groups = structure.groups.iter();
        let parts = groups.map(|group| {
            let kernels = Kernels::new(structure, group, rows);
            let total = log_sum(&weights, &kernels);
            (kernels, total)
        });
        Self {
            parts: parts.collect(),
            rows: rows.len(),
            weights,
        }
    }

    /// The logarithms of the density at a point, one a group; 0 for an inactive group.
    pub(super) fn logarithms(
        &self,
        structure: &Structure,
        point: &[f64],
        room: &mut Vec<Lanes>,
    ) -> Vec<f64> {
        let mut point = point.to_vec();
        self.walk(structure, &mut point, room, |_, _, _, _| {})
    }

    /// Draws a point; gives the logarithms of the density there, one a group.
    pub(super) fn draw(
        &self,
        structure: &Structure,
        stream: &mut Stream,
        point: &mut [f64],
        room: &mut Vec<Lanes>,
    ) -> Vec<f64> {
        point.fill(f64::NAN);
        self.walk(structure, point, room, |index, point, entries, total| {
            let (kernels, _) = &self.parts[index];
            let row = self.chosen(kernels, entries, total, stream);
            kernels.draw(structure, &structure.groups[index], row, point, stream);
        })
    }

    /// Goes through the active groups; `visit` may set the coordinates of the one it is at.
    fn walk(
        &self,
        structure: &Structure,
        point: &mut [f64],
        room: &mut Vec<Lanes>,
        mut visit: impl FnMut(usize, &mut [f64], &[Lanes], f64),
    ) -> Vec<f64> {
        room.clone_from(&self.weights);
        let mut touched = false;
        let mut logarithms = vec![0.0; self.parts.len()];
        for (index, group) in structure.groups.iter().enumerate() {
            if !structure.is_active(group, point) {
                continue;
            }
            let (kernels, weight) = &self.parts[index];
            if !structure.multivariate && touched {
                room.clone_from(&self.weights);
                touched = false;
            }
            let before = if touched {
                log_sum(room, kernels)
            } else {
                *weight
            };
            visit(index, point, room, before);
            kernels.explain(group, point, room);
            touched = true;
            logarithms[index] = log_sum(room, kernels) - before;
        }
        logarithms
    }

    /// Chooses a row that has the group's parameters by its weight, or none for the uniform
    /// distribution; `total` is the logarithm of all weights' sum.
    fn chosen(
        &self,
        kernels: &Kernels,
        entries: &[Lanes],
        total: f64,
        stream: &mut Stream,
    ) -> Option<usize> {
        let mut left = stream.unit() - libm::exp(f64::from(UNIFORM) - total);
        if left < 0.0 {
            return None;
        }
        let mut last = None;
        for row in 0..self.rows {
            let (lane, offset) = (row / LANES, row % LANES);
            let entry = entries[lane][offset] + kernels.mask[lane][offset];
            if entry == f32::NEG_INFINITY {
                continue;
            }
            left -= libm::exp(f64::from(entry) - total);
            last = Some(row);
            if left < 0.0 {
                break;
            }
        }
        last
    }
}

/// The logarithm of the sum of the exponentials of the entries that have the group's parameters,
/// and of the uniform distribution's.
fn log_sum(entries: &[Lanes], kernels: &Kernels) -> f64 {
    let mut highest = [UNIFORM; LANES];
    let masked = |lane: usize| {
        let mut values = entries[lane];
        if !kernels.all_present {
            for (value, mask) in values.iter_mut().zip(&kernels.mask[lane]) {
                *value += mask;
            }
        }
        values
    };
    for lane in 0..entries.len() {
        for (high, value) in highest.iter_mut().zip(masked(lane)) {
            *high = if value > *high { value } else { *high };
        }
    }
    let highest = highest.iter().copied().fold(UNIFORM, f32::max);
    let mut sums = [0.0; LANES];
    for lane in 0..entries.len() {
        for (sum, value) in sums.iter_mut().zip(masked(lane)) {
            *sum += single::exp(value - highest);
        }
    }
    let uniform = single::exp(UNIFORM - highest);
    f64::from(highest) + libm::log(f64::from(sums.iter().sum::<f32>() + uniform))
}
