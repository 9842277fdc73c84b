//! The probabilities of categories, moved along the natural gradient with an adaptive step.
//!
//! Sources: R. Hamano, S. Saito, M. Nomura, K. Uchida and S. Shirakawa, "CatCMA: Stochastic
//! Optimization for Mixed-Category Problems", GECCO 2024 (joint sampling and the margin); Y.
//! Akimoto, S. Shirakawa, N. Yoshinari, K. Uchida, S. Saito and K. Nishida, "Adaptive Stochastic
//! Natural Gradient Method for One-Shot Neural Architecture Search", ICML 2019 (the step size).

use super::constants::Constants;

/// The signal-to-noise ratio that the step size aims at.
const SIGNAL_TO_NOISE: f64 = 1.5;
const TINY: f64 = 1e-8;

/// Independent distributions of several categorical parameters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Categorical {
    /// One row of probabilities a parameter.
    pub probabilities: Vec<Vec<f64>>,
    /// The least probability of a category, by parameter.
    margins: Vec<f64>,
    path: Vec<f64>,
    /// What the path's squared length would be if there were no signal.
    noise: f64,
    /// The inverse of the step size.
    caution: f64,
}

impl Categorical {
    /// `discrete` is the number of parameters that aren't continuous, numeric ones included.
    pub fn new(mut probabilities: Vec<Vec<f64>>, discrete: usize) -> Self {
        // With probability 0.73 no parameter leaves its most probable category by the margin.
        let share = 1.0 - libm::pow(0.73, 1.0 / discrete.max(1) as f64);
        let margin = |row: &Vec<f64>| share / (row.len().max(2) - 1) as f64;
        let margins: Vec<f64> = probabilities
            .iter()
            .map(|row| margin(row).min(1.0 / row.len() as f64))
            .collect();
        for (row, margin) in probabilities.iter_mut().zip(&margins) {
            keep_margin(row, *margin);
        }
        let free = probabilities.iter().map(|row| row.len() - 1).sum();
        Self {
            probabilities,
            margins,
            path: vec![0.0; free],
            noise: 0.0,
            caution: 1.0,
        }
    }

    /// The category of a parameter at a place of the unit interval.
    pub fn category(&self, parameter: usize, place: f64) -> usize {
        let row = &self.probabilities[parameter];
        let mut rest = place;
        for (category, probability) in row.iter().enumerate() {
            rest -= probability;
            if rest < 0.0 {
                return category;
            }
        }
        row.len() - 1
    }

    /// Learns from the categories of a generation, the best first; `None` where a parameter was
    /// inactive, which says nothing.
    pub fn update(&mut self, ranked: &[&[Option<usize>]]) {
        let constants = Constants::new(1, ranked.len(), false);
        let gradient: Vec<Vec<f64>> = (0..self.probabilities.len())
            .map(|parameter| self.gradient(parameter, &constants, ranked))
            .collect();
        let natural: Vec<f64> = self
            .probabilities
            .iter()
            .zip(&gradient)
            .flat_map(|(row, gradient)| in_fisher_units(row, gradient))
            .collect();
        let length = natural.iter().map(|x| x * x).sum::<f64>().sqrt();
        let step = 1.0 / self.caution;
        let rows = self.probabilities.iter_mut().zip(&self.margins);
        for ((row, margin), change) in rows.zip(&gradient) {
            for (probability, part) in row.iter_mut().zip(change) {
                *probability += step / (length + TINY) * part;
            }
            keep_margin(row, *margin);
        }
        if length > 0.0 {
            self.adapt(step, &natural, length);
        }
    }

    fn gradient(
        &self,
        parameter: usize,
        constants: &Constants,
        ranked: &[&[Option<usize>]],
    ) -> Vec<f64> {
        let row = &self.probabilities[parameter];
        let mut gradient = vec![0.0; row.len()];
        let weighted = constants.weights.iter().zip(ranked);
        for (weight, categories) in weighted.take(constants.parents) {
            if let Some(category) = categories[parameter].filter(|c| *c < row.len()) {
                for (sum, probability) in gradient.iter_mut().zip(row) {
                    *sum -= weight * probability;
                }
                gradient[category] += weight;
            }
        }
        gradient
    }

    fn adapt(&mut self, step: f64, natural: &[f64], length: f64) {
        let rate = (step / (self.path.len() as f64).sqrt()).min(1.0);
        let gain = (rate * (2.0 - rate)).sqrt() / length;
        for (path, part) in self.path.iter_mut().zip(natural) {
            *path = (1.0 - rate) * *path + gain * part;
        }
        self.noise = (1.0 - rate) * (1.0 - rate) * self.noise + rate * (2.0 - rate);
        let signal: f64 = self.path.iter().map(|x| x * x).sum();
        let change = rate * (self.noise - signal / SIGNAL_TO_NOISE);
        self.caution = (self.caution * libm::exp(change)).clamp(1e-6, 1e12);
    }
}

/// The gradient times a root of the Fisher information (Akimoto et al., appendix B).
fn in_fisher_units(row: &[f64], gradient: &[f64]) -> Vec<f64> {
    let last = row.len() - 1;
    let total: f64 = gradient[..last].iter().sum();
    let shared = total / (row[last] + row[last].sqrt());
    let pairs = row[..last].iter().zip(gradient);
    pairs
        .map(|(probability, part)| part / probability.sqrt() + probability.sqrt() * shared)
        .collect()
}

/// Lifts all probabilities to the margin, at the expense of those above it.
fn keep_margin(row: &mut [f64], margin: f64) {
    for probability in row.iter_mut() {
        let usable = probability.is_finite();
        *probability = if usable {
            probability.max(margin)
        } else {
            margin
        };
    }
    let sum: f64 = row.iter().sum();
    let above = sum - margin * row.len() as f64;
    for probability in row.iter_mut() {
        *probability = if above > 0.0 {
            *probability - (sum - 1.0) * (*probability - margin) / above
        } else {
            1.0
        };
    }
    let sum: f64 = row.iter().sum();
    for probability in row {
        *probability /= sum;
    }
}
