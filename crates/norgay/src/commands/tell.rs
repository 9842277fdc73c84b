//! `norgay tell`: the result of a trial taken with ask.

use std::ffi::OsString;

use anyhow::Result;
use clap::Args;
use norgay_core::decision::Told;
use norgay_core::trial::FailureCause;
use norgay_engine::view::trial_json;

use super::ask::assignments;
use crate::output::{say, say_json};
use crate::target::StudyArgument;
use crate::{UsageError, exit};

/// Tell the result of a trial taken with ask.
#[derive(Args)]
pub struct Tell {
    /// Number of the trial
    trial: u64,
    /// Final metrics as name=value; plain numbers are the objectives in their order
    #[arg(value_name = "NAME=VALUE", allow_negative_numbers = true)]
    metrics: Vec<String>,
    #[command(flatten)]
    study: StudyArgument,
    /// The attempt that ask named [default: the trial's last]
    #[arg(long)]
    attempt: Option<u32>,
    /// Step of the metrics
    #[arg(long)]
    step: Option<u64>,
    /// The trial failed, by this cause (user-error, infeasible, out-of-memory, ...)
    #[arg(long, value_name = "CAUSE", conflicts_with = "pruned")]
    failed: Option<String>,
    /// The trial was stopped early
    #[arg(long)]
    pruned: bool,
    /// What went wrong, in words
    #[arg(long, default_value = "told by the user")]
    message: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Writes negative numbers such as `-1e-3` without an exponent: with one, the command line's parser
/// takes them for flags.
pub fn without_exponents(arguments: Vec<OsString>) -> Vec<OsString> {
    let tells = arguments.get(1).is_some_and(|word| word == "tell");
    let plain = |argument: OsString| {
        let number = argument
            .to_str()
            .filter(|text| text.starts_with('-') && text.contains(['e', 'E']))
            .and_then(|text| text.parse::<f64>().ok());
        match number {
            Some(number) if tells && number.is_finite() => {
                let digits = number.to_string();
                let end = if digits.contains('.') { "" } else { ".0" };
                format!("{digits}{end}").into()
            }
            _ => argument,
        }
    };
    arguments.into_iter().map(plain).collect()
}

impl Tell {
    pub fn run(self) -> Result<u8> {
        let mut study = self.study.open()?;
        let attempt = match self.attempt {
            Some(attempt) => attempt,
            None => study.trial(self.trial)?.attempt(),
        };
        let told = match (&self.failed, self.pruned) {
            (Some(cause), _) => {
                let Some(cause) = FailureCause::from_name(cause) else {
                    let known = FailureCause::ALL.map(FailureCause::name).join(", ");
                    let message = format!("there is no cause '{cause}'; there are {known}");
                    return Err(UsageError(message).into());
                };
                Told::Failed {
                    cause,
                    message: self.message.clone(),
                }
            }
            (None, true) => Told::Stopped,
            (None, false) => {
                let definition = study.study().definition();
                let plain = self.metrics.iter().all(|metric| !metric.contains('='));
                let metrics = if plain && self.metrics.len() == definition.objectives().count() {
                    let pairs = definition.objectives().zip(&self.metrics);
                    let named =
                        pairs.map(|(objective, value)| format!("{}={value}", objective.name));
                    named.collect()
                } else {
                    self.metrics.clone()
                };
                Told::Finished {
                    step: self.step,
                    metrics: assignments(&metrics)?,
                }
            }
        };
        study.tell(self.trial, attempt, &told)?;
        let trial = study.trial(self.trial)?;
        if self.json {
            say_json(&trial_json(trial, false));
        } else {
            say(&format!("trial {}: {}", self.trial, trial.state.name()));
        }
        Ok(exit::OK)
    }
}
