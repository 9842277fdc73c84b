//! A genetic algorithm: each parameter from one of two good parents, or now and then anew.
//!
//! Source: Holland, "Adaptation in natural and artificial systems" (1975): uniform crossover
//! (Syswerda, "Uniform crossover in genetic algorithms", ICGA 1989) of parents from the best
//! third, as the reference does it. There are no generations, so it never waits.

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, View};
use crate::configuration::Configuration;
use crate::random::{Purpose, Stream};
use crate::space::Space;
use crate::trial::Trial;

use super::lesson::{Lesson, best_first};
use super::{AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS};

pub(super) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "genetic",
    aliases: &["Genetic"],
    summary: "mixes the parameters of two of the best trials, and now and then draws one anew",
    arguments: &[
        ArgumentEntry {
            name: "mutation_rate",
            default: "0.1",
            help: "probability that a parameter is drawn anew",
        },
        MAX_NUM_TRIALS,
    ],
    allows_repetition: false,
    build,
};

/// Results from which there are parents.
const FIRST: usize = 10;

/// How often a child is drawn in search of one that fulfils the constraints.
const TRIES: u32 = 100;

struct Genetic {
    mutation_rate: f64,
    max_num_trials: u64,
}

fn build(arguments: &Arguments<'_>, _: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let name = "mutation_rate";
    let given = arguments.get(name);
    let rate = given.map_or(Some(0.1), |value| {
        value.as_f64().filter(|rate| (0.0..=1.0).contains(rate))
    });
    let mutation_rate = rate.ok_or_else(|| {
        let found = given.map_or(String::new(), ToString::to_string);
        arguments.wrong(
            name,
            format!("it must be a number from 0 to 1, not {found}"),
        )
    })?;
    Ok(Box::new(Genetic {
        mutation_rate,
        max_num_trials: arguments.max_num_trials()?,
    }))
}

impl Algorithm for Genetic {
    /// O(trials) a suggestion.
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        let bred = parents(view).and_then(|parents| {
            let configuration = self.child(view, parents)?;
            let [first, second] = parents.map(|parent| parent.number);
            Some((
                configuration,
                format!("child of trials {first} and {second}"),
            ))
        });
        let (configuration, reason) = match bred {
            Some(bred) => bred,
            None => {
                let mut stream = Stream::new(view.seed, view.next_number, Purpose::Sample);
                (view.space.sample(&mut stream)?, "random sample".to_owned())
            }
        };
        Ok(Suggestion::Trial(Proposal {
            configuration,
            reason: reason.into(),
            memo: None,
        }))
    }
}

/// Two different trials of the best third, once there are enough.
fn parents<'a>(view: &View<'a>) -> Option<[&'a Trial; 2]> {
    let lessons = view.trials.iter();
    let mut valued: Vec<(f64, &Trial)> = lessons
        .filter_map(|trial| match Lesson::of(trial, view.direction) {
            Lesson::Value(value) => Some((value, trial)),
            _ => None,
        })
        .collect();
    if valued.len() < FIRST {
        return None;
    }
    let third = valued.len() / 3;
    valued.select_nth_unstable_by(third, |a, b| best_first(*a, *b));
    let mut best: Vec<&Trial> = valued[..third].iter().map(|(_, trial)| *trial).collect();
    // The partition leaves no order of its own.
    best.sort_unstable_by_key(|trial| trial.number);
    let mut stream = Stream::new(view.seed, view.next_number, Purpose::Selection);
    let first = best.swap_remove(stream.below(best.len() as u64) as usize);
    let second = best.swap_remove(stream.below(best.len() as u64) as usize);
    Some([first, second])
}

impl Genetic {
    /// A child that fulfils the constraints, if one is found.
    fn child(&self, view: &View<'_>, parents: [&Trial; 2]) -> Option<Configuration> {
        let space = view.space;
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Variation);
        let mut children = (0..TRIES).map(|_| {
            space.configure(|_, parameter| {
                let anew = stream.unit() < self.mutation_rate;
                let chosen = stream.below(2) as usize;
                let place = stream.unit();
                // Where the chosen parent has no value, because its conditions differ, the other
                // one's is the next best.
                let heirloom = [parents[chosen], parents[1 - chosen]]
                    .into_iter()
                    .filter_map(|parent| parent.configuration.get(&parameter.name))
                    .find_map(|value| parameter.domain.normalised(value));
                let inherited = heirloom.filter(|_| !anew);
                inherited.unwrap_or_else(|| parameter.domain.at(place))
            })
        });
        children.find(|child| space.is_feasible(child))
    }
}
