//! The Gaussian processes of objectives, weightings and constraints.

use crate::algorithm::View;
use crate::algorithms::encoding::Encoding;
use crate::algorithms::gaussian_process::acquisition::{Acquisition, Criterion};
use crate::algorithms::gaussian_process::algorithm::most_probable;
use crate::algorithms::gaussian_process::feasibility::{FailureModel, dampened};
use crate::algorithms::gaussian_process::hyperparameters::Hyperparameters;
use crate::algorithms::gaussian_process::kernel::Metric;
use crate::algorithms::gaussian_process::model::{Model, Observations, Recipe};
use crate::algorithms::gaussian_process::output_transform::{OutputTransform, transformed};
use crate::algorithms::gaussian_process::posterior::Posterior;
use crate::numerics::dense::Matrix;
use crate::numerics::hypervolume::{reference_point, undominated_cells};
use crate::random::{Purpose, Stream};
use crate::value::Value;

use super::MAX_PENDING;
use super::history::History;
use super::hypervolume_improvement::HypervolumeImprovement;
use super::scalarization::{chebyshev, weights};

/// What the memo of a trial calls the hyperparameters of the models that suggested it.
const HYPERPARAMETERS: &str = "hyperparameters";
/// Failed points that a model takes into account at most.
const MAX_FAILURES: usize = 100;
/// Boxes of the undominated region at most.
const MAX_CELLS: usize = 5000;
/// A gain below this share of the front's range is next to nothing, and a loss above the other
/// is much.
const SMALL_GAIN: f64 = 0.02;
const LARGE_LOSS: f64 = 0.25;
/// Points that are left out for bad trades at most.
const MAX_BAD_TRADES: usize = 30;
/// Above this variance of the noise the front is one of posterior means.
const NOISY: f64 = 1e-2;

/// Fits models as they are asked for, and remembers their hyperparameters.
pub(super) struct Models<'a> {
    view: &'a View<'a>,
    history: &'a History,
    metric: Metric,
    pending: &'a [Vec<f64>],
    /// Which points keep the constraints.
    eligible: Vec<bool>,
    previous: Vec<Hyperparameters>,
    fitted: Vec<Hyperparameters>,
}

impl<'a> Models<'a> {
    pub fn new(view: &'a View<'a>, history: &'a History, encoding: &Encoding) -> Self {
        let dimensions = encoding.dimensions().iter();
        let categorical = dimensions.map(|d| d.axis.is_category()).collect();
        let first = history.pending.len().saturating_sub(MAX_PENDING);
        Self {
            view,
            history,
            metric: Metric { categorical },
            pending: &history.pending[first..],
            eligible: history.violations.iter().map(|v| *v <= 0.0).collect(),
            previous: previous(view),
            fitted: Vec::new(),
        }
    }

    /// Fits a model of numbers, one for each point; `afresh` where earlier hyperparameters were
    /// fitted to other numbers.
    fn fit(&mut self, values: &[f64], transform: OutputTransform, afresh: bool) -> Option<Model> {
        let history = self.history;
        let observations = self.observations(&history.points, values, &history.repeats);
        let recipe = Recipe {
            transforms: vec![transform],
            members: 1,
            steps: 25,
            afresh: afresh || values.len() <= 20 || self.view.next_number.is_multiple_of(8),
        };
        let mut stream = Stream::new(self.view.seed, self.view.next_number, Purpose::Model);
        let previous = self.previous.get(self.fitted.len());
        let model = Model::fit(&observations, &recipe, previous, &mut stream)?;
        self.fitted.push(model.hyperparameters.clone());
        Some(model)
    }

    /// The expected hypervolume improvement; `None` if there are too many boxes, or a fit failed.
    ///
    /// `reference` is the reference point, if it is given, in the sense of minimization.
    pub fn hypervolume_improvement(
        &mut self,
        reference: Option<&[f64]>,
    ) -> Option<Box<dyn Acquisition>> {
        let places = 0..self.history.points.len();
        let mut posteriors = Vec::new();
        let mut columns = Vec::new();
        let mut ends = Vec::new();
        for objective in 0..self.view.objectives() {
            let values: Vec<f64> = self
                .history
                .objectives
                .iter()
                .map(|v| v[objective])
                .collect();
            let model = self.fit(&values, OBJECTIVE, false)?;
            let posterior = model.members.into_iter().next()?.posterior;
            let observed = if posterior.noise() > NOISY {
                posterior.means(&matrix(&self.history.points, self.metric.categorical.len()))
            } else {
                transformed(&values, OBJECTIVE)
            };
            let end = reference.map(|point| {
                let plain = transformed(&values, OBJECTIVE);
                interpolated(&values, &plain, point[objective])
            });
            columns.push((observed, self.believed(&posterior)));
            ends.push(end);
            posteriors.push(posterior);
        }
        let row =
            |place: usize| -> Vec<f64> { columns.iter().map(|(all, _)| all[place]).collect() };
        let all: Vec<Vec<f64>> = places.map(row).collect();
        let front: Vec<Vec<f64>> = self.history.front().into_iter().map(row).collect();
        let inferred = reference_point(&without_bad_trades(front), &all);
        let ends = ends.iter().zip(inferred);
        let reference: Vec<f64> = ends
            .map(|(end, inferred)| end.unwrap_or(inferred))
            .collect();
        let feasible = self.history.feasible().into_iter().map(row);
        let believed = (0..self.pending.len()).map(|place| {
            columns
                .iter()
                .map(|(_, believed)| believed[place])
                .collect()
        });
        let points: Vec<Vec<f64>> = feasible.chain(believed).collect();
        let inside = |point: &&Vec<f64>| point.iter().zip(&reference).all(|(v, end)| v < end);
        let points: Vec<&Vec<f64>> = points.iter().filter(inside).collect();
        let cells = undominated_cells(&points, &reference, MAX_CELLS)?;
        Some(Box::new(HypervolumeImprovement::new(posteriors, &cells)))
    }

    pub fn words_of_improvement(&self) -> String {
        match self.view.objectives() {
            1 => "expected improvement".to_string(),
            count => format!("expected hypervolume improvement of {count} objectives"),
        }
    }

    /// What is believed of pending points.
    fn believed(&self, posterior: &Posterior) -> Vec<f64> {
        posterior.means(&matrix(self.pending, self.metric.categorical.len()))
    }

    /// The expected improvement of this trial's weighting of the objectives, and its description.
    pub fn scalarized(&mut self) -> Option<(Option<Box<dyn Acquisition>>, String)> {
        let objectives = self.view.objectives();
        let weights = weights(objectives, self.view.seed, self.view.suggested);
        let (ideal, ranges) = self.scale();
        let values: Vec<f64> = self
            .history
            .objectives
            .iter()
            .map(|values| chebyshev(values, &ideal, &ranges, &weights))
            .collect();
        let model = self.fit(&values, WEIGHTING, true)?;
        let shown: Vec<String> = weights.iter().map(|w| format!("{w:.2}")).collect();
        let words = format!("expected improvement with weights {}", shown.join(" : "));
        let worth = model.into_improvement(Criterion::ExpectedImprovement);
        Some((Some(Box::new(worth)), words))
    }

    /// The front's best values and ranges; where a range is 0, that of all values, or 1.
    fn scale(&self) -> (Vec<f64>, Vec<f64>) {
        let places = self.history.front();
        let front = places
            .iter()
            .map(|place| self.history.objectives[*place].clone());
        let front = without_bad_trades(front.collect());
        let ends = reference_point(&front, &self.history.objectives);
        let ideal = |objective: usize| {
            let values = front.iter().map(|values| values[objective]);
            values.fold(f64::INFINITY, f64::min)
        };
        let ideal: Vec<f64> = (0..ends.len()).map(ideal).collect();
        let ranges = ends.iter().zip(&ideal).map(|(end, low)| end - low);
        let usable = |range: f64| {
            if range > 0.0 && range.is_finite() {
                range
            } else {
                1.0
            }
        };
        let ranges = ranges.map(usable).collect();
        (ideal, ranges)
    }

    /// A model of each constraint of which enough is known.
    pub fn limits(&self) -> Vec<Posterior> {
        let constraints = 0..self.view.constraints.len();
        constraints.filter_map(|place| self.limit(place)).collect()
    }

    fn limit(&self, constraint: usize) -> Option<Posterior> {
        let history = self.history;
        let known: Vec<(usize, f64)> = history
            .constraints
            .iter()
            .enumerate()
            .filter_map(|(place, values)| Some((place, *values.get(constraint)?)))
            .filter(|(_, value)| value.is_finite())
            .collect();
        if known.len() < 2 {
            return None;
        }
        let (places, values): (Vec<usize>, Vec<f64>) = known.into_iter().unzip();
        let point = |place: &usize| history.points[*place].clone();
        let points: Vec<Vec<f64>> = places.iter().map(point).collect();
        let repeats: Vec<f64> = places.iter().map(|place| history.repeats[*place]).collect();
        let observations = self.observations(&points, &values, &repeats);
        let data = observations.with_values(dampened(&values));
        Posterior::new(&data, &most_probable(&data)?, self.pending).ok()
    }

    /// A model of where trials fail, if any did.
    pub fn failures(&self) -> Option<FailureModel> {
        let failures = &self.history.failures;
        let first = failures.len().saturating_sub(MAX_FAILURES);
        let failures = failures
            .get(first..)
            .filter(|failures| !failures.is_empty())?;
        let worked = self.history.points.len();
        let points: Vec<Vec<f64>> = self
            .history
            .points
            .iter()
            .chain(failures)
            .cloned()
            .collect();
        let mut labels = vec![1.0; points.len()];
        labels[worked..].fill(-1.0);
        let repeats = vec![1.0; points.len()];
        let observations = self.observations(&points, &labels, &repeats);
        FailureModel::fit(&observations.with_values(labels.clone()), 1.0)
    }

    fn observations<'b>(
        &'b self,
        points: &'b [Vec<f64>],
        values: &'b [f64],
        repeats: &'b [f64],
    ) -> Observations<'b> {
        Observations {
            metric: &self.metric,
            points,
            values,
            repeats,
            pending: self.pending,
            eligible: &self.eligible,
        }
    }

    /// The lengthscales for the size of steps: of several models the shortest.
    pub fn lengthscales(&self) -> Vec<f64> {
        let dimensions = 0..self.metric.categorical.len();
        let shortest = dimensions.map(|dimension| {
            let of_models = self.fitted.iter().map(|hyper| hyper.lengthscale(dimension));
            of_models.fold(f64::INFINITY, f64::min)
        });
        shortest.collect()
    }

    /// The hyperparameters, for the next suggestion to start from.
    pub fn memo(&self) -> Value {
        let fitted = self.fitted.iter().map(|hyper| -> Value {
            let numbers: Vec<Value> = hyper.0.iter().map(|x| Value::Float(*x)).collect();
            numbers.into()
        });
        let fitted: Vec<Value> = fitted.collect();
        Value::Dict(vec![(Value::from(HYPERPARAMETERS), fitted.into())].into())
    }
}

/// Objectives keep their proportions: hypervolume is to be gained on their own scale.
const OBJECTIVE: OutputTransform = OutputTransform::Standardise;
/// A weighting only has to be put in order.
const WEIGHTING: OutputTransform = OutputTransform::YeoJohnson;

/// A front without the points that gain next to nothing in some objectives over another point of
/// it and lose much in one: they would stretch the region of interest far beyond where good
/// trades are (Ikeda, Kita and Kobayashi, "Failure of Pareto-based MOEAs: does non-dominated
/// really mean near to optimal?", CEC 2001).
fn without_bad_trades(mut front: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    // One by one, worst first: each changes the ranges by which the others are judged.
    for _ in 0..MAX_BAD_TRADES {
        let ranges: Vec<f64> = reference_point(&front, &front)
            .iter()
            .enumerate()
            .map(|(objective, end)| {
                let values = front.iter().map(|values| values[objective]);
                end - values.fold(f64::INFINITY, f64::min)
            })
            .collect();
        let losses = front
            .iter()
            .map(|point| worst_trade(point, &front, &ranges));
        let worst = losses.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        match worst {
            Some((place, loss)) if loss > LARGE_LOSS => front.remove(place),
            _ => break,
        };
    }
    front
}

/// What a point loses at most in an objective to one over which it gains next to nothing.
fn worst_trade(point: &[f64], front: &[Vec<f64>], ranges: &[f64]) -> f64 {
    let trades = front.iter().map(|other| {
        let pairs = point.iter().zip(other).zip(ranges);
        let changes = pairs.map(|((a, b), range)| (a - b) / range);
        changes.fold((0.0_f64, 0.0_f64), |(gain, loss), change| {
            (gain.max(-change), loss.max(change))
        })
    });
    let poor = trades.filter(|(gain, _)| *gain < SMALL_GAIN);
    poor.map(|(_, loss)| loss).fold(0.0, f64::max)
}

/// Where a value lies on a transformed scale, by the values around it; beyond them by the slope of
/// all.
fn interpolated(values: &[f64], transformed: &[f64], value: f64) -> f64 {
    let mut known: Vec<(f64, f64)> = values
        .iter()
        .copied()
        .zip(transformed.iter().copied())
        .collect();
    known.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (Some(first), Some(last)) = (known.first(), known.last()) else {
        return value;
    };
    let above = known.partition_point(|(x, _)| *x < value);
    let (low, high) = match (
        above.checked_sub(1).and_then(|k| known.get(k)),
        known.get(above),
    ) {
        (Some(low), Some(high)) => (low, high),
        _ => (first, last),
    };
    let slope = (high.1 - low.1) / (high.0 - low.0);
    let slope = if slope.is_finite() { slope } else { 1.0 };
    low.1 + slope * (value - low.0)
}

fn matrix(points: &[Vec<f64>], columns: usize) -> Matrix {
    let mut matrix = Matrix::zeros(0, columns);
    for point in points {
        matrix.push(point);
    }
    matrix
}

/// The hyperparameters that the last suggestion noted.
fn previous(view: &View<'_>) -> Vec<Hyperparameters> {
    let latest = view.trials.iter().rev().take(50);
    let noted = latest.filter_map(|trial| {
        let all = view.trials.memo(trial)?.get(HYPERPARAMETERS)?.as_items()?;
        let read = |model: &Value| {
            let numbers = model.as_items()?.iter().map(Value::as_f64);
            numbers.collect::<Option<Vec<f64>>>().map(Hyperparameters)
        };
        all.iter().map(read).collect::<Option<Vec<_>>>()
    });
    noted.into_iter().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{interpolated, without_bad_trades};

    #[test]
    fn points_that_gain_next_to_nothing_for_a_large_loss_don_t_count() {
        let mut front: Vec<Vec<f64>> = (0..=10_i32)
            .map(|k| f64::from(k) * std::f64::consts::PI / 20.0)
            .map(|angle| vec![libm::cos(angle), libm::sin(angle)])
            .map(|point| point.iter().map(|x| 1.0 - x).collect())
            .collect();
        assert_eq!(without_bad_trades(front.clone()), front);
        let good = front.clone();
        front.push(vec![-0.01, 3.0]);
        assert_eq!(without_bad_trades(front), good);
        assert_eq!(without_bad_trades(vec![vec![1.0, 2.0]]).len(), 1);
    }

    #[test]
    fn a_value_lies_between_its_neighbours_on_the_other_scale() {
        let (values, scale) = ([4.0, 1.0, 2.0], [9.0, 0.0, 1.0]);
        let of = |value| interpolated(&values, &scale, value);
        assert_eq!((of(1.5), of(3.0), of(4.0)), (0.5, 5.0, 9.0));
        assert_eq!((of(-1.0), of(7.0)), (-6.0, 18.0));
        assert_eq!(interpolated(&[3.0, 3.0], &[0.0, 0.0], 4.0), 1.0);
    }
}
