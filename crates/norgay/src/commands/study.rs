//! `norgay study`: list, show and steer studies.

use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use norgay_core::Study;
use norgay_core::trial::Trial;
use norgay_engine::clock::SystemClock;
use norgay_engine::open_study::OpenStudy;
use norgay_engine::results::{best_result_json, study_config_json, study_results_csv};
use norgay_engine::storage::{SqliteStorage, Storage};
use norgay_engine::view::{study_json, trial_json};
use serde_json::json;

use crate::exit;
use crate::output::{say, say_bytes, say_json, table};
use crate::progress::shown;
use crate::target::{self, StorageArgument};

#[derive(Subcommand)]
pub enum StudyCommand {
    /// List the studies
    Ls {
        #[command(flatten)]
        storage: StorageArgument,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a study
    Show(Named),
    /// Start no further trial until the study is resumed
    Pause(Named),
    /// Let a paused or ended study go on
    Resume(Named),
    /// End a study with its running trials
    Cancel(Named),
    /// Print a study's results
    Export {
        #[command(flatten)]
        named: Named,
        /// What to print [default: csv, or json with --json]
        #[arg(long, value_enum)]
        format: Option<Format>,
    },
    /// Remove a study from the database; its files stay unless --files is given
    Rm {
        #[command(flatten)]
        named: Named,
        /// Remove it even though trials are running
        #[arg(long)]
        force: bool,
        /// Remove the study's output folder as well
        #[arg(long)]
        files: bool,
    },
}

/// A study by name, and the form of the answer.
#[derive(Args)]
pub struct Named {
    /// Name of the study or its study file; may be left out if there is just one
    study: Option<String>,
    #[command(flatten)]
    storage: StorageArgument,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Format {
    /// The table of results, as study_results.csv
    Csv,
    /// The study with all trials as JSON
    Json,
    /// The study's configuration, as study_config.json
    Config,
    /// The best trial, as best_result.json
    Best,
}

impl Named {
    fn open(&self) -> Result<OpenStudy> {
        target::open(self.study.as_deref(), &self.storage)
    }

    fn tell(&self, study: &OpenStudy) {
        if self.json {
            say_json(&study_json(study.name(), study.study(), study.now_ms()));
        } else {
            say(&format!(
                "study {}: {}",
                study.name(),
                study.study().status()
            ));
        }
    }
}

impl StudyCommand {
    pub fn run(self) -> Result<u8> {
        match self {
            Self::Ls { storage, json } => list(&storage, json)?,
            Self::Show(named) => show(&named)?,
            Self::Pause(named) => {
                let mut study = named.open()?;
                study.commit(|study| Ok((study.pause()?, ())))?;
                named.tell(&study);
            }
            Self::Resume(named) => {
                let mut study = named.open()?;
                study.commit(|study| Ok((study.resume(), ())))?;
                named.tell(&study);
            }
            Self::Cancel(named) => {
                let mut study = named.open()?;
                study.commit(|study| Ok((study.cancel(), ())))?;
                named.tell(&study);
            }
            Self::Export { named, format } => {
                let default = if named.json {
                    Format::Json
                } else {
                    Format::Csv
                };
                export(&named.open()?, format.unwrap_or(default))?;
            }
            Self::Rm {
                named,
                force,
                files,
            } => remove(named.open()?, force, files, named.json)?,
        }
        Ok(exit::OK)
    }
}

fn remove(open: OpenStudy, force: bool, files: bool, json: bool) -> Result<()> {
    let running = open.study().counts().running;
    let name = open.name().to_string();
    if running > 0 && !force {
        anyhow::bail!("{running} trials of {name} are running; cancel it first, or use --force");
    }
    let execution = target::execution_of(&open)?;
    open.delete()?;
    if files {
        execution.output()?.delete_folder(&name)?;
    }
    if json {
        say_json(&json!({"name": name, "removed": true, "files_removed": files}));
    } else {
        say(&format!("study {name}: removed"));
    }
    Ok(())
}

fn list(storage: &StorageArgument, json: bool) -> Result<()> {
    let path = target::database(storage);
    let names = SqliteStorage::open_existing(&path)?.studies()?;
    let mut views = Vec::new();
    for (_, name) in names {
        let storage = Box::new(SqliteStorage::open_existing(&path)?);
        let study = OpenStudy::open(storage, Box::new(SystemClock), &name)?;
        views.push((study_json(&name, study.study(), study.now_ms()), study));
    }
    if json {
        say_json(&views.into_iter().map(|(view, _)| view).collect());
        return Ok(());
    }
    let rows: Vec<Vec<String>> = views
        .iter()
        .map(|(_, open)| {
            let (study, counts) = (open.study(), open.study().counts());
            let budget = study.definition().budget.trials;
            vec![
                open.name().to_string(),
                study.status().to_string(),
                format!(
                    "{}/{}",
                    counts.finished(),
                    budget.map_or("-".to_string(), |trials| trials.to_string())
                ),
                counts.running.to_string(),
                counts.failed.to_string(),
                study
                    .incumbent()
                    .map_or("-".to_string(), |best| shown(best.value)),
            ]
        })
        .collect();
    say(&table(
        &["STUDY", "STATUS", "TRIALS", "RUNNING", "FAILED", "BEST"],
        &rows,
    ));
    Ok(())
}

fn show(named: &Named) -> Result<()> {
    let open = named.open()?;
    if named.json {
        named.tell(&open);
        return Ok(());
    }
    let (study, counts) = (open.study(), open.study().counts());
    let definition = study.definition();
    let objectives = definition.objectives();
    let objectives = objectives.map(|o| format!("{} {}", o.direction.name(), o.name));
    let objectives: Vec<String> = objectives.collect();
    let mut lines = vec![
        format!("study      {}", open.name()),
        format!("status     {}", study.status()),
        format!("objective  {}", objectives.join(", ")),
        format!("algorithm  {}", definition.algorithm.name),
        format!(
            "trials     {} ({} completed, {} pruned, {} failed, {} cancelled, {} running, {} queued)",
            counts.total(),
            counts.completed,
            counts.pruned,
            counts.failed,
            counts.cancelled,
            counts.running,
            counts.queued
        ),
    ];
    if let Some(reason) = study.finished() {
        lines.push(format!("ended      {}", reason.in_words()));
    }
    if !definition.outcome_constraints.is_empty() {
        let constraints = definition.outcome_constraints.iter();
        let constraints: Vec<String> = constraints.map(ToString::to_string).collect();
        lines.push(format!("limits     {}", constraints.join(", ")));
    }
    if let Some(best) = study.incumbent() {
        lines.push(best_line(study, best));
    }
    lines.push("parameters".to_string());
    for parameter in definition.space.parameters() {
        let words = norgay_core::space::in_words(&parameter.domain);
        lines.push(format!("  {}: {words}", parameter.name));
    }
    say(&lines.join("\n"));
    Ok(())
}

fn best_line(study: &Study, best: &Trial) -> String {
    if !study.definition().more_objectives.is_empty() {
        let front = study.front();
        let numbers: Vec<String> = front.iter().map(|trial| trial.number.to_string()).collect();
        return format!("front      trials {}", numbers.join(", "));
    }
    let infeasible = if best.violation() > 0.0 {
        ", which does not keep the limits"
    } else {
        ""
    };
    let value = shown(best.value);
    format!("best       {value} (trial {}{infeasible})", best.number)
}

fn export(open: &OpenStudy, format: Format) -> Result<()> {
    let study = open.study();
    match format {
        Format::Csv => say_bytes(&study_results_csv(study)?),
        Format::Config => say_bytes(&study_config_json(study, open.name())?),
        Format::Best => say_bytes(&best_result_json(study, true)?),
        Format::Json => {
            let mut view = study_json(open.name(), study, open.now_ms());
            let trials = study
                .trials()
                .iter()
                .map(|trial| trial_json(trial, true))
                .collect();
            view.as_object_mut()
                .context("a study's view")?
                .insert("history".into(), trials);
            say_json(&view);
        }
    }
    Ok(())
}
