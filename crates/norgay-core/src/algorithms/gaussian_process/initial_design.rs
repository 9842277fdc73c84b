//! The points with which a model-based search begins: the middle, then a scrambled Sobol sequence.
//!
//! Source: Bossek, Doerr and Kerschke, "Initial design strategies and their effects on sequential
//! model-based optimization" (GECCO 2020), for small quasi-random designs.

use crate::algorithm::View;
use crate::algorithms::encoding::Encoding;
use crate::numerics::sobol_sequence::{MAX_DIMENSIONS, SobolSequence};
use crate::random::{Purpose, Stream};

use super::search::Seen;

/// Points of the sequence that are passed over in search of a feasible unseen one.
const MAX_SKIPS: u64 = 2_000;

/// How many points a design has, for a number of dimensions and a budget of trials.
pub(crate) fn design_size(dimensions: usize, budget: Option<u64>) -> usize {
    let wanted = (dimensions + 2).clamp(5, 10);
    match budget {
        Some(budget) => wanted.min(((budget / 10) as usize).max(3)),
        None => wanted,
    }
}

/// The design's point for the suggestion of this index; `None` where none is feasible and unseen.
pub(crate) fn design_point(
    view: &View<'_>,
    encoding: &Encoding,
    seen: &Seen,
    index: u64,
) -> Option<Vec<f64>> {
    let admits = |point: &[f64]| {
        !seen.contains(point) && view.space.is_feasible(&encoding.decode(view.space, point))
    };
    if index == 0 {
        let middle = middle(view, encoding);
        if admits(&middle) {
            return Some(middle);
        }
    }
    let sequence = SobolSequence::scrambled(encoding.len().min(MAX_DIMENSIONS), view.seed)?;
    (index..index + MAX_SKIPS).find_map(|index| {
        let mut places = sequence.point(u32::try_from(index).ok()?);
        places.resize(encoding.len(), 0.5);
        let mut point = spread(view, encoding, &places, index);
        encoding.snap(view.space, &mut point);
        admits(&point).then_some(point)
    })
}

/// The middle of the space.
pub(crate) fn middle(view: &View<'_>, encoding: &Encoding) -> Vec<f64> {
    let mut middle = spread(view, encoding, &vec![0.5; encoding.len()], 0);
    encoding.snap(view.space, &mut middle);
    middle
}

/// Places to coordinates: categorical ones go through all their labels before any comes again, in
/// an order drawn for each parameter.
fn spread(view: &View<'_>, encoding: &Encoding, places: &[f64], index: u64) -> Vec<f64> {
    let dimensions = encoding.dimensions().iter().zip(places).enumerate();
    dimensions
        .map(|(p, (dimension, place))| {
            if let crate::algorithms::encoding::Axis::Category(count) = dimension.axis {
                let round = index / count as u64;
                let mut order: Vec<usize> = (0..count).collect();
                let number = (round << 16) | p as u64;
                Stream::new(view.seed, number, Purpose::Design).shuffle(&mut order);
                return order[(index % count as u64) as usize] as f64;
            }
            dimension.at(*place)
        })
        .collect()
}
