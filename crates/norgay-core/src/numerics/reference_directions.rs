//! Evenly spread directions of compromise, and a choice of points that serves them all.
//!
//! Sources: I. Das and J. E. Dennis, "Normal-boundary intersection" (1998), for the directions;
//! K. Deb and H. Jain, "An evolutionary many-objective optimization algorithm using
//! reference-point-based nondominated sorting, part I", IEEE Transactions on Evolutionary
//! Computation 18 (2014), for the niches. Ties, which they break by chance, go to the earlier
//! point here, and the nadir is that of the first front rather than of extreme points' intercepts.

/// Directions of `objectives` positive parts that sum to 1, on the finest even grid of at most
/// `most` (but always the corners).
pub fn reference_directions(objectives: usize, most: usize) -> Vec<Vec<f64>> {
    if objectives < 2 {
        return vec![vec![1.0; objectives]];
    }
    let mut divisions = 1;
    while grid_size(objectives, divisions + 1) <= most {
        divisions += 1;
    }
    let mut directions = Vec::new();
    let mut parts = vec![0; objectives];
    spread(&mut parts, 0, divisions, divisions, &mut directions);
    directions
}

/// How many ways there are to share so many divisions among the objectives.
fn grid_size(objectives: usize, divisions: usize) -> usize {
    (1..objectives).fold(1_usize, |ways, k| ways.saturating_mul(divisions + k) / k)
}

fn spread(
    parts: &mut [usize],
    objective: usize,
    left: usize,
    divisions: usize,
    into: &mut Vec<Vec<f64>>,
) {
    if objective + 1 == parts.len() {
        parts[objective] = left;
        into.push(
            parts
                .iter()
                .map(|part| *part as f64 / divisions as f64)
                .collect(),
        );
        return;
    }
    for part in 0..=left {
        parts[objective] = part;
        spread(parts, objective + 1, left - part, divisions, into);
    }
}

/// Chooses `wanted` of the points `last` (positions in `points`), beside those already `chosen`,
/// so that directions which few points serve come first.
///
/// O((chosen + last) * directions * objectives + wanted * (last + directions)).
pub fn fill_niches(
    points: &[&[f64]],
    chosen: &[usize],
    last: &[usize],
    wanted: usize,
    directions: &[Vec<f64>],
) -> Vec<usize> {
    let all = || chosen.iter().chain(last);
    let objectives = points.first().map_or(0, |point| point.len());
    let bound = |start: f64, better: fn(f64, f64) -> f64| -> Vec<f64> {
        let over = |k: usize| all().fold(start, |best, index| better(best, points[*index][k]));
        (0..objectives).map(over).collect()
    };
    let ideal = bound(f64::INFINITY, f64::min);
    let nadir = bound(f64::NEG_INFINITY, f64::max);
    let nearest = |index: usize| {
        let scaled: Vec<f64> = (0..objectives)
            .map(|k| {
                let range = nadir[k] - ideal[k];
                if range > 0.0 {
                    (points[index][k] - ideal[k]) / range
                } else {
                    0.0
                }
            })
            .collect();
        let distances = directions
            .iter()
            .map(|direction| distance(&scaled, direction));
        let numbered = distances.enumerate();
        numbered
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or((0, 0.0))
    };
    let mut served = vec![0_usize; directions.len().max(1)];
    for index in chosen {
        served[nearest(*index).0] += 1;
    }
    let mut waiting: Vec<(usize, usize, f64)> = last
        .iter()
        .map(|index| {
            let (direction, distance) = nearest(*index);
            (*index, direction, distance)
        })
        .collect();
    let mut taken = Vec::with_capacity(wanted);
    while taken.len() < wanted {
        let best = waiting.iter().enumerate().min_by(|(_, a), (_, b)| {
            let by_need = served[a.1].cmp(&served[b.1]);
            by_need.then(a.1.cmp(&b.1)).then(a.2.total_cmp(&b.2))
        });
        let Some((place, _)) = best else {
            break;
        };
        let (index, direction, _) = waiting.remove(place);
        served[direction] += 1;
        taken.push(index);
    }
    taken
}

/// How far a point is from the line through the origin.
fn distance(point: &[f64], direction: &[f64]) -> f64 {
    let squared: f64 = direction.iter().map(|d| d * d).sum();
    let along: f64 = point.iter().zip(direction).map(|(p, d)| p * d).sum::<f64>() / squared;
    let pairs = point.iter().zip(direction);
    pairs
        .map(|(p, d)| (p - along * d).powi(2))
        .sum::<f64>()
        .sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_an_even_grid_that_sums_to_one() {
        let directions = reference_directions(3, 91);
        assert_eq!(directions.len(), 91);
        for direction in &directions {
            assert!((direction.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        assert_eq!(reference_directions(2, 5).len(), 5);
        assert_eq!(reference_directions(10, 3).len(), 10);
    }

    #[test]
    fn directions_that_nobody_serves_come_first() {
        let points: [&[f64]; 5] = [
            &[0.0, 1.0],
            &[0.05, 0.95],
            &[0.1, 0.9],
            &[0.5, 0.5],
            &[1.0, 0.0],
        ];
        let directions = reference_directions(2, 3);
        let taken = fill_niches(&points, &[0], &[1, 2, 3, 4], 2, &directions);
        assert_eq!(taken.len(), 2);
        assert!(taken.contains(&3) && taken.contains(&4), "{taken:?}");
    }
}
