//! Runs of CMA-ES: when one is over, and how the next one is.
//!
//! Source: N. Hansen, "Benchmarking a BI-Population CMA-ES on the BBOB-2009 Function Testbed",
//! GECCO 2009; with large populations only: A. Auger and N. Hansen, "A Restart CMA Evolution
//! Strategy With Increasing Population Size", CEC 2005.

use crate::random::{Purpose, Stream};

use super::Options;
use super::coordinates::Coordinates;
use super::distribution::Distribution;
use super::start;

/// Steps this small change nothing.
const SMALLEST_DEVIATION: f64 = 1e-12;
/// Steps that are this large on every axis are no search any more.
const LARGEST_DEVIATION: f64 = 10.0;
const WORST_CONDITION: f64 = 1e14;
/// Values whose range is this part of their size are equal.
const FLAT: f64 = 1e-13;

/// What follows when a run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Restarts {
    /// Doubled populations, and small ones between them.
    Bipop,
    /// Doubled populations.
    Ipop,
    /// Nothing: the run goes on.
    None,
}

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    pub distribution: Distribution,
    /// How many results end a generation.
    pub population: usize,
    small: bool,
    /// How many results were ranked.
    evaluations: u64,
    /// After so many results the run is over.
    most: u64,
    /// The ranked trials' positions in the view, of the latest generations.
    recent: Vec<Vec<usize>>,
    ledger: Ledger,
}

/// What the runs before cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Ledger {
    doublings: u32,
    large: u64,
    small: u64,
}

impl Run {
    pub fn first(distribution: Distribution, population: usize) -> Self {
        Self {
            distribution,
            population,
            small: false,
            evaluations: 0,
            most: u64::MAX,
            recent: Vec::new(),
            ledger: Ledger::default(),
        }
    }

    /// Notes that trials at these positions of the view were ranked.
    pub fn count(&mut self, ranked: Vec<usize>) {
        self.evaluations += ranked.len() as u64;
        self.recent.push(ranked);
        let kept = self.flat_generations();
        if self.recent.len() > kept {
            self.recent.drain(..self.recent.len() - kept);
        }
    }

    /// Equal values for so many generations in a row end a run.
    fn flat_generations(&self) -> usize {
        let axes = self.distribution.gaussian.dimensions();
        10 + (30 * axes).div_ceil(self.population)
    }

    /// Whether going on is of no use; `value` gives the value of the trial at a position.
    pub fn is_over(&self, value: impl Fn(usize) -> Option<f64>) -> bool {
        if self.evaluations >= self.most {
            return true;
        }
        let gaussian = &self.distribution.gaussian;
        if gaussian.dimensions() > 0 {
            let deviations = (0..gaussian.dimensions()).map(|axis| gaussian.deviation(axis));
            let (least, most) = deviations.fold((f64::INFINITY, 0.0), |(low, high), d| {
                (d.min(low), d.max(high))
            });
            // Written so that NaN ends the run, too.
            let usable = most > SMALLEST_DEVIATION
                && least < LARGEST_DEVIATION
                && gaussian.shape.condition() < WORST_CONDITION;
            if !usable {
                return true;
            }
        }
        self.recent.len() >= self.flat_generations() && self.is_flat(value)
    }

    fn is_flat(&self, value: impl Fn(usize) -> Option<f64>) -> bool {
        let best = self
            .recent
            .iter()
            .filter_map(|ranked| value(*ranked.first()?));
        let last = self.recent.last().into_iter().flatten();
        let values = best.chain(last.filter_map(|position| value(*position)));
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (v.min(low), v.max(high))
        });
        high - low <= FLAT * low.abs().max(high.abs())
    }

    /// The run after this one; `number` is that of its first trial's random stream.
    pub fn next(
        &self,
        options: &Options,
        coordinates: &Coordinates,
        (seed, number): (u64, u64),
    ) -> Self {
        let mut ledger = self.ledger;
        if self.small {
            ledger.small += self.evaluations;
        } else {
            ledger.large += self.evaluations;
        }
        let mut stream = Stream::new(seed, number, Purpose::Design);
        let base = options.population(coordinates) as f64;
        let small = options.restarts == Restarts::Bipop && ledger.small < ledger.large;
        let small = small && ledger.doublings > 0;
        // A run in which nothing could be ranked was not too small.
        if !small && self.evaluations > 0 {
            ledger.doublings = (ledger.doublings + 1).min(20);
        }
        let large = base * f64::from(1_u32 << ledger.doublings);
        let (population, sigma, most) = if small {
            let (place, other) = (stream.unit(), stream.unit());
            let size = base * libm::pow(0.5 * large / base, place * place);
            let sigma = options.sigma * libm::pow(10.0, -2.0 * other);
            (size, sigma, (ledger.large / 2).max(1))
        } else {
            (large, options.sigma, u64::MAX)
        };
        Self {
            distribution: start::anywhere(coordinates, sigma, &mut stream),
            population: population as usize,
            small,
            evaluations: 0,
            most,
            recent: Vec::new(),
            ledger,
        }
    }
}
