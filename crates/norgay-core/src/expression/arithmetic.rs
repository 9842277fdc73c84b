//! Python's arithmetic on whole numbers of 64 bits, floats, truth values, texts and lists.

use super::error::Problem;
use super::syntax::Operator;
use crate::value::Value;

/// A number of either kind; a truth value counts as 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}

pub(super) fn number_of(value: &Value) -> Option<Number> {
    match value {
        Value::Bool(truth) => Some(Number::Int(i64::from(*truth))),
        Value::Int(number) => Some(Number::Int(*number)),
        Value::Float(number) => Some(Number::Float(*number)),
        _ => None,
    }
}

/// A sign before a value.
pub(super) fn signed(minus: bool, operand: &Value) -> Result<Value, Problem> {
    match number_of(operand) {
        Some(Number::Int(number)) if minus => number
            .checked_neg()
            .map(Value::Int)
            .ok_or_else(|| overflow(format!("-({number})"))),
        Some(Number::Int(number)) => Ok(Value::Int(number)),
        Some(Number::Float(number)) => Ok(Value::Float(if minus { -number } else { number })),
        None => {
            let sign = if minus { '-' } else { '+' };
            Err(Problem::Sign {
                sign,
                operand: operand.type_name(),
            })
        }
    }
}

/// Two numbers joined by an operator; `None` if one of them is no number.
pub(super) fn computed(
    left: &Value,
    operator: Operator,
    right: &Value,
) -> Option<Result<Value, Problem>> {
    Some(match (number_of(left)?, number_of(right)?) {
        (Number::Int(left), Number::Int(right)) => on_ints(left, operator, right),
        (left, right) => on_floats(left.as_f64(), operator, right.as_f64()).map(Value::Float),
    })
}

fn on_ints(left: i64, operator: Operator, right: i64) -> Result<Value, Problem> {
    if right == 0 && is_division(operator) {
        return Err(Problem::DivisionByZero);
    }
    let result = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide => return Ok(Value::Float(quotient(left, right))),
        Operator::FloorDivide => left.checked_div_euclid(right).map(|quotient| {
            // Euclid's remainder is never negative; Python's has the sign of the divisor.
            if right < 0 && left.checked_rem_euclid(right) != Some(0) {
                quotient - 1
            } else {
                quotient
            }
        }),
        Operator::Remainder => left.checked_rem_euclid(right).map_or(Some(0), |remainder| {
            Some(if right < 0 && remainder != 0 {
                remainder + right
            } else {
                remainder
            })
        }),
    };
    result
        .map(Value::Int)
        .ok_or_else(|| overflow(format!("{left} {} {right}", operator.symbol())))
}

fn is_division(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Divide | Operator::FloorDivide | Operator::Remainder
    )
}

/// The float nearest to the exact quotient; dividing floats would round large numbers twice.
fn quotient(left: i64, right: i64) -> f64 {
    const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;
    if left.unsigned_abs() <= EXACT && right.unsigned_abs() <= EXACT {
        return left as f64 / right as f64;
    }
    let dividend = u128::from(left.unsigned_abs());
    let divisor = u128::from(right.unsigned_abs());
    // With the dividend shifted to 127 bits the quotient has more than 62, so that one sticky
    // bit at its end decides the rounding as the endless quotient would.
    let shift = dividend.leading_zeros().saturating_sub(1);
    let shifted = dividend << shift;
    let sticky = u128::from(shifted % divisor != 0);
    let magnitude = libm::ldexp(((shifted / divisor) | sticky) as f64, -(shift as i32));
    if (left < 0) == (right < 0) {
        magnitude
    } else {
        -magnitude
    }
}

fn on_floats(left: f64, operator: Operator, right: f64) -> Result<f64, Problem> {
    if right == 0.0 && is_division(operator) {
        return Err(Problem::DivisionByZero);
    }
    Ok(match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::FloorDivide => floor_quotient(left, right),
        Operator::Remainder => remainder(left, right),
    })
}

/// The remainder with the divisor's sign, zero included.
fn remainder(left: f64, right: f64) -> f64 {
    let truncated = left % right;
    if truncated == 0.0 {
        libm::copysign(0.0, right)
    } else if (truncated < 0.0) == (right < 0.0) {
        truncated
    } else {
        truncated + right
    }
}

/// The quotient rounded down, by way of the remainder, which is exact where division is not.
fn floor_quotient(left: f64, right: f64) -> f64 {
    let truncated = left % right;
    let mut quotient = (left - truncated) / right;
    if truncated != 0.0 && (truncated < 0.0) != (right < 0.0) {
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return libm::copysign(0.0, left / right);
    }
    let floor = libm::floor(quotient);
    // The division may have landed just below the whole number that is meant.
    if quotient - floor > 0.5 {
        floor + 1.0
    } else {
        floor
    }
}

/// The whole number that a float without fraction is.
pub(super) fn float_to_int(number: f64) -> Result<i64, Problem> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) {
        return Ok(number as i64);
    }
    Err(overflow(Value::Float(number).to_string()))
}

/// The error for operands that are not both numbers.
pub(super) fn mismatch(left: &Value, operator: Operator, right: &Value) -> Problem {
    let is_text = |value: &Value| value.as_text().is_some();
    let is_sequence = |value: &Value| is_text(value) || value.as_items().is_some();
    match operator {
        Operator::Multiply if is_sequence(left) || is_sequence(right) => {
            Problem::refused("repetition by '*'", "write the text or the items out")
        }
        Operator::Remainder if is_text(left) => Problem::refused(
            "formatting by '%'",
            "join the parts with +, as in 'a' + str(1)",
        ),
        _ => {
            let joins_text = operator == Operator::Add && (is_text(left) || is_text(right));
            let hint = if joins_text {
                "; write str(...) to make text of a value"
            } else {
                ""
            };
            let (left, right) = (left.type_name(), right.type_name());
            Problem::Operands {
                operator: operator.symbol(),
                left,
                right,
                hint,
            }
        }
    }
}

fn overflow(what: String) -> Problem {
    Problem::Overflow { what }
}
