//! Several objectives as one number, another number for each trial.
//!
//! Knowles, "ParEGO: a hybrid algorithm with on-line landscape approximation for expensive
//! multiobjective optimization problems", IEEE TEVC 10 (2006), for the augmented Chebyshev
//! function; its weights come from a low-discrepancy sequence, not from a random grid.

use crate::numerics::sobol_sequence::SobolSequence;

/// The share of the sum beside the largest weighted objective.
const RHO: f64 = 0.05;

/// The weights of the suggestion of this index: spread evenly over all that sum to 1.
///
/// The gaps that the ordered coordinates of an even point leave between 0 and 1 are even too.
pub(super) fn weights(objectives: usize, seed: u64, index: u64) -> Vec<f64> {
    let even = vec![1.0 / objectives as f64; objectives];
    let Some(sequence) = SobolSequence::scrambled(objectives - 1, seed) else {
        return even;
    };
    let Ok(index) = u32::try_from(index) else {
        return even;
    };
    let mut cuts = sequence.point(index);
    cuts.extend([0.0, 1.0]);
    cuts.sort_by(f64::total_cmp);
    cuts.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// The augmented Chebyshev function of objectives that are brought to the range of the front.
pub(super) fn chebyshev(values: &[f64], ideal: &[f64], ranges: &[f64], weights: &[f64]) -> f64 {
    let mut largest = f64::NEG_INFINITY;
    let mut sum = 0.0;
    for (objective, weight) in weights.iter().enumerate() {
        let weighted = weight * (values[objective] - ideal[objective]) / ranges[objective];
        largest = largest.max(weighted);
        sum += weighted;
    }
    largest + RHO * sum
}

#[cfg(test)]
mod tests {
    use super::{chebyshev, weights};

    #[test]
    fn weights_sum_to_one_and_cover_the_simplex_evenly() {
        for objectives in 2..=5 {
            let mut mean = vec![0.0; objectives];
            for index in 0..256 {
                let weights = weights(objectives, 7, index);
                assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                for (mean, weight) in mean.iter_mut().zip(weights) {
                    *mean += weight / 256.0;
                }
            }
            for mean in mean {
                assert!((mean * objectives as f64 - 1.0).abs() < 0.05, "{mean}");
            }
        }
    }

    #[test]
    fn better_in_all_objectives_is_better() {
        let ends = ([0.0, 0.0], [1.0, 2.0], [0.3, 0.7]);
        let of = |values: [f64; 2]| chebyshev(&values, &ends.0, &ends.1, &ends.2);
        assert!(of([0.1, 0.2]) < of([0.2, 0.2]));
        assert!((of([1.0, 2.0]) - (0.7 + 0.05)).abs() < 1e-12);
    }
}
