//! The parameter text: a dict that says what a trial is started with, given its parameters.

use std::sync::Arc;

use super::dialect::{check_parameter_text, described_value};
use super::error::{ExpressionError, Problem, nearest};
use super::evaluation::Evaluation;
use super::parser::parse_one;
use super::syntax::{Kind, Tree};
use super::text_literal::Escapes;
use super::{MAX_RESULT_BYTES, MAX_TEXT_BYTES};
use crate::node::Place;
use crate::python_text::repr_length_within;
use crate::value::Value;

/// A parameter text that has been parsed and checked, ready to be evaluated for each trial.
#[derive(Clone, Debug)]
pub struct ParameterText {
    tree: Arc<Tree>,
}

/// Parses a parameter text: one dict whose keys are text, in Python's grammar.
///
/// It may name the trial's parameters as `tp['name']`, call `str`, `int`, `float`, `round`,
/// `min` and `max`, compute with `+ - * / // %`, and join texts, lists and tuples with `+`.
pub fn parse_parameter_text(text: &str) -> Result<ParameterText, ExpressionError> {
    let tree = parse_one(text, MAX_TEXT_BYTES, Escapes::Python)?;
    check_parameter_text(&tree)?;
    Ok(ParameterText {
        tree: Arc::new(tree),
    })
}

impl ParameterText {
    /// The keys of `tp` that the text uses, each once, with the place of its first use.
    pub fn parameters_used(&self) -> &[(Arc<str>, Place)] {
        &self.tree.parameters
    }

    /// The text's value for the trial whose parameters are `tp`, in the order of the text.
    ///
    /// Of equal keys, in the text or in `tp`, the last one's value wins, as in Python.
    pub fn evaluate(
        &self,
        tp: &[(Arc<str>, Value)],
    ) -> Result<Vec<(String, Value)>, ExpressionError> {
        let slots = self.slots(tp)?;
        let root = &self.tree.root;
        let Kind::Dict(entries) = &root.kind else {
            return Ok(Vec::new());
        };
        let mut pairs = Vec::with_capacity(entries.len());
        for (key, value) in Evaluation::new(&slots).pairs(entries)? {
            let Value::Text(key) = key else {
                let takes = "its keys are text; write str(...) around it";
                return Err(Problem::Key {
                    given: described_value(&key),
                    takes,
                }
                .at(root.place));
            };
            pairs.push((key.as_ref().to_owned(), value));
        }
        check_length(&pairs, root.place)?;
        Ok(pairs)
    }

    /// The values of the parameters that the text uses.
    fn slots(&self, tp: &[(Arc<str>, Value)]) -> Result<Vec<Value>, ExpressionError> {
        let value_of = |(name, place): &(Arc<str>, Place)| {
            let found = tp.iter().rev().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone()).ok_or_else(|| {
                let known: Vec<Arc<str>> = tp.iter().map(|(known, _)| Arc::clone(known)).collect();
                let nearest = nearest(name, &known);
                Problem::UnknownParameter {
                    name: Arc::clone(name),
                    nearest,
                    known,
                }
                .at(*place)
            })
        };
        self.tree.parameters.iter().map(value_of).collect()
    }
}

/// Shared values take no memory until they are written, so the written length is what counts.
fn check_length(pairs: &[(String, Value)], place: Place) -> Result<(), ExpressionError> {
    let mut left = MAX_RESULT_BYTES;
    for (key, value) in pairs {
        let length = repr_length_within(value, left).map(|length| length + key.len());
        left = length
            .and_then(|length| left.checked_sub(length))
            .ok_or_else(|| {
                Problem::ResultTooLong {
                    limit: MAX_RESULT_BYTES,
                }
                .at(place)
            })?;
    }
    Ok(())
}
