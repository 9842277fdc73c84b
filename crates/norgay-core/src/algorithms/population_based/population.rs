//! A population, as the entries of its members' configurations tell it, and its next member.
//!
//! Nothing is remembered besides these entries, so a restart changes nothing. A generation
//! begins when every member of the one before has ended, however it ended: members that failed
//! or were cancelled are replaced by changed copies of the best that are left.

use std::collections::HashSet;
use std::sync::Arc;

use crate::algorithm::{AlgorithmError, Proposal, Suggestion, View};
use crate::algorithms::lesson::{Lesson, best_first};
use crate::algorithms::perturbation::parameters_only;
use crate::algorithms::{ArgumentEntry, Arguments};
use crate::configuration::Configuration;
use crate::random::{Purpose, Stream};
use crate::trial::{Origin, Trial, TrialState};
use crate::value::Value;

pub(super) const NUM_GENERATIONS: ArgumentEntry = ArgumentEntry {
    name: "num_generations",
    default: "no end",
    help: "number of generations, the random first one included",
};

pub(super) const POPULATION_SIZE: ArgumentEntry = ArgumentEntry {
    name: "population_size",
    default: "20",
    help: "members of a generation, at least 2",
};

/// One member in so many is replaced, by copies of as many of the best.
const REPLACED: u64 = 5;

/// How the copy of a member is changed.
pub(super) trait Explore {
    /// The changed parameters of `parent`, and what was done in words.
    ///
    /// It may give the parent's own values if nothing else is allowed.
    fn explore(&mut self, view: &View<'_>, parent: &Trial) -> (Configuration, &'static str);
}

/// The size and number of generations.
pub(super) struct Population {
    num_generations: u64,
    size: u64,
    max_num_trials: u64,
}

impl Population {
    pub(super) fn new(arguments: &Arguments<'_>, size: u64) -> Result<Self, AlgorithmError> {
        let generations = arguments.count(NUM_GENERATIONS.name, 0)?;
        Ok(Self {
            num_generations: generations.unwrap_or(u64::MAX),
            size: arguments.count(POPULATION_SIZE.name, 2)?.unwrap_or(size),
            max_num_trials: arguments.max_num_trials()?,
        })
    }

    /// The entries that are added to configurations.
    pub(super) fn bookkeeping() -> Vec<(&'static str, Value)> {
        vec![
            ("load_from", Value::text("")),
            ("save_to", Value::text("1")),
            ("lineage", Value::text("")),
            ("generation", Value::Int(1)),
        ]
    }

    /// The next member. O(trials since the generation before last).
    pub(super) fn suggest(
        &self,
        view: &View<'_>,
        explorer: &mut dyn Explore,
    ) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        let generation = Generation::next(view, self.size);
        if generation.number > self.num_generations {
            return Ok(Suggestion::Done);
        }
        if generation.parents.iter().any(|t| !t.state.is_final()) {
            return Ok(Suggestion::Wait);
        }
        let survivors = survivors(view, &generation.parents);
        let before = generation.number - 1;
        if let Some((place, parent)) = self.heir(&generation, &survivors) {
            let configuration = parameters_only(view.space, &parent.configuration);
            let reason = format!(
                "goes on from trial {}, number {} of generation {before}",
                parent.number,
                place + 1
            );
            return Ok(generation.member(view, configuration, Some(parent), reason));
        }
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Selection);
        let best = self.replaced().min(survivors.len() as u64);
        if let Some(parent) = survivors.get(stream.below(best) as usize) {
            let (configuration, done) = explorer.explore(view, parent);
            let reason = format!(
                "goes on from trial {}, one of the best of generation {before}, {done}",
                parent.number
            );
            return Ok(generation.member(view, configuration, Some(parent), reason));
        }
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Sample);
        let configuration = view.space.sample(&mut stream)?;
        let reason = match before {
            0 => "random sample for generation 1".to_owned(),
            _ => format!("random sample, since nothing of generation {before} is left"),
        };
        Ok(generation.member(view, configuration, None, reason))
    }

    /// How many members are replaced in each generation; small populations change too.
    fn replaced(&self) -> u64 {
        (self.size / REPLACED).max(1)
    }

    /// The best survivor that nobody continues yet, and its rank, while places for such are left.
    fn heir<'a>(
        &self,
        generation: &Generation<'_>,
        survivors: &[&'a Trial],
    ) -> Option<(usize, &'a Trial)> {
        if generation.members.len() as u64 >= self.size - self.replaced() {
            return None;
        }
        let continued = generation.members.iter().map(|t| entry(t, "load_from"));
        let continued: HashSet<String> = continued.collect();
        let mut ranked = survivors.iter().copied().enumerate();
        ranked.find(|(_, trial)| !continued.contains(&entry(trial, "save_to")))
    }
}

/// The generation to which the next trial belongs.
struct Generation<'a> {
    /// From 1.
    number: u64,
    /// Its members so far.
    members: Vec<&'a Trial>,
    /// The members of the generation before.
    parents: Vec<&'a Trial>,
}

impl<'a> Generation<'a> {
    fn next(view: &View<'a>, size: u64) -> Self {
        let (mut last, mut before) = (Vec::new(), Vec::new());
        let mut latest = None;
        let suggested = |trial: &&Trial| view.trials.origin(trial) == Origin::Suggested;
        for trial in view.trials.iter().rev().filter(suggested) {
            // A trial without the entry was suggested by the study's earlier algorithm.
            let Some(number) = generation_of(trial) else {
                break;
            };
            let latest = *latest.get_or_insert(number);
            if number == latest {
                last.push(trial);
            } else if number + 1 == latest {
                before.push(trial);
            } else {
                break;
            }
        }
        last.reverse();
        before.reverse();
        let latest = latest.unwrap_or(1);
        if last.len() as u64 >= size {
            Self {
                number: latest + 1,
                members: Vec::new(),
                parents: last,
            }
        } else {
            Self {
                number: latest,
                members: last,
                parents: before,
            }
        }
    }

    /// A member with these parameters that goes on from `parent`.
    fn member(
        &self,
        view: &View<'_>,
        configuration: Configuration,
        parent: Option<&Trial>,
        reason: String,
    ) -> Suggestion {
        let load_from = parent.map_or(String::new(), |parent| entry(parent, "save_to"));
        let lineage = parent.map_or(String::new(), |parent| {
            format!("{}{},", entry(parent, "lineage"), parent.number)
        });
        let added: [(&str, Value); 4] = [
            ("load_from", Value::text(load_from)),
            ("save_to", Value::text(view.next_number.to_string())),
            ("lineage", Value::text(lineage)),
            ("generation", Value::Int(self.number as i64)),
        ];
        let added = added.map(|(name, value)| (Arc::from(name), value));
        let entries = configuration.entries().iter().cloned();
        Suggestion::Trial(Proposal {
            configuration: entries.chain(added).collect(),
            reason: reason.into(),
            memo: None,
        })
    }
}

/// The generation that a member's configuration names.
pub(super) fn generation_of(trial: &Trial) -> Option<u64> {
    let number = trial.configuration.get("generation")?.as_i64()?;
    u64::try_from(number).ok().filter(|number| *number > 0)
}

/// The text of an entry; empty if there is none.
pub(super) fn entry(trial: &Trial, name: &str) -> String {
    let value = trial.configuration.get(name);
    value.map_or(String::new(), ToString::to_string)
}

/// The members that ended with a value, best first; those that a rule stopped early only if
/// there are no others.
fn survivors<'a>(view: &View<'_>, members: &[&'a Trial]) -> Vec<&'a Trial> {
    for state in [TrialState::Completed, TrialState::Pruned] {
        let ended = members.iter().filter(|trial| trial.state == state);
        let mut valued: Vec<(f64, &Trial)> = ended
            .filter_map(|trial| match Lesson::of(trial, view.direction) {
                Lesson::Value(value) => Some((value, *trial)),
                _ => None,
            })
            .collect();
        if !valued.is_empty() {
            valued.sort_unstable_by(|a, b| best_first(*a, *b));
            return valued.into_iter().map(|(_, trial)| trial).collect();
        }
    }
    Vec::new()
}
