//! How long a study has not become better.

use crate::numerics::pareto::dominates;
use crate::study::Study;
use crate::trial::{Trial, TrialState};

impl Study {
    /// How many trials have ended since the one that last improved on the best by more than the
    /// budget's `min_improvement`; `None` before any trial has a value.
    ///
    /// With several objectives a trial improves if none before it is at least as good in all of
    /// them. O(n log n), or O(n * front) with several objectives.
    pub fn trials_since_improvement(&self) -> Option<u64> {
        let mut ended: Vec<&Trial> = self
            .trials()
            .iter()
            .filter(|trial| trial.state.is_final() && trial.state != TrialState::Cancelled)
            .collect();
        let ended_ms = |trial: &Trial| trial.last_attempt().and_then(|attempt| attempt.ended_ms);
        ended.sort_by_key(|trial| (ended_ms(trial), trial.number));
        let view = self.view();
        let directions: Vec<_> = view.directions().collect();
        let least = self.definition().budget.min_improvement;
        let mut best: Vec<Vec<f64>> = Vec::new();
        let mut since = None;
        for trial in ended {
            let improved = values_that_count(trial).is_some_and(|values| {
                let values: Vec<f64> = values
                    .iter()
                    .zip(&directions)
                    .map(|(value, direction)| direction.minimized(*value))
                    .collect();
                improves(&mut best, values, least)
            });
            since = match since {
                _ if improved => Some(0),
                Some(count) => Some(count + 1),
                None => None,
            };
        }
        since
    }
}

/// The values of a trial that completed and keeps to the outcome constraints.
fn values_that_count(trial: &Trial) -> Option<&[f64]> {
    let values = trial.values();
    let counts = trial.state == TrialState::Completed
        && trial.violation() <= 0.0
        && !values.is_empty()
        && !values.iter().any(|value| value.is_nan());
    counts.then_some(values)
}

/// Takes values, all to be minimized, into the best so far if they improve on them enough.
fn improves(best: &mut Vec<Vec<f64>>, values: Vec<f64>, least: f64) -> bool {
    if let [value] = values[..] {
        // The mark to beat moves only with an improvement that counts: small ones add up.
        let improved = best.first().is_none_or(|known| known[0] - value > least);
        if improved {
            *best = vec![values];
        }
        return improved;
    }
    if best
        .iter()
        .any(|known| *known == values || dominates(known, &values))
    {
        return false;
    }
    best.retain(|known| !dominates(&values, known));
    best.push(values);
    true
}
