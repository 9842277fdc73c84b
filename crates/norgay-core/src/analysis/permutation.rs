//! Permutation importance on a random forest.
//!
//! Source: Breiman, "Random forests" (Machine Learning 45, 2001): how much worse the trees predict
//! the trials that they did not see when one parameter's values are shuffled among these.

use crate::numerics::random_forest::Forest;
use crate::random::{Purpose, Stream};

use super::{Evidence, Importance};

/// How often the values are shuffled.
const SHUFFLES: u64 = 5;

pub(super) fn importance(evidence: &Evidence<'_>) -> Vec<Importance> {
    let forest = evidence.forest();
    let count = evidence.len() as f64;
    let mean = evidence
        .values
        .iter()
        .map(|value| value / count)
        .sum::<f64>();
    let varying = evidence.varying().into_iter();
    let scale = deviation(&evidence.values, mean);
    varying
        .map(|position| of_parameter(evidence, &forest, position, scale))
        .collect()
}

fn deviation(values: &[f64], mean: f64) -> f64 {
    let largest = values
        .iter()
        .fold(0.0_f64, |most, value| most.max((value - mean).abs()));
    if largest == 0.0 || !largest.is_finite() {
        return f64::MAX;
    }
    let squares = values
        .iter()
        .map(|value| ((value - mean) / largest).powi(2));
    largest * libm::sqrt(squares.sum::<f64>() / values.len() as f64)
}

/// The growth of the mean squared error in the unit of the values' variance.
fn of_parameter(
    evidence: &Evidence<'_>,
    forest: &Forest,
    position: usize,
    scale: f64,
) -> Importance {
    let rows: Vec<usize> = (0..evidence.len())
        .filter(|row| evidence.columns.is_active(&evidence.rows[*row], position))
        .collect();
    let active_share = rows.len() as f64 / evidence.len() as f64;
    let growths: Vec<f64> = (0..SHUFFLES)
        .map(|shuffle| {
            let mut stream = Stream::new(position as u64, shuffle, Purpose::Order);
            let mut others = rows.clone();
            stream.shuffle(&mut others);
            let (mut growth, mut judged) = (0.0, 0.0);
            for (row, other) in rows.iter().zip(&others) {
                let mut inputs = evidence.rows[*row].clone();
                let error = |inputs: &[f64]| {
                    let predicted = forest.predict_out_of_bag(*row, inputs)?;
                    Some(((predicted.mean - evidence.values[*row]) / scale).powi(2))
                };
                let before = error(&inputs);
                inputs[position] = evidence.rows[*other][position];
                if let (Some(before), Some(after)) = (before, error(&inputs)) {
                    growth += after - before;
                    judged += 1.0;
                }
            }
            if judged > 0.0 { growth / judged } else { 0.0 }
        })
        .collect();
    let count = growths.len() as f64;
    let value = growths.iter().sum::<f64>() / count;
    let squares = growths.iter().map(|growth| (growth - value).powi(2));
    Importance {
        parameters: vec![position],
        value,
        deviation: libm::sqrt(squares.sum::<f64>() / count),
        active_share,
    }
}
