//! What a trial that was ended early would have come to, for algorithms that compare values.
//!
//! A trial stopped after a tenth of its steps has a tenth's value: as it is, it makes its
//! neighbourhood look worse than it is, and trials that were stopped at different steps can't be
//! compared. Here each gets the usual gain of the trials that went on, from where it was stopped
//! doubling by doubling to the end. This is the alignment that MOBSTER's model (Klein et al.,
//! 2020) learns within its kernel, as a median that neither outliers nor units disturb.

use std::collections::BTreeMap;

use crate::algorithm::{Algorithm, AlgorithmError, Suggestion, Trials, View};
use crate::stopping::is_cut;
use crate::trial::{Trial, TrialState};
use crate::value::Value;

/// The algorithms that see forecasts: they read all values anew each time, since forecasts change.
const FORESEEING: [&str; 2] = ["gp", "forest"];

/// So many of the latest curves tell the usual gains.
const MOST_CURVES: usize = 300;

/// An algorithm that sees where trials that were stopped would have ended.
struct Foresight {
    inner: Box<dyn Algorithm>,
}

/// Lets an algorithm see forecasts, if it is one to profit from them.
pub(super) fn with_foresight(name: &str, inner: Box<dyn Algorithm>) -> Box<dyn Algorithm> {
    if FORESEEING.contains(&name) {
        Box::new(Foresight { inner })
    } else {
        inner
    }
}

impl Algorithm for Foresight {
    /// O(trials) besides what the algorithm needs, and O(curves * steps) where some were stopped.
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        let Some(shadows) = foreseen(view) else {
            return self.inner.suggest(view);
        };
        self.inner.suggest(&View {
            trials: Trials::all(&shadows),
            ..*view
        })
    }

    fn bookkeeping(&self) -> Vec<(&'static str, Value)> {
        self.inner.bookkeeping()
    }
}

/// The trials with forecasts in place of the values of those that were stopped; `None` where none
/// was.
fn foreseen(view: &View<'_>) -> Option<Vec<Trial>> {
    if view.objectives() > 1 {
        return None;
    }
    let curves = Curves::of(view)?;
    let mut gains: BTreeMap<u64, f64> = BTreeMap::new();
    let mut shadow = |trial: &Trial| {
        let mut shadow = Trial {
            memo: view.trials.memo(trial).cloned().map(Box::new),
            measurements: Vec::new(),
            attempts: trial.attempts.clone(),
            configuration: trial.configuration.clone(),
            reason: trial.reason.clone(),
            outcome: trial.outcome.clone(),
            ..*trial
        };
        let stopped = trial.last_step().filter(|step| *step < curves.length);
        let value = trial.value.filter(|value| value.is_finite());
        if let (Some(step), Some(value), true) = (stopped, value, is_cut(trial)) {
            let gain = *gains.entry(step).or_insert_with(|| curves.gain(step));
            // It was stopped because it would not have become the best.
            let end = (view.direction.minimized(value) - gain).max(curves.best);
            shadow.value = Some(view.direction.minimized(end));
        }
        shadow
    };
    Some(view.trials.iter().map(&mut shadow).collect())
}

/// The curves of a study's trials: steps, and the best values until there.
struct Curves {
    all: Vec<Vec<(u64, f64)>>,
    /// The last step of the trials that ran to their end, and the best value of these.
    length: u64,
    best: f64,
}

impl Curves {
    /// `None` if no trial was stopped before the end that others reached.
    fn of(view: &View<'_>) -> Option<Self> {
        let whole = view.trials.iter();
        let whole = whole.filter(|trial| trial.state == TrialState::Completed && !is_cut(trial));
        let (mut length, mut best) = (0, f64::INFINITY);
        for trial in whole {
            length = length.max(trial.last_step().unwrap_or(0));
            let value = trial.value.filter(|value| value.is_finite());
            best = value.map_or(best, |value| best.min(view.direction.minimized(value)));
        }
        let is_short = |trial: &Trial| trial.last_step().is_some_and(|last| last < length);
        let mut cut = view.trials.iter().filter(|trial| is_cut(trial));
        if !best.is_finite() || !cut.any(is_short) {
            return None;
        }
        let latest = view.trials.iter().rev();
        let latest = latest.filter(|trial| trial.measurements.len() > 1);
        let curve = |trial: &Trial| {
            let mut best = f64::INFINITY;
            let measured = trial.measurements.iter().filter_map(|measurement| {
                let value = measurement.objective.filter(|value| value.is_finite())?;
                best = best.min(view.direction.minimized(value));
                Some((measurement.step, best))
            });
            measured.collect()
        };
        Some(Self {
            all: latest.take(MOST_CURVES).map(curve).collect(),
            length,
            best,
        })
    }

    /// The usual gain from a step to the end.
    fn gain(&self, from: u64) -> f64 {
        let (mut step, mut total) = (from, 0.0);
        while step < self.length {
            let next = step.saturating_mul(2).max(step + 1).min(self.length);
            total += self.usual(step, next);
            step = next;
        }
        total
    }

    /// The median gain between two steps of the trials that reached the second.
    fn usual(&self, from: u64, to: u64) -> f64 {
        let gained = self.all.iter().filter_map(|curve| {
            curve.last().filter(|(last, _)| *last >= to)?;
            let until = |step: u64| {
                let place = curve.partition_point(|(known, _)| *known <= step);
                curve.get(place.checked_sub(1)?).map(|(_, best)| *best)
            };
            let gained = until(from)? - until(to)?;
            gained.is_finite().then_some(gained)
        });
        let mut gained: Vec<f64> = gained.collect();
        gained.sort_by(f64::total_cmp);
        gained.get(gained.len() / 2).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use crate::decision::Told;
    use crate::definition::{AlgorithmChoice, Direction};
    use crate::testing::{Simulation, contract_spaces};
    use crate::trial::{StopCause, TrialState};
    use crate::value::Value;

    use super::foreseen;

    fn simulation(direction: Direction) -> Simulation {
        let choice = AlgorithmChoice {
            name: "random".into(),
            arguments: Vec::new(),
        };
        let (_, space) = contract_spaces().swap_remove(0);
        let mut definition = Simulation::definition(space, choice, 1);
        definition.objective.direction = direction;
        Simulation::new(definition).expect("a sound definition")
    }

    /// A trial with these values at steps 1, 2, ...; stopped after the last or complete.
    fn train(simulation: &mut Simulation, values: &[f64], stopped: bool) {
        let number = simulation
            .start()
            .expect("no error")
            .expect("a trial")
            .number;
        for (step, value) in (1..).zip(values) {
            let metrics = vec![("loss".into(), Value::Float(*value))];
            let report = simulation.study().report(number, 1, Some(step), metrics);
            simulation.apply(report.expect("it runs")).expect("it fits");
        }
        let metrics = Vec::new();
        let told = if stopped {
            let study = simulation.study();
            let request = study.request_stop(number, StopCause::Pruned, "");
            simulation
                .apply(request.expect("it runs"))
                .expect("it fits");
            Told::Stopped
        } else {
            let step = None;
            Told::Finished { step, metrics }
        };
        simulation.tell(number, told).expect("it runs");
    }

    fn values(simulation: &Simulation) -> Vec<Option<f64>> {
        let shadows = foreseen(&simulation.study().view()).expect("one was stopped");
        shadows.iter().map(|trial| trial.value).collect()
    }

    #[test]
    fn a_stopped_trial_gets_the_usual_gain_of_those_that_went_on() {
        for (direction, sign) in [(Direction::Minimize, 1.0), (Direction::Maximize, -1.0)] {
            let mut simulation = simulation(direction);
            let curve = |end: f64| [8.0, 4.0, 2.0, 1.0].map(|above| sign * (end + above));
            for end in [0.0, 1.0, 2.0] {
                train(&mut simulation, &curve(end), false);
            }
            assert_eq!(foreseen(&simulation.study().view()), None);
            train(&mut simulation, &curve(5.0)[..1], true);
            train(&mut simulation, &curve(6.0)[..3], true);
            let expected = [1.0, 2.0, 3.0, 6.0, 7.0].map(|value| Some(sign * value));
            assert_eq!(values(&simulation), expected);
        }
    }

    #[test]
    fn nobody_is_foreseen_to_beat_the_best() {
        let mut simulation = simulation(Direction::Minimize);
        train(&mut simulation, &[9.0, 1.0], false);
        train(&mut simulation, &[2.0], true);
        assert_eq!(values(&simulation), [Some(1.0), Some(1.0)]);
    }

    #[test]
    fn failures_and_values_that_are_no_numbers_stay_what_they_are() {
        let mut simulation = simulation(Direction::Minimize);
        train(&mut simulation, &[9.0, 1.0], false);
        train(&mut simulation, &[f64::NAN], true);
        train(&mut simulation, &[f64::INFINITY], true);
        let number = simulation
            .start()
            .expect("no error")
            .expect("a trial")
            .number;
        simulation.fail(number).expect("it runs");
        let shadows = foreseen(&simulation.study().view()).expect("some were stopped");
        assert_eq!(shadows[1].value, None);
        assert_eq!(shadows[2].value, Some(f64::INFINITY));
        assert_eq!(shadows[3].state, TrialState::Failed);
    }
}
