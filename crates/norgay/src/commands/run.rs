//! `norgay run`: a study file, or the reference's flags.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use norgay_core::event::FinishReason;
use norgay_core::warm_start::fitted_best;
use norgay_engine::config::{self, FLAGS, SchedulerKind, StudyConfig};
use norgay_engine::open_study::OpenStudy;
use norgay_engine::run::{RunEnd, Runner, StopSwitch, host_name, local_options};
use norgay_engine::scheduler::Scheduler;
use norgay_engine::scheduler::local::{LocalOptions, LocalScheduler};
use norgay_engine::view::study_json;

use crate::cluster::argo_scheduler;
use crate::output::{say, say_json};
use crate::progress::{Progress, Verbosity, shown};
use crate::target::{self, StorageArgument};
use crate::{UsageError, exit, signals};

/// Run a study, or go on with it where it stopped.
#[derive(Args)]
#[command(
    disable_help_flag = true,
    override_usage = "norgay run STUDY.yaml [--storage FILE] [--warm-start STUDY] [--quiet | --verbose | --json]\n       \
                      norgay run --flag=value ... [--flagfile=FILE] [--quiet | --json]"
)]
pub struct Run {
    /// A study file, or flags (see `norgay run --help`)
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "STUDY.yaml | FLAGS"
    )]
    arguments: Vec<String>,
}

/// Configurations taken over from another study.
const WARM_STARTS: usize = 5;

/// What is said of the run itself, apart from the study.
struct Request {
    config: StudyConfig,
    storage: StorageArgument,
    verbosity: Verbosity,
    /// The study whose best configurations are tried first.
    warm_start: Option<String>,
}

impl Run {
    pub fn run(self) -> Result<u8> {
        let asks_help = |argument: &String| argument == "--help" || argument == "-h";
        if self.arguments.is_empty() || self.arguments.iter().any(asks_help) {
            say(&help());
            return Ok(if self.arguments.is_empty() {
                exit::USAGE
            } else {
                exit::OK
            });
        }
        let request = self.request()?;
        let config = &request.config;
        // Opened first, lest a wrong name leave a study behind.
        let other = request.other_study()?;
        let mut study = target::create_or_open(&request.storage, config)?;
        if let Some(other) = other {
            warm_start(&mut study, &other, request.verbosity)?;
        }
        let switch = StopSwitch::default();
        signals::listen(switch.clone()).context("listening for signals")?;
        let mut progress = Progress::new(request.verbosity);
        let scheduler: Box<dyn Scheduler> = match config.execution.scheduler {
            SchedulerKind::Local => Box::new(LocalScheduler::new(options(config)?)),
            SchedulerKind::Argo => argo_scheduler(&study, config, &switch)?,
        };
        let mut runner = Runner::new(study, &config.execution, scheduler, &mut progress, switch)?;
        let end = runner.run()?;
        let code = exit_code(&runner, end);
        let told = closing(&runner, &request, end);
        drop(runner);
        progress.close();
        match told {
            Closing::Json(json) => say_json(&json),
            Closing::Text(text) => say(&text),
        }
        Ok(code)
    }

    fn request(&self) -> Result<Request> {
        let mut verbosity = Verbosity::Normal;
        let mut rest = Vec::with_capacity(self.arguments.len());
        for argument in &self.arguments {
            match argument.as_str() {
                "--quiet" | "-q" => verbosity = Verbosity::Quiet,
                "--json" => verbosity = Verbosity::Json,
                _ => rest.push(argument.clone()),
            }
        }
        match rest.first() {
            Some(first) if !first.starts_with('-') => from_file(&rest, verbosity),
            _ => from_flags(&rest, verbosity),
        }
    }
}

fn from_file(arguments: &[String], mut verbosity: Verbosity) -> Result<Request> {
    let mut storage = std::env::var_os("NORGAY_STORAGE").map(PathBuf::from);
    let mut warm_start = None;
    let mut rest = arguments[1..].iter();
    while let Some(argument) = rest.next() {
        match argument.split_once('=') {
            Some(("--storage", path)) => storage = Some(path.into()),
            None if argument == "--storage" => {
                let path = rest
                    .next()
                    .ok_or_else(|| UsageError("--storage needs a file".into()))?;
                storage = Some(path.into());
            }
            Some(("--warm-start", study)) => warm_start = Some(study.to_string()),
            None if argument == "--warm-start" => {
                let study = rest.next().ok_or_else(|| {
                    UsageError("--warm-start needs the name of a study, or its file".into())
                })?;
                warm_start = Some(study.clone());
            }
            None if argument == "--verbose" || argument == "-v" => verbosity = Verbosity::Verbose,
            _ => {
                return Err(UsageError(format!(
                    "'{argument}' does not go with a study file; write it into {}, \
                     or give flags only (see `norgay run --help`)",
                    arguments[0]
                ))
                .into());
            }
        }
    }
    let config = target::load(&arguments[0])?;
    Ok(Request {
        config,
        storage: StorageArgument { storage },
        verbosity,
        warm_start,
    })
}

/// Reads the flags of a run; mistakes are told all at once, warnings on standard error.
pub fn read_flags(arguments: &[String]) -> Result<StudyConfig> {
    let folder = std::env::current_dir().context("the current folder")?;
    let read = |path: &str| target::read_text(path, &folder);
    let config = config::read_flags(arguments, &read, &host_name(), &folder)
        .map_err(|findings| UsageError(findings.to_string()))?;
    target::tell_warnings(&config);
    Ok(config)
}

fn from_flags(arguments: &[String], verbosity: Verbosity) -> Result<Request> {
    let config = read_flags(arguments)?;
    let storage = match config.storage {
        Some(_) => None,
        None => std::env::var_os("NORGAY_STORAGE").map(PathBuf::from),
    };
    let verbosity = match verbosity {
        Verbosity::Normal if config.verbose => Verbosity::Verbose,
        other => other,
    };
    Ok(Request {
        config,
        storage: StorageArgument { storage },
        verbosity,
        warm_start: None,
    })
}

impl Request {
    /// The study to begin with, if one is named.
    fn other_study(&self) -> Result<Option<OpenStudy>> {
        let Some(name) = &self.warm_start else {
            return Ok(None);
        };
        let database = StorageArgument {
            storage: Some(target::storage_path(&self.storage, &self.config)),
        };
        target::open(Some(name), &database).map(Some)
    }
}

/// Puts the best configurations of another study into the queue of one that has no trials yet.
fn warm_start(study: &mut OpenStudy, other: &OpenStudy, verbosity: Verbosity) -> Result<()> {
    if !study.study().trials().is_empty() {
        return Ok(());
    }
    let space = study.study().definition().space.clone();
    let best = fitted_best(&space, other.study(), WARM_STARTS);
    let name = other.name();
    if best.is_empty() {
        let message = format!(
            "--warm-start: {name} has no completed trial that fits the space of this study"
        );
        return Err(UsageError(message).into());
    }
    for configuration in &best {
        study.enqueue(configuration)?;
    }
    if !matches!(verbosity, Verbosity::Quiet | Verbosity::Json) {
        say(&format!(
            "{} of the best of {name} are tried first",
            best.len()
        ));
    }
    Ok(())
}

fn options(config: &StudyConfig) -> Result<LocalOptions> {
    let program = std::env::current_exe().context("the path of this program")?;
    let supervisor = vec![program.into(), "supervise".into()];
    local_options(&config.execution, supervisor).context("stdout_pattern")
}

fn exit_code(runner: &Runner<'_>, end: RunEnd) -> u8 {
    let completed = runner.study().study().counts().completed;
    match end {
        RunEnd::Interrupted => exit::INTERRUPTED,
        RunEnd::Finished(FinishReason::TooManyFailed | FinishReason::FailedInARow) => {
            exit::TOO_MANY_FAILED
        }
        RunEnd::Finished(FinishReason::Cancelled) => exit::ERROR,
        RunEnd::Finished(_) if completed == 0 => exit::NO_FEASIBLE_TRIAL,
        RunEnd::Finished(_) => exit::OK,
    }
}

enum Closing {
    Json(serde_json::Value),
    Text(String),
}

/// What is said at the end: how it ended, the best trial, where the files are.
fn closing(runner: &Runner<'_>, request: &Request, end: RunEnd) -> Closing {
    let (study, name) = (runner.study().study(), runner.study().name());
    if request.verbosity == Verbosity::Json {
        return Closing::Json(study_json(name, study, runner.study().now_ms()));
    }
    let counts = study.counts();
    let mut lines = vec![match end {
        RunEnd::Interrupted => {
            format!("study {name}: stopped; the same command goes on where it was")
        }
        RunEnd::Finished(reason) => format!("study {name}: {}", reason.in_words()),
    }];
    lines.push(format!(
        "{} completed, {} pruned, {} failed, {} cancelled, {} to do",
        counts.completed,
        counts.pruned,
        counts.failed,
        counts.cancelled,
        counts.queued + counts.running
    ));
    match study.incumbent() {
        Some(_) if !study.definition().more_objectives.is_empty() => lines.push(format!(
            "front: {} trials, shown by `norgay best {name}`",
            study.front().len()
        )),
        Some(best) => {
            let objective = &study.definition().objective.name;
            lines.push(format!(
                "best: trial {}, {objective} {}",
                best.number,
                shown(best.value)
            ));
        }
        None => lines.push("best: none, no trial has a value".to_string()),
    }
    if matches!(
        end,
        RunEnd::Finished(FinishReason::TooManyFailed | FinishReason::FailedInARow)
    ) {
        lines.push(format!(
            "see `norgay trial ls --study {name}` and `norgay trial logs N`; when the cause is \
             mended, `norgay study resume {name}` and the same run command go on"
        ));
    }
    lines.push(format!("files: {}", runner.folder()));
    Closing::Text(lines.join("\n"))
}

/// The flags with their meaning, from the one table of flags.
fn help() -> String {
    let mut lines: Vec<String> = [
        "Run a study, or go on with it where it stopped.",
        "",
        "  norgay run STUDY.yaml [--storage FILE] [--warm-start STUDY] [--quiet | --verbose | --json]",
        "  norgay run --flag=value ... [--flagfile=FILE] [--quiet | --json]",
        "",
        "--warm-start: the best configurations of another study of the database (its name or file)",
        "are tried first, as far as they fit the space.",
        "",
        "A study file is described in docs/reference/study-file.md and by `norgay schema study`.",
        "",
        "Flags (dashes and underscores are the same):",
    ]
    .map(String::from)
    .into();
    for flag in FLAGS {
        let mut notes = Vec::new();
        match flag.scheduler {
            Some(scheduler) if flag.required => notes.push(format!("required for {scheduler}")),
            _ if flag.required => notes.push("required".to_string()),
            _ => {}
        }
        if !flag.default.is_empty() {
            notes.push(format!("default {}", flag.default));
        }
        let notes = if notes.is_empty() {
            String::new()
        } else {
            format!(" [{}]", notes.join(", "))
        };
        lines.push(format!("  --{}{notes}\n        {}", flag.name, flag.help));
    }
    lines.join("\n")
}
