//! Where the user believes the optimum to be, as a weight on acquisition functions.
//!
//! Source: Hvarfner et al., "πBO: Augmenting acquisition functions with user beliefs for Bayesian
//! optimization" (ICLR 2022): the density to a power that vanishes as results come in, so that a
//! wrong belief only costs time.

use crate::algorithms::encoding::Encoding;
use crate::configuration::Configuration;
use crate::numerics::dense::Matrix;
use crate::space::{Space, in_words};

use super::acquisition::Acquisition;

/// The number of results at which the belief counts as much as the model.
const STRENGTH: f64 = 10.0;
/// Powers below this one are not worth computing.
const NEGLIGIBLE: f64 = 1e-3;

/// A belief: independent for each parameter, normal on numeric scales.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OptimumPrior {
    /// Believed coordinates by dimension.
    centre: Vec<Option<f64>>,
    categorical: Vec<bool>,
    /// The standard deviation in parts of a parameter's range.
    spread: f64,
}

impl OptimumPrior {
    /// The belief that the optimum has values near those given.
    ///
    /// # Errors
    /// A parameter is unknown or a value is outside its domain, in words.
    pub(crate) fn new(space: &Space, given: &Configuration, spread: f64) -> Result<Self, String> {
        for (name, value) in given.entries() {
            let Some(parameter) = space.get(name) else {
                return Err(format!("there is no parameter '{name}'"));
            };
            if parameter.domain.normalised(value).is_none() {
                let right = in_words(&parameter.domain);
                return Err(format!("'{name}': {value} is not {right}"));
            }
        }
        let encoding = Encoding::new(space);
        let dimensions = encoding.dimensions().iter();
        let (centre, categorical) = dimensions
            .map(|dimension| {
                let parameter = &space.parameters()[dimension.position];
                let value = given.get(&parameter.name);
                let coordinate = value.and_then(|v| dimension.coordinate(&parameter.domain, v));
                (coordinate, dimension.axis.is_category())
            })
            .unzip();
        Ok(Self {
            centre,
            categorical,
            spread,
        })
    }

    /// The believed point, with `middle` where nothing is believed.
    pub(crate) fn point(&self, middle: &[f64]) -> Vec<f64> {
        let pairs = self.centre.iter().zip(middle);
        pairs
            .map(|(centre, other)| centre.unwrap_or(*other))
            .collect()
    }

    /// The power of the density after a number of results; `None` once it is negligible.
    pub(crate) fn power(results: usize) -> Option<f64> {
        let power = STRENGTH / (results as f64).max(1.0);
        let faded = power * libm::exp(-(results as f64) / (10.0 * STRENGTH));
        (faded > NEGLIGIBLE).then_some(faded)
    }

    /// The logarithm of the density, but for a constant, with its gradient added.
    fn log_density(&self, point: &[f64], power: f64, gradient: Option<&mut [f64]>) -> f64 {
        let mut sum = 0.0;
        let mut slopes = vec![0.0; point.len()];
        for (p, centre) in self.centre.iter().enumerate() {
            let Some(centre) = centre else { continue };
            if self.categorical[p] {
                // An inactive parameter (a negative code) agrees with anything.
                if point[p] >= 0.0 && point[p] != *centre {
                    sum += libm::log(self.spread);
                }
                continue;
            }
            let distance = (point[p] - centre) / self.spread;
            sum -= 0.5 * distance * distance;
            slopes[p] = -distance / self.spread;
        }
        if let Some(gradient) = gradient {
            for (total, slope) in gradient.iter_mut().zip(slopes) {
                *total += power * slope;
            }
        }
        power * sum
    }
}

/// An acquisition function weighted by a belief.
pub(crate) struct Believed<'a> {
    pub(crate) inner: &'a dyn Acquisition,
    pub(crate) prior: &'a OptimumPrior,
    pub(crate) power: f64,
}

impl Acquisition for Believed<'_> {
    fn rough_values(&self, points: &Matrix) -> Vec<f64> {
        self.weighted(points, self.inner.rough_values(points))
    }

    fn values(&self, points: &Matrix) -> Vec<f64> {
        self.weighted(points, self.inner.values(points))
    }

    fn value_and_gradient(&self, point: &[f64], gradient: &mut [f64]) -> f64 {
        let value = self.inner.value_and_gradient(point, gradient);
        value + self.prior.log_density(point, self.power, Some(gradient))
    }
}

impl Believed<'_> {
    fn weighted(&self, points: &Matrix, values: Vec<f64>) -> Vec<f64> {
        let values = values.into_iter().enumerate();
        values
            .map(|(k, value)| value + self.prior.log_density(points.row(k), self.power, None))
            .collect()
    }
}
