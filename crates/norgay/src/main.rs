//! `norgay`: hyperparameter optimization for anything that can be run.

mod cluster;
mod commands;
mod output;
mod progress;
mod signals;
mod target;

use std::process::ExitCode;

/// How the program ends, as docs/guide/command-line.md lists it.
pub mod exit {
    /// Done: the budget or target is reached.
    pub const OK: u8 = 0;
    /// Something failed.
    pub const ERROR: u8 = 1;
    /// The command line, or a file that it names, is wrong.
    pub const USAGE: u8 = 2;
    /// Too many trials failed.
    pub const TOO_MANY_FAILED: u8 = 3;
    /// No trial has a value.
    pub const NO_FEASIBLE_TRIAL: u8 = 4;
    /// Nothing to hand out now (`norgay ask`), or the trial should stop (`norgay report`).
    pub const NOTHING: u8 = 5;
    /// Stopped by the user; the study can go on.
    pub const INTERRUPTED: u8 = 130;
}

/// What the user wrote is wrong; told as it is, with exit code 2.
#[derive(Debug)]
pub struct UsageError(pub String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    // The supervisor of every trial starts here: before the command line is looked at.
    if let [_, word, folder] = arguments.as_slice()
        && word == "supervise"
    {
        let code = norgay_engine::scheduler::local::supervise(std::path::Path::new(folder));
        return ExitCode::from(u8::try_from(code).unwrap_or(exit::ERROR));
    }
    match commands::CommandLine::read(arguments).run() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::complain(&format!("error: {error:#}"));
            let usage = error.is::<UsageError>();
            ExitCode::from(if usage { exit::USAGE } else { exit::ERROR })
        }
    }
}
