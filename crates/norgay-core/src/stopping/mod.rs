//! Rules that end unpromising trials early: one file a rule.
//!
//! A rule is a function of what the trials reported. It is asked whenever a running trial has
//! reported something; what it says is stored, so it is never asked about the past.

mod asha;
mod auto;
mod hyperband;
mod median;
mod patience;
mod rungs;
mod threshold;

pub use asha::AshaRule;
pub use auto::AutoRule;
pub use hyperband::HyperbandRule;
pub use median::MedianRule;
pub use patience::PatienceRule;
pub use threshold::ThresholdRule;

use serde::{Deserialize, Serialize};

use crate::definition::Direction;
use crate::trial::{StopCause, Trial, TrialState};

/// The choice of rules. Stored for ever: variants and fields are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum StoppingRule {
    /// Worse than the median of the others.
    Median(MedianRule),
    /// Asynchronous successive halving.
    Asha(AshaRule),
    /// Successive halving in several brackets.
    Hyperband(HyperbandRule),
    /// No improvement for a while.
    Patience(PatienceRule),
    /// Outside given limits.
    Threshold(ThresholdRule),
    /// Hardly a chance to become the best.
    Auto(AutoRule),
}

impl StoppingRule {
    /// Why the trial should stop, if it should.
    pub fn verdict(&self, situation: &Situation<'_>) -> Option<String> {
        match self {
            Self::Median(rule) => rule.verdict(situation),
            Self::Asha(rule) => rule.verdict(situation),
            Self::Hyperband(rule) => rule.verdict(situation),
            Self::Patience(rule) => rule.verdict(situation),
            Self::Threshold(rule) => rule.verdict(situation),
            Self::Auto(rule) => rule.verdict(situation),
        }
    }
}

/// What a rule judges by.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The running trial that is judged.
    pub trial: &'a Trial,
    /// All trials of the study, this one included.
    pub trials: &'a [Trial],
    /// Whether lower values are better.
    pub direction: Direction,
    /// The study's seed.
    pub seed: u64,
}

impl Situation<'_> {
    /// A trial's best value until a step in the sense of minimization, if there is one.
    fn best_until(&self, trial: &Trial, step: u64) -> Option<f64> {
        let best = trial.best_until(step, self.direction.lower_is_better());
        best.map(|best| self.minimized(best))
    }

    /// Whether no other trial has reported a value as good as the best of this one.
    fn is_incumbent(&self) -> bool {
        let Some(own) = self.best_until(self.trial, u64::MAX) else {
            return false;
        };
        let best = |other: &Trial| self.best_until(other, u64::MAX);
        self.others()
            .all(|other| best(other).is_none_or(|best| own < best))
    }

    /// All trials but the judged one.
    fn others(&self) -> impl Iterator<Item = &Trial> {
        let own = self.trial.number;
        self.trials.iter().filter(move |other| other.number != own)
    }

    /// The last step of the longest trial that was not cut, once one has ended.
    fn full_length(&self) -> Option<u64> {
        let whole = self
            .others()
            .filter(|other| other.state == TrialState::Completed && !is_cut(other));
        whole.filter_map(Trial::last_step).max()
    }

    /// A value in the sense of minimization, or such a one as the user knows it.
    fn minimized(&self, value: f64) -> f64 {
        if self.direction.lower_is_better() {
            value
        } else {
            -value
        }
    }
}

/// Whether a rule or a user ended the trial early; a script may have told its value all the same.
pub(crate) fn is_cut(trial: &Trial) -> bool {
    let stop = trial.last_attempt().and_then(|attempt| attempt.stop);
    let was_told = matches!(stop, Some(StopCause::Pruned | StopCause::Cancelled));
    trial.state == TrialState::Pruned || was_told
}
