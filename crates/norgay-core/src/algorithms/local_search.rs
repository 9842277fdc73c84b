//! Local search: the neighbours of the best configuration so far, one changed parameter at a time.
//!
//! The algorithm's choices are addressed by the study's seed and the suggestion's number (order)
//! or the base's number (values of parameters that a change switches on), so the same base has
//! the same neighbours whenever it is looked at, and the search ends once they are tried.

use std::collections::HashSet;

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, View};
use crate::configuration::Configuration;
use crate::random::{Purpose, Stream};
use crate::space::{Domain, Space};
use crate::trial::{Origin, Trial, TrialState};
use crate::value::Value;

use super::perturbation::{PERTURBATION_FACTORS, factors, multiplied, parameters_only};
use super::{AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS, REQUIRED};

pub(super) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "local_search",
    aliases: &["LocalSearch"],
    summary: "changes one parameter of the best configuration so far",
    arguments: &[
        ArgumentEntry {
            name: "seed_configuration",
            default: REQUIRED,
            help: "where the search starts: a value of every parameter",
        },
        PERTURBATION_FACTORS,
        ArgumentEntry {
            name: "repeat_trials",
            default: "1",
            help: "how often each configuration is tried",
        },
        MAX_NUM_TRIALS,
    ],
    allows_repetition: true,
    build,
};

struct LocalSearch {
    seed_configuration: Configuration,
    factors: Vec<f64>,
    repeat_trials: u64,
    max_num_trials: u64,
    /// Fingerprints of the first so many configurations of the view: a cache.
    tried: HashSet<String>,
    looked_at: u64,
}

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let name = "seed_configuration";
    let given = arguments.configuration(name, arguments.required(name)?)?;
    let seed_configuration = space
        .validated(&given, |_| false)
        .map_err(|error| arguments.wrong(name, error.to_string()))?;
    Ok(Box::new(LocalSearch {
        seed_configuration,
        factors: factors(arguments)?,
        repeat_trials: arguments.count("repeat_trials", 1)?.unwrap_or(1),
        max_num_trials: arguments.max_num_trials()?,
        tried: HashSet::new(),
        looked_at: 0,
    }))
}

impl Algorithm for LocalSearch {
    /// O(trials + parameters * changes) a suggestion.
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        if view.suggested == 0 {
            let seed = self.seed_configuration.clone();
            return Ok(proposed(seed, "the given start".into()));
        }
        if !view.suggested.is_multiple_of(self.repeat_trials)
            && let Some(last) = last_suggested(view)
        {
            let reason = format!("trial {} again", last.number);
            return Ok(proposed(last.configuration.clone(), reason));
        }
        self.look_at(view);
        let base = best(view);
        let number = base.map_or(0, |trial| trial.number);
        let configuration = base.map_or(&self.seed_configuration, |trial| &trial.configuration);
        if let Some((neighbour, changed)) = self.neighbour(view, number, configuration) {
            let reason = match base {
                Some(trial) => format!("trial {} with another {changed}", trial.number),
                None => format!("the given start with another {changed}"),
            };
            return Ok(proposed(neighbour, reason));
        }
        // A trial that still runs may become the base, with neighbours of its own.
        let busy = view.trials.iter().any(|trial| !trial.state.is_final());
        Ok(if busy {
            Suggestion::Wait
        } else {
            Suggestion::Done
        })
    }
}

fn proposed(configuration: Configuration, reason: String) -> Suggestion {
    Suggestion::Trial(Proposal {
        configuration,
        reason: reason.into(),
        memo: None,
    })
}

fn last_suggested<'a>(view: &View<'a>) -> Option<&'a Trial> {
    let mut backwards = view.trials.iter().rev();
    backwards.find(|trial| view.trials.origin(trial) == Origin::Suggested)
}

/// The completed trial with the best value, the earliest of equals.
fn best<'a>(view: &View<'a>) -> Option<&'a Trial> {
    let valued = view.trials.iter().filter_map(|trial| {
        let value = trial.value.filter(|value| !value.is_nan())?;
        (trial.state == TrialState::Completed).then_some((trial, value))
    });
    let best = valued.reduce(|best, other| {
        if view.direction.is_better(other.1, best.1) {
            other
        } else {
            best
        }
    });
    best.map(|(trial, _)| trial)
}

impl LocalSearch {
    /// Brings the cache of tried configurations up to the view.
    fn look_at(&mut self, view: &View<'_>) {
        let length = view.trials.len() as u64;
        if length < self.looked_at {
            self.tried.clear();
            self.looked_at = 0;
        }
        for position in self.looked_at..length {
            if let Some(trial) = view.trials.get(position as usize) {
                let bare = parameters_only(view.space, &trial.configuration);
                self.tried.insert(bare.fingerprint());
            }
        }
        self.looked_at = length;
    }

    /// The first configuration next to the base that was never tried, and what differs.
    fn neighbour(
        &self,
        view: &View<'_>,
        base_number: u64,
        base: &Configuration,
    ) -> Option<(Configuration, String)> {
        let space = view.space;
        let mut order = Stream::new(view.seed, view.next_number, Purpose::Order);
        let mut draws = Stream::new(view.seed, base_number, Purpose::Selection);
        let places: Vec<f64> = space.parameters().iter().map(|_| draws.unit()).collect();
        let mut positions: Vec<usize> = (0..space.parameters().len()).collect();
        order.shuffle(&mut positions);
        for changed in positions {
            let parameter = &space.parameters()[changed];
            let Some(value) = base.get(&parameter.name) else {
                continue;
            };
            let mut changes = self.changes(&parameter.domain, value);
            order.shuffle(&mut changes);
            for change in changes {
                let neighbour = space.configure(|position, other| {
                    if position == changed {
                        return change.clone();
                    }
                    let kept = base.get(&other.name).cloned();
                    kept.unwrap_or_else(|| other.domain.at(places[position]))
                });
                let is_new = !self.tried.contains(&neighbour.fingerprint());
                if is_new && space.is_feasible(&neighbour) {
                    return Some((neighbour, parameter.name.to_string()));
                }
            }
        }
        None
    }

    /// The values next to a value.
    fn changes(&self, domain: &Domain, value: &Value) -> Vec<Value> {
        match domain {
            Domain::Constant { .. } => Vec::new(),
            Domain::Choice { values } => values
                .iter()
                .filter(|other| !other.means_the_same(value))
                .cloned()
                .collect(),
            Domain::Ordinal { values } => {
                let found = values.iter().position(|known| known.means_the_same(value));
                let Some(index) = found else {
                    return Vec::new();
                };
                let below = index.checked_sub(1).and_then(|below| values.get(below));
                below
                    .into_iter()
                    .chain(values.get(index + 1))
                    .cloned()
                    .collect()
            }
            Domain::Continuous { .. } | Domain::Discrete { .. } => {
                let Some(number) = value.as_f64() else {
                    return Vec::new();
                };
                let moved = self.factors.iter();
                moved
                    .filter_map(|factor| multiplied(domain, value, number, *factor))
                    .collect()
            }
        }
    }
}
