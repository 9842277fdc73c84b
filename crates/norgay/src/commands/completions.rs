//! `norgay completions`: completions for a shell.

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::exit;
use crate::output::say_bytes;

/// Print shell completions.
#[derive(Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> Result<u8> {
        let mut text = Vec::new();
        let mut command = super::CommandLine::command();
        clap_complete::generate(self.shell, &mut command, "norgay", &mut text);
        say_bytes(&text);
        Ok(exit::OK)
    }
}
