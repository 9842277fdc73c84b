//! Reads text in quotes with its escapes.

use super::cursor::Cursor;
use super::error::{ExpressionError, Problem};
use crate::node::Place;

/// Which escapes a text may hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Escapes {
    /// Python's.
    Python,
    /// Python's and JSON's `\/`, which Python would read as two characters.
    PythonAndJson,
}

/// Reads the text whose opening quote comes next; without escapes, backslashes stay.
///
/// `start` is where the text starts with its prefix, for the error that it is not closed.
pub(super) fn read_text(
    cursor: &mut Cursor<'_>,
    start: Place,
    escapes: Option<Escapes>,
) -> Result<String, ExpressionError> {
    let quote = if cursor.peek() == Some('"') {
        ["\"\"\"", "\""]
    } else {
        ["'''", "'"]
    };
    let [triple, single] = quote;
    let is_triple = cursor.eat(triple);
    if !is_triple {
        cursor.eat(single);
    }
    let closing = if is_triple { triple } else { single };
    let unclosed = || {
        Problem::UnclosedText {
            quote: closing.to_owned(),
        }
        .at(start)
    };
    let mut text = String::new();
    while !cursor.eat(closing) {
        let place = cursor.place();
        match (cursor.bump().ok_or_else(unclosed)?, escapes) {
            ('\n', _) if !is_triple => return Err(unclosed()),
            ('\0', _) => {
                return Err(Problem::Character {
                    character: '\0',
                    hint: "",
                }
                .at(place));
            }
            ('\\', None) => {
                text.push('\\');
                text.push(cursor.bump().ok_or_else(unclosed)?);
            }
            ('\\', Some(escapes)) => {
                let named = cursor.bump().ok_or_else(unclosed)?;
                read_escape(cursor, named, escapes, &mut text).map_err(|error| error.at(place))?;
            }
            (character, _) => text.push(character),
        }
    }
    Ok(text)
}

/// Appends what the escape stands for; its backslash and the character after are read.
fn read_escape(
    cursor: &mut Cursor<'_>,
    named: char,
    escapes: Escapes,
    text: &mut String,
) -> Result<(), Problem> {
    let character = match named {
        '\n' => return Ok(()),
        '\\' | '\'' | '"' => named,
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '0'..='7' => octal(cursor, named),
        'x' => character(named, hexadecimal(cursor, named, 2)?)?,
        'u' => utf16(cursor)?,
        'U' => character(named, hexadecimal(cursor, named, 8)?)?,
        'N' => {
            return Err(escape_problem(
                "N",
                "write the character itself or its \\u number",
            ));
        }
        '/' if escapes == Escapes::PythonAndJson => '/',
        other => {
            // Python keeps the backslash of an escape that it doesn't know.
            text.push('\\');
            other
        }
    };
    text.push(character);
    Ok(())
}

/// The character of up to three octal digits; 777 at most, so always a character.
fn octal(cursor: &mut Cursor<'_>, first: char) -> char {
    let mut code = first.to_digit(8).unwrap_or(0);
    for _ in 0..2 {
        let Some(digit) = cursor.peek().and_then(|next| next.to_digit(8)) else {
            break;
        };
        code = code * 8 + digit;
        cursor.bump();
    }
    char::from_u32(code).unwrap_or('\0')
}

fn hexadecimal(cursor: &mut Cursor<'_>, named: char, count: usize) -> Result<u32, Problem> {
    let mut code: u32 = 0;
    for _ in 0..count {
        let Some(digit) = cursor.peek().and_then(|next| next.to_digit(16)) else {
            let why = match count {
                2 => "expected two hexadecimal digits",
                4 => "expected four hexadecimal digits",
                _ => "expected eight hexadecimal digits",
            };
            return Err(escape_problem(&named.to_string(), why));
        };
        // Eight digits are 32 bits at most.
        code = (code << 4) | digit;
        cursor.bump();
    }
    Ok(code)
}

/// The character of `\u`, which may be written as a pair of surrogates, as JSON does.
fn utf16(cursor: &mut Cursor<'_>) -> Result<char, Problem> {
    let first = hexadecimal(cursor, 'u', 4)?;
    if !(0xd800..0xdc00).contains(&first) || !cursor.eat("\\u") {
        return character('u', first);
    }
    let second = hexadecimal(cursor, 'u', 4)?;
    if !(0xdc00..0xe000).contains(&second) {
        return character('u', first);
    }
    character('u', 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
}

fn character(named: char, code: u32) -> Result<char, Problem> {
    char::from_u32(code).ok_or_else(|| {
        let why = if (0xd800..0xe000).contains(&code) {
            "half of a surrogate pair is no character"
        } else {
            "no character has that number"
        };
        let width = if named == 'U' { 8 } else { 4 };
        escape_problem(&format!("{named}{code:0width$x}"), why)
    })
}

fn escape_problem(escape: &str, why: &'static str) -> Problem {
    Problem::Escape {
        escape: format!("\\{escape}"),
        why,
    }
}
