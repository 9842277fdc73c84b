//! The values that parameters, metrics and parameter texts are made of.

use std::fmt;
use std::sync::Arc;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value as Python and JSON know it. Cloning is cheap: text and containers are shared.
///
/// Equality is strict: `Int(1)` differs from `Float(1.0)`; [`Value::means_the_same`] is Python's.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Python's `None`, JSON's `null`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number of 64 bits.
    Int(i64),
    /// A floating-point number, possibly NaN or infinite.
    Float(f64),
    /// Text.
    Text(Arc<str>),
    /// A list.
    List(Arc<[Value]>),
    /// A Python tuple; becomes a list when stored.
    Tuple(Arc<[Value]>),
    /// A dict in insertion order.
    Dict(Arc<[(Value, Value)]>),
}

const FLOAT_KEY: &str = "$float";
const DICT_KEY: &str = "$dict";

impl Value {
    /// Wraps text.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// The number that this value is, if it is an int or a float (a bool is not).
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The whole number that this value is; a float counts if it has no fraction.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Float(number)
                if number.is_finite()
                    && libm::trunc(*number) == *number
                    && number.abs() < 9.0e18 =>
            {
                Some(*number as i64)
            }
            _ => None,
        }
    }

    /// The text that this value is, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value that this is, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The items of a list or tuple.
    pub fn as_items(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The pairs of a dict.
    pub fn as_pairs(&self) -> Option<&[(Value, Value)]> {
        match self {
            Self::Dict(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The value under a text key of a dict (the last one, as in Python).
    pub fn get(&self, key: &str) -> Option<&Value> {
        let pairs = self.as_pairs()?;
        pairs
            .iter()
            .rev()
            .find(|(k, _)| k.as_text() == Some(key))
            .map(|(_, value)| value)
    }

    /// The name of the type, as told to users.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "text",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Dict(_) => "dict",
        }
    }

    /// Equality as Python's `==` has it: numbers by value, containers by their items.
    pub fn means_the_same(&self, other: &Value) -> bool {
        fn number(value: &Value) -> Option<f64> {
            value
                .as_f64()
                .or_else(|| value.as_bool().map(|truth| f64::from(u8::from(truth))))
        }
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(x, y)| x.means_the_same(y))
            }
            (Self::Dict(a), Self::Dict(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(key, value)| {
                        b.iter()
                            .any(|(k, v)| k.means_the_same(key) && v.means_the_same(value))
                    })
            }
            _ => match (number(self), number(other)) {
                (Some(a), Some(b)) => a == b,
                _ => self == other,
            },
        }
    }

    /// This value as JSON; non-finite floats become their text (`"nan"`, `"inf"`, `"-inf"`).
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::None => serde_json::Value::Null,
            Self::Bool(truth) => (*truth).into(),
            Self::Int(number) => (*number).into(),
            Self::Float(number) => serde_json::Number::from_f64(*number)
                .map_or_else(|| float_name(*number).into(), serde_json::Value::Number),
            Self::Text(text) => text.as_ref().into(),
            Self::List(items) | Self::Tuple(items) => items.iter().map(Self::to_json).collect(),
            Self::Dict(pairs) => pairs
                .iter()
                .map(|(key, value)| (crate::python_text::str_of(key), value.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

fn float_name(number: f64) -> &'static str {
    if number.is_nan() {
        "nan"
    } else if number > 0.0 {
        "inf"
    } else {
        "-inf"
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(items.into())
    }
}

impl fmt::Display for Value {
    /// Python's `str()` of the value.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&crate::python_text::str_of(self))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Float(number) if number.is_finite() => serializer.serialize_f64(*number),
            Self::Float(number) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(FLOAT_KEY, float_name(*number))?;
                map.end()
            }
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) | Self::Tuple(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items.iter() {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Dict(pairs) if has_plain_keys(pairs) => {
                let mut map = serializer.serialize_map(Some(pairs.len()))?;
                for (key, value) in pairs.iter() {
                    map.serialize_entry(key.as_text().unwrap_or_default(), value)?;
                }
                map.end()
            }
            Self::Dict(pairs) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(DICT_KEY, pairs.as_ref())?;
                map.end()
            }
        }
    }
}

/// Whether the pairs can be written as a JSON object and read back as they are.
fn has_plain_keys(pairs: &[(Value, Value)]) -> bool {
    pairs.iter().all(|(key, _)| {
        key.as_text()
            .is_some_and(|text| text != FLOAT_KEY && text != DICT_KEY)
    })
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::None)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Float(number as f64), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut pairs: Vec<(Value, Value)> = Vec::new();
        while let Some(key) = map.next_key::<Arc<str>>()? {
            match key.as_ref() {
                FLOAT_KEY => return map.next_value::<String>().and_then(|name| float_of(&name)),
                DICT_KEY => return map.next_value::<Vec<_>>().map(|p| Value::Dict(p.into())),
                _ => pairs.push((Value::Text(key), map.next_value()?)),
            }
        }
        Ok(Value::Dict(pairs.into()))
    }
}

fn float_of<E: de::Error>(name: &str) -> Result<Value, E> {
    match name {
        "nan" => Ok(Value::Float(f64::NAN)),
        "inf" => Ok(Value::Float(f64::INFINITY)),
        "-inf" => Ok(Value::Float(f64::NEG_INFINITY)),
        other => Err(E::custom(format!("'{other}' is not a float's name"))),
    }
}
