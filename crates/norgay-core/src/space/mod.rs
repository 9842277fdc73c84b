//! Search spaces: parameters, conditions between them, and constraints on whole configurations.

mod check;
mod columns;
mod decimals;
mod declaration;
mod parameter;

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use columns::{Activity, Columns, INACTIVE};
pub(crate) use decimals::tidied;
pub use declaration::{Declaration, Field, SpaceError};
pub use parameter::{Condition, Domain, Parameter, Scale};

use check::{check_conditions, check_domain, error, topological_order};

use crate::configuration::Configuration;
use crate::expression::Predicate;
use crate::random::Stream;
use crate::value::Value;

/// How many samples are drawn in search of one that fulfils the constraints.
const SAMPLING_TRIES: u32 = 100_000;

/// A search space whose parameters, conditions and constraints fit together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Space {
    parameters: Vec<Parameter>,
    constraints: Vec<Predicate>,
    index: HashMap<Arc<str>, usize>,
    /// Parents before children.
    order: Vec<usize>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Written {
    parameters: Vec<Parameter>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    constraints: Vec<Predicate>,
}

impl TryFrom<Written> for Space {
    type Error = SpaceError;

    fn try_from(written: Written) -> Result<Self, SpaceError> {
        Self::new(written.parameters, written.constraints).map_err(|mut errors| errors.remove(0))
    }
}

impl From<Space> for Written {
    fn from(space: Space) -> Self {
        Self {
            parameters: space.parameters,
            constraints: space.constraints,
        }
    }
}

/// A configuration does not fit its space.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConfigurationError {
    /// An active parameter has no value.
    #[error("parameter '{name}' has no value")]
    Missing {
        /// The parameter.
        name: Arc<str>,
    },
    /// There is no such parameter.
    #[error("there is no parameter '{name}'; the space has {known}")]
    Unknown {
        /// The name given.
        name: Arc<str>,
        /// The space's parameters.
        known: String,
    },
    /// A value is outside the parameter's domain.
    #[error("parameter '{name}': {value} is not {domain}")]
    Outside {
        /// The parameter.
        name: Arc<str>,
        /// The value given.
        value: Value,
        /// The domain in words.
        domain: String,
    },
    /// A parameter has a value although its condition does not hold.
    #[error("parameter '{name}' is inactive here (its condition does not hold) and takes no value")]
    Inactive {
        /// The parameter.
        name: Arc<str>,
    },
    /// A constraint does not hold.
    #[error("the constraint {constraint} does not hold")]
    Constraint {
        /// Its text.
        constraint: String,
    },
}

/// No configuration that fulfils the constraints was found.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "none of {tries} samples fulfils the constraints; the one most often broken is {constraint}"
)]
pub struct NoFeasibleSample {
    /// How many samples were drawn.
    pub tries: u32,
    /// Text of the constraint that failed most often.
    pub constraint: String,
}

impl Space {
    /// Joins parameters and constraints into a space.
    ///
    /// # Errors
    /// All mistakes at once: names that occur twice, conditions on unknown or later-inactive
    /// parents or in a circle, condition values that the parent never has, constraints on unknown
    /// parameters.
    pub fn new(
        parameters: Vec<Parameter>,
        constraints: Vec<Predicate>,
    ) -> Result<Self, Vec<SpaceError>> {
        let mut errors = Vec::new();
        let mut index = HashMap::with_capacity(parameters.len());
        for (position, parameter) in parameters.iter().enumerate() {
            if index.insert(parameter.name.clone(), position).is_some() {
                errors.push(error(&parameter.name, Field::Name, "the name occurs twice"));
            }
        }
        for parameter in &parameters {
            check_domain(parameter, &mut errors);
            check_conditions(parameter, &parameters, &index, &mut errors);
        }
        let order = topological_order(&parameters, &index, &mut errors);
        for constraint in &constraints {
            for name in constraint.names() {
                if !index.contains_key(&name) {
                    let message = format!("the constraint names no parameter of the space: {name}");
                    errors.push(error(constraint.text(), Field::Whole, &message));
                }
            }
        }
        if errors.is_empty() {
            Ok(Self {
                parameters,
                constraints,
                index,
                order,
            })
        } else {
            Err(errors)
        }
    }

    /// The parameters in the order of their declaration.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The constraints.
    pub fn constraints(&self) -> &[Predicate] {
        &self.constraints
    }

    /// The parameter of this name.
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.index
            .get(name)
            .map(|position| &self.parameters[*position])
    }

    /// The position of a parameter in the order of declaration.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// Draws a configuration that fulfils the constraints: each active parameter independently.
    pub fn sample(&self, stream: &mut Stream) -> Result<Configuration, NoFeasibleSample> {
        let mut broken = vec![0_u32; self.constraints.len()];
        for _ in 0..SAMPLING_TRIES {
            let places: Vec<f64> = self.parameters.iter().map(|_| stream.unit()).collect();
            let configuration = self.at(&places);
            match self.broken_constraint(&configuration) {
                None => return Ok(configuration),
                Some(position) => broken[position] += 1,
            }
        }
        let worst = broken
            .iter()
            .enumerate()
            .max_by_key(|(_, count)| **count)
            .map_or(0, |w| w.0);
        Err(NoFeasibleSample {
            tries: SAMPLING_TRIES,
            constraint: self.constraints[worst].text().to_string(),
        })
    }

    /// The configuration at a point of the unit cube, one coordinate a parameter in the order of
    /// declaration; coordinates of inactive parameters are ignored. Constraints are not checked.
    pub fn at(&self, places: &[f64]) -> Configuration {
        self.configure(|position, parameter| {
            parameter
                .domain
                .at(places.get(position).copied().unwrap_or(0.5))
        })
    }

    /// Builds a configuration by asking for the value of each active parameter, parents first.
    pub fn configure(&self, mut value: impl FnMut(usize, &Parameter) -> Value) -> Configuration {
        let mut values: Vec<Option<Value>> = vec![None; self.parameters.len()];
        for &position in &self.order {
            let parameter = &self.parameters[position];
            if self.is_active(parameter, &values) {
                values[position] = Some(value(position, parameter));
            }
        }
        let named = self.parameters.iter().zip(values);
        named
            .filter_map(|(p, value)| value.map(|value| (p.name.clone(), value)))
            .collect()
    }

    fn is_active(&self, parameter: &Parameter, values: &[Option<Value>]) -> bool {
        parameter.conditions.iter().all(|condition| {
            let parent = self
                .index
                .get(&condition.parent)
                .and_then(|p| values[*p].as_ref());
            parent.is_some_and(|value| {
                condition
                    .values
                    .iter()
                    .any(|wanted| wanted.means_the_same(value))
            })
        })
    }

    /// The point of the unit cube of a configuration; `None` at inactive parameters.
    pub fn places(&self, configuration: &Configuration) -> Vec<Option<f64>> {
        let place = |parameter: &Parameter| {
            configuration
                .get(&parameter.name)
                .and_then(|value| parameter.domain.place_of(value))
        };
        self.parameters.iter().map(place).collect()
    }

    /// Whether all constraints hold.
    pub fn is_feasible(&self, configuration: &Configuration) -> bool {
        self.broken_constraint(configuration).is_none()
    }

    fn broken_constraint(&self, configuration: &Configuration) -> Option<usize> {
        self.constraints.iter().position(|constraint| {
            // An arithmetic error (a division by zero) is a constraint that does not hold.
            !constraint
                .holds(&|name| configuration.get(name).cloned())
                .unwrap_or(false)
        })
    }

    /// Checks a configuration from outside and puts it into the space's order and types.
    ///
    /// Constants may be left out. Entries for which `extra` is true are kept at the end (an
    /// algorithm's bookkeeping).
    pub fn validated(
        &self,
        given: &Configuration,
        extra: impl Fn(&str) -> bool,
    ) -> Result<Configuration, ConfigurationError> {
        for (name, _) in given.entries() {
            if !self.index.contains_key(name) && !extra(name) {
                let known: Vec<&str> = self.parameters.iter().map(|p| p.name.as_ref()).collect();
                return Err(ConfigurationError::Unknown {
                    name: name.clone(),
                    known: known.join(", "),
                });
            }
        }
        let mut problem = None;
        let taken = self.configure(|_, parameter| {
            take(parameter, given).unwrap_or_else(|error| {
                problem.get_or_insert(error);
                Value::None
            })
        });
        if let Some(problem) = problem {
            return Err(problem);
        }
        if let Some(inactive) = given
            .entries()
            .iter()
            .find(|(name, _)| self.index.contains_key(name) && taken.get(name).is_none())
        {
            return Err(ConfigurationError::Inactive {
                name: inactive.0.clone(),
            });
        }
        if let Some(position) = self.broken_constraint(&taken) {
            let constraint = self.constraints[position].text().to_string();
            return Err(ConfigurationError::Constraint { constraint });
        }
        let extras = given
            .entries()
            .iter()
            .filter(|(name, _)| !self.index.contains_key(name));
        Ok(taken.entries().iter().chain(extras).cloned().collect())
    }

    /// How many configurations there are, constraints aside; `None` if they can't be counted.
    pub fn cardinality(&self) -> Option<u64> {
        if self
            .parameters
            .iter()
            .any(|parameter| !parameter.conditions.is_empty())
        {
            return None;
        }
        self.parameters
            .iter()
            .try_fold(1_u64, |product, parameter| {
                Some(product.saturating_mul(parameter.domain.cardinality()?))
            })
    }
}

fn take(parameter: &Parameter, given: &Configuration) -> Result<Value, ConfigurationError> {
    let name = parameter.name.clone();
    match (given.get(&parameter.name), &parameter.domain) {
        (None, Domain::Constant { value }) => Ok(value.clone()),
        (None, _) => Err(ConfigurationError::Missing { name }),
        (Some(value), domain) => domain
            .normalised(value)
            .or_else(|| domain.normalised(&declaration::stored(value)))
            .ok_or_else(|| ConfigurationError::Outside {
                name,
                value: value.clone(),
                domain: in_words(domain),
            }),
    }
}

/// A domain as users read it.
pub fn in_words(domain: &Domain) -> String {
    let log = |scale: &Scale| {
        if *scale == Scale::Log {
            ", log scale"
        } else {
            ""
        }
    };
    let listed = |values: &[Value]| {
        let shown: Vec<String> = values.iter().take(20).map(ToString::to_string).collect();
        shown.join(", ") + if values.len() > 20 { ", ..." } else { "" }
    };
    match domain {
        Domain::Continuous {
            low,
            high,
            scale,
            step,
        } => {
            let step = step.map_or(String::new(), |step| format!(" in steps of {step}"));
            let (low, high) = (Value::Float(*low), Value::Float(*high));
            format!("a number from {low} to {high}{step}{}", log(scale))
        }
        Domain::Discrete {
            low,
            high,
            scale,
            step,
        } => {
            let step = step.map_or(String::new(), |step| format!(" in steps of {step}"));
            format!("a whole number from {low} to {high}{step}{}", log(scale))
        }
        Domain::Ordinal { values } => format!("one of (in order) {}", listed(values)),
        Domain::Choice { values } => format!("one of {}", listed(values)),
        Domain::Constant { value } => format!("the constant {value}"),
    }
}
