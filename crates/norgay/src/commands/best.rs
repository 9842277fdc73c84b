//! `norgay best`: the best trial of a study.

use anyhow::Result;
use clap::Args;
use norgay_engine::retention::trial_folder;
use norgay_engine::view::trial_json;

use crate::exit;
use crate::output::{complain, say, say_json};
use crate::progress::shown;
use crate::target::{self, StorageArgument};

/// Show the best trial of a study.
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
        if self.json {
            say_json(&trial_json(best, true));
            return Ok(exit::OK);
        }
        let objective = &open.study().definition().objective.name;
        let mut lines = vec![format!(
            "trial {}: {objective} {}",
            best.number,
            shown(best.value)
        )];
        for (name, value) in best.configuration.entries() {
            lines.push(format!("  {name} = {value}"));
        }
        let execution = target::execution_of(&open)?;
        let folder = execution
            .output()
            .and_then(|output| output.child(open.name()));
        if let Ok(folder) = folder {
            let own = folder.child(&trial_folder(best))?;
            if own.exists("")? {
                lines.push(format!("  its files: {}", own.location()));
            }
            lines.push(format!("  results of the study: {}", folder.location()));
        }
        say(&lines.join("\n"));
        Ok(exit::OK)
    }
}
