//! Numerical building blocks of the algorithms.

pub mod normal;
pub mod sobol_sequence;
