//! Numerical building blocks of the algorithms.

pub mod dense;
pub mod hypervolume;
pub mod lbfgs;
pub mod normal;
pub mod pareto;
pub mod random_forest;
pub mod reference_directions;
pub(crate) mod single;
pub mod sobol_sequence;
pub mod symmetric_eigen;
