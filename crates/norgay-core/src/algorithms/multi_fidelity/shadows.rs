//! One trial for each configuration, however many rungs it climbed, for algorithms that know
//! nothing of rungs.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::algorithm::View;
use crate::trial::{Trial, TrialState};

use super::rungs::{Rungs, checkpoint, origin};

/// Trials that reached two neighbouring levels from which a gain is learnt.
const FEWEST_PAIRS: usize = 2;

/// Which values stand for the configurations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sight {
    /// Each one's last value, moved to the highest level by the usual gain from level to level.
    Aligned,
    /// Those of the highest level at which there are so many; configurations that did not reach
    /// it are not seen.
    Highest(usize),
}

/// A configuration and the trials that it had, in the order of levels.
struct Climb<'a> {
    first: &'a Trial,
    last: &'a Trial,
    /// Its value by level.
    values: Vec<Option<f64>>,
}

/// The trial that stands for each configuration, in the order of the first trials' numbers.
pub(super) fn shadows(view: &View<'_>, rungs: &Rungs<'_>, sight: Sight) -> Vec<Trial> {
    let mut climbs = climbs(rungs);
    climbs.sort_by_key(|climb| climb.first.number);
    let levels = climbs.iter().map(|climb| climb.values.len()).max();
    let levels = levels.unwrap_or(0);
    let gains = gains(&climbs, levels);
    let target = match sight {
        Sight::Aligned => None,
        Sight::Highest(enough) => {
            let count = |level: usize| climbs.iter().filter(|c| c.at(level).is_some()).count();
            (0..levels).rev().find(|level| count(*level) >= enough)
        }
    };
    let seen = climbs.iter().filter_map(|climb| {
        let value = match target {
            None => climb.aligned(&gains),
            Some(level) => climb.at(level),
        };
        climb.shadow(view, value, target.is_some())
    });
    seen.collect()
}

/// The trials of all brackets, put together by configuration.
fn climbs<'a>(rungs: &Rungs<'a>) -> Vec<Climb<'a>> {
    let mut climbs: Vec<Climb<'a>> = Vec::new();
    let mut places: HashMap<Cow<'a, str>, usize> = HashMap::new();
    for bracket in &rungs.brackets {
        // Rung by rung, so that a parent is there before its children.
        for (rung, members) in bracket.rungs.iter().enumerate() {
            for member in members {
                let trial = member.trial;
                let known = origin(trial).and_then(|parent| places.get(&parent).copied());
                let place = known.unwrap_or(climbs.len());
                if place == climbs.len() {
                    climbs.push(Climb {
                        first: trial,
                        last: trial,
                        values: Vec::new(),
                    });
                }
                if let Some(name) = checkpoint(trial) {
                    places.insert(name, place);
                }
                climbs[place].add(trial, bracket.start + rung, member.value);
            }
        }
    }
    climbs
}

impl<'a> Climb<'a> {
    fn add(&mut self, trial: &'a Trial, level: usize, value: Option<f64>) {
        if self.values.len() <= level {
            self.values.resize(level + 1, None);
        }
        self.values[level] = value.or(self.values[level]);
        self.last = trial;
    }

    fn at(&self, level: usize) -> Option<f64> {
        self.values.get(level).copied().flatten()
    }

    /// The value at its highest level and what is usually gained above that.
    fn aligned(&self, gains: &[f64]) -> Option<f64> {
        let level = (0..self.values.len())
            .rev()
            .find(|k| self.at(*k).is_some())?;
        let gained: f64 = gains.iter().skip(level).sum();
        Some((self.at(level)? - gained).clamp(f64::MIN, f64::MAX))
    }

    /// The trial that stands for the configuration; `None` if it is done but has no value at the
    /// level that is looked at.
    fn shadow(&self, view: &View<'_>, value: Option<f64>, one_level: bool) -> Option<Trial> {
        let is_open = !self.last.state.is_final();
        let is_failure = self.last.state == TrialState::Failed;
        if value.is_none() && !is_open && !is_failure && one_level {
            return None;
        }
        let mut shadow = self.last.clone();
        shadow.number = self.first.number;
        shadow.memo = view.trials.memo(self.first).cloned().map(Box::new);
        shadow.measurements = Vec::new();
        if let Some(value) = value {
            shadow.state = TrialState::Completed;
            shadow.cause = None;
            shadow.value = Some(view.direction.minimized(value));
            shadow.outcome = None;
        }
        Some(shadow)
    }
}

/// What is usually gained from each level to the next: the median over the trials with values at
/// both, 0 where there are too few.
fn gains(climbs: &[Climb<'_>], levels: usize) -> Vec<f64> {
    let gain = |level: usize| {
        let both = climbs.iter().filter_map(|climb| {
            let gained = climb.at(level)? - climb.at(level + 1)?;
            gained.is_finite().then_some(gained)
        });
        let mut both: Vec<f64> = both.collect();
        both.sort_by(f64::total_cmp);
        if both.len() < FEWEST_PAIRS {
            return 0.0;
        }
        both[both.len() / 2]
    };
    (0..levels.saturating_sub(1)).map(gain).collect()
}

#[cfg(test)]
mod tests {
    use crate::algorithms::multi_fidelity::ladder::Ladder;
    use crate::algorithms::multi_fidelity::rungs::Rungs;
    use crate::definition::AlgorithmChoice;
    use crate::testing::{Simulation, contract_spaces};
    use crate::trial::{Trial, TrialState};

    use super::{Sight, shadows};

    /// Successive halving of 1, 3, 9 in which a trial's value is its root's number, less 1 for
    /// each rung above the first.
    fn after(trials: usize) -> Simulation {
        let choice = AlgorithmChoice {
            name: "successive_halving".into(),
            arguments: Vec::new(),
        };
        let (_, space) = contract_spaces().swap_remove(0);
        let definition = Simulation::definition(space, choice, 1);
        let mut simulation = Simulation::new(definition).expect("a sound definition");
        for _ in 0..trials {
            let trial = simulation.start().expect("no error").expect("a trial");
            let number = trial.number;
            let mut root = trial.clone();
            let mut rungs = 0.0;
            while let Some(parent) = super::origin(&root) {
                let parent: u64 = parent.parse().expect("a number");
                let found = simulation.study().trial(parent).expect("the parent");
                root = found.clone();
                rungs += 1.0;
            }
            let value = root.number as f64 - rungs;
            simulation.complete(number, value).expect("it runs");
        }
        simulation
    }

    fn seen(simulation: &Simulation, sight: Sight) -> Vec<Trial> {
        let ladder = Ladder::from_least(1, 9, 3);
        let view = simulation.study().view();
        shadows(&view, &Rungs::read(&view, &ladder, &[0]), sight)
    }

    #[test]
    fn one_trial_stands_for_each_configuration_and_values_move_to_the_top() {
        // Of 13 trials 9 are roots; 1, 2 and 3 reached the second rung, 1 the third.
        let simulation = after(13);
        let all = seen(&simulation, Sight::Aligned);
        let numbers: Vec<u64> = all.iter().map(|trial| trial.number).collect();
        assert_eq!(numbers, [1, 2, 3, 5, 6, 7, 9, 10, 11]);
        // Each rung gains 1, but what the last one gains a single trial can't tell.
        let value = |number: u64| {
            let found = all.iter().find(|trial| trial.number == number);
            found.and_then(|trial| trial.value)
        };
        assert_eq!(value(11), Some(10.0));
        assert_eq!(value(2), Some(1.0));
        assert_eq!(value(1), Some(-1.0));
    }

    #[test]
    fn only_the_highest_level_with_enough_values_is_seen() {
        let simulation = after(13);
        let count = |enough| seen(&simulation, Sight::Highest(enough)).len();
        assert_eq!([count(1), count(2), count(3), count(4)], [1, 3, 3, 9]);
    }

    #[test]
    fn a_configuration_whose_promotion_runs_keeps_its_value() {
        let mut simulation = after(3);
        simulation.start().expect("no error").expect("a promotion");
        let all = seen(&simulation, Sight::Aligned);
        assert_eq!(all.len(), 3);
        assert_eq!(all[0].state, TrialState::Completed);
        assert_eq!(all[0].value, Some(1.0));
    }
}
