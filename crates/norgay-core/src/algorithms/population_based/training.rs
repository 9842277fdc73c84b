//! Population-based training: hyperparameters change while models train.
//!
//! Source: Jaderberg et al., "Population based training of neural networks", arXiv:1711.09846
//! (2017), in generations, as the reference does it.

use crate::algorithm::{Algorithm, AlgorithmError, Suggestion, View};
use crate::algorithms::perturbation::{PERTURBATION_FACTORS, factors};
use crate::algorithms::{AlgorithmEntry, Arguments, MAX_NUM_TRIALS};
use crate::space::Space;
use crate::value::Value;

use super::perturbed::Perturbed;
use super::population::{NUM_GENERATIONS, POPULATION_SIZE, Population};
use super::ranges::{PARAMETER_RANGE, ranges};

pub(in crate::algorithms) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "population_based_training",
    aliases: &["PopulationBasedTraining", "pbt"],
    summary: "trains a population in generations: the best go on, changed copies replace the worst",
    arguments: &[
        NUM_GENERATIONS,
        POPULATION_SIZE,
        PARAMETER_RANGE,
        PERTURBATION_FACTORS,
        MAX_NUM_TRIALS,
    ],
    allows_repetition: false,
    build,
};

struct PopulationBasedTraining {
    population: Population,
    perturbed: Perturbed,
}

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    Ok(Box::new(PopulationBasedTraining {
        population: Population::new(arguments, 20)?,
        perturbed: Perturbed {
            ranges: ranges(arguments, space)?,
            factors: factors(arguments)?,
        },
    }))
}

impl Algorithm for PopulationBasedTraining {
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        self.population.suggest(view, &mut self.perturbed)
    }

    fn bookkeeping(&self) -> Vec<(&'static str, Value)> {
        Population::bookkeeping()
    }
}
