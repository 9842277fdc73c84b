//! Changing a copy by chance: numbers times a factor, lists by a step, choices anew.

use crate::algorithm::View;
use crate::algorithms::perturbation::{multiplied, parameters_only};
use crate::configuration::Configuration;
use crate::random::{Purpose, Stream};
use crate::space::{Domain, Parameter, Space};
use crate::trial::Trial;
use crate::value::Value;

use super::population::Explore;

/// How often a change is drawn in search of an allowed one.
const TRIES: u32 = 200;

/// Perturbation, as the reference does it.
pub(super) struct Perturbed {
    /// For each parameter the values to which it may be changed.
    pub(super) ranges: Vec<Domain>,
    pub(super) factors: Vec<f64>,
}

impl Explore for Perturbed {
    fn explore(&mut self, view: &View<'_>, parent: &Trial) -> (Configuration, &'static str) {
        let space = view.space;
        let old = parameters_only(space, &parent.configuration);
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Variation);
        for _ in 0..TRIES {
            let new = space.configure(|position, parameter| {
                self.change(position, parameter, old.get(&parameter.name), &mut stream)
            });
            if new != old && keeps_immutable(space, &old, &new) && space.is_feasible(&new) {
                return (new, "with its parameters perturbed");
            }
        }
        (old, "unchanged since no change is allowed")
    }
}

impl Perturbed {
    /// A parameter's value next to an old one; any if the parameter was not active.
    fn change(
        &self,
        position: usize,
        parameter: &Parameter,
        old: Option<&Value>,
        stream: &mut Stream,
    ) -> Value {
        let range = &self.ranges[position];
        let Some(old) = old else {
            return within(&parameter.domain, range.at(stream.unit()));
        };
        if !parameter.mutable {
            return old.clone();
        }
        match range {
            Domain::Constant { .. } => old.clone(),
            Domain::Choice { .. } => range.at(stream.unit()),
            Domain::Ordinal { values } => {
                let known = values.iter().position(|value| value.means_the_same(old));
                // From a value outside the range any step leads into it.
                let Some(index) = known else {
                    return range.at(stream.unit());
                };
                let index = (index + stream.below(3) as usize).saturating_sub(1);
                values[index.min(values.len() - 1)].clone()
            }
            Domain::Continuous { .. } | Domain::Discrete { .. } => {
                let factor = self.factors[stream.below(self.factors.len() as u64) as usize];
                let number = old.as_f64().unwrap_or(f64::NAN);
                let moved = multiplied(range, old, number, factor);
                let moved = moved.or_else(|| range.nearest(number));
                moved.map_or_else(|| old.clone(), |moved| within(&parameter.domain, moved))
            }
        }
    }
}

/// A value of a narrower range as the domain writes it (steps counted from another end may
/// differ in their last digit).
pub(super) fn within(domain: &Domain, value: Value) -> Value {
    let nearest = value.as_f64().and_then(|number| match domain {
        Domain::Continuous { .. } => domain.nearest(number),
        _ => None,
    });
    nearest.unwrap_or(value)
}

/// Whether the parameters that training can't change midway have the same values, and are as
/// active as before.
pub(super) fn keeps_immutable(space: &Space, old: &Configuration, new: &Configuration) -> bool {
    let mut fixed = space.parameters().iter().filter(|p| !p.mutable);
    fixed.all(|parameter| old.get(&parameter.name) == new.get(&parameter.name))
}
