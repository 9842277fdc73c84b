//! `norgay doctor`: checks the surroundings, and a study file before it is run.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;
use clap::Args;
use norgay_engine::clock::SystemClock;
use norgay_engine::config::{SchedulerKind, StudyConfig};
use norgay_engine::open_study::OpenStudy;
use norgay_engine::run::JobMaker;
use norgay_engine::run::argo::Plan;
use norgay_engine::scheduler::argo::preflight;
use norgay_engine::storage::{MemoryStorage, SqliteStorage};
use serde_json::{Value, json};

use super::run::read_flags;
use crate::output::{say, say_json};
use crate::target::{self, StorageArgument};
use crate::{UsageError, exit};

/// Check the surroundings and, if given, a study file.
#[derive(Args)]
pub struct Doctor {
    /// A study file to check without running it, or the flags of a run
    #[arg(allow_hyphen_values = true, value_name = "STUDY.yaml | FLAGS")]
    study: Vec<String>,
    /// Ask the cluster, too, whether it will take the study's workflows
    #[arg(long)]
    argo: bool,
    #[command(flatten)]
    storage: StorageArgument,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was looked at and, if it is not as it should be, what is to be said.
struct Check {
    what: String,
    problem: Option<String>,
    warning: Option<String>,
}

impl Check {
    fn new(what: impl Into<String>, outcome: Result<()>) -> Self {
        Self {
            what: what.into(),
            problem: outcome.err().map(|error| format!("{error:#}")),
            warning: None,
        }
    }

    fn of_cluster(check: preflight::Check) -> Self {
        let is_problem = check.is_problem();
        let told = check.finding().map(|finding| {
            let preflight::Finding { message, remedy } = finding;
            format!("{message}\n{remedy}")
        });
        let (problem, warning) = if is_problem {
            (told, None)
        } else {
            (None, told)
        };
        Self {
            what: check.what,
            problem,
            warning,
        }
    }

    fn lines(&self) -> String {
        let (word, told) = match (&self.problem, &self.warning) {
            (Some(problem), _) => ("FAILED", problem.as_str()),
            (None, Some(warning)) => ("warning", warning.as_str()),
            (None, None) => ("ok", ""),
        };
        let mut lines = format!("{word:<7} {}", self.what);
        for line in told.lines() {
            let _ = write!(lines, "\n        {line}");
        }
        lines
    }
}

impl Doctor {
    pub fn run(mut self) -> Result<u8> {
        self.take_own_options()?;
        let checks = self.checks();
        if self.json {
            let list: Vec<_> = checks.iter().map(json_of).collect();
            say_json(&json!({"version": env!("CARGO_PKG_VERSION"), "checks": list}));
        } else {
            say(&format!("norgay {}", env!("CARGO_PKG_VERSION")));
            for check in &checks {
                say(&check.lines());
            }
        }
        let failed = checks.iter().any(|check| check.problem.is_some());
        Ok(if failed { exit::ERROR } else { exit::OK })
    }

    /// What follows the study or the first flag was not told apart: both may begin with dashes.
    fn take_own_options(&mut self) -> Result<()> {
        let is_file = self
            .study
            .first()
            .is_some_and(|first| !first.starts_with('-'));
        let mut rest = std::mem::take(&mut self.study).into_iter();
        while let Some(argument) = rest.next() {
            match argument.split_once('=') {
                None if argument == "--argo" => self.argo = true,
                None if argument == "--json" => self.json = true,
                None if is_file && argument == "--storage" => {
                    let file = rest.next();
                    let file = file.ok_or_else(|| UsageError("--storage needs a file".into()))?;
                    self.storage.storage = Some(file.into());
                }
                Some(("--storage", file)) if is_file => self.storage.storage = Some(file.into()),
                _ => self.study.push(argument),
            }
        }
        Ok(())
    }

    fn checks(&self) -> Vec<Check> {
        let (config, mut checks) = self.configuration();
        let database = match &config {
            Some(config) => target::storage_path(&self.storage, config),
            None => target::database(&self.storage),
        };
        let what = format!("database {}", database.display());
        checks.push(Check::new(what, check_database(&database)));
        let Some(config) = &config else {
            if self.argo && self.study.is_empty() {
                let error = anyhow::anyhow!("name the study file or the flags that are to be run");
                checks.push(Check::new("the cluster", Err(error)));
            }
            return checks;
        };
        if !self.argo {
            let what = format!("output folder {}", config.execution.output_path);
            checks.push(Check::new(what, output(config)));
        }
        checks.push(Check::new("algorithm and command", command(config)));
        if let Some(program) = config.execution.command.first() {
            let found = program_exists(program, &config.execution.study_folder);
            checks.push(Check::new(format!("program {program}"), found));
        }
        if self.argo {
            match cluster(config) {
                Ok(told) => checks.extend(told.into_iter().map(Check::of_cluster)),
                Err(error) => checks.push(Check::new("the cluster", Err(error))),
            }
        }
        checks
    }

    fn configuration(&self) -> (Option<StudyConfig>, Vec<Check>) {
        let Some(first) = self.study.first() else {
            return (None, Vec::new());
        };
        let (what, loaded) = if first.starts_with('-') {
            ("flags".to_string(), read_flags(&self.study))
        } else {
            (format!("study file {first}"), self.only_file(first))
        };
        match loaded {
            Ok(config) => (Some(config), vec![Check::new(what, Ok(()))]),
            Err(error) => (None, vec![Check::new(what, Err(error))]),
        }
    }

    fn only_file(&self, file: &str) -> Result<StudyConfig> {
        if let Some(more) = self.study.get(1) {
            anyhow::bail!("'{more}' does not go with a study file");
        }
        target::load(file)
    }
}

fn json_of(check: &Check) -> Value {
    let mut json = json!({"check": check.what, "problem": check.problem});
    if let Some(warning) = &check.warning {
        json["warning"] = json!(warning);
    }
    json
}

/// What the cluster says to a study that is made in memory, so that nothing is left behind.
fn cluster(config: &StudyConfig) -> Result<Vec<preflight::Check>> {
    if config.execution.scheduler != SchedulerKind::Argo {
        anyhow::bail!("this study runs on this machine: it does not say `scheduler: argo`");
    }
    let study = in_memory(config)?;
    let plan = Plan::new(&study, &config.execution)?;
    let folder = plan.files.local_path("");
    let there = folder.as_deref().and_then(nearest_that_exists);
    let report = plan.preflight();
    remove_made(folder.as_deref(), there);
    Ok(report?.checks)
}

/// An existing database must open; where there is none, it must be possible to make its folder.
fn check_database(path: &Path) -> Result<()> {
    if path.exists() {
        SqliteStorage::open_existing(path)?;
    } else if let Some(there) = nearest_that_exists(&std::path::absolute(path)?)
        && !there.is_dir()
    {
        anyhow::bail!("{} is no folder", there.display());
    }
    Ok(())
}

fn nearest_that_exists(path: &Path) -> Option<&Path> {
    path.ancestors().find(|ancestor| ancestor.exists())
}

fn output(config: &StudyConfig) -> Result<()> {
    // No study of this folder may be hit, whatever its name.
    let probe = format!(".norgay-doctor-{}", std::process::id());
    let files = config.execution.output()?;
    let folder = files.local_path("");
    let there = folder.as_deref().and_then(nearest_that_exists);
    files.write(
        &format!("{probe}/probe"),
        b"written by norgay doctor".to_vec(),
    )?;
    files.delete_folder(&probe)?;
    remove_made(folder.as_deref(), there);
    Ok(())
}

/// Takes away folders that were made for a check; the first that is not empty stays.
fn remove_made(folder: Option<&Path>, there: Option<&Path>) {
    let made = folder.into_iter().flat_map(Path::ancestors);
    for folder in made.take_while(|folder| Some(*folder) != there) {
        if std::fs::remove_dir(folder).is_err() {
            break;
        }
    }
}

fn in_memory(config: &StudyConfig) -> Result<OpenStudy> {
    let storage = Box::new(MemoryStorage::default());
    let execution = serde_json::to_value(&config.execution)?;
    let definition = config.definition.clone();
    let clock = Box::new(SystemClock);
    let name = &config.name;
    Ok(OpenStudy::create_or_open(
        storage, clock, name, definition, execution,
    )?)
}

/// Builds all that a run builds before its first trial, on a study in memory.
fn command(config: &StudyConfig) -> Result<()> {
    let open = in_memory(config)?;
    let files = config.execution.output()?;
    if !config.execution.command.is_empty() {
        JobMaker::new(&config.name, &config.execution, files, open.study())?;
    }
    Ok(())
}

fn program_exists(program: &str, folder: &Path) -> Result<()> {
    if program.contains('{') {
        return Ok(());
    }
    let found = if program.contains('/') {
        folder.join(program).is_file()
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|entry| entry.join(program).is_file())
    };
    if found {
        Ok(())
    } else {
        anyhow::bail!("there is no such program on PATH or in the folder")
    }
}
