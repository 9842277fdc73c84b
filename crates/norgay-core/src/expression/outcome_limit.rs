//! Limits of metrics, such as `memory_gb <= 8`.

use super::MAX_TEXT_BYTES;
use super::error::{ExpressionError, Problem};
use super::parser::parse_one;
use super::syntax::{Expression, Kind, Relation, Tree};
use super::text_literal::Escapes;
use crate::definition::{Limit, OutcomeConstraint};
use crate::node::Place;
use crate::value::Value;

/// Parses a metric and its limit, in either order: `memory_gb <= 8` or `0.9 <= accuracy`.
///
/// A metric whose name is no identifier is written `tp['name']`, as in other expressions.
///
/// # Errors
/// The text is anything else.
pub fn parse_outcome_constraint(text: &str) -> Result<OutcomeConstraint, ExpressionError> {
    let tree = parse_one(text, MAX_TEXT_BYTES, Escapes::Python)?;
    let Kind::Comparison { first, rest } = &tree.root.kind else {
        return Err(no_limit(tree.root.place, "something else"));
    };
    let [step] = rest.as_slice() else {
        return Err(no_limit(tree.root.place, "more than one comparison"));
    };
    let reversed = match step.operator {
        Relation::LessOrEqual => false,
        Relation::GreaterOrEqual => true,
        other => {
            let found = format!("'{}'", other.symbol());
            return Err(unexpected(step.place, "<= or >=", found));
        }
    };
    match (metric(&tree, first), number(&step.operand)) {
        (Some(metric), Some(bound)) => Ok(limited(metric, reversed, bound)),
        _ => match (number(first), metric(&tree, &step.operand)) {
            (Some(bound), Some(metric)) => Ok(limited(metric, !reversed, bound)),
            _ => Err(no_limit(tree.root.place, "another comparison")),
        },
    }
}

fn limited(metric: std::sync::Arc<str>, at_least: bool, bound: f64) -> OutcomeConstraint {
    let limit = if at_least {
        Limit::AtLeast(bound)
    } else {
        Limit::AtMost(bound)
    };
    OutcomeConstraint { metric, limit }
}

fn metric(tree: &Tree, expression: &Expression) -> Option<std::sync::Arc<str>> {
    let Kind::Parameter(parameter) = &expression.kind else {
        return None;
    };
    let named = tree.parameters.get(parameter.slot)?;
    Some(named.0.clone())
}

/// A finite number, maybe with signs.
fn number(expression: &Expression) -> Option<f64> {
    let value = match &expression.kind {
        Kind::Constant(Value::Int(number)) => *number as f64,
        Kind::Constant(Value::Float(number)) => *number,
        Kind::Sign { minus, operand } => {
            let number = number(operand)?;
            if *minus { -number } else { number }
        }
        _ => return None,
    };
    value.is_finite().then_some(value)
}

fn no_limit(place: Place, found: &str) -> ExpressionError {
    let expected = "a metric and its limit, such as memory_gb <= 8";
    unexpected(place, expected, found.to_string())
}

fn unexpected(place: Place, expected: &str, found: String) -> ExpressionError {
    let expected = expected.to_string();
    ExpressionError {
        place,
        problem: Problem::Unexpected { expected, found },
    }
}

#[cfg(test)]
mod tests {
    use super::parse_outcome_constraint as parse;

    #[test]
    fn a_limit_is_a_metric_and_a_number_in_either_order() {
        for (text, shown) in [
            ("memory_gb <= 8", "memory_gb <= 8"),
            ("accuracy >= 0.9", "accuracy >= 0.9"),
            ("0.9 <= accuracy", "accuracy >= 0.9"),
            ("-1e3 >= loss", "loss <= -1000"),
            ("tp['val/loss'] <= +2", "val/loss <= 2"),
        ] {
            let found = parse(text).map(|constraint| constraint.to_string());
            assert_eq!(found.as_deref(), Ok(shown), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_at_its_place() {
        for (text, message) in [
            ("a < 8", "column 3: expected <= or >=, found '<'"),
            ("a <= b", "expected a metric and its limit"),
            ("1 <= a <= 2", "found more than one comparison"),
            ("a", "found something else"),
            ("a <= 8 and b <= 2", "found something else"),
            ("a <= 1e999", ""),
            ("a <=", ""),
            ("", ""),
        ] {
            let error = parse(text).map_err(|error| error.to_string());
            let found = error.err().unwrap_or_default();
            assert!(
                !found.is_empty() && found.contains(message),
                "{text}: {found}"
            );
        }
    }
}
