//! Chain: several algorithms, one after the other.
//!
//! Which one is at work is read from the trials' memos: it is the last that suggested anything,
//! and after it whoever is not done. Each sees all trials, as in the reference, so that a model
//! learns from what was tried before it; what earlier members suggested looks to it as if users
//! had given it, so that its own course (a grid's place, a population) begins anew.

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, View};
use crate::space::Space;
use crate::trial::Origin;
use crate::value::Value;

use super::wrapping::{memo, note};
use super::{AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS, REQUIRED};

const MEMBER: &str = "member";

pub(super) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "chain",
    aliases: &[],
    summary: "lets several algorithms work one after the other",
    arguments: &[
        ArgumentEntry {
            name: "algorithms",
            default: REQUIRED,
            help: "the algorithms in order: names, or dicts of a name and arguments",
        },
        MAX_NUM_TRIALS,
    ],
    allows_repetition: false,
    build,
};

struct Chain {
    members: Vec<Member>,
    max_num_trials: u64,
    /// How many trials of the view are counted for their members: a cache.
    looked_at: usize,
    /// The last member that suggested anything.
    current: usize,
}

/// One algorithm of the chain.
struct Member {
    algorithm: Box<dyn Algorithm>,
    /// The number of its first trial.
    first: Option<u64>,
    suggested: u64,
}

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let name = "algorithms";
    let given = arguments.required(name)?;
    let items = given.as_items().filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| {
        let message = format!("it must be a list of at least one algorithm, not {given}");
        arguments.wrong(name, message)
    })?;
    let mut members = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let choice = arguments.choice(&format!("{name}[{index}]"), item)?;
        members.push(Member {
            algorithm: super::build(&choice, space)?,
            first: None,
            suggested: 0,
        });
    }
    Ok(Box::new(Chain {
        members,
        max_num_trials: arguments.max_num_trials()?,
        looked_at: 0,
        current: 0,
    }))
}

impl Algorithm for Chain {
    /// O(new trials) a suggestion, besides what the member needs.
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        self.look_at(view);
        for (index, member) in self.members.iter_mut().enumerate().skip(self.current) {
            match member.suggest(view)? {
                Suggestion::Done => {}
                Suggestion::Wait => return Ok(Suggestion::Wait),
                Suggestion::Trial(proposal) => {
                    let notes = [(MEMBER, index as u64)];
                    return Ok(Suggestion::Trial(Proposal {
                        memo: Some(memo(&notes, proposal.memo)),
                        ..proposal
                    }));
                }
            }
        }
        Ok(Suggestion::Done)
    }

    fn bookkeeping(&self) -> Vec<(&'static str, Value)> {
        let mut all: Vec<(&'static str, Value)> = Vec::new();
        for entry in self.members.iter().flat_map(|m| m.algorithm.bookkeeping()) {
            if !all.iter().any(|(known, _)| *known == entry.0) {
                all.push(entry);
            }
        }
        all
    }
}

impl Chain {
    /// Sorts the trials that are new in the view to the members.
    fn look_at(&mut self, view: &View<'_>) {
        if view.trials.len() < self.looked_at {
            self.looked_at = 0;
            self.current = 0;
            for member in &mut self.members {
                member.forget();
            }
        }
        for position in self.looked_at..view.trials.len() {
            let Some(trial) = view.trials.get(position) else {
                break;
            };
            if view.trials.origin(trial) == Origin::Enqueued {
                continue;
            }
            let noted =
                note(view.trials, trial, MEMBER).map_or(self.current, |index| index as usize);
            if let Some(member) = self.members.get_mut(noted) {
                member.first.get_or_insert(trial.number);
                member.suggested += 1;
                self.current = self.current.max(noted);
            }
        }
        self.looked_at = view.trials.len();
    }
}

impl Member {
    fn forget(&mut self) {
        self.first = None;
        self.suggested = 0;
    }

    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        let first = self.first.unwrap_or(view.next_number);
        self.algorithm.suggest(&View {
            suggested: self.suggested,
            trials: view.trials.own_from(first).inside(),
            ..*view
        })
    }
}
