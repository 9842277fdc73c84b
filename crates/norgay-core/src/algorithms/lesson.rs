//! What a model-based algorithm learns from one trial.

use crate::definition::Direction;
use crate::trial::{FailureCause, Trial, TrialState};

/// What a trial teaches about its configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Lesson {
    /// Its value, in the sense of minimization; always finite.
    Value(f64),
    /// The configuration does not work: it failed by its own fault, or gave no finite value.
    Failure,
    /// Not known yet: queued or running.
    Pending,
    /// Nothing: it was cancelled, or lost through no fault of its own.
    Nothing,
}

impl Lesson {
    /// What `trial` teaches; a pruned trial counts with the value that it reached.
    pub(crate) fn of(trial: &Trial, direction: Direction) -> Self {
        match trial.state {
            TrialState::Queued | TrialState::Running => Self::Pending,
            TrialState::Completed | TrialState::Pruned => match trial.value {
                Some(value) if value.is_finite() => Self::Value(minimized(value, direction)),
                _ => Self::Failure,
            },
            TrialState::Failed => match trial.cause {
                // The machine's fault, not the configuration's.
                Some(FailureCause::PreEmpted | FailureCause::Lost | FailureCause::ClusterError)
                | None => Self::Nothing,
                Some(_) => Self::Failure,
            },
            TrialState::Cancelled => Self::Nothing,
        }
    }
}

/// A value in the sense of minimization.
pub(crate) fn minimized(value: f64, direction: Direction) -> f64 {
    match direction {
        Direction::Minimize => value,
        Direction::Maximize => -value,
    }
}
