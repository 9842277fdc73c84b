//! `norgay files`: copies and lists files on this machine and in buckets.

use std::path::Path;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use norgay_engine::files::{Entry, Settings, copy, entries_of};
use serde_json::json;

use crate::exit;
use crate::output::{complain, say, say_json, table};

/// Copy and list files on this machine and in buckets.
#[derive(Subcommand)]
pub enum FilesCommand {
    /// Copy a file or a folder, from and to paths and URLs such as s3://bucket/folder
    Cp(Copy),
    /// List the files in a folder and below
    Ls(List),
}

/// Copy a file or a folder.
///
/// What is in a folder lands in the target. A file lands in the target if that ends in a slash or
/// is a folder of this machine, and becomes it otherwise.
#[derive(Args)]
pub struct Copy {
    /// Path or URL of a file or a folder
    source: String,
    /// Path or URL to copy to
    target: String,
    /// The source is a folder, though there may be a file of that name
    #[arg(short, long)]
    recursive: bool,
    /// Say nothing unless something fails
    #[arg(short, long)]
    quiet: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// List the files in a folder and below.
#[derive(Args)]
pub struct List {
    /// Path or URL of a folder
    location: String,
    /// Show sizes and times, too
    #[arg(short, long)]
    long: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl FilesCommand {
    pub fn run(self) -> Result<u8> {
        match self {
            Self::Cp(command) => command.run(),
            Self::Ls(command) => command.run(),
        }
    }
}

impl Copy {
    fn run(self) -> Result<u8> {
        let show = !(self.quiet || self.json);
        let told = |path: &str| {
            if show {
                complain(path);
            }
        };
        let copied = copy(
            &self.source,
            &self.target,
            &here()?,
            &Settings::from_environment(),
            self.recursive,
            &told,
        )?;
        if self.json {
            say_json(&json!({ "files": copied.files, "bytes": copied.bytes }));
        } else if show {
            let files = if copied.files == 1 { "file" } else { "files" };
            say(&format!(
                "copied {} {files}, {} bytes",
                copied.files, copied.bytes
            ));
        }
        Ok(exit::OK)
    }
}

impl List {
    fn run(self) -> Result<u8> {
        let entries = entries_of(&self.location, &here()?, &Settings::from_environment())?;
        if self.json {
            let listed = entries.iter().map(|entry| {
                json!({
                    "path": entry.path,
                    "bytes": entry.bytes,
                    "modified": entry.modified.to_string(),
                })
            });
            say_json(&listed.collect());
        } else if self.long {
            let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
            say(&table(&["BYTES", "MODIFIED", "PATH"], &rows));
        } else {
            for entry in &entries {
                say(&entry.path);
            }
        }
        Ok(exit::OK)
    }
}

fn row(entry: &Entry) -> Vec<String> {
    vec![
        entry.bytes.to_string(),
        entry.modified.to_string(),
        entry.path.clone(),
    ]
}

fn here() -> Result<std::path::PathBuf> {
    std::path::absolute(Path::new(".")).context("the current folder is gone")
}
