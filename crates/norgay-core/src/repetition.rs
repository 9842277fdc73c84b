//! What repeated configurations gave together: means over the groups that [`repeat`] tries.
//!
//! [`repeat`]: crate::algorithms::ALGORITHMS

use std::collections::HashMap;

use crate::algorithms;
use crate::configuration::Configuration;
use crate::study::Study;
use crate::trial::{Trial, TrialState};

/// All trials of one configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The parameters' values.
    pub configuration: Configuration,
    /// The numbers of its trials, in order.
    pub trials: Vec<u64>,
    /// How many of them have ended.
    pub ended: u64,
    /// What the completed ones gave; `None` if none has a value.
    pub summary: Option<Summary>,
}

/// Mean and spread of several values, as the reference names them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// `Objective`: the mean.
    pub mean: f64,
    /// `ObjectiveCount`: how many values there are.
    pub count: u64,
    /// `ObjectiveVar`: the variance; `None` of a single value.
    pub variance: Option<f64>,
    /// `ObjectiveStdErr`: the square root of the variance by one less than the count.
    pub standard_error: Option<f64>,
    /// `Iteration`: the last step of any of the trials.
    pub step: u64,
}

impl Summary {
    /// The summary of values, NaN aside.
    pub fn of(values: &[f64], step: u64) -> Option<Self> {
        let values: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
        if values.is_empty() {
            return None;
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares = values.iter().map(|value| (value - mean) * (value - mean));
        let variance = (values.len() > 1).then(|| squares.sum::<f64>() / (count - 1.0));
        Some(Self {
            mean,
            count: values.len() as u64,
            variance,
            standard_error: variance.map(|variance| libm::sqrt(variance / (count - 1.0))),
            step,
        })
    }
}

/// The trials of a study by their parameters' values, in the order of their first trials.
pub fn groups(study: &Study) -> Vec<Group> {
    let space = &study.definition().space;
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut members: Vec<(Configuration, Vec<&Trial>)> = Vec::new();
    for trial in study.trials() {
        let entries = trial.configuration.entries().iter();
        let parameters = entries.filter(|(name, _)| space.get(name).is_some());
        let configuration: Configuration = parameters.cloned().collect();
        let place = *places
            .entry(configuration.fingerprint())
            .or_insert(members.len());
        match members.get_mut(place) {
            Some((_, trials)) => trials.push(trial),
            None => members.push((configuration, vec![trial])),
        }
    }
    members.into_iter().map(group).collect()
}

fn group((configuration, trials): (Configuration, Vec<&Trial>)) -> Group {
    let completed = trials.iter().filter(|t| t.state == TrialState::Completed);
    let values: Vec<f64> = completed.clone().filter_map(|trial| trial.value).collect();
    let step = completed.filter_map(|trial| trial.last_step()).max();
    Group {
        configuration,
        ended: trials.iter().filter(|trial| trial.state.is_final()).count() as u64,
        trials: trials.iter().map(|trial| trial.number).collect(),
        summary: Summary::of(&values, step.unwrap_or(0)),
    }
}

/// How often the study's algorithm tries each configuration, if it repeats them.
pub fn repeats(study: &Study) -> Option<u64> {
    let choice = &study.definition().algorithm;
    algorithms::find(&choice.name).filter(|entry| entry.name == "repeat")?;
    let given = choice
        .arguments
        .iter()
        .find(|(name, _)| name == "num_times");
    let number = given.and_then(|(_, value)| value.as_i64());
    Some(number.and_then(|n| u64::try_from(n).ok()).unwrap_or(5))
}

/// Of a study that repeats configurations the one with the best mean: of those of which so many
/// trials as wanted have ended, the first of equals. `None` while there is none.
pub fn best_group(study: &Study) -> Option<Group> {
    let wanted = repeats(study)?;
    let direction = study.definition().objective.direction;
    let mean = |group: &Group| group.summary.map(|summary| summary.mean);
    let complete = groups(study).into_iter();
    let complete = complete.filter(|group| group.ended >= wanted && mean(group).is_some());
    complete.reduce(|best, other| match (mean(&best), mean(&other)) {
        (Some(a), Some(b)) if direction.is_better(b, a) => other,
        _ => best,
    })
}
