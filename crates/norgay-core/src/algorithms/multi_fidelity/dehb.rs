//! DEHB: Hyperband whose new configurations come from differential evolution.
//!
//! Source: Awad, Mallik and Hutter, "DEHB: Evolutionary Hyperband for Scalable, Robust and
//! Efficient Hyperparameter Optimization" (IJCAI 2021): one sub-population for each resource, its
//! mutants of the kind rand/1/bin with F = 0.5 and Cr = 0.5. Here the brackets are asynchronous,
//! trials are promoted as they are, and a sub-population is the best configurations that were
//! ever measured with its resource, or with the next smaller one as long as these are too few.

use crate::algorithm::{Algorithm, AlgorithmError, View};
use crate::algorithms::{AlgorithmEntry, Arguments};
use crate::random::{Purpose, Stream};
use crate::space::Space;

use super::halving::{Found, Halving, RandomSearcher, Searcher};
use super::ladder::Ladder;
use super::rungs::Rungs;

/// Individuals of a sub-population.
const POPULATION: usize = 20;
/// Individuals with which evolution begins.
const FEWEST: usize = 10;
/// The weight of a difference (F).
const WEIGHT: f64 = 0.5;
/// The probability that a parameter is the mutant's (Cr).
const CROSSOVER: f64 = 0.5;
/// So many offspring are made until one is feasible.
const TRIES: usize = 100;

pub(in crate::algorithms) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "dehb",
    aliases: &[],
    summary: "hyperband with configurations from differential evolution",
    arguments: super::LADDER_ARGUMENTS,
    allows_repetition: false,
    build,
};

fn build(arguments: &Arguments<'_>, _: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let (least, most, factor) = super::resources(arguments)?;
    let ladder = Ladder::from_most(least, most, factor);
    Ok(Box::new(Halving {
        brackets: Halving::<Evolution>::all_brackets(&ladder),
        ladder,
        max_finished: None,
        max_num_trials: arguments.max_num_trials()?,
        searcher: Evolution,
    }))
}

struct Evolution;

/// Places of parameters, where they are active.
type Individual = Vec<Option<f64>>;

impl Searcher for Evolution {
    fn search(
        &mut self,
        view: &View<'_>,
        rungs: &Rungs<'_>,
        level: usize,
    ) -> Result<Found, AlgorithmError> {
        let population = population(view, rungs, level);
        if population.len() >= FEWEST {
            let mut stream = Stream::new(view.seed, view.next_number, Purpose::Variation);
            for _ in 0..TRIES {
                let child = offspring(&population, view.space, &mut stream);
                let configuration = view.space.at(&child);
                if view.space.is_feasible(&configuration) {
                    let count = population.len();
                    return Ok(Found {
                        configuration,
                        origin: format!("offspring of {count} configurations by evolution"),
                        memo: None,
                    });
                }
            }
        }
        RandomSearcher.search(view, rungs, level)
    }
}

/// The best individuals of a level; if these are too few, of the next lower one that has enough.
fn population(view: &View<'_>, rungs: &Rungs<'_>, level: usize) -> Vec<Individual> {
    let of_level = |level: usize| {
        let members = rungs.brackets.iter().filter_map(|bracket| {
            let rung = level.checked_sub(bracket.start)?;
            bracket.rungs.get(rung)
        });
        let mut ranked: Vec<_> = members
            .flatten()
            .filter_map(|member| Some((member.value?, member.trial)))
            .collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.number.cmp(&b.1.number)));
        ranked.truncate(POPULATION);
        ranked
    };
    let candidates = (0..=level).rev().map(of_level);
    let mut large_enough = candidates.filter(|ranked| ranked.len() >= FEWEST);
    let chosen = large_enough.next().unwrap_or_default();
    let places = chosen.into_iter();
    places
        .map(|(_, trial)| view.space.places(&trial.configuration))
        .collect()
}

/// A target crossed with a mutant of three others.
fn offspring(population: &[Individual], space: &Space, stream: &mut Stream) -> Vec<f64> {
    let mut order: Vec<usize> = (0..population.len()).collect();
    stream.shuffle(&mut order);
    let parent = |k: usize| &population[order[k % order.len()]];
    let dimensions = space.parameters().len();
    let always = stream.below(dimensions as u64) as usize;
    let mut child = Vec::with_capacity(dimensions);
    for position in 0..dimensions {
        // A parameter that is not active in a parent has any place there.
        let mut place = |k: usize| {
            let fresh = stream.unit();
            parent(k)[position].unwrap_or(fresh)
        };
        let [target, base, plus, minus] = [place(0), place(1), place(2), place(3)];
        let mutant = base + WEIGHT * (plus - minus);
        let fresh = stream.unit();
        let crosses = stream.unit() < CROSSOVER || position == always;
        child.push(match (crosses, (0.0..=1.0).contains(&mutant)) {
            (true, true) => mutant,
            (true, false) => fresh,
            (false, _) => target,
        });
    }
    child
}
