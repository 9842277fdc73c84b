//! A tree of plain data with keys in order, written as JSON or as a Python pickle.

use norgay_core::Value;
use norgay_core::python_text::str_of;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::WriteError;

/// Plain data.
pub(super) enum Plain {
    Value(Value),
    /// A whole number that may be too large for [`Value::Int`].
    Whole(u64),
    List(Vec<Plain>),
    Object(Vec<(String, Plain)>),
}

impl Plain {
    pub(super) fn text(text: &str) -> Self {
        Self::Value(Value::text(text))
    }

    pub(super) fn flag(truth: bool) -> Self {
        Self::Value(Value::Bool(truth))
    }

    /// Any serializable data of ours, by way of JSON.
    pub(super) fn of(data: &impl Serialize, file: &'static str) -> Result<Self, WriteError> {
        serde_json::to_value(data)
            .and_then(serde_json::from_value)
            .map(Self::Value)
            .map_err(|error| WriteError::new(file, error))
    }

    /// Indented JSON; floats that JSON lacks become their text.
    pub(super) fn to_json(&self, file: &'static str) -> Result<Vec<u8>, WriteError> {
        let view = View {
            plain: self,
            flavour: Flavour::Json,
        };
        let mut bytes =
            serde_json::to_vec_pretty(&view).map_err(|error| WriteError::new(file, error))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// A pickle of builtin containers and scalars alone (protocol 3, which every Python 3 reads).
    pub(super) fn to_pickle(&self, file: &'static str) -> Result<Vec<u8>, WriteError> {
        let view = View {
            plain: self,
            flavour: Flavour::Pickle,
        };
        serde_pickle::to_vec(&view, serde_pickle::SerOptions::new())
            .map_err(|error| WriteError::new(file, error))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flavour {
    Json,
    Pickle,
}

struct View<'a> {
    plain: &'a Plain,
    flavour: Flavour,
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let flavour = self.flavour;
        match self.plain {
            Plain::Value(value) => ValueView { value, flavour }.serialize(serializer),
            Plain::Whole(number) => serializer.serialize_u64(*number),
            Plain::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for plain in items {
                    list.serialize_element(&View { plain, flavour })?;
                }
                list.end()
            }
            Plain::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, plain) in entries {
                    map.serialize_entry(key, &View { plain, flavour })?;
                }
                map.end()
            }
        }
    }
}

struct ValueView<'a> {
    value: &'a Value,
    flavour: Flavour,
}

impl Serialize for ValueView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let flavour = self.flavour;
        let json = flavour == Flavour::Json;
        match self.value {
            Value::None => serializer.serialize_unit(),
            Value::Bool(truth) => serializer.serialize_bool(*truth),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Float(number) if json && !number.is_finite() => {
                serializer.serialize_str(&str_of(self.value))
            }
            Value::Float(number) => serializer.serialize_f64(*number),
            Value::Text(text) => serializer.serialize_str(text),
            Value::List(items) | Value::Tuple(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for value in items.iter() {
                    list.serialize_element(&ValueView { value, flavour })?;
                }
                list.end()
            }
            Value::Dict(pairs) => {
                let mut map = serializer.serialize_map(Some(pairs.len()))?;
                for (key, value) in pairs.iter() {
                    let value = ValueView { value, flavour };
                    if json {
                        map.serialize_entry(&str_of(key), &value)?;
                    } else {
                        map.serialize_entry(
                            &ValueView {
                                value: key,
                                flavour,
                            },
                            &value,
                        )?;
                    }
                }
                map.end()
            }
        }
    }
}
