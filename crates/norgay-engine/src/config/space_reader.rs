//! Search spaces as users write them.
//!
//! The reference's forms are one object, a list of objects, and objects in a row; they are
//! literals of Python or JSON. Norgay's own form is a YAML map, in which a bare value is a
//! constant and a bare list a choice. Every mistake is told at once, each with its place.

use std::collections::{HashMap, HashSet};

use norgay_core::expression::{Predicate, parse_literal_row};
use norgay_core::space::{Parameter, SpaceError};
use norgay_core::{Node, Place, Space};

use super::finding::{Finding, Findings};
use super::parameter_reader::{EntryReader, Form, Places};
use super::source_text::{Base, Origin, Report, did_you_mean, in_words, shown, unexplained};
use super::yaml::read_yaml;

/// Reads a search space with its warnings.
///
/// A text that starts with a bracket is read as literals of Python or JSON, unless its name ends
/// in `.yaml` or `.yml`; any other is read as YAML.
///
/// # Errors
/// Every mistake at once, each with the parameter's name and a place.
pub fn read_space(text: &str, source_name: &str) -> Result<(Space, Vec<Finding>), Findings> {
    let origin = Origin::new(source_name, "", Base::Own);
    let mut report = Report::default();
    let space = written_space(text, &origin, &mut report)
        .and_then(|written| written.finish(Vec::new(), &mut report));
    let warnings = report.finish()?;
    space
        .map(|space| (space, warnings))
        .ok_or_else(|| unexplained(&origin))
}

/// A constraint and where it is written.
pub(super) struct PlacedConstraint {
    pub predicate: Predicate,
    pub origin: Origin,
    pub place: Option<Place>,
}

/// Reads the parameters of a text; `None` if it can't be parsed at all.
pub(super) fn written_space(
    text: &str,
    origin: &Origin,
    report: &mut Report,
) -> Option<WrittenSpace> {
    let is_yaml = [".yaml", ".yml"]
        .iter()
        .any(|ending| origin.source.ends_with(ending));
    let start = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if !is_yaml && start.starts_with(['{', '[', '(']) {
        match parse_literal_row(text) {
            Ok(nodes) => Some(WrittenSpace::read(&nodes, Form::Literals, origin, report)),
            Err(error) => {
                report.error(origin, Some(error.place), error.problem.to_string());
                None
            }
        }
    } else {
        match read_yaml(text) {
            Ok(node) => Some(WrittenSpace::read(&[node], Form::Norgay, origin, report)),
            Err(error) => {
                report.error(origin, error.place, error.problem.to_string());
                None
            }
        }
    }
}

/// The parameters of a space before they are joined.
pub(super) struct WrittenSpace {
    origin: Origin,
    parameters: Vec<Parameter>,
    /// All names with the places of what is written about them, those with mistakes too.
    places: HashMap<String, Places>,
    /// Names of parameters with mistakes.
    broken: HashSet<String>,
}

impl WrittenSpace {
    /// Reads the top-level values of a text.
    pub fn read(nodes: &[Node], form: Form, origin: &Origin, report: &mut Report) -> Self {
        let mut space = Self {
            origin: origin.clone(),
            parameters: Vec::new(),
            places: HashMap::new(),
            broken: HashSet::new(),
        };
        for node in nodes {
            match node.as_items() {
                Some(items) => items
                    .iter()
                    .for_each(|item| space.object(item, form, report)),
                None => space.object(node, form, report),
            }
        }
        if space.places.is_empty() && !report.has_errors() {
            let place = nodes.first().map(|node| node.place);
            report.error(origin, place, "the search space has no parameters");
        }
        space
    }

    /// All names, those of parameters with mistakes too, in the order of the text.
    pub fn names(&self) -> Vec<String> {
        let mut known: Vec<(&Places, &String)> = self
            .places
            .iter()
            .map(|(name, places)| (places, name))
            .collect();
        known.sort_by_key(|(places, _)| places.name);
        known.into_iter().map(|(_, name)| name.clone()).collect()
    }

    /// Whether something is written about a parameter, be it with mistakes.
    pub fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    fn object(&mut self, node: &Node, form: Form, report: &mut Report) {
        let Some(entries) = node.as_entries() else {
            let message = format!(
                "expected a map from a parameter's name to its description, found {}",
                in_words(node)
            );
            report.error(&self.origin, Some(node.place), message);
            return;
        };
        for (key, node) in entries {
            if let Some(name) = key.as_text() {
                self.entry(name, key.place, node, form, report);
            } else {
                let message = format!(
                    "a parameter's name must be text, not {}; write it in quotes",
                    in_words(key)
                );
                report.error(&self.origin, Some(key.place), message);
            }
        }
    }

    fn entry(&mut self, name: &str, place: Place, node: &Node, form: Form, report: &mut Report) {
        let origin = self.origin.about(format!("parameter '{}'", shown(name)));
        let mut reader = EntryReader::new(&origin, report, place);
        let parameter = reader.parameter(name, node, form);
        let places = reader.into_places();
        if let Some(first) = self.places.get(name) {
            let first = first.name.map_or(String::new(), |first| {
                format!("; the first time at {}", origin.place_in_words(first))
            });
            report.error(
                &origin,
                Some(place),
                format!("the name occurs twice{first}"),
            );
            self.broken.insert(name.to_owned());
            return;
        }
        self.places.insert(name.to_owned(), places);
        match parameter {
            Some(parameter) => self.parameters.push(parameter),
            None => {
                self.broken.insert(name.to_owned());
            }
        }
    }

    /// Joins the parameters, and finds what is wrong between them. Mistakes that only follow from
    /// others are not told.
    pub fn finish(
        mut self,
        constraints: Vec<PlacedConstraint>,
        report: &mut Report,
    ) -> Option<Space> {
        let mut parameters = std::mem::take(&mut self.parameters);
        parameters.retain(|parameter| !self.broken.contains(parameter.name.as_ref()));
        self.check_parents(report);
        for parameter in &mut parameters {
            parameter.conditions.retain(|condition| {
                let parent = condition.parent.as_ref();
                self.has(parent) && !self.broken.contains(parent)
            });
        }
        let mut sound = Vec::with_capacity(constraints.len());
        for constraint in &constraints {
            if self.check_names(constraint, report) {
                sound.push(constraint.predicate.clone());
            }
        }
        let sound_count = sound.len();
        match Space::new(parameters, sound) {
            Ok(space) => {
                (self.broken.is_empty() && sound_count == constraints.len()).then_some(space)
            }
            Err(errors) => {
                for error in &errors {
                    self.tell(error, &constraints, report);
                }
                None
            }
        }
    }

    /// Tells conditions on unknown parameters.
    fn check_parents(&self, report: &mut Report) {
        for (name, places) in &self.places {
            for (parent, place) in places.parents.iter().filter(|(name, _)| !self.has(name)) {
                let origin = self.origin.about(format!("parameter '{}'", shown(name)));
                let hint = self.hint(parent);
                let message = format!(
                    "when names no parameter of the space: '{}'{hint}",
                    shown(parent)
                );
                report.error(&origin, Some(*place), message);
            }
        }
    }

    /// The known name that is written most alike; of equally like ones the first in the text.
    fn hint(&self, name: &str) -> String {
        /// Beyond so many names the comparison would take long, and the hint is of little use.
        const MOST_NAMES: usize = 1_000;
        if self.places.len() > MOST_NAMES {
            return String::new();
        }
        did_you_mean(name, self.names().iter().map(String::as_str))
    }

    /// Whether a constraint can be joined to the space; unknown names are told here.
    fn check_names(&self, constraint: &PlacedConstraint, report: &mut Report) -> bool {
        let names = constraint.predicate.names();
        for name in names.iter().filter(|name| !self.has(name)) {
            let hint = self.hint(name);
            let origin = constraint
                .origin
                .about(constraint_subject(constraint.predicate.text()));
            let message = format!("there is no parameter '{name}'{hint}");
            report.error(&origin, constraint.place, message);
        }
        names
            .iter()
            .all(|name| self.has(name) && !self.broken.contains(name.as_ref()))
    }

    fn tell(&self, error: &SpaceError, constraints: &[PlacedConstraint], report: &mut Report) {
        if let Some(places) = self.places.get(&error.parameter) {
            let origin = self
                .origin
                .about(format!("parameter '{}'", error.parameter));
            report.error(&origin, places.of(error.field), error.message.clone());
            return;
        }
        let constraint = constraints
            .iter()
            .find(|c| c.predicate.text() == error.parameter);
        let origin = constraint.map_or(&self.origin, |c| &c.origin);
        let origin = origin.about(constraint_subject(&error.parameter));
        report.error(
            &origin,
            constraint.and_then(|c| c.place),
            error.message.clone(),
        );
    }
}

pub(super) fn constraint_subject(text: &str) -> String {
    format!("constraint '{}'", shown(text))
}
