//! Importance from densities: how much the best trials' distribution of a parameter differs from
//! that of all trials.
//!
//! Source: Watanabe, Bansal and Hutter, "PED-ANOVA: efficiently quantifying hyperparameter
//! importance in arbitrary subspaces" (IJCAI 2023): the Pearson divergence of two kernel density
//! estimates on a grid, with Scott's bandwidth ("Multivariate density estimation", 1992). A
//! conditional parameter is judged on the trials in which it is active.

use crate::numerics::normal::cumulative;
use crate::space::Domain;

use super::{Evidence, Importance};

/// The share of the trials that counts as the best.
const BEST: f64 = 0.1;
/// Cells into which a parameter's range is cut at most.
const CELLS: u64 = 50;
/// The narrowest kernel: nine tenths of it lie within one cell.
const NARROWEST: f64 = 0.5 / 1.64;
/// What keeps the quotient of two densities finite.
const LEAST_DENSITY: f64 = 1e-12;

pub(super) fn importance(evidence: &Evidence<'_>) -> Vec<Importance> {
    let varying = evidence.varying().into_iter();
    varying
        .map(|position| of_parameter(evidence, position))
        .collect()
}

fn of_parameter(evidence: &Evidence<'_>, position: usize) -> Importance {
    let places: Vec<(f64, f64)> = evidence
        .rows
        .iter()
        .zip(&evidence.values)
        .filter_map(|(row, value)| {
            let place = evidence.columns.places(row)[position]?;
            let value = if evidence.lower_is_better {
                *value
            } else {
                -*value
            };
            Some((place, value))
        })
        .collect();
    let active_share = places.len() as f64 / evidence.len() as f64;
    let domain = &evidence.space.parameters()[position].domain;
    let value = if places.len() < 2 {
        0.0
    } else {
        divergence(&places, domain)
    };
    Importance {
        parameters: vec![position],
        value,
        deviation: 0.0,
        active_share,
    }
}

/// The Pearson divergence of the best trials' density from that of all.
fn divergence(places: &[(f64, f64)], domain: &Domain) -> f64 {
    let mut sorted: Vec<f64> = places.iter().map(|(_, value)| *value).collect();
    sorted.sort_by(f64::total_cmp);
    let last = libm::ceil(BEST * sorted.len() as f64) as usize;
    let limit = sorted[last.clamp(1, sorted.len()) - 1];
    let cells = cells_of(domain);
    let counts = |best_only: bool| {
        let mut counts = vec![0.0; cells];
        let counted = places
            .iter()
            .filter(|(_, value)| !best_only || *value <= limit);
        for (place, _) in counted {
            counts[cell_of(*place, cells, domain)] += 1.0;
        }
        counts
    };
    let density = |counts: &[f64]| match domain {
        Domain::Choice { .. } => listed_density(counts),
        _ => kernel_density(counts),
    };
    let (all, best) = (density(&counts(false)), density(&counts(true)));
    let terms = all.iter().zip(&best).map(|(all, best)| {
        let (all, best) = (all + LEAST_DENSITY, best + LEAST_DENSITY);
        all * (best / all - 1.0).powi(2)
    });
    terms.sum()
}

fn cells_of(domain: &Domain) -> usize {
    let count = domain.cardinality().unwrap_or(CELLS);
    match domain {
        Domain::Choice { .. } => count as usize,
        _ => count.clamp(2, CELLS) as usize,
    }
}

/// The cell of a place: for few values their own, or else the nearest of evenly spaced points,
/// of two the lower one.
fn cell_of(place: f64, cells: usize, domain: &Domain) -> usize {
    let own = domain.cardinality() == Some(cells as u64);
    let cell = if own {
        libm::floor(place * cells as f64)
    } else {
        libm::ceil(place * (cells - 1) as f64 - 0.5)
    };
    (cell.max(0.0) as usize).min(cells - 1)
}

/// The density of categories: each trial gives most of its weight to its own, and one more gives
/// the same to all.
fn listed_density(counts: &[f64]) -> Vec<f64> {
    let cells = counts.len() as f64;
    let observed = counts.iter().filter(|count| **count > 0.0).count() as f64;
    let total: f64 = counts.iter().sum::<f64>() + 1.0;
    let spread = 1.0 / (observed + 1.0);
    let whole = 1.0 + cells * spread;
    let from_all = (total - 1.0) * spread / whole + 1.0 / cells;
    counts
        .iter()
        .map(|count| (from_all + count / whole) / total)
        .collect()
}

/// The density over ordered cells: a normal kernel for each trial, and a wide one.
fn kernel_density(counts: &[f64]) -> Vec<f64> {
    let last = (counts.len() - 1) as f64;
    let width = bandwidth(counts).max(NARROWEST);
    let mut density = vec![0.0; counts.len()];
    let mut add = |centre: f64, width: f64, weight: f64| {
        let part = |from: f64, to: f64| {
            cumulative((to - centre) / width) - cumulative((from - centre) / width)
        };
        let inside = part(-0.5, last + 0.5);
        for (cell, density) in density.iter_mut().enumerate() {
            let cell = cell as f64;
            *density += weight * part(cell - 0.5, cell + 0.5) / inside;
        }
    };
    let occupied = counts.iter().enumerate().filter(|(_, count)| **count > 0.0);
    for (cell, count) in occupied {
        add(cell as f64, width, *count);
    }
    add(last / 2.0, last + 1.0, 1.0);
    let total: f64 = counts.iter().sum::<f64>() + 1.0;
    density.iter().map(|density| density / total).collect()
}

/// Scott's rule, with the distance of the quartiles where that is the smaller spread.
fn bandwidth(counts: &[f64]) -> f64 {
    let occupied: Vec<(f64, f64)> = counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0.0)
        .map(|(cell, count)| (cell as f64, *count))
        .collect();
    let total: f64 = counts.iter().sum();
    let mean = occupied
        .iter()
        .map(|(cell, count)| cell * count)
        .sum::<f64>()
        / total;
    let squares = occupied
        .iter()
        .map(|(cell, count)| count * (cell - mean).powi(2));
    let deviation = libm::sqrt(squares.sum::<f64>() / (total - 1.0).max(1.0));
    let mut reached = 0.0;
    let sums: Vec<(f64, f64)> = occupied
        .iter()
        .map(|(cell, count)| {
            reached += count;
            (*cell, reached)
        })
        .collect();
    let last = occupied.last().map_or(0.0, |cell| cell.0);
    let first_with = |wanted: &dyn Fn(f64) -> bool| {
        let found = sums.iter().find(|(_, reached)| wanted(*reached));
        found.map_or(last, |(cell, _)| *cell)
    };
    let lower = first_with(&|reached| reached >= libm::floor(total / 4.0));
    let upper = first_with(&|reached| reached > libm::floor(total * 3.0 / 4.0));
    1.059 * ((upper - lower) / 1.34).min(deviation) * libm::pow(total, -0.2)
}
