//! The algorithms, and the table through which they are found by name.
//!
//! A new algorithm is one file here and one row in [`ALGORITHMS`].

mod arguments;
mod auto;
mod bayesian_optimization;
mod chain;
mod cmaes;
mod differential_evolution;
mod encoding;
mod foresight;
mod forest;
mod gaussian_process;
mod genetic;
mod grid;
mod grid_axis;
mod iterate;
mod lesson;
mod local_search;
mod multi_fidelity;
mod multi_objective;
mod nsga;
mod parzen;
mod perturbation;
mod population_based;
mod random;
mod repeat;
mod sobol;
mod tpe;
mod wrapping;

pub use arguments::Arguments;

use std::sync::Arc;

use crate::algorithm::{Algorithm, AlgorithmError};
use crate::definition::AlgorithmChoice;
use crate::expression::nearest;
use crate::space::Space;

/// A row of the table: everything that is to be known of an algorithm by its name.
pub struct AlgorithmEntry {
    /// Its name.
    pub name: &'static str,
    /// Other names, the reference's among them; letter case does not matter.
    pub aliases: &'static [&'static str],
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// The arguments that it takes.
    pub arguments: &'static [ArgumentEntry],
    /// Whether [`repeat`](self) may wrap it.
    pub allows_repetition: bool,
    /// Makes it.
    pub build: Build,
}

/// Makes an algorithm of its arguments for a space.
pub type Build = fn(&Arguments<'_>, &Space) -> Result<Box<dyn Algorithm>, AlgorithmError>;

/// One argument of an algorithm.
pub struct ArgumentEntry {
    /// Its name.
    pub name: &'static str,
    /// What holds when it is absent, as text.
    pub default: &'static str,
    /// What it does.
    pub help: &'static str,
}

/// The default of an argument that has none.
pub const REQUIRED: &str = "needed";

const MAX_NUM_TRIALS: ArgumentEntry = ArgumentEntry {
    name: "max_num_trials",
    default: "no end",
    help: "number of suggestions after which the algorithm ends",
};

/// All algorithms.
pub const ALGORITHMS: &[AlgorithmEntry] = &[
    auto::ENTRY,
    grid::ENTRY,
    random::ENTRY,
    local_search::ENTRY,
    iterate::ENTRY,
    repeat::ENTRY,
    chain::ENTRY,
    sobol::ENTRY,
    forest::ENTRY,
    tpe::ENTRY,
    multi_fidelity::successive_halving::ENTRY,
    multi_fidelity::hyperband::ENTRY,
    multi_fidelity::dehb::ENTRY,
    multi_fidelity::mobster::ENTRY,
    multi_fidelity::bohb::ENTRY,
    population_based::training::ENTRY,
    population_based::bandits::ENTRY,
    genetic::ENTRY,
    gaussian_process::ENTRY,
    gaussian_process::turbo::ENTRY,
    cmaes::ENTRY,
    bayesian_optimization::ENTRY,
    differential_evolution::ENTRY,
    nsga::ENTRY,
    nsga::NICHES,
    multi_objective::EHVI,
    multi_objective::PAREGO,
];

/// Algorithms that know what to do with several objectives, or don't look at them.
const FOR_SEVERAL_OBJECTIVES: &[&str] = &[
    "auto", "ehvi", "parego", "nsga2", "nsga3", "random", "sobol", "grid", "iterate",
];
/// Algorithms that leave the objectives to another.
const WRAPPERS: &[&str] = &["repeat", "chain"];

/// Checks that an algorithm is for so many objectives.
///
/// # Errors
/// It optimizes one objective only.
pub fn check_objectives(choice: &AlgorithmChoice, objectives: usize) -> Result<(), AlgorithmError> {
    let Some(entry) = find(&choice.name) else {
        return Ok(());
    };
    let fits = FOR_SEVERAL_OBJECTIVES.contains(&entry.name) || WRAPPERS.contains(&entry.name);
    if objectives <= 1 || fits {
        return Ok(());
    }
    let known = ALGORITHMS.iter().map(|entry| entry.name);
    let known: Vec<&str> = known
        .filter(|name| FOR_SEVERAL_OBJECTIVES.contains(name))
        .collect();
    let message = format!(
        "it optimizes one objective, and there are {objectives}; for several there are {}",
        known.join(", ")
    );
    Err(AlgorithmError::Unsuitable {
        algorithm: entry.name,
        message,
    })
}

/// The algorithm of a name or alias.
pub fn find(name: &str) -> Option<&'static AlgorithmEntry> {
    ALGORITHMS.iter().find(|entry| {
        entry.name.eq_ignore_ascii_case(name)
            || entry
                .aliases
                .iter()
                .any(|alias| alias.eq_ignore_ascii_case(name))
    })
}

/// Makes an algorithm for a space.
///
/// # Errors
/// The name or an argument is wrong, or the space does not suit it.
pub fn build(
    choice: &AlgorithmChoice,
    space: &Space,
) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let Some(entry) = find(&choice.name) else {
        let known: Vec<Arc<str>> = ALGORITHMS.iter().map(|entry| entry.name.into()).collect();
        let hint = nearest(&choice.name, &known)
            .map_or(String::new(), |name| format!(" (did you mean {name}?)"));
        let known = known.join(", ") + &hint;
        return Err(AlgorithmError::Unknown {
            name: choice.name.clone(),
            known,
        });
    };
    let algorithm = (entry.build)(&Arguments::new(entry, &choice.arguments)?, space)?;
    let mut own = algorithm.bookkeeping().into_iter();
    match own.find(|(name, _)| space.get(name).is_some()) {
        None => Ok(foresight::with_foresight(entry.name, algorithm)),
        Some((name, _)) => Err(AlgorithmError::Unsuitable {
            algorithm: entry.name,
            message: format!(
                "it adds an entry '{name}' of its own to each configuration; \
                 give the parameter '{name}' another name"
            ),
        }),
    }
}
