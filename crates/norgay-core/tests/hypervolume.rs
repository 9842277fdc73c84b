//! Hypervolumes, and the cells of what points leave undominated, against pymoo and each other.
#![allow(clippy::unwrap_used)]

use norgay_core::numerics::hypervolume::{Cell, hypervolume, reference_point, undominated_cells};
use norgay_core::numerics::pareto::dominates;

/// Points of the unit cube by an integer recurrence, so that other programs can make them too.
fn points(count: usize, objectives: usize) -> Vec<Vec<f64>> {
    let mut state: u64 = 2024;
    let mut next = || {
        state = (state * 1_103_515_245 + 12_345) % (1 << 31);
        ((state >> 8) % 1000) as f64 / 1000.0
    };
    let rows = 0..count;
    rows.map(|_| (0..objectives).map(|_| next()).collect())
        .collect()
}

/// The same, moved to the sphere around (1, 1, ...): none dominates another.
fn shell(count: usize, objectives: usize) -> Vec<Vec<f64>> {
    let moved = |point: Vec<f64>| {
        let length = point.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-9);
        point.iter().map(|x| 1.0 - x / length).collect()
    };
    points(count, objectives).into_iter().map(moved).collect()
}

/// Made with `pymoo.indicators.hv.HV` (pymoo 0.6.2) with the reference point (1.1, 1.1, ...);
/// 40 points are those of `shell`.
const EXPECTED: [(usize, usize, f64); 15] = [
    (2, 1, 0.216_384_000_000_000_1),
    (2, 10, 1.133_388),
    (2, 40, 0.977_068_023_043_355_2),
    (3, 1, 0.228_068_736_000_000_13),
    (3, 10, 0.923_702_453_000_000_2),
    (3, 40, 0.630_106_022_972_817_7),
    (4, 1, 0.217_577_574_144_000_14),
    (4, 10, 0.953_589_205_005_000_3),
    (4, 40, 0.324_077_714_600_799_76),
    (5, 1, 0.094_646_244_752_640_07),
    (5, 10, 0.654_975_211_922_324),
    (5, 40, 0.143_609_875_385_272_87),
    (6, 1, 0.049_121_401_026_620_21),
    (6, 10, 0.541_764_391_819_378),
    (6, 40, 0.055_098_381_087_005_904),
];

#[test]
fn hypervolumes_are_pymoos() {
    for (objectives, count, expected) in EXPECTED {
        let points = if count == 40 {
            shell(count, objectives)
        } else {
            points(count, objectives)
        };
        let found = hypervolume(&points, &vec![1.1; objectives]);
        assert!(
            (found / expected - 1.0).abs() < 1e-12,
            "{count} points of {objectives} objectives: {found}, not {expected}"
        );
    }
}

#[test]
fn what_is_not_better_than_the_reference_counts_nothing() {
    let points = [
        [0.5, 1.0],
        [f64::NAN, 0.0],
        [0.0, f64::INFINITY],
        [0.5, 0.5],
    ];
    assert_eq!(hypervolume(&points, &[1.0, 1.0]), 0.25);
    assert_eq!(hypervolume::<[f64; 2]>(&[], &[1.0, 1.0]), 0.0);
    assert_eq!(hypervolume(&[[3.0]], &[5.0]), 2.0);
}

fn volume(cell: &Cell, floor: f64) -> f64 {
    let sides = cell.lower.iter().zip(&cell.upper);
    sides
        .map(|(low, high)| (high - low.max(floor)).max(0.0))
        .product()
}

/// The cells fill the cube from the floor to the reference together with the dominated part.
#[test]
fn cells_and_dominated_volume_fill_the_space() {
    for objectives in 1..=5 {
        for points in [points(30, objectives), shell(20, objectives), Vec::new()] {
            let reference = vec![1.1; objectives];
            let cells = undominated_cells(&points, &reference, 100_000).unwrap();
            let together: f64 = cells.iter().map(|cell| volume(cell, -0.1)).sum();
            let whole = 1.2_f64.powi(objectives as i32);
            let expected = whole - hypervolume(&points, &reference);
            assert!(
                (together - expected).abs() < 1e-12 * whole,
                "{objectives} objectives: {together}, not {expected}"
            );
        }
    }
}

/// With many equal values too, no two cells overlap, and no cell reaches what is dominated.
#[test]
fn cells_are_apart_from_each_other_and_from_what_is_dominated() {
    for objectives in 2..=4 {
        let coarse = |point: Vec<f64>| point.iter().map(|x| libm::floor(x * 5.0)).collect();
        let points: Vec<Vec<f64>> = points(40, objectives).into_iter().map(coarse).collect();
        let cells = undominated_cells(&points, &vec![5.0; objectives], 100_000).unwrap();
        for (place, cell) in cells.iter().enumerate() {
            let inner: Vec<f64> = cell.upper.iter().map(|high| high - 1e-9).collect();
            assert!(!points.iter().any(|point| dominates(point, &inner)));
            for other in &cells[place + 1..] {
                let mut sides = (0..objectives).map(|objective| {
                    let high = cell.upper[objective].min(other.upper[objective]);
                    high - cell.lower[objective].max(other.lower[objective])
                });
                assert!(sides.any(|overlap| overlap <= 0.0), "{cell:?} {other:?}");
            }
        }
    }
}

#[test]
fn with_two_objectives_there_is_a_cell_more_than_points() {
    let front = shell(40, 2);
    let cells = undominated_cells(&front, &[1.1, 1.1], 1000).unwrap();
    assert_eq!(cells.len(), 41);
    assert!(undominated_cells(&front, &[1.1, 1.1], 10).is_none());
}

#[test]
fn a_reference_point_lies_a_tenth_of_the_range_behind_the_front() {
    let front = [[0.0, 4.0], [1.0, 2.0]];
    assert_eq!(reference_point(&front, &front), [1.1, 4.2]);
    let others = [[0.0, 4.0], [10.0, 4.0]];
    assert_eq!(reference_point(&front[..1], &others), [1.0, 4.1]);
}
