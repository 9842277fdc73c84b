//! CMA-ES: a normal distribution over the space that adapts its centre, size and shape.
//!
//! Sources: N. Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv:1604.00772, and those
//! named in the parts: margins for whole numbers, categories, restarts, warm starts.
//!
//! Nothing waits: a generation ends when enough results have arrived, whichever they are. The
//! first trial of the next generation notes which trials were ranked and in which order; so the
//! distribution is a fold over configurations and memos, and a new instance rebuilds it to the
//! bit.

mod categorical;
mod constants;
mod coordinates;
mod distribution;
mod gaussian;
mod history;
mod memo;
#[cfg(test)]
mod oracle_tests;
mod run;
mod start;

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, View};
use crate::configuration::Configuration;
use crate::random::{Purpose, Stream};
use crate::space::Space;
use crate::trial::Trial;

use super::lesson::{Lesson, best_first};
use super::{AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS};

use constants::{MIN_POINTS, default_population};
use coordinates::Coordinates;
use history::History;
use memo::{Change, Memo, Start};
use run::{Restarts, Run};

/// The first standard deviation, as a part of each parameter's range.
///
/// Measured on 15 functions: better than 0.1 where there are local optima, and than 0.2 elsewhere.
const DEFAULT_SIGMA: f64 = 0.15;
/// Points that may break the constraints before one is sampled evenly.
const MAX_DRAWS: u64 = 100;
/// From so many results of others on, the first distribution is fitted to the best of them.
const MIN_HISTORY: usize = 50;
/// Which part of a history is good.
const GOOD_SHARE: usize = 10;
/// No more good trials than this are looked at.
const MAX_GOOD: usize = 500;

pub(super) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "cmaes",
    aliases: &["cma", "cma_es", "CMA-ES"],
    summary: "adapts a normal distribution to the best trials (CMA-ES with margins for whole \
              numbers, categories, and restarts)",
    arguments: &[
        ArgumentEntry {
            name: "population_size",
            default: "4 + 3 ln(parameters)",
            help: "number of results after which the distribution changes, at least 4",
        },
        ArgumentEntry {
            name: "sigma",
            default: "0.15",
            help: "first standard deviation, as a part of each parameter's range",
        },
        ArgumentEntry {
            name: "restarts",
            default: "bipop",
            help: "what follows when a run has converged: bipop, ipop or none",
        },
        MAX_NUM_TRIALS,
    ],
    allows_repetition: true,
    build,
};

/// The user's choices.
#[derive(Clone, Debug, PartialEq)]
struct Options {
    population: Option<usize>,
    sigma: f64,
    restarts: Restarts,
}

impl Options {
    fn population(&self, coordinates: &Coordinates) -> usize {
        self.population
            .unwrap_or_else(|| default_population(coordinates.len()))
    }
}

struct CmaEs {
    options: Options,
    coordinates: Coordinates,
    max_num_trials: u64,
    /// What the view says: a cache.
    history: History,
    /// The run after the next change, if that is worked out already: a cache.
    prepared: Option<(Change, Run)>,
}

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let population = arguments.count("population_size", MIN_POINTS as u64)?;
    let sigma = match arguments.get("sigma") {
        None => DEFAULT_SIGMA,
        Some(value) => value
            .as_f64()
            .filter(|sigma| *sigma > 0.0 && *sigma <= 1.0)
            .ok_or_else(|| {
                let message = format!("it must be a number above 0 and up to 1, not {value}");
                arguments.wrong("sigma", message)
            })?,
    };
    let restarts = match arguments
        .get("restarts")
        .map(|value| (value, value.as_text()))
    {
        None | Some((_, Some("bipop"))) => Restarts::Bipop,
        Some((_, Some("ipop"))) => Restarts::Ipop,
        Some((_, Some("none"))) => Restarts::None,
        Some((value, _)) => {
            let message = format!("it must be bipop, ipop or none, not {value}");
            return Err(arguments.wrong("restarts", message));
        }
    };
    let options = Options {
        population: population.map(|points| points.min(1_000_000) as usize),
        sigma,
        restarts,
    };
    let max_num_trials = arguments.max_num_trials()?;
    Ok(Box::new(CmaEs::new(space, options, max_num_trials)))
}

impl Algorithm for CmaEs {
    /// O(d^2) a suggestion and O(d^3) a generation for d parameters, whatever the number of
    /// trials.
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        if self.coordinates.len() == 0 {
            return nothing_to_search(view);
        }
        if !self.history.belongs_to(view) {
            self.history = History::new(view.seed);
            self.prepared = None;
        }
        let (options, coordinates) = (&self.options, &self.coordinates);
        self.history
            .follow(view, options, coordinates, &mut self.prepared);
        let change = self.decide(view);
        let run = match (&change, &self.prepared) {
            (Change::None, _) => self.history.run.as_ref(),
            (_, Some((known, run))) if *known == change && change != Change::Restart => Some(run),
            _ => {
                let stream = view.next_number;
                let (options, coordinates) = (&self.options, &self.coordinates);
                let next = self
                    .history
                    .after(view, options, coordinates, &change, stream);
                // A restart draws on its trial's stream: it is not kept for another trial.
                self.prepared = next.map(|run| (change.clone(), run));
                self.prepared.as_ref().map(|(_, run)| run)
            }
        };
        let drawn = run.and_then(|run| self.draw(view, run));
        let reason = self.reason(&change, run, drawn.is_some());
        let (configuration, draw) = match drawn {
            Some((configuration, draw)) => (configuration, Some(draw)),
            None => (sample(view)?, None),
        };
        if change == Change::Restart {
            self.prepared = None;
        }
        let turns = matches!(change, Change::Rank(_) | Change::Restart);
        let memo = Memo {
            generation: self.history.generation + u64::from(turns),
            stream: view.next_number,
            draw,
            change,
        };
        Ok(Suggestion::Trial(Proposal {
            configuration,
            reason: reason.into(),
            memo: Some(memo.write()),
        }))
    }
}

/// What the first distribution is made of.
fn begin(view: &View<'_>) -> Change {
    let mut valued: Vec<(f64, &Trial)> = Vec::new();
    let mut waiting = Vec::new();
    for trial in view.trials.iter() {
        match Lesson::of(trial, view.direction) {
            Lesson::Value(value) => valued.push((value, trial)),
            Lesson::Pending => waiting.push(trial.number),
            _ => {}
        }
    }
    valued.sort_by(|a, b| best_first(*a, *b));
    let good = if valued.len() < MIN_HISTORY {
        1
    } else {
        (valued.len() / GOOD_SHARE).min(MAX_GOOD)
    };
    let best: Vec<u64> = valued
        .iter()
        .take(good)
        .map(|(_, trial)| trial.number)
        .collect();
    let from = match best.as_slice() {
        [] => Start::Centre,
        [best] => Start::Best(*best),
        _ => Start::History(best),
    };
    Change::Begin { from, waiting }
}

fn sample(view: &View<'_>) -> Result<Configuration, AlgorithmError> {
    let mut stream = Stream::new(view.seed, view.next_number, Purpose::Sample);
    Ok(view.space.sample(&mut stream)?)
}

/// All parameters have one value only.
fn nothing_to_search(view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
    Ok(Suggestion::Trial(Proposal {
        configuration: sample(view)?,
        reason: "the only configuration there is".into(),
        memo: None,
    }))
}

impl CmaEs {
    fn new(space: &Space, options: Options, max_num_trials: u64) -> Self {
        Self {
            options,
            coordinates: Coordinates::of(space),
            max_num_trials,
            history: History::new(0),
            prepared: None,
        }
    }

    /// What happens to the distribution before the next trial.
    fn decide(&self, view: &View<'_>) -> Change {
        let Some(run) = &self.history.run else {
            return begin(view);
        };
        let mut valued: Vec<(f64, &Trial)> = Vec::new();
        let mut failed: Vec<u64> = Vec::new();
        let (mut pending, mut finished) = (0, 0);
        for candidate in &self.history.candidates {
            let Some(trial) = view.trials.get(candidate.position) else {
                continue;
            };
            match Lesson::of(trial, view.direction) {
                Lesson::Value(value) => valued.push((value, trial)),
                Lesson::Failure => failed.push(trial.number),
                Lesson::Pending => {
                    pending += usize::from(candidate.own);
                    continue;
                }
                Lesson::Nothing => continue,
            }
            finished += usize::from(candidate.own);
        }
        // With many at once, larger generations keep the results from growing too old.
        let needed = run.population.max(pending / 3);
        if finished < needed {
            return Change::None;
        }
        if valued.is_empty() {
            let hopeless = finished >= 2 * needed && self.options.restarts != Restarts::None;
            return if hopeless {
                Change::Restart
            } else {
                Change::None
            };
        }
        valued.sort_by(|a, b| best_first(*a, *b));
        let value = |position: usize| {
            let trial = view.trials.get(position)?;
            match Lesson::of(trial, view.direction) {
                Lesson::Value(value) => Some(value),
                _ => None,
            }
        };
        if self.options.restarts != Restarts::None && run.is_over(value) {
            return Change::Restart;
        }
        let ranked = valued.iter().map(|(_, trial)| trial.number);
        Change::Rank(ranked.chain(failed).collect())
    }

    /// The first feasible point of the trial's stream, and which one of it that is.
    fn draw(&self, view: &View<'_>, run: &Run) -> Option<(Configuration, u64)> {
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Variation);
        (0..MAX_DRAWS).find_map(|draw| {
            let point = run.distribution.draw(&mut stream);
            let configuration = self.coordinates.configuration(view.space, &point);
            view.space
                .is_feasible(&configuration)
                .then_some((configuration, draw))
        })
    }

    fn reason(&self, change: &Change, run: Option<&Run>, drawn: bool) -> String {
        if !drawn {
            return "even sample: CMA-ES found no point that fulfils the constraints".into();
        }
        let sigma = run.map_or(0.0, |run| run.distribution.gaussian.sigma);
        let generation = self.history.generation + 1;
        match change {
            Change::Begin { from, .. } => match from {
                Start::Centre => "CMA-ES starts around the middle of the space".into(),
                Start::Best(best) => format!("CMA-ES starts around trial {best}"),
                Start::History(best) => {
                    format!("CMA-ES starts where the best {} trials are", best.len())
                }
            },
            Change::Restart => "CMA-ES starts again somewhere else".into(),
            Change::Rank(ranked) => format!(
                "generation {} of CMA-ES, after {} results: step size {sigma:.3}",
                generation + 1,
                ranked.len()
            ),
            Change::None => format!("generation {generation} of CMA-ES: step size {sigma:.3}"),
        }
    }
}
