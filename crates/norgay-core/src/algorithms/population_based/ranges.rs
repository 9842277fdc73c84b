//! The argument `parameter_range`: how far parameters may be changed.

use crate::algorithm::AlgorithmError;
use crate::algorithms::{ArgumentEntry, Arguments};
use crate::space::{Domain, Parameter, Space};
use crate::value::Value;

pub(super) const PARAMETER_RANGE: ArgumentEntry = ArgumentEntry {
    name: "parameter_range",
    default: "the space's ranges",
    help: "by parameter, the numbers between which or the values to which it may be changed; \
           beyond the space's own ranges nothing goes",
};

/// For each parameter of the space the values to which it may be changed.
pub(super) fn ranges(
    arguments: &Arguments<'_>,
    space: &Space,
) -> Result<Vec<Domain>, AlgorithmError> {
    let mut ranges: Vec<Domain> = space
        .parameters()
        .iter()
        .map(|p| p.domain.clone())
        .collect();
    let Some(given) = arguments.get(PARAMETER_RANGE.name) else {
        return Ok(ranges);
    };
    let given = arguments.configuration(PARAMETER_RANGE.name, given)?;
    for (name, wanted) in given.entries() {
        let place = format!("{}.{name}", PARAMETER_RANGE.name);
        let Some(position) = space.position(name) else {
            return Err(arguments.wrong(&place, "there is no such parameter"));
        };
        let narrowed = wanted
            .as_items()
            .and_then(|wanted| narrowed(&space.parameters()[position], wanted));
        ranges[position] = narrowed.ok_or_else(|| {
            let message = format!("it must be a list with values of the parameter, not {wanted}");
            arguments.wrong(&place, message)
        })?;
    }
    Ok(ranges)
}

/// The part of a parameter's domain between the numbers, or of the values; `None` if it is empty.
fn narrowed(parameter: &Parameter, wanted: &[Value]) -> Option<Domain> {
    match &parameter.domain {
        Domain::Ordinal { values } => kept(values, wanted).map(|values| Domain::Ordinal { values }),
        Domain::Choice { values } => kept(values, wanted).map(|values| Domain::Choice { values }),
        Domain::Constant { .. } => Some(parameter.domain.clone()),
        Domain::Continuous {
            low,
            high,
            scale,
            step,
        } => {
            let (least, most) = ends(wanted)?;
            let (from, to) = (least.max(*low), most.min(*high));
            // The first value of a stepped domain that is not below the wanted range.
            let from = match step {
                Some(step) => low + libm::ceil((from - low) / step - 1e-9) * step,
                None => from,
            };
            (from <= to).then_some(Domain::Continuous {
                low: from,
                high: to,
                scale: *scale,
                step: *step,
            })
        }
        Domain::Discrete {
            low,
            high,
            scale,
            step,
        } => {
            let (least, most) = ends(wanted)?;
            let every = i128::from(step.unwrap_or(1));
            let from = i128::from(libm::ceil(least) as i64) - i128::from(*low);
            let from = i128::from(*low) + (from.max(0) + every - 1) / every * every;
            let to = (libm::floor(most) as i64).min(*high);
            (from <= i128::from(to)).then_some(Domain::Discrete {
                low: from as i64,
                high: to,
                scale: *scale,
                step: *step,
            })
        }
    }
}

/// The known values that are wanted, in their known order.
fn kept(known: &[Value], wanted: &[Value]) -> Option<Vec<Value>> {
    let is_wanted = |value: &&Value| wanted.iter().any(|other| other.means_the_same(value));
    let kept: Vec<Value> = known.iter().filter(is_wanted).cloned().collect();
    (!kept.is_empty()).then_some(kept)
}

fn ends(wanted: &[Value]) -> Option<(f64, f64)> {
    let numbers = wanted
        .iter()
        .map(|value| value.as_f64().filter(|number| !number.is_nan()))
        .collect::<Option<Vec<f64>>>()?;
    let least = numbers.iter().copied().reduce(f64::min)?;
    let most = numbers.iter().copied().reduce(f64::max)?;
    Some((least, most))
}
