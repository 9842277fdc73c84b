//! The events that make up a study's log: the truth from which everything else is derived.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::configuration::Configuration;
use crate::definition::StudyDefinition;
use crate::trial::{AttemptEnd, Metrics, Origin, StopCause, TrialState};
use crate::value::Value;

/// An event and when it happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Position in the study's log, from 1 without gaps.
    pub sequence: u64,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// What happened.
    pub event: Event,
}

/// Why a study took no more trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The budget of trials is used up.
    Trials,
    /// The algorithm has nothing more to suggest.
    Exhausted,
    /// The budget of time is used up.
    WallTime,
    /// The target was reached.
    Target,
    /// More trials failed than allowed.
    TooManyFailed,
    /// Too many trials in a row failed by their own fault.
    FailedInARow,
    /// So many trials as the budget's patience brought no improvement.
    Patience,
    /// A user cancelled the study.
    Cancelled,
}

impl FinishReason {
    /// The reason in words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Trials => "all trials of the budget are done",
            Self::Exhausted => "the algorithm has no further suggestion",
            Self::WallTime => "the time of the budget is used up",
            Self::Target => "the target value was reached",
            Self::TooManyFailed => "more trials failed than allowed",
            Self::FailedInARow => "too many trials in a row failed",
            Self::Patience => "the last trials brought no improvement worth going on for",
            Self::Cancelled => "the study was cancelled",
        }
    }
}

/// One thing that happened in a study. Stored for ever: fields are only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The study began; always the first event.
    StudyCreated {
        /// What it is about.
        definition: Box<StudyDefinition>,
        /// How its trials are run; the engine's business.
        execution: Box<serde_json::Value>,
    },
    /// Budget, rules or the way of running trials changed.
    StudyRevised {
        /// The definition from now on; the space and objective are those of before.
        definition: Box<StudyDefinition>,
        /// How its trials are run from now on.
        execution: Box<serde_json::Value>,
    },
    /// A trial got its number and configuration.
    TrialCreated {
        /// The number, one more than the last.
        trial: u64,
        /// The values of its parameters.
        configuration: Configuration,
        /// Who thought of it.
        origin: Origin,
        /// Why it was chosen.
        reason: Arc<str>,
        /// What the algorithm noted for itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        memo: Option<Box<Value>>,
    },
    /// An attempt is about to run: written before anything is started.
    AttemptStarted {
        /// The trial.
        trial: u64,
        /// The attempt, one more than the trial's last.
        attempt: u32,
        /// Scheduler that runs it.
        scheduler: Arc<str>,
        /// Longest silence of an attempt that nobody watches, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lease_ms: Option<u64>,
    },
    /// An attempt reported metrics.
    Measured {
        /// The trial.
        trial: u64,
        /// The attempt.
        attempt: u32,
        /// The step.
        step: u64,
        /// Metrics by name.
        #[serde(with = "metrics_map")]
        metrics: Metrics,
    },
    /// A running attempt is to stop.
    StopRequested {
        /// The trial.
        trial: u64,
        /// The attempt.
        attempt: u32,
        /// Why.
        cause: StopCause,
        /// Why, in words.
        reason: Arc<str>,
    },
    /// An attempt ended.
    AttemptEnded {
        /// The trial.
        trial: u64,
        /// The attempt.
        attempt: u32,
        /// How.
        end: AttemptEnd,
        /// What becomes of the trial: queued again, or final.
        state: TrialState,
        /// What went wrong, in words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<Box<str>>,
    },
    /// A user put a finished trial into the queue again.
    TrialRequeued {
        /// The trial.
        trial: u64,
    },
    /// A queued trial was cancelled.
    TrialCancelled {
        /// The trial.
        trial: u64,
    },
    /// No trial is to be started until the study is resumed.
    StudyPaused,
    /// Trials may be started again.
    StudyResumed,
    /// No further trial will be started.
    StudyFinished {
        /// Why.
        reason: FinishReason,
    },
}

/// Metrics as a JSON object, in order.
mod metrics_map {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::configuration::Configuration;
    use crate::trial::Metrics;

    pub(super) fn serialize<S: Serializer>(metrics: &Metrics, to: S) -> Result<S::Ok, S::Error> {
        Configuration::new(metrics.clone()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Metrics, D::Error> {
        Configuration::deserialize(from).map(|map| map.entries().to_vec())
    }
}
