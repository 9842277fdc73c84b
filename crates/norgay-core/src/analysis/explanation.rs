//! Why a trial was tried, and what came of it.

use std::sync::Arc;

use crate::numerics::random_forest::Feature;
use crate::space::Space;
use crate::trial::{Trial, TrialState};
use crate::value::Value;

use super::{AnalysisError, Evidence};

/// Earlier trials that are shown beside the explained one.
const NEIGHBOURS: usize = 3;
/// Values without which a forest is no expectation.
const FEWEST_FOR_EXPECTATION: usize = 4;

/// Where a trial's value of a parameter stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The parameter.
    pub name: Arc<str>,
    /// The trial's value of it.
    pub value: Value,
    /// How far it lies into the range, from 0 to 1, on the parameter's scale; `None` where values
    /// have no order.
    pub place: Option<f64>,
    /// Of the trials in which the parameter is active, this one included, how many there are.
    pub active: usize,
    /// How many of these have a smaller value; `None` where values have no order.
    pub smaller: Option<usize>,
    /// How many of these, this one aside, have the same value.
    pub same: usize,
}

/// What the trials that had ended before said of a configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expectation {
    /// The forest's mean.
    pub mean: f64,
    /// Its standard deviation.
    pub deviation: f64,
    /// How many values it rests on.
    pub values: usize,
}

/// An earlier trial with a similar configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    /// Its number.
    pub number: u64,
    /// Its value, if it has one.
    pub value: Option<f64>,
    /// What differs: the parameter, its value there and here; `None` where it is inactive.
    pub differences: Vec<(Arc<str>, Option<Value>, Option<Value>)>,
}

/// Why a trial was tried, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The trial.
    pub number: u64,
    /// The algorithm's, or the user's, reason.
    pub reason: Arc<str>,
    /// Its values in the order of the space.
    pub standings: Vec<Standing>,
    /// What could be expected when it was created; `None` if too few trials had ended.
    pub expectation: Option<Expectation>,
    /// Its value, if it has one.
    pub value: Option<f64>,
    /// Its place among all completed trials, from 1, and how many there are.
    pub rank: Option<(usize, usize)>,
    /// The best value that was known when it was created.
    pub best_before: Option<f64>,
    /// The most similar earlier trials, the most similar first.
    pub neighbours: Vec<Neighbour>,
}

/// Explains a trial of a study by the others, for the first objective. O(trials * parameters).
///
/// # Errors
/// There is no such trial.
pub fn explain(
    space: &Space,
    trials: &[Trial],
    number: u64,
    lower_is_better: bool,
) -> Result<Explanation, AnalysisError> {
    let found = trials.iter().find(|trial| trial.number == number);
    let trial = found.ok_or(AnalysisError::UnknownTrial {
        number,
        trials: trials.len(),
    })?;
    let had_ended = |other: &&Trial| {
        let ended = other.last_attempt().and_then(|attempt| attempt.ended_ms);
        other.number < number && ended.is_some_and(|ended| ended <= trial.created_ms)
    };
    let evidence = Evidence::of(space, trials.iter().filter(had_ended), 0, lower_is_better);
    let better = |a: f64, b: f64| if lower_is_better { a < b } else { a > b };
    let best_before = evidence
        .values
        .iter()
        .copied()
        .reduce(|best, value| if better(value, best) { value } else { best });
    let value = trial.value.filter(|value| !value.is_nan());
    let rank = value
        .filter(|_| trial.state == TrialState::Completed)
        .map(|own| {
            let completed = trials
                .iter()
                .filter(|other| other.state == TrialState::Completed);
            let values: Vec<f64> = completed.filter_map(|other| other.value).collect();
            let ahead = values.iter().filter(|value| better(**value, own)).count();
            (ahead + 1, values.len())
        });
    Ok(Explanation {
        number,
        reason: trial.reason.clone(),
        standings: standings(space, trials, trial),
        expectation: expectation(&evidence, trial),
        value,
        rank,
        best_before,
        neighbours: neighbours(&evidence, trials, trial),
    })
}

fn expectation(evidence: &Evidence<'_>, trial: &Trial) -> Option<Expectation> {
    if evidence.len() < FEWEST_FOR_EXPECTATION {
        return None;
    }
    let row = evidence.columns.row(evidence.space, &trial.configuration);
    let predicted = evidence.forest().predict(&row);
    Some(Expectation {
        mean: predicted.mean,
        deviation: libm::sqrt(predicted.variance),
        values: evidence.len(),
    })
}

fn standings(space: &Space, trials: &[Trial], trial: &Trial) -> Vec<Standing> {
    let parameters = space.parameters().iter();
    parameters
        .filter_map(|parameter| {
            let value = trial.configuration.get(&parameter.name)?;
            let has_order = !matches!(
                parameter.domain,
                crate::space::Domain::Choice { .. } | crate::space::Domain::Constant { .. }
            );
            let place = parameter.domain.place_of(value);
            let others: Vec<&Value> = trials
                .iter()
                .filter_map(|other| other.configuration.get(&parameter.name))
                .collect();
            let smaller = place.filter(|_| has_order).map(|own| {
                let places = others.iter().filter_map(|v| parameter.domain.place_of(v));
                places.filter(|place| *place < own).count()
            });
            let same = others.iter().filter(|other| other.means_the_same(value));
            Some(Standing {
                name: parameter.name.clone(),
                value: value.clone(),
                place: place.filter(|_| has_order),
                active: others.len(),
                smaller,
                same: same.count().saturating_sub(1),
            })
        })
        .collect()
}

/// How unlike two rows are: the mean over the parameters of distances from 0 to 1.
fn distance(evidence: &Evidence<'_>, a: &[f64], b: &[f64]) -> f64 {
    let parts = evidence
        .features
        .iter()
        .enumerate()
        .map(|(position, kind)| {
            let active = [a, b].map(|row| evidence.columns.is_active(row, position));
            match (active, kind) {
                ([false, false], _) => 0.0,
                ([true, true], Feature::Numeric) => (a[position] - b[position]).abs(),
                _ => f64::from(u8::from(a[position] != b[position])),
            }
        });
    parts.sum::<f64>() / evidence.features.len().max(1) as f64
}

fn neighbours(evidence: &Evidence<'_>, trials: &[Trial], trial: &Trial) -> Vec<Neighbour> {
    let row = |other: &Trial| evidence.columns.row(evidence.space, &other.configuration);
    let own = row(trial);
    let earlier = trials.iter().filter(|other| other.number < trial.number);
    let mut near: Vec<(f64, &Trial)> = earlier
        .map(|other| (distance(evidence, &own, &row(other)), other))
        .collect();
    near.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.number.cmp(&a.1.number)));
    near.truncate(NEIGHBOURS);
    near.into_iter()
        .map(|(_, other)| Neighbour {
            number: other.number,
            value: other.value,
            differences: differences(evidence.space, other, trial),
        })
        .collect()
}

fn differences(
    space: &Space,
    other: &Trial,
    trial: &Trial,
) -> Vec<(Arc<str>, Option<Value>, Option<Value>)> {
    let parameters = space.parameters().iter();
    parameters
        .filter_map(|parameter| {
            let there = other.configuration.get(&parameter.name);
            let here = trial.configuration.get(&parameter.name);
            let same = match (there, here) {
                (Some(there), Some(here)) => there.means_the_same(here),
                (there, here) => there.is_none() && here.is_none(),
            };
            (!same).then(|| (parameter.name.clone(), there.cloned(), here.cloned()))
        })
        .collect()
}
