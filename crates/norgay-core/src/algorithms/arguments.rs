//! The arguments of an algorithm, read by name and type.

use crate::algorithm::AlgorithmError;
use crate::value::Value;

use super::AlgorithmEntry;

/// The arguments given to one algorithm.
pub struct Arguments<'a> {
    entry: &'static AlgorithmEntry,
    given: &'a [(String, Value)],
}

impl<'a> Arguments<'a> {
    /// Takes the arguments for an algorithm.
    ///
    /// # Errors
    /// One of them is unknown, or given twice.
    pub fn new(
        entry: &'static AlgorithmEntry,
        given: &'a [(String, Value)],
    ) -> Result<Self, AlgorithmError> {
        let this = Self { entry, given };
        for (position, (name, _)) in given.iter().enumerate() {
            if !entry.arguments.iter().any(|argument| argument.name == name) {
                let known: Vec<&str> = entry.arguments.iter().map(|a| a.name).collect();
                let message = format!("it is unknown; there are {}", known.join(", "));
                return Err(this.wrong(name, message));
            }
            if given[..position].iter().any(|(earlier, _)| earlier == name) {
                return Err(this.wrong(name, "it is given twice"));
            }
        }
        Ok(this)
    }

    /// The value of an argument, unless it is absent or none.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        let found = self
            .given
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value);
        found.filter(|value| **value != Value::None)
    }

    /// The value of an argument that must be there.
    pub fn required(&self, name: &str) -> Result<&'a Value, AlgorithmError> {
        self.get(name)
            .ok_or_else(|| self.wrong(name, "it is missing, and needed"))
    }

    /// A whole number of at least `least`, if given.
    pub fn count(&self, name: &str, least: u64) -> Result<Option<u64>, AlgorithmError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let number = value.as_i64().and_then(|number| u64::try_from(number).ok());
        number
            .filter(|number| *number >= least)
            .map(Some)
            .ok_or_else(|| {
                self.wrong(
                    name,
                    format!("it must be a whole number from {least}, not {value}"),
                )
            })
    }

    /// A truth value.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool, AlgorithmError> {
        match self.get(name) {
            None => Ok(default),
            Some(value) => value
                .as_bool()
                .ok_or_else(|| self.wrong(name, format!("it must be true or false, not {value}"))),
        }
    }

    /// The number of suggestions after which the algorithm ends.
    pub fn max_num_trials(&self) -> Result<u64, AlgorithmError> {
        Ok(self.count("max_num_trials", 0)?.unwrap_or(u64::MAX))
    }

    /// An error about one argument.
    pub fn wrong(&self, name: &str, message: impl Into<String>) -> AlgorithmError {
        AlgorithmError::Argument {
            algorithm: self.entry.name,
            argument: name.to_string(),
            message: message.into(),
        }
    }
}
