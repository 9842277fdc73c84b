//! What algorithms share that run other algorithms.

use crate::algorithm::{INNER_MEMO, Trials};
use crate::trial::{StopCause, Trial, TrialState};
use crate::value::Value;

/// The changing part of a trial in brief: while it stays the same, so does the trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stamp {
    state: TrialState,
    attempts: usize,
    measurements: usize,
    stop: Option<StopCause>,
}

impl Stamp {
    pub(super) fn of(trial: &Trial) -> Self {
        Self {
            state: trial.state,
            attempts: trial.attempts.len(),
            measurements: trial.measurements.len(),
            stop: trial.last_attempt().and_then(|attempt| attempt.stop),
        }
    }
}

/// The memo of a wrapper: its own notes, and below them those of the algorithm inside.
pub(super) fn memo(notes: &[(&str, u64)], inner: Option<Value>) -> Value {
    let own = notes
        .iter()
        .map(|(name, number)| (Value::from(*name), Value::Int(*number as i64)));
    let inner = inner.map(|inner| (Value::from(INNER_MEMO), inner));
    Value::Dict(own.chain(inner).collect())
}

/// A number that the wrapper noted on a trial of its view.
pub(super) fn note<'a>(trials: Trials<'a>, trial: &'a Trial, name: &str) -> Option<u64> {
    let number = trials.memo(trial)?.get(name)?.as_i64()?;
    u64::try_from(number).ok()
}

/// What the algorithm inside noted on a trial of the wrapper's view.
pub(super) fn inner_memo<'a>(trials: Trials<'a>, trial: &'a Trial) -> Option<&'a Value> {
    trials.inside().memo(trial)
}
