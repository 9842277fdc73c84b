//! What can be wrong with a metrics file.

use norgay_core::Place;

/// A metrics file gives no value of the objective.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MetricsError {
    /// Nothing is in it.
    #[error("the metrics file is empty; it must hold one JSON object such as {{\"loss\": 0.5}}")]
    Empty,
    /// It is too large to be one.
    #[error("the metrics file has {bytes} bytes; at most {limit} are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// It is not text in UTF-8.
    #[error("the metrics file is not UTF-8 text: {problem}")]
    NotText {
        /// What was found, and where.
        problem: String,
    },
    /// It is not JSON.
    #[error("the metrics file is not JSON: {place}: {problem}")]
    NotJson {
        /// Where the mistake is.
        place: Place,
        /// What is wrong there.
        problem: String,
    },
    /// It is JSON, but no object.
    #[error(
        "the metrics file holds {found}; it must hold one JSON object such as {{\"loss\": 0.5}}"
    )]
    NotAnObject {
        /// What it holds.
        found: String,
    },
    /// A result that has no metrics.
    #[error(
        "the result has no 'metrics'; it must hold {{\"trial\": 1, \"attempt\": 1, \
         \"metrics\": {{\"loss\": 0.5}}}}"
    )]
    NoMetrics,
    /// The result of another attempt.
    #[error("the result is another's: its {what} is {found}, not {expected}")]
    OfAnother {
        /// `trial` or `attempt`.
        what: &'static str,
        /// This one.
        expected: u64,
        /// What the file says.
        found: String,
    },
    /// The objective is not in it.
    #[error("the metrics file has no '{objective}', the objective; it has {keys}")]
    NoObjective {
        /// Name of the objective.
        objective: String,
        /// The keys that it has.
        keys: String,
    },
    /// The objective is there, but no number.
    #[error("the objective '{objective}' is {found}, not a number{hint}")]
    NotANumber {
        /// Name of the objective.
        objective: String,
        /// What it is.
        found: String,
        /// What to do about it; empty if there is nothing to say.
        hint: &'static str,
    },
    /// The objective is not a number in the other sense.
    #[error("the objective '{objective}' is NaN: the trial computed no usable value")]
    Nan {
        /// Name of the objective.
        objective: String,
    },
}
