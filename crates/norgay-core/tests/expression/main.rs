//! Specification of the expressions that users write: what each dialect means and refuses.

#![allow(clippy::unwrap_used)]

mod laws;
mod limits;
mod literals;
mod parameter_text;
mod predicate;
mod python;
mod python_text;
mod random_text;

use std::sync::Arc;

use norgay_core::Value;
use norgay_core::expression::{ExpressionError, parse_parameter_text};
use norgay_core::python_text::repr_of;

type Parameters = Vec<(Arc<str>, Value)>;

/// The parameters that the parameter texts of this specification are evaluated with.
fn parameters() -> Parameters {
    let list = |items: &[i64]| {
        items
            .iter()
            .map(|item| Value::Int(*item))
            .collect::<Vec<_>>()
    };
    vec![
        ("batch_size".into(), Value::Int(16)),
        ("learning_rate".into(), Value::Float(1e-5)),
        ("units_1".into(), Value::Int(64)),
        ("units_2".into(), Value::Int(32)),
        ("dropout".into(), Value::Float(0.1)),
        ("patience".into(), Value::Int(10)),
        ("activation".into(), Value::text("relu")),
        ("resource".into(), Value::Int(3)),
        ("flag".into(), Value::Bool(true)),
        ("nothing".into(), Value::None),
        ("list".into(), Value::from(list(&[3, 1, 2]))),
        ("pair".into(), Value::Tuple(list(&[4, 5]).into())),
        ("quote".into(), Value::text("it's \"é\"\n")),
        ("nan".into(), Value::Float(f64::NAN)),
        ("largest".into(), Value::Int(i64::MAX)),
    ]
}

/// What a parameter text gives, in Python's `repr()`, or the error's text.
fn evaluated(text: &str) -> Result<String, ExpressionError> {
    let pairs = parse_parameter_text(text)?.evaluate(&parameters())?;
    let pairs: Vec<_> = pairs
        .into_iter()
        .map(|(key, value)| (Value::from(key), value))
        .collect();
    Ok(repr_of(&Value::Dict(pairs.into())))
}

/// What one expression gives as the value of a parameter text.
fn value(expression: &str) -> String {
    let result = evaluated(&format!("{{'a': {expression}}}"));
    let text = result.unwrap_or_else(|error| panic!("{expression}: {error}"));
    text["{'a': ".len()..text.len() - 1].to_owned()
}

/// The error that one expression gives as the value of a parameter text.
fn error(expression: &str) -> String {
    match evaluated(&format!("{{'a': {expression}}}")) {
        Ok(result) => panic!("{expression} gives {result}"),
        Err(error) => error.to_string(),
    }
}
