//! `norgay trial`: list, show and steer trials.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use norgay_core::Configuration;
use norgay_core::trial::TrialState;
use norgay_engine::config::{Execution, SchedulerKind};
use norgay_engine::open_study::OpenStudy;
use norgay_engine::run::JobMaker;
use norgay_engine::run::argo::{workflow_logs, workflow_name};
use norgay_engine::scheduler::AttemptKey;
use norgay_engine::scheduler::local::log_paths;
use norgay_engine::view::trial_json;

use super::ask::assignments;
use crate::cluster::workflow_of;
use crate::output::{say, say_bytes, say_json, table};
use crate::progress::shown;
use crate::target::{self, StudyArgument};
use crate::{UsageError, exit};

#[derive(Subcommand)]
pub enum TrialCommand {
    /// List a study's trials
    Ls {
        #[command(flatten)]
        study: StudyArgument,
        /// Only trials in this state
        #[arg(long)]
        state: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a trial with its attempts and measurements
    Show {
        /// Number of the trial
        trial: u64,
        #[command(flatten)]
        study: StudyArgument,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print what a trial wrote
    Logs {
        /// Number of the trial
        trial: u64,
        #[command(flatten)]
        study: StudyArgument,
        /// Number of the attempt [default: the last]
        #[arg(long)]
        attempt: Option<u32>,
        /// Only standard error
        #[arg(long, conflicts_with = "stdout")]
        stderr: bool,
        /// Only standard output
        #[arg(long)]
        stdout: bool,
    },
    /// Run a failed, pruned or cancelled trial again
    Retry {
        /// Number of the trial
        trial: u64,
        #[command(flatten)]
        study: StudyArgument,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Cancel a queued or running trial
    Cancel {
        /// Number of the trial
        trial: u64,
        #[command(flatten)]
        study: StudyArgument,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Put a configuration into the queue: name=value ...
    Enqueue {
        /// Values of all active parameters, as name=value
        #[arg(required = true, value_name = "NAME=VALUE")]
        values: Vec<String>,
        #[command(flatten)]
        study: StudyArgument,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

impl TrialCommand {
    pub fn run(self) -> Result<u8> {
        match self {
            Self::Ls { study, state, json } => {
                check_state(state.as_deref())?;
                list(&study.open()?, state.as_deref(), json);
            }
            Self::Show { trial, study, json } => show(&study.open()?, trial, json)?,
            Self::Logs {
                trial,
                study,
                attempt,
                stderr,
                stdout,
            } => {
                logs(&study.open()?, trial, attempt, !stderr, !stdout)?;
            }
            Self::Retry { trial, study, json } => {
                let mut study = study.open()?;
                study.commit(|study| Ok((study.retry(trial)?, ())))?;
                tell(&study, trial, json, "queued; `norgay run` runs it")?;
            }
            Self::Cancel { trial, study, json } => {
                let mut study = study.open()?;
                study.commit(|study| Ok((study.cancel_trial(trial)?, ())))?;
                tell(&study, trial, json, "cancelled")?;
            }
            Self::Enqueue {
                values,
                study,
                json,
            } => {
                let mut study = study.open()?;
                let configuration: Configuration = assignments(&values)?.into_iter().collect();
                let trial = study.enqueue(&configuration)?;
                tell(&study, trial, json, "queued")?;
            }
        }
        Ok(exit::OK)
    }
}

/// What became of a trial, in words or as JSON.
fn tell(study: &OpenStudy, number: u64, json: bool, words: &str) -> Result<()> {
    if json {
        say_json(&trial_json(study.trial(number)?, false));
    } else {
        say(&format!("trial {number}: {words}"));
    }
    Ok(())
}

/// A misspelt state would look as if there were no such trials.
fn check_state(state: Option<&str>) -> Result<()> {
    let known = TrialState::ALL.map(TrialState::name);
    match state {
        Some(state) if !known.contains(&state) => {
            let known = known.join(", ");
            let message = format!("there is no state '{state}'; there are {known}");
            Err(UsageError(message).into())
        }
        _ => Ok(()),
    }
}

fn list(open: &OpenStudy, state: Option<&str>, json: bool) {
    let wanted = |name: &str| state.is_none_or(|state| state == name);
    let trials = open
        .study()
        .trials()
        .iter()
        .filter(|trial| wanted(trial.state.name()));
    if json {
        say_json(&trials.map(|trial| trial_json(trial, false)).collect());
        return;
    }
    let rows: Vec<Vec<String>> = trials
        .map(|trial| {
            let state = match trial.cause {
                Some(cause) => format!("{} ({})", trial.state.name(), cause.name()),
                None => trial.state.name().to_string(),
            };
            let value = trial
                .value
                .map_or("-".to_string(), |value| shown(Some(value)));
            let seconds = format!("{:.1}s", trial.run_time_ms() as f64 / 1000.0);
            vec![
                trial.number.to_string(),
                state,
                value,
                seconds,
                trial.configuration.to_string(),
            ]
        })
        .collect();
    say(&table(
        &["TRIAL", "STATE", "VALUE", "TIME", "PARAMETERS"],
        &rows,
    ));
}

fn show(open: &OpenStudy, number: u64, json: bool) -> Result<()> {
    let trial = open.trial(number)?;
    if json {
        say_json(&trial_json(trial, true));
        return Ok(());
    }
    let mut lines = vec![format!("trial {number}: {}", trial.state.name())];
    if let Some(value) = trial.value {
        lines.push(format!("  value  {}", shown(Some(value))));
    }
    lines.push(format!("  why    {}", trial.reason));
    for (name, value) in trial.configuration.entries() {
        lines.push(format!("  {name} = {value}"));
    }
    for (index, attempt) in trial.attempts.iter().enumerate() {
        let end = match attempt.end {
            None => "running".to_string(),
            Some(end) => end.name().to_string(),
        };
        let workflow = workflow_of(open, number, index as u32 + 1);
        let workflow = workflow.map_or(String::new(), |name| format!(", workflow {name}"));
        lines.push(format!("  attempt {}: {end}{workflow}", index + 1));
        if let Some(message) = &attempt.message {
            lines.push(format!("    {}", message.replace('\n', "\n    ")));
        }
    }
    let metrics = trial.measurements.iter().map(|measurement| {
        let metrics = Configuration::new(measurement.metrics.to_vec());
        format!("  step {}: {metrics}", measurement.step)
    });
    lines.extend(metrics);
    say(&lines.join("\n"));
    Ok(())
}

/// The study's own folder under its output folder.
fn study_folder(open: &OpenStudy) -> Result<PathBuf> {
    let output = target::execution_of(open)?.output()?;
    let local = output.child(open.name())?.local_path("");
    local.ok_or_else(|| anyhow::anyhow!("the study's files are not on this machine"))
}

fn logs(
    open: &OpenStudy,
    number: u64,
    attempt: Option<u32>,
    stdout: bool,
    stderr: bool,
) -> Result<()> {
    let trial = open.trial(number)?;
    let last = trial.attempt();
    let attempt = attempt.unwrap_or(last);
    if attempt == 0 || attempt > last {
        anyhow::bail!("trial {number} has no attempt {attempt}; it had {last} so far");
    }
    let key = AttemptKey {
        trial: number,
        attempt,
    };
    let execution = target::execution_of(open)?;
    if execution.scheduler == SchedulerKind::Argo {
        return cluster_logs(open, &execution, key);
    }
    let paths = log_paths(&JobMaker::record_folder(&study_folder(open)?, key));
    let mut found = false;
    for (wanted, path) in [(stdout, &paths.stdout), (stderr, &paths.stderr)] {
        if wanted && let Ok(mut file) = std::fs::File::open(path) {
            found = true;
            copy_out(&mut file)?;
        }
    }
    if !found {
        anyhow::bail!("attempt {attempt} of trial {number} left no logs on this machine");
    }
    Ok(())
}

/// Lines of a workflow's logs that are shown.
const CLUSTER_LOG_LINES: usize = 10_000;

/// What is left of the pods' output; the end of a failed attempt's is in the study as well.
fn cluster_logs(open: &OpenStudy, execution: &Execution, key: AttemptKey) -> Result<()> {
    let name = workflow_name(open, key);
    match workflow_logs(open, execution, key, CLUSTER_LOG_LINES)? {
        Some(logs) if !logs.is_empty() => {
            say(logs.trim_end());
            Ok(())
        }
        Some(_) => anyhow::bail!(
            "workflow {name} has no logs: it has written nothing so far, or its pods are gone"
        ),
        None => anyhow::bail!(
            "workflow {name} is not in the cluster any more; `argo.keep_workflows: all` keeps \
             workflows, and `norgay trial show {}` tells why one failed",
            key.trial
        ),
    }
}

fn copy_out(file: &mut std::fs::File) -> Result<()> {
    use std::io::Read;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            read => say_bytes(&buffer[..read]),
        }
    }
}
