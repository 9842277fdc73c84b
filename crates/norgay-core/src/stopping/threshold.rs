//! Limits to what a trial may report.

use serde::{Deserialize, Serialize};

use super::Situation;

/// Stops a trial that reports NaN or a value outside the given limits.
///
/// O(1) a verdict.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ThresholdRule {
    /// Steps that a trial is left alone.
    pub min_iterations: u64,
    /// Values below this one end it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lower: Option<f64>,
    /// Values above this one end it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upper: Option<f64>,
}

impl ThresholdRule {
    pub(super) fn verdict(&self, situation: &Situation<'_>) -> Option<String> {
        let mut latest = situation.trial.measurements.iter().rev();
        let (step, value) = latest.find_map(|m| Some((m.step, m.objective?)))?;
        if step < self.min_iterations {
            return None;
        }
        if value.is_nan() {
            return Some(format!("not a number at step {step}"));
        }
        if let Some(lower) = self.lower.filter(|lower| value < *lower) {
            return Some(format!("{value} at step {step} is below the limit {lower}"));
        }
        let upper = self.upper.filter(|upper| value > *upper)?;
        Some(format!("{value} at step {step} is above the limit {upper}"))
    }
}
