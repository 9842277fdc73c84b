//! `norgay importance`: which parameters matter.

use anyhow::Result;
use clap::{Args, ValueEnum};
use norgay_core::Space;
use norgay_core::analysis::{AnalysisError, Evidence, Importance, Method, importance};
use serde_json::json;

use crate::exit;
use crate::output::{complain, say, say_json, table};
use crate::progress::shown;
use crate::target::{self, StorageArgument};

/// Pairs of parameters that are shown at most, and the least of them worth a line.
const PAIRS: usize = 5;
const LEAST_PAIR: f64 = 0.005;

/// How importance is measured.
#[derive(Clone, Copy, ValueEnum)]
enum MethodArgument {
    /// Share of the variance over the space that each parameter, and each pair, explains
    Fanova,
    /// How far the best tenth of the trials keeps to a part of each parameter's range
    PedAnova,
    /// How much worse the values are predicted when a parameter's values are shuffled
    Permutation,
}

impl From<MethodArgument> for Method {
    fn from(argument: MethodArgument) -> Self {
        match argument {
            MethodArgument::Fanova => Self::Fanova,
            MethodArgument::PedAnova => Self::PedAnova,
            MethodArgument::Permutation => Self::Permutation,
        }
    }
}

/// Show which parameters matter.
#[derive(Args)]
pub struct ImportanceCommand {
    /// Name of the study or its study file; may be left out if there is just one
    study: Option<String>,
    #[command(flatten)]
    storage: StorageArgument,
    /// How importance is measured
    #[arg(long, value_enum, default_value = "fanova")]
    method: MethodArgument,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ImportanceCommand {
    pub fn run(self) -> Result<u8> {
        let open = target::open(self.study.as_deref(), &self.storage)?;
        let definition = open.study().definition();
        let lower_is_better = definition.objective.direction.lower_is_better();
        let space = &definition.space;
        let evidence = Evidence::of(space, open.study().trials(), 0, lower_is_better);
        let method = Method::from(self.method);
        let found = match importance(&evidence, method) {
            Ok(found) => found,
            Err(error @ AnalysisError::TooFew { .. }) => {
                complain(&format!("study {}: {error}", open.name()));
                return Ok(exit::NO_FEASIBLE_TRIAL);
            }
            Err(error) => return Err(error.into()),
        };
        if self.json {
            say_json(&as_json(space, &evidence, method, &found));
            return Ok(exit::OK);
        }
        let objective = &definition.objective.name;
        say(&in_words(space, &evidence, method, &found, objective));
        Ok(exit::OK)
    }
}

fn names(space: &Space, importance: &Importance) -> Vec<String> {
    let positions = importance.parameters.iter();
    positions
        .map(|position| space.parameters()[*position].name.to_string())
        .collect()
}

fn as_json(
    space: &Space,
    evidence: &Evidence<'_>,
    method: Method,
    found: &[Importance],
) -> serde_json::Value {
    let listed = found.iter().map(|importance| {
        json!({
            "parameters": names(space, importance),
            "importance": importance.value,
            "deviation": importance.deviation,
            "active_share": importance.active_share,
        })
    });
    json!({
        "method": method.name(),
        "trials": evidence.len(),
        "importances": listed.collect::<Vec<_>>(),
    })
}

fn in_words(
    space: &Space,
    evidence: &Evidence<'_>,
    method: Method,
    found: &[Importance],
    objective: &str,
) -> String {
    let what = match method {
        Method::Fanova => "share of the variance that each explains",
        Method::PedAnova => "how far the best tenth of the trials differs from all",
        Method::Permutation => "growth of the error when its values are shuffled",
    };
    let heading = format!(
        "importance for {objective} by {} ({what}), from {} trials",
        method.name(),
        evidence.len()
    );
    let single = found.iter().filter(|i| i.parameters.len() == 1);
    let pairs = found
        .iter()
        .filter(|i| i.parameters.len() == 2 && i.value >= LEAST_PAIR)
        .take(PAIRS);
    let rows: Vec<Vec<String>> = single
        .chain(pairs)
        .map(|importance| row(space, method, importance))
        .collect();
    let mut lines = vec![
        heading,
        table(&["PARAMETER", "IMPORTANCE", "+-", "ACTIVE"], &rows),
    ];
    if found.iter().any(|i| i.active_share < 1.0) {
        let words = "A parameter that is not always active is judged where it is; ACTIVE says how \
                     much that is.";
        lines.push(words.to_string());
    }
    lines.join("\n")
}

fn row(space: &Space, method: Method, importance: &Importance) -> Vec<String> {
    let number = |value: f64| match method {
        Method::Fanova => format!("{:.1}%", 100.0 * value),
        Method::PedAnova | Method::Permutation => shown(Some(value)),
    };
    let deviation = match method {
        Method::PedAnova => "-".to_string(),
        _ => number(importance.deviation),
    };
    vec![
        names(space, importance).join(" x "),
        number(importance.value),
        deviation,
        format!("{:.0}%", 100.0 * importance.active_share),
    ]
}
