//! Templates with `{name}` placeholders, for commands and environment variables.
//!
//! Only letters, digits, `_`, `-` and `.` between braces make a placeholder; any other brace is
//! itself, so that JSON and shell snippets pass through. `{{` stands for `{`, and the `}}` that
//! follows it for `}`; a `}}` without a `{{` before it is two braces, as nested JSON ends in it.

use norgay_core::Value;

use super::execution::ParameterFormat;

/// What a placeholder may name besides parameters, and what it stands for.
pub const PLACEHOLDERS: &[(&str, &str)] = &[
    ("trial_id", "number of the trial, from 1"),
    ("attempt", "number of the attempt at this trial, from 1"),
    ("run_name", "name of the study"),
    ("input_path", "folder of input files"),
    (
        "output_path",
        "the trial's own folder, with a slash at its end",
    ),
    (
        "output_dir",
        "the trial's own folder, without a slash at its end",
    ),
    (
        "model_input_path",
        "folder of the trial that this one continues, or nothing",
    ),
    ("params", "file of the trial's parameters, as JSON"),
    (
        "resource",
        "the slot that the trial holds, such as a GPU's number; without slots, what the algorithm \
         grants it",
    ),
];

/// A text with placeholders, parsed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Name(String),
}

impl Template {
    /// Parses a template; every text is one.
    pub fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut escaped_open = 0_usize;
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("{{") {
                literal.push('{');
                escaped_open += 1;
                rest = after;
            } else if let Some(after) = rest.strip_prefix("}}").filter(|_| escaped_open > 0) {
                literal.push('}');
                escaped_open -= 1;
                rest = after;
            } else if let Some((name, after)) = placeholder_at_start(rest) {
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Name(name.to_owned()));
                rest = after;
            } else {
                literal.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Self { pieces }
    }

    /// The names that the template mentions, in order, each as often as it stands there.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Name(name) => Some(name.as_str()),
            Piece::Literal(_) => None,
        })
    }

    /// The text with every placeholder replaced; `None` if `lookup` has no value for one.
    pub fn render(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Name(name) => text.push_str(&lookup(name)?),
            }
        }
        Some(text)
    }

    fn is_one_placeholder(&self) -> bool {
        matches!(self.pieces[..], [Piece::Name(_)])
    }

    /// `--flag` or `-f` with nothing else: its value is the next argument.
    fn is_bare_flag(&self) -> bool {
        let [Piece::Literal(text)] = &self.pieces[..] else {
            return false;
        };
        let name = text.strip_prefix("--").or_else(|| text.strip_prefix('-'));
        name.is_some_and(|name| {
            name.starts_with(|first: char| first.is_alphabetic())
                && name.chars().all(is_name_character)
        })
    }
}

fn is_name_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.')
}

/// The name and the rest after it, if the text starts with a placeholder.
fn placeholder_at_start(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix('{')?.split_once('}')?;
    (!name.is_empty() && name.chars().all(is_name_character)).then_some((name, after))
}

/// A program with its arguments, each of them a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandTemplate {
    arguments: Vec<Template>,
}

impl CommandTemplate {
    /// Parses the program and its arguments.
    pub fn parse(command: &[String]) -> Self {
        Self {
            arguments: command
                .iter()
                .map(|argument| Template::parse(argument))
                .collect(),
        }
    }

    /// The names that the command mentions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.arguments.iter().flat_map(Template::names)
    }

    /// The command of one trial.
    ///
    /// An argument that mentions a parameter without a value (one that is not active) is left
    /// out; if it is nothing but the placeholder, so is a bare `--flag` directly before it.
    pub fn render(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
        let mut rendered = Vec::with_capacity(self.arguments.len());
        let mut flag_before = false;
        for argument in &self.arguments {
            match argument.render(lookup) {
                Some(text) => rendered.push(text),
                None if flag_before && argument.is_one_placeholder() => {
                    rendered.pop();
                }
                None => {}
            }
            flag_before = argument.is_bare_flag();
        }
        rendered
    }
}

/// A value as text for a command, a variable or a parameter list (CS-99).
pub fn value_text(value: &Value, format: ParameterFormat) -> String {
    match (format, value) {
        // Text is passed as it is in both forms: quotes around it would be part of the argument.
        (_, Value::Text(text)) => text.to_string(),
        (ParameterFormat::Python, value) => value.to_string(),
        (ParameterFormat::Json, value) => value.to_json().to_string(),
    }
}
