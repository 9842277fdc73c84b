//! Search by a random forest: for rugged objectives, many categories and conditions.
//!
//! Sources: Hutter, Hoos and Leyton-Brown, "Sequential model-based optimization for general
//! algorithm configuration" (LION 5, 2011); Lindauer et al., "SMAC3: a versatile Bayesian
//! optimization package for hyperparameter optimization" (JMLR 23, 2022). The first trials are
//! fewer than there, and a trial that is not guided by the model rarer.

mod acquisition;
mod history;
mod search;
mod transform;

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, View};
use crate::configuration::Configuration;
use crate::numerics::random_forest::Settings;
use crate::numerics::sobol_sequence::SobolSequence;
use crate::random::{Purpose, Stream};
use crate::space::{Columns, Space};

use super::{AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS};

use acquisition::Acquisition;
use history::History;
use search::Search;

pub(super) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "forest",
    aliases: &["smac", "random_forest"],
    summary: "searches where a random forest expects the largest improvement (SMAC style)",
    arguments: &[
        ArgumentEntry {
            name: "initial_points",
            default: "2 more than there are parameters, at most a fifth of the budget",
            help: "trials that are spread over the space before the forest is asked",
        },
        ArgumentEntry {
            name: "trees",
            default: "30",
            help: "number of trees of the forest",
        },
        ArgumentEntry {
            name: "random_every",
            default: "25",
            help: "every so many trials one is a random sample; 0 means never",
        },
        MAX_NUM_TRIALS,
    ],
    allows_repetition: true,
    build,
};

/// Samples drawn in search of a configuration that was never tried.
const TRIES: u32 = 200;
/// Results without which there is nothing to model.
const FEWEST_VALUES: usize = 2;

struct ForestSearch {
    columns: Columns,
    initial_points: Option<u64>,
    random_every: u64,
    settings: Settings,
    max_num_trials: u64,
}

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let trees = arguments.count("trees", 1)?.unwrap_or(30);
    if trees > 1000 {
        return Err(arguments.wrong("trees", "more than 1000 gain nothing"));
    }
    Ok(Box::new(ForestSearch {
        columns: Columns::new(space),
        initial_points: arguments.count("initial_points", 1)?,
        random_every: arguments.count("random_every", 0)?.unwrap_or(25),
        settings: Settings {
            trees: trees as usize,
            ..Settings::default()
        },
        max_num_trials: arguments.max_num_trials()?,
    }))
}

impl Algorithm for ForestSearch {
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        let history = History::of(view, &self.columns);
        let (configuration, reason) =
            if history.values() < FEWEST_VALUES || view.trials.len() < self.design_size(view) {
                let words = "spread over the space before there is a model";
                (self.spread(view, &history)?, words.to_string())
            } else if self.random_every > 0 && view.next_number.is_multiple_of(self.random_every) {
                let words = "a random sample, in case the model errs";
                (self.untried(view, &history)?, words.to_string())
            } else {
                self.modelled(view, &history)?
            };
        Ok(Suggestion::Trial(Proposal {
            configuration,
            reason: reason.into(),
            memo: None,
        }))
    }
}

impl ForestSearch {
    /// How many trials come before the model.
    fn design_size(&self, view: &View<'_>) -> usize {
        let free = view.space.parameters().iter();
        let free = free.filter(|p| p.domain.cardinality() != Some(1)).count();
        let fifth = view
            .budget
            .map_or(usize::MAX, |budget| (budget / 5) as usize);
        let default = (free + 2).clamp(4, 20).min(fifth.max(3));
        self.initial_points
            .map_or(default, |points| points as usize)
    }

    /// The next point of an evenly spread sequence, or else a sample.
    fn spread(&self, view: &View<'_>, history: &History) -> Result<Configuration, AlgorithmError> {
        let dimensions = view.space.parameters().len();
        let point = SobolSequence::scrambled(dimensions, view.seed)
            .map(|sequence| sequence.point(view.trials.len() as u32));
        if let Some(places) = point {
            let configuration = view.space.at(&places);
            let is_new = !history.has(&self.columns.row_at(view.space, &places));
            if is_new && view.space.is_feasible(&configuration) {
                return Ok(configuration);
            }
        }
        self.untried(view, history)
    }

    /// A sample that was never tried, if one is found soon; any other if not.
    fn untried(&self, view: &View<'_>, history: &History) -> Result<Configuration, AlgorithmError> {
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Sample);
        let mut drawn = view.space.sample(&mut stream)?;
        for _ in 0..TRIES {
            if !history.has(&self.columns.row(view.space, &drawn)) {
                break;
            }
            drawn = view.space.sample(&mut stream)?;
        }
        Ok(drawn)
    }

    /// The point where the forest expects the largest improvement, and why.
    fn modelled(
        &self,
        view: &View<'_>,
        history: &History,
    ) -> Result<(Configuration, String), AlgorithmError> {
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Model);
        let features = self.columns.features();
        let acquisition = Acquisition::fit(&features, history, &self.settings, &mut stream);
        let stream = Stream::new(view.seed, view.next_number, Purpose::Acquisition);
        let mut search = Search::new(view.space, &self.columns, history, &acquisition, stream);
        match search.run()? {
            Some(found) => {
                let near = near(view, history, &found);
                let values = history.values();
                let reason = format!(
                    "largest improvement that a forest of {values} results expects; {near}"
                );
                Ok((found, reason))
            }
            None => {
                let words = "a random sample, for the model found nothing that was never tried";
                Ok((self.untried(view, history)?, words.to_string()))
            }
        }
    }
}

/// Which good trial a configuration is close to, and what differs.
fn near(view: &View<'_>, history: &History, found: &Configuration) -> String {
    let names = |number: u64| -> Vec<&str> {
        let trial = view.trials.iter().find(|trial| trial.number == number);
        let Some(trial) = trial else {
            return Vec::new();
        };
        let parameters = view.space.parameters().iter();
        parameters
            .filter(|p| trial.configuration.get(&p.name) != found.get(&p.name))
            .map(|p| p.name.as_ref())
            .collect()
    };
    let closest = history
        .best(5)
        .map(|number| (number, names(number)))
        .min_by_key(|(_, names)| names.len());
    match closest {
        Some((number, names)) if names.len() <= 4 => {
            format!("trial {number} with other {}", names.join(", "))
        }
        _ => "away from the best trials so far".to_string(),
    }
}
