//! The tree-structured Parzen estimator: configurations like the good ones, unlike the bad ones.
//!
//! J. Bergstra, R. Bardenet, Y. Bengio and B. Kégl, "Algorithms for hyper-parameter optimization"
//! (NIPS 2011), with joint kernels over all parameters as in S. Falkner, A. Klein and F. Hutter,
//! "BOHB" (ICML 2018); the role of each setting is studied by S. Watanabe, "Tree-structured Parzen
//! estimator: understanding its algorithm components and their roles" (2023).
//!
//! The trials are split into the best few and the others, and a density is made of each. Points
//! are drawn from the density of the good ones, and that with the highest ratio of densities is
//! suggested: it maximizes the expected improvement under this model. Only the order of the values
//! matters. Pending trials count as bad, so that workers spread out; failures count as worst;
//! pruned trials come after completed ones, in the order of the steps that they reached, and trials
//! that break an outcome constraint after these, in the order of their violation.

mod history;

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, View};
use crate::configuration::Configuration;
use crate::numerics::sobol_sequence::{MAX_DIMENSIONS, SobolSequence};
use crate::random::{Purpose, Stream};
use crate::space::{Domain, Space};

use super::parzen::{Contrast, Structure};
use super::{AlgorithmEntry, ArgumentEntry, Arguments, MAX_NUM_TRIALS};
use history::History;

/// How often candidates are drawn anew when all were tried before or break the constraints.
const ROUNDS: usize = 8;
/// Samples of the whole space after that.
const SAMPLES: usize = 200;
/// Spaces of so few configurations are searched for one that was not tried.
const ENUMERABLE: u64 = 2_000;
/// The share of the trials that are good.
const GOOD_SHARE: f64 = 0.15;

pub(super) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "tpe",
    aliases: &["hyperopt", "parzen"],
    summary: "tries configurations like the good ones and unlike the bad ones (tree-structured \
              Parzen estimator)",
    arguments: &[
        ArgumentEntry {
            name: "n_startup_trials",
            default: "10, or a tenth of the budget if that is less, but at least 3",
            help: "number of evenly spread trials before the model is used",
        },
        ArgumentEntry {
            name: "n_ei_candidates",
            default: "32",
            help: "number of points drawn to choose from",
        },
        ArgumentEntry {
            name: "gamma",
            default: "25",
            help: "the most trials that count as good; 15 % of all as long as that is less",
        },
        ArgumentEntry {
            name: "multivariate",
            default: "true",
            help: "whether the model joins the parameters, or treats each by itself",
        },
        MAX_NUM_TRIALS,
    ],
    allows_repetition: true,
    build,
};

struct Settings {
    startup: Option<u64>,
    candidates: usize,
    most_good: usize,
    max_num_trials: u64,
}

struct Tpe {
    settings: Settings,
    structure: Structure,
    /// Of the trials seen last: a cache.
    history: History,
    /// The sequence of the seed seen last: a cache.
    design: Option<(u64, SobolSequence)>,
}

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let multivariate = arguments.flag("multivariate", true)?;
    let count = |name, default| -> Result<usize, AlgorithmError> {
        let given = arguments.count(name, 1)?.unwrap_or(default);
        if given > 100_000 {
            return Err(arguments.wrong(name, format!("it must be at most 100000, not {given}")));
        }
        Ok(given as usize)
    };
    Ok(Box::new(Tpe {
        settings: Settings {
            startup: arguments.count("n_startup_trials", 1)?,
            candidates: count("n_ei_candidates", 32)?,
            most_good: count("gamma", 25)?,
            max_num_trials: arguments.max_num_trials()?,
        },
        structure: Structure::new(space, multivariate),
        history: History::default(),
        design: None,
    }))
}

impl Algorithm for Tpe {
    /// O(candidates * parameters * min(trials, 1,000) + trials) a suggestion, where a trial that
    /// has not changed costs a comparison.
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.settings.max_num_trials {
            return Ok(Suggestion::Done);
        }
        self.history.look_at(view, &self.structure);
        let (configuration, reason) = if self.is_starting(view) {
            self.designed(view)?
        } else {
            self.modelled(view)?
        };
        Ok(Suggestion::Trial(Proposal {
            configuration,
            reason: reason.into(),
            memo: None,
        }))
    }
}

impl Tpe {
    /// Whether too little is known for a model.
    fn is_starting(&self, view: &View<'_>) -> bool {
        let tenth = view.budget.map_or(10, |budget| budget / 10).clamp(3, 10);
        let startup = self.settings.startup.unwrap_or(tenth);
        let (ended, pending) = (self.history.ended() as u64, self.history.pending() as u64);
        ended + pending < startup || ended < startup.min(3)
    }

    /// A point of the initial design: the centre first, then a scrambled Sobol sequence.
    fn designed(&mut self, view: &View<'_>) -> Result<(Configuration, String), AlgorithmError> {
        let first = view.trials.len();
        if first == 0 {
            let centre = self.centre(view);
            if view.space.is_feasible(&centre) {
                return Ok((centre, "the centre of the space".into()));
            }
        }
        self.prepare_design(view.seed);
        if let Some((_, sequence)) = &self.design {
            for index in (first..=u32::MAX as usize).take(SAMPLES) {
                let places = sequence.point(index as u32);
                let coordinates = self.structure.point(&places);
                let configuration = self.structure.configuration(view.space, &coordinates);
                if self.is_new(view.space, &configuration) {
                    let reason = format!("point {index} of an evenly spread start");
                    return Ok((configuration, reason));
                }
            }
        }
        self.anything(view)
    }

    /// The middle of every number; categories have no middle and are drawn.
    fn centre(&self, view: &View<'_>) -> Configuration {
        let mut stream = Stream::new(view.seed, 0, Purpose::Design);
        let parameters = view.space.parameters().iter();
        let places: Vec<f64> = parameters
            .map(|parameter| match parameter.domain {
                Domain::Choice { .. } => stream.unit(),
                _ => 0.5,
            })
            .collect();
        let point = self.structure.point(&places);
        self.structure.configuration(view.space, &point)
    }

    fn prepare_design(&mut self, seed: u64) {
        if self
            .design
            .as_ref()
            .is_some_and(|(known, _)| *known == seed)
        {
            return;
        }
        let dimensions = self.structure.width();
        self.design = (dimensions <= MAX_DIMENSIONS)
            .then(|| SobolSequence::scrambled(dimensions, seed))
            .flatten()
            .map(|sequence| (seed, sequence));
    }

    /// The candidate with the highest ratio of densities that was not tried and is feasible.
    fn modelled(&self, view: &View<'_>) -> Result<(Configuration, String), AlgorithmError> {
        let width = self.structure.width();
        let split = self.history.split(self.number_of_good());
        let good = self.history.rows(&split.good, width);
        let bad = self.history.rows(&split.bad, width);
        let contrast = Contrast::new(&self.structure, &good, &bad);
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Acquisition);
        let exhausted = self.is_exhausted(view.space);
        let rounds = if exhausted { 1 } else { ROUNDS };
        for _ in 0..rounds {
            for candidate in contrast.candidates(self.settings.candidates, &mut stream) {
                let configuration = self.structure.configuration(view.space, &candidate.point);
                let feasible = exhausted && view.space.is_feasible(&configuration);
                if feasible || self.is_new(view.space, &configuration) {
                    return Ok((configuration, self.reason(good.len(), exhausted)));
                }
            }
        }
        self.anything(view)
    }

    fn reason(&self, good: usize, exhausted: bool) -> String {
        let candidates = self.settings.candidates;
        let valued = self.history.valued();
        if good == 0 {
            return format!("of {candidates} random points the least like those that failed");
        }
        let again = if exhausted {
            "; every configuration was tried before"
        } else {
            ""
        };
        format!(
            "of {candidates} points drawn near the best {good} of {valued} trials the least like \
             the others{again}"
        )
    }

    fn number_of_good(&self) -> usize {
        let share = libm::ceil(GOOD_SHARE * self.history.valued() as f64) as usize;
        share.min(self.settings.most_good)
    }

    /// Whether every configuration of the space was tried.
    fn is_exhausted(&self, space: &Space) -> bool {
        let cardinality = space.cardinality();
        cardinality.is_some_and(|count| self.history.distinct() as u64 >= count)
    }

    fn is_new(&self, space: &Space, configuration: &Configuration) -> bool {
        !self.history.was_tried(&space.places(configuration)) && space.is_feasible(configuration)
    }

    /// A random configuration that was not tried, if one is found, or else any.
    fn anything(&self, view: &View<'_>) -> Result<(Configuration, String), AlgorithmError> {
        let space = view.space;
        let mut stream = Stream::new(view.seed, view.next_number, Purpose::Sample);
        let mut sampled = space.sample(&mut stream)?;
        let reason = "a random configuration, for the model found no new one";
        if self.is_exhausted(space) {
            return Ok((sampled, "a random configuration: all were tried".into()));
        }
        for _ in 0..SAMPLES {
            if self.is_new(space, &sampled) {
                return Ok((sampled, reason.into()));
            }
            sampled = space.sample(&mut stream)?;
        }
        let last = enumerated(space, &mut stream).find(|other| self.is_new(space, other));
        Ok((last.unwrap_or(sampled), reason.into()))
    }
}

/// All configurations of a small space without conditions, beginning anywhere.
fn enumerated<'a>(
    space: &'a Space,
    stream: &mut Stream,
) -> impl Iterator<Item = Configuration> + use<'a> {
    let count = space
        .cardinality()
        .filter(|count| *count <= ENUMERABLE)
        .unwrap_or(0);
    let start = stream.below(count);
    (0..count).map(move |offset| {
        let mut left = (start + offset) % count;
        space.configure(|_, parameter| {
            let values = parameter.domain.cardinality().unwrap_or(1);
            let index = left % values;
            left /= values;
            parameter
                .domain
                .nth(index)
                .unwrap_or_else(|| parameter.domain.at(0.5))
        })
    })
}
