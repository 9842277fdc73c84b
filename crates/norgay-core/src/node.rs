//! A value together with the place in a text where it was written.

use crate::value::Value;

/// A place in a text, both numbers counted from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "line {}, column {}", self.line, self.column)
    }
}

/// A value read from a text, each part of it with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where the value starts.
    pub place: Place,
    /// What stands there.
    pub kind: NodeKind,
}

/// What stands at a [`Node`]'s place.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// Anything but a container.
    Scalar(Value),
    /// A list.
    List(Vec<Node>),
    /// A Python tuple.
    Tuple(Vec<Node>),
    /// A dict as written: keys that occur twice are both here.
    Dict(Vec<(Node, Node)>),
}

impl Node {
    /// The value without its places; of keys that occur twice the last wins, as in Python.
    pub fn value(&self) -> Value {
        match &self.kind {
            NodeKind::Scalar(value) => value.clone(),
            NodeKind::List(items) => Value::List(items.iter().map(Self::value).collect()),
            NodeKind::Tuple(items) => Value::Tuple(items.iter().map(Self::value).collect()),
            NodeKind::Dict(entries) => {
                let mut pairs: Vec<(Value, Value)> = Vec::with_capacity(entries.len());
                for (key, item) in entries {
                    let key = key.value();
                    match pairs
                        .iter_mut()
                        .find(|(known, _)| known.means_the_same(&key))
                    {
                        Some(pair) => pair.1 = item.value(),
                        None => pairs.push((key, item.value())),
                    }
                }
                Value::Dict(pairs.into())
            }
        }
    }

    /// The text that stands here, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar(value) => value.as_text(),
            _ => None,
        }
    }

    /// The entries of a dict.
    pub fn as_entries(&self) -> Option<&[(Node, Node)]> {
        match &self.kind {
            NodeKind::Dict(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items of a list or tuple.
    pub fn as_items(&self) -> Option<&[Node]> {
        match &self.kind {
            NodeKind::List(items) | NodeKind::Tuple(items) => Some(items),
            _ => None,
        }
    }
}
