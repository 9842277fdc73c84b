//! Monotone transforms that make the values of an objective look normal.
//!
//! Sources: Yeo and Johnson, "A new family of power transformations to improve normality or
//! symmetry", Biometrika 87 (2000); its use for the objective in Cowen-Rivers et al., "HEBO",
//! JAIR 74 (2022); half-rank values for the bad half in Song et al., "The Vizier Gaussian process
//! bandit algorithm" (2024). The prior on the power and the scale by the good half are ours.

use crate::numerics::normal;

/// The standard deviation of the prior on the distance of the power from 1 (no transform).
const POWER_DEVIATION: f64 = 0.7;
/// The golden section.
const GOLDEN: f64 = 0.618_033_988_749_894_9;
/// Values further than this many good-half spreads above the median are outliers to a plain scale.
const OUTLIER: f64 = 30.0;
/// Values further than this many standard deviations above the mean are replaced by ranks.
const FAR: f64 = 6.0;

/// Which transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputTransform {
    /// Only mean 0 and standard deviation 1.
    Standardise,
    /// A power transform of the most probable power.
    YeoJohnson,
    /// The worse half by rank, the better half by value.
    HalfRank,
}

/// Transforms values (finite, in the sense of minimization) to mean 0 and standard deviation 1.
///
/// The order is kept, and `a * y + b` with positive `a` gives the same result as `y`. All equal
/// values become 0. O(n log n).
pub(crate) fn transformed(values: &[f64], transform: OutputTransform) -> Vec<f64> {
    let Some(scaled) = scaled_by_good_half(values) else {
        return vec![0.0; values.len()];
    };
    let mut result = match transform {
        // With few values an outlier is not many standard deviations away from anything.
        OutputTransform::Standardise if scaled.iter().any(|z| *z > OUTLIER) => half_ranked(&scaled),
        OutputTransform::Standardise => scaled,
        OutputTransform::YeoJohnson => {
            let power = most_probable_power(&scaled);
            scaled.iter().map(|z| yeo_johnson(*z, power)).collect()
        }
        OutputTransform::HalfRank => half_ranked(&scaled),
    };
    standardise(&mut result);
    if result.iter().any(|z| *z > FAR) {
        result = half_ranked(&result);
        standardise(&mut result);
    }
    result
}

/// Values less their median, in units of the spread of those below it; `None` if all are equal.
fn scaled_by_good_half(values: &[f64]) -> Option<Vec<f64>> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (first, last) = (*sorted.first()?, *sorted.last()?);
    if first == last {
        return None;
    }
    // Huge values are made small first, lest their squares overflow.
    let largest = first.abs().max(last.abs());
    let unit = if largest > 1e150 { largest } else { 1.0 };
    let median = middle(&sorted);
    let below: Vec<f64> = sorted
        .iter()
        .take_while(|y| **y <= median)
        .map(|y| y / unit - median / unit)
        .collect();
    let spread = (below.iter().map(|d| d * d).sum::<f64>() / below.len() as f64).sqrt();
    let mut deviations: Vec<f64> = sorted
        .iter()
        .map(|y| (y / unit - median / unit).abs())
        .collect();
    deviations.sort_by(f64::total_cmp);
    let candidates = [spread, middle(&deviations), last / unit - first / unit];
    let scale = candidates.into_iter().find(|s| *s > 0.0 && s.is_finite())?;
    let scaled = values.iter().map(|y| (y / unit - median / unit) / scale);
    Some(scaled.map(|z| z.clamp(-1e100, 1e100)).collect())
}

fn middle(sorted: &[f64]) -> f64 {
    let n = sorted.len();
    if n % 2 == 1 {
        sorted[n / 2]
    } else {
        sorted[n / 2 - 1] * 0.5 + sorted[n / 2] * 0.5
    }
}

/// The transform of one number.
pub(crate) fn yeo_johnson(z: f64, power: f64) -> f64 {
    powered(libm::log1p(z.abs()).copysign(z), power)
}

/// The transform of the number whose `ln(1 + |z|)`, with the sign of `z`, is given.
fn powered(log: f64, power: f64) -> f64 {
    let near = |a: f64| a.abs() < 1e-8;
    if log >= 0.0 {
        if near(power) {
            log
        } else {
            libm::expm1(power * log) / power
        }
    } else {
        let other = 2.0 - power;
        if near(other) {
            log
        } else {
            -libm::expm1(-other * log) / other
        }
    }
}

/// The power that maximizes likelihood times prior: on a grid, then by golden section.
fn most_probable_power(scaled: &[f64]) -> f64 {
    let logs: Vec<f64> = scaled
        .iter()
        .map(|z| libm::log1p(z.abs()).copysign(*z))
        .collect();
    let scaled = &logs;
    let step = 4.0 / 60.0;
    let grid = (0..=60).map(|k| -2.0 + step * f64::from(k));
    let mut best = (1.0, f64::NEG_INFINITY);
    for power in grid {
        let score = log_posterior(scaled, power);
        if score > best.1 {
            best = (power, score);
        }
    }
    let (mut low, mut high) = (best.0 - step, best.0 + step);
    for _ in 0..20 {
        let (a, b) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
        if log_posterior(scaled, a) > log_posterior(scaled, b) {
            high = b;
        } else {
            low = a;
        }
    }
    0.5 * (low + high)
}

/// `logs` holds `ln(1 + |z|)` with the sign of `z`.
fn log_posterior(logs: &[f64], power: f64) -> f64 {
    let n = logs.len() as f64;
    let mut jacobian = 0.0;
    let (mut sum, mut squares) = (0.0, 0.0);
    for log in logs {
        let t = powered(*log, power);
        sum += t;
        squares += t * t;
        jacobian += log;
    }
    let variance = squares / n - (sum / n) * (sum / n);
    if !(variance > 0.0 && variance.is_finite()) {
        return f64::NEG_INFINITY;
    }
    let distance = (power - 1.0) / POWER_DEVIATION;
    -0.5 * n * libm::log(variance) + (power - 1.0) * jacobian - 0.5 * distance * distance
}

/// Keeps values up to the median and puts normal quantiles of their ranks in place of the others.
fn half_ranked(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = middle(&sorted);
    let below = sorted.iter().take_while(|z| **z <= median);
    let (count, squares) = below.fold((0.0, 0.0), |(n, s), z| (n + 1.0, s + (z - median).powi(2)));
    let spread = if squares > 0.0 {
        (squares / count).sqrt()
    } else {
        1.0
    };
    let mut above: Vec<f64> = sorted.into_iter().filter(|z| *z > median).collect();
    above.dedup();
    values
        .iter()
        .map(|z| {
            if *z <= median {
                return (z - median) / spread;
            }
            let rank = above.partition_point(|other| other < z) as f64;
            normal::quantile(0.5 + 0.5 * (rank + 0.5) / (above.len() as f64 + 0.5))
        })
        .collect()
}

fn standardise(values: &mut [f64]) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|z| (z - mean) * (z - mean)).sum::<f64>() / n;
    let deviation = if variance > 0.0 { variance.sqrt() } else { 1.0 };
    for z in values {
        *z = (*z - mean) / deviation;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [OutputTransform; 3] = [
        OutputTransform::Standardise,
        OutputTransform::YeoJohnson,
        OutputTransform::HalfRank,
    ];
    const VALUES: [f64; 9] = [3.0, 1.0, 4.0, 1.5, 9.0, 2.6, 5.0, 35.0, 8.0];

    #[test]
    fn the_order_is_kept() {
        for transform in ALL {
            let result = transformed(&VALUES, transform);
            for i in 0..VALUES.len() {
                for j in 0..VALUES.len() {
                    assert_eq!(
                        VALUES[i] < VALUES[j],
                        result[i] < result[j],
                        "{transform:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn units_do_not_matter() {
        for transform in ALL {
            let plain = transformed(&VALUES, transform);
            for (a, b) in [(1e-12, 0.0), (1e15, 3.0), (2.0, -700.0), (1e300, 0.0)] {
                let other: Vec<f64> = VALUES.iter().map(|y| a * y + b).collect();
                let other = transformed(&other, transform);
                assert!(
                    plain.iter().zip(&other).all(|(x, y)| (x - y).abs() < 1e-6),
                    "{a} {b}"
                );
            }
        }
    }

    #[test]
    fn one_diverged_value_leaves_the_others_apart() {
        let values = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1e9];
        for transform in ALL {
            let result = transformed(&values, transform);
            assert!(result[5] - result[0] > 0.5, "{transform:?} {result:?}");
        }
    }

    #[test]
    fn equal_values_become_zero() {
        for transform in ALL {
            assert_eq!(transformed(&[5.0; 4], transform), vec![0.0; 4]);
            assert_eq!(transformed(&[5.0], transform), vec![0.0]);
            assert!(transformed(&[], transform).is_empty());
        }
    }

    /// Expected numbers by `scipy.stats.yeojohnson`.
    #[test]
    fn the_power_transform_is_scipys() {
        for (z, power, expected) in [
            (1.5, 0.5, 1.162_277_660_168_379_5),
            (-1.5, 0.5, -1.968_564_716_806_982_6),
            (2.0, 0.0, 1.098_612_288_668_109_8),
            (-2.0, 2.0, -1.098_612_288_668_109_8),
            (0.3, 1.0, 0.3),
        ] {
            assert!(
                (yeo_johnson(z, power) - expected).abs() < 1e-12,
                "{z} {power}"
            );
        }
    }
}
