//! Pareto dominance: fronts and crowding. All objectives are to be minimized.

use std::cmp::Ordering;

/// Whether `a` is at least as good as `b` in all objectives, and better in one.
///
/// NaN counts as worse than every number, and as equal to NaN.
pub fn dominates(a: &[f64], b: &[f64]) -> bool {
    let mut better = false;
    for (a, b) in a.iter().zip(b) {
        match compare(*a, *b) {
            Ordering::Greater => return false,
            Ordering::Less => better = true,
            Ordering::Equal => {}
        }
    }
    better
}

/// The order of two values: numbers as numbers, NaN after all of them.
fn compare(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b)
        .unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn lexicographic(a: &[f64], b: &[f64]) -> Ordering {
    let values = a.iter().zip(b).map(|(a, b)| compare(*a, *b));
    values
        .into_iter()
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// The positions of the points that no other dominates, in order; equal points are all kept.
///
/// In lexicographic order a point can only be dominated by an earlier one, and then by one of the
/// front (Kung, Luccio and Preparata, "On finding the maxima of a set of vectors", JACM 22, 1975);
/// with two objectives the last point of the front decides alone. O(n log n) for up to two
/// objectives, O(n * front) for more.
pub fn front<P: AsRef<[f64]>>(points: &[P]) -> Vec<usize> {
    let order = lexicographic_order(points);
    let mut front: Vec<usize> = Vec::new();
    for place in order {
        let point = points[place].as_ref();
        let dominated = if point.len() <= 2 {
            let last = front.last();
            last.is_some_and(|last| dominates(points[*last].as_ref(), point))
        } else {
            let mut front = front.iter();
            front.any(|other| dominates(points[*other].as_ref(), point))
        };
        if !dominated {
            front.push(place);
        }
    }
    front.sort_unstable();
    front
}

fn lexicographic_order<P: AsRef<[f64]>>(points: &[P]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|a, b| lexicographic(points[*a].as_ref(), points[*b].as_ref()).then(a.cmp(b)));
    order
}

/// The points' fronts, best first: the first is of those that none dominates, the second of those
/// that only the first dominates, and so on; positions in order within a front.
///
/// Each point, taken in lexicographic order, joins the first front of which no member dominates
/// it, found by bisection (Zhang, Tian, Cheng and Jin, "An efficient approach to nondominated
/// sorting for evolutionary multiobjective optimization", IEEE TEVC 19, 2015).
pub fn nondominated_sort<P: AsRef<[f64]>>(points: &[P]) -> Vec<Vec<usize>> {
    let mut fronts: Vec<Vec<usize>> = Vec::new();
    for place in lexicographic_order(points) {
        let point = points[place].as_ref();
        let rank = fronts.partition_point(|front| {
            // The latest members are the closest, so the likeliest to dominate.
            let mut members =
                front
                    .iter()
                    .rev()
                    .take(if point.len() <= 2 { 1 } else { usize::MAX });
            members.any(|other| dominates(points[*other].as_ref(), point))
        });
        match fronts.get_mut(rank) {
            Some(front) => front.push(place),
            None => fronts.push(vec![place]),
        }
    }
    for front in &mut fronts {
        front.sort_unstable();
    }
    fronts
}

/// How much room each point of a front has: the sum over the objectives of the distance between
/// its neighbours, relative to the front's range; infinite at the ends of an objective.
///
/// Deb, Pratap, Agarwal and Meyarivan, "A fast and elitist multiobjective genetic algorithm:
/// NSGA-II", IEEE TEVC 6, 2002.
pub fn crowding_distances<P: AsRef<[f64]>>(points: &[P]) -> Vec<f64> {
    let mut distances = vec![0.0; points.len()];
    let objectives = points.first().map_or(0, |point| point.as_ref().len());
    for objective in 0..objectives {
        let value = |place: usize| points[place].as_ref()[objective];
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by(|a, b| compare(value(*a), value(*b)).then(a.cmp(b)));
        let (Some(&first), Some(&last)) = (order.first(), order.last()) else {
            continue;
        };
        let range = value(last) - value(first);
        distances[first] = f64::INFINITY;
        distances[last] = f64::INFINITY;
        if !(range > 0.0 && range.is_finite()) {
            continue;
        }
        for neighbours in order.windows(3) {
            distances[neighbours[1]] += (value(neighbours[2]) - value(neighbours[0])) / range;
        }
    }
    distances
}

#[cfg(test)]
mod tests {
    use super::{crowding_distances, dominates, front, nondominated_sort};

    /// Points on a coarse grid, so that many are equal in some objective, some in all.
    fn points(count: u64, objectives: u64, levels: u64) -> Vec<Vec<f64>> {
        let mut state = 12_345_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % levels) as f64
        };
        (0..count)
            .map(|_| (0..objectives).map(|_| next()).collect())
            .collect()
    }

    #[test]
    fn the_front_is_what_no_other_point_dominates() {
        for objectives in 1..=5 {
            let points = points(200, objectives, 9);
            let undominated = |place: &usize| !points.iter().any(|p| dominates(p, &points[*place]));
            let expected: Vec<usize> = (0..points.len()).filter(undominated).collect();
            assert_eq!(front(&points), expected);
        }
    }

    #[test]
    fn fronts_are_peeled_off_one_by_one() {
        for objectives in 1..=4 {
            let points = points(150, objectives, 7);
            let mut left: Vec<usize> = (0..points.len()).collect();
            for found in nondominated_sort(&points) {
                let remaining: Vec<&Vec<f64>> = left.iter().map(|place| &points[*place]).collect();
                let expected: Vec<usize> = front(&remaining).iter().map(|i| left[*i]).collect();
                assert_eq!(found, expected);
                left.retain(|place| !found.contains(place));
            }
            assert!(left.is_empty());
        }
    }

    #[test]
    fn nan_is_the_worst_value_and_infinities_are_values() {
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        let points = [[nan, 0.0], [inf, 0.0], [-inf, 3.0], [nan, nan], [nan, -1.0]];
        assert_eq!(front(&points), [1, 2, 4]);
        assert!(dominates(&[0.0, nan], &[1.0, nan]));
        assert!(front::<[f64; 2]>(&[]).is_empty());
        assert_eq!(nondominated_sort(&points).concat().len(), 5);
        assert_eq!(crowding_distances(&points).len(), 5);
    }

    #[test]
    fn crowding_is_the_room_between_the_neighbours() {
        let points = [[0.0, 4.0], [1.0, 3.0], [3.0, 1.0], [4.0, 0.0]];
        let (end, inner) = (f64::INFINITY, 0.75 + 0.75);
        assert_eq!(crowding_distances(&points), [end, inner, inner, end]);
    }
}
