//! Grid search: every combination of a few values of each parameter, the last name fastest.

use std::sync::Arc;

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, View};
use crate::configuration::Configuration;
use crate::space::{Domain, Scale, Space};
use crate::value::Value;

use super::{AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS};

/// Infeasible or repeated points skipped before the search gives up.
const MAX_SKIPS: u64 = 10_000_000;

pub(super) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "grid",
    aliases: &["GridSearch", "grid_search"],
    summary: "tries every combination of evenly spaced values",
    arguments: &[
        ArgumentEntry {
            name: "num_grid_points",
            default: "2",
            help: "points of each numeric parameter, both ends included; or a number by parameter",
        },
        MAX_NUM_TRIALS,
    ],
    allows_repetition: true,
    build,
};

struct GridSearch {
    /// Position in the space and values of each parameter, in the order of names.
    axes: Vec<(usize, Vec<Value>)>,
    max_num_trials: u64,
    /// Number of points given out, and the index after the last of them: a cache.
    cursor: (u64, u128),
}

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let mut axes = Vec::with_capacity(space.parameters().len());
    for (position, parameter) in space.parameters().iter().enumerate() {
        let points = points_of(arguments, &parameter.name)?;
        axes.push((position, axis(&parameter.domain, points)));
    }
    if let Some(Value::Dict(pairs)) = arguments.get("num_grid_points") {
        for (name, _) in pairs.iter() {
            if name.as_text().is_none_or(|name| space.get(name).is_none()) {
                let message = format!("the space has no parameter '{name}'");
                return Err(arguments.wrong("num_grid_points", message));
            }
        }
    }
    axes.sort_by(|a, b| {
        space.parameters()[a.0]
            .name
            .cmp(&space.parameters()[b.0].name)
    });
    let max_num_trials = arguments.max_num_trials()?;
    Ok(Box::new(GridSearch {
        axes,
        max_num_trials,
        cursor: (0, 0),
    }))
}

/// Points for one parameter: the number for all, or the one given for it (else 2).
fn points_of(arguments: &Arguments<'_>, name: &Arc<str>) -> Result<u64, AlgorithmError> {
    let value = match arguments.get("num_grid_points") {
        Some(dict @ Value::Dict(_)) => dict.get(name),
        other => other,
    };
    let Some(value) = value else { return Ok(2) };
    let number = value
        .as_i64()
        .filter(|number| (1..=1_000_000).contains(number));
    number.map(|number| number as u64).ok_or_else(|| {
        let message = format!("it must be a whole number from 1 to 1000000, not {value}");
        arguments.wrong("num_grid_points", message)
    })
}

/// The values of one parameter, in order and without repeats.
fn axis(domain: &Domain, points: u64) -> Vec<Value> {
    let mut values = match domain {
        Domain::Ordinal { values } | Domain::Choice { values } => return values.clone(),
        Domain::Constant { value } => return vec![value.clone()],
        Domain::Continuous {
            low, high, scale, ..
        } => spaced(*low, *high, *scale, points),
        Domain::Discrete {
            low, high, scale, ..
        } => spaced(*low as f64, *high as f64, *scale, points),
    };
    // Ends are exact; points between keep to the parameter's step or whole numbers.
    let mut kept: Vec<Value> = values.drain(..).filter_map(|x| domain.nearest(x)).collect();
    kept.dedup();
    kept
}

/// Evenly spaced numbers, both ends included; one point is the low end.
fn spaced(low: f64, high: f64, scale: Scale, points: u64) -> Vec<f64> {
    if points == 1 || low == high {
        return vec![low];
    }
    let last = points - 1;
    let between = |k: u64| {
        let part = k as f64 / last as f64;
        match scale {
            Scale::Linear => low * (1.0 - part) + high * part,
            Scale::Log => {
                let (a, b) = (libm::log10(low), libm::log10(high));
                power_of_ten(a * (1.0 - part) + b * part)
            }
        }
    };
    (0..points)
        .map(|k| match k {
            0 => low,
            k if k == last => high,
            k => between(k),
        })
        .collect()
}

/// 10 to a power, exact where the power is whole but for the rounding of logarithms.
fn power_of_ten(exponent: f64) -> f64 {
    let whole = libm::round(exponent);
    if (exponent - whole).abs() < 1e-12 && whole.abs() <= 300.0 {
        // Decimal text is the shortest way to the nearest double of a power of ten.
        format!("1e{whole}")
            .parse()
            .unwrap_or_else(|_| libm::pow(10.0, whole))
    } else {
        libm::pow(10.0, exponent)
    }
}

impl GridSearch {
    /// The configuration at an index of the product, or `None` if the same one has a lower index
    /// (an inactive parameter's other values make the same configuration again).
    fn at(&self, space: &Space, index: u128) -> Option<Configuration> {
        let mut digits = vec![0_usize; space.parameters().len()];
        let mut rest = index;
        for (position, values) in self.axes.iter().rev() {
            digits[*position] = (rest % values.len() as u128) as usize;
            rest /= values.len() as u128;
        }
        let by_position = |position: usize| {
            self.axes
                .iter()
                .find(|(known, _)| *known == position)
                .map(|(_, values)| values)
        };
        let configuration = space.configure(|position, parameter| {
            by_position(position)
                .and_then(|values| values.get(digits[position]))
                .cloned()
                .unwrap_or_else(|| parameter.domain.at(0.0))
        });
        let first_of_its_kind =
            space
                .parameters()
                .iter()
                .enumerate()
                .all(|(position, parameter)| {
                    digits[position] == 0 || configuration.get(&parameter.name).is_some()
                });
        (first_of_its_kind && space.is_feasible(&configuration)).then_some(configuration)
    }

    fn size(&self) -> u128 {
        self.axes.iter().fold(1_u128, |product, (_, values)| {
            product.saturating_mul(values.len() as u128)
        })
    }
}

impl Algorithm for GridSearch {
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        let size = self.size();
        let (mut given, mut index) = self.cursor;
        if given > view.suggested {
            (given, index) = (0, 0);
        }
        let mut skips = 0;
        while index < size {
            let found = self.at(view.space, index);
            index += 1;
            match found {
                Some(configuration) if given == view.suggested => {
                    self.cursor = (given, index - 1);
                    let reason = format!("point {index} of a grid of {size}").into();
                    return Ok(Suggestion::Trial(Proposal {
                        configuration,
                        reason,
                        memo: None,
                    }));
                }
                Some(_) => {
                    given += 1;
                    skips = 0;
                }
                None => skips += 1,
            }
            if skips > MAX_SKIPS {
                return Err(AlgorithmError::Unsuitable {
                    algorithm: ENTRY.name,
                    message: format!(
                        "the constraints leave none of {MAX_SKIPS} grid points in a row; \
                         use fewer points, or the random algorithm"
                    ),
                });
            }
        }
        Ok(Suggestion::Done)
    }
}
