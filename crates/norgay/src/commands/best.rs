//! `norgay best`: the best trial of a study, or the front of several objectives.

use anyhow::Result;
use clap::Args;
use norgay_core::definition::StudyDefinition;
use norgay_core::trial::Trial;
use norgay_engine::retention::trial_folder;
use norgay_engine::view::trial_json;

use crate::exit;
use crate::output::{complain, say, say_json};
use crate::progress::shown;
use crate::target::{self, StorageArgument};

/// Show the best trial of a study; of several objectives, all trials of the front.
#[derive(Args)]
pub struct Best {
    /// Name of the study or its study file; may be left out if there is just one
    study: Option<String>,
    #[command(flatten)]
    storage: StorageArgument,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Best {
    pub fn run(self) -> Result<u8> {
        let open = target::open(self.study.as_deref(), &self.storage)?;
        let Some(best) = open.study().incumbent() else {
            complain(&format!("study {}: no trial has a value", open.name()));
            return Ok(exit::NO_FEASIBLE_TRIAL);
        };
        let several = !open.study().definition().more_objectives.is_empty();
        let best_trials = if several {
            open.study().front()
        } else {
            vec![best]
        };
        if self.json {
            if several {
                let front = best_trials.iter().map(|trial| trial_json(trial, true));
                say_json(&serde_json::json!({ "front": front.collect::<Vec<_>>() }));
            } else {
                say_json(&trial_json(best, true));
            }
            return Ok(exit::OK);
        }
        let mut lines = Vec::new();
        if several {
            let words = "trials of which none is better than another in all objectives";
            lines.push(format!("{} {words}", best_trials.len()));
        }
        for trial in best_trials {
            lines.extend(described(trial, open.study().definition()));
        }
        let execution = target::execution_of(&open)?;
        let folder = execution
            .output()
            .and_then(|output| output.child(open.name()));
        if let Ok(folder) = folder {
            let own = folder.child(&trial_folder(best))?;
            if !several && own.exists("")? {
                lines.push(format!("  its files: {}", own.location()));
            }
            lines.push(format!("  results of the study: {}", folder.location()));
        }
        say(&lines.join("\n"));
        Ok(exit::OK)
    }
}

/// A trial's values, limits that it does not keep, and parameters.
fn described(trial: &Trial, definition: &StudyDefinition) -> Vec<String> {
    let values = definition.objectives().zip(trial.values());
    let values =
        values.map(|(objective, value)| format!("{} {}", objective.name, shown(Some(*value))));
    let values: Vec<String> = values.collect();
    let mut lines = vec![format!("trial {}: {}", trial.number, values.join(", "))];
    let constraints = definition
        .outcome_constraints
        .iter()
        .zip(trial.constraints());
    for (constraint, excess) in constraints {
        if excess.is_nan() {
            lines.push(format!("  {constraint} is not known to hold"));
        } else if *excess > 0.0 {
            lines.push(format!("  {constraint} does not hold"));
        }
    }
    for (name, value) in trial.configuration.entries() {
        lines.push(format!("  {name} = {value}"));
    }
    lines
}
