//! Functional analysis of variance on a random forest: exact integrals over the trees' boxes.
//!
//! Source: Hutter, Hoos and Leyton-Brown, "An efficient approach for assessing hyperparameter
//! importance" (ICML 2014). A conditional parameter is judged within the part of the space in
//! which it is active.

use crate::space::Activity;

use super::partition::{Partition, Weights};
use super::{Evidence, Importance};

/// Parameters, the most important ones, whose interactions are looked at.
const MOST_IN_PAIRS: usize = 10;

/// One tree with what is known of it over one part of the space.
struct Part<'a> {
    partition: &'a Partition,
    weights: Weights,
    mean: f64,
    variance: f64,
}

pub(super) fn partitions(evidence: &Evidence<'_>) -> (Vec<Partition>, impl Fn(f64) -> f64) {
    let forest = evidence.forest();
    let trees = forest.trees().iter();
    let partitions = trees
        .map(|tree| Partition::of(tree, &evidence.features, evidence.space, &evidence.columns))
        .collect();
    (partitions, move |value| forest.target_of(value))
}

/// What makes all of these parameters active.
pub(super) fn activity_of(evidence: &Evidence<'_>, positions: &[usize]) -> Vec<Activity> {
    let all = positions.iter();
    all.flat_map(|position| evidence.columns.activity(*position))
        .cloned()
        .collect()
}

pub(super) fn importance(evidence: &Evidence<'_>) -> Vec<Importance> {
    let (partitions, _) = partitions(evidence);
    let varying = evidence.varying();
    let mut found: Vec<Importance> = varying
        .iter()
        .filter_map(|position| {
            summarised(evidence, &partitions, &[*position], |part| {
                part.main_effect(*position)
            })
        })
        .collect();
    let mut by_value = found.clone();
    by_value.sort_by(|a, b| b.value.total_cmp(&a.value));
    let leading: Vec<usize> = by_value
        .iter()
        .take(MOST_IN_PAIRS)
        .map(|importance| importance.parameters[0])
        .collect();
    for (index, first) in leading.iter().enumerate() {
        for second in &leading[index + 1..] {
            let pair = (*first.min(second), *first.max(second));
            found.extend(summarised(
                evidence,
                &partitions,
                &[pair.0, pair.1],
                |part| part.interaction(pair),
            ));
        }
    }
    found
}

/// Mean and deviation over the trees of an effect's share of the variance.
fn summarised(
    evidence: &Evidence<'_>,
    partitions: &[Partition],
    positions: &[usize],
    effect: impl Fn(&Part<'_>) -> f64,
) -> Option<Importance> {
    let activity = activity_of(evidence, positions);
    let mut shares = Vec::with_capacity(partitions.len());
    let mut active_share = 0.0;
    for partition in partitions {
        let (weights, share) = partition.weights(&activity)?;
        active_share = share;
        let (mean, variance) = partition.moments(&weights);
        let part = Part {
            partition,
            weights,
            mean,
            variance,
        };
        // A tree that is constant here explains nothing by anything.
        shares.push(if part.variance > 1e-12 {
            (effect(&part) / part.variance).clamp(0.0, 1.0)
        } else {
            0.0
        });
    }
    let count = shares.len() as f64;
    let value = shares.iter().sum::<f64>() / count;
    let squares = shares.iter().map(|share| (share - value).powi(2));
    Some(Importance {
        parameters: positions.to_vec(),
        value,
        deviation: libm::sqrt(squares.sum::<f64>() / count),
        active_share,
    })
}

impl Part<'_> {
    /// The variance of a parameter's marginal.
    fn main_effect(&self, position: usize) -> f64 {
        let means = self.partition.marginal(&self.weights, position);
        let atoms = means.iter().zip(&self.weights[position]);
        atoms
            .map(|(mean, weight)| weight * (mean - self.mean).powi(2))
            .sum()
    }

    /// The variance of two parameters' joint marginal, without their main effects.
    fn interaction(&self, pair: (usize, usize)) -> f64 {
        let means = self.partition.joint_marginal(&self.weights, pair);
        let rows = means.iter().zip(&self.weights[pair.0]);
        let joint: f64 = rows
            .map(|(row, height)| {
                let cells = row.iter().zip(&self.weights[pair.1]);
                height
                    * cells
                        .map(|(mean, width)| width * (mean - self.mean).powi(2))
                        .sum::<f64>()
            })
            .sum();
        joint - self.main_effect(pair.0) - self.main_effect(pair.1)
    }
}
