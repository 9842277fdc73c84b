//! How the value depends on one or two parameters, all others averaged out.
//!
//! Source: Friedman, "Greedy function approximation: a gradient boosting machine" (Annals of
//! Statistics 29, 2001), for the idea; the average is the exact integral over a forest's boxes,
//! as in Hutter, Hoos and Leyton-Brown (ICML 2014), and the trees tell how sure it is.

use crate::value::Value;

use super::fanova::{activity_of, partitions};
use super::{AnalysisError, Evidence};

/// The value expected at some values of the parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct DependencePoint {
    /// One value a parameter.
    pub values: Vec<Value>,
    /// The mean over the part of the space with these values.
    pub mean: f64,
    /// The standard deviation of that mean between the trees.
    pub deviation: f64,
}

/// How the value depends on one or two parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Dependence {
    /// Positions of the parameters in the space.
    pub parameters: Vec<usize>,
    /// The points; with two parameters the second changes fastest.
    pub points: Vec<DependencePoint>,
    /// The share of the space in which the parameters are active, over which is averaged.
    pub active_share: f64,
}

/// How the value depends on one parameter or two, on a grid of up to `points` values of each.
///
/// # Errors
/// A name is unknown, there are too few values, or the parameters exclude each other.
pub fn partial_dependence(
    evidence: &Evidence<'_>,
    names: (&str, Option<&str>),
    points: usize,
) -> Result<Dependence, AnalysisError> {
    evidence.check()?;
    let mut parameters = vec![position(evidence, names.0)?];
    if let Some(second) = names.1.filter(|second| *second != names.0) {
        parameters.push(position(evidence, second)?);
    }
    let grids: Vec<Vec<(f64, Value)>> = parameters
        .iter()
        .map(|position| grid(evidence, *position, points))
        .collect();
    let activity = activity_of(evidence, &parameters);
    let (partitions, target_of) = partitions(evidence);
    let cells = grids.iter().map(Vec::len).product();
    let mut sums = vec![(0.0, 0.0); cells];
    let mut active_share = 0.0;
    for partition in &partitions {
        let (weights, share) = partition
            .weights(&activity)
            .ok_or(AnalysisError::NeverActive)?;
        active_share = share;
        let mut add = |cell: usize, mean: f64| {
            let mean = target_of(mean);
            sums[cell].0 += mean;
            sums[cell].1 += mean * mean;
        };
        let atom = |axis: usize, place: f64| partition.atom(parameters[axis], place);
        if let [first, second] = parameters[..] {
            let means = partition.joint_marginal(&weights, (first, second));
            for (row, (place, _)) in grids[0].iter().enumerate() {
                for (column, (other, _)) in grids[1].iter().enumerate() {
                    let mean = means[atom(0, *place)][atom(1, *other)];
                    add(row * grids[1].len() + column, mean);
                }
            }
        } else {
            let means = partition.marginal(&weights, parameters[0]);
            for (cell, (place, _)) in grids[0].iter().enumerate() {
                add(cell, means[atom(0, *place)]);
            }
        }
    }
    let count = partitions.len() as f64;
    let summary = |cell: usize| {
        let (sum, squares) = sums[cell];
        let mean = sum / count;
        let deviation = libm::sqrt((squares / count - mean * mean).max(0.0));
        let width = grids.get(1).map_or(1, Vec::len);
        let values = match grids.as_slice() {
            [first, second] => vec![
                first[cell / width].1.clone(),
                second[cell % width].1.clone(),
            ],
            _ => vec![grids[0][cell].1.clone()],
        };
        DependencePoint {
            values,
            mean,
            deviation,
        }
    };
    Ok(Dependence {
        parameters,
        points: (0..cells).map(summary).collect(),
        active_share,
    })
}

fn position(evidence: &Evidence<'_>, name: &str) -> Result<usize, AnalysisError> {
    evidence.space.position(name).ok_or_else(|| {
        let parameters = evidence.space.parameters().iter();
        let known: Vec<&str> = parameters.map(|p| p.name.as_ref()).collect();
        AnalysisError::UnknownParameter {
            name: name.to_string(),
            known: known.join(", "),
        }
    })
}

/// Places of a parameter and the values there: all values if they are few, and always all of a
/// choice.
fn grid(evidence: &Evidence<'_>, position: usize, points: usize) -> Vec<(f64, Value)> {
    let domain = &evidence.space.parameters()[position].domain;
    let points = points.max(2) as u64;
    let all = domain
        .cardinality()
        .filter(|count| *count <= points || (!domain.is_numeric() && *count <= 10_000));
    let places: Vec<(f64, Value)> = match all {
        Some(count) => (0..count)
            .filter_map(|index| domain.nth(index))
            .filter_map(|value| Some((domain.place_of(&value)?, value)))
            .collect(),
        None => (0..points)
            .map(|k| k as f64 / (points - 1) as f64)
            .map(|place| (place, domain.at(place)))
            .collect(),
    };
    places
}
