//! The evenly spaced values of one parameter in a grid.

use crate::space::{Domain, Scale, tidied};
use crate::value::Value;

/// Values of one parameter, in order and without repeats; computed where a formula gives them.
pub(super) enum Axis {
    /// Points between two bounds, both included.
    Between {
        low: f64,
        high: f64,
        scale: Scale,
        count: u64,
    },
    /// So many of a domain's numbered values, spread evenly.
    Numbered { of: u64, count: u64 },
    /// These.
    Listed(Vec<Value>),
}

impl Axis {
    /// At most `points` values of a numeric domain, all values of another.
    pub(super) fn new(domain: &Domain, points: u64) -> Self {
        match *domain {
            Domain::Continuous {
                low,
                high,
                scale,
                step: None,
            } => Self::Between {
                low,
                high,
                scale,
                count: distinguishable(low, high, points),
            },
            Domain::Discrete {
                low,
                high,
                scale: Scale::Log,
                ..
            } if domain.cardinality().is_some_and(|all| all > points) => {
                whole_numbers(domain, low, high, points)
            }
            _ => {
                let of = domain.cardinality().unwrap_or(1);
                let count = if domain.is_numeric() {
                    points.min(of)
                } else {
                    of
                };
                Self::Numbered { of, count }
            }
        }
    }

    /// How many values there are.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Between { count, .. } | Self::Numbered { count, .. } => *count,
            Self::Listed(values) => values.len() as u64,
        }
    }

    /// The value number `index`; the domain must be the one that the axis was made of.
    pub(super) fn at(&self, domain: &Domain, index: u64) -> Value {
        let value = match self {
            Self::Between {
                low,
                high,
                scale,
                count,
            } => Some(Value::Float(between(*low, *high, *scale, index, *count))),
            Self::Numbered { of, count } => domain.nth(spread(index, *count, *of)),
            Self::Listed(values) => values.get(index as usize).cloned(),
        };
        value.unwrap_or_else(|| domain.at(0.0))
    }

    /// Which value it is that a trial was given.
    pub(super) fn find(&self, domain: &Domain, value: &Value) -> Option<u64> {
        let (mut low, mut high) = (0, self.len().checked_sub(1)?);
        if !domain.is_numeric() {
            return (low..=high).find(|index| self.at(domain, *index) == *value);
        }
        let wanted = value.as_f64()?;
        while low < high {
            let middle = low + (high - low) / 2;
            if self.at(domain, middle).as_f64()? < wanted {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.at(domain, low).means_the_same(value).then_some(low)
    }
}

/// The number of points, or fewer if neighbouring ones would be the same double.
fn distinguishable(low: f64, high: f64, points: u64) -> u64 {
    let gap = high / points as f64 - low / points as f64;
    if low == high {
        1
    } else if gap <= 16.0 * f64::EPSILON * low.abs().max(high.abs()) {
        points.min(2)
    } else {
        points
    }
}

/// Evenly spaced on a log scale, rounded; those that round to the same number count once.
fn whole_numbers(domain: &Domain, low: i64, high: i64, points: u64) -> Axis {
    let number = |index| match index {
        0 => Some(Value::Int(low)),
        last if last + 1 == points => Some(Value::Int(high)),
        index => domain.nearest(between(low as f64, high as f64, Scale::Log, index, points)),
    };
    let mut values: Vec<Value> = (0..points).filter_map(number).collect();
    values.dedup();
    Axis::Listed(values)
}

/// Point `index` of `count` between two bounds, as a decimal where rounding hides one.
fn between(low: f64, high: f64, scale: Scale, index: u64, count: u64) -> f64 {
    if index == 0 {
        return low;
    }
    if index + 1 == count {
        return high;
    }
    let part = index as f64 / (count - 1) as f64;
    let mix = |low: f64, high: f64| low * (1.0 - part) + high * part;
    let number = match scale {
        Scale::Linear => tidied(
            mix(low, high),
            high / (count - 1) as f64 - low / (count - 1) as f64,
        ),
        Scale::Log => {
            let (a, b) = (libm::log10(low), libm::log10(high));
            let number = libm::pow(10.0, mix(a, b));
            tidied(number, number * (b - a) / (count - 1) as f64)
        }
    };
    number.clamp(low, high)
}

/// The value number `index` of `count` when `of` numbered values are spread evenly.
fn spread(index: u64, count: u64, of: u64) -> u64 {
    let (index, last) = (u128::from(index), u128::from(count.max(2) - 1));
    let all = u128::from(of.max(1) - 1);
    ((2 * index * all + last) / (2 * last)) as u64
}
