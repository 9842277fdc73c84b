//! Builds dicts as Python does: of equal keys the last value wins, at the first one's position.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::Problem;
use crate::value::Value;

/// A key in a form where keys that Python calls equal are equal: 1, 1.0 and True are one key.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    None,
    Whole(i64),
    /// The bits of a float that is no whole number of 64 bits.
    Fraction(u64),
    Text(Arc<str>),
    Tuple(Vec<Key>),
}

/// Deeper tuples than any text can write are not taken as keys.
const MAX_KEY_DEPTH: usize = 64;

fn key_of(value: &Value, depth: usize) -> Option<Key> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    match value {
        Value::None => Some(Key::None),
        Value::Bool(truth) => Some(Key::Whole(i64::from(*truth))),
        Value::Int(number) => Some(Key::Whole(*number)),
        // A NaN differs even from itself.
        Value::Float(number) if number.is_nan() => None,
        Value::Float(number)
            if libm::trunc(*number) == *number && (-LIMIT..LIMIT).contains(number) =>
        {
            Some(Key::Whole(*number as i64))
        }
        Value::Float(number) => Some(Key::Fraction(number.to_bits())),
        Value::Text(text) => Some(Key::Text(Arc::clone(text))),
        Value::Tuple(items) => {
            let depth = depth.checked_sub(1)?;
            items
                .iter()
                .map(|item| key_of(item, depth))
                .collect::<Option<_>>()
                .map(Key::Tuple)
        }
        Value::List(_) | Value::Dict(_) => None,
    }
}

/// A dict in the making.
#[derive(Default)]
pub(super) struct Dictionary {
    pairs: Vec<(Value, Value)>,
    positions: BTreeMap<Key, usize>,
}

impl Dictionary {
    /// Adds a pair; fails if the key cannot be one.
    pub fn insert(&mut self, key: Value, value: Value) -> Result<(), Problem> {
        let Some(canonical) = key_of(&key, MAX_KEY_DEPTH) else {
            let given = format!("a {}", key.type_name());
            return Err(Problem::Key {
                given,
                takes: "write text, as in {'name': 1}",
            });
        };
        let next = self.pairs.len();
        let position = *self.positions.entry(canonical).or_insert(next);
        match self.pairs.get_mut(position) {
            Some(pair) => pair.1 = value,
            None => self.pairs.push((key, value)),
        }
        Ok(())
    }

    pub fn into_pairs(self) -> Vec<(Value, Value)> {
        self.pairs
    }
}
