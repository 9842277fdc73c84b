//! The logarithm of the expected improvement, accurate where the improvement is next to nothing.
//!
//! Source: Ament et al., "Unexpected improvements to expected improvement for Bayesian
//! optimization" (NeurIPS 2023), for the idea; the tail is computed by the continued fraction of
//! the Mills ratio, which needs no special function.

use crate::numerics::normal::{LOG_SQRT_2_PI, cumulative, density, mills_tail};

/// `ln(φ(z) + z Φ(z))` and its derivative.
pub(crate) fn log_improvement(z: f64) -> (f64, f64) {
    if z > -2.0 {
        let h = density(z) + z * cumulative(z);
        return (libm::log(h), cumulative(z) / h);
    }
    let t = -z;
    let tail = mills_tail(t);
    let ratio = 1.0 / (t + tail);
    let log = -0.5 * t * t - LOG_SQRT_2_PI + libm::log(tail) + libm::log(ratio);
    (log, 1.0 / tail)
}

/// The logarithm of the expected improvement on `incumbent` of a normal value.
pub(crate) fn log_expected_improvement(incumbent: f64, mean: f64, variance: f64) -> f64 {
    let deviation = variance.sqrt();
    log_improvement((incumbent - mean) / deviation).0 + libm::log(deviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with 60 digits by mpmath.
    #[test]
    fn it_is_right_far_in_the_tail() {
        for (z, expected) in EXPECTED {
            let (found, _) = log_improvement(z);
            assert!(
                (found / expected - 1.0).abs() < 1e-12,
                "{z}: {found} {expected}"
            );
        }
    }

    #[test]
    fn value_and_slope_are_continuous_and_agree() {
        let (left, right) = (log_improvement(-2.0), log_improvement(-2.0 + 1e-12));
        assert!((left.0 - right.0).abs() < 1e-11 && (left.1 - right.1).abs() < 1e-10);
        for z in [-30.0, -5.0, -2.5, -1.0, 0.0, 3.0] {
            let step = 1e-5;
            let slope = (log_improvement(z + step).0 - log_improvement(z - step).0) / (2.0 * step);
            assert!((slope / log_improvement(z).1 - 1.0).abs() < 1e-6, "{z}");
        }
    }

    #[allow(clippy::unreadable_literal, clippy::excessive_precision)]
    const EXPECTED: [(f64, f64); 13] = [
        (-1000000.0, -500000000028.54995965),
        (-1000.0, -500014.73445209115845),
        (-40.0, -808.29856835661996024),
        (-25.0, -319.86146358149595433),
        (-10.0, -55.553122036122355927),
        (-5.0, -16.744301162660990143),
        (-2.0, -4.7687835239171141569),
        (-1.9999, -4.7685155863309112602),
        (-1.0, -2.4851210257126413368),
        (0.5, -0.35982768374506381859),
        (1.0, 0.080026218849306940029),
        (8.0, 2.0794415416798359377),
        (40.0, 3.6888794541139363029),
    ];
}
