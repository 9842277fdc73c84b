//! What is written about one parameter, as a declaration with the places of its parts.

use std::collections::HashMap;

use norgay_core::space::{Declaration, Field, Parameter, SpaceError};
use norgay_core::{Node, NodeKind, Place, Value};

use super::source_text::{Origin, Report, did_you_mean, in_words, shown};
use super::space_fields::PARAMETER_FIELDS;

/// How a space is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As the reference has it.
    Literals,
    /// As YAML.
    Norgay,
}

/// Where the parts of one parameter stand.
#[derive(Default)]
pub(super) struct Places {
    pub name: Option<Place>,
    pub fields: HashMap<&'static str, Place>,
    pub parents: HashMap<String, Place>,
}

impl Places {
    /// The place of a field, or of the name if it is not written.
    pub fn of(&self, field: Field) -> Option<Place> {
        self.fields.get(field.key()).copied().or(self.name)
    }
}

/// Reads what is written about one parameter.
pub(super) struct EntryReader<'a> {
    origin: &'a Origin,
    report: &'a mut Report,
    places: Places,
    /// Fields with a mistake that has been told.
    refused: Vec<&'static str>,
}

impl<'a> EntryReader<'a> {
    /// Starts at the parameter's name.
    pub fn new(origin: &'a Origin, report: &'a mut Report, name: Place) -> Self {
        let places = Places {
            name: Some(name),
            ..Places::default()
        };
        Self {
            origin,
            report,
            places,
            refused: Vec::new(),
        }
    }

    /// Where what was read stands.
    pub fn into_places(self) -> Places {
        self.places
    }

    /// The parameter; `None` if there are mistakes, which are told.
    pub fn parameter(&mut self, name: &str, node: &Node, form: Form) -> Option<Parameter> {
        let mut declaration = Declaration {
            name: name.to_owned(),
            ..Declaration::default()
        };
        let sound = match &node.kind {
            NodeKind::Dict(entries) => self.fields(entries, &mut declaration),
            _ => self.short_form(node, form, &mut declaration),
        };
        if !sound {
            // Only a whole description can have further mistakes worth telling.
            node.as_entries()?;
        }
        match declaration.build() {
            Ok((parameter, warnings)) => {
                for warning in warnings {
                    let place = self.places.of(warning.field);
                    self.report.warn(self.origin, place, warning.message);
                }
                sound.then_some(parameter)
            }
            Err(errors) => {
                for error in errors {
                    if !self.follows(&error) {
                        let place = self.places.of(error.field);
                        self.report.error(self.origin, place, error.message);
                    }
                }
                None
            }
        }
    }

    /// Whether a mistake only follows from one that has been told: a key that was not understood
    /// may well be the one that is missing.
    fn follows(&self, error: &SpaceError) -> bool {
        self.refused.iter().any(|field| {
            error.field.key() == *field || error.message.starts_with(&format!("{field} is missing"))
        })
    }

    /// A bare value is a constant; a bare list is a choice, in Norgay's form.
    fn short_form(&mut self, node: &Node, form: Form, declaration: &mut Declaration) -> bool {
        let message = match (&node.kind, form) {
            (NodeKind::Scalar(Value::None), _) => {
                "nothing is written about it; write its type and range, or \
                 {type: constant, value: null} for a constant of nothing"
            }
            (NodeKind::Scalar(value), _) => {
                declaration.value = Some(value.clone());
                self.places.fields.insert("value", node.place);
                return self.is_finite("value", node);
            }
            (NodeKind::List(_), Form::Norgay) => {
                declaration.kind = Some(Value::from("choice"));
                declaration.range = Some(node.value());
                self.places.fields.insert("range", node.place);
                return self.is_finite("range", node);
            }
            (NodeKind::List(_), Form::Literals) => {
                "type is missing; for a list of values write \
                 {\"type\": \"Choice\", \"range\": [...]}"
            }
            _ => "a parameter is described by a map of its type and range, not by a tuple",
        };
        self.report.error(self.origin, Some(node.place), message);
        false
    }

    fn fields(&mut self, entries: &[(Node, Node)], declaration: &mut Declaration) -> bool {
        let mut sound = true;
        for (key, node) in entries {
            let known = key
                .as_text()
                .and_then(|key| PARAMETER_FIELDS.iter().find(|field| field.name == key));
            let Some(known) = known else {
                self.unknown_key(key);
                sound = false;
                continue;
            };
            let field = if known.name == "values" {
                "range"
            } else {
                known.name
            };
            sound &= self.is_finite(field, node);
            if let Some(first) = self.places.fields.get(field) {
                let first = self.origin.place_in_words(*first);
                let words = if field == "range" {
                    "range (or values)"
                } else {
                    field
                };
                let message = format!("{words} is written twice; the first time at {first}");
                self.report.error(self.origin, Some(key.place), message);
                sound = false;
                continue;
            }
            self.places.fields.insert(field, node.place);
            self.set(field, node, declaration);
        }
        sound
    }

    fn set(&mut self, field: &str, node: &Node, declaration: &mut Declaration) {
        let value = Some(node.value());
        match field {
            "type" => declaration.kind = value,
            "range" => declaration.range = value,
            "scale" => declaration.scale = value,
            "step" => declaration.step = value,
            "value" => declaration.value = value,
            "mutable" => declaration.mutable = value,
            "strict" => declaration.strict = value,
            _ => {
                declaration.when = value;
                for (parent, _) in node.as_entries().unwrap_or_default() {
                    let name = parent.as_text().unwrap_or_default().to_owned();
                    self.places.parents.insert(name, parent.place);
                }
            }
        }
    }

    fn unknown_key(&mut self, key: &Node) {
        let names: Vec<&str> = PARAMETER_FIELDS.iter().map(|field| field.name).collect();
        let message = match key.as_text() {
            Some(text) => {
                let hint = did_you_mean(text, names.iter().copied());
                if let Some(field) = names
                    .iter()
                    .find(|name| hint.contains(&format!("'{name}'")))
                {
                    self.refused
                        .push(if *field == "values" { "range" } else { field });
                }
                let hint = if hint.is_empty() {
                    format!("; the known keys are {}", names.join(", "))
                } else {
                    hint
                };
                format!("unknown key '{}'{hint}", shown(text))
            }
            None => format!("a key must be text, not {}", in_words(key)),
        };
        self.report.error(self.origin, Some(key.place), message);
    }

    /// Refuses NaN and infinities wherever they stand.
    fn is_finite(&mut self, field: &'static str, node: &Node) -> bool {
        let Some(place) = first_infinite(node) else {
            return true;
        };
        self.report.error(
            self.origin,
            Some(place),
            format!("{field} must hold finite numbers only"),
        );
        self.refused.push(field);
        false
    }
}

fn first_infinite(node: &Node) -> Option<Place> {
    match &node.kind {
        NodeKind::Scalar(Value::Float(number)) => (!number.is_finite()).then_some(node.place),
        NodeKind::Scalar(_) => None,
        NodeKind::List(items) | NodeKind::Tuple(items) => items.iter().find_map(first_infinite),
        NodeKind::Dict(entries) => entries
            .iter()
            .find_map(|(key, item)| first_infinite(key).or_else(|| first_infinite(item))),
    }
}
