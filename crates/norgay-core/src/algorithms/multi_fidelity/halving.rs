//! Asynchronous successive halving over one or several brackets, whoever finds the new
//! configurations.
//!
//! Source: Li et al., "A System for Massively Parallel Hyperparameter Tuning" (MLSys 2020): a
//! free worker promotes if it can and starts a new configuration if not, so nobody ever waits
//! for a rung to be complete.

use std::sync::Arc;

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, View};
use crate::configuration::Configuration;
use crate::random::{Purpose, Stream};
use crate::value::Value;

use super::ladder::Ladder;
use super::rungs::{Promotion, Rungs, entries, parameters_only};

/// Finds the configurations with which brackets begin.
pub(super) trait Searcher: Send {
    /// A configuration of the space for the lowest rung of the bracket that begins at a level.
    fn search(
        &mut self,
        view: &View<'_>,
        rungs: &Rungs<'_>,
        level: usize,
    ) -> Result<Found, AlgorithmError>;
}

/// A new configuration.
pub(super) struct Found {
    pub(super) configuration: Configuration,
    /// Where it comes from, in words.
    pub(super) origin: String,
    pub(super) memo: Option<Value>,
}

/// Independent samples.
pub(super) struct RandomSearcher;

impl Searcher for RandomSearcher {
    fn search(
        &mut self,
        view: &View<'_>,
        _: &Rungs<'_>,
        _: usize,
    ) -> Result<Found, AlgorithmError> {
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Sample);
        Ok(Found {
            configuration: view.space.sample(&mut stream)?,
            origin: "a random configuration".into(),
            memo: None,
        })
    }
}

/// The algorithm.
pub(super) struct Halving<S> {
    pub(super) ladder: Ladder,
    /// The levels at which brackets begin, and the share of new configurations that each gets.
    pub(super) brackets: Vec<(usize, f64)>,
    /// Completed trials on the top rung that are enough.
    pub(super) max_finished: Option<u64>,
    pub(super) max_num_trials: u64,
    pub(super) searcher: S,
}

impl<S: Searcher> Algorithm for Halving<S> {
    /// O(trials * log(trials)) a suggestion, besides what the searcher needs.
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        let starts: Vec<usize> = self.brackets.iter().map(|(start, _)| *start).collect();
        let rungs = Rungs::read(view, &self.ladder, &starts);
        let (finished, unfinished) = rungs.at_the_top();
        if let Some(enough) = self.max_finished {
            if finished >= enough {
                return Ok(Suggestion::Done);
            }
            if finished + unfinished >= enough {
                // What runs on the top rung can end the search: more would be in vain.
                return Ok(Suggestion::Wait);
            }
        }
        if let Some(promotion) = rungs.promotion(&self.ladder) {
            return Ok(self.promote(view, &promotion));
        }
        let bracket = self.next_bracket(&rungs);
        let level = rungs.brackets[bracket].start;
        let resource = self.ladder.resource(level);
        let found = self.searcher.search(view, &rungs, level)?;
        let place = entries(resource, 0, None, view.next_number);
        Ok(Suggestion::Trial(Proposal {
            configuration: extended(found.configuration, place),
            reason: format!("{} with resource {resource}", found.origin).into(),
            memo: found.memo,
        }))
    }

    fn bookkeeping(&self) -> Vec<(&'static str, Value)> {
        entries(self.ladder.resource(0), 0, None, 1).into()
    }
}

impl<S> Halving<S> {
    /// All brackets of a ladder, as Hyperband weighs them: of a bracket with `k` rungs above its
    /// first, `ceil(levels / (k + 1) * factor^k)` configurations begin.
    pub(super) fn all_brackets(ladder: &Ladder) -> Vec<(usize, f64)> {
        let levels = ladder.levels();
        let begins = |start: usize| {
            let above = levels - 1 - start;
            let size = libm::pow(ladder.factor() as f64, above as f64);
            libm::ceil(levels as f64 / (above as f64 + 1.0) * size)
        };
        let total: f64 = (0..levels).map(begins).sum();
        (0..levels)
            .map(|start| (start, begins(start) / total))
            .collect()
    }

    fn promote(&self, view: &View<'_>, promotion: &Promotion<'_>) -> Suggestion {
        let (parent, rung) = (promotion.parent, promotion.rung);
        let resource = self.ladder.resource(promotion.level);
        let reason = format!(
            "trial {} is among the best of {} on rung {}: it goes on to resource {resource}",
            parent.number,
            promotion.among,
            rung - 1,
        );
        let kept = parameters_only(view.space, &parent.configuration);
        Suggestion::Trial(Proposal {
            configuration: extended(
                kept,
                entries(resource, rung, Some(parent), view.next_number),
            ),
            reason: reason.into(),
            memo: None,
        })
    }

    /// The bracket that is furthest behind its share of the configurations.
    fn next_bracket(&self, rungs: &Rungs<'_>) -> usize {
        let begun = |position: usize| rungs.brackets[position].rungs[0].len() as f64;
        let total = 1.0 + (0..self.brackets.len()).map(begun).sum::<f64>();
        let behind = |position: usize| self.brackets[position].1 * total - begun(position);
        (1..self.brackets.len()).fold(0, |most, position| {
            if behind(position) > behind(most) {
                position
            } else {
                most
            }
        })
    }
}

/// A configuration with the entries of its place after the parameters.
fn extended(configuration: Configuration, place: [(&'static str, Value); 4]) -> Configuration {
    let mut all = configuration.entries().to_vec();
    all.extend(place.map(|(name, value)| (Arc::from(name), value)));
    Configuration::new(all)
}
