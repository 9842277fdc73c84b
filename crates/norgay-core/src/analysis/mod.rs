//! What a study's trials say about its space: which parameters matter, how values depend on them,
//! and why a trial was tried.
//!
//! Everything here is a function of the trials: the same trials give the same answer.

mod evidence;
mod explanation;
mod fanova;
mod partial_dependence;
mod partition;
mod ped_anova;
mod permutation;

pub use evidence::{AnalysisError, Evidence, FEWEST};
pub use explanation::{Expectation, Explanation, Neighbour, Standing, explain};
pub use partial_dependence::{Dependence, DependencePoint, partial_dependence};

/// How importance is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// The share of the variance over the space that a parameter explains.
    #[default]
    Fanova,
    /// How far the best tenth of the trials keeps to a part of the parameter's range.
    PedAnova,
    /// How much worse a forest predicts when the parameter's values are shuffled.
    Permutation,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 3] = [Self::Fanova, Self::PedAnova, Self::Permutation];

    /// The word for it, the same everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fanova => "fanova",
            Self::PedAnova => "ped-anova",
            Self::Permutation => "permutation",
        }
    }

    /// The method of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

/// How important one parameter, or two together, are.
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    /// Positions of the parameters in the space; one, or two for their interaction alone.
    pub parameters: Vec<usize>,
    /// The importance; what it means depends on the [`Method`].
    pub value: f64,
    /// Its standard deviation over the trees; 0 where the method has no trees.
    pub deviation: f64,
    /// The share of the space, or of the trials, in which the parameters are active; the
    /// importance is that within this part.
    pub active_share: f64,
}

/// The importance of each parameter that varies, the most important first; with [`Method::Fanova`]
/// that of pairs too.
///
/// Constraints between parameters are not looked at: the space is taken as a box.
///
/// # Errors
/// There are too few values, or all are the same.
pub fn importance(evidence: &Evidence, method: Method) -> Result<Vec<Importance>, AnalysisError> {
    evidence.check()?;
    let mut found = match method {
        Method::Fanova => fanova::importance(evidence),
        Method::PedAnova => ped_anova::importance(evidence),
        Method::Permutation => permutation::importance(evidence),
    };
    // Equal importances keep the order of the space.
    found.sort_by(|a, b| b.value.total_cmp(&a.value));
    Ok(found)
}
