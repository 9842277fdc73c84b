//! The step's factor and the crossover's rate, learnt from the children that were better than
//! their parents.
//!
//! Source: R. Tanabe and A. Fukunaga, "Success-History Based Parameter Adaptation for Differential
//! Evolution", CEC 2013.

use crate::random::Stream;

/// Generations with successes that are remembered.
pub(super) const MEMORY: usize = 6;
const SPREAD: f64 = 0.1;

/// A child that was better than its parent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Success {
    pub factor: f64,
    pub rate: f64,
    /// By how much.
    pub gain: f64,
}

/// The factor and the rate around which the next ones are drawn.
pub(super) fn centre(successes: &[Success]) -> (f64, f64) {
    // Gains so large or so small that they can't be added up count the same.
    let total: f64 = successes.iter().map(|success| success.gain).sum();
    let usable = total.is_finite() && total > 0.0;
    let mean = |of: fn(&Success) -> f64| {
        let (mut above, mut below) = (0.0, 0.0);
        for success in successes {
            let weight = if usable { success.gain / total } else { 1.0 };
            above += weight * of(success) * of(success);
            below += weight * of(success);
        }
        if below > 0.0 { above / below } else { 0.0 }
    };
    if successes.is_empty() {
        return (0.5, 0.5);
    }
    (mean(|success| success.factor), mean(|success| success.rate))
}

/// A factor and a rate near a centre.
pub(super) fn drawn((factor, rate): (f64, f64), stream: &mut Stream) -> (f64, f64) {
    let rate = (rate + SPREAD * stream.normal()).clamp(0.0, 1.0);
    for _ in 0..100 {
        let cauchy = libm::tan(std::f64::consts::PI * (stream.unit() - 0.5));
        let drawn = factor + SPREAD * cauchy;
        if drawn > 0.0 {
            return (drawn.min(1.0), rate);
        }
    }
    (0.5, rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_gains_count_more_and_large_factors_too() {
        let success = |factor, rate, gain| Success { factor, rate, gain };
        assert_eq!(centre(&[]), (0.5, 0.5));
        assert_eq!(centre(&[success(0.3, 0.0, 1.0)]), (0.3, 0.0));
        let (factor, rate) = centre(&[success(0.2, 0.5, 1.0), success(0.8, 0.5, 3.0)]);
        // The contraharmonic (Lehmer) mean with weights 1/4 and 3/4.
        assert!((factor - (0.25 * 0.04 + 0.75 * 0.64) / (0.25 * 0.2 + 0.75 * 0.8)).abs() < 1e-15);
        assert_eq!(rate, 0.5);
        let huge = [success(0.4, 0.5, f64::MAX), success(0.4, 0.5, f64::MAX)];
        assert!((centre(&huge).0 - 0.4).abs() < 1e-15);
    }
}
