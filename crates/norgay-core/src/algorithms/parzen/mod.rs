//! Parzen estimators over a search space: densities of mixed and conditional configurations.
//!
//! A [`Mixture`] is a mixture of product kernels, one for each configuration that it was made
//! of, and of the uniform distribution. A [`Contrast`] of two mixtures, one of good and one of bad
//! configurations, proposes new ones: it draws from the good one and prefers what is rare in the
//! bad one, the way of the tree-structured Parzen estimator (J. Bergstra, R. Bardenet, Y. Bengio
//! and B. Kégl, "Algorithms for hyper-parameter optimization", NIPS 2011).
//!
//! A point of the space is a list of coordinates, one a parameter in the order of declaration:
//! the place in the unit interval of a number, the code of a category, NaN where the parameter is
//! inactive. All densities are relative to the uniform distribution of the active parameters.

mod axis;
mod bandwidth;
mod contrast;
mod kernels;
mod mixture;
mod structure;
#[cfg(test)]
mod tests;

pub(crate) use contrast::Contrast;
pub(crate) use structure::Structure;
