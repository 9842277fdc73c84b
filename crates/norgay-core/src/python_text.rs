//! Python's text form of a value: `str()` and `repr()`.

use crate::value::Value;

/// What Python's `str()` gives.
pub fn str_of(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        other => format!("{other:?}"),
    }
}
