//! How wide the kernels of a mixture are.
//!
//! Scott's rule (D. W. Scott, "Multivariate Density Estimation", 1992) with a small factor, and
//! with the square root of the data's spread instead of the spread: kernels narrow as good
//! configurations gather, but more slowly than they do, so the search does not close too early.
//! Factor and exponent were chosen on 17 problems of many kinds, none of which decided alone.

/// The factor of the rule.
const FACTOR: f64 = 0.1;
/// The narrowest kernel, in parts of the range.
const LEAST: f64 = 0.01;

/// Collects how far the configurations' places lie apart.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spread {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Spread {
    pub(super) fn add(&mut self, place: f32) {
        let distance = f64::from(place) - 0.5;
        self.count += 1.0;
        self.sum += distance;
        self.squares += distance * distance;
    }

    /// The standard deviation relative to that of evenly spread places; an evenly spread one is
    /// counted in, lest few places seem to say much.
    fn relative(self) -> f64 {
        let count = self.count + 1.0;
        let mean = self.sum / count;
        let variance = (self.squares + 1.0 / 12.0) / count - mean * mean;
        libm::sqrt(12.0 * variance.max(0.0))
    }

    /// The standard deviation of all kernels of a number, in parts of its range, where
    /// `dimensions` parameters vary together and its cells are `cell` wide (0: continuous).
    pub(super) fn bandwidth(self, dimensions: usize, cell: f64) -> f64 {
        let decay = libm::pow(self.count.max(1.0), -1.0 / (dimensions as f64 + 4.0));
        let width = (FACTOR * libm::sqrt(self.relative()) * decay).max(LEAST);
        smeared(width, cell)
    }
}

/// A standard deviation with the variance of an even distribution over a cell added: with it the
/// density at a cell's centre stands for the integral over the cell.
pub(super) fn smeared(width: f64, cell: f64) -> f64 {
    libm::sqrt(width * width + cell * cell / 12.0)
}
