//! Trials, their attempts and their measurements.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::configuration::Configuration;
use crate::outcome::Outcome;
use crate::value::Value;

/// Metrics by name, in the order in which they were reported.
pub type Metrics = Vec<(Arc<str>, Value)>;

/// Where a trial stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialState {
    /// Waits for its first or next attempt.
    Queued,
    /// An attempt is under way.
    Running,
    /// Finished with a value.
    Completed,
    /// Ended early by a stopping rule.
    Pruned,
    /// Failed, and no retry is left.
    Failed,
    /// Cancelled by a user.
    Cancelled,
}

impl TrialState {
    /// All states.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Running,
        Self::Completed,
        Self::Pruned,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether nothing more will happen to the trial by itself.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// The word for it, the same everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Pruned => "pruned",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureCause {
    /// The machine was taken away, or the trial asked to be queued again.
    PreEmpted,
    /// It vanished without a trace.
    Lost,
    /// It ran past its time limit.
    TimedOut,
    /// It needed more memory than it may have.
    OutOfMemory,
    /// It declared its configuration infeasible.
    Infeasible,
    /// It ended well but left no usable value of the objective.
    NoMetric,
    /// Its program failed.
    UserError,
    /// The place where it was to run failed.
    ClusterError,
}

impl FailureCause {
    /// All causes.
    pub const ALL: [Self; 8] = [
        Self::PreEmpted,
        Self::Lost,
        Self::TimedOut,
        Self::OutOfMemory,
        Self::Infeasible,
        Self::NoMetric,
        Self::UserError,
        Self::ClusterError,
    ];

    /// The word for it, the same everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Self::PreEmpted => "pre-empted",
            Self::Lost => "lost",
            Self::TimedOut => "timed-out",
            Self::OutOfMemory => "out-of-memory",
            Self::Infeasible => "infeasible",
            Self::NoMetric => "no-metric",
            Self::UserError => "user-error",
            Self::ClusterError => "cluster-error",
        }
    }

    /// The cause of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.name() == name)
    }

    /// Whether an attempt with this end costs the trial nothing: it goes on where it was.
    pub fn is_free(self) -> bool {
        matches!(self, Self::PreEmpted | Self::Lost)
    }
}

/// Who thought of a trial's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The study's algorithm.
    Suggested,
    /// A user gave it.
    Enqueued,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptEnd {
    /// With a value.
    Completed,
    /// Stopped early by a rule.
    Pruned,
    /// Cancelled by a user.
    Cancelled,
    /// Failed.
    Failed(FailureCause),
}

impl AttemptEnd {
    /// The word for it, the same everywhere: of a failure its cause.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Pruned => "pruned",
            Self::Cancelled => "cancelled",
            Self::Failed(cause) => cause.name(),
        }
    }
}

/// Why a running attempt was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopCause {
    /// The stopping rule found it unpromising.
    Pruned,
    /// A user, or the end of the study.
    Cancelled,
    /// The engine is shutting down; the trial will be queued again.
    PreEmpted,
}

/// One try at running a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// When it started, Unix milliseconds.
    pub started_ms: i64,
    /// When it ended, Unix milliseconds.
    pub ended_ms: Option<i64>,
    /// The scheduler that runs it; `external` for ask and tell.
    pub scheduler: Arc<str>,
    /// How long the attempt may be silent before it counts as lost; `None`: its job is watched.
    pub lease_ms: Option<u64>,
    /// When it was last heard of, Unix milliseconds.
    pub heard_ms: i64,
    /// Whether it was asked to stop, and why.
    pub stop: Option<StopCause>,
    /// How it ended.
    pub end: Option<AttemptEnd>,
    /// What went wrong, in words.
    pub message: Option<Box<str>>,
}

/// Metrics of a trial at one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Step (iteration, epoch).
    pub step: u64,
    /// The attempt that measured it.
    pub attempt: u32,
    /// The objective's value here; NaN if it was reported as such, `None` if it was not.
    pub objective: Option<f64>,
    /// All metrics reported at this step, the objective included.
    pub metrics: Box<[(Arc<str>, Value)]>,
}

/// One configuration and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Number, from 1.
    pub number: u64,
    /// The parameters' values.
    pub configuration: Configuration,
    /// Who thought of it.
    pub origin: Origin,
    /// Why it was chosen, in words.
    pub reason: Arc<str>,
    /// What the algorithm noted for itself.
    pub memo: Option<Box<Value>>,
    /// When it was created, Unix milliseconds.
    pub created_ms: i64,
    /// Where it stands.
    pub state: TrialState,
    /// Why it failed, if it did.
    pub cause: Option<FailureCause>,
    /// The (first) objective's value, once completed or pruned.
    pub value: Option<f64>,
    /// The values of all objectives and outcome constraints, once completed or pruned; `None` in
    /// studies with one objective and no outcome constraint.
    pub outcome: Option<Box<Outcome>>,
    /// Attempts in order; attempt `k` is at `k - 1`.
    pub attempts: Vec<Attempt>,
    /// Measurements in the order of their steps.
    pub measurements: Vec<Measurement>,
}

impl Trial {
    /// Number of the latest attempt, 0 before the first.
    pub fn attempt(&self) -> u32 {
        self.attempts.len() as u32
    }

    /// The values of all objectives; empty before the trial has any.
    pub fn values(&self) -> &[f64] {
        match (&self.outcome, &self.value) {
            (Some(outcome), _) => &outcome.values,
            (None, Some(value)) => std::slice::from_ref(value),
            (None, None) => &[],
        }
    }

    /// How far each outcome constraint is from its limit: it holds at 0 and below; NaN where its
    /// metric was not measured.
    pub fn constraints(&self) -> &[f64] {
        self.outcome
            .as_ref()
            .map_or(&[], |outcome| &outcome.constraints)
    }

    /// How much the outcome constraints are violated together; 0 if they hold or are none.
    pub fn violation(&self) -> f64 {
        self.outcome
            .as_ref()
            .map_or(0.0, |outcome| outcome.violation)
    }

    /// The latest attempt.
    pub fn last_attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// The best objective among the measurements up to a step, NaN aside.
    pub fn best_until(&self, step: u64, lower_is_better: bool) -> Option<f64> {
        let reached = self.measurements.iter().take_while(|m| m.step <= step);
        let values = reached
            .filter_map(|m| m.objective)
            .filter(|value| !value.is_nan());
        values.reduce(|a, b| if (b < a) == lower_is_better { b } else { a })
    }

    /// The step of the last measurement.
    pub fn last_step(&self) -> Option<u64> {
        self.measurements.last().map(|measurement| measurement.step)
    }

    /// Time spent in attempts that ended, in milliseconds.
    pub fn run_time_ms(&self) -> i64 {
        let spans = self
            .attempts
            .iter()
            .filter_map(|a| a.ended_ms.map(|end| end - a.started_ms));
        spans.sum()
    }
}
