//! What one study can take over from another, whose space may be a different one.
//!
//! Trying the best configurations of related tasks first is the most robust kind of transfer
//! (Wistuba, Schilling and Schmidt-Thieme, "Sequential model-free hyperparameter tuning", ICDM
//! 2015): where the tasks are unlike, it costs a few trials and nothing else.

use std::collections::HashSet;

use crate::configuration::Configuration;
use crate::space::{Domain, Space};
use crate::study::Study;
use crate::trial::TrialState;
use crate::value::Value;

/// The best configurations of another study, fitted to a space: at most `count` different ones.
///
/// A parameter that the other study had keeps its value, or the nearest one that this space
/// allows; others get the middle of their range. Configurations that share no parameter with the
/// space, or that break its constraints, are left out. O(n log n) for n trials of the other study.
pub fn fitted_best(space: &Space, other: &Study, count: usize) -> Vec<Configuration> {
    let direction = other.definition().objective.direction;
    let mut finished: Vec<_> = other
        .trials()
        .iter()
        .filter(|trial| trial.state == TrialState::Completed && trial.violation() == 0.0)
        .filter_map(|trial| Some((direction.minimized(trial.value?), trial)))
        .filter(|(value, _)| value.is_finite())
        .collect();
    finished.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.number.cmp(&b.1.number)));
    let mut known = HashSet::new();
    finished
        .iter()
        .filter_map(|(_, trial)| fitted(space, &trial.configuration))
        .filter(|configuration| known.insert(configuration.fingerprint()))
        .take(count)
        .collect()
}

/// A configuration of another space fitted to this one.
fn fitted(space: &Space, configuration: &Configuration) -> Option<Configuration> {
    let mut shared = false;
    let fitted = space.configure(|_, parameter| {
        let value = configuration.get(&parameter.name);
        match value.and_then(|value| nearest(&parameter.domain, value)) {
            Some(value) => {
                shared = true;
                value
            }
            None => parameter.domain.at(0.5),
        }
    });
    (shared && space.is_feasible(&fitted)).then_some(fitted)
}

fn nearest(domain: &Domain, value: &Value) -> Option<Value> {
    domain
        .normalised(value)
        .or_else(|| domain.nearest(value.as_f64()?))
}
