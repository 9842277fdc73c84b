//! `norgay schema`: the JSON Schemas of what users write.

use anyhow::Result;
use clap::{Args, ValueEnum};
use norgay_engine::config::{space_schema, study_schema};

use crate::exit;
use crate::output::say_json;

/// Print a JSON Schema.
#[derive(Args)]
pub struct Schema {
    /// Of which file
    #[arg(value_enum, default_value = "study")]
    of: Subject,
}

#[derive(Clone, Copy, ValueEnum)]
enum Subject {
    /// A study file
    Study,
    /// A search space
    Space,
}

impl Schema {
    pub fn run(self) -> Result<u8> {
        say_json(&match self.of {
            Subject::Study => study_schema(),
            Subject::Space => space_schema(),
        });
        Ok(exit::OK)
    }
}
