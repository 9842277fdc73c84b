//! Python's `==` and `<` on values; whole numbers and floats are compared exactly.

use std::cmp::Ordering;

use super::arithmetic::{Number, number_of};
use super::error::Problem;
use crate::value::Value;

/// Deeper values than any text can write are not compared, so that the stack is safe.
const MAX_VALUE_DEPTH: usize = 64;

/// Whether two values are equal as Python has it: `1 == 1.0 == True`, a list is no tuple.
pub(super) fn equal(left: &Value, right: &Value) -> Result<bool, Problem> {
    equal_within(left, right, MAX_VALUE_DEPTH)
}

fn equal_within(left: &Value, right: &Value, depth: usize) -> Result<bool, Problem> {
    let depth = depth.checked_sub(1).ok_or(Problem::TooDeep {
        limit: MAX_VALUE_DEPTH,
    })?;
    Ok(match (left, right) {
        (Value::None, Value::None) => true,
        (Value::Text(left), Value::Text(right)) => left == right,
        (Value::List(left), Value::List(right)) | (Value::Tuple(left), Value::Tuple(right)) => {
            left.len() == right.len() && first_difference(left, right, depth)?.is_none()
        }
        (Value::Dict(left), Value::Dict(right)) => {
            left.len() == right.len() && all_pairs_in(left, right, depth)?
        }
        _ => match (number_of(left), number_of(right)) {
            (Some(left), Some(right)) => order_numbers(left, right) == Some(Ordering::Equal),
            _ => false,
        },
    })
}

fn first_difference<'a>(
    left: &'a [Value],
    right: &'a [Value],
    depth: usize,
) -> Result<Option<(&'a Value, &'a Value)>, Problem> {
    for (left, right) in left.iter().zip(right) {
        if !equal_within(left, right, depth)? {
            return Ok(Some((left, right)));
        }
    }
    Ok(None)
}

fn all_pairs_in(
    left: &[(Value, Value)],
    right: &[(Value, Value)],
    depth: usize,
) -> Result<bool, Problem> {
    'pairs: for (key, value) in left {
        for (other_key, other) in right {
            if equal_within(key, other_key, depth)? && equal_within(value, other, depth)? {
                continue 'pairs;
            }
        }
        return Ok(false);
    }
    Ok(true)
}

/// How two values are ordered; `None` if a NaN is among them. `symbol` is for the error that
/// they have no order.
pub(super) fn order(
    left: &Value,
    right: &Value,
    symbol: &'static str,
) -> Result<Option<Ordering>, Problem> {
    order_within(left, right, symbol, MAX_VALUE_DEPTH)
}

fn order_within(
    left: &Value,
    right: &Value,
    symbol: &'static str,
    depth: usize,
) -> Result<Option<Ordering>, Problem> {
    let depth = depth.checked_sub(1).ok_or(Problem::TooDeep {
        limit: MAX_VALUE_DEPTH,
    })?;
    match (left, right) {
        // Bytes of UTF-8 are ordered as the characters are.
        (Value::Text(left), Value::Text(right)) => Ok(Some(left.cmp(right))),
        (Value::List(left), Value::List(right)) | (Value::Tuple(left), Value::Tuple(right)) => {
            match first_difference(left, right, depth)? {
                Some((left, right)) => order_within(left, right, symbol, depth),
                None => Ok(Some(left.len().cmp(&right.len()))),
            }
        }
        _ => {
            if let (Some(left), Some(right)) = (number_of(left), number_of(right)) {
                return Ok(order_numbers(left, right));
            }
            let (left, right) = (left.type_name(), right.type_name());
            Err(Problem::Operands {
                operator: symbol,
                left,
                right,
                hint: "",
            })
        }
    }
}

fn order_numbers(left: Number, right: Number) -> Option<Ordering> {
    match (left, right) {
        (Number::Int(left), Number::Int(right)) => Some(left.cmp(&right)),
        (Number::Float(left), Number::Float(right)) => left.partial_cmp(&right),
        (Number::Int(left), Number::Float(right)) => order_mixed(left, right),
        (Number::Float(left), Number::Int(right)) => {
            order_mixed(right, left).map(Ordering::reverse)
        }
    }
}

/// Compares without rounding the whole number to a float.
fn order_mixed(left: i64, right: f64) -> Option<Ordering> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if right.is_nan() {
        return None;
    }
    if right >= LIMIT {
        return Some(Ordering::Less);
    }
    if right < -LIMIT {
        return Some(Ordering::Greater);
    }
    let whole = libm::trunc(right);
    let fraction = right - whole;
    left.cmp(&(whole as i64))
        .then(0.0.partial_cmp(&fraction)?)
        .into()
}
