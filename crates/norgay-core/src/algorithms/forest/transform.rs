//! Objective values as the forest sees them.

use crate::numerics::normal;

/// Puts values, ascending, on a scale on which the good ones count: the better half keeps its
/// distances, the worse half becomes what its ranks would be of a normal distribution, so that
/// no outlier decides where the trees split.
///
/// Source: the half-rank warping of Song et al., "The Vizier Gaussian process bandit algorithm"
/// (2024). The order stays, and neither adding to all values nor scaling them changes the result.
pub(super) fn transformed(values: &[f64]) -> Vec<f64> {
    let good = values.len().div_ceil(2);
    let (Some(best), Some(median)) = (values.first(), values[..good].last()) else {
        return Vec::new();
    };
    // Halves keep huge values finite.
    let span = median / 2.0 - best / 2.0;
    let below = |value: f64| {
        if span > 0.0 {
            (value / 2.0 - median / 2.0) / span
        } else {
            0.0
        }
    };
    let squares = values[..good].iter().map(|value| below(*value).powi(2));
    let deviation = libm::sqrt(squares.sum::<f64>() / good as f64);
    let scale = if deviation > 0.0 { deviation } else { 1.0 };
    let mut rank = good;
    let scaled = values.iter().enumerate().map(|(position, value)| {
        if value <= median {
            return below(*value) / scale;
        }
        // Equal values have the rank of the first of them.
        if position == 0 || values[position - 1] < *value {
            rank = position;
        }
        normal::quantile((rank as f64 + 0.5) / values.len() as f64).max(0.0)
    });
    scaled.collect()
}

#[cfg(test)]
mod tests {
    use super::transformed;

    #[test]
    fn the_order_stays_and_an_outlier_has_no_weight() {
        let values = [-3.0, 0.0, 1.0, 1.5, 2.0, 2.0, 9.0, 1e300];
        let found = transformed(&values);
        assert!(found.is_sorted(), "{found:?}");
        assert_eq!(found[4], found[5]);
        assert!(found[7] < 3.0 && found[0] < -1.0);
        let moved: Vec<f64> = values[..7].iter().map(|value| 8.0 * value + 16.0).collect();
        let (plain, moved) = (transformed(&values[..7]), transformed(&moved));
        assert!(plain.iter().zip(&moved).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn any_values_have_finite_ones() {
        for values in [
            vec![],
            vec![1.0],
            vec![2.0; 5],
            vec![f64::MIN, f64::MAX],
            vec![f64::MIN, 0.0, 0.0, 0.0, 5e-324, f64::MAX],
            vec![1.0, 1.0, 1.0, 1.0, 7.0],
        ] {
            let found = transformed(&values);
            assert_eq!(found.len(), values.len());
            assert!(found.iter().all(|value| value.is_finite()), "{values:?}");
            assert!(found.is_sorted());
        }
    }
}
