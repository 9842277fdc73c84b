//! What a trial's measurements come to: the values of its objectives and outcome constraints.

use crate::definition::{Objective, OutcomeConstraint, StudyDefinition, ValueOf};
use crate::trial::{Measurement, Trial};
use crate::value::Value;

/// The values of a trial in a study with several objectives or with outcome constraints.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The objectives' values, in the order of the definition; NaN where none was measured.
    pub values: Box<[f64]>,
    /// How far each constraint is from its limit, in the order of the definition: it holds at 0
    /// and below; NaN where its metric was not measured.
    pub constraints: Box<[f64]>,
    /// How much the constraints are violated together, each in units of its limit; 0 if all
    /// hold, infinite if that is not known of one.
    pub violation: f64,
}

impl Outcome {
    /// What constraints that lie so far from their limits come to.
    pub fn new(
        values: Box<[f64]>,
        constraints: Box<[f64]>,
        definitions: &[OutcomeConstraint],
    ) -> Self {
        let violations = constraints.iter().zip(definitions).map(violation);
        let violation = violations.sum();
        Self {
            values,
            constraints,
            violation,
        }
    }

    /// Whether all constraints hold.
    pub fn is_feasible(&self) -> bool {
        self.violation <= 0.0
    }
}

fn violation((excess, constraint): (&f64, &OutcomeConstraint)) -> f64 {
    if excess.is_nan() {
        f64::INFINITY
    } else {
        excess.max(0.0) / constraint.unit()
    }
}

impl StudyDefinition {
    /// The trial's values by its measurements so far; `None` unless the study has several
    /// objectives or outcome constraints.
    pub(crate) fn outcome_of(&self, trial: &Trial) -> Option<Outcome> {
        if !self.has_outcomes() {
            return None;
        }
        let chosen = self.deciding_measurement(trial);
        let values = self
            .objectives()
            .map(|objective| value_at(chosen, trial, &objective.name).unwrap_or(f64::NAN));
        Some(Outcome::new(
            values.collect(),
            self.excesses(chosen, trial),
            &self.outcome_constraints,
        ))
    }

    /// The measurement that gives a trial's value.
    ///
    /// - One objective: its best or last measurement, as the objective says. With outcome
    ///   constraints the best one is sought among those that violate them least. Of equals it is
    ///   the first, unless a later one holds more metrics.
    /// - Several objectives: the last measurement that has them all, so that the values are of
    ///   one state of the trial; if there is none, the last that has any.
    pub fn deciding_measurement<'a>(&self, trial: &'a Trial) -> Option<&'a Measurement> {
        if !self.more_objectives.is_empty() {
            return self.last_complete(trial);
        }
        let mut measured = trial.measurements.iter().filter(|m| known(m.objective));
        match self.objective.value {
            ValueOf::Last => measured.next_back(),
            ValueOf::Best => measured.reduce(|best, later| {
                if self.gives_more(later, best, trial) {
                    later
                } else {
                    best
                }
            }),
        }
    }

    fn last_complete<'a>(&self, trial: &'a Trial) -> Option<&'a Measurement> {
        let has = |m: &Measurement, objective: &Objective| metric(m, &objective.name).is_some();
        let mut backwards = trial.measurements.iter().rev();
        let complete = backwards.find(|m| self.objectives().all(|objective| has(m, objective)));
        let any = |m: &&Measurement| self.objectives().any(|objective| has(m, objective));
        complete.or_else(|| trial.measurements.iter().rev().find(any))
    }

    /// Whether the later of two measurements takes the trial's value over from the earlier.
    fn gives_more(&self, later: &Measurement, earlier: &Measurement, trial: &Trial) -> bool {
        let (Some(new), Some(old)) = (later.objective, earlier.objective) else {
            return false;
        };
        if !self.outcome_constraints.is_empty() {
            let of = |m| {
                let excesses = self.excesses(Some(m), trial);
                Outcome::new(Box::default(), excesses, &self.outcome_constraints).violation
            };
            let (new, old) = (of(later), of(earlier));
            if new < old || old < new {
                return new < old;
            }
        }
        self.objective.direction.is_better(new, old)
            || new == old && later.metrics.len() > earlier.metrics.len()
    }

    fn excesses(&self, chosen: Option<&Measurement>, trial: &Trial) -> Box<[f64]> {
        let constraints = self.outcome_constraints.iter();
        let excesses = constraints.map(|constraint| {
            value_at(chosen, trial, &constraint.metric)
                .map_or(f64::NAN, |value| constraint.excess(value))
        });
        excesses.collect()
    }

    /// Whether a trial is better than another by what the study says of single trials: fewer
    /// violations of outcome constraints first, then the (first) objective.
    pub fn prefers(&self, trial: &Trial, other: &Trial) -> bool {
        let (new, old) = (trial.violation(), other.violation());
        if new < old || old < new {
            return new < old;
        }
        match (trial.value, other.value) {
            (Some(new), Some(old)) => {
                self.objective.direction.is_better(new, old) || old.is_nan() && !new.is_nan()
            }
            (new, old) => new.is_some() && old.is_none(),
        }
    }
}

/// A metric at a measurement, or where that does not have it, as it was last measured.
fn value_at(chosen: Option<&Measurement>, trial: &Trial, name: &str) -> Option<f64> {
    let chosen = chosen.and_then(|measurement| metric(measurement, name));
    chosen.or_else(|| {
        let mut backwards = trial.measurements.iter().rev();
        backwards.find_map(|measurement| metric(measurement, name))
    })
}

/// A metric that is a number and not NaN.
fn metric(measurement: &Measurement, name: &str) -> Option<f64> {
    let mut metrics = measurement.metrics.iter();
    let found = metrics.find(|(known, _)| known.as_ref() == name);
    let value = found.map(|(_, value)| value).and_then(Value::as_f64);
    value.filter(|value| !value.is_nan())
}

fn known(value: Option<f64>) -> bool {
    value.is_some_and(|value| !value.is_nan())
}
