//! `norgay report`: metrics of a running trial, from any script.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use norgay_engine::scheduler::local::append_report;

use super::ask::assignments;
use crate::output::{say, say_json};
use crate::target::StudyArgument;
use crate::{UsageError, exit};

/// Report metrics of a running trial.
///
/// Inside a trial of `norgay run` nothing else is needed. For a trial taken with ask, name it
/// with --trial; the exit code is then 5 if the trial should stop.
#[derive(Args)]
pub struct Report {
    /// Metrics as name=value
    #[arg(required = true, value_name = "NAME=VALUE")]
    metrics: Vec<String>,
    /// Step (iteration, epoch) [default: one more than the last]
    #[arg(long)]
    step: Option<u64>,
    /// Number of a trial taken with ask
    #[arg(long)]
    trial: Option<u64>,
    /// The attempt that ask named [default: the trial's last]
    #[arg(long, requires = "trial")]
    attempt: Option<u32>,
    #[command(flatten)]
    study: StudyArgument,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Report {
    pub fn run(self) -> Result<u8> {
        let metrics = assignments(&self.metrics)?;
        let Some(number) = self.trial else {
            let Some(file) = std::env::var_os("NORGAY_METRICS").map(PathBuf::from) else {
                let message = "outside a trial of `norgay run` name the trial with --trial";
                return Err(UsageError(message.to_string()).into());
            };
            let metrics: Vec<_> = metrics
                .into_iter()
                .map(|(name, value)| (name.to_string(), value))
                .collect();
            append_report(&file, self.step, &metrics)
                .with_context(|| file.display().to_string())?;
            return Ok(exit::OK);
        };
        let mut study = self.study.open()?;
        let attempt = match self.attempt {
            Some(attempt) => attempt,
            None => study.trial(number)?.attempt(),
        };
        let stop = study.report(number, attempt, self.step, &metrics)?;
        if self.json {
            say_json(&serde_json::json!({"trial": number, "stop": stop}));
        } else {
            say(if stop { "stop" } else { "go on" });
        }
        Ok(if stop { exit::NOTHING } else { exit::OK })
    }
}
