//! The file in which a trial leaves its metrics: one JSON object that names the objective.
//!
//! Python's `json.dumps` writes `NaN` and `Infinity`, which are not JSON, so the reader is our
//! own; it is strict in everything else, since a half-written file must not pass for a whole one.

mod error;
mod json;

use std::sync::Arc;

use norgay_core::{Place, Value};

pub use error::MetricsError;

/// The largest metrics file that is read.
pub const LIMIT_BYTES: usize = 16 * 1024 * 1024;
/// The deepest nesting that is read.
pub const LIMIT_DEPTH: usize = 64;

/// How many keys a message names.
const SHOWN_KEYS: usize = 20;
/// How much of a value a message shows, in characters.
const SHOWN_CHARACTERS: usize = 60;

/// Reads a metrics file: all its entries in their order, the objective surely a number.
///
/// Infinite objectives pass, NaN does not. Of a key that occurs twice the last value counts, as
/// in Python. Numbers beyond 64 bits become floats.
pub fn parse_metrics(
    bytes: &[u8],
    objective: &str,
) -> Result<Vec<(Arc<str>, Value)>, MetricsError> {
    let metrics = entries(bytes)?;
    check_objective(&metrics, objective)?;
    Ok(metrics)
}

/// Reads a `result.json` of an attempt: `{"trial": 1, "attempt": 1, "metrics": {...}}`; the metrics
/// as [`parse_metrics`] gives them.
///
/// Trial and attempt may be left out; if they are there and are another attempt's, the file is not
/// this one's result.
pub fn parse_result(
    bytes: &[u8],
    trial: u64,
    attempt: u32,
    objective: &str,
) -> Result<Vec<(Arc<str>, Value)>, MetricsError> {
    let whole = entries(bytes)?;
    let entry = |name: &str| {
        let found = whole.iter().find(|(key, _)| key.as_ref() == name);
        found.map(|(_, value)| value)
    };
    for (name, expected) in [("trial", trial), ("attempt", u64::from(attempt))] {
        let found = entry(name).filter(|value| value.as_i64() != i64::try_from(expected).ok());
        if let Some(found) = found {
            return Err(MetricsError::OfAnother {
                what: name,
                expected,
                found: described(found),
            });
        }
    }
    let metrics = match entry("metrics") {
        Some(Value::Dict(pairs)) => named(pairs),
        Some(other) => {
            return Err(MetricsError::NotAnObject {
                found: described(other),
            });
        }
        None => return Err(MetricsError::NoMetrics),
    };
    check_objective(&metrics, objective)?;
    Ok(metrics)
}

/// The entries of a JSON object.
fn entries(bytes: &[u8]) -> Result<Vec<(Arc<str>, Value)>, MetricsError> {
    let value = json::parse(text_of(bytes)?).map_err(|mistake| MetricsError::NotJson {
        place: mistake.place,
        problem: mistake.problem,
    })?;
    match &value {
        Value::Dict(pairs) => Ok(named(pairs)),
        other => Err(MetricsError::NotAnObject {
            found: described(other),
        }),
    }
}

fn named(pairs: &[(Value, Value)]) -> Vec<(Arc<str>, Value)> {
    let entry = |(key, value): &(Value, Value)| match key {
        Value::Text(name) => Some((name.clone(), value.clone())),
        _ => None,
    };
    pairs.iter().filter_map(entry).collect()
}

fn text_of(bytes: &[u8]) -> Result<&str, MetricsError> {
    if bytes.len() > LIMIT_BYTES {
        return Err(MetricsError::TooLarge {
            bytes: bytes.len(),
            limit: LIMIT_BYTES,
        });
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let problem = "it starts like UTF-16; write it with encoding=\"utf-8\"".to_string();
        return Err(MetricsError::NotText { problem });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let sound = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let place = json::place_after(&String::from_utf8_lossy(sound));
        MetricsError::NotText {
            problem: format!("{place}: a byte that has no meaning there"),
        }
    })?;
    if text.trim().is_empty() {
        return Err(MetricsError::Empty);
    }
    Ok(text)
}

fn check_objective(metrics: &[(Arc<str>, Value)], objective: &str) -> Result<(), MetricsError> {
    let Some((_, value)) = metrics.iter().find(|(name, _)| name.as_ref() == objective) else {
        return Err(MetricsError::NoObjective {
            objective: objective.to_string(),
            keys: listed(metrics),
        });
    };
    match value.as_f64() {
        Some(number) if number.is_nan() => Err(MetricsError::Nan {
            objective: objective.to_string(),
        }),
        Some(_) => Ok(()),
        None => Err(MetricsError::NotANumber {
            objective: objective.to_string(),
            found: described(value),
            hint: hint(value),
        }),
    }
}

/// The keys, as many as fit a message.
fn listed(metrics: &[(Arc<str>, Value)]) -> String {
    if metrics.is_empty() {
        return "no keys at all".into();
    }
    let mut names: Vec<String> = metrics
        .iter()
        .take(SHOWN_KEYS)
        .map(|(name, _)| shortened(name))
        .collect();
    if metrics.len() > SHOWN_KEYS {
        names.push(format!("{} more", metrics.len() - SHOWN_KEYS));
    }
    names.join(", ")
}

fn described(value: &Value) -> String {
    match value {
        Value::None => "null".into(),
        Value::Bool(truth) => format!("{truth}"),
        Value::Int(_) | Value::Float(_) => format!("the number {value}"),
        Value::Text(text) => format!("the text \"{}\"", shortened(text)),
        Value::List(items) | Value::Tuple(items) => format!("a list of {} items", items.len()),
        Value::Dict(pairs) => format!("an object of {} entries", pairs.len()),
    }
}

fn hint(value: &Value) -> &'static str {
    match value {
        Value::Text(text) if text.trim().parse::<f64>().is_ok() => {
            "; write it without the quotes, as float(value)"
        }
        Value::List(items) if items.len() == 1 => "; write its one item",
        Value::List(_) => "; write one number, such as the last or the best of them",
        Value::Bool(_) => "; write it as int(value)",
        _ => "",
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_string(),
    }
}

/// A mistake in a JSON text.
struct Mistake {
    place: Place,
    problem: String,
}
