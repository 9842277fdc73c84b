//! NSGA-II and NSGA-III: several objectives at once, by non-domination and by crowding or niches.
//!
//! Source: K. Deb, A. Pratap, S. Agarwal and T. Meyarivan, "A Fast and Elitist Multiobjective
//! Genetic Algorithm: NSGA-II", IEEE Transactions on Evolutionary Computation 6 (2002), with its
//! constrained domination. NSGA-III (Deb and Jain, 2014), for more than three objectives, keeps in
//! place of the lonely ones those that serve directions of compromise which few others serve.
//!
//! There are no generations to wait for: each child's parents are chosen from the best of all
//! that has ended by then.

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, View};
use crate::numerics::pareto::{crowding_distances, nondominated_sort};
use crate::numerics::reference_directions::{fill_niches, reference_directions};
use crate::numerics::sobol_sequence::{MAX_DIMENSIONS, SobolSequence};
use crate::random::{Purpose, Stream};
use crate::space::Space;
use crate::trial::{Origin, TrialState};

use super::differential_evolution::variation::{Genes, Genome};
use super::lesson::{Lesson, Values};
use super::{AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS};

/// How near to their parents children are, and to what they were before a mutation.
const CROSSOVER_INDEX: f64 = 15.0;
const MUTATION_INDEX: f64 = 20.0;
/// How many children have two parents.
const CROSSOVER_CHANCE: f64 = 0.9;
/// Children that may break the constraints, or be like a parent, before one is sampled.
const MAX_TRIES: u32 = 50;
const LEAST: usize = 4;

const POPULATION: ArgumentEntry = ArgumentEntry {
    name: "population_size",
    default: "50, or a tenth of the budget of trials from 10 to 100",
    help: "number of configurations from which parents are chosen, at least 4",
};

pub(super) const NICHES: AlgorithmEntry = AlgorithmEntry {
    name: "nsga3",
    aliases: &["nsga_iii", "NSGA-III"],
    summary: "spreads the trials along the best compromises of many objectives (NSGA-III)",
    arguments: &[POPULATION, MAX_NUM_TRIALS],
    allows_repetition: true,
    build: build_niches,
};

pub(super) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "nsga2",
    aliases: &["nsga_ii", "NSGA-II"],
    summary: "spreads the trials along the best compromises of several objectives (NSGA-II)",
    arguments: &[POPULATION, MAX_NUM_TRIALS],
    allows_repetition: true,
    build: build_crowding,
};

/// What decides inside a front.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Selection {
    #[default]
    Crowding,
    Niches,
}

struct Nsga {
    genes: Genes,
    population: Option<usize>,
    max_num_trials: u64,
    /// What the view says: a cache.
    elite: Elite,
}

fn build_crowding(
    arguments: &Arguments<'_>,
    space: &Space,
) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    build(arguments, space, Selection::Crowding)
}

fn build_niches(
    arguments: &Arguments<'_>,
    space: &Space,
) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    build(arguments, space, Selection::Niches)
}

fn build(
    arguments: &Arguments<'_>,
    space: &Space,
    selection: Selection,
) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let population = arguments.count("population_size", LEAST as u64)?;
    Ok(Box::new(Nsga {
        genes: Genes::of(space),
        population: population.map(|size| size.min(100_000) as usize),
        max_num_trials: arguments.max_num_trials()?,
        elite: Elite::new(selection),
    }))
}

/// The best of the first so many trials, so that not all must be sorted again.
///
/// Only whole blocks of trials that ended are folded in. What may still change of them (a failed
/// trial is tried again) stays outside.
#[derive(Default)]
struct Elite {
    selection: Selection,
    seen: usize,
    last_number: u64,
    best: Vec<Member>,
    /// Positions of trials before `seen` that did not complete.
    open: Vec<usize>,
}

/// A trial that ended with finite values.
#[derive(Clone)]
struct Member {
    position: usize,
    values: Values,
}

fn member(view: &View<'_>, position: usize) -> Option<Member> {
    match Lesson::all_of(view.trials.get(position)?, view) {
        Lesson::Value(values) => Some(Member { position, values }),
        _ => None,
    }
}

fn is_completed(view: &View<'_>, position: usize) -> bool {
    let trial = view.trials.get(position);
    trial.is_some_and(|trial| trial.state == TrialState::Completed)
}

impl Elite {
    fn new(selection: Selection) -> Self {
        Self {
            selection,
            ..Self::default()
        }
    }

    fn follow(&mut self, view: &View<'_>, size: usize) {
        let last = self.seen.checked_sub(1).map(|last| view.trials.get(last));
        let other = last.is_some_and(|trial| trial.is_none_or(|t| t.number != self.last_number));
        // What is tried again belongs into the block in which it stands.
        let changed = |position: &usize| {
            let trial = view.trials.get(*position);
            trial.is_none_or(|t| !t.state.is_final() || t.state == TrialState::Completed)
        };
        if other || self.open.iter().any(changed) {
            *self = Self::new(self.selection);
        }
        let block = 2 * size;
        while self.seen + block <= view.trials.len() {
            let positions = self.seen..self.seen + block;
            let ended = |position: usize| {
                let trial = view.trials.get(position);
                trial.is_none_or(|trial| trial.state.is_final())
            };
            if !positions.clone().all(ended) {
                return;
            }
            let mut pool = std::mem::take(&mut self.best);
            for position in positions {
                if is_completed(view, position) {
                    pool.extend(member(view, position));
                } else {
                    self.open.push(position);
                }
            }
            self.best = survivors(pool, block, self.selection);
            self.seen += block;
            let last = view.trials.get(self.seen - 1);
            self.last_number = last.map_or(0, |trial| trial.number);
        }
    }

    /// The best of all trials, the best first.
    fn population(&self, view: &View<'_>, size: usize) -> Vec<Member> {
        let mut pool = self.best.clone();
        let others = self
            .open
            .iter()
            .copied()
            .chain(self.seen..view.trials.len());
        pool.extend(others.filter_map(|position| member(view, position)));
        survivors(pool, size, self.selection)
    }
}

/// The best members in order: by violation of the outcome constraints, by fronts, and inside a
/// front the lonely ones first, or those that serve directions which few others serve.
fn survivors(mut pool: Vec<Member>, size: usize, selection: Selection) -> Vec<Member> {
    pool.sort_by(|a, b| {
        let by_violation = a.values.violation.total_cmp(&b.values.violation);
        by_violation.then(a.position.cmp(&b.position))
    });
    let feasible = pool.partition_point(|member| member.values.violation <= 0.0);
    let points: Vec<&[f64]> = pool[..feasible]
        .iter()
        .map(|member| member.values.objectives.as_slice())
        .collect();
    let mut order: Vec<usize> = Vec::with_capacity(size);
    let objectives = points.first().map_or(0, |point| point.len());
    let directions = match selection {
        Selection::Crowding => Vec::new(),
        Selection::Niches => reference_directions(objectives, size),
    };
    for front in nondominated_sort(&points) {
        let more = match selection {
            Selection::Crowding => lonely_first(&points, front),
            Selection::Niches => {
                let wanted = front.len().min(size - order.len());
                fill_niches(&points, &order, &front, wanted, &directions)
            }
        };
        order.extend(more);
        if order.len() >= size {
            break;
        }
    }
    order.extend(feasible..pool.len());
    order.truncate(size);
    order.into_iter().map(|index| pool[index].clone()).collect()
}

fn lonely_first(points: &[&[f64]], front: Vec<usize>) -> Vec<usize> {
    let inside: Vec<&[f64]> = front.iter().map(|index| points[*index]).collect();
    let crowding = crowding_distances(&inside);
    let mut lonely: Vec<(f64, usize)> = crowding.into_iter().zip(front).collect();
    lonely.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    lonely.into_iter().map(|(_, index)| index).collect()
}

impl Algorithm for Nsga {
    /// O(population^2) a suggestion, besides trials that still run, failed or were pruned.
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        let size = self.population.unwrap_or_else(|| {
            view.budget
                .map_or(50, |budget| (budget / 10).clamp(10, 100) as usize)
        });
        self.elite.follow(view, size);
        if self.genes.free() > 0 && view.suggested >= size as u64 {
            let population = self.elite.population(view, size);
            if population.len() >= LEAST
                && let Some(suggestion) = self.child(view, &population)
            {
                return Ok(suggestion);
            }
        }
        founder(view)
    }
}

/// A member of the first population.
fn founder(view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
    let trials = view.trials.iter();
    let made = trials.filter(|trial| view.trials.origin(trial) == Origin::Suggested);
    let index = made.count() as u32;
    let dimensions = view.space.parameters().len();
    let sequence = (dimensions <= MAX_DIMENSIONS)
        .then(|| SobolSequence::scrambled(dimensions, view.seed))
        .flatten();
    let spread = sequence.map(|sequence| view.space.at(&sequence.point(index)));
    let configuration = match spread.filter(|spread| view.space.is_feasible(spread)) {
        Some(spread) => spread,
        None => {
            let mut stream = Stream::new(view.seed, view.next_number, Purpose::Sample);
            view.space.sample(&mut stream)?
        }
    };
    Ok(Suggestion::Trial(Proposal {
        configuration,
        reason: "spread evenly, as there are too few results to choose parents from".into(),
        memo: None,
    }))
}

impl Nsga {
    fn child(&self, view: &View<'_>, population: &[Member]) -> Option<Suggestion> {
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Variation);
        // The population is in order: of two, the one that stands first is the better.
        let mut tournament = || {
            let count = population.len() as u64;
            let better = stream.below(count).min(stream.below(count));
            view.trials.get(population[better as usize].position)
        };
        let (one, other) = (tournament()?, tournament()?);
        let genome = |trial: &crate::trial::Trial| -> Genome {
            Genes::genome(view.space, &trial.configuration, view.seed, trial.number)
        };
        let (first, second) = (genome(one), genome(other));
        let chance = 1.0 / self.genes.free() as f64;
        for _ in 0..MAX_TRIES {
            let mut child = if stream.unit() < CROSSOVER_CHANCE {
                self.genes
                    .simulated_binary(&first, &second, CROSSOVER_INDEX, &mut stream)
            } else {
                first.clone()
            };
            self.genes
                .mutate(&mut child, chance, MUTATION_INDEX, &mut stream);
            let configuration = view.space.at(&child);
            let known = configuration == one.configuration || configuration == other.configuration;
            if known || !view.space.is_feasible(&configuration) {
                continue;
            }
            let reason = format!("child of trials {} and {}", one.number, other.number);
            return Some(Suggestion::Trial(Proposal {
                configuration,
                reason: reason.into(),
                memo: None,
            }));
        }
        None
    }
}
