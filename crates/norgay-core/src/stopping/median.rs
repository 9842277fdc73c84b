//! The median rule.

use serde::{Deserialize, Serialize};

use crate::trial::TrialState;

use super::Situation;

/// Stops a trial whose best value so far is worse than the median of the other trials' best
/// values at the same step.
///
/// Source: the median stopping rule of Golovin et al., "Google Vizier" (KDD 2017), with best
/// values in place of running averages, as the reference has it. O(trials * log(steps)) a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MedianRule {
    /// Steps that a trial is left alone.
    pub min_iterations: u64,
    /// Other trials needed for a verdict.
    pub min_trials: usize,
    /// Compares with the others' best over their whole life, whatever their step, as the
    /// reference does.
    pub legacy: bool,
}

impl Default for MedianRule {
    fn default() -> Self {
        Self {
            min_iterations: 0,
            min_trials: 5,
            legacy: false,
        }
    }
}

impl MedianRule {
    pub(super) fn verdict(&self, situation: &Situation<'_>) -> Option<String> {
        let Situation { trial, trials, .. } = *situation;
        let lower_is_better = situation.direction.lower_is_better();
        let step = trial.last_step()?;
        if step < self.min_iterations {
            return None;
        }
        let Some(best) = trial.best_until(step, lower_is_better) else {
            let reported = trial.measurements.iter().any(|m| m.objective.is_some());
            return reported.then(|| format!("no finite value until step {step}"));
        };
        let needed = if self.legacy {
            self.min_iterations
        } else {
            step
        };
        let horizon = if self.legacy { u64::MAX } else { step };
        let mut others: Vec<f64> = trials
            .iter()
            .filter(|other| other.number != trial.number && other.state != TrialState::Queued)
            .filter(|other| other.last_step().is_some_and(|last| last >= needed))
            .filter_map(|other| other.best_until(horizon, lower_is_better))
            .collect();
        if others.is_empty() || others.len() < self.min_trials {
            return None;
        }
        let median = median(&mut others);
        let worse = if lower_is_better {
            best > median
        } else {
            best < median
        };
        worse.then(|| format!("{best} at step {step} is worse than the median {median}"))
    }
}

/// Median of at least one number, none of them NaN; the mean of the middle two if even.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}
