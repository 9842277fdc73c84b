//! The command line: one file a command.

mod ask;
mod best;
mod completions;
mod doctor;
mod explain;
mod files;
mod importance;
mod report;
mod run;
mod schema;
mod study;
mod tell;
mod trial;

use std::ffi::OsString;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Hyperparameter optimization for anything that can be run.
#[derive(Parser)]
#[command(name = "norgay", version, about, max_term_width = 100)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a study, or go on with it where it stopped
    Run(run::Run),
    /// List, show and steer studies
    #[command(subcommand)]
    Study(study::StudyCommand),
    /// List, show and steer trials
    #[command(subcommand)]
    Trial(trial::TrialCommand),
    /// Show the best trial of a study
    Best(best::Best),
    /// Show which parameters matter
    Importance(importance::ImportanceCommand),
    /// Explain why a trial was tried, and what came of it
    Explain(explain::Explain),
    /// Take a trial to evaluate yourself
    Ask(ask::Ask),
    /// Tell the result of a trial taken with ask
    Tell(tell::Tell),
    /// Report metrics of a running trial
    Report(report::Report),
    /// Copy and list files on this machine and in buckets
    #[command(subcommand)]
    Files(files::FilesCommand),
    /// Print a JSON Schema
    Schema(schema::Schema),
    /// Check the surroundings and, if given, a study file
    Doctor(doctor::Doctor),
    /// Print shell completions
    Completions(completions::Completions),
}

impl CommandLine {
    /// Reads the command line; ends the program if it is wrong, or asks for help.
    pub fn read(arguments: Vec<OsString>) -> Self {
        Self::parse_from(tell::without_exponents(arguments))
    }

    /// Carries the command out; the number is the exit code.
    pub fn run(self) -> Result<u8> {
        match self.command {
            Command::Run(command) => command.run(),
            Command::Study(command) => command.run(),
            Command::Trial(command) => command.run(),
            Command::Best(command) => command.run(),
            Command::Importance(command) => command.run(),
            Command::Explain(command) => command.run(),
            Command::Ask(command) => command.run(),
            Command::Tell(command) => command.run(),
            Command::Report(command) => command.run(),
            Command::Files(command) => command.run(),
            Command::Schema(command) => command.run(),
            Command::Doctor(command) => command.run(),
            Command::Completions(command) => command.run(),
        }
    }
}
