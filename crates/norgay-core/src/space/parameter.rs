//! One parameter of a search space, and its mapping from and to the unit interval.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::decimals::tidied;
use crate::value::Value;

/// Scale on which a numeric parameter is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Equal differences count the same.
    #[default]
    Linear,
    /// Equal ratios count the same.
    Log,
}

/// The set of values that a parameter may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Domain {
    /// Floats from `low` to `high`, both included.
    Continuous {
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
        /// Scale of the search.
        #[serde(default)]
        scale: Scale,
        /// Distance between the allowed values, counted from `low`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<f64>,
    },
    /// Whole numbers from `low` to `high`, both included.
    Discrete {
        /// Smallest value.
        low: i64,
        /// Largest value.
        high: i64,
        /// Scale of the search.
        #[serde(default)]
        scale: Scale,
        /// Distance between the allowed values, counted from `low`; 1 if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<i64>,
    },
    /// Listed values with an order.
    Ordinal {
        /// The values in order; at least one.
        values: Vec<Value>,
    },
    /// Listed values without an order.
    Choice {
        /// The values; at least one.
        values: Vec<Value>,
    },
    /// One value.
    Constant {
        /// The value.
        value: Value,
    },
}

/// A parent parameter and the values of it for which the child is active.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// Name of the parent parameter.
    pub parent: Arc<str>,
    /// The child is active when the parent has one of these values.
    pub values: Vec<Value>,
}

/// A named dimension of a search space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Name, unique within the space.
    pub name: Arc<str>,
    /// What values it may take.
    #[serde(flatten)]
    pub domain: Domain,
    /// All of these must hold for the parameter to be active; none means always active.
    #[serde(default, rename = "when", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Whether it may change after a trial's first generation (population-based training).
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub mutable: bool,
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
fn is_yes(flag: &bool) -> bool {
    *flag
}

impl Parameter {
    /// An always active, mutable parameter.
    pub fn new(name: impl Into<Arc<str>>, domain: Domain) -> Self {
        Self {
            name: name.into(),
            domain,
            conditions: Vec::new(),
            mutable: true,
        }
    }

    /// The same parameter, active only when `parent` has one of `values`.
    #[must_use]
    pub fn when(mut self, parent: &str, values: Vec<Value>) -> Self {
        self.conditions.push(Condition {
            parent: parent.into(),
            values,
        });
        self
    }
}

impl Domain {
    /// The value at a place of the unit interval; equal lengths are equally likely values.
    ///
    /// A whole number on a log scale owns the interval from half below to half above it, so that
    /// both ends of the range have positive probability.
    pub fn at(&self, place: f64) -> Value {
        let place = if place.is_finite() {
            place.clamp(0.0, 1.0)
        } else {
            0.5
        };
        match self {
            Self::Continuous {
                low,
                high,
                scale,
                step,
            } => Value::Float(continuous_at(*low, *high, *scale, *step, place)),
            Self::Discrete {
                low,
                high,
                scale,
                step,
            } => Value::Int(discrete_at(*low, *high, *scale, step.unwrap_or(1), place)),
            Self::Ordinal { values } | Self::Choice { values } => {
                values[cell(place, values.len() as u64) as usize].clone()
            }
            Self::Constant { value } => value.clone(),
        }
    }

    /// The middle of the part of the unit interval that gives this value; `None` if it is not
    /// in the domain.
    pub fn place_of(&self, value: &Value) -> Option<f64> {
        if !self.contains(value) {
            return None;
        }
        match self {
            Self::Continuous { low, high, .. } if low == high => Some(0.5),
            Self::Continuous {
                low,
                high,
                scale,
                step: None,
            } => Some(part_of(
                scale.forward(value.as_f64()?),
                scale.forward(*low),
                scale.forward(*high),
            )),
            Self::Continuous {
                low,
                high,
                step: Some(step),
                ..
            } => {
                let index = libm::round((value.as_f64()? - low) / step);
                Some((index + 0.5) / steps_between(*low, *high, *step) as f64)
            }
            Self::Discrete {
                low,
                high,
                scale: Scale::Linear,
                step,
            } => {
                let step = step.unwrap_or(1);
                let index = (i128::from(value.as_i64()?) - i128::from(*low)) / i128::from(step);
                Some((index as f64 + 0.5) / count_of(*low, *high, step) as f64)
            }
            Self::Discrete {
                low,
                high,
                scale: Scale::Log,
                ..
            } => {
                let (a, b) = log_bounds(*low, *high);
                Some(part_of(libm::log(value.as_f64()?), a, b))
            }
            Self::Ordinal { values } | Self::Choice { values } => {
                let index = listed_at(values, value)?;
                Some((index as f64 + 0.5) / values.len() as f64)
            }
            Self::Constant { .. } => Some(0.5),
        }
    }

    /// The part of the unit interval that gives this value: a point where every place is a value
    /// of its own, `None` if it is not in the domain.
    pub fn cell_of(&self, value: &Value) -> Option<(f64, f64)> {
        let middle = self.place_of(value)?;
        if let Self::Discrete {
            low,
            high,
            scale: Scale::Log,
            ..
        } = self
        {
            let (a, b) = log_bounds(*low, *high);
            let number = value.as_f64()?;
            let edge = |number: f64| part_of(libm::log(number), a, b);
            return Some((edge(number - 0.5), edge(number + 0.5)));
        }
        let half = self.cardinality().map_or(0.0, |count| 0.5 / count as f64);
        Some(((middle - half).max(0.0), (middle + half).min(1.0)))
    }

    /// Whether the value may be taken (numbers by value: `1` is in a continuous range).
    pub fn contains(&self, value: &Value) -> bool {
        match self {
            Self::Continuous {
                low, high, step, ..
            } => value.as_f64().is_some_and(|number| {
                number >= *low
                    && number <= *high
                    && step.is_none_or(|s| is_on_step(number, *low, s))
            }),
            Self::Discrete {
                low, high, step, ..
            } => value.as_i64().is_some_and(|number| {
                number >= *low
                    && number <= *high
                    && (i128::from(number) - i128::from(*low)) % i128::from(step.unwrap_or(1)) == 0
            }),
            Self::Ordinal { values } | Self::Choice { values } => {
                values.iter().any(|known| known.means_the_same(value))
            }
            Self::Constant { value: known } => known.means_the_same(value),
        }
    }

    /// The value in the domain's own type (an int in a continuous range becomes a float, a
    /// listed value becomes the one listed); `None` if it is not in the domain.
    pub fn normalised(&self, value: &Value) -> Option<Value> {
        if !self.contains(value) {
            return None;
        }
        match self {
            Self::Continuous { step: None, .. } => value.as_f64().map(Value::Float),
            Self::Continuous { .. } => self.nearest(value.as_f64()?),
            Self::Discrete { .. } => value.as_i64().map(Value::Int),
            Self::Ordinal { values } | Self::Choice { values } => {
                listed_at(values, value).map(|index| values[index].clone())
            }
            Self::Constant { value } => Some(value.clone()),
        }
    }

    /// The nearest number of the domain, for a number that may lie outside it.
    ///
    /// Only numeric domains have one; others give `None`, and so does NaN.
    pub fn nearest(&self, number: f64) -> Option<Value> {
        if number.is_nan() {
            return None;
        }
        match self {
            Self::Continuous {
                low, high, step, ..
            } => {
                let clamped = number.clamp(*low, *high);
                let value = match step {
                    None => clamped,
                    Some(step) => {
                        let last = steps_between(*low, *high, *step) - 1;
                        let index = libm::round((clamped - low) / step).clamp(0.0, last as f64);
                        step_at(*low, *high, *step, index as u64)
                    }
                };
                Some(Value::Float(value))
            }
            Self::Discrete {
                low, high, step, ..
            } => {
                let step = step.unwrap_or(1);
                let last = count_of(*low, *high, step) - 1;
                let distance = (number - *low as f64) / step as f64;
                // The last index as a float may be rounded up, beyond the range.
                let index = libm::round(distance).clamp(0.0, last as f64) as i128;
                let index = index.min(i128::from(last));
                Some(Value::Int(
                    (i128::from(*low) + index * i128::from(step)) as i64,
                ))
            }
            _ => None,
        }
    }

    /// The value number `index`, from 0 in ascending or listed order, if the values can be counted.
    pub fn nth(&self, index: u64) -> Option<Value> {
        if self.cardinality().is_none_or(|count| index >= count) {
            return None;
        }
        match self {
            Self::Continuous {
                low,
                high,
                step: Some(step),
                ..
            } => Some(Value::Float(step_at(*low, *high, *step, index))),
            Self::Continuous { low, .. } => Some(Value::Float(*low)),
            Self::Discrete { low, step, .. } => {
                let distance = i128::from(index) * i128::from(step.unwrap_or(1));
                Some(Value::Int((i128::from(*low) + distance) as i64))
            }
            Self::Ordinal { values } | Self::Choice { values } => {
                values.get(usize::try_from(index).ok()?).cloned()
            }
            Self::Constant { value } => Some(value.clone()),
        }
    }

    /// How many values there are; `None` if they can't be counted.
    pub fn cardinality(&self) -> Option<u64> {
        match self {
            Self::Continuous { low, high, .. } if low == high => Some(1),
            Self::Continuous {
                low, high, step, ..
            } => step.map(|step| steps_between(*low, *high, step)),
            Self::Discrete {
                low, high, step, ..
            } => Some(count_of(*low, *high, step.unwrap_or(1))),
            Self::Ordinal { values } | Self::Choice { values } => Some(values.len() as u64),
            Self::Constant { .. } => Some(1),
        }
    }

    /// Whether it is a range of numbers.
    pub fn is_numeric(&self) -> bool {
        matches!(self, Self::Continuous { .. } | Self::Discrete { .. })
    }
}

impl Scale {
    fn forward(self, number: f64) -> f64 {
        match self {
            Self::Linear => number,
            Self::Log => libm::log(number),
        }
    }
}

/// Which of `count` equal cells of the unit interval a place is in.
fn cell(place: f64, count: u64) -> u64 {
    ((place * count as f64) as u64).min(count.saturating_sub(1))
}

fn continuous_at(low: f64, high: f64, scale: Scale, step: Option<f64>, place: f64) -> f64 {
    if let Some(step) = step {
        let index = cell(place, steps_between(low, high, step));
        return step_at(low, high, step, index);
    }
    // The ends are exact, which a logarithm and back is not.
    if place == 0.0 || low == high {
        return low;
    }
    if place == 1.0 {
        return high;
    }
    let value = match scale {
        // Halves keep the difference of two huge bounds finite.
        Scale::Linear => low * (1.0 - place) + high * place,
        Scale::Log => {
            let (a, b) = (libm::log(low), libm::log(high));
            libm::exp(a + place * (b - a))
        }
    };
    value.clamp(low, high)
}

fn discrete_at(low: i64, high: i64, scale: Scale, step: i64, place: f64) -> i64 {
    match scale {
        Scale::Linear => {
            let index = cell(place, count_of(low, high, step));
            (i128::from(low) + i128::from(index) * i128::from(step)) as i64
        }
        Scale::Log => {
            let (a, b) = log_bounds(low, high);
            (libm::round(libm::exp(a + place * (b - a))) as i64).clamp(low, high)
        }
    }
}

fn log_bounds(low: i64, high: i64) -> (f64, f64) {
    (libm::log(low as f64 - 0.5), libm::log(high as f64 + 0.5))
}

fn count_of(low: i64, high: i64, step: i64) -> u64 {
    let count = (i128::from(high) - i128::from(low)) / i128::from(step) + 1;
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// How many values `low + k * step` lie in the range, forgiving the last one's rounding.
fn steps_between(low: f64, high: f64, step: f64) -> u64 {
    libm::floor((high - low) / step + 1e-9) as u64 + 1
}

fn is_on_step(number: f64, low: f64, step: f64) -> bool {
    let distance = (number - low) / step;
    // What rounding may have done to `low + k * step`, in steps.
    let rounding = 2.0 * f64::EPSILON * (number.abs() + low.abs()) / step;
    (distance - libm::round(distance)).abs() < 1e-6 + rounding
}

/// The value `index` steps above `low`.
fn step_at(low: f64, high: f64, step: f64, index: u64) -> f64 {
    tidied(low + index as f64 * step, step).clamp(low, high)
}

/// Which part of the way from `low` to `high` a number is; halves keep huge bounds finite.
fn part_of(number: f64, low: f64, high: f64) -> f64 {
    let whole = high * 0.5 - low * 0.5;
    if whole <= 0.0 {
        return 0.5;
    }
    ((number * 0.5 - low * 0.5) / whole).clamp(0.0, 1.0)
}

/// Where a value is listed: exactly as it is, or else as one that means the same.
fn listed_at(values: &[Value], value: &Value) -> Option<usize> {
    let exactly = values.iter().position(|known| known == value);
    exactly.or_else(|| values.iter().position(|known| known.means_the_same(value)))
}
