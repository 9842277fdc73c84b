//! A cursor over a text that knows its line and column.

use crate::node::Place;

/// The rest of a text and the place where it starts.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    rest: &'a str,
    place: Place,
}

impl<'a> Cursor<'a> {
    /// Starts at the first character after a byte-order mark.
    pub fn new(text: &'a str) -> Self {
        let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self {
            rest,
            place: Place { line: 1, column: 1 },
        }
    }

    /// Where the next character stands.
    pub fn place(&self) -> Place {
        self.place
    }

    /// All that is not yet read.
    pub fn rest(&self) -> &'a str {
        self.rest
    }

    /// The next character, a carriage return counting as a newline.
    pub fn peek(&self) -> Option<char> {
        self.rest.chars().next().map(as_newline)
    }

    /// Reads one character; each of the three ways to end a line reads as one newline.
    pub fn bump(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let first = characters.next()?;
        if first == '\r' && characters.as_str().starts_with('\n') {
            characters.next();
        }
        self.rest = characters.as_str();
        let character = as_newline(first);
        if character == '\n' {
            self.place = Place {
                line: self.place.line + 1,
                column: 1,
            };
        } else {
            self.place.column += 1;
        }
        Some(character)
    }

    /// Reads `text` if it comes next.
    pub fn eat(&mut self, text: &str) -> bool {
        if !self.rest.starts_with(text) {
            return false;
        }
        for _ in text.chars() {
            self.bump();
        }
        true
    }

    /// Reads the longest run of characters that satisfy `belongs`; it must refuse newlines.
    pub fn take_while(&mut self, mut belongs: impl FnMut(char) -> bool) -> &'a str {
        let start = self.rest;
        while self.rest.chars().next().is_some_and(&mut belongs) {
            self.bump();
        }
        start
            .get(..start.len() - self.rest.len())
            .unwrap_or_default()
    }
}

fn as_newline(character: char) -> char {
    if character == '\r' { '\n' } else { character }
}
