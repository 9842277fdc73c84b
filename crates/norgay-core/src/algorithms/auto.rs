//! The default: chooses for each suggestion among the other algorithms, and says why.
//!
//! No optimizer is the best everywhere (Wolpert and Macready, "No free lunch theorems for
//! optimization", 1997; that the gaps between problems are where the gains are: Mallik et al.,
//! "CARP-S" (2025)). A Gaussian process makes the most of a few hundred trials; where its model
//! finds nothing better for a while, a density-based search looks elsewhere; and where trials are
//! so many that a model would cost more than they do, evolution strategies and densities take over.

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion, View};
use crate::definition::AlgorithmChoice;
use crate::space::{Domain, Space};
use crate::value::Value;

use super::gaussian_process::SKILL;
use super::gaussian_process::settings::{COST_AWARE, PRIOR, PRIOR_CONFIDENCE, REGRET_BOUND};
use super::lesson::Lesson;
use super::wrapping::{inner_memo, memo};
use super::{AlgorithmEntry, Arguments, MAX_NUM_TRIALS};

/// Results up to which a model of all of them is worth its time.
const MODEL_RESULTS: usize = 1_000;
/// A budget of more trials than this says that trials are cheap.
const CHEAP_BUDGET: u64 = 20_000;
/// Results after which cheap trials are left to cheaper algorithms.
const CHEAP_MODEL_RESULTS: usize = 200;
/// Results from which on the model's skill is judged.
const JUDGED_RESULTS: usize = 20;
/// A model that predicts a smaller share of the values' variance is no guide.
const LEAST_SKILL: f64 = 0.3;
/// The Gaussian process with a wide confidence bound.
const EXPLORE: &str = "gp, exploring";
/// Objectives up to which the hypervolume is improved directly.
const MAX_HYPERVOLUME_OBJECTIVES: usize = 4;
/// Objectives up to which crowding spreads a population well.
const CROWDED_OBJECTIVES: usize = 3;
/// Results up to which several objectives are modelled.
const OBJECTIVES_RESULTS: usize = 300;

pub(super) const ENTRY: AlgorithmEntry = AlgorithmEntry {
    name: "auto",
    aliases: &["default"],
    summary: "chooses among the others by the space, the budget and what the trials showed",
    arguments: &[
        PRIOR,
        PRIOR_CONFIDENCE,
        COST_AWARE,
        REGRET_BOUND,
        MAX_NUM_TRIALS,
    ],
    allows_repetition: true,
    build,
};

struct Auto {
    members: Vec<(&'static str, Box<dyn Algorithm>)>,
    is_numeric: bool,
    max_num_trials: u64,
    progress: Progress,
}

/// What the results say so far: a cache of the view's trials.
#[derive(Clone, Debug, Default)]
struct Progress {
    results: usize,
    best: Option<f64>,
    /// Results since the best one.
    since_best: usize,
}

/// An algorithm and the reason for it.
struct Choice {
    name: &'static str,
    reason: &'static str,
}

fn build(arguments: &Arguments<'_>, space: &Space) -> Result<Box<dyn Algorithm>, AlgorithmError> {
    let passed_on = [PRIOR, PRIOR_CONFIDENCE, COST_AWARE, REGRET_BOUND];
    let given: Vec<(String, Value)> = passed_on
        .iter()
        .map(|argument| argument.name)
        .filter_map(|name| Some((name.to_string(), arguments.get(name)?.clone())))
        .collect();
    let varies = space
        .parameters()
        .iter()
        .any(|parameter| parameter.domain.cardinality() != Some(1));
    let names: &[&'static str] = if varies {
        &[
            "gp", EXPLORE, "tpe", "cmaes", "ehvi", "parego", "nsga2", "nsga3",
        ]
    } else {
        &["random"]
    };
    let mut members = Vec::with_capacity(names.len());
    for name in names {
        let (registered, arguments) = match *name {
            "gp" => ("gp", given.clone()),
            EXPLORE => ("gp", exploring()),
            other => (other, Vec::new()),
        };
        let choice = AlgorithmChoice {
            name: registered.to_string(),
            arguments,
        };
        members.push((*name, super::build(&choice, space)?));
    }
    Ok(Box::new(Auto {
        members,
        is_numeric: space.parameters().iter().all(|parameter| {
            parameter.conditions.is_empty() && !matches!(parameter.domain, Domain::Choice { .. })
        }),
        max_num_trials: arguments.max_num_trials()?,
        progress: Progress::default(),
    }))
}

/// Arguments of a search that prefers what is unknown.
fn exploring() -> Vec<(String, Value)> {
    let argument = |name: &str, value: Value| (name.to_string(), value);
    vec![
        argument("acquisition", "LCB".into()),
        argument("exploration", Value::Float(4.0)),
        argument("members", Value::Int(1)),
        argument("local", false.into()),
    ]
}

impl Algorithm for Auto {
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        if view.suggested >= self.max_num_trials {
            return Ok(Suggestion::Done);
        }
        self.progress = Progress::of(view);
        let mut choice = self.choose(view);
        let mut suggestion = self.ask(&choice, view)?;
        if !matches!(suggestion, Suggestion::Trial(_)) && choice.name != self.members[0].0 {
            choice = Choice {
                name: self.members[0].0,
                reason: "as the algorithm for this case had nothing to try",
            };
            suggestion = self.ask(&choice, view)?;
        }
        Ok(match suggestion {
            Suggestion::Trial(proposal) => Suggestion::Trial(Proposal {
                reason: format!("{}, {}: {}", choice.name, choice.reason, proposal.reason).into(),
                memo: Some(memo(&[], proposal.memo)),
                ..proposal
            }),
            other => other,
        })
    }
}

impl Progress {
    fn of(view: &View<'_>) -> Self {
        let mut progress = Self::default();
        for trial in view.trials.iter() {
            let Lesson::Value(value) = Lesson::of(trial, view.direction) else {
                continue;
            };
            progress.results += 1;
            progress.since_best += 1;
            if progress.best.is_none_or(|best| value < best) {
                progress.best = Some(value);
                progress.since_best = 0;
            }
        }
        progress
    }
}

/// The skill that the last model noted.
fn model_skill(view: &View<'_>) -> Option<f64> {
    let mut latest = view.trials.iter().rev().take(20);
    latest.find_map(|trial| inner_memo(view.trials, trial)?.get(SKILL)?.as_f64())
}

impl Auto {
    fn choose(&self, view: &View<'_>) -> Choice {
        let choice = |name, reason| Choice { name, reason };
        if self.members.len() == 1 {
            return choice("random", "as nothing varies");
        }
        let results = self.progress.results;
        if view.objectives() > 1 {
            return if results > OBJECTIVES_RESULTS && view.objectives() > CROWDED_OBJECTIVES {
                choice("nsga3", "as many objectives have many results")
            } else if results > OBJECTIVES_RESULTS {
                choice("nsga2", "as several objectives have many results")
            } else if view.objectives() > MAX_HYPERVOLUME_OBJECTIVES {
                choice("parego", "as there are many objectives")
            } else {
                choice("ehvi", "as there are several objectives")
            };
        }
        let is_cheap = view.budget.is_some_and(|budget| budget > CHEAP_BUDGET);
        if results > MODEL_RESULTS || (is_cheap && results > CHEAP_MODEL_RESULTS) {
            return if self.is_numeric && !view.next_number.is_multiple_of(4) {
                choice("cmaes", "as there are many results, of numbers")
            } else {
                choice("tpe", "as there are many results")
            };
        }
        let is_blind =
            results >= JUDGED_RESULTS && model_skill(view).is_some_and(|s| s < LEAST_SKILL);
        if is_blind && view.next_number.is_multiple_of(2) {
            return choice("tpe", "as the model predicts little");
        }
        let patience = 10.max(2 * view.space.parameters().len());
        let is_stuck = self.progress.since_best >= patience;
        match view.next_number % 3 {
            0 if is_stuck => choice("tpe", "as nothing better was found for a while"),
            1 if is_stuck => choice(EXPLORE, "as nothing better was found for a while"),
            _ => choice("gp", "as results are few"),
        }
    }

    fn ask(&mut self, choice: &Choice, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        let member = self
            .members
            .iter_mut()
            .find(|(name, _)| *name == choice.name);
        let Some((_, member)) = member else {
            return Ok(Suggestion::Done);
        };
        member.suggest(&View {
            trials: view.trials.inside(),
            ..*view
        })
    }
}
