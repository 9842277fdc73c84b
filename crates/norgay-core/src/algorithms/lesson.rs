//! What a model-based algorithm learns from one trial.

use std::cmp::Ordering;

use crate::algorithm::View;
use crate::definition::Direction;
use crate::trial::{FailureCause, Trial, TrialState};

/// What a trial teaches about its configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Lesson<T = f64> {
    /// Its value, in the sense of minimization; always finite.
    Value(T),
    /// The configuration does not work: it failed by its own fault, or gave no finite value.
    Failure,
    /// Not known yet: queued or running.
    Pending,
    /// Nothing: it was cancelled, or lost through no fault of its own.
    Nothing,
}

/// All that was measured of a trial that ended with finite values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Values {
    /// The objectives in order, in the sense of minimization; all finite.
    pub objectives: Vec<f64>,
    /// The outcome constraints in order: each holds at 0 and below; NaN (or infinite) where its
    /// metric failed to give a finite number.
    pub constraints: Vec<f64>,
    /// How much the constraints are violated together; 0 if they hold or are none.
    pub violation: f64,
}

impl Lesson {
    /// What `trial` teaches; a pruned trial counts with the value that it reached.
    pub(crate) fn of(trial: &Trial, direction: Direction) -> Self {
        Lesson::from_trial(trial, || {
            let value = trial.value.filter(|value| value.is_finite())?;
            Some(direction.minimized(value))
        })
    }
}

impl Lesson<Values> {
    /// What `trial` teaches of all objectives and outcome constraints.
    pub(crate) fn all_of(trial: &Trial, view: &View<'_>) -> Self {
        Lesson::from_trial(trial, || {
            let values = trial.values().iter().zip(view.directions());
            let objectives: Vec<f64> = values
                .map(|(value, direction)| direction.minimized(*value))
                .collect();
            let complete = objectives.len() == view.objectives()
                && objectives.iter().all(|value| value.is_finite());
            complete.then(|| Values {
                objectives,
                constraints: trial.constraints().to_vec(),
                violation: trial.violation(),
            })
        })
    }
}

impl<T> Lesson<T> {
    fn from_trial(trial: &Trial, value: impl FnOnce() -> Option<T>) -> Self {
        match trial.state {
            TrialState::Queued | TrialState::Running => Self::Pending,
            TrialState::Completed | TrialState::Pruned => {
                value().map_or(Self::Failure, Self::Value)
            }
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

/// The order of two trials with these values: those that keep the outcome constraints first,
/// then by how much they break them (Deb, "An efficient constraint handling method for genetic
/// algorithms", 2000), then by value, then by number.
pub(crate) fn best_first(a: (f64, &Trial), b: (f64, &Trial)) -> Ordering {
    let by = |a: f64, b: f64| a.partial_cmp(&b).unwrap_or(Ordering::Equal);
    by(a.1.violation(), b.1.violation())
        .then(by(a.0, b.0))
        .then(a.1.number.cmp(&b.1.number))
}
