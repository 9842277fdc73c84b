//! What a user wrote, field by field, before it is joined into a study: study files and flags
//! both become a draft.

use std::collections::{HashMap, HashSet};

use norgay_core::{Node, NodeKind, Value};

use super::quantity::{bytes, milliseconds};
use super::shape::{FieldEntry, Shape};
use super::shape_check::{check, mismatch};
use super::source_text::{Origin, Report, did_you_mean, in_words, shown};

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub node: Node,
    pub origin: Origin,
}

impl Written {
    pub fn error(&self, report: &mut Report, message: impl Into<String>) {
        report.error(&self.origin, Some(self.node.place), message);
    }
}

/// The fields that were written, by their path such as `budget.trials`.
#[derive(Debug, Default)]
pub(super) struct Draft {
    values: HashMap<String, Vec<Written>>,
    /// Fields that were written, those with mistakes too.
    mentioned: HashSet<String>,
}

impl Draft {
    /// Reads a map of fields.
    pub fn read_fields(
        &mut self,
        node: &Node,
        table: &'static [FieldEntry],
        prefix: &str,
        origin: &Origin,
        report: &mut Report,
    ) {
        let Some(entries) = node.as_entries() else {
            mismatch(node, Shape::Fields(table), origin, report);
            return;
        };
        let mut seen: Vec<(&str, &Node)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let Some(entry) = known_field(key, table, prefix, origin, report) else {
                continue;
            };
            let path = format!("{prefix}{}", entry.name);
            let origin = origin.field(&path);
            if let Some((_, first)) = seen.iter().find(|(name, _)| *name == entry.name) {
                let first = origin.place_in_words(first.place);
                let message = format!("it is written twice; the first time at {first}");
                report.error(&origin, Some(key.place), message);
                continue;
            }
            seen.push((entry.name, key));
            self.read_field(entry.shape, &path, value.clone(), origin, report);
        }
    }

    /// Checks a value and keeps it if it has the right shape.
    pub fn read_field(
        &mut self,
        shape: Shape,
        path: &str,
        node: Node,
        origin: Origin,
        report: &mut Report,
    ) {
        self.mentioned.insert(path.to_owned());
        match shape {
            Shape::Fields(table) => self.read_group(table, path, node, origin, report),
            Shape::NameOr(table) if node.as_text().is_none() => {
                self.read_group(table, path, node, origin, report);
            }
            Shape::NameOr(table) => {
                let shape = table
                    .iter()
                    .find(|field| field.name == "name")
                    .map(|f| f.shape);
                let path = format!("{path}.name");
                self.read_field(shape.unwrap_or(Shape::Text), &path, node, origin, report);
            }
            Shape::NamesOr(table) => self.read_list(table, path, node, origin, report),
            Shape::Algorithm => self.read_algorithm(path, &node, &origin, report),
            _ => {
                if check(&node, shape, &origin, report) {
                    let written = Written { node, origin };
                    self.values
                        .entry(path.to_owned())
                        .or_default()
                        .push(written);
                }
            }
        }
    }

    /// Reads a map of fields inside a field, and keeps its place.
    fn read_group(
        &mut self,
        table: &'static [FieldEntry],
        path: &str,
        node: Node,
        origin: Origin,
        report: &mut Report,
    ) {
        self.read_fields(&node, table, &format!("{path}."), &origin, report);
        self.set(path, Written { node, origin });
    }

    /// Reads a list of groups: the first is `path[1]`, as people count.
    fn read_list(
        &mut self,
        table: &'static [FieldEntry],
        path: &str,
        node: Node,
        origin: Origin,
        report: &mut Report,
    ) {
        match node.kind {
            NodeKind::List(ref items) if !items.is_empty() => {
                for (place, item) in items.iter().enumerate() {
                    let path = format!("{path}[{}]", place + 1);
                    let origin = origin.field(&path);
                    self.read_field(Shape::NameOr(table), &path, item.clone(), origin, report);
                }
                self.set(path, Written { node, origin });
            }
            _ => mismatch(&node, Shape::NamesOr(table), &origin, report),
        }
    }

    /// An algorithm's name goes to `algorithm.name`, the rest to `algorithm.arguments`.
    fn read_algorithm(&mut self, path: &str, node: &Node, origin: &Origin, report: &mut Report) {
        let name_path = format!("{path}.name");
        if node.as_text().is_some() {
            self.read_field(
                Shape::Text,
                &name_path,
                node.clone(),
                origin.clone(),
                report,
            );
            return;
        }
        let Some(entries) = node.as_entries() else {
            mismatch(node, Shape::Algorithm, origin, report);
            return;
        };
        let mut arguments = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            if key.as_text() == Some("name") {
                let origin = origin.field(&name_path);
                self.read_field(Shape::Text, &name_path, value.clone(), origin, report);
            } else {
                arguments.push((key.clone(), value.clone()));
            }
        }
        if !self.mentioned.contains(&name_path) {
            report.error(origin, Some(node.place), "the algorithm's name is missing");
        }
        let node = Node {
            place: node.place,
            kind: NodeKind::Dict(arguments),
        };
        self.set(
            &format!("{path}.arguments"),
            Written {
                node,
                origin: origin.clone(),
            },
        );
    }

    /// Keeps a value that needs no check.
    pub fn set(&mut self, path: &str, written: Written) {
        self.mentioned.insert(path.to_owned());
        self.values
            .entry(path.to_owned())
            .or_default()
            .push(written);
    }

    /// Whether a field was written, be it with a mistake.
    pub fn mentions(&self, path: &str) -> bool {
        self.mentioned.contains(path)
    }

    /// Notes that a field was written, though with a mistake.
    pub fn mention(&mut self, path: &str) {
        self.mentioned.insert(path.to_owned());
    }

    /// The value of a field; of several the last.
    pub fn get(&self, path: &str) -> Option<&Written> {
        self.values.get(path).and_then(|values| values.last())
    }

    /// All values of a field that may be written several times.
    pub fn all(&self, path: &str) -> &[Written] {
        self.values.get(path).map_or(&[], Vec::as_slice)
    }

    pub fn text(&self, path: &str) -> Option<String> {
        self.get(path)
            .and_then(|written| written.node.as_text())
            .map(str::to_owned)
    }

    pub fn flag(&self, path: &str) -> Option<bool> {
        self.scalar(path).and_then(Value::as_bool)
    }

    pub fn whole(&self, path: &str) -> Option<u64> {
        self.scalar(path)
            .and_then(Value::as_i64)
            .and_then(|whole| u64::try_from(whole).ok())
    }

    pub fn number(&self, path: &str) -> Option<f64> {
        self.scalar(path).and_then(Value::as_f64)
    }

    pub fn milliseconds(&self, path: &str) -> Option<u64> {
        self.scalar(path).and_then(milliseconds)
    }

    pub fn bytes(&self, path: &str) -> Option<u64> {
        self.scalar(path).and_then(bytes)
    }

    fn scalar(&self, path: &str) -> Option<&Value> {
        match &self.get(path)?.node.kind {
            NodeKind::Scalar(value) => Some(value),
            _ => None,
        }
    }
}

fn known_field(
    key: &Node,
    table: &'static [FieldEntry],
    prefix: &str,
    origin: &Origin,
    report: &mut Report,
) -> Option<&'static FieldEntry> {
    let name = key.as_text();
    let known = name.and_then(|name| table.iter().find(|entry| entry.name == name));
    if known.is_none() {
        let group = prefix.trim_end_matches('.');
        let of = if group.is_empty() {
            String::new()
        } else {
            format!(" of {group}")
        };
        let names: Vec<&str> = table.iter().map(|entry| entry.name).collect();
        let message = match name {
            Some(name) => {
                let hint = match did_you_mean(name, names.iter().copied()) {
                    hint if hint.is_empty() => {
                        format!("; the known fields are {}", names.join(", "))
                    }
                    hint => hint,
                };
                format!("there is no field '{}'{of}{hint}", shown(name))
            }
            None => format!("a field's name must be text, not {}", in_words(key)),
        };
        let origin = if origin.noun == "flag" {
            origin.clone()
        } else {
            origin.about("")
        };
        report.error(&origin, Some(key.place), message);
    }
    known
}
