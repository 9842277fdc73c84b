//! Early stopping of a trial that no longer improves.

use serde::{Deserialize, Serialize};

use super::Situation;

/// Stops a trial whose best value has not improved by more than `min_delta` for `patience` steps.
///
/// Source: early stopping by patience, as in Prechelt, "Early Stopping - But When?" (1998).
/// O(measurements) a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PatienceRule {
    /// Steps that a trial is left alone.
    pub min_iterations: u64,
    /// Steps without an improvement that are enough.
    pub patience: u64,
    /// What does not count as an improvement.
    pub min_delta: f64,
}

impl Default for PatienceRule {
    fn default() -> Self {
        Self {
            min_iterations: 0,
            patience: 10,
            min_delta: 0.0,
        }
    }
}

impl PatienceRule {
    pub(super) fn verdict(&self, situation: &Situation<'_>) -> Option<String> {
        let last = situation.trial.last_step()?;
        let measurements = &situation.trial.measurements;
        let (mut improved, mut best) = (measurements.first()?.step, f64::INFINITY);
        for measurement in measurements {
            let value = measurement.objective.filter(|value| !value.is_nan());
            let value = value.map_or(f64::INFINITY, |value| situation.minimized(value));
            // An improvement upon nothing is one, however small.
            if value < best - self.min_delta || (best == f64::INFINITY && value < best) {
                (improved, best) = (measurement.step, value);
            }
        }
        let idle = last - improved;
        (last >= self.min_iterations && idle >= self.patience.max(1))
            .then(|| format!("no improvement for {idle} steps, since step {improved}"))
    }
}
