//! Random streams that are addressed, not shared: one for each study seed, trial and purpose.
//!
//! Because a stream's numbers depend on its address alone, the order in which trials are made
//! and the number of threads can't change a suggestion.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream is used for; two purposes never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// Independent samples of a whole configuration.
    Sample = 1,
    /// The order in which alternatives are tried.
    Order = 2,
    /// Scrambling of a low-discrepancy sequence (its trial number is 0).
    Scramble = 3,
    /// The choice of a parent or a member of a population.
    Selection = 4,
    /// The seed that a trial is told.
    TrialSeed = 5,
    /// Points of an initial design.
    Design = 6,
    /// Candidates of an acquisition function's maximization.
    Acquisition = 7,
    /// The fit of a model.
    Model = 8,
    /// Mutation and recombination of individuals.
    Variation = 9,
    /// The choice of a bracket or a fidelity.
    Bracket = 10,
}

/// A stream of random numbers, the same on every platform.
#[derive(Clone, Debug)]
pub struct Stream {
    generator: ChaCha8Rng,
}

impl Stream {
    /// The stream of a study's seed for one trial and one purpose.
    pub fn new(seed: u64, trial: u64, purpose: Purpose) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream((trial << 8) | u64::from(purpose as u8));
        Self { generator }
    }

    /// A number in [0, 1), of 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.generator.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// A number from the standard normal distribution.
    pub fn normal(&mut self) -> f64 {
        // Half a unit in the last place keeps the quantile finite.
        crate::numerics::normal::quantile(self.unit() + 0.5 / 9_007_199_254_740_992.0)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// A whole number in `0..bound`, each equally likely; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // Lemire's multiply-shift: the low half tells whether the draw fell into the biased rest.
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.generator.next_u64()) * u128::from(bound);
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
        }
    }

    /// Puts the items into a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}
