//! `norgay ask`: take a trial to evaluate yourself.

use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use norgay_core::Value;
use norgay_engine::open_study::OpenStudy;
use serde_json::json;

use crate::output::{complain, say, say_json};
use crate::target::{self, StudyArgument};
use crate::{UsageError, exit};

/// Take a trial to evaluate yourself.
#[derive(Args)]
pub struct Ask {
    #[command(flatten)]
    study: StudyArgument,
    /// Seconds of silence after which the trial counts as lost and is handed out again
    #[arg(long, default_value_t = 86_400)]
    lease: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Ask {
    pub fn run(self) -> Result<u8> {
        let mut study = open_or_create(&self.study)?;
        match study.ask(self.lease.saturating_mul(1000))? {
            Some(asked) => {
                let entries = asked.configuration.entries();
                if self.json {
                    let parameters: serde_json::Map<_, _> = entries
                        .iter()
                        .map(|(name, value)| (name.to_string(), value.to_json()))
                        .collect();
                    let (trial, attempt) = (asked.trial, asked.attempt);
                    let view =
                        json!({"trial": trial, "attempt": attempt, "parameters": parameters});
                    say_json(&view);
                } else {
                    say(&format!("trial {}", asked.trial));
                    for (name, value) in entries {
                        say(&format!("{name}={value}"));
                    }
                }
                Ok(exit::OK)
            }
            None => {
                if self.json {
                    say_json(&json!({"trial": null, "status": study.study().status()}));
                } else {
                    complain(&format!(
                        "no trial now: the study is {}",
                        study.study().status()
                    ));
                }
                Ok(exit::NOTHING)
            }
        }
    }
}

/// A study file may name a study that does not exist yet.
fn open_or_create(argument: &StudyArgument) -> Result<OpenStudy> {
    match argument.study.as_deref() {
        Some(file) if target::is_study_file(file) => {
            target::create_or_open(&argument.storage, &target::load(file)?)
        }
        _ => argument.open(),
    }
}

/// Reads `name=value` arguments: a value is a literal where it is one, else text.
pub fn assignments(arguments: &[String]) -> Result<Vec<(Arc<str>, Value)>> {
    let mut entries: Vec<(Arc<str>, Value)> = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let Some((name, text)) = argument.split_once('=') else {
            return Err(UsageError(format!("'{argument}' is not of the form name=value")).into());
        };
        if entries.iter().any(|(known, _)| known.as_ref() == name) {
            return Err(UsageError(format!("'{name}' is given twice")).into());
        }
        entries.push((name.into(), value_of(text)));
    }
    Ok(entries)
}

fn value_of(text: &str) -> Value {
    let float_name = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    if matches!(float_name.as_str(), "nan" | "inf" | "infinity") {
        return text
            .parse()
            .map_or_else(|_| Value::text(text), Value::Float);
    }
    norgay_core::expression::parse_literal(text)
        .map_or_else(|_| Value::text(text), |node| node.value())
}
