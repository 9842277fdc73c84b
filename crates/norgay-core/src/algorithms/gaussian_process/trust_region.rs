//! When to look close to the incumbent, and how close.
//!
//! Every trial that the local model suggested notes the radius of its region and the improvement
//! that it promised; from these notes and from what became of the trials follows the next radius,
//! as in a trust-region method (Conn, Gould and Toint, "Trust-Region Methods", 2000).

use crate::algorithm::View;
use crate::algorithms::encoding::{Axis, Encoding};
use crate::algorithms::lesson::Lesson;
use crate::random::{Purpose, Stream};
use crate::trial::Origin;
use crate::value::Value;

use super::history::History;
use super::local_quadratic::Quadratic;

/// What the memo of a local suggestion calls its radius.
const RADIUS: &str = "radius";
/// The first radius, and that after a jump of the incumbent.
const FIRST_RADIUS: f64 = 0.2;
const LARGEST_RADIUS: f64 = 0.5;
/// Below this radius there is nothing more to gain.
const SMALLEST_RADIUS: f64 = 1e-5;
/// A model that explains less of the values it has not seen is not trusted.
const LEAST_SKILL: f64 = 0.4;
/// Points that a local model is fitted to at most.
const MAX_POINTS: usize = 120;

/// What the log says of local suggestions so far.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Progress {
    radius: f64,
    /// Local suggestions without improvement since the incumbent last improved.
    failures: u32,
    /// Other suggestions since the last local one.
    others: u32,
    pending: bool,
}

impl Progress {
    /// Reads the log. O(n d).
    pub(crate) fn read(view: &View<'_>) -> Self {
        let mut progress = Self {
            radius: FIRST_RADIUS,
            failures: 0,
            others: 0,
            pending: false,
        };
        let mut best = f64::INFINITY;
        for trial in view.trials.iter() {
            let lesson = Lesson::of(trial, view.direction);
            let noted = view
                .trials
                .memo(trial)
                .and_then(|memo| memo.get(RADIUS)?.as_f64());
            let improved = matches!(lesson, Lesson::Value(value) if value < best);
            if let Some(radius) = noted {
                progress.others = 0;
                match lesson {
                    Lesson::Pending => progress.pending = true,
                    Lesson::Nothing => {}
                    _ if improved => {
                        progress.failures = 0;
                        progress.radius = (2.0 * radius).min(LARGEST_RADIUS);
                    }
                    _ => {
                        progress.failures += 1;
                        progress.radius = 0.5 * radius;
                    }
                }
            } else if view.trials.origin(trial) == Origin::Suggested {
                progress.others += 1;
                if improved {
                    progress.failures = 0;
                    progress.radius = progress.radius.max(0.25 * FIRST_RADIUS);
                }
            }
            if let Lesson::Value(value) = lesson {
                best = best.min(value);
            }
        }
        progress
    }

    /// Whether the next suggestion should be a local one.
    pub(crate) fn is_due(&self) -> bool {
        let patience = match self.failures {
            0 => 0,
            1 => 1,
            2 => 2,
            3 => 4,
            _ => 8,
        };
        !self.pending && self.radius >= SMALLEST_RADIUS && self.others >= patience
    }
}

/// A point near the incumbent that a local model finds promising.
pub(crate) struct LocalPoint {
    pub(crate) point: Vec<f64>,
    pub(crate) radius: f64,
}

impl LocalPoint {
    /// What to note of the suggestion.
    pub(crate) fn memo(&self) -> Vec<(Value, Value)> {
        vec![(Value::from(RADIUS), Value::Float(self.radius))]
    }
}

/// Fits the local model and minimizes it; `None` where there are too few points, or where the
/// model promises nothing.
pub(crate) fn local_point(
    view: &View<'_>,
    encoding: &Encoding,
    history: &History,
    lengthscales: Option<&[f64]>,
    progress: &Progress,
) -> Option<LocalPoint> {
    let best = history.best()?;
    let centre = &history.points[best];
    let active = encoding.active(view.space, centre);
    let free: Vec<usize> = (0..encoding.len())
        .filter(|p| active[*p])
        .filter(|p| match &encoding.dimensions()[*p].axis {
            Axis::Continuous | Axis::Grid => true,
            Axis::Levels(levels) => levels.len() >= 5,
            Axis::Category(_) => false,
        })
        .collect();
    if free.is_empty() {
        return None;
    }
    let scales = scales(lengthscales, &free);
    let shrink = |point: &[f64]| -> Vec<f64> {
        free.iter()
            .zip(&scales)
            .map(|(p, s)| point[*p] / s)
            .collect()
    };
    let origin = shrink(centre);
    let is_free: Vec<bool> = (0..encoding.len()).map(|p| free.contains(&p)).collect();
    let mut near: Vec<(f64, Vec<f64>, f64)> = Vec::new();
    for (k, point) in history.points.iter().enumerate() {
        let alike = point
            .iter()
            .zip(centre)
            .zip(&is_free)
            .all(|((a, b), free)| *free || a == b);
        if k == best || !alike || !history.is_feasible(k) {
            continue;
        }
        let shrunk = shrink(point);
        let distance = shrunk
            .iter()
            .zip(&origin)
            .map(|(a, b)| (a - b) * (a - b))
            .sum();
        near.push((distance, shrunk, history.values[k]));
    }
    let d = free.len();
    let most = ((d + 1) * (d + 2) / 2 + d).min(MAX_POINTS);
    if near.len() < (d + 1).min(12) {
        return None;
    }
    near.sort_by(|a, b| a.0.total_cmp(&b.0));
    near.truncate(most);
    let points: Vec<&[f64]> = near.iter().map(|(_, point, _)| point.as_slice()).collect();
    let values: Vec<f64> = near.iter().map(|(_, _, value)| *value).collect();
    let model = Quadratic::fit(
        &origin,
        history.values[best],
        &points,
        &values,
        progress.radius,
    )?;
    if model.skill().is_nan() || model.skill() < LEAST_SKILL {
        return None;
    }
    let mut stream = Stream::new(view.seed, view.next_number, Purpose::Selection);
    let upper: Vec<f64> = scales.iter().map(|s| 1.0 / s).collect();
    let (shrunk, change) = model.minimum(&origin, &upper, &mut stream);
    if change >= 0.0 || !change.is_finite() {
        return None;
    }
    let mut point = centre.clone();
    for ((p, coordinate), scale) in free.iter().zip(&shrunk).zip(&scales) {
        point[*p] = (coordinate * scale).clamp(0.0, 1.0);
    }
    encoding.snap(view.space, &mut point);
    let admitted = !history.seen.contains(&point)
        && view.space.is_feasible(&encoding.decode(view.space, &point));
    admitted.then_some(LocalPoint {
        point,
        radius: progress.radius,
    })
}

/// Lengthscales of the free dimensions less their geometric mean.
fn scales(lengthscales: Option<&[f64]>, free: &[usize]) -> Vec<f64> {
    let Some(lengthscales) = lengthscales else {
        return vec![1.0; free.len()];
    };
    let logs: Vec<f64> = free.iter().map(|p| libm::log(lengthscales[*p])).collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    logs.iter()
        .map(|log| libm::exp((log - mean).clamp(-1.2, 1.2)))
        .collect()
}
