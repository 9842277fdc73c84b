//! `norgay report`: metrics of a running trial, from any script.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use norgay_core::Value;
use norgay_engine::files::Files;
use norgay_engine::scheduler::bucket_report::{METRICS, append_report_to, write_result};
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
    /// These are the final metrics of a trial whose metrics lie in a bucket
    #[arg(long, conflicts_with_all = ["trial", "step"])]
    r#final: bool,
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
    /// `NORGAY_METRICS` is a file of this machine, or the URL of one in a bucket.
    fn inside_a_trial(&self, file: &Path, metrics: &[(String, Value)]) -> Result<u8> {
        let place = file.display().to_string();
        if !place.contains("://") {
            append_report(file, self.step, metrics).context(place)?;
            return Ok(exit::OK);
        }
        let (folder, name) = place.rsplit_once('/').unwrap_or((&place, ""));
        if name != METRICS {
            let message = format!("NORGAY_METRICS is {place}; its last part must be {METRICS}");
            return Err(UsageError(message).into());
        }
        let files = Files::open(folder, Path::new("."))?;
        if self.r#final {
            let (trial, attempt) = (number("NORGAY_TRIAL_ID"), number("NORGAY_ATTEMPT"));
            let attempt = attempt.and_then(|attempt| u32::try_from(attempt).ok());
            write_result(&files, trial, attempt, metrics)?;
        } else {
            append_report_to(&files, self.step, metrics)?;
        }
        Ok(exit::OK)
    }

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
            return self.inside_a_trial(&file, &metrics);
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

/// A number that a variable holds.
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.trim().parse().ok()
}
