//! The functions that expressions may call, with Python's meaning.

use std::cmp::Ordering;

use super::MAX_RESULT_BYTES;
use super::arithmetic::{Number, float_to_int, number_of};
use super::comparison::order;
use super::dialect::described_value;
use super::error::Problem;
use super::number_literal::{joined, plain_float};
use super::rounding::{round_int, round_to_digits};
use crate::python_text::repr_within;
use crate::value::Value;

/// One of the functions; no other name can be called.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    Str,
    Int,
    Float,
    Round,
    Min,
    Max,
}

impl Function {
    pub const ALL: [Self; 6] = [
        Self::Str,
        Self::Int,
        Self::Float,
        Self::Round,
        Self::Min,
        Self::Max,
    ];

    /// The functions, as errors list them.
    pub const LISTED: &str = "only str, int, float, round, min and max can be called";

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|function| function.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Str => "str",
            Self::Int => "int",
            Self::Float => "float",
            Self::Round => "round",
            Self::Min => "min",
            Self::Max => "max",
        }
    }

    /// Refuses a number of arguments that the function doesn't take.
    pub fn check_count(self, count: usize) -> Result<(), Problem> {
        let (range, takes) = match self {
            Self::Str | Self::Int | Self::Float => (1..=1, "one argument"),
            Self::Round => (1..=2, "one or two arguments"),
            Self::Min | Self::Max => (1..=usize::MAX, "at least one argument"),
        };
        if range.contains(&count) {
            return Ok(());
        }
        let given = match count {
            0 => "none was".to_owned(),
            1 => "one was".to_owned(),
            more => format!("{more} were"),
        };
        Err(Problem::Arguments {
            function: self.name(),
            takes,
            given,
        })
    }

    /// The function's value; the number of arguments is already checked.
    pub fn apply(self, arguments: &[Value]) -> Result<Value, Problem> {
        let [first, rest @ ..] = arguments else {
            return self.check_count(0).map(|()| Value::None);
        };
        match self {
            Self::Str => text(first),
            Self::Int => int(first),
            Self::Float => float(first),
            Self::Round => round(first, rest.first()),
            Self::Min => extreme(self, arguments, Ordering::Less),
            Self::Max => extreme(self, arguments, Ordering::Greater),
        }
    }

    fn misfit(self, given: &Value, takes: &'static str) -> Problem {
        Problem::Argument {
            function: self.name(),
            given: described_value(given),
            takes,
        }
    }
}

fn text(value: &Value) -> Result<Value, Problem> {
    if value.as_text().is_some() {
        return Ok(value.clone());
    }
    repr_within(value, MAX_RESULT_BYTES)
        .map(Value::from)
        .ok_or(Problem::ResultTooLong {
            limit: MAX_RESULT_BYTES,
        })
}

fn int(value: &Value) -> Result<Value, Problem> {
    const TAKES: &str = "a number, or text such as '12'";
    let misfit = || Function::Int.misfit(value, TAKES);
    if let Value::Text(text) = value {
        let trimmed = text.trim();
        let (sign, digits) = match trimmed.strip_prefix(['+', '-']) {
            Some(digits) => (trimmed.get(..1).unwrap_or_default(), digits),
            None => ("", trimmed),
        };
        let plain = joined(digits, |digit| digit.is_ascii_digit()).ok_or_else(misfit)?;
        let overflow = |_| Problem::Overflow {
            what: described_value(value),
        };
        return format!("{sign}{plain}")
            .parse()
            .map(Value::Int)
            .map_err(overflow);
    }
    match number_of(value).ok_or_else(misfit)? {
        Number::Int(number) => Ok(Value::Int(number)),
        Number::Float(number) => float_to_int(libm::trunc(number)).map(Value::Int),
    }
}

fn float(value: &Value) -> Result<Value, Problem> {
    const TAKES: &str = "a number, or text such as '1e-3', 'inf' or 'nan'";
    let misfit = || Function::Float.misfit(value, TAKES);
    if let Value::Text(text) = value {
        return float_of_text(text.trim())
            .map(Value::Float)
            .ok_or_else(misfit);
    }
    number_of(value)
        .map(|number| Value::Float(number.as_f64()))
        .ok_or_else(misfit)
}

fn float_of_text(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let magnitude = match unsigned.to_ascii_lowercase().as_str() {
        "nan" => f64::NAN,
        "inf" | "infinity" => f64::INFINITY,
        _ => plain_float(unsigned)?.parse().ok()?,
    };
    Some(if text.starts_with('-') {
        -magnitude
    } else {
        magnitude
    })
}

fn round(value: &Value, digits: Option<&Value>) -> Result<Value, Problem> {
    let misfit = |given| Function::Round.misfit(given, "a number and a whole number of digits");
    let number = number_of(value).ok_or_else(|| misfit(value))?;
    let digits = match digits {
        None | Some(Value::None) => None,
        Some(digits) => match number_of(digits) {
            Some(Number::Int(digits)) => Some(digits),
            _ => return Err(misfit(digits)),
        },
    };
    match (number, digits) {
        (Number::Int(number), None) => Ok(Value::Int(number)),
        (Number::Int(number), Some(digits)) => round_int(number, digits).map(Value::Int),
        (Number::Float(number), None) => float_to_int(libm::rint(number)).map(Value::Int),
        (Number::Float(number), Some(digits)) => round_to_digits(number, digits).map(Value::Float),
    }
}

/// The first of the least or greatest values, among the arguments or among one's items.
fn extreme(function: Function, arguments: &[Value], wanted: Ordering) -> Result<Value, Problem> {
    let [only] = arguments else {
        return extreme_of(function, arguments.iter().cloned(), wanted);
    };
    match only {
        Value::List(items) | Value::Tuple(items) => {
            extreme_of(function, items.iter().cloned(), wanted)
        }
        Value::Dict(pairs) => {
            extreme_of(function, pairs.iter().map(|(key, _)| key.clone()), wanted)
        }
        Value::Text(text) => {
            let characters = text
                .chars()
                .map(|next| Value::text(next.encode_utf8(&mut [0; 4]) as &str));
            extreme_of(function, characters, wanted)
        }
        _ => Err(function.misfit(only, "two or more values, or one list")),
    }
}

fn extreme_of(
    function: Function,
    mut values: impl Iterator<Item = Value>,
    wanted: Ordering,
) -> Result<Value, Problem> {
    let nothing = Problem::Argument {
        function: function.name(),
        given: "nothing".to_owned(),
        takes: "two or more values, or one list that is not empty",
    };
    let mut best = values.next().ok_or(nothing)?;
    for value in values {
        let symbol = if wanted == Ordering::Less { "<" } else { ">" };
        if order(&value, &best, symbol)? == Some(wanted) {
            best = value;
        }
    }
    Ok(best)
}
