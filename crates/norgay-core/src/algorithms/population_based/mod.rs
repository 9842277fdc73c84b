//! Algorithms that train a population of models in generations: the best go on from their
//! checkpoints, and changed copies of them replace the worst.
//!
//! They share the reading of the [`population`] from the trials and the step from one generation
//! to the next, and differ in how a copy is changed ([`Explore`](population::Explore)).

pub(super) mod bandits;
mod improvement;
mod perturbed;
mod population;
mod ranges;
pub(super) mod training;
