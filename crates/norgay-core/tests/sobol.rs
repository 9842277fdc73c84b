//! The Sobol sequence against SciPy, and the evenness that scrambling must keep.

use norgay_core::numerics::sobol_sequence::{MAX_DIMENSIONS, SobolSequence};
use proptest::prelude::*;

#[test]
fn plain_points_are_those_of_scipy() {
    // scipy.stats.qmc.Sobol(5, scramble=False).random(8)
    let expected = [
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [0.5, 0.5, 0.5, 0.5, 0.5],
        [0.75, 0.25, 0.25, 0.25, 0.75],
        [0.25, 0.75, 0.75, 0.75, 0.25],
        [0.375, 0.375, 0.625, 0.875, 0.375],
        [0.875, 0.875, 0.125, 0.375, 0.875],
        [0.625, 0.125, 0.875, 0.625, 0.625],
        [0.125, 0.625, 0.375, 0.125, 0.125],
    ];
    let sequence = SobolSequence::plain(5).expect("five dimensions");
    for (index, point) in expected.iter().enumerate() {
        assert_eq!(sequence.point(index as u32), point);
    }
}

#[test]
fn points_in_high_dimensions_are_those_of_scipy() {
    // (index, dimension, coordinate) of scipy.stats.qmc.Sobol(21201, scramble=False)
    let expected = [
        (1, 21_200, 0.5),
        (2, 39, 0.25),
        (3, 500, 0.75),
        (5, 21_200, 0.125),
        (100, 3, 0.726_562_5),
        (100, 39, 0.132_812_5),
        (100, 500, 0.179_687_5),
        (100, 21_200, 0.570_312_5),
        (777, 0, 0.692_382_812_5),
        (777, 39, 0.358_398_437_5),
        (777, 500, 0.870_117_187_5),
        (777, 21_200, 0.008_789_062_5),
        (1023, 3, 0.145_507_812_5),
        (1023, 500, 0.381_835_937_5),
        (1023, 21_200, 0.239_257_812_5),
    ];
    let sequence = SobolSequence::plain(MAX_DIMENSIONS).expect("all dimensions");
    for (index, dimension, coordinate) in expected {
        let point = sequence.point(index);
        assert_eq!(
            point[dimension], coordinate,
            "point {index}, dimension {dimension}"
        );
    }
}

#[test]
fn there_are_no_more_dimensions_than_the_table_has() {
    assert!(SobolSequence::plain(MAX_DIMENSIONS + 1).is_none());
    assert!(SobolSequence::scrambled(MAX_DIMENSIONS + 1, 1).is_none());
}

fn cells(points: &[Vec<f64>], dimension: usize, cells: usize) -> Vec<usize> {
    points
        .iter()
        .map(|point| (point[dimension] * cells as f64) as usize)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_interval_of_every_dimension_is_hit_once(seed: u64, power in 0_u32..9) {
        let count = 1_u32 << power;
        let sequence = SobolSequence::scrambled(40, seed).expect("forty dimensions");
        let points: Vec<_> = (0..count).map(|index| sequence.point(index)).collect();
        for dimension in 0..40 {
            let mut hit = cells(&points, dimension, count as usize);
            hit.sort_unstable();
            prop_assert_eq!(hit, (0..count as usize).collect::<Vec<_>>());
        }
    }

    #[test]
    fn every_elementary_rectangle_of_the_first_two_dimensions_is_hit_once(
        seed: u64,
        power in 0_u32..9,
        part in 0_u32..9,
    ) {
        let part = part.min(power);
        let sequence = SobolSequence::scrambled(2, seed).expect("two dimensions");
        let points: Vec<_> = (0..1_u32 << power).map(|index| sequence.point(index)).collect();
        let columns = cells(&points, 0, 1 << part);
        let rows = cells(&points, 1, 1 << (power - part));
        let mut hit: Vec<_> = columns.into_iter().zip(rows).collect();
        hit.sort_unstable();
        hit.dedup();
        prop_assert_eq!(hit.len(), 1 << power);
    }

    #[test]
    fn a_seed_has_its_own_points(seed: u64) {
        let (one, other) = (SobolSequence::scrambled(3, seed), SobolSequence::scrambled(3, !seed));
        let (one, other) = (one.expect("three dimensions"), other.expect("three dimensions"));
        let again = SobolSequence::scrambled(3, seed).expect("three dimensions");
        prop_assert_eq!(one.point(5), again.point(5));
        prop_assert_ne!(one.point(5), other.point(5));
    }
}
