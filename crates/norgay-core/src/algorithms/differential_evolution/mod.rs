//! Differential evolution: children of good configurations, moved along differences of others.
//!
//! Source: R. Tanabe and A. Fukunaga, "Improving the Search Performance of SHADE Using Linear
//! Population Size Reduction", CEC 2014 (L-SHADE): mutation towards one of the best, an archive of
//! replaced parents, factors and rates learnt from successes, a population that shrinks while the
//! budget is spent.
//!
//! Nothing waits, and the order in which results arrive means nothing: a lineage is a founder and
//! its descendants, its member is the best of them, the population is the best lineages. The
//! lineage whose last child is the oldest has the next one.

mod adaptation;
pub(crate) mod variation;

use std::collections::HashMap;

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, Trials, View};
use crate::numerics::sobol_sequence::{MAX_DIMENSIONS, SobolSequence};
use crate::random::{Purpose, Stream};
use crate::space::Space;
use crate::trial::{Origin, Trial, TrialState};
use crate::value::Value;

use super::lesson::{Lesson, best_first};
use super::{AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS};

use adaptation::{MEMORY, Success, centre, drawn};
use variation::{Genes, Genome};

/// A mutation needs so many different members.
const LEAST: usize = 4;
/// Which part of the population is good enough to move towards.
const GOOD_SHARE: f64 = 0.11;
/// So many generations back children are looked at for successes.
const LOOK_BACK: usize = 10;
/// Children that may break the constraints, or be like their parent, before one is sampled.
const MAX_TRIES: u32 = 50;

const LINEAGE: &str = "lineage";
const PARENT: &str = "parent";
const FACTOR: &str = "factor";
const RATE: &str = "rate";

pub(super) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "de",
    aliases: &["differential_evolution", "lshade", "shade"],
    summary: "crosses good configurations with differences of others (differential evolution, \
              L-SHADE)",
    arguments: &[
        ArgumentEntry {
            name: "population_size",
            default: "10, or 0.45 times the root of the budget of trials",
            help: "number of configurations at the start, at least 4",
        },
        MAX_NUM_TRIALS,
    ],
    allows_repetition: true,
    build,
};

struct DifferentialEvolution {
    genes: Genes,
    population: Option<usize>,
    max_num_trials: u64,
    /// What the view says: a cache.
    record: Record,
}

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let population = arguments.count("population_size", LEAST as u64)?;
    Ok(Box::new(DifferentialEvolution {
        genes: Genes::of(space),
        population: population.map(|size| size.min(100_000) as usize),
        max_num_trials: arguments.max_num_trials()?,
        record: Record::default(),
    }))
}

/// What the trials of the view are to each other; their configurations and memos never change.
#[derive(Default)]
struct Record {
    seen: usize,
    last_number: u64,
    /// The founders' numbers, and where their lineages are.
    index: HashMap<u64, usize>,
    lineages: Vec<Lineage>,
    /// Positions and lineages of trials whose values may change.
    open: Vec<(usize, usize)>,
    children: Vec<Child>,
    /// How many founders the algorithm made.
    founders: usize,
}

#[derive(Clone, Copy)]
struct Lineage {
    founder: u64,
    /// The position of its best trial.
    best: Option<usize>,
    /// The number of its latest trial.
    latest: u64,
}

#[derive(Clone, Copy)]
struct Child {
    position: usize,
    parent: usize,
    factor: f64,
    rate: f64,
}

/// A trial with its value, in the sense of minimization.
fn valued<'a>(view: &View<'a>, position: usize) -> Option<(f64, &'a Trial)> {
    let trial = view.trials.get(position)?;
    match Lesson::of(trial, view.direction) {
        Lesson::Value(value) => Some((value, trial)),
        _ => None,
    }
}

fn better(view: &View<'_>, position: usize, than: Option<usize>) -> bool {
    match (
        valued(view, position),
        than.and_then(|other| valued(view, other)),
    ) {
        (Some(new), Some(old)) => best_first(new, old).is_lt(),
        (Some(_), None) => true,
        _ => false,
    }
}

impl Record {
    fn follow(&mut self, view: &View<'_>) {
        let last = self.seen.checked_sub(1).map(|last| view.trials.get(last));
        if last.is_some_and(|trial| trial.is_none_or(|t| t.number != self.last_number)) {
            *self = Self::default();
        }
        for position in self.seen..view.trials.len() {
            if let Some(trial) = view.trials.get(position) {
                self.add(view.trials, position, trial);
            }
        }
        let open = std::mem::take(&mut self.open);
        for (position, lineage) in open {
            let state = view.trials.get(position).map(|trial| trial.state);
            if state == Some(TrialState::Completed) {
                // Nothing changes a completed trial any more.
                let best = &mut self.lineages[lineage].best;
                if better(view, position, *best) {
                    *best = Some(position);
                }
            } else {
                self.open.push((position, lineage));
            }
        }
    }

    fn add<'a>(&mut self, trials: Trials<'a>, position: usize, trial: &'a Trial) {
        let own = trials.origin(trial) == Origin::Suggested;
        let memo = if own { trials.memo(trial) } else { None };
        let note = |name: &str| u64::try_from(memo?.get(name)?.as_i64()?).ok();
        let founder = note(LINEAGE).filter(|founder| self.index.contains_key(founder));
        let founder = founder.unwrap_or(trial.number);
        self.founders += usize::from(own && founder == trial.number);
        let lineages = &mut self.lineages;
        let lineage = *self.index.entry(founder).or_insert_with(|| {
            lineages.push(Lineage {
                founder,
                best: None,
                latest: 0,
            });
            lineages.len() - 1
        });
        self.lineages[lineage].latest = trial.number;
        let number = |name: &str| memo?.get(name)?.as_f64();
        let parent = note(PARENT).and_then(|parent| position_of(trials, parent, position));
        if let (Some(parent), Some(factor), Some(rate)) = (parent, number(FACTOR), number(RATE)) {
            self.children.push(Child {
                position,
                parent,
                factor,
                rate,
            });
        }
        self.open.push((position, lineage));
        self.seen = position + 1;
        self.last_number = trial.number;
    }

    /// The lineages with values, the best first; of others' trials at most half as many as fit.
    fn population(&self, view: &View<'_>, size: usize) -> Vec<Lineage> {
        let mut lineages = self.lineages.clone();
        for (position, lineage) in &self.open {
            let best = &mut lineages[*lineage].best;
            if better(view, *position, *best) {
                *best = Some(*position);
            }
        }
        let mut members: Vec<((f64, &Trial), Lineage)> = lineages
            .into_iter()
            .filter_map(|lineage| Some((valued(view, lineage.best?)?, lineage)))
            .collect();
        members.sort_by(|a, b| best_first(a.0, b.0));
        members.truncate(size);
        members.into_iter().map(|(_, lineage)| lineage).collect()
    }

    /// The latest generations' successes, and the parents that they replaced.
    fn successes(&self, view: &View<'_>, size: usize) -> (Vec<Vec<Success>>, Vec<usize>) {
        let mut blocks: Vec<(usize, Vec<Success>)> = Vec::new();
        let mut replaced = Vec::new();
        let latest = self.children.iter().enumerate().rev();
        for (ordinal, child) in latest.take(LOOK_BACK * size) {
            let block = ordinal / size;
            if blocks.len() == MEMORY && blocks.last().is_some_and(|(last, _)| *last != block) {
                break;
            }
            let (Some(new), Some(old)) = (valued(view, child.position), valued(view, child.parent))
            else {
                continue;
            };
            if !better(view, child.position, Some(child.parent)) {
                continue;
            }
            let success = Success {
                factor: child.factor,
                rate: child.rate,
                gain: (old.0 - new.0).max(0.0),
            };
            match blocks.last_mut().filter(|(last, _)| *last == block) {
                Some((_, successes)) => successes.push(success),
                None => blocks.push((block, vec![success])),
            }
            if replaced.len() < size {
                replaced.push(child.parent);
            }
        }
        let blocks = blocks.into_iter().map(|(_, successes)| successes);
        (blocks.collect(), replaced)
    }
}

/// The position of a trial before another one.
fn position_of(trials: Trials<'_>, number: u64, before: usize) -> Option<usize> {
    // Numbers ascend with positions, mostly by one.
    let (mut low, mut high) = (0, before);
    while low < high {
        let middle = usize::midpoint(low, high);
        if trials.get(middle)?.number < number {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    trials
        .get(low)
        .is_some_and(|t| t.number == number)
        .then_some(low)
}

impl Algorithm for DifferentialEvolution {
    /// O(population) a suggestion, besides trials that failed or were pruned.
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        self.record.follow(view);
        let start = self.first_size(view);
        if self.genes.free() > 0 && self.record.founders >= start {
            let size = shrunk(view, start);
            let population = self.record.population(view, size);
            if population.len() >= LEAST
                && let Some(suggestion) = self.child(view, start, &population)
            {
                return Ok(suggestion);
            }
        }
        self.founder(view)
    }
}

/// Measured on 15 functions with budgets of 200 and 1000; larger populations, as are usual where
/// evaluations are cheap, were worse.
fn first_size(budget: Option<u64>) -> usize {
    budget.map_or(10, |budget| {
        let size = 0.45 * (budget as f64).sqrt();
        libm::round(size.clamp(6.0, 100.0)) as usize
    })
}

/// The size of the population when a part of the budget is spent.
fn shrunk(view: &View<'_>, start: usize) -> usize {
    let Some(budget) = view.budget.filter(|budget| *budget > 0) else {
        return start;
    };
    let spent = (view.trials.len() as f64 / budget as f64).min(1.0);
    let size = start as f64 + (LEAST as f64 - start as f64) * spent;
    (libm::round(size) as usize).max(LEAST)
}

impl DifferentialEvolution {
    fn first_size(&self, view: &View<'_>) -> usize {
        self.population.unwrap_or_else(|| first_size(view.budget))
    }

    /// A member of the first population.
    fn founder(&self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        let index = self.record.founders as u32;
        let dimensions = view.space.parameters().len();
        let sequence = (dimensions <= MAX_DIMENSIONS)
            .then(|| SobolSequence::scrambled(dimensions, view.seed))
            .flatten();
        let spread = sequence.map(|sequence| view.space.at(&sequence.point(index)));
        let spread = spread.filter(|configuration| view.space.is_feasible(configuration));
        let configuration = match spread {
            Some(configuration) => configuration,
            None => {
                let mut stream = Stream::new(view.seed, view.next_number, Purpose::Sample);
                view.space.sample(&mut stream)?
            }
        };
        Ok(Suggestion::Trial(Proposal {
            configuration,
            reason: format!("member {} of the first population", index + 1).into(),
            memo: Some(Value::Dict([].into())),
        }))
    }

    /// A child of the lineage that had none for the longest time.
    fn child(&self, view: &View<'_>, start: usize, population: &[Lineage]) -> Option<Suggestion> {
        let lineage = population.iter().min_by_key(|lineage| lineage.latest)?;
        let parent = view.trials.get(lineage.best?)?;
        let (blocks, replaced) = self.record.successes(view, start);
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Variation);
        for _ in 0..MAX_TRIES {
            // Before there are as many blocks, the others stand for one half.
            let block = stream.below(MEMORY as u64) as usize;
            let near = centre(blocks.get(block).map_or(&[], Vec::as_slice));
            let (factor, rate) = drawn(near, &mut stream);
            let genome = self.varied(
                view,
                population,
                &replaced,
                parent,
                (factor, rate),
                &mut stream,
            )?;
            let configuration = view.space.at(&genome);
            if configuration == parent.configuration || !view.space.is_feasible(&configuration) {
                continue;
            }
            let number = |number: u64| Value::Int(number as i64);
            let notes = [
                (LINEAGE, number(lineage.founder)),
                (PARENT, number(parent.number)),
                (FACTOR, Value::Float(factor)),
                (RATE, Value::Float(rate)),
            ];
            let notes = notes.into_iter().map(|(key, value)| (key.into(), value));
            return Some(Suggestion::Trial(Proposal {
                configuration,
                reason: format!(
                    "child of trial {}: factor {factor:.2}, crossover {rate:.2}",
                    parent.number
                )
                .into(),
                memo: Some(Value::Dict(notes.collect())),
            }));
        }
        None
    }

    /// Current-to-pbest mutation with an archive, and binomial crossover.
    fn varied(
        &self,
        view: &View<'_>,
        population: &[Lineage],
        replaced: &[usize],
        parent: &Trial,
        (factor, rate): (f64, f64),
        stream: &mut Stream,
    ) -> Option<Genome> {
        let genome = |trial: &Trial| {
            Genes::genome(view.space, &trial.configuration, view.seed, trial.number)
        };
        let good = (libm::round(GOOD_SHARE * population.len() as f64) as u64).max(2);
        let member = |index: u64| view.trials.get(population.get(index as usize)?.best?);
        let towards = member(stream.below(good.min(population.len() as u64)))?;
        let count = population.len() as u64;
        let plus = picked(stream, count, member, |t| t.number != parent.number)?;
        let all = count + replaced.len() as u64;
        let any = |index: u64| match index.checked_sub(count) {
            None => member(index),
            Some(index) => view.trials.get(*replaced.get(index as usize)?),
        };
        let minus = picked(stream, all, any, |t| {
            t.number != parent.number && t.number != plus.number
        })?;
        let own = genome(parent);
        let near = self.genes.towards(&own, &genome(towards), factor, stream);
        let mutant = self
            .genes
            .moved(&near, &genome(minus), &genome(plus), factor, stream);
        Some(self.genes.crossed(&own, &mutant, rate, stream))
    }
}

/// A random one of `count` trials that is usable.
fn picked<'a>(
    stream: &mut Stream,
    count: u64,
    trial: impl Fn(u64) -> Option<&'a Trial>,
    usable: impl Fn(&Trial) -> bool,
) -> Option<&'a Trial> {
    let first = stream.below(count);
    let order = (0..count).map(|step| (first + step) % count.max(1));
    order.filter_map(trial).find(|found| usable(found))
}
