//! What the trials of a study are on the rungs: who stands where, and who goes on next.
//!
//! Everything is read from the entries that the algorithm wrote into the configurations
//! (`resource`, `rung`, `load_from`, `save_to`), so it holds after a restart as before it.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::algorithm::View;
use crate::configuration::Configuration;
use crate::python_text::str_of;
use crate::space::Space;
use crate::trial::{FailureCause, Trial, TrialState};
use crate::value::Value;

use super::ladder::Ladder;

/// So often is a promotion tried that ends through no fault of its own.
const TRIES: usize = 3;

/// A trial on its rung.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    pub(super) trial: &'a Trial,
    /// Its finite value, in the sense of minimization, if it is completed and has one.
    pub(super) value: Option<f64>,
}

/// The trials of one bracket by rung, each rung in the order of trial numbers.
#[derive(Debug)]
pub(super) struct Bracket<'a> {
    /// The level of the ladder at which its rungs begin.
    pub(super) start: usize,
    pub(super) rungs: Vec<Vec<Member<'a>>>,
}

/// A trial that is to go on with more.
#[derive(Debug)]
pub(super) struct Promotion<'a> {
    pub(super) parent: &'a Trial,
    /// The rung that it reaches.
    pub(super) rung: usize,
    /// The level of the ladder that it reaches.
    pub(super) level: usize,
    /// How many results the rung has that it leaves.
    pub(super) among: usize,
}

/// All trials that belong to the ladder.
pub(super) struct Rungs<'a> {
    pub(super) brackets: Vec<Bracket<'a>>,
    /// What became of the promotions, by the `load_from` and rung of the promoted.
    promotions: HashMap<(Cow<'a, str>, usize), Outcome>,
}

/// What became of one trial's promotions to the next rung.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    /// One of them has ended well, may still do so, or was pruned.
    stands: bool,
    /// One failed by its own fault, or a user cancelled it.
    given_up: bool,
    /// So many were lost.
    lost: usize,
}

impl Outcome {
    fn add(&mut self, trial: &Trial) {
        match (trial.state, trial.cause) {
            (
                TrialState::Failed,
                Some(FailureCause::PreEmpted | FailureCause::Lost | FailureCause::ClusterError),
            ) => self.lost += 1,
            (TrialState::Failed | TrialState::Cancelled, _) => self.given_up = true,
            _ => self.stands = true,
        }
    }

    /// The configuration is not tried on the next rung any more; another takes its place.
    fn is_hopeless(self) -> bool {
        !self.stands && (self.given_up || self.lost >= TRIES)
    }
}

impl<'a> Rungs<'a> {
    /// Sorts the view's trials into the brackets that begin at these levels. O(trials).
    pub(super) fn read(view: &View<'a>, ladder: &Ladder, starts: &[usize]) -> Self {
        let empty = |start: &usize| Bracket {
            start: *start,
            rungs: (*start..ladder.levels()).map(|_| Vec::new()).collect(),
        };
        let mut brackets: Vec<Bracket<'a>> = starts.iter().map(empty).collect();
        let mut promotions: HashMap<_, Outcome> = HashMap::new();
        for trial in view.trials.iter() {
            let entry = |name| trial.configuration.get(name);
            let whole = |name| u64::try_from(entry(name)?.as_i64()?).ok();
            let (Some(rung), Some(level)) = (
                whole("rung").and_then(|rung| usize::try_from(rung).ok()),
                whole("resource").and_then(|resource| ladder.level(resource)),
            ) else {
                continue;
            };
            let Some(start) = level.checked_sub(rung) else {
                continue;
            };
            let Some(bracket) = brackets.iter_mut().find(|bracket| bracket.start == start) else {
                continue;
            };
            let value = trial
                .value
                .filter(|value| trial.state == TrialState::Completed && value.is_finite());
            let value = value.map(|value| view.direction.minimized(value));
            bracket.rungs[rung].push(Member { trial, value });
            if let Some(parent) = origin(trial) {
                promotions.entry((parent, rung)).or_default().add(trial);
            }
        }
        Self {
            brackets,
            promotions,
        }
    }

    /// The next promotion: towards the highest level first, and there the best trial first.
    ///
    /// Of the `n` completed trials of a rung the best `n / factor`, rounded down, may go on.
    pub(super) fn promotion(&self, ladder: &Ladder) -> Option<Promotion<'a>> {
        let found = self.brackets.iter().filter_map(|bracket| {
            let below_top = bracket.rungs.len().saturating_sub(1);
            (0..below_top)
                .rev()
                .find_map(|rung| self.promotion_from(bracket, rung, ladder))
        });
        found.reduce(|first, other| {
            if other.level > first.level {
                other
            } else {
                first
            }
        })
    }

    fn promotion_from(
        &self,
        bracket: &Bracket<'a>,
        rung: usize,
        ladder: &Ladder,
    ) -> Option<Promotion<'a>> {
        let completed = bracket.rungs[rung]
            .iter()
            .filter(|member| member.trial.state == TrialState::Completed);
        let among = completed.clone().count();
        let may_go_on = among / usize::try_from(ladder.factor()).unwrap_or(usize::MAX);
        if may_go_on == 0 {
            return None;
        }
        let mut ranked: Vec<(f64, &'a Trial, Outcome)> = completed
            .filter_map(|member| {
                let name = checkpoint(member.trial)?;
                let outcome = self.promotions.get(&(name, rung + 1)).copied();
                Some((member.value?, member.trial, outcome.unwrap_or_default()))
            })
            .filter(|(_, _, outcome)| !outcome.is_hopeless())
            .collect();
        // A stable sort: of equals the earlier trial is first.
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut best = ranked.into_iter().take(may_go_on);
        let (_, parent, _) = best.find(|(_, _, outcome)| !outcome.stands)?;
        Some(Promotion {
            parent,
            rung: rung + 1,
            level: bracket.start + rung + 1,
            among,
        })
    }

    /// Trials on the top rungs that are completed, and that may yet be.
    pub(super) fn at_the_top(&self) -> (u64, u64) {
        let top = self
            .brackets
            .iter()
            .filter_map(|bracket| bracket.rungs.last());
        let mut counts = (0, 0);
        for member in top.flatten() {
            counts.0 += u64::from(member.trial.state == TrialState::Completed);
            counts.1 += u64::from(!member.trial.state.is_final());
        }
        counts
    }
}

/// The name under which a trial keeps its checkpoint.
pub(super) fn checkpoint(trial: &Trial) -> Option<Cow<'_, str>> {
    trial.configuration.get("save_to").and_then(name_of)
}

/// The checkpoint that a trial goes on from.
pub(super) fn origin(trial: &Trial) -> Option<Cow<'_, str>> {
    trial.configuration.get("load_from").and_then(name_of)
}

/// A checkpoint's name; a table of results that was read again may have made it a number.
fn name_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
        Value::Int(_) => Some(Cow::Owned(str_of(value))),
        _ => None,
    }
}

/// The entries of a trial's place on the ladder.
pub(super) fn entries(
    resource: u64,
    rung: usize,
    parent: Option<&Trial>,
    number: u64,
) -> [(&'static str, Value); 4] {
    let whole = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let load_from = parent.and_then(checkpoint).unwrap_or_default();
    [
        ("resource", whole(resource)),
        ("rung", whole(rung as u64)),
        ("load_from", Value::text(load_from)),
        ("save_to", Value::text(number.to_string())),
    ]
}

/// A configuration's parameters, without what algorithms added to it.
pub(super) fn parameters_only(space: &Space, configuration: &Configuration) -> Configuration {
    let entries = configuration.entries().iter();
    entries
        .filter(|(name, _)| space.get(name).is_some())
        .cloned()
        .collect()
}
