//! A configuration: the values of one trial's parameters.

use std::fmt;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::value::Value;

/// Entries that algorithms add to configurations, as the reference names them.
pub const BOOKKEEPING: [&str; 6] = [
    "load_from",
    "save_to",
    "resource",
    "rung",
    "lineage",
    "generation",
];

/// Values by parameter name, in the order of the search space; inactive parameters are absent.
///
/// Algorithms may add entries of their own (`load_from`, `resource`, ...) after the parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration(Box<[(Arc<str>, Value)]>);

impl Configuration {
    /// A configuration of these entries, in this order.
    pub fn new(entries: Vec<(Arc<str>, Value)>) -> Self {
        Self(entries.into_boxed_slice())
    }

    /// The value of a parameter, if it is active.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(known, _)| known.as_ref() == name)
            .map(|(_, value)| value)
    }

    /// All entries in order.
    pub fn entries(&self) -> &[(Arc<str>, Value)] {
        &self.0
    }

    /// The same configuration with an entry set, at its place or at the end.
    #[must_use]
    pub fn with(&self, name: &str, value: Value) -> Self {
        let mut entries = self.0.to_vec();
        match entries.iter_mut().find(|(known, _)| known.as_ref() == name) {
            Some(entry) => entry.1 = value,
            None => entries.push((name.into(), value)),
        }
        Self::new(entries)
    }

    /// Whether both hold the same names with values that Python calls equal, in any order.
    pub fn means_the_same(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().all(|(name, value)| {
                other
                    .get(name)
                    .is_some_and(|known| known.means_the_same(value))
            })
    }

    /// A text equal for configurations that mean the same, for use as a map's key.
    pub fn fingerprint(&self) -> String {
        let mut parts: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| {
                let number = value.as_i64().map_or_else(|| value.clone(), Value::Int);
                format!("{name}\u{1f}{}\u{1f}{number}", number.type_name())
            })
            .collect();
        parts.sort_unstable();
        parts.join("\u{1e}")
    }

    pub(crate) fn map_entries(
        self,
        mut change: impl FnMut(Arc<str>, Value) -> (Arc<str>, Value),
    ) -> Self {
        Self(
            self.0
                .into_vec()
                .into_iter()
                .map(|(name, value)| change(name, value))
                .collect(),
        )
    }
}

impl fmt::Display for Configuration {
    /// `name=value` for each entry, with a space between.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (name, value)) in self.0.iter().enumerate() {
            let space = if position > 0 { " " } else { "" };
            write!(formatter, "{space}{name}={value}")?;
        }
        Ok(())
    }
}

impl FromIterator<(Arc<str>, Value)> for Configuration {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Value)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl Serialize for Configuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Configuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Configuration;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map of parameter values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Configuration, A::Error> {
                let mut entries = Vec::with_capacity(map.size_hint().unwrap_or(8).min(1024));
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Configuration::new(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
