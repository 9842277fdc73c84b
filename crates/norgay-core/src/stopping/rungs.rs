//! The comparison that rules of successive halving share: a trial against those that reached the
//! same rung.

use crate::trial::{Trial, TrialState};

use super::{Situation, is_cut};

/// At least so many trials run to their end, however the rungs cut,
const FEWEST_COMPLETE: usize = 3;

/// and at least one of so many.
const ONE_COMPLETE_OF: usize = 20;

/// The largest rung `least * factor^k` that a trial with this last step has reached.
pub(super) fn reached(step: u64, least: u64, factor: u64) -> Option<u64> {
    let least = least.max(1);
    let mut rung = (step >= least).then_some(least)?;
    while let Some(next) = rung.checked_mul(factor.max(2)).filter(|next| *next <= step) {
        rung = next;
    }
    Some(rung)
}

/// Where a trial stands among those that reached a rung.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Standing {
    /// Its best value until the rung, in the sense of minimization.
    pub(super) value: f64,
    /// How many are better, or equal and earlier.
    pub(super) ahead: usize,
    /// How many reached the rung, itself included.
    pub(super) among: usize,
}

/// A trial's best value until it reached a rung, which is at its first report there or beyond.
pub(super) fn best_at(situation: &Situation<'_>, trial: &Trial, rung: u64) -> Option<f64> {
    let place = trial.measurements.partition_point(|m| m.step < rung);
    let arrival = trial.measurements.get(place)?.step;
    situation.best_until(trial, arrival)
}

/// Where the judged trial stands at a rung among the trials that `count` there; a trial without
/// a finite value until there is behind all others. O(trials * measurements until the rung).
pub(super) fn standing(
    situation: &Situation<'_>,
    rung: u64,
    count: impl Fn(&Trial) -> bool,
) -> Standing {
    let at_rung = |trial: &Trial| {
        let best = best_at(situation, trial, rung);
        best.filter(|value| *value < f64::INFINITY)
            .unwrap_or(f64::INFINITY)
    };
    let trial = situation.trial;
    let value = at_rung(trial);
    let (mut ahead, mut among) = (0, 1);
    for other in situation.trials {
        let has_reached = other.last_step().is_some_and(|last| last >= rung);
        if other.number == trial.number || !has_reached || !count(other) {
            continue;
        }
        among += 1;
        let theirs = at_rung(other);
        ahead += usize::from(theirs < value || (theirs == value && other.number < trial.number));
    }
    Standing {
        value,
        ahead,
        among,
    }
}

impl Standing {
    /// Whether it belongs to the best `1 / factor` of at least `factor` trials. With fewer there
    /// is nobody to be behind of.
    pub(super) fn may_go_on(&self, factor: u64) -> bool {
        let factor = usize::try_from(factor).unwrap_or(usize::MAX).max(2);
        self.among < factor || self.ahead < self.among / factor
    }

    /// Why it may not, in words.
    pub(super) fn verdict(
        &self,
        situation: &Situation<'_>,
        rung: u64,
        factor: u64,
    ) -> Option<String> {
        if self.may_go_on(factor) {
            return None;
        }
        if self.value == f64::INFINITY {
            return Some(format!("no finite value until step {rung}"));
        }
        let value = situation.minimized(self.value);
        let place = self.ahead + 1;
        let among = self.among;
        Some(format!(
            "{value} until step {rung} is only place {place} of {among}"
        ))
    }
}

/// Whether so few trials run to their end that even a middling one should: a bad rung must not
/// starve the top.
pub(super) fn top_is_starved(situation: &Situation<'_>) -> bool {
    let (mut complete, mut ended) = (0, 0);
    for other in situation.others() {
        let was_cut = is_cut(other);
        complete += usize::from(other.state == TrialState::Completed && !was_cut);
        ended += usize::from(was_cut || other.state.is_final());
    }
    complete < FEWEST_COMPLETE.min(ended) || complete * ONE_COMPLETE_OF < ended
}

/// The verdict of successive halving on a trial at a rung, in words.
pub(super) fn verdict(
    situation: &Situation<'_>,
    rung: u64,
    factor: u64,
    standing: &Standing,
) -> Option<String> {
    let reason = standing.verdict(situation, rung, factor)?;
    let is_needed = standing.may_go_on(2) && top_is_starved(situation);
    (!is_needed && !situation.is_incumbent()).then_some(reason)
}

#[cfg(test)]
mod tests {
    use super::reached;

    #[test]
    fn the_rungs_are_powers_times_the_least() {
        assert_eq!(reached(0, 1, 3), None);
        assert_eq!(reached(1, 1, 3), Some(1));
        assert_eq!(reached(8, 1, 3), Some(3));
        assert_eq!(reached(9, 1, 3), Some(9));
        assert_eq!(reached(4, 5, 3), None);
        assert_eq!(reached(14, 5, 3), Some(5));
        assert_eq!(reached(u64::MAX, 1, 2), Some(1 << 63));
        assert_eq!(reached(7, 0, 0), Some(4));
    }
}
