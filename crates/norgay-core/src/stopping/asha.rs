//! Asynchronous successive halving as a stopping rule.

use serde::{Deserialize, Serialize};

use super::{Situation, rungs};

/// Stops a trial that is not among the best `1 / eta` of those that reached its rung; rungs are
/// at steps `min_iterations * eta^k`.
///
/// Source: Li et al., "A System for Massively Parallel Hyperparameter Tuning" (MLSys 2020), in
/// the form that stops instead of promoting. Corrected where that is known to cut too much: on a
/// rung that fewer than `eta` trials reached nobody is stopped, trials are ranked by their best
/// value so far, the best trial of all is never stopped, and when hardly any trial runs to its
/// end, one among the better half does. O(trials * log(steps)) a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AshaRule {
    /// Step of the first rung.
    pub min_iterations: u64,
    /// Factor between rungs; one of so many trials goes on.
    pub eta: u64,
}

impl Default for AshaRule {
    fn default() -> Self {
        Self {
            min_iterations: 1,
            eta: 3,
        }
    }
}

impl AshaRule {
    pub(super) fn verdict(&self, situation: &Situation<'_>) -> Option<String> {
        let step = situation.trial.last_step()?;
        let rung = rungs::reached(step, self.min_iterations, self.eta)?;
        if situation.full_length().is_some_and(|length| step >= length) {
            return None;
        }
        let standing = rungs::standing(situation, rung, |_| true);
        rungs::verdict(situation, rung, self.eta, &standing)
    }
}
