//! How much a configuration promises: the logarithm of the expected improvement, and of the
//! probability that it works at all.
//!
//! Source: Ament et al., "Unexpected improvements to expected improvement for Bayesian
//! optimization" (NeurIPS 2023), for the logarithm.

use crate::numerics::normal;
use crate::numerics::random_forest::{Data, Feature, Forest, Prediction, Settings};
use crate::random::Stream;

use super::history::History;

/// Standard deviation below which no prediction is trusted, of values with one of about 1.
const LEAST_DEVIATION: f64 = 1e-3;

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
        let promised = log_expected_improvement(self.values.predict(row), self.best);
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

/// The logarithm of the expected improvement on `best`, by a normal distribution.
fn log_expected_improvement(prediction: Prediction, best: f64) -> f64 {
    let deviation = libm::sqrt(prediction.variance).max(LEAST_DEVIATION);
    let z = (best - prediction.mean) / deviation;
    let log_of_unit = if z > -2.0 {
        libm::log(normal::density(z) + z * normal::cumulative(z))
    } else {
        // density(z) * (1 - t * mills_ratio(t)) without cancellation.
        let t = -z;
        let rest = normal::mills_tail(t) * normal::mills_ratio(t);
        normal::log_density(z) + libm::log(rest)
    };
    log_of_unit + libm::log(deviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expected_improvement_keeps_its_digits_in_the_tail() {
        // Made with 50 digits by mpmath: log(pdf(z) + z cdf(z)).
        for (z, expected) in [
            (1.0, 0.080_026_218_849_306_9),
            (-1.0, -2.485_121_025_712_641),
            (-5.0, -16.744_301_162_660_99),
            (-20.0, -206.917_838_509_425_1),
        ] {
            let prediction = Prediction {
                mean: 0.0,
                variance: 1.0,
            };
            let found = log_expected_improvement(prediction, z);
            assert!((found - expected).abs() < 1e-9, "{z}: {found}");
        }
    }
}
