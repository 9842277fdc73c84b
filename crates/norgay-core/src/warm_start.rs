//! What one study can take over from another, whose space may be a different one.
//!
//! Trying the best configurations of related tasks first is the most robust kind of transfer
//! (Wistuba, Schilling and Schmidt-Thieme, "Sequential model-free hyperparameter tuning", ICDM
//! 2015): where the tasks are unlike, it costs a few trials and nothing else.

use crate::configuration::Configuration;
use crate::space::{Domain, Space};
use crate::study::Study;
use crate::trial::TrialState;
use crate::value::Value;

/// Configurations that are closer in all parameters, in parts of their ranges, are alike.
const CLOSE: f64 = 0.05;

/// The best configurations of another study, fitted to a space: at most `count`, none like another.
///
/// A parameter that the other study had keeps its value, or the nearest one that this space
/// allows; others get the middle of their range. Configurations that share no parameter with the
/// space, or that break its constraints, are left out. O(n (log n + count)) for n
/// trials of the other study.
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
    let mut taken: Vec<Configuration> = Vec::new();
    for (_, trial) in finished {
        let Some(configuration) = fitted(space, &trial.configuration) else {
            continue;
        };
        let is_new = |other: &Configuration| are_apart(space, other, &configuration);
        if taken.len() < count && taken.iter().all(is_new) {
            taken.push(configuration);
        }
    }
    taken
}

/// Whether two configurations differ enough to be worth a trial each.
fn are_apart(space: &Space, a: &Configuration, b: &Configuration) -> bool {
    let pairs = space.places(a).into_iter().zip(space.places(b));
    pairs.into_iter().any(|pair| match pair {
        (Some(a), Some(b)) => (a - b).abs() > CLOSE,
        (None, None) => false,
        _ => true,
    })
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
