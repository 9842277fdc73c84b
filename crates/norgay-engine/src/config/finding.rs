//! What a reader found wrong or doubtful in a user's text, and where.

use std::fmt;

use norgay_core::Place;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing can start before it is put right.
    Error,
    /// Worth a look.
    Warning,
}

/// One mistake or doubtful place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, or the flag, that the text came from.
    pub source: String,
    /// Where in it, if it has places.
    pub place: Option<Place>,
    /// What is meant, such as `parameter 'learning_rate'`; empty for the text as a whole.
    pub subject: String,
    /// What is wrong and what would be right.
    pub message: String,
    /// How bad it is.
    pub severity: Severity,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.source)?;
        if let Some(place) = self.place {
            write!(formatter, ":{}:{}", place.line, place.column)?;
        }
        if self.severity == Severity::Warning {
            formatter.write_str(": warning")?;
        }
        if !self.subject.is_empty() {
            write!(formatter, ": {}", self.subject)?;
        }
        write!(formatter, ": {}", self.message)
    }
}

/// Everything that was found, when there is at least one error among it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Findings(pub Vec<Finding>);

impl fmt::Display for Findings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, finding) in self.0.iter().enumerate() {
            if position > 0 {
                formatter.write_str("\n")?;
            }
            write!(formatter, "{finding}")?;
        }
        Ok(())
    }
}
