//! Plain scalars by the core schema of YAML 1.2.
//!
//! YAML 1.1 took `y`, `n`, `on`, `off` and `no` for truth values and `1:30` for a number; 1.2
//! does not, so a choice called `no` stays text.

use norgay_core::Value;

/// The value of an unquoted scalar; an error if it is a number too large for any float.
pub(super) fn plain_scalar(text: &str) -> Result<Value, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::None,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Value::Float(f64::NEG_INFINITY),
        _ => match number(text) {
            Some(Value::Float(number)) if number.is_infinite() => {
                return Err(format!("the number {text} is too large for a float"));
            }
            Some(number) => number,
            None => Value::text(text),
        },
    })
}

fn number(text: &str) -> Option<Value> {
    let based = |digits: &str, base: u32| {
        let valid = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(base));
        valid.then(|| {
            i64::from_str_radix(digits, base).map_or_else(|_| as_float(digits, base), Value::Int)
        })
    };
    if let Some(digits) = text.strip_prefix("0x") {
        return based(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return based(digits, 8);
    }
    if is_decimal_integer(text) {
        let whole = text.parse().ok().map(Value::Int);
        return whole.or_else(|| text.parse().ok().map(Value::Float));
    }
    is_decimal_float(text)
        .then(|| text.parse().ok().map(Value::Float))
        .flatten()
}

/// A whole number beyond 64 bits is a float, as it is when JSON is read.
fn as_float(digits: &str, base: u32) -> Value {
    let place = f64::from(base);
    let values = digits.chars().filter_map(|digit| digit.to_digit(base));
    Value::Float(values.fold(0.0, |sum, digit| sum * place + f64::from(digit)))
}

fn without_sign(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn is_decimal_integer(text: &str) -> bool {
    let digits = without_sign(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_decimal_float(text: &str) -> bool {
    let unsigned = without_sign(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(is_decimal_integer)
}
