//! The arguments of an algorithm, read by name and type.

use std::sync::Arc;

use crate::algorithm::AlgorithmError;
use crate::configuration::Configuration;
use crate::definition::AlgorithmChoice;
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
        self.given(name).filter(|value| **value != Value::None)
    }

    /// The value of an argument, none too, unless it is absent.
    pub fn given(&self, name: &str) -> Option<&'a Value> {
        let mut given = self.given.iter();
        given
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
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

    /// The configuration that a dict is; `place` says where the dict is written.
    pub fn configuration(
        &self,
        place: &str,
        value: &Value,
    ) -> Result<Configuration, AlgorithmError> {
        let pairs = value.as_pairs().ok_or_else(|| {
            let found = value.type_name();
            let message = format!("it must be a dict of parameter values, not a {found}");
            self.wrong(place, message)
        })?;
        let mut entries: Vec<(Arc<str>, Value)> = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let Some(name) = key.as_text() else {
                return Err(self.wrong(place, format!("'{key}' is not a parameter's name")));
            };
            if entries.iter().any(|(known, _)| known.as_ref() == name) {
                return Err(self.wrong(place, format!("'{name}' is given twice")));
            }
            entries.push((name.into(), value.clone()));
        }
        Ok(Configuration::new(entries))
    }

    /// The algorithm that a name, or a dict of a name and arguments, chooses.
    ///
    /// The arguments stand beside the name or in a dict of their own (`args`, `arguments`);
    /// `place` says where the value is written.
    pub fn choice(&self, place: &str, value: &Value) -> Result<AlgorithmChoice, AlgorithmError> {
        let name = value.as_text().or_else(|| value.get("name")?.as_text());
        let Some(name) = name else {
            let message = format!(
                "it must be an algorithm's name or a dict with it, as in \
                 {{name: grid, num_grid_points: 3}}, not {value}"
            );
            return Err(self.wrong(place, message));
        };
        let mut chosen = Vec::new();
        for (key, item) in value.as_pairs().unwrap_or_default() {
            let nested = item.as_pairs();
            match (key.as_text(), nested) {
                (Some("name"), _) => {}
                (Some("args" | "arguments"), Some(pairs)) => chosen.extend(pairs.iter().cloned()),
                _ => chosen.push((key.clone(), item.clone())),
            }
        }
        let arguments = chosen.into_iter().map(|(key, item)| match key.as_text() {
            Some(name) => Ok((name.to_string(), item)),
            None => Err(self.wrong(place, format!("'{key}' is not an argument's name"))),
        });
        Ok(AlgorithmChoice {
            name: name.to_string(),
            arguments: arguments.collect::<Result<_, _>>()?,
        })
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
