//! What an optimization algorithm is: a function from a study's history to the next trial.

use std::sync::Arc;

use crate::configuration::Configuration;
use crate::definition::{Direction, Objective, OutcomeConstraint};
use crate::space::{NoFeasibleSample, Space};
use crate::trial::{Origin, Trial};
use crate::value::Value;

/// Proposes configurations.
///
/// A suggestion is a function of the view alone. State in `self` may only be a cache of what the
/// view says: a new instance, given the same view, must suggest the same.
pub trait Algorithm: Send {
    /// Proposes the next trial.
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError>;

    /// The entries that it adds to configurations, some of
    /// [`BOOKKEEPING`](crate::configuration::BOOKKEEPING), with the values of a first trial.
    fn bookkeeping(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }
}

/// What an algorithm says when it is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Suggestion {
    /// Run this.
    Trial(Proposal),
    /// Nothing now: ask again when a running trial has ended.
    Wait,
    /// Nothing any more.
    Done,
}

/// A configuration to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// Values of all active parameters, and after them any bookkeeping entries.
    pub configuration: Configuration,
    /// Why this one, in words for the user.
    pub reason: Arc<str>,
    /// Notes of the algorithm for itself; [`Trials::memo`] finds them again.
    pub memo: Option<Value>,
}

/// An algorithm can't go on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AlgorithmError {
    /// The constraints leave nothing to sample.
    #[error(transparent)]
    NoFeasibleSample(#[from] NoFeasibleSample),
    /// An argument is wrong.
    #[error("algorithm {algorithm}, argument '{argument}': {message}")]
    Argument {
        /// The algorithm.
        algorithm: &'static str,
        /// The argument.
        argument: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// There is no such algorithm.
    #[error("there is no algorithm '{name}'; there are {known}")]
    Unknown {
        /// The name given.
        name: String,
        /// Names known.
        known: String,
    },
    /// The algorithm does not work with this study.
    #[error("algorithm {algorithm}: {message}")]
    Unsuitable {
        /// The algorithm.
        algorithm: &'static str,
        /// Why, and what would work.
        message: String,
    },
}

/// What an algorithm may know of a study.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The search space.
    pub space: &'a Space,
    /// Whether lower values are better; of several objectives, of the first.
    pub direction: Direction,
    /// The objectives after the first.
    pub more_objectives: &'a [Objective],
    /// Limits for other metrics.
    pub constraints: &'a [OutcomeConstraint],
    /// The study's seed.
    pub seed: u64,
    /// How many trials the study may have, if that is limited.
    pub budget: Option<u64>,
    /// The number that the suggested trial will get.
    pub next_number: u64,
    /// How many of the trials this algorithm suggested itself.
    pub suggested: u64,
    /// The trials so far, running and queued ones included.
    pub trials: Trials<'a>,
}

impl View<'_> {
    /// How many objectives there are.
    pub fn objectives(&self) -> usize {
        1 + self.more_objectives.len()
    }

    /// The directions of all objectives.
    pub fn directions(&self) -> impl Iterator<Item = Direction> {
        let more = self.more_objectives.iter();
        std::iter::once(self.direction).chain(more.map(|objective| objective.direction))
    }
}

/// The trials that an algorithm sees: all of a study, or those that a wrapper makes of them.
#[derive(Clone, Copy, Debug)]
pub struct Trials<'a> {
    all: &'a [Trial],
    /// How many wrappers stand between the algorithm and the study.
    depth: usize,
    /// Trials with lower numbers are not the algorithm's own, whoever suggested them.
    own_from: u64,
}

/// Where a wrapper's memo holds the memo of the algorithm inside.
pub(crate) const INNER_MEMO: &str = "memo";

impl<'a> Trials<'a> {
    /// All trials of the slice.
    pub fn all(trials: &'a [Trial]) -> Self {
        Self {
            all: trials,
            depth: 0,
            own_from: 0,
        }
    }

    /// Who thought of a trial, as the algorithm sees it: what other algorithms suggested before
    /// it was its turn is given to it.
    pub fn origin(&self, trial: &Trial) -> Origin {
        if trial.number < self.own_from {
            Origin::Enqueued
        } else {
            trial.origin
        }
    }

    /// What the algorithm that sees these trials noted on one of them.
    ///
    /// Inside a wrapper this is a part of the trial's memo.
    pub fn memo(&self, trial: &'a Trial) -> Option<&'a Value> {
        if trial.number < self.own_from {
            return None;
        }
        let whole = trial.memo.as_deref()?;
        (0..self.depth).try_fold(whole, |memo, _| memo.get(INNER_MEMO))
    }

    /// The same trials as the algorithm inside a wrapper sees them.
    pub(crate) fn inside(self) -> Self {
        Self {
            depth: self.depth + 1,
            ..self
        }
    }

    /// The same trials for an algorithm whose own ones begin at a number.
    pub(crate) fn own_from(self, number: u64) -> Self {
        Self {
            own_from: self.own_from.max(number),
            ..self
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The trial at a position, in the order of numbers.
    pub fn get(&self, position: usize) -> Option<&'a Trial> {
        self.all.get(position)
    }

    /// The trials in the order of their numbers.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &'a Trial> + use<'a> {
        self.all.iter()
    }
}
