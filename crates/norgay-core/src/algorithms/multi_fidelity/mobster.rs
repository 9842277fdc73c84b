//! MOBSTER: asynchronous successive halving whose new configurations a Gaussian process suggests.
//!
//! Source: Klein et al., "Model-based Asynchronous Hyperparameter and Neural Architecture Search"
//! (2020). Where it puts the resource into the kernel, here values of lower rungs are first moved
//! to the highest rung by what trials that reached both gained from one to the next
//! (`shadows`), so that every process of the `gp` algorithm can be used as it is.

use crate::algorithm::{Algorithm, AlgorithmError};
use crate::algorithms::{AlgorithmEntry, Arguments};
use crate::space::Space;

use super::halving::Halving;
use super::ladder::Ladder;
use super::model_searcher::ModelSearcher;
use super::shadows::Sight;

pub(in crate::algorithms) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "mobster",
    aliases: &[],
    summary: "successive halving of configurations that a Gaussian process suggests",
    arguments: super::LADDER_ARGUMENTS,
    allows_repetition: false,
    build,
};

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let (least, most, factor) = super::resources(arguments)?;
    Ok(Box::new(Halving {
        ladder: Ladder::from_most(least, most, factor),
        brackets: vec![(0, 1.0)],
        max_finished: None,
        max_num_trials: arguments.max_num_trials()?,
        searcher: ModelSearcher::new("gp", space, Sight::Aligned, 0.0)?,
    }))
}
