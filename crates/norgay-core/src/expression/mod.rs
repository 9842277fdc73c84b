//! Expressions that users write, in Python's grammar, parsed and walked but never executed.
//!
//! One lexer and one parser serve four uses, told apart by the dialect that is checked on the
//! tree:
//!
//! | use | entry | may hold |
//! | --- | --- | --- |
//! | parameter text | [`parse_parameter_text`] | a dict with `tp['name']`, arithmetic, functions |
//! | literals | [`parse_literal`], [`parse_literal_row`] | values as Python or JSON write them |
//! | constraints | [`Predicate`] | comparisons and logic over parameters |
//! | outcome constraints | [`parse_outcome_constraint`] | a metric and its limit |
//!
//! Nothing here can loop, call out or name anything but parameters, so the work is linear in
//! the text; sizes and depths are limited before memory is spent.

mod arithmetic;
mod comparison;
mod cursor;
mod dialect;
mod dictionary;
mod error;
mod evaluation;
mod functions;
mod lexer;
mod literal;
mod number_literal;
mod outcome_limit;
mod parameter_text;
mod parser;
mod predicate;
mod refusal;
mod rounding;
mod syntax;
mod text_literal;

pub use error::{ExpressionError, Problem, nearest};
pub use literal::{parse_literal, parse_literal_row};
pub use outcome_limit::parse_outcome_constraint;
pub use parameter_text::{ParameterText, parse_parameter_text};
pub use predicate::Predicate;

/// The most bytes that a parameter text or a constraint may have.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;

/// The most bytes that a text of literals may have.
pub const MAX_LITERAL_BYTES: usize = 256 * 1024;

/// How deep brackets, signs and `not` may nest, all of them together.
pub const MAX_DEPTH: usize = 32;

/// The most bytes that Python's text form of a result may have.
pub const MAX_RESULT_BYTES: usize = 1024 * 1024;
