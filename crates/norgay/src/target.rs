//! Finding the study that a command is about.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use norgay_engine::clock::SystemClock;
use norgay_engine::config::{Execution, StudyConfig, read_study};
use norgay_engine::files::Files;
use norgay_engine::open_study::OpenStudy;
use norgay_engine::storage::{SqliteStorage, Storage};

use crate::UsageError;
use crate::output::complain;

/// The default database.
pub const DEFAULT_STORAGE: &str = "norgay.db";

/// Where studies are kept.
#[derive(Args, Clone, Debug)]
pub struct StorageArgument {
    /// Database file with the studies [default: norgay.db, or what the study file says]
    #[arg(long, env = "NORGAY_STORAGE", value_name = "FILE")]
    pub storage: Option<PathBuf>,
}

/// A study by name or file.
#[derive(Args, Clone, Debug)]
pub struct StudyArgument {
    /// Name of the study, or its study file; may be left out if the database has just one
    #[arg(
        long = "study",
        short = 's',
        env = "NORGAY_STUDY",
        value_name = "STUDY"
    )]
    pub study: Option<String>,
    /// Where the study is kept.
    #[command(flatten)]
    pub storage: StorageArgument,
}

/// Whether the text names a study file rather than a study.
pub fn is_study_file(text: &str) -> bool {
    let extension = Path::new(text)
        .extension()
        .and_then(|extension| extension.to_str());
    matches!(extension, Some("yaml" | "yml" | "json"))
}

/// Reads a study file; mistakes are told all at once, warnings on standard error.
pub fn load(path: &str) -> Result<StudyConfig> {
    let file = Path::new(path);
    let text =
        std::fs::read_to_string(file).map_err(|error| UsageError(format!("{path}: {error}")))?;
    let folder = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let folder = std::path::absolute(&folder).context("the folder of the study file")?;
    let config =
        read_study(&text, path, &folder).map_err(|findings| UsageError(findings.to_string()))?;
    tell_warnings(&config);
    Ok(config)
}

/// Longest text that is read from a bucket.
const LONGEST_TEXT_BYTES: u64 = 16 * 1024 * 1024;

/// The text of a file, given by its path or URL.
pub fn read_text(place: &str, folder: &Path) -> Result<String, String> {
    if !place.contains("://") {
        return std::fs::read_to_string(place).map_err(|error| error.to_string());
    }
    let (parent, file) = place.rsplit_once('/').unwrap_or(("", place));
    let bytes = Files::open(parent, folder)
        .and_then(|files| files.read(file, LONGEST_TEXT_BYTES))
        .map_err(|error| error.to_string())?;
    let bytes = bytes.ok_or_else(|| format!("there is no file {place}"))?;
    String::from_utf8(bytes).map_err(|_| format!("{place} is not UTF-8 text"))
}

/// Prints a configuration's warnings.
pub fn tell_warnings(config: &StudyConfig) {
    for warning in &config.warnings {
        complain(&warning.to_string());
    }
}

/// The database of a configuration: the command line wins over the file.
pub fn storage_path(argument: &StorageArgument, config: &StudyConfig) -> PathBuf {
    match (&argument.storage, &config.storage) {
        (Some(path), _) => path.clone(),
        (None, Some(path)) => config.execution.study_folder.join(path),
        (None, None) => config.execution.study_folder.join(DEFAULT_STORAGE),
    }
}

/// Opens or creates the study of a configuration.
pub fn create_or_open(argument: &StorageArgument, config: &StudyConfig) -> Result<OpenStudy> {
    let storage = SqliteStorage::open(&storage_path(argument, config))?;
    let execution = serde_json::to_value(&config.execution).context("the execution")?;
    let definition = config.definition.clone();
    let clock = Box::new(SystemClock);
    Ok(OpenStudy::create_or_open(
        Box::new(storage),
        clock,
        &config.name,
        definition,
        execution,
    )?)
}

impl StudyArgument {
    /// Opens the study, creating nothing.
    pub fn open(&self) -> Result<OpenStudy> {
        open(self.study.as_deref(), &self.storage)
    }
}

/// Opens an existing study by name or file; without either, the only one of the database.
pub fn open(study: Option<&str>, argument: &StorageArgument) -> Result<OpenStudy> {
    let (name, path) = match study {
        Some(file) if is_study_file(file) => {
            let config = load(file)?;
            (Some(config.name.clone()), storage_path(argument, &config))
        }
        other => (other.map(str::to_string), database(argument)),
    };
    let mut storage = SqliteStorage::open_existing(&path)?;
    let name = match name {
        Some(name) => name,
        None => only_study(&mut storage, &path)?,
    };
    Ok(OpenStudy::open(
        Box::new(storage),
        Box::new(SystemClock),
        &name,
    )?)
}

/// The database that the command line names, or the default.
pub fn database(argument: &StorageArgument) -> PathBuf {
    argument
        .storage
        .clone()
        .unwrap_or_else(|| DEFAULT_STORAGE.into())
}

fn only_study(storage: &mut SqliteStorage, path: &Path) -> Result<String> {
    let studies = storage.studies()?;
    let names: Vec<String> = studies.into_iter().map(|(_, name)| name).collect();
    match names.as_slice() {
        [name] => Ok(name.clone()),
        [] => Err(UsageError(format!("{} has no study", path.display())).into()),
        names => {
            let message = format!(
                "name the study: {} has {}",
                path.display(),
                names.join(", ")
            );
            Err(UsageError(message).into())
        }
    }
}

/// How an open study's trials are run.
pub fn execution_of(study: &OpenStudy) -> Result<Execution> {
    serde_json::from_value(study.study().execution().clone())
        .context("how the study's trials are run can't be read from its log")
}
