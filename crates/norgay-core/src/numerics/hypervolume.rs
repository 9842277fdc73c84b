//! The hypervolume that points dominate, and where more could be gained. All objectives are to be
//! minimized.

use super::pareto::front;

/// The volume of what at least one of the points dominates and the reference point bounds.
///
/// Points that are not better than the reference in all objectives count nothing, as do those
/// with NaN. Exact for any number of objectives: points in the order of the last objective each
/// add what the earlier ones leave of them, a volume of one objective less (While, Bradstreet and
/// Barone, "A fast way of calculating exact hypervolumes", IEEE TEVC 16, 2012).
pub fn hypervolume<P: AsRef<[f64]>>(points: &[P], reference: &[f64]) -> f64 {
    let inside = points.iter().map(AsRef::as_ref).filter(|point| {
        let mut pairs = point.iter().zip(reference);
        pairs.all(|(value, end)| value < end)
    });
    let inside: Vec<Vec<f64>> = inside.map(<[f64]>::to_vec).collect();
    volume(undominated(inside), reference)
}

fn undominated(points: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let kept = front(&points);
    let mut points: Vec<Option<Vec<f64>>> = points.into_iter().map(Some).collect();
    kept.iter()
        .filter_map(|place| points[*place].take())
        .collect()
}

/// The hypervolume of a front.
fn volume(mut front: Vec<Vec<f64>>, reference: &[f64]) -> f64 {
    let Some((end, rest)) = reference.split_last() else {
        return 0.0;
    };
    let last = rest.len();
    front.sort_by(|a, b| a[last].total_cmp(&b[last]));
    match last {
        0 => front.first().map_or(0.0, |best| end - best[0]),
        1 => {
            let mut bound = reference[0];
            let areas = front.iter().map(|point| {
                let width = (bound - point[0]).max(0.0);
                bound = bound.min(point[0]);
                width * (end - point[1])
            });
            areas.sum()
        }
        _ => {
            let slices = front.iter().enumerate().map(|(place, point)| {
                let whole: f64 = point
                    .iter()
                    .zip(rest)
                    .map(|(value, end)| end - value)
                    .product();
                let earlier = front[..place]
                    .iter()
                    .map(|other| limited(other, point, last));
                let covered = volume(undominated(earlier.collect()), rest);
                (end - point[last]) * (whole - covered)
            });
            slices.sum()
        }
    }
}

/// The part of what `other` dominates that `point` dominates too, in the first objectives.
fn limited(other: &[f64], point: &[f64], objectives: usize) -> Vec<f64> {
    let pairs = other.iter().zip(point).take(objectives);
    pairs.map(|(a, b)| a.max(*b)).collect()
}

/// A box of the space of objectives: from its lower corner, which may be at minus infinity, to
/// its upper one.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The corner of the smallest values.
    pub lower: Vec<f64>,
    /// The corner of the largest values.
    pub upper: Vec<f64>,
}

/// Divides what no point dominates, below the reference point, into boxes that don't overlap.
///
/// `None` if there are more than `most` of them.
///
/// The corners of the undominated region are its local upper bounds; seen from the other side
/// they are points, and what those dominate falls into a box for each of *their* local bounds
/// (Lacour, Klamroth and Fonseca, "A box decomposition algorithm to compute the hypervolume
/// indicator", Computers & Operations Research 79, 2017).
pub fn undominated_cells<P: AsRef<[f64]>>(
    points: &[P],
    reference: &[f64],
    most: usize,
) -> Option<Vec<Cell>> {
    let points: Vec<&[f64]> = points.iter().map(AsRef::as_ref).collect();
    let kept = front(&points);
    let points = kept.iter().map(|place| points[*place]);
    let corners = LocalBounds::of(points, reference, most)?;
    let seen_from_below: Vec<Vec<f64>> = corners
        .bounds
        .iter()
        .map(|bound| bound.corner.iter().map(|value| -value).collect())
        .collect();
    let kept = front(&seen_from_below);
    let unbounded = vec![f64::INFINITY; reference.len()];
    let seen_from_below = kept.iter().map(|place| seen_from_below[*place].as_slice());
    let reversed = LocalBounds::of(seen_from_below, &unbounded, most)?;
    let cells = reversed.dominated_cells().map(|(lower, upper)| Cell {
        lower: upper.iter().map(|value| -value).collect(),
        upper: lower.iter().map(|value| -value).collect(),
    });
    Some(cells.collect())
}

/// The local upper bounds of a front: the corners of the region that it leaves undominated
/// (Klamroth, Lacour and Vanderpooten, "On the representation of the search region in
/// multi-objective optimization", EJOR 245, 2015).
struct LocalBounds {
    reference: Vec<f64>,
    bounds: Vec<LocalBound>,
}

struct LocalBound {
    corner: Vec<f64>,
    /// For each objective the point that bounds it there.
    defining: Vec<Vec<f64>>,
}

impl LocalBounds {
    /// Adds one point after the other; of equal values the later point's counts as the larger.
    fn of<'a>(
        points: impl Iterator<Item = &'a [f64]>,
        reference: &[f64],
        most: usize,
    ) -> Option<Self> {
        let objectives = 0..reference.len();
        let start = LocalBound {
            corner: reference.to_vec(),
            defining: objectives
                .map(|objective| {
                    let mut point = vec![f64::NEG_INFINITY; reference.len()];
                    point[objective] = reference[objective];
                    point
                })
                .collect(),
        };
        let mut bounds = vec![start];
        for point in points {
            let mut kept = Vec::with_capacity(bounds.len() + reference.len());
            for bound in bounds {
                if point
                    .iter()
                    .zip(&bound.corner)
                    .all(|(value, end)| value < end)
                {
                    bound.divide(point, &mut kept);
                } else {
                    kept.push(bound);
                }
            }
            bounds = kept;
            if bounds.len() > most {
                return None;
            }
        }
        Some(Self {
            reference: reference.to_vec(),
            bounds,
        })
    }

    /// Boxes that together are what the points dominate below the reference.
    fn dominated_cells(&self) -> impl Iterator<Item = (Vec<f64>, Vec<f64>)> + '_ {
        let cells = self.bounds.iter().map(|bound| {
            let objectives = 0..self.reference.len();
            let lower: Vec<f64> = objectives.map(|objective| bound.start(objective)).collect();
            let mut upper = bound.corner.clone();
            if let (Some(first), Some(end)) = (upper.first_mut(), self.reference.first()) {
                *first = *end;
            }
            (lower, upper)
        });
        cells.filter(|(lower, upper)| lower.iter().zip(upper).all(|(low, high)| low < high))
    }
}

impl LocalBound {
    /// The bounds into which a point below this one divides it.
    fn divide(&self, point: &[f64], into: &mut Vec<LocalBound>) {
        for objective in 0..point.len() {
            let others = self.defining.iter().enumerate();
            let mut others = others.filter(|(other, _)| *other != objective);
            if others.all(|(_, defining)| point[objective] >= defining[objective]) {
                let mut corner = self.corner.clone();
                corner[objective] = point[objective];
                let mut defining = self.defining.clone();
                defining[objective] = point.to_vec();
                into.push(LocalBound { corner, defining });
            }
        }
    }

    /// Where this bound's box begins in an objective.
    fn start(&self, objective: usize) -> f64 {
        if objective == 0 {
            return self.corner[0];
        }
        let earlier = self.defining.iter().take(objective);
        let values = earlier.map(|point| point[objective]);
        values.fold(f64::NEG_INFINITY, f64::max)
    }
}

/// A reference point for a front: its worst values, and a tenth of its range beyond.
///
/// Ishibuchi, Imada, Setoguchi and Nojima, "How to specify a reference point in hypervolume
/// calculation for fair performance comparison", Evolutionary Computation 26 (2018). Where all
/// points of the front agree in an objective, the range of `others` counts, or else 1.
pub fn reference_point<P: AsRef<[f64]>>(front: &[P], others: &[P]) -> Vec<f64> {
    let objectives = front.first().map_or(0, |point| point.as_ref().len());
    (0..objectives)
        .map(|objective| {
            let (low, high) = range(front, objective);
            let (lowest, highest) = range(others, objective);
            let ranges = [high - low, highest - lowest];
            let usable = |range: &f64| *range > 0.0 && range.is_finite();
            high + 0.1 * ranges.into_iter().find(usable).unwrap_or(1.0)
        })
        .collect()
}

fn range<P: AsRef<[f64]>>(points: &[P], objective: usize) -> (f64, f64) {
    let values = points.iter().map(|point| point.as_ref()[objective]);
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
}
