//! Constraints between search parameters.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::MAX_TEXT_BYTES;
use super::dialect::check_constraint;
use super::error::ExpressionError;
use super::evaluation::Evaluation;
use super::parser::parse_one;
use super::syntax::Tree;
use super::text_literal::Escapes;
use crate::value::Value;

/// A condition that a configuration must meet, such as `units_2 <= units_1`.
///
/// Parameters are named as they are, or as `tp['name']` where the name is no identifier. Two
/// predicates are equal if their texts are; cloning is cheap.
#[derive(Clone)]
pub struct Predicate {
    text: Arc<str>,
    tree: Arc<Tree>,
}

impl Predicate {
    /// Parses and checks a constraint.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let tree = parse_one(text, MAX_TEXT_BYTES, Escapes::Python)?;
        check_constraint(&tree)?;
        Ok(Self {
            text: text.into(),
            tree: Arc::new(tree),
        })
    }

    /// The constraint as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The parameters that the constraint mentions, each once, in the order of their first use.
    pub fn names(&self) -> Vec<Arc<str>> {
        self.tree
            .parameters
            .iter()
            .map(|(name, _)| Arc::clone(name))
            .collect()
    }

    /// Whether the constraint holds for the values that `lookup` gives.
    ///
    /// It holds if any parameter that it mentions has no value: a condition on a parameter that
    /// is not active forbids nothing.
    pub fn holds(&self, lookup: &dyn Fn(&str) -> Option<Value>) -> Result<bool, ExpressionError> {
        let values = self.tree.parameters.iter().map(|(name, _)| lookup(name));
        match values.collect::<Option<Vec<Value>>>() {
            Some(slots) => Evaluation::new(&slots).truth(&self.tree.root),
            None => Ok(true),
        }
    }
}

impl PartialEq for Predicate {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Predicate {}

impl fmt::Debug for Predicate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Predicate")
            .field(&self.text)
            .finish()
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Serialize for Predicate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Predicate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}
