//! The checks by which parameters become a space.

use std::collections::HashMap;
use std::sync::Arc;

use super::declaration::{Field, SpaceError};
use super::in_words;
use super::parameter::{Domain, Parameter, Scale};

pub(super) fn error(parameter: &str, field: Field, message: &str) -> SpaceError {
    SpaceError {
        parameter: parameter.to_string(),
        field,
        message: message.to_string(),
    }
}

/// Notes conditions that can never hold.
pub(super) fn check_conditions(
    parameter: &Parameter,
    parameters: &[Parameter],
    index: &HashMap<Arc<str>, usize>,
    errors: &mut Vec<SpaceError>,
) {
    for condition in &parameter.conditions {
        let Some(&parent) = index.get(&condition.parent) else {
            let message = format!(
                "when names no parameter of the space: '{}'",
                condition.parent
            );
            errors.push(error(&parameter.name, Field::When, &message));
            continue;
        };
        let domain = &parameters[parent].domain;
        for value in condition
            .values
            .iter()
            .filter(|value| !domain.contains(value))
        {
            let message = format!(
                "when can never hold: '{}' is {}, never {value}",
                condition.parent,
                in_words(domain)
            );
            errors.push(error(&parameter.name, Field::When, &message));
        }
    }
}

/// Notes bounds, steps and lists that no declaration yields, but that a stored space might hold.
pub(super) fn check_domain(parameter: &Parameter, errors: &mut Vec<SpaceError>) {
    let mut wrong = |field, message: &str| errors.push(error(&parameter.name, field, message));
    match &parameter.domain {
        Domain::Continuous {
            low,
            high,
            scale,
            step,
        } => {
            if !(low.is_finite() && high.is_finite() && low <= high) {
                wrong(Field::Range, "low must be at most high, and both finite");
            } else if *scale == Scale::Log && *low <= 0.0 {
                wrong(
                    Field::Range,
                    "a log scale needs every value of the range above 0",
                );
            }
            if step.is_some_and(|step| !(step.is_finite() && step > 0.0)) {
                wrong(Field::Step, "step must be above 0");
            }
        }
        Domain::Discrete {
            low,
            high,
            scale,
            step,
        } => {
            if low > high {
                wrong(Field::Range, "low must be at most high");
            } else if *scale == Scale::Log && *low <= 0 {
                wrong(
                    Field::Range,
                    "a log scale needs every value of the range above 0",
                );
            }
            if step.is_some_and(|step| step <= 0) {
                wrong(Field::Step, "step must be above 0");
            }
        }
        Domain::Ordinal { values } | Domain::Choice { values } if values.is_empty() => {
            wrong(Field::Range, "the range is empty");
        }
        _ => {}
    }
}

/// Positions so that every parent comes before its children (Kahn's algorithm).
pub(super) fn topological_order(
    parameters: &[Parameter],
    index: &HashMap<Arc<str>, usize>,
    errors: &mut Vec<SpaceError>,
) -> Vec<usize> {
    let mut order = Vec::with_capacity(parameters.len());
    let mut placed = vec![false; parameters.len()];
    let mut waiting: Vec<usize> = (0..parameters.len()).collect();
    loop {
        let before = order.len();
        waiting.retain(|&position| {
            let ready = unplaced_parent(&parameters[position], index, &placed).is_none();
            if ready {
                placed[position] = true;
                order.push(position);
            }
            !ready
        });
        if waiting.is_empty() {
            return order;
        }
        if order.len() == before {
            errors.push(circle(parameters, index, &placed, waiting[0]));
            order.extend(waiting);
            return order;
        }
    }
}

fn unplaced_parent(
    parameter: &Parameter,
    index: &HashMap<Arc<str>, usize>,
    placed: &[bool],
) -> Option<usize> {
    let mut parents = parameter
        .conditions
        .iter()
        .filter_map(|condition| index.get(&condition.parent).copied());
    parents.find(|parent| !placed[*parent])
}

/// The circle that a parameter is in or hangs on: from child to parent until one comes again.
fn circle(
    parameters: &[Parameter],
    index: &HashMap<Arc<str>, usize>,
    placed: &[bool],
    start: usize,
) -> SpaceError {
    let mut path: Vec<usize> = Vec::new();
    let mut next = Some(start);
    while let Some(position) = next {
        if let Some(first) = path.iter().position(|earlier| *earlier == position) {
            path.drain(..first);
            break;
        }
        path.push(position);
        next = unplaced_parent(&parameters[position], index, placed);
    }
    let named = |position: &usize| parameters[*position].name.to_string();
    let names: Vec<String> = path.iter().chain(path.first()).map(named).collect();
    let message = format!(
        "its conditions depend on each other in a circle: {}",
        names.join(", ")
    );
    error(&names[0], Field::When, &message)
}
