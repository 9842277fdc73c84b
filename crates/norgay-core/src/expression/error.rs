//! What can be wrong with an expression, and where.

use std::fmt::Write;
use std::sync::Arc;

use thiserror::Error;

use crate::node::Place;

/// A mistake in an expression with the place where it is.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{place}: {problem}")]
pub struct ExpressionError {
    /// Where the mistake is.
    pub place: Place,
    /// What is wrong, and what would be right.
    pub problem: Problem,
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Problem {
    /// The text is longer than allowed.
    #[error("the text has {length} bytes, and at most {limit} are allowed")]
    TextTooLong {
        /// Bytes of the text.
        length: usize,
        /// The most that are allowed.
        limit: usize,
    },
    /// Brackets, signs or `not` nest deeper than allowed.
    #[error("this is nested more than {limit} levels deep")]
    TooDeep {
        /// The most levels that are allowed.
        limit: usize,
    },
    /// The result, or a text made on the way to it, is longer than allowed.
    #[error("the result would have more than {limit} bytes")]
    ResultTooLong {
        /// The most bytes that are allowed.
        limit: usize,
    },
    /// A character that begins nothing.
    #[error("the character {character:?} cannot stand here{hint}")]
    Character {
        /// The character.
        character: char,
        /// What would be right, if that is known: empty or text that begins with a semicolon.
        hint: &'static str,
    },
    /// A text that is never closed.
    #[error("the text that starts here is not closed; expected {quote} at its end")]
    UnclosedText {
        /// The quotes that would close it.
        quote: String,
    },
    /// An escape in a text that means nothing.
    #[error("the escape {escape} is not valid: {why}")]
    Escape {
        /// The escape as written.
        escape: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A number that cannot be read.
    #[error("'{text}' is not a valid number: {why}")]
    Number {
        /// The number as written, shortened if long.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Something else was expected here.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What could stand here.
        expected: String,
        /// What stands here.
        found: String,
    },
    /// Python would understand it, but it is not allowed here.
    #[error("{construct} is not allowed here; {instead}")]
    Refused {
        /// What is refused.
        construct: String,
        /// What can be written instead.
        instead: String,
    },
    /// A name that stands for nothing.
    #[error("the name '{name}' is unknown here; {instead}")]
    UnknownName {
        /// The name.
        name: String,
        /// What can be written instead.
        instead: String,
    },
    /// A parameter that the trial does not have.
    #[error("tp has no key '{name}'{}", known_keys(nearest.as_deref(), known))]
    UnknownParameter {
        /// The key that was asked for.
        name: Arc<str>,
        /// The known key that is written most alike.
        nearest: Option<Arc<str>>,
        /// All known keys.
        known: Vec<Arc<str>>,
    },
    /// A function called with too few or too many arguments.
    #[error("{function}() takes {takes}, but {given} given here")]
    Arguments {
        /// The function.
        function: &'static str,
        /// How many arguments it takes.
        takes: &'static str,
        /// How many it was given, as a clause.
        given: String,
    },
    /// A function called with a value that it cannot take.
    #[error("{function}() cannot take {given}; it takes {takes}")]
    Argument {
        /// The function.
        function: &'static str,
        /// What it was given.
        given: String,
        /// What it can take.
        takes: &'static str,
    },
    /// An operator between values that it does not join.
    #[error("'{operator}' does not work on {left} and {right}{hint}")]
    Operands {
        /// The operator.
        operator: &'static str,
        /// The type on its left.
        left: &'static str,
        /// The type on its right.
        right: &'static str,
        /// What would be right: empty or text that begins with a semicolon.
        hint: &'static str,
    },
    /// A sign before something that is no number.
    #[error("the sign '{sign}' needs a number after it, not {operand}")]
    Sign {
        /// The sign.
        sign: char,
        /// The type of what follows it.
        operand: &'static str,
    },
    /// A division or remainder by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// A whole number that 64 bits cannot hold, or a float that is none.
    #[error("{what} does not fit in a whole number of 64 bits")]
    Overflow {
        /// What was computed.
        what: String,
    },
    /// A rounded float beyond the largest float.
    #[error("the rounded value is too large for a float")]
    FloatOverflow,
    /// A key of a dict that is no text, or cannot be a key at all.
    #[error("{given} cannot be a key of this dict; {takes}")]
    Key {
        /// The key.
        given: String,
        /// What can be a key.
        takes: &'static str,
    },
    /// A value where a truth value is needed.
    #[error("expected True or False, found {given}; write a comparison such as a < b")]
    NoTruth {
        /// What was found.
        given: String,
    },
}

impl Problem {
    /// This problem at a place.
    pub(super) fn at(self, place: Place) -> ExpressionError {
        ExpressionError {
            place,
            problem: self,
        }
    }

    pub(super) fn refused(construct: impl Into<String>, instead: impl Into<String>) -> Self {
        Self::Refused {
            construct: construct.into(),
            instead: instead.into(),
        }
    }
}

/// The most keys that an error lists.
const LISTED_KEYS: usize = 20;

fn known_keys(nearest: Option<&str>, known: &[Arc<str>]) -> String {
    let mut text = String::new();
    if let Some(nearest) = nearest {
        text.push_str("; did you mean '");
        text.push_str(nearest);
        text.push_str("'?");
    }
    if known.is_empty() {
        text.push_str("; it has no keys at all");
        return text;
    }
    let listed: Vec<String> = known
        .iter()
        .take(LISTED_KEYS)
        .map(|key| format!("'{}'", shortened(key)))
        .collect();
    text.push_str("; the known keys are ");
    text.push_str(&listed.join(", "));
    if known.len() > LISTED_KEYS {
        let _ = write!(text, " and {} more", known.len() - LISTED_KEYS);
    }
    text
}

/// The most characters of the user's text that an error repeats.
const SHOWN_CHARACTERS: usize = 40;

/// Text for an error: the start of it if it is long.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The candidate that is written most like `name`, if one is alike enough to be meant.
pub fn nearest(name: &str, candidates: &[Arc<str>]) -> Option<Arc<str>> {
    let wanted: Vec<char> = name.chars().take(SHOWN_CHARACTERS + 1).collect();
    if wanted.len() > SHOWN_CHARACTERS {
        return None;
    }
    let tolerated = (wanted.len() / 3).max(1);
    candidates
        .iter()
        .filter(|candidate| candidate.chars().count() <= SHOWN_CHARACTERS)
        .map(|candidate| (edit_distance(&wanted, candidate), candidate))
        .filter(|(distance, _)| *distance <= tolerated)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| Arc::clone(candidate))
}

/// How many characters must be changed, added, removed or swapped with their neighbour (optimal
/// string alignment), letters' case aside.
fn edit_distance(wanted: &[char], candidate: &str) -> usize {
    let same = |a: &char, b: &char| a.to_lowercase().eq(b.to_lowercase());
    let candidate: Vec<char> = candidate.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=wanted.len()).collect();
    for (index, character) in candidate.iter().enumerate() {
        let mut next = vec![index + 1];
        for (column, letter) in wanted.iter().enumerate() {
            let replaced = row[column] + usize::from(!same(letter, character));
            let mut cell = replaced.min(next[column] + 1).min(row[column + 1] + 1);
            let swapped = index > 0
                && column > 0
                && same(letter, &candidate[index - 1])
                && same(&wanted[column - 1], character);
            if swapped {
                cell = cell.min(before[column - 1] + 1);
            }
            next.push(cell);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}
