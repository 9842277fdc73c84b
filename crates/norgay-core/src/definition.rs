//! What a study is about: its space, objective, algorithm, budget and rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::space::Space;
use crate::stopping::StoppingRule;
use crate::trial::FailureCause;
use crate::value::Value;

/// Whether small or large values are sought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Lower is better.
    #[default]
    Minimize,
    /// Higher is better.
    Maximize,
}

impl Direction {
    /// The word for it, the same everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minimize => "minimize",
            Self::Maximize => "maximize",
        }
    }

    /// Whether lower is better.
    pub fn lower_is_better(self) -> bool {
        self == Self::Minimize
    }

    /// A value in the sense of minimization.
    pub fn minimized(self, value: f64) -> f64 {
        match self {
            Self::Minimize => value,
            Self::Maximize => -value,
        }
    }

    /// Whether `value` is strictly better than `other`; NaN never is.
    pub fn is_better(self, value: f64, other: f64) -> bool {
        match self {
            Self::Minimize => value < other,
            Self::Maximize => value > other,
        }
    }
}

/// Which of a trial's measurements gives its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueOf {
    /// The best one, as in the reference.
    #[default]
    Best,
    /// The last one.
    Last,
}

/// What is to be optimized.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// Name of the metric.
    pub name: Arc<str>,
    /// Whether small or large values are sought.
    #[serde(default)]
    pub direction: Direction,
    /// Which measurement counts.
    #[serde(default)]
    pub value: ValueOf,
}

/// A limit for a metric other than an objective: trials beyond it are infeasible.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeConstraint {
    /// Name of the metric.
    pub metric: Arc<str>,
    /// The values that it may have.
    #[serde(flatten)]
    pub limit: Limit,
}

/// The end of the values that a metric may have; a finite number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
}

impl OutcomeConstraint {
    /// How far a value lies beyond the limit; at most 0 if the constraint holds.
    pub fn excess(&self, value: f64) -> f64 {
        match self.limit {
            Limit::AtMost(most) => value - most,
            Limit::AtLeast(least) => least - value,
        }
    }

    /// What violations of this constraint are counted in: the limit's size, or 1 if it is 0.
    pub fn unit(&self) -> f64 {
        let (Limit::AtMost(limit) | Limit::AtLeast(limit)) = self.limit;
        if limit == 0.0 { 1.0 } else { limit.abs() }
    }
}

impl std::fmt::Display for OutcomeConstraint {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.limit {
            Limit::AtMost(most) => write!(to, "{} <= {most}", self.metric),
            Limit::AtLeast(least) => write!(to, "{} >= {least}", self.metric),
        }
    }
}

/// An algorithm's name and arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlgorithmChoice {
    /// Name in the registry.
    pub name: String,
    /// Arguments by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<(String, Value)>,
}

/// When a study ends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// Number of trials ever started, cancelled ones aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trials: Option<u64>,
    /// Time during which at least one trial ran, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_time_ms: Option<u64>,
    /// A value of the (first) objective that is good enough, if the outcome constraints hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<f64>,
    /// More failed trials than this end the study.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_failed: Option<u64>,
    /// So many user errors or missing metrics in a row end the study; 0 means never.
    pub max_failed_in_a_row: u64,
    /// So many trials in a row that do not improve on the best end the study.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<u64>,
    /// What is no more than this counts as no improvement of the (only) objective.
    #[serde(skip_serializing_if = "is_zero")]
    pub min_improvement: f64,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

impl Budget {
    /// The default of [`Budget::max_failed_in_a_row`].
    pub const DEFAULT_FAILED_IN_A_ROW: u64 = 10;
}

/// How often an attempt that failed is tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Retries by cause of failure; causes not listed get none.
    pub retries: BTreeMap<FailureCause, u32>,
}

impl Default for RetryPolicy {
    /// Pre-empted, lost and cluster errors are not the trial's fault and are tried again.
    fn default() -> Self {
        let retries = [
            (FailureCause::PreEmpted, 20),
            (FailureCause::Lost, 5),
            (FailureCause::ClusterError, 3),
        ];
        Self {
            retries: retries.into(),
        }
    }
}

impl RetryPolicy {
    /// The default, and `retries` for whatever the trial itself did wrong (`resubmit_failed_trials`).
    pub fn resubmitting(retries: u32) -> Self {
        use FailureCause::{NoMetric, OutOfMemory, TimedOut, UserError};
        let mut policy = Self::default();
        policy
            .retries
            .extend([NoMetric, OutOfMemory, TimedOut, UserError].map(|c| (c, retries)));
        policy
    }

    /// Retries granted after this cause.
    pub fn of(&self, cause: FailureCause) -> u32 {
        self.retries.get(&cause).copied().unwrap_or(0)
    }
}

/// Everything that the state machine and the algorithms have to know of a study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyDefinition {
    /// The search space.
    pub space: Space,
    /// The objective; of several the first.
    pub objective: Objective,
    /// The objectives after the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_objectives: Vec<Objective>,
    /// Limits for other metrics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcome_constraints: Vec<OutcomeConstraint>,
    /// The algorithm.
    pub algorithm: AlgorithmChoice,
    /// Seed of all random streams.
    pub seed: u64,
    /// When the study ends.
    #[serde(default)]
    pub budget: Budget,
    /// Retries by cause.
    #[serde(default)]
    pub retry: RetryPolicy,
    /// Rule that ends unpromising trials early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopping_rule: Option<StoppingRule>,
}

impl StudyDefinition {
    /// All objectives in order.
    pub fn objectives(&self) -> impl Iterator<Item = &Objective> {
        std::iter::once(&self.objective).chain(&self.more_objectives)
    }

    /// Whether there is more to a trial than one value.
    pub fn has_outcomes(&self) -> bool {
        !(self.more_objectives.is_empty() && self.outcome_constraints.is_empty())
    }
}
