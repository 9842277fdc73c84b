//! The default rule: a forecast of where each curve ends, and successive halving where it can be
//! trusted.

use serde::{Deserialize, Serialize};

use crate::numerics::normal;
use crate::trial::{Trial, TrialState};

use super::rungs::{self, top_is_starved};
use super::{Situation, is_cut};

/// Curves that ran to their end from which the trust in a rung is judged.
const FEWEST_CURVES: usize = 4;

/// Rank correlation of a rung with the end from which on the rung may cut.
const TRUST: f64 = 0.5;

/// So many curves is the prior knowledge of gains worth.
const PRIOR_CURVES: f64 = 2.0;

/// In the prior a curve gains this part of its last doubling's gain in each doubling to come.
const PRIOR_DECAY: f64 = 0.5;

/// The least gain that a forecast assumes, as a part of the usual one: curves are noisy.
const LEAST_GAIN: f64 = 0.1;

/// Stops a trial whose curve has hardly a chance to end below the best value of the study, or
/// that is not among the best `1 / eta` at its rung, if ranks at that rung foretell the end.
///
/// The forecast: what a curve gains from here to its end, in units of what it gained since half
/// of its steps, is log-normal, with a mean and spread learnt from the trials that ran to their
/// end and a weak prior. This is the decreasing return of power laws, which are usual learning
/// curves (Viering and Loog, "The Shape of Learning Curves: A Review", 2021), without a fit. The
/// rungs are those of [`AshaRule`](super::AshaRule); the trust in them, which keeps slow learners
/// alive where curves cross, is the rank correlation over the trials that ran to their end.
///
/// Before the first trial has ended nobody is stopped, nor is the best one ever, and when hardly
/// any trial runs to its end, one among the better half does. O(trials * measurements) a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AutoRule {
    /// Steps that a trial is left alone.
    pub min_iterations: u64,
    /// Factor between rungs; one of so many trials goes on.
    pub eta: u64,
    /// A trial with a smaller chance to become the best is stopped.
    pub chance: f64,
}

impl Default for AutoRule {
    fn default() -> Self {
        Self {
            min_iterations: 1,
            eta: 3,
            chance: 0.2,
        }
    }
}

impl AutoRule {
    pub(super) fn verdict(&self, situation: &Situation<'_>) -> Option<String> {
        let step = situation.trial.last_step()?;
        let length = situation.full_length()?;
        if step < self.min_iterations || step >= length || situation.is_incumbent() {
            return None;
        }
        let reason = self
            .hopeless(situation, step, length)
            .or_else(|| self.behind(situation, step))?;
        let standing = rungs::standing(situation, step, |_| true);
        let is_needed = standing.may_go_on(2) && top_is_starved(situation);
        (!is_needed).then_some(reason)
    }

    /// The verdict of the forecast.
    fn hopeless(&self, situation: &Situation<'_>, step: u64, length: u64) -> Option<String> {
        let bests = situation.others();
        let bests = bests.filter_map(|other| situation.best_until(other, u64::MAX));
        let target = bests.reduce(f64::min).filter(|best| best.is_finite())?;
        let own = situation.best_until(situation.trial, step);
        let Some(own) = own.filter(|own| own.is_finite()) else {
            return Some(format!("no finite value until step {step}"));
        };
        let chance = Forecast::of(situation, step, length)?.chance(own - target);
        (chance < self.chance).then(|| {
            format!(
                "{} at step {step} has a chance of {:.0} % to end better than {}",
                situation.minimized(own),
                100.0 * chance,
                situation.minimized(target)
            )
        })
    }

    /// The verdict of the rung, if it is one to be trusted.
    fn behind(&self, situation: &Situation<'_>, step: u64) -> Option<String> {
        let rung = rungs::reached(step, self.min_iterations, self.eta)?;
        let reason =
            rungs::standing(situation, rung, |_| true).verdict(situation, rung, self.eta)?;
        let pairs = whole_curves(situation).filter_map(|curve| {
            let there = rungs::best_at(situation, curve, rung)?;
            Some((there, situation.best_until(curve, u64::MAX)?))
        });
        let pairs: Vec<(f64, f64)> = pairs.collect();
        let is_trusted = pairs.len() >= FEWEST_CURVES && rank_correlation(&pairs) >= TRUST;
        is_trusted.then_some(reason)
    }
}

/// The trials that ran to their end.
fn whole_curves<'a>(situation: &'a Situation<'_>) -> impl Iterator<Item = &'a Trial> {
    let ended = |other: &&Trial| other.state == TrialState::Completed && !is_cut(other);
    situation.others().filter(ended)
}

/// What the judged curve may still gain: a log-normal distribution.
struct Forecast {
    /// Mean and variance of the logarithm of the gain.
    mean: f64,
    variance: f64,
}

impl Forecast {
    /// `None` where the curve is too short to have a slope.
    fn of(situation: &Situation<'_>, step: u64, length: u64) -> Option<Self> {
        let half = step / 2;
        let gained = |trial: &Trial| {
            let before = situation.best_until(trial, half)?;
            let gained = before - situation.best_until(trial, step)?;
            gained.is_finite().then_some(gained)
        };
        let own = gained(situation.trial)?;
        let arrived = situation.others();
        let arrived = arrived.filter(|o| o.last_step().is_some_and(|last| last >= step));
        let mut usual: Vec<f64> = arrived.filter_map(gained).collect();
        usual.sort_by(f64::total_cmp);
        let least = usual
            .get(usual.len() / 2)
            .map_or(0.0, |gain| gain * LEAST_GAIN);
        let unit = |gained: f64| gained.max(least).max(f64::MIN_POSITIVE);
        let logs = whole_curves(situation).filter_map(|curve| {
            let unit = unit(gained(curve)?);
            let rest =
                situation.best_until(curve, step)? - situation.best_until(curve, u64::MAX)?;
            rest.is_finite()
                .then(|| libm::log(rest.max(1e-3 * unit)) - libm::log(unit))
        });
        let logs: Vec<f64> = logs.collect();
        let doublings = libm::log2(length as f64 / step.max(1) as f64);
        let prior = libm::log((PRIOR_DECAY * doublings).max(1e-3));
        let count = PRIOR_CURVES + logs.len() as f64;
        let mean = (PRIOR_CURVES * prior + logs.iter().sum::<f64>()) / count;
        let squares: f64 = logs.iter().map(|log| (log - mean) * (log - mean)).sum();
        let variance = (PRIOR_CURVES + squares) / count * (1.0 + 1.0 / count);
        Some(Self {
            mean: mean + libm::log(unit(own)),
            variance,
        })
    }

    /// The probability of a gain of at least so much.
    fn chance(&self, needed: f64) -> f64 {
        if needed <= 0.0 {
            return 1.0;
        }
        let score = (libm::log(needed) - self.mean) / libm::sqrt(self.variance);
        normal::cumulative(-score)
    }
}

/// Spearman's rank correlation; 0 where one side is constant. Ties have their mean rank.
fn rank_correlation(pairs: &[(f64, f64)]) -> f64 {
    let first = ranks(pairs.iter().map(|pair| pair.0).collect());
    let second = ranks(pairs.iter().map(|pair| pair.1).collect());
    let mean = (pairs.len() as f64 - 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| -> f64 {
        let terms = a.iter().zip(b);
        terms.map(|(a, b)| (a - mean) * (b - mean)).sum()
    };
    let scale = product(&first, &first) * product(&second, &second);
    if scale > 0.0 {
        product(&first, &second) / libm::sqrt(scale)
    } else {
        0.0
    }
}

fn ranks(values: Vec<f64>) -> Vec<f64> {
    let rank = |value: &f64| {
        let below = values.iter().filter(|other| *other < value).count();
        let equal = values.iter().filter(|other| *other == value).count();
        below as f64 + (equal as f64 - 1.0) / 2.0
    };
    values.iter().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::{Forecast, rank_correlation};

    #[test]
    fn rank_correlations_are_spearmans() {
        // By hand: deviations of ranks -2, -1, 0, 1.5, 1.5 and -0.5, -0.5, 1, -2, 2.
        let pairs = [(1.0, 2.0), (2.0, 2.0), (3.0, 5.0), (4.0, 1.0), (4.0, 9.0)];
        assert!((rank_correlation(&pairs) - 1.5 / 9.5).abs() < 1e-12);
        assert!((rank_correlation(&[(1.0, 9.0), (2.0, 4.0), (3.0, 1.0)]) + 1.0).abs() < 1e-12);
        assert_eq!(rank_correlation(&[(1.0, 1.0), (1.0, 2.0)]), 0.0);
        assert_eq!(rank_correlation(&[]), 0.0);
    }

    #[test]
    fn the_chance_falls_with_what_is_needed() {
        let forecast = Forecast {
            mean: 0.0,
            variance: 1.0,
        };
        assert_eq!(forecast.chance(0.0), 1.0);
        assert!((forecast.chance(1.0) - 0.5).abs() < 1e-12);
        assert!(forecast.chance(10.0) < 0.02);
        assert_eq!(forecast.chance(f64::INFINITY), 0.0);
    }
}
