//! Hyperband: successive halving in brackets that begin with more and more resource.
//!
//! Source: Li et al., "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization"
//! (JMLR 2018). Its brackets run one after the other and wait for complete rungs; here, as Li et
//! al., "A System for Massively Parallel Hyperparameter Tuning" (MLSys 2020) propose, they run
//! side by side and nobody waits, and new configurations are shared out in the same proportions.

use crate::algorithm::{Algorithm, AlgorithmError};
use crate::algorithms::{AlgorithmEntry, Arguments};
use crate::space::Space;

use super::halving::{Halving, RandomSearcher};
use super::ladder::Ladder;

pub(in crate::algorithms) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "hyperband",
    aliases: &[],
    summary: "successive halving from several smallest resources at once",
    arguments: super::LADDER_ARGUMENTS,
    allows_repetition: false,
    build,
};

fn build(arguments: &Arguments<'_>, _: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let (least, most, factor) = super::resources(arguments)?;
    let ladder = Ladder::from_most(least, most, factor);
    Ok(Box::new(Halving {
        brackets: Halving::<RandomSearcher>::all_brackets(&ladder),
        ladder,
        max_finished: None,
        max_num_trials: arguments.max_num_trials()?,
        searcher: RandomSearcher,
    }))
}
