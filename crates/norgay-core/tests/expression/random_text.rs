//! Random expressions of the parameter text, mostly well typed, for comparing with Python.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Writes random expressions; the same seed writes the same ones.
pub struct Writer {
    random: ChaCha8Rng,
}

/// What an expression should give.
#[derive(Clone, Copy, PartialEq)]
enum Type {
    Number,
    Text,
    List,
    Tuple,
    Dict,
    Any,
}

const NUMBER_TEXTS: [&str; 35] = [
    "  12 ",
    "1_000",
    "+5",
    "- 5",
    "-7",
    "1e3",
    "nan",
    "-nan",
    "-inf",
    "Infinity",
    "+INF",
    "0x10",
    "",
    " ",
    "1__0",
    "_1",
    "1_",
    "1.",
    ".5",
    ".",
    "1e",
    "e1",
    "\\x1c7",
    "\\x0b7\\u2003\\x85",
    "007",
    "0_0",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1e400",
    "infinit",
    "1_0.5e1_0",
    "1e-400",
    "\\n3.25\\t",
    "1 2",
];

const PIECES: [&str; 28] = [
    "a",
    "B",
    " ",
    "é",
    "日",
    "😀",
    "\\n",
    "\\t",
    "\\\\",
    "\\'",
    "\\\"",
    "\\x41",
    "\\x00",
    "\\x7f",
    "\\u00e9",
    "\\u200b",
    "\\U0001F600",
    "\\101",
    "\\7",
    "\\d",
    "{",
    "#",
    "%s",
    "\\xa0",
    "\\r",
    "\\a",
    "\\ud7ff",
    "\\ufeff",
];

impl Writer {
    pub fn new(seed: u64) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// A whole parameter text.
    pub fn parameter_text(&mut self) -> String {
        let count = 1 + self.below(3);
        let entries: Vec<String> = (0..count)
            .map(|_| {
                let key = if self.below(4) == 0 {
                    self.text(2)
                } else {
                    self.quoted()
                };
                format!("{key}{}: {}", self.blank(), self.expression(Type::Any, 4))
            })
            .collect();
        format!(
            "{{{}{}}}",
            entries.join(", "),
            if self.below(3) == 0 { ",\n" } else { "" }
        )
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.random.next_u64() % limit as u64) as usize
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn blank(&mut self) -> &'static str {
        self.pick(&["", "", "", " ", "  ", "\n", "\t", " # note\n"])
    }

    fn expression(&mut self, wanted: Type, depth: usize) -> String {
        // Now and then the wrong type, so that Python's refusals are compared as well.
        let wanted = if self.below(40) == 0 {
            Type::Any
        } else {
            wanted
        };
        let text = match wanted {
            Type::Number => self.number(depth),
            Type::Text => self.text(depth),
            Type::List => self.sequence(depth, "[", "]"),
            Type::Tuple => self.sequence(depth, "(", ",)"),
            Type::Dict => self.dict(depth),
            Type::Any => {
                let kinds = [
                    Type::Number,
                    Type::Number,
                    Type::Number,
                    Type::Number,
                    Type::Text,
                    Type::Text,
                    Type::List,
                    Type::Tuple,
                    Type::Dict,
                ];
                let kind = kinds[self.below(kinds.len())];
                return self.expression(kind, depth);
            }
        };
        if self.below(8) == 0 {
            format!("({text}{})", self.blank())
        } else {
            text
        }
    }

    fn number(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.number_leaf();
        }
        let inner = depth - 1;
        match self.below(12) {
            0..=4 => {
                let operator = self.pick(&["+", "-", "*", "/", "//", "%", "+", "-"]);
                let left = self.expression(Type::Number, inner);
                let right = self.expression(Type::Number, inner);
                format!("{left}{}{operator} {right}", self.blank())
            }
            5 => {
                let sign = self.pick(&["-", "+", "- -"]);
                format!("{sign}({})", self.expression(Type::Number, inner))
            }
            6 => self.rounded(inner),
            7 => {
                let function = self.pick(&["int", "float", "int"]);
                let argument = if self.below(2) == 0 {
                    format!("'{}'", self.pick(&NUMBER_TEXTS))
                } else {
                    self.expression(Type::Number, inner)
                };
                format!("{function}({argument})")
            }
            8 => self.extreme(inner),
            _ => self.number_leaf(),
        }
    }

    fn rounded(&mut self, depth: usize) -> String {
        let number = match self.below(3) {
            // Decimal ties, most of which are no ties in binary.
            0 => format!("{}.{}5", self.below(100), self.below(1000)),
            1 => format!("{}5{}", self.below(1000), "0".repeat(self.below(4))),
            _ => self.expression(Type::Number, depth),
        };
        match self.below(3) {
            0 => format!("round({number})"),
            _ => format!("round({number}, {})", self.below(12) as i64 - 5),
        }
    }

    fn extreme(&mut self, depth: usize) -> String {
        let function = self.pick(&["min", "max"]);
        let count = 1 + self.below(3);
        let numbers: Vec<String> = (0..count).map(|_| self.number(depth)).collect();
        match self.below(4) {
            0 => format!("{function}([{}])", numbers.join(", ")),
            1 => format!("{function}(({},))", numbers.join(", ")),
            2 => format!("{function}(tp['list'])"),
            _ => format!("{function}(1, {})", numbers.join(", ")),
        }
    }

    fn number_leaf(&mut self) -> String {
        match self.below(16) {
            0 => {
                let names = [
                    "batch_size",
                    "learning_rate",
                    "units_1",
                    "dropout",
                    "flag",
                    "largest",
                ];
                format!("tp['{}']", self.pick(&names))
            }
            1 => self
                .pick(&["True", "False", "0", "0.0", "-0.0", "tp['nan']"])
                .to_owned(),
            2 => {
                let special = [
                    "9223372036854775807",
                    "-9223372036854775808",
                    "9007199254740993",
                    "1_000",
                ];
                self.pick(&special).to_owned()
            }
            3 => {
                let number = self.random.next_u64() >> self.below(64);
                format!("{}", number >> 1)
            }
            4 => format!("0x{:X}", self.below(1 << 20)),
            5 => format!("{:e}", self.any_float()),
            6 => format!("{:?}", self.any_float()),
            7 => format!("{}e{}", self.below(1000), self.below(40) as i64 - 20),
            8 | 9 => format!("{}.{}", self.below(100), self.below(1000)),
            10 => format!("-{}", self.below(50)),
            _ => self.below(20).to_string(),
        }
    }

    pub fn any_float(&mut self) -> f64 {
        let number = f64::from_bits(self.random.next_u64());
        if number.is_finite() { number } else { 1.5 }
    }

    fn text(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.quoted();
        }
        let inner = depth - 1;
        match self.below(8) {
            0 | 1 => {
                let left = self.expression(Type::Text, inner);
                format!(
                    "{left} +{} {}",
                    self.blank(),
                    self.expression(Type::Text, inner)
                )
            }
            2 | 3 => format!("str({})", self.expression(Type::Any, inner)),
            4 => {
                let names = ["activation", "quote", "activation"];
                format!("tp[\"{}\"]", self.pick(&names))
            }
            5 => format!("{}({})", self.pick(&["min", "max"]), self.quoted()),
            6 => format!("max({}, {})", self.quoted(), self.quoted()),
            _ => self.quoted(),
        }
    }

    fn quoted(&mut self) -> String {
        let quote = self.pick(&["'", "'", "\"", "'''", "\"\"\""]);
        let prefix = self.pick(&["", "", "", "", "r", "u", "R"]);
        let count = self.below(6);
        let pieces: String = (0..count).map(|_| self.pick(&PIECES)).collect();
        let text = format!("{prefix}{quote}{pieces}{quote}");
        if self.below(8) == 0 {
            format!("{text} {}", self.quoted())
        } else {
            text
        }
    }

    fn sequence(&mut self, depth: usize, open: &str, close: &str) -> String {
        if depth == 0 || self.below(6) == 0 {
            let empty = [open, close.trim_start_matches(',')].concat();
            let list = if open == "[" {
                "tp['list']"
            } else {
                "tp['pair']"
            };
            return self.pick(&[&empty, list]).to_owned();
        }
        let inner = depth - 1;
        if self.below(4) == 0 {
            let left = self.sequence(inner, open, close);
            return format!("{left} + {}", self.sequence(inner, open, close));
        }
        let count = 1 + self.below(3);
        let items: Vec<String> = (0..count)
            .map(|_| self.expression(Type::Any, inner))
            .collect();
        format!("{open}{}{close}", items.join(", "))
    }

    fn dict(&mut self, depth: usize) -> String {
        let count = self.below(4).min(depth);
        let entries: Vec<String> = (0..count)
            .map(|_| {
                let key = match self.below(4) {
                    0 => self
                        .pick(&["1", "1.0", "True", "0", "None", "(1, 'a')", "2.5"])
                        .to_owned(),
                    _ => self.quoted(),
                };
                format!(
                    "{key}: {}",
                    self.expression(Type::Any, depth.saturating_sub(1))
                )
            })
            .collect();
        format!("{{{}}}", entries.join(", "))
    }
}
