//! Python's text form of a value: `str()` and `repr()`.
//!
//! The forms are CPython's to the byte, because what a trial receives in text must not depend
//! on whether Python or Norgay wrote it.

use std::fmt::{self, Write};

use unicode_general_category::{GeneralCategory, get_general_category};

use crate::value::Value;

/// What Python's `str()` gives.
pub fn str_of(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        other => repr_of(other),
    }
}

/// What Python's `repr()` gives.
pub fn repr_of(value: &Value) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = write_repr(&mut text, value);
    text
}

/// What Python's `repr()` gives if it has at most `limit` bytes; stops writing beyond them.
pub fn repr_within(value: &Value, limit: usize) -> Option<String> {
    let mut sink = Limited {
        text: Some(String::new()),
        length: 0,
        limit,
    };
    write_repr(&mut sink, value).ok()?;
    sink.text
}

/// The number of bytes of Python's `repr()` if it is at most `limit`; costs no memory.
pub fn repr_length_within(value: &Value, limit: usize) -> Option<usize> {
    let mut sink = Limited {
        text: None,
        length: 0,
        limit,
    };
    write_repr(&mut sink, value).ok()?;
    Some(sink.length)
}

/// A place to write to that refuses to grow beyond a limit, and may keep nothing but the length.
struct Limited {
    text: Option<String>,
    length: usize,
    limit: usize,
}

impl Write for Limited {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.length = self.length.saturating_add(piece.len());
        if self.length > self.limit {
            return Err(fmt::Error);
        }
        if let Some(text) = &mut self.text {
            text.push_str(piece);
        }
        Ok(())
    }
}

/// What is still to be written; a list of these instead of recursion keeps the stack flat.
enum Pending<'a> {
    Value(&'a Value),
    Text(&'static str),
}

fn write_repr(out: &mut impl Write, value: &Value) -> fmt::Result {
    let mut pending = vec![Pending::Value(value)];
    while let Some(next) = pending.pop() {
        match next {
            Pending::Text(text) => out.write_str(text)?,
            Pending::Value(Value::None) => out.write_str("None")?,
            Pending::Value(Value::Bool(true)) => out.write_str("True")?,
            Pending::Value(Value::Bool(false)) => out.write_str("False")?,
            Pending::Value(Value::Int(number)) => write!(out, "{number}")?,
            Pending::Value(Value::Float(number)) => write_float(out, *number)?,
            Pending::Value(Value::Text(text)) => write_text(out, text)?,
            Pending::Value(Value::List(items)) => {
                out.write_str("[")?;
                push_items(&mut pending, items, "]");
            }
            Pending::Value(Value::Tuple(items)) => {
                out.write_str("(")?;
                push_items(
                    &mut pending,
                    items,
                    if items.len() == 1 { ",)" } else { ")" },
                );
            }
            Pending::Value(Value::Dict(pairs)) => {
                out.write_str("{")?;
                push_pairs(&mut pending, pairs);
            }
        }
    }
    Ok(())
}

/// Puts items on the stack, last one first, so that the first is written next.
fn push_items<'a>(pending: &mut Vec<Pending<'a>>, items: &'a [Value], end: &'static str) {
    pending.push(Pending::Text(end));
    for (index, item) in items.iter().enumerate().rev() {
        pending.push(Pending::Value(item));
        if index > 0 {
            pending.push(Pending::Text(", "));
        }
    }
}

fn push_pairs<'a>(pending: &mut Vec<Pending<'a>>, pairs: &'a [(Value, Value)]) {
    pending.push(Pending::Text("}"));
    for (index, (key, value)) in pairs.iter().enumerate().rev() {
        pending.push(Pending::Value(value));
        pending.push(Pending::Text(": "));
        pending.push(Pending::Value(key));
        if index > 0 {
            pending.push(Pending::Text(", "));
        }
    }
}

/// Writes the shortest digits that read back as the same float, laid out as Python does:
/// an exponent of at least two digits below 0.0001 and from 1e16 on, else plain decimals.
fn write_float(out: &mut impl Write, number: f64) -> fmt::Result {
    if number.is_nan() {
        return out.write_str("nan");
    }
    if number.is_sign_negative() {
        out.write_str("-")?;
    }
    if number.is_infinite() {
        return out.write_str("inf");
    }
    let shortest = shortest_digits(number.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return write!(out, "{mantissa}e{sign}{:02}", exponent.unsigned_abs());
    }
    let digits: String = mantissa.chars().filter(|digit| *digit != '.').collect();
    if exponent < 0 {
        let zeros = exponent.unsigned_abs() as usize - 1;
        return write!(out, "0.{:0<zeros$}{digits}", "");
    }
    let whole = exponent as usize + 1;
    match digits.get(whole..) {
        Some(fraction) if !fraction.is_empty() => {
            write!(
                out,
                "{}.{fraction}",
                digits.get(..whole).unwrap_or_default()
            )
        }
        _ => write!(out, "{digits:0<whole$}.0"),
    }
}

/// The shortest digits that read back as the same float, in the form "d.ddde<exponent>".
///
/// Where two such texts are equally near, Python takes the one with the even last digit, as
/// rounding to that many digits does, while Rust's shortest form may take the other.
fn shortest_digits(magnitude: f64) -> String {
    let shortest = format!("{magnitude:e}");
    let digits = shortest
        .split_once('e')
        .map_or("", |(mantissa, _)| mantissa);
    let decimals = digits.len().saturating_sub("d.".len());
    let nearest = format!("{magnitude:.decimals$e}");
    let reads_back = nearest.parse::<f64>().is_ok_and(|read| read == magnitude);
    if reads_back { nearest } else { shortest }
}

/// Writes text in quotes: single ones, unless it holds only single ones itself.
fn write_text(out: &mut impl Write, text: &str) -> fmt::Result {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.write_char(quote)?;
    for character in text.chars() {
        match character {
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            _ if character == quote => write!(out, "\\{character}")?,
            _ if is_printable(character) => out.write_char(character)?,
            _ => match u32::from(character) {
                code @ 0..=0xff => write!(out, "\\x{code:02x}")?,
                code @ 0x100..=0xffff => write!(out, "\\u{code:04x}")?,
                code => write!(out, "\\U{code:08x}")?,
            },
        }
    }
    out.write_char(quote)
}

/// Whether Python shows the character as it is: neither control, unassigned nor a separator.
fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return (' '..='~').contains(&character);
    }
    !matches!(
        get_general_category(character),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::Surrogate
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::SpaceSeparator
    )
}
