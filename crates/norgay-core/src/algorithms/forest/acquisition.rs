//! How much a configuration promises: the logarithm of the expected improvement, and of the
//! probability that it works at all.

use crate::algorithms::gaussian_process::log_expected_improvement::log_expected_improvement;
use crate::numerics::random_forest::{Data, Feature, Forest, Settings};
use crate::random::Stream;

use super::history::History;

/// Variance below which no prediction is trusted, of values with one of about 1.
const LEAST_VARIANCE: f64 = 1e-6;

pub(super) struct Acquisition {
    values: Forest,
    /// Probability of failure, if some trials failed.
    failure: Option<Forest>,
    best: f64,
}

impl Acquisition {
    /// Fits the forests; pending trials count as if they had given what is expected of them.
    pub(super) fn fit(
        features: &[Feature],
        history: &History,
        settings: &Settings,
        stream: &mut Stream,
    ) -> Self {
        let mut data = Data::new(features.len());
        for known in &history.known {
            data.push(&known.row, known.value);
        }
        let mut values = Forest::fit(features, &data, settings, stream);
        if !history.pending.is_empty() {
            for row in &history.pending {
                data.push(row, values.predict(row).mean);
            }
            values = Forest::fit(features, &data, settings, stream);
        }
        let best = data.targets().iter().copied().fold(f64::INFINITY, f64::min);
        Self {
            values,
            failure: failure(features, history, settings, stream),
            best,
        }
    }

    /// The logarithm of what a point promises.
    pub(super) fn at(&self, row: &[f64]) -> f64 {
        let predicted = self.values.predict(row);
        let variance = predicted.variance.max(LEAST_VARIANCE);
        let promised = log_expected_improvement(self.best, predicted.mean, variance);
        let Some(failure) = &self.failure else {
            return promised;
        };
        let works = 1.0 - failure.predict(row).mean;
        promised + libm::log(works.clamp(1e-3, 1.0))
    }
}

/// The forest of failures.
fn failure(
    features: &[Feature],
    history: &History,
    settings: &Settings,
    stream: &mut Stream,
) -> Option<Forest> {
    if history.failed.is_empty() {
        return None;
    }
    let mut data = Data::new(features.len());
    for known in &history.known {
        data.push(&known.row, 0.0);
    }
    for row in &history.failed {
        data.push(row, 1.0);
    }
    Some(Forest::fit(features, &data, settings, stream))
}
