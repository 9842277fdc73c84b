//! Population based bandits: copies get the parameters of which a model expects the largest
//! improvement.
//!
//! Sources: Parker-Holder, Nguyen and Roberts, "Provably efficient online hyperparameter
//! optimization with population-based bandits", NeurIPS 2020; for choices, Parker-Holder, Nguyen,
//! Desai and Roberts, "Tuning mixed input hyperparameters on the fly for efficient population
//! based AutoRL", NeurIPS 2021: numbers are chosen given the categories, and these by weights
//! that grow exponentially with their gains.

use std::collections::HashMap;

use crate::algorithm::{Algorithm, AlgorithmError, Suggestion, View};
use crate::algorithms::encoding::Encoding;
use crate::algorithms::gaussian_process::kernel::Metric;
use crate::algorithms::lesson::Lesson;
use crate::algorithms::perturbation::parameters_only;
use crate::algorithms::{AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS};
use crate::configuration::Configuration;
use crate::random::{Purpose, Stream};
use crate::space::{Domain, Space};
use crate::trial::{Origin, Trial};
use crate::value::Value;

use super::improvement::{Improvement, Row};
use super::perturbed::{Perturbed, keeps_immutable, within};
use super::population::{
    Explore, NUM_GENERATIONS, POPULATION_SIZE, Population, entry, generation_of,
};
use super::ranges::{PARAMETER_RANGE, ranges};

pub(in crate::algorithms) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "pb2",
    aliases: &["PB2", "population_based_bandits"],
    summary: "population-based training whose changes a model chooses; for small populations",
    arguments: &[
        NUM_GENERATIONS,
        ArgumentEntry {
            default: "8",
            ..POPULATION_SIZE
        },
        PARAMETER_RANGE,
        MAX_NUM_TRIALS,
    ],
    allows_repetition: false,
    build,
};

/// Points among which the one with the largest upper bound is taken.
const CANDIDATES: u32 = 300;

/// The standard deviation of a step from the parent, as a part of the range.
const STEP: f64 = 0.15;

/// The part of the probability that all categories share evenly.
const EVENLY: f64 = 0.1;

struct PopulationBasedBandits {
    population: Population,
    modelled: Modelled,
}

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    Ok(Box::new(PopulationBasedBandits {
        population: Population::new(arguments, 8)?,
        modelled: Modelled {
            perturbed: Perturbed {
                ranges: ranges(arguments, space)?,
                factors: vec![0.8, 1.2],
            },
            encoding: Encoding::new(space),
        },
    }))
}

impl Algorithm for PopulationBasedBandits {
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        self.population.suggest(view, &mut self.modelled)
    }

    fn bookkeeping(&self) -> Vec<(&'static str, Value)> {
        Population::bookkeeping()
    }
}

/// Changes by a model of the improvements, and by chance until there are some.
struct Modelled {
    perturbed: Perturbed,
    encoding: Encoding,
}

impl Explore for Modelled {
    /// O(trials), and O(n³) for the latest n improvements.
    fn explore(&mut self, view: &View<'_>, parent: &Trial) -> (Configuration, &'static str) {
        let generation = generation_of(parent).map_or(1, |number| number + 1);
        match self.modelled(view, parent, generation) {
            Some(chosen) => (chosen, "with parameters of which a model expects the most"),
            None => self.perturbed.explore(view, parent),
        }
    }
}

impl Modelled {
    fn modelled(&self, view: &View<'_>, parent: &Trial, generation: u64) -> Option<Configuration> {
        let (known, pending) = self.rows(view);
        let metric = Metric::of(&self.encoding);
        let model = Improvement::new(metric, &known, &pending)?;
        let now = generation as f64;
        let old = parameters_only(view.space, &parent.configuration);
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Acquisition);
        let categories = self.categories(view.space, &model, now, &mut stream);
        let boldness = libm::sqrt(0.2 + 0.4 * libm::log(now));
        let mut best: Option<(f64, Configuration)> = None;
        for number in 0..CANDIDATES {
            let candidate =
                self.candidate(view.space, &old, &categories, number % 2 == 0, &mut stream);
            let allowed = candidate != old
                && keeps_immutable(view.space, &old, &candidate)
                && view.space.is_feasible(&candidate);
            if !allowed {
                continue;
            }
            let point = self.encoding.encode(view.space, &candidate);
            let (mean, deviation) = model.predicted(&point, now);
            let bound = mean + boldness * deviation;
            if best.as_ref().is_none_or(|(most, _)| bound > *most) {
                best = Some((bound, candidate));
            }
        }
        best.map(|(_, configuration)| configuration)
    }

    /// The gains of all members that went on from another, and the members that still may gain.
    fn rows(&self, view: &View<'_>) -> (Vec<Row>, Vec<Row>) {
        let mut values: HashMap<String, f64> = HashMap::new();
        let (mut known, mut pending) = (Vec::new(), Vec::new());
        for trial in view.trials.iter() {
            let own = view.trials.origin(trial) == Origin::Suggested;
            let Some(generation) = generation_of(trial).filter(|_| own) else {
                continue;
            };
            let row = |gain| Row {
                point: self.encoding.encode(view.space, &trial.configuration),
                generation: generation as f64,
                gain,
            };
            match Lesson::of(trial, view.direction) {
                Lesson::Value(value) => {
                    if let Some(before) = values.get(&entry(trial, "load_from")) {
                        known.push(row(before - value));
                    }
                    values.insert(entry(trial, "save_to"), value);
                }
                Lesson::Pending => pending.push(row(0.0)),
                Lesson::Failure | Lesson::Nothing => {}
            }
        }
        (known, pending)
    }

    /// A value of each choice, drawn by exponential weights of the values' gains.
    fn categories(
        &self,
        space: &Space,
        model: &Improvement,
        now: f64,
        stream: &mut Stream,
    ) -> Vec<Option<Value>> {
        let ranges = self.perturbed.ranges.iter().enumerate();
        let drawn = ranges.map(|(position, range)| {
            let draw = stream.unit();
            let Domain::Choice { values } = range else {
                return None;
            };
            let dimension = self.encoding.dimension_of(position)?;
            let domain = &space.parameters()[position].domain;
            let weights = values.iter().map(|value| {
                let coordinate = self.encoding.dimensions()[dimension].coordinate(domain, value);
                let of_value = model
                    .weighted_gains(now)
                    .filter(|(row, _)| Some(row.point[dimension]) == coordinate);
                let (gains, count) = of_value.fold((0.0, 0.0), |(gains, count), (row, weight)| {
                    (gains + weight * row.gain, count + weight)
                });
                // A mean that few gains pull little away from the average of all.
                libm::exp(gains / (1.0 + count))
            });
            let weights: Vec<f64> = weights.collect();
            values.get(chosen(&weights, draw)).cloned()
        });
        drawn.collect()
    }

    /// A configuration with these categories: its numbers anywhere, or near the parent's.
    fn candidate(
        &self,
        space: &Space,
        old: &Configuration,
        categories: &[Option<Value>],
        anywhere: bool,
        stream: &mut Stream,
    ) -> Configuration {
        space.configure(|position, parameter| {
            let (place, step) = (stream.unit(), STEP * stream.normal());
            let known = old.get(&parameter.name);
            if let Some(value) = known.filter(|_| !parameter.mutable) {
                return value.clone();
            }
            if let Some(category) = &categories[position] {
                return category.clone();
            }
            let range = &self.perturbed.ranges[position];
            let from = known.and_then(|value| range.place_of(value));
            let place = match from {
                Some(from) if !anywhere => (from + step).clamp(0.0, 1.0),
                _ => place,
            };
            within(&parameter.domain, range.at(place))
        })
    }
}

/// The index that a draw from the unit interval gives with these weights.
fn chosen(weights: &[f64], draw: f64) -> usize {
    let total: f64 = weights.iter().sum();
    let mut passed = 0.0;
    for (index, weight) in weights.iter().enumerate() {
        passed += (1.0 - EVENLY) * weight / total + EVENLY / weights.len() as f64;
        if draw < passed {
            return index;
        }
    }
    weights.len().saturating_sub(1)
}
