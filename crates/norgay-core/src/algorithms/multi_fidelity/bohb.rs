//! BOHB: hyperband whose new configurations come from a tree-structured Parzen estimator.
//!
//! Source: Falkner, Klein and Hutter, "BOHB: Robust and Efficient Hyperparameter Optimization at
//! Scale" (ICML 2018): the estimator sees the highest rung with enough results, and a third of the
//! configurations stay random. Its estimator is the one of `tpe`.

use crate::algorithm::{Algorithm, AlgorithmError};
use crate::algorithms::{AlgorithmEntry, Arguments};
use crate::space::Space;

use super::halving::{Halving, RandomSearcher};
use super::ladder::Ladder;
use super::model_searcher::ModelSearcher;
use super::shadows::Sight;

/// The part of the configurations that are random.
const RANDOM_SHARE: f64 = 1.0 / 3.0;

pub(in crate::algorithms) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "bohb",
    aliases: &[],
    summary: "hyperband of configurations that a Parzen estimator suggests",
    arguments: super::LADDER_ARGUMENTS,
    allows_repetition: false,
    build,
};

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let (least, most, factor) = super::resources(arguments)?;
    let ladder = Ladder::from_most(least, most, factor);
    let enough = space.parameters().len() + 2;
    Ok(Box::new(Halving {
        brackets: Halving::<RandomSearcher>::all_brackets(&ladder),
        ladder,
        max_finished: None,
        max_num_trials: arguments.max_num_trials()?,
        searcher: ModelSearcher::new("tpe", space, Sight::Highest(enough), RANDOM_SHARE)?,
    }))
}
