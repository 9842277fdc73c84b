//! Hyperband as a stopping rule.

use serde::{Deserialize, Serialize};

use crate::random::{Purpose, Stream};
use crate::trial::Trial;

use super::{Situation, rungs};

/// Successive halving in brackets: a trial's bracket is drawn for it once and for all, and the
/// rungs of bracket `s` begin at `min_iterations * eta^s`, so that early values that mislead cost
/// only a part of the trials.
///
/// Source: Li et al., "Hyperband" (JMLR 2018), each bracket asynchronous as in Li et al., "A
/// System for Massively Parallel Hyperparameter Tuning" (MLSys 2020), with the corrections of
/// [`AshaRule`](super::AshaRule). O(trials * log(steps)) a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HyperbandRule {
    /// Step of the first rung of the first bracket.
    pub min_iterations: u64,
    /// Steps of a trial that runs to its end; 0: as many as the longest so far, and nobody is
    /// stopped before one has ended. It decides how many brackets there are.
    pub max_iterations: u64,
    /// Factor between rungs; one of so many trials goes on.
    pub eta: u64,
}

impl Default for HyperbandRule {
    fn default() -> Self {
        Self {
            min_iterations: 1,
            max_iterations: 0,
            eta: 3,
        }
    }
}

impl HyperbandRule {
    pub(super) fn verdict(&self, situation: &Situation<'_>) -> Option<String> {
        let step = situation.trial.last_step()?;
        let length = match self.max_iterations {
            0 => situation.full_length()?,
            given => given,
        };
        if step >= length {
            return None;
        }
        let levels = self.levels(length);
        let bracket = |trial: &Trial| bracket(situation.seed, trial.number, &levels);
        let own = bracket(situation.trial);
        let rung = rungs::reached(step, levels.get(own)?.0, self.eta)?;
        let standing = rungs::standing(situation, rung, |other| bracket(other) == own);
        let reason = rungs::verdict(situation, rung, self.eta, &standing)?;
        Some(format!("{reason} in bracket {own}"))
    }

    /// The first rung of each bracket, and the bracket's share of the trials.
    fn levels(&self, length: u64) -> Vec<(u64, f64)> {
        let factor = self.eta.max(2);
        let mut first = Some(self.min_iterations.max(1));
        let mut levels = Vec::new();
        while let Some(rung) = first.filter(|rung| *rung <= length) {
            levels.push((rung, 0.0));
            first = rung.checked_mul(factor);
        }
        let count = levels.len();
        for (start, level) in levels.iter_mut().enumerate() {
            // Of a bracket with k rungs above its first, ceil(count / (k + 1) * factor^k) begin.
            let above = count - 1 - start;
            let begins = (count as f64 / (above as f64 + 1.0)) * (factor as f64).powi(above as i32);
            level.1 = begins.ceil();
        }
        let total: f64 = levels.iter().map(|(_, share)| share).sum();
        for level in &mut levels {
            level.1 /= total;
        }
        levels
    }
}

/// The bracket of a trial.
fn bracket(seed: u64, number: u64, levels: &[(u64, f64)]) -> usize {
    let mut left = Stream::new(seed, number, Purpose::Bracket).unit();
    for (position, (_, share)) in levels.iter().enumerate() {
        left -= share;
        if left < 0.0 {
            return position;
        }
    }
    levels.len().saturating_sub(1)
}
