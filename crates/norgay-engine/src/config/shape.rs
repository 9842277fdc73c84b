//! The shapes that fields may have: one description serves the check, the schema and the
//! reference text.

/// A field that users may write.
#[derive(Clone, Copy, Debug)]
pub struct FieldEntry {
    /// Its key.
    pub name: &'static str,
    /// What may stand there.
    pub shape: Shape,
    /// What holds if it is absent, as JSON; empty if nothing does.
    pub default: &'static str,
    /// What it means, in a sentence or two.
    pub help: &'static str,
}

/// What may stand in a field.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Any value.
    Any,
    /// A list of any values.
    List,
    /// Text.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number from this one on.
    Whole(u64),
    /// A finite number.
    Number,
    /// A length of time.
    Duration,
    /// An amount of memory.
    Size,
    /// One of these words.
    OneOf {
        /// The words.
        words: &'static [&'static str],
        /// Words that will have a meaning in a later release.
        later: &'static [&'static str],
    },
    /// Text that is split as a shell does, or a list of text and whole numbers.
    Command,
    /// A list of different texts or whole numbers, at least one.
    Slots,
    /// A list of texts, or one text.
    Texts,
    /// A map from names to text or whole numbers.
    Variables,
    /// A map of these fields.
    Fields(&'static [FieldEntry]),
    /// A list of maps of these fields; text in place of `{name: text}`.
    NamesOr(&'static [FieldEntry]),
    /// A map of these fields, or text in place of `{name: text}`.
    NameOr(&'static [FieldEntry]),
    /// An algorithm: its name, or a map of `name` and its arguments.
    Algorithm,
    /// A search space.
    Space,
    /// Parents of a parameter and the values that make it active.
    Conditions,
}

impl Shape {
    /// What is expected, in words.
    pub fn in_words(self) -> String {
        match self {
            Self::Any => "a value".into(),
            Self::List => "a list".into(),
            Self::Text => "text".into(),
            Self::Flag => "true or false".into(),
            Self::Whole(least) => format!("a whole number, at least {least}"),
            Self::Number => "a finite number".into(),
            Self::Duration => "a time such as 90, 90s, 10m, 1h30m or 2d".into(),
            Self::Size => "a size such as 512MB, 2GiB or a number of bytes".into(),
            Self::OneOf { words, .. } => either(words),
            Self::Command => "text, or a list of text and whole numbers".into(),
            Self::Slots => "a list of different texts or whole numbers".into(),
            Self::Texts => "text, or a list of texts".into(),
            Self::Variables => "a map from names to text or whole numbers".into(),
            Self::Fields(_) => "a map".into(),
            Self::NamesOr(_) => "a list of names and maps".into(),
            Self::NameOr(_) => "a name, or a map".into(),
            Self::Algorithm => "a name, or a map of its name and its arguments".into(),
            Self::Space => "a map from names to parameters".into(),
            Self::Conditions => "a map from a parameter to the values of it".into(),
        }
    }
}

/// `a, b or c`.
pub(super) fn either(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
