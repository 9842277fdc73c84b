//! Repeat: each configuration of another algorithm several times, against noise.
//!
//! The algorithm inside sees one trial for each group of repetitions (and each trial that users
//! gave), numbered from 1 as if there were no repetitions: what it suggests does not depend on
//! how often it is repeated.

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, Trials, View};
use crate::definition::OutcomeConstraint;
use crate::outcome::Outcome;
use crate::repetition::Summary;
use crate::space::Space;
use crate::trial::{Measurement, Origin, Trial, TrialState};
use crate::value::Value;

use super::wrapping::{Stamp, inner_memo, memo, note};
use super::{ALGORITHMS, AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS, REQUIRED, find};

const GROUP: &str = "group";
const REPEAT: &str = "repeat";

pub(super) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "repeat",
    aliases: &[],
    summary: "tries each configuration of another algorithm several times",
    arguments: &[
        ArgumentEntry {
            name: "algorithm",
            default: REQUIRED,
            help: "the other algorithm: its name, or a dict of a name and arguments",
        },
        ArgumentEntry {
            name: "num_times",
            default: "5",
            help: "how often each configuration is tried",
        },
        ArgumentEntry {
            name: "wait_for_completion",
            default: "false",
            help: "whether a new configuration waits until the one before has been tried so often",
        },
        ArgumentEntry {
            name: "agg",
            default: "false",
            help: "whether the other algorithm sees means of complete groups, or single values",
        },
        MAX_NUM_TRIALS,
    ],
    allows_repetition: false,
    build,
};

struct Repeat {
    algorithm: Box<dyn Algorithm>,
    rule: Rule,
    max_num_trials: u64,
    /// The groups of the first so many trials of the view, and what stands for each: a cache.
    groups: Vec<Group>,
    shadows: Vec<Trial>,
    looked_at: usize,
}

#[derive(Clone, Copy)]
struct Rule {
    num_times: u64,
    wait_for_completion: bool,
    aggregates: bool,
}

/// The repetitions of one configuration, or a single trial that a user gave.
struct Group {
    /// Its number among the suggested ones.
    id: Option<u64>,
    /// Positions of its trials in the view.
    members: Vec<usize>,
    /// The members' stamps when its shadow was made.
    stamps: Vec<Stamp>,
}

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let name = "algorithm";
    let choice = arguments.choice(name, arguments.required(name)?)?;
    if let Some(entry) = find(&choice.name).filter(|entry| !entry.allows_repetition) {
        let suitable = ALGORITHMS.iter().filter(|entry| entry.allows_repetition);
        let suitable: Vec<&str> = suitable.map(|entry| entry.name).collect();
        let message = format!(
            "{} can't be repeated; these can: {}",
            entry.name,
            suitable.join(", ")
        );
        return Err(arguments.wrong(name, message));
    }
    Ok(Box::new(Repeat {
        algorithm: super::build(&choice, space)?,
        rule: Rule {
            num_times: arguments.count("num_times", 1)?.unwrap_or(5),
            wait_for_completion: arguments.flag("wait_for_completion", false)?,
            aggregates: arguments.flag("agg", false)?,
        },
        max_num_trials: arguments.max_num_trials()?,
        groups: Vec::new(),
        shadows: Vec::new(),
        looked_at: 0,
    }))
}

impl Algorithm for Repeat {
    /// O(trials) for a new configuration, O(new trials) for a repetition.
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        self.look_at(view);
        let last = self.groups.iter().rev().find(|group| group.id.is_some());
        if let Some(last) = last {
            let members: Vec<&Trial> = members_of(last, view).collect();
            let repeat = members.len() as u64;
            if repeat < self.rule.num_times
                && let (Some(first), Some(id)) = (members.first(), last.id)
            {
                return Ok(self.again(view, first, id, repeat));
            }
            if self.rule.wait_for_completion && members.iter().any(|t| !t.state.is_final()) {
                return Ok(Suggestion::Wait);
            }
        }
        let id = last.and_then(|group| group.id).map_or(0, |id| id + 1);
        self.refresh(view);
        let inner = View {
            next_number: self.shadows.len() as u64 + 1,
            suggested: self
                .groups
                .iter()
                .filter(|group| group.id.is_some())
                .count() as u64,
            trials: Trials::all(&self.shadows),
            ..*view
        };
        Ok(match self.algorithm.suggest(&inner)? {
            Suggestion::Trial(proposal) => Suggestion::Trial(Proposal {
                memo: Some(memo(&[(GROUP, id), (REPEAT, 0)], proposal.memo)),
                ..proposal
            }),
            other => other,
        })
    }
}

/// A trial that the algorithm inside did not suggest.
fn given(trial: &Trial) -> Trial {
    Trial {
        origin: Origin::Enqueued,
        memo: None,
        ..trial.clone()
    }
}

fn members_of<'a>(group: &'a Group, view: &View<'a>) -> impl Iterator<Item = &'a Trial> {
    let trials = view.trials;
    let members = group.members.iter();
    members.filter_map(move |position| trials.get(*position))
}

impl Repeat {
    /// Sorts the trials that are new in the view into groups.
    fn look_at(&mut self, view: &View<'_>) {
        if view.trials.len() < self.looked_at {
            self.groups.clear();
            self.shadows.clear();
            self.looked_at = 0;
        }
        let mut last = self.groups.iter().rposition(|group| group.id.is_some());
        for position in self.looked_at..view.trials.len() {
            let Some(trial) = view.trials.get(position) else {
                break;
            };
            let id = match view.trials.origin(trial) {
                Origin::Enqueued => None,
                Origin::Suggested => note(view.trials, trial, GROUP),
            };
            match last.map(|index| &mut self.groups[index]) {
                Some(group) if id.is_some() && group.id == id => group.members.push(position),
                _ => {
                    if id.is_some() {
                        last = Some(self.groups.len());
                    }
                    self.groups.push(Group {
                        id,
                        members: vec![position],
                        stamps: Vec::new(),
                    });
                }
            }
        }
        self.looked_at = view.trials.len();
    }

    /// One more repetition of a group's first trial.
    fn again(&self, view: &View<'_>, first: &Trial, id: u64, repeat: u64) -> Suggestion {
        let reason = format!(
            "trial {} again, {} of {}",
            first.number,
            repeat + 1,
            self.rule.num_times
        );
        Suggestion::Trial(Proposal {
            configuration: first.configuration.clone(),
            reason: reason.into(),
            memo: Some(memo(
                &[(GROUP, id), (REPEAT, repeat)],
                inner_memo(view.trials, first).cloned(),
            )),
        })
    }

    /// Makes the shadows of new groups, and of those of which a trial changed, anew.
    fn refresh(&mut self, view: &View<'_>) {
        for (index, group) in self.groups.iter_mut().enumerate() {
            let members: Vec<&Trial> = group
                .members
                .iter()
                .filter_map(|position| view.trials.get(*position))
                .collect();
            let stamps: Vec<Stamp> = members.iter().map(|trial| Stamp::of(trial)).collect();
            if stamps == group.stamps {
                continue;
            }
            let shadow = match group.id {
                Some(_) => self.rule.shadow(view, &members),
                None => members.first().map(|trial| given(trial)),
            };
            let Some(mut shadow) = shadow else { continue };
            shadow.number = index as u64 + 1;
            group.stamps = stamps;
            match self.shadows.get_mut(index) {
                Some(known) => *known = shadow,
                None => self.shadows.push(shadow),
            }
        }
    }
}

impl Rule {
    /// The trial that stands for a group: its first completed one, else one that may become so,
    /// else its first; with aggregation the mean, once all have ended.
    fn shadow(self, view: &View<'_>, members: &[&Trial]) -> Option<Trial> {
        let (trials, constraints) = (view.trials, view.constraints);
        let completed: Vec<&Trial> = members
            .iter()
            .copied()
            .filter(|trial| trial.state == TrialState::Completed)
            .collect();
        let open = members.iter().copied().find(|t| !t.state.is_final());
        let chosen = completed.first().copied().or(open);
        let chosen = chosen.or(members.first().copied())?;
        let mut shadow = chosen.clone();
        shadow.memo = inner_memo(trials, chosen).cloned().map(Box::new);
        if !self.aggregates {
            return Some(shadow);
        }
        if open.is_some() || (members.len() as u64) < self.num_times {
            shadow.state = TrialState::Running;
            shadow.value = None;
            shadow.outcome = None;
            shadow.measurements.clear();
        } else if !completed.is_empty() {
            let values = completed.iter().filter_map(|trial| trial.value);
            let values: Vec<f64> = values.collect();
            let step = completed.iter().filter_map(|t| t.last_step()).max();
            let attempt = shadow.attempt();
            let summary = summary(&values, step.unwrap_or(0), attempt);
            shadow.value = summary.as_ref().and_then(|summary| summary.objective);
            shadow.measurements = summary.into_iter().collect();
            shadow.outcome = mean_outcome(&completed, constraints);
        }
        Some(shadow)
    }
}

/// Mean, variance, number and standard error of the values, as the reference names them.
fn summary(values: &[f64], step: u64, attempt: u32) -> Option<Measurement> {
    let summary = Summary::of(values, step)?;
    let mut metrics = vec![
        ("Objective".into(), Value::Float(summary.mean)),
        ("ObjectiveCount".into(), Value::Int(summary.count as i64)),
    ];
    let spread = [
        ("ObjectiveVar", summary.variance),
        ("ObjectiveStdErr", summary.standard_error),
    ];
    for (name, value) in spread {
        metrics.extend(value.map(|value| (name.into(), Value::Float(value))));
    }
    Some(Measurement {
        step,
        attempt,
        objective: Some(summary.mean),
        metrics: metrics.into(),
    })
}

/// The means of all objectives and constraints of the trials, if there is more than one value.
fn mean_outcome(trials: &[&Trial], constraints: &[OutcomeConstraint]) -> Option<Box<Outcome>> {
    let outcomes: Vec<&Outcome> = trials.iter().filter_map(|t| t.outcome.as_deref()).collect();
    let mean = |of: fn(&Outcome) -> &[f64]| -> Option<Box<[f64]>> {
        let count = outcomes.len() as f64;
        let places = 0..of(outcomes.first()?).len();
        let means = places.map(|place| {
            let values = outcomes.iter().map(|outcome| of(outcome).get(place));
            values.map(|value| value.unwrap_or(&f64::NAN)).sum::<f64>() / count
        });
        Some(means.collect())
    };
    let (values, excesses) = (mean(|o| &o.values)?, mean(|o| &o.constraints)?);
    Some(Box::new(Outcome::new(values, excesses, constraints)))
}

#[cfg(test)]
mod tests {
    use super::summary;
    use crate::value::Value;

    #[test]
    fn cs_69_mean_variance_and_standard_error() {
        let found = summary(&[1.0, 2.0, 3.0], 4, 1).expect("three values");
        assert_eq!((found.objective, found.step), (Some(2.0), 4));
        let metric = |name: &str| {
            let found = found
                .metrics
                .iter()
                .find(|(known, _)| known.as_ref() == name);
            found.map(|(_, value)| value.clone())
        };
        assert_eq!(metric("ObjectiveCount"), Some(Value::Int(3)));
        assert_eq!(metric("ObjectiveVar"), Some(Value::Float(1.0)));
        let error = Value::Float(libm::sqrt(0.5));
        assert_eq!(metric("ObjectiveStdErr"), Some(error));
        let single = summary(&[1.0], 0, 1).expect("one value");
        assert_eq!(single.metrics.len(), 2);
        assert!(summary(&[], 0, 1).is_none());
    }
}
