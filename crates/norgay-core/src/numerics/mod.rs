//! Numerical building blocks of the algorithms.

pub mod sobol_sequence;
