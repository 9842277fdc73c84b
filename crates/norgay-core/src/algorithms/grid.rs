//! Grid search: every combination of a few values of each parameter, the last name fastest.
//!
//! The product is never laid out. A point is a row of digits, one an axis in the order of names,
//! and the next point is found by counting on. A point is passed over if it repeats an earlier
//! one (an inactive parameter has one value only, its first) or breaks a constraint; counting
//! then goes on at the last axis that this depends on, so whole blocks are passed at once.

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, View};
use crate::configuration::Configuration;
use crate::space::{Parameter, Space};
use crate::trial::Origin;
use crate::value::Value;

use super::grid_axis::Axis;
use super::{AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS};

/// Blocks of points passed over in a row before the search gives up.
const MAX_SKIPS: u64 = 10_000_000;

/// The most points of one axis.
const MAX_POINTS: i64 = 1_000_000;

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
    /// One axis a parameter, in the order of names.
    axes: Vec<Axis>,
    /// The axis of each parameter, by the parameter's position in the space.
    axis_of: Vec<usize>,
    /// For each axis, the last axis that decides whether its parameter is active.
    decided_at: Vec<usize>,
    /// For each constraint, the last axis that decides whether it holds.
    constraint_at: Vec<usize>,
    max_num_trials: u64,
    /// The number of the point found last, and its digits (`None`: there is none): a cache.
    latest: Option<(u64, Option<Vec<u64>>)>,
}

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    check_names(arguments, space)?;
    let parameters = space.parameters();
    let mut order: Vec<usize> = (0..parameters.len()).collect();
    order.sort_by(|a, b| parameters[*a].name.cmp(&parameters[*b].name));
    let mut axes = Vec::with_capacity(order.len());
    let mut axis_of = vec![0; order.len()];
    for (axis, position) in order.iter().enumerate() {
        let parameter = &parameters[*position];
        axes.push(Axis::new(
            &parameter.domain,
            points_of(arguments, parameter)?,
        ));
        axis_of[*position] = axis;
    }
    let last_axis = |position: usize| last_axis(space, &axis_of, position);
    let constraint_at = space.constraints().iter().map(|constraint| {
        let names = constraint.names();
        let positions = names.iter().filter_map(|name| space.position(name));
        positions.map(last_axis).max().unwrap_or(0)
    });
    Ok(Box::new(GridSearch {
        decided_at: order.iter().map(|position| last_axis(*position)).collect(),
        constraint_at: constraint_at.collect(),
        max_num_trials: arguments.max_num_trials()?,
        axes,
        axis_of,
        latest: None,
    }))
}

/// The last among the axes of a parameter, its parents, their parents and so on.
fn last_axis(space: &Space, axis_of: &[usize], position: usize) -> usize {
    let mut last = 0;
    let mut seen = vec![false; axis_of.len()];
    let mut open = vec![position];
    while let Some(position) = open.pop() {
        if std::mem::replace(&mut seen[position], true) {
            continue;
        }
        last = last.max(axis_of[position]);
        let conditions = &space.parameters()[position].conditions;
        open.extend(conditions.iter().filter_map(|c| space.position(&c.parent)));
    }
    last
}

/// Points for one parameter: the number for all, or the one given for it (else 2).
fn points_of(arguments: &Arguments<'_>, parameter: &Parameter) -> Result<u64, AlgorithmError> {
    let value = match arguments.get("num_grid_points") {
        Some(dict @ Value::Dict(_)) => dict.get(&parameter.name),
        other => other,
    };
    let Some(value) = value else { return Ok(2) };
    let number = value.as_i64().filter(|n| (1..=MAX_POINTS).contains(n));
    number.map(|number| number as u64).ok_or_else(|| {
        let message = format!("it must be a whole number from 1 to {MAX_POINTS}, not {value}");
        arguments.wrong("num_grid_points", message)
    })
}

fn check_names(arguments: &Arguments<'_>, space: &Space) -> Result<(), AlgorithmError> {
    let Some(Value::Dict(pairs)) = arguments.get("num_grid_points") else {
        return Ok(());
    };
    for (name, _) in pairs.iter() {
        let message = match name.as_text().and_then(|name| space.get(name)) {
            Some(parameter) if parameter.domain.is_numeric() => continue,
            Some(_) => format!("'{name}' is no range of numbers: all its values are tried"),
            None => format!("the space has no parameter '{name}'"),
        };
        return Err(arguments.wrong("num_grid_points", message));
    }
    Ok(())
}

impl Algorithm for GridSearch {
    /// O(parameters) a suggestion, besides the points that are passed over.
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        let found = self.point(view)?;
        self.latest = Some((view.suggested, found.clone()));
        let Some(digits) = found else {
            return Ok(Suggestion::Done);
        };
        let sizes = self.axes.iter().map(Axis::len);
        let (index, size) = digits.iter().zip(sizes).fold((0_u128, 1_u128), |at, axis| {
            let (digit, size) = (u128::from(*axis.0), u128::from(axis.1));
            let index = at.0.saturating_mul(size).saturating_add(digit);
            (index, at.1.saturating_mul(size))
        });
        Ok(Suggestion::Trial(Proposal {
            configuration: self.configuration(view.space, &digits).0,
            reason: format!("point {} of a grid of {size}", index.saturating_add(1)).into(),
            memo: None,
        }))
    }
}

impl GridSearch {
    /// The digits of point number `view.suggested`, counting from the nearest known point.
    fn point(&self, view: &View<'_>) -> Result<Option<Vec<u64>>, AlgorithmError> {
        let wanted = view.suggested;
        let known = match &self.latest {
            Some((number, digits)) if *number == wanted => return Ok(digits.clone()),
            Some((number, digits)) if *number < wanted => Some((*number, digits.clone())),
            _ => self
                .latest_of(view)
                .map(|digits| (wanted - 1, Some(digits))),
        };
        let (mut number, mut digits) = match known {
            Some(known) => known,
            None => (0, self.from(view.space, Some(vec![0; self.axes.len()]))?),
        };
        while number < wanted && digits.is_some() {
            let last = self.axes.len().checked_sub(1);
            let next = digits.and_then(|digits| self.count_on(digits, last?));
            digits = self.from(view.space, next)?;
            number += 1;
        }
        Ok(digits)
    }

    /// The digits of the trial suggested last, if the view shows each suggestion exactly once.
    fn latest_of(&self, view: &View<'_>) -> Option<Vec<u64>> {
        let mut own = view
            .trials
            .iter()
            .filter(|trial| view.trials.origin(trial) == Origin::Suggested);
        let last = own.next_back()?;
        if own.count() as u64 + 1 != view.suggested {
            return None;
        }
        let digit = |(position, axis): (usize, usize)| {
            let parameter = &view.space.parameters()[position];
            let found = match last.configuration.get(&parameter.name) {
                None => 0,
                Some(value) => self.axes[axis].find(&parameter.domain, value)?,
            };
            Some((axis, found))
        };
        let mut digits = vec![0; self.axes.len()];
        for place in self.axis_of.iter().copied().enumerate().map(digit) {
            let (axis, found) = place?;
            digits[axis] = found;
        }
        Some(digits)
    }

    /// The first point that counts, from these digits on.
    fn from(
        &self,
        space: &Space,
        mut digits: Option<Vec<u64>>,
    ) -> Result<Option<Vec<u64>>, AlgorithmError> {
        for _ in 0..=MAX_SKIPS {
            let Some(here) = digits else { return Ok(None) };
            match self.fault(space, &here) {
                None => return Ok(Some(here)),
                Some(axis) => digits = self.count_on(here, axis),
            }
        }
        Err(AlgorithmError::Unsuitable {
            algorithm: ENTRY.name,
            message: format!(
                "the constraints leave none of {MAX_SKIPS} grid points in a row; \
                 use fewer points, or the random algorithm"
            ),
        })
    }

    /// The axis whose digit must change before the point can count; `None` if it counts.
    fn fault(&self, space: &Space, digits: &[u64]) -> Option<usize> {
        let (configuration, active) = self.configuration(space, digits);
        let inactive = (0..digits.len()).filter(|axis| digits[*axis] != 0 && !active[*axis]);
        let repeated = inactive.map(|axis| self.decided_at[axis]);
        let constraints = space.constraints().iter().zip(&self.constraint_at);
        let broken = constraints.filter(|(constraint, _)| {
            let holds = constraint.holds(&|name| configuration.get(name).cloned());
            !holds.unwrap_or(false)
        });
        repeated.chain(broken.map(|(_, axis)| *axis)).min()
    }

    /// The point at these digits, and by axis whether its parameter is active there.
    fn configuration(&self, space: &Space, digits: &[u64]) -> (Configuration, Vec<bool>) {
        let mut active = vec![false; digits.len()];
        let configuration = space.configure(|position, parameter| {
            let axis = self.axis_of[position];
            active[axis] = true;
            self.axes[axis].at(&parameter.domain, digits[axis])
        });
        (configuration, active)
    }

    /// The first digits after all those that begin like these up to `axis`.
    fn count_on(&self, mut digits: Vec<u64>, axis: usize) -> Option<Vec<u64>> {
        digits
            .iter_mut()
            .skip(axis + 1)
            .for_each(|digit| *digit = 0);
        // A space without parameters has no axis to count on.
        for (digit, axis) in digits.iter_mut().zip(&self.axes).take(axis + 1).rev() {
            if *digit + 1 < axis.len() {
                *digit += 1;
                return Some(digits);
            }
            *digit = 0;
        }
        None
    }
}
