//! A JSON reader that also takes Python's `NaN`, `Infinity` and `-Infinity`.

use std::collections::HashMap;
use std::sync::Arc;

use norgay_core::{Place, Value};

use super::{LIMIT_DEPTH, Mistake};

/// The one value that a text holds.
pub(super) fn parse(text: &str) -> Result<Value, Mistake> {
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
    };
    reader.skip_space();
    let value = reader.value()?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(reader.mistake("something follows the end of the value"));
    }
    Ok(value)
}

/// The place right after a text.
pub(super) fn place_after(text: &str) -> Place {
    let line = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let last = text.rsplit('\n').next().unwrap_or_default();
    Place {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(last.chars().count() + 1).unwrap_or(u32::MAX),
    }
}

struct Reader<'a> {
    text: &'a str,
    /// Bytes read so far; always between two characters.
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn mistake(&self, problem: impl Into<String>) -> Mistake {
        Mistake {
            place: place_after(self.text.get(..self.at).unwrap_or_default()),
            problem: problem.into(),
        }
    }

    /// A mistake at the next character, which it names.
    fn unexpected(&self, wanted: &str) -> Mistake {
        match self.rest().chars().next() {
            None => self.mistake(format!("the text ends where {wanted} should be")),
            Some('\'') => self.mistake(format!(
                "{wanted} should be here, not a single quote; JSON has double quotes \
                 (write the file with json.dump)"
            )),
            Some(found) => self.mistake(format!("{wanted} should be here, not {found:?}")),
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self) -> Result<Value, Mistake> {
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::list),
            Some(b'"') => self.string().map(Value::from),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Value, Mistake>,
    ) -> Result<Value, Mistake> {
        if self.depth == LIMIT_DEPTH {
            return Err(self.mistake(format!("it is nested deeper than {LIMIT_DEPTH}")));
        }
        self.depth += 1;
        self.at += 1;
        self.skip_space();
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn list(&mut self) -> Result<Value, Mistake> {
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Value::from(items));
        }
        loop {
            items.push(self.value()?);
            self.skip_space();
            if self.take(b']') {
                return Ok(Value::from(items));
            }
            self.comma("a comma or ']'")?;
        }
    }

    fn object(&mut self) -> Result<Value, Mistake> {
        let mut pairs: Vec<(Value, Value)> = Vec::new();
        let mut positions: HashMap<Arc<str>, usize> = HashMap::new();
        if self.take(b'}') {
            return Ok(Value::Dict(pairs.into()));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a name in double quotes"));
            }
            let key: Arc<str> = self.string()?.into();
            self.skip_space();
            if !self.take(b':') {
                return Err(self.unexpected("a colon"));
            }
            self.skip_space();
            let value = self.value()?;
            let known = positions.get(&key).and_then(|at| pairs.get_mut(*at));
            if let Some(pair) = known {
                pair.1 = value;
            } else {
                positions.insert(key.clone(), pairs.len());
                pairs.push((Value::Text(key), value));
            }
            self.skip_space();
            if self.take(b'}') {
                return Ok(Value::Dict(pairs.into()));
            }
            self.comma("a comma or '}'")?;
        }
    }

    fn comma(&mut self, wanted: &str) -> Result<(), Mistake> {
        if !self.take(b',') {
            return Err(self.unexpected(wanted));
        }
        self.skip_space();
        if matches!(self.peek(), Some(b']' | b'}')) {
            return Err(self.mistake("JSON has no comma before the closing bracket"));
        }
        Ok(())
    }

    fn word(&mut self) -> Result<Value, Mistake> {
        const WORDS: [(&str, Value); 5] = [
            ("null", Value::None),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::Float(f64::NAN)),
            ("Infinity", Value::Float(f64::INFINITY)),
        ];
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_alphanumeric())
            .unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        match WORDS.iter().find(|(name, _)| *name == word) {
            Some((name, value)) => {
                self.at += name.len();
                Ok(value.clone())
            }
            None if matches!(word, "True" | "False" | "None") => Err(self.mistake(format!(
                "{word} is Python, not JSON; write the file with json.dump"
            ))),
            None => Err(self.unexpected("a value")),
        }
    }

    fn number(&mut self) -> Result<Value, Mistake> {
        let start = self.at;
        if self.take(b'-') && self.rest().starts_with("Infinity") {
            self.at += "Infinity".len();
            return Ok(Value::Float(f64::NEG_INFINITY));
        }
        if self.take(b'0') {
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.mistake("a number has no leading zeros in JSON"));
            }
        } else {
            self.digits()?;
        }
        let mut whole = true;
        if self.take(b'.') {
            whole = false;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            whole = false;
            self.at += 1;
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        if whole && let Ok(number) = text.parse() {
            return Ok(Value::Int(number));
        }
        match text.parse() {
            Ok(number) => Ok(Value::Float(number)),
            Err(_) => Err(self.mistake(format!("'{text}' is not a number"))),
        }
    }

    fn digits(&mut self) -> Result<(), Mistake> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.unexpected("a digit"));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<String, Mistake> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let plain = rest
                .find(|c: char| c == '"' || c == '\\' || c < ' ')
                .unwrap_or(rest.len());
            text.push_str(rest.get(..plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                Some(_) => {
                    return Err(self.mistake("a text holds a control character; write it escaped"));
                }
                None => {
                    self.at = start;
                    return Err(self.mistake("the text that starts here has no end"));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Mistake> {
        let character = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.unexpected("one of \"\\/bfnrtu after a backslash")),
        };
        self.at += 1;
        Ok(character)
    }

    /// `\uXXXX`, of which two may make one character; a half of a pair becomes U+FFFD, since
    /// Python writes such halves but no UTF-8 text can hold them.
    fn unicode_escape(&mut self) -> Result<char, Mistake> {
        let first = self.hex()?;
        if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
            let before = self.at;
            self.at += 1;
            let second = self.hex()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// `uXXXX`, from the `u` on.
    fn hex(&mut self) -> Result<u32, Mistake> {
        let digits = self.text.get(self.at + 1..self.at + 5).unwrap_or_default();
        if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(self.mistake("four hexadecimal digits must follow \\u"));
        }
        self.at += 5;
        u32::from_str_radix(digits, 16).map_err(|error| self.mistake(error.to_string()))
    }
}
