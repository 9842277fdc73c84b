//! Where a value came from, so that a mistake in it is reported at its place; and the list of
//! mistakes itself.

use std::sync::Arc;

use norgay_core::{Node, NodeKind, Place, Value};

use super::finding::{Finding, Findings, Severity};

/// Where a value, or the text that holds it, was written.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// The file or flag.
    pub source: Arc<str>,
    /// What is meant, such as `field 'seed'`.
    pub subject: String,
    /// How places inside it are counted.
    pub base: Base,
    /// `field` or `flag`, for subjects.
    pub noun: &'static str,
}

/// How the places of a text inside another text relate to the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// They are the source's own.
    Own,
    /// There are none to tell, as on a command line.
    Nowhere,
    /// The text is on one line and starts here.
    Line(Place),
    /// The text starts about here, but its lines can't be told apart in the source.
    Inside(Place),
}

impl Origin {
    pub fn new(source: &str, subject: impl Into<String>, base: Base) -> Self {
        Self {
            source: source.into(),
            subject: subject.into(),
            base,
            noun: "field",
        }
    }

    pub fn about(&self, subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            ..self.clone()
        }
    }

    /// The same place, about a field; a flag stays itself.
    pub fn field(&self, path: &str) -> Self {
        if self.noun == "flag" {
            self.clone()
        } else {
            self.about(format!("field '{path}'"))
        }
    }

    /// The origin of a text that is this value, and that has lines and columns of its own.
    pub fn inner_text(&self, value: Place) -> Self {
        match self.base {
            Base::Own => Self {
                base: Base::Inside(value),
                ..self.clone()
            },
            Base::Line(_) | Base::Inside(_) => self.clone(),
            Base::Nowhere => {
                let name = self.subject.split('\'').nth(1).unwrap_or(&self.subject);
                Self {
                    source: name.into(),
                    subject: String::new(),
                    base: Base::Own,
                    noun: self.noun,
                }
            }
        }
    }

    /// A place of this text as one of its source.
    fn locate(&self, place: Option<Place>) -> Option<Place> {
        match (self.base, place) {
            (Base::Own, place) => place,
            (Base::Nowhere, _) => None,
            (Base::Line(start), Some(place)) if place.line == 1 => {
                let column = start.column.saturating_add(place.column).saturating_sub(1);
                Some(Place {
                    line: start.line,
                    column,
                })
            }
            (Base::Line(start) | Base::Inside(start), _) => Some(start),
        }
    }

    /// A place of this text for use inside a message.
    pub fn place_in_words(&self, place: Place) -> String {
        match self.base {
            Base::Own | Base::Nowhere => place.to_string(),
            Base::Line(_) => self.locate(Some(place)).unwrap_or(place).to_string(),
            Base::Inside(_) => format!("{place} of the text"),
        }
    }

    /// A finding at a place in this text.
    fn finding(&self, place: Option<Place>, message: String, severity: Severity) -> Finding {
        let message = match (self.base, place) {
            (Base::Inside(_), Some(place)) => format!("{message} (at {place} of the text)"),
            _ => message,
        };
        Finding {
            source: self.source.to_string(),
            place: self.locate(place),
            subject: self.subject.clone(),
            message,
            severity,
        }
    }
}

/// Collects what readers find, so that all mistakes are told at once.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
}

impl Report {
    pub fn error(&mut self, origin: &Origin, place: Option<Place>, message: impl Into<String>) {
        self.findings
            .push(origin.finding(place, message.into(), Severity::Error));
    }

    pub fn warn(&mut self, origin: &Origin, place: Option<Place>, message: impl Into<String>) {
        self.findings
            .push(origin.finding(place, message.into(), Severity::Warning));
    }

    pub fn has_errors(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    }

    /// The warnings, or everything if there is an error; in the order of the text.
    pub fn finish(mut self) -> Result<Vec<Finding>, Findings> {
        let mut sources: Vec<String> = Vec::new();
        for finding in &self.findings {
            if !sources.contains(&finding.source) {
                sources.push(finding.source.clone());
            }
        }
        self.findings.sort_by_key(|finding| {
            let source = sources.iter().position(|source| *source == finding.source);
            (source, finding.place)
        });
        self.findings.dedup();
        if self.has_errors() {
            Err(Findings(self.findings))
        } else {
            Ok(self.findings)
        }
    }
}

/// `; did you mean 'x'?`, or nothing if no candidate is alike.
pub(crate) fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> String {
    let candidates: Vec<Arc<str>> = candidates.into_iter().map(Arc::from).collect();
    match norgay_core::expression::nearest(name, &candidates) {
        Some(nearest) => format!("; did you mean '{nearest}'?"),
        None => String::new(),
    }
}

/// Text for an error: the start of it if it is long.
pub(super) fn shown(text: &str) -> String {
    const SHOWN_CHARACTERS: usize = 60;
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A value as messages name it.
pub(super) fn in_words(node: &Node) -> String {
    match &node.kind {
        NodeKind::Scalar(Value::None) => "nothing".into(),
        NodeKind::Scalar(Value::Text(text)) => format!("the text '{}'", shown(text)),
        NodeKind::Scalar(value) => format!("the {} {value}", value.type_name()),
        NodeKind::List(_) => "a list".into(),
        NodeKind::Tuple(_) => "a tuple".into(),
        NodeKind::Dict(_) => "a map".into(),
    }
}

/// An error for what can't happen: something is missing, and nobody has told why.
pub(super) fn unexplained(origin: &Origin) -> Findings {
    let message = "it could not be read; please report this as a bug of Norgay".to_owned();
    Findings(vec![origin.finding(None, message, Severity::Error)])
}
