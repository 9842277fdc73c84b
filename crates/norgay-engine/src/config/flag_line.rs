//! Command lines and flag files, taken apart as absl does it.

use std::sync::Arc;

use norgay_core::Place;

use super::flag_table::{FLAGS, FlagEntry, Target};
use super::shape::Shape;
use super::source_text::{Base, Origin, Report, did_you_mean, shown};

/// How deep flag files may name flag files.
const MAX_FLAG_FILE_DEPTH: usize = 8;

/// The most arguments, those of flag files included.
const MAX_ARGUMENTS: usize = 10_000;

/// What the command line is called in findings.
pub(super) const COMMAND_LINE: &str = "command line";

/// A flag with its value as text, and where it was given.
pub(super) struct GivenFlag {
    pub entry: &'static FlagEntry,
    pub value: String,
    pub origin: Origin,
}

/// An argument of the command line, or a line of a flag file.
struct Argument {
    text: String,
    file: Option<(Arc<str>, Place)>,
}

impl Argument {
    /// An origin that starts some characters into the argument.
    fn origin(&self, flag: &str, characters: usize) -> Origin {
        let (source, base) = match &self.file {
            None => (COMMAND_LINE, Base::Nowhere),
            Some((file, place)) => {
                let skipped = u32::try_from(characters).unwrap_or(u32::MAX);
                let column = place.column.saturating_add(skipped);
                (
                    file.as_ref(),
                    Base::Line(Place {
                        line: place.line,
                        column,
                    }),
                )
            }
        };
        let subject = if flag.is_empty() {
            String::new()
        } else {
            format!("flag '--{flag}'")
        };
        Origin {
            noun: "flag",
            ..Origin::new(source, subject, base)
        }
    }
}

/// Reads files that flags name.
pub(super) type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// The flags of a command line in their order, flag files unfolded at their places.
pub(super) fn given_flags(
    args: &[String],
    read_file: ReadFile<'_>,
    report: &mut Report,
) -> Vec<GivenFlag> {
    let arguments = args
        .iter()
        .map(|text| Argument {
            text: text.clone(),
            file: None,
        })
        .collect();
    let mut unfolding = Unfolding {
        read_file,
        report,
        open: Vec::new(),
        flat: Vec::new(),
        is_full: false,
    };
    unfolding.unfold(arguments);
    let flat = unfolding.flat;
    let mut flags = Vec::new();
    let mut rest = flat.iter();
    while let Some(argument) = rest.next() {
        if argument.text == "--" {
            for positional in rest.by_ref() {
                unexpected(positional, report);
            }
        } else if let Some(body) = flag_body(&argument.text) {
            flags.extend(one_flag(argument, body, &mut rest, report));
        } else {
            unexpected(argument, report);
        }
    }
    flags
}

/// The text after one or two dashes.
fn flag_body(text: &str) -> Option<&str> {
    let body = text.strip_prefix("--").or_else(|| text.strip_prefix('-'))?;
    (!body.is_empty()).then_some(body)
}

fn unexpected(argument: &Argument, report: &mut Report) {
    let message = format!(
        "'{}' is no flag; flags start with --",
        shown(&argument.text)
    );
    report.error(&argument.origin("", 0), None, message);
}

fn one_flag(
    argument: &Argument,
    body: &str,
    rest: &mut std::slice::Iter<'_, Argument>,
    report: &mut Report,
) -> Option<GivenFlag> {
    let (name, value) = match body.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (body, None),
    };
    let Some((entry, negated)) = find(name) else {
        let hint = did_you_mean(&plain(name), FLAGS.iter().map(|flag| flag.name));
        let hint = if name.contains(char::is_whitespace) {
            "; write --flag=value in a flag file".to_owned()
        } else {
            hint
        };
        let message = format!("there is no flag '--{}'{hint}", shown(name));
        report.error(&argument.origin("", 0), None, message);
        return None;
    };
    let given = |value: String, origin| {
        Some(GivenFlag {
            entry,
            value,
            origin,
        })
    };
    let boolean = matches!(entry.shape, Shape::Flag);
    let dashes = argument.text.len() - body.len();
    let origin = argument.origin(entry.name, dashes + name.chars().count() + 1);
    match value {
        Some(_) if negated => {
            let message = format!("--{name} takes no value");
            report.error(&argument.origin(entry.name, 0), None, message);
            None
        }
        Some(value) => given(value.to_owned(), origin),
        None if boolean => given((!negated).to_string(), argument.origin(entry.name, 0)),
        None => match rest.as_slice().first() {
            Some(next) if !next.text.starts_with("--") => {
                rest.next();
                given(next.text.clone(), next.origin(entry.name, 0))
            }
            _ => {
                let message = "needs a value, as in --flag=value";
                report.error(&argument.origin(entry.name, 0), None, message);
                None
            }
        },
    }
}

fn plain(name: &str) -> String {
    name.replace('-', "_")
}

/// The flag of a name, and whether it is negated by `no`.
fn find(name: &str) -> Option<(&'static FlagEntry, bool)> {
    let name = plain(name);
    let exact = |name: &str| FLAGS.iter().find(|flag| flag.name == name);
    if let Some(entry) = exact(&name) {
        return Some((entry, false));
    }
    let positive = name.strip_prefix("no")?;
    let entry = exact(positive).or_else(|| exact(positive.strip_prefix('_')?))?;
    matches!(entry.shape, Shape::Flag).then_some((entry, true))
}

struct Unfolding<'a> {
    read_file: ReadFile<'a>,
    report: &'a mut Report,
    /// The flag files that are being read, outermost first.
    open: Vec<String>,
    flat: Vec<Argument>,
    /// Whether there were too many lines, which has been told.
    is_full: bool,
}

impl Unfolding<'_> {
    fn unfold(&mut self, arguments: Vec<Argument>) {
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            if argument.text == "--" {
                self.flat.push(argument);
                self.flat.extend(rest);
                return;
            }
            match flag_file(&argument.text) {
                FlagFile::No => self.flat.push(argument),
                FlagFile::Named(file) => self.file(file.to_owned(), &argument),
                FlagFile::Next => match rest.next() {
                    Some(next) => self.file(next.text, &argument),
                    None => self.error(&argument, "needs a value, as in --flagfile=flags.txt"),
                },
            }
        }
    }

    fn error(&mut self, argument: &Argument, message: impl Into<String>) {
        self.report
            .error(&argument.origin("flagfile", 0), None, message);
    }

    fn file(&mut self, file: String, argument: &Argument) {
        if self.is_full {
            return;
        }
        if self.open.contains(&file) {
            let chain = self.open.join("' names '");
            self.error(
                argument,
                format!("flag files in a circle: '{chain}' names '{file}'"),
            );
            return;
        }
        if self.open.len() >= MAX_FLAG_FILE_DEPTH {
            let message = format!("flag files are nested more than {MAX_FLAG_FILE_DEPTH} deep");
            self.error(argument, message);
            return;
        }
        match (self.read_file)(&file) {
            Ok(text) => {
                let lines = arguments_of_file(&text, &file);
                // Files that name files several times could multiply without end.
                if self.flat.len() + lines.len() > MAX_ARGUMENTS {
                    self.is_full = true;
                    self.error(
                        argument,
                        format!("more than {MAX_ARGUMENTS} lines of flags"),
                    );
                    return;
                }
                self.open.push(file);
                self.unfold(lines);
                self.open.pop();
            }
            Err(message) => self.error(argument, message),
        }
    }
}

/// How an argument relates to flag files.
enum FlagFile<'a> {
    /// It is about something else.
    No,
    /// It names one.
    Named(&'a str),
    /// The next argument names one.
    Next,
}

fn flag_file(text: &str) -> FlagFile<'_> {
    let Some(body) = flag_body(text) else {
        return FlagFile::No;
    };
    let (name, value) = match body.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (body, None),
    };
    match find(name) {
        Some((entry, _)) if entry.target == Target::FlagFile => {
            value.map_or(FlagFile::Next, FlagFile::Named)
        }
        _ => FlagFile::No,
    }
}

/// The lines of a flag file that are flags: neither blank nor comments.
fn arguments_of_file(text: &str, file: &str) -> Vec<Argument> {
    let name: Arc<str> = file.into();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut arguments = Vec::new();
    for (line, content) in (1_u32..).zip(text.lines()) {
        let trimmed = content.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') || trimmed.starts_with("//") {
            continue;
        }
        let indent = content.chars().take_while(|c| c.is_whitespace()).count();
        let column = u32::try_from(indent).unwrap_or(u32::MAX).saturating_add(1);
        let file = Some((Arc::clone(&name), Place { line, column }));
        arguments.push(Argument {
            text: trimmed.to_owned(),
            file,
        });
    }
    arguments
}
