//! `norgay doctor`: checks the surroundings, and a study file before it is run.

use std::path::Path;

use anyhow::Result;
use clap::Args;
use norgay_engine::clock::SystemClock;
use norgay_engine::config::StudyConfig;
use norgay_engine::open_study::OpenStudy;
use norgay_engine::run::JobMaker;
use norgay_engine::storage::{MemoryStorage, SqliteStorage};
use serde_json::json;

use crate::exit;
use crate::output::{say, say_json};
use crate::target::{self, StorageArgument};

/// Check the surroundings and, if given, a study file.
#[derive(Args)]
pub struct Doctor {
    /// A study file to check without running it
    study_file: Option<String>,
    #[command(flatten)]
    storage: StorageArgument,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

struct Check {
    what: String,
    problem: Option<String>,
}

impl Doctor {
    pub fn run(self) -> Result<u8> {
        let mut checks = Vec::new();
        let mut check = |what: String, outcome: Result<()>| {
            let problem = outcome.err().map(|error| format!("{error:#}"));
            checks.push(Check { what, problem });
        };
        let config = match &self.study_file {
            None => None,
            Some(file) => {
                let loaded = target::load(file);
                let (config, outcome) = match loaded {
                    Ok(config) => (Some(config), Ok(())),
                    Err(error) => (None, Err(error)),
                };
                check(format!("study file {file}"), outcome);
                config
            }
        };
        let database = match &config {
            Some(config) => target::storage_path(&self.storage, config),
            None => target::database(&self.storage),
        };
        check(
            format!("database {}", database.display()),
            check_database(&database),
        );
        if let Some(config) = &config {
            check(
                format!("output folder {}", config.execution.output_path),
                output(config),
            );
            check("algorithm and command".to_string(), command(config));
            if let Some(program) = config.execution.command.first() {
                let found = program_exists(program, &config.execution.study_folder);
                check(format!("program {program}"), found);
            }
        }
        let failed = checks.iter().any(|check| check.problem.is_some());
        if self.json {
            let list: Vec<_> = checks
                .iter()
                .map(|check| json!({"check": check.what, "problem": check.problem}))
                .collect();
            say_json(&json!({"version": env!("CARGO_PKG_VERSION"), "checks": list}));
        } else {
            say(&format!("norgay {}", env!("CARGO_PKG_VERSION")));
            for check in &checks {
                match &check.problem {
                    None => say(&format!("ok      {}", check.what)),
                    Some(problem) => say(&format!("FAILED  {}\n        {problem}", check.what)),
                }
            }
        }
        Ok(if failed { exit::ERROR } else { exit::OK })
    }
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
    // Folders that were made for this are taken away again; the first that is not empty stays.
    let made = folder.iter().flat_map(|folder| folder.ancestors());
    for folder in made.take_while(|folder| Some(*folder) != there) {
        if std::fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}

/// Builds all that a run builds before its first trial, on a study in memory.
fn command(config: &StudyConfig) -> Result<()> {
    let storage = Box::new(MemoryStorage::default());
    let execution = serde_json::to_value(&config.execution)?;
    let definition = config.definition.clone();
    let clock = Box::new(SystemClock);
    let open = OpenStudy::create_or_open(storage, clock, &config.name, definition, execution)?;
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
