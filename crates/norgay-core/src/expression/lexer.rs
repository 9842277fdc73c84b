//! Cuts a text into tokens, one at a time, so that no list of them takes memory.

use super::cursor::Cursor;
use super::error::{ExpressionError, Problem, shortened};
use super::number_literal::read_number;
use super::text_literal::{Escapes, read_text};
use crate::node::Place;

/// A token with its place.
#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub place: Place,
    pub kind: TokenKind<'a>,
    /// Whether a line ended between the token before and this one.
    pub after_newline: bool,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind<'a> {
    Text(String),
    /// The magnitude of a whole number; 2 to the 63rd is allowed for the sake of a minus before.
    Int(u64),
    Float(f64),
    /// A name or a keyword.
    Name(&'a str),
    Symbol(&'static str),
    End,
}

impl TokenKind<'_> {
    pub fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self, Self::Symbol(found) if *found == symbol)
    }

    pub fn is_name(&self, name: &str) -> bool {
        matches!(self, Self::Name(found) if *found == name)
    }

    /// The token as an error tells of it.
    pub fn described(&self) -> String {
        match self {
            Self::Text(text) => format!("the text '{}'", shortened(text)),
            Self::Int(number) => format!("the number {number}"),
            Self::Float(number) => format!("the number {number}"),
            Self::Name(name) => format!("'{}'", shortened(name)),
            Self::Symbol(symbol) => format!("'{symbol}'"),
            Self::End => "the end of the text".to_owned(),
        }
    }
}

/// Every symbol of Python's expressions, longer ones before those that they begin with.
const SYMBOLS: [&str; 34] = [
    "...", "**", "//", "==", "!=", "<=", ">=", "<<", ">>", ":=", "&&", "||", "(", ")", "[", "]",
    "{", "}", ",", ":", ".", ";", "=", "<", ">", "+", "-", "*", "/", "%", "@", "&", "|", "^",
];

/// Reads tokens from a text.
pub(super) struct Lexer<'a> {
    cursor: Cursor<'a>,
    escapes: Escapes,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str, escapes: Escapes) -> Self {
        Self {
            cursor: Cursor::new(text),
            escapes,
        }
    }

    /// The next token; at the end of the text, [`TokenKind::End`] again and again.
    pub fn next(&mut self) -> Result<Token<'a>, ExpressionError> {
        let after_newline = self.skip_blanks();
        let place = self.cursor.place();
        let kind = match self.cursor.peek() {
            None => TokenKind::End,
            Some('\'' | '"') => {
                TokenKind::Text(read_text(&mut self.cursor, place, Some(self.escapes))?)
            }
            Some(first) if first.is_ascii_digit() || self.at_fraction() => {
                read_number(&mut self.cursor)?
            }
            Some(first) if starts_name(first) => self.name_or_text()?,
            Some(first) => TokenKind::Symbol(self.symbol(first)?),
        };
        Ok(Token {
            place,
            kind,
            after_newline,
        })
    }

    /// Skips spaces, comments and newlines; tells whether a line ended.
    fn skip_blanks(&mut self) -> bool {
        let mut ended_line = false;
        while let Some(next) = self.cursor.peek() {
            match next {
                ' ' | '\t' | '\u{c}' => {
                    self.cursor.bump();
                }
                '\n' => {
                    ended_line = true;
                    self.cursor.bump();
                }
                '#' => {
                    self.cursor
                        .take_while(|character| !matches!(character, '\n' | '\r'));
                }
                '\\' if self.continues_line() => {
                    self.cursor.bump();
                    self.cursor.bump();
                }
                _ => break,
            }
        }
        ended_line
    }

    /// Whether a backslash comes next that joins this line with the one below.
    fn continues_line(&self) -> bool {
        self.cursor.rest().starts_with("\\\n") || self.cursor.rest().starts_with("\\\r")
    }

    /// Whether a number without digits before its point comes next.
    fn at_fraction(&self) -> bool {
        self.cursor
            .rest()
            .strip_prefix('.')
            .is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_digit()))
    }

    fn name_or_text(&mut self) -> Result<TokenKind<'a>, ExpressionError> {
        let place = self.cursor.place();
        let name = self.cursor.take_while(continues_name);
        if !matches!(self.cursor.peek(), Some('\'' | '"')) {
            return Ok(TokenKind::Name(name));
        }
        let escapes = match name.to_ascii_lowercase().as_str() {
            "r" => None,
            "u" => Some(self.escapes),
            "b" | "br" | "rb" => {
                let instead = "remove the prefix to write text";
                return Err(Problem::refused("bytes (the prefix b)", instead).at(place));
            }
            "f" | "fr" | "rf" | "t" | "tr" | "rt" => {
                let instead = "join the parts with +, as in 'a' + str(tp['b'])";
                let construct = format!("formatted text (the prefix {name})");
                return Err(Problem::refused(construct, instead).at(place));
            }
            _ => {
                let found = format!("'{}'", shortened(name));
                let expected = "no name directly before a quote".to_owned();
                return Err(Problem::Unexpected { expected, found }.at(place));
            }
        };
        read_text(&mut self.cursor, place, escapes).map(TokenKind::Text)
    }

    fn symbol(&mut self, first: char) -> Result<&'static str, ExpressionError> {
        let known = SYMBOLS.iter().find(|symbol| self.cursor.eat(symbol));
        known.copied().ok_or_else(|| {
            let hint = match first {
                '\u{2018}'..='\u{201f}' => "; write straight quotes, ' or \"",
                '!' => "; write 'not' or '!='",
                '?' => "; Python has no such operator",
                '\u{a0}' => "; write an ordinary space",
                '~' => "; there is no bitwise arithmetic",
                _ => "",
            };
            Problem::Character {
                character: first,
                hint,
            }
            .at(self.cursor.place())
        })
    }
}

pub(super) fn starts_name(character: char) -> bool {
    character == '_' || character.is_alphabetic()
}

pub(super) fn continues_name(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}
