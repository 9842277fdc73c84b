//! `norgay explain`: why a trial was tried, and what came of it.

use anyhow::Result;
use clap::Args;
use norgay_core::analysis::{Expectation, Explanation, Neighbour, Standing, explain};
use serde_json::json;

use crate::exit;
use crate::output::{say, say_json};
use crate::progress::shown;
use crate::target::StudyArgument;

/// Explain why a trial was tried, and what came of it.
#[derive(Args)]
pub struct Explain {
    /// Number of the trial
    trial: u64,
    #[command(flatten)]
    study: StudyArgument,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub fn run(self) -> Result<u8> {
        let open = self.study.open()?;
        let definition = open.study().definition();
        let trial = open.trial(self.trial)?;
        let lower_is_better = definition.objective.direction.lower_is_better();
        let found = explain(
            &definition.space,
            open.study().trials(),
            self.trial,
            lower_is_better,
        )?;
        if self.json {
            say_json(&as_json(&found));
            return Ok(exit::OK);
        }
        let objective = &definition.objective.name;
        let mut lines = vec![
            format!("trial {}: {}", found.number, trial.state.name()),
            format!("  why    {}", found.reason),
        ];
        lines.extend(found.standings.iter().map(standing_line));
        lines.extend(result_lines(&found, objective, lower_is_better));
        lines.extend(neighbour_lines(&found.neighbours));
        say(&lines.join("\n"));
        Ok(exit::OK)
    }
}

fn standing_line(standing: &Standing) -> String {
    let Standing {
        name,
        value,
        active,
        ..
    } = standing;
    let place = match (standing.place, standing.smaller) {
        (Some(place), Some(smaller)) => format!(
            "{:.0}% into its range, above {smaller} of {active} trials",
            100.0 * place
        ),
        _ => format!("as in {} of {active} trials", standing.same + 1),
    };
    format!("  {name} = {value}  ({place})")
}

fn result_lines(found: &Explanation, objective: &str, lower_is_better: bool) -> Vec<String> {
    let mut lines = Vec::new();
    match found.expectation {
        None => lines.push("  expected  nothing: too few trials had ended before it".to_string()),
        Some(expected) => lines.push(format!(
            "  expected  {objective} {} +- {} (a forest of the {} trials that had ended before)",
            shown(Some(expected.mean)),
            shown(Some(expected.deviation)),
            expected.values
        )),
    }
    let Some(value) = found.value else {
        lines.push("  came      no value yet, or none at all".to_string());
        return lines;
    };
    let rank = found.rank.map_or(String::new(), |(rank, of)| {
        format!(", number {rank} of {of}")
    });
    let compared = found.expectation.map_or(String::new(), |e| {
        format!(", {}", surprise(e, value, lower_is_better))
    });
    lines.push(format!(
        "  came      {objective} {}{rank}{compared}",
        shown(Some(value))
    ));
    if let Some(best) = found.best_before {
        let better = if lower_is_better {
            value < best
        } else {
            value > best
        };
        let words = if better {
            "improved on"
        } else {
            "did not reach"
        };
        lines.push(format!(
            "            it {words} the best value before it, {}",
            shown(Some(best))
        ));
    }
    lines
}

/// How a value compares with what was expected.
fn surprise(expected: Expectation, value: f64, lower_is_better: bool) -> String {
    let difference = value - expected.mean;
    if difference.abs() <= expected.deviation {
        return "about as expected".to_string();
    }
    let side = if (difference < 0.0) == lower_is_better {
        "better"
    } else {
        "worse"
    };
    if expected.deviation > 0.0 {
        let times = difference.abs() / expected.deviation;
        format!("{side} than expected by {times:.1} standard deviations")
    } else {
        format!("{side} than expected")
    }
}

fn neighbour_lines(neighbours: &[Neighbour]) -> Vec<String> {
    let word = |value: Option<&norgay_core::Value>| {
        value.map_or("inactive".to_string(), ToString::to_string)
    };
    let line = |neighbour: &Neighbour| {
        let differences: Vec<String> = neighbour
            .differences
            .iter()
            .map(|(name, there, here)| {
                format!(
                    "{name} {} there, {} here",
                    word(there.as_ref()),
                    word(here.as_ref())
                )
            })
            .collect();
        let differences = if differences.is_empty() {
            "the same configuration".to_string()
        } else {
            differences.join("; ")
        };
        format!(
            "    trial {} ({}): {differences}",
            neighbour.number,
            neighbour
                .value
                .map_or("no value".to_string(), |v| shown(Some(v)))
        )
    };
    if neighbours.is_empty() {
        return Vec::new();
    }
    let heading = "  most similar trials before it".to_string();
    std::iter::once(heading)
        .chain(neighbours.iter().map(line))
        .collect()
}

fn as_json(found: &Explanation) -> serde_json::Value {
    let standings = found.standings.iter().map(|standing| {
        json!({
            "parameter": standing.name,
            "value": standing.value.to_json(),
            "place": standing.place,
            "trials_with_it": standing.active,
            "smaller": standing.smaller,
            "others_with_the_same": standing.same,
        })
    });
    let neighbours = found.neighbours.iter().map(|neighbour| {
        let differences = neighbour.differences.iter().map(|(name, there, here)| {
            let (there, here) = (there.as_ref(), here.as_ref());
            json!({
                "parameter": name,
                "there": there.map(norgay_core::Value::to_json),
                "here": here.map(norgay_core::Value::to_json),
            })
        });
        json!({
            "trial": neighbour.number,
            "value": neighbour.value,
            "differences": differences.collect::<Vec<_>>(),
        })
    });
    json!({
        "trial": found.number,
        "reason": found.reason,
        "parameters": standings.collect::<Vec<_>>(),
        "expected": found.expectation.map(|expected| json!({
            "mean": expected.mean,
            "deviation": expected.deviation,
            "trials": expected.values,
        })),
        "value": found.value,
        "rank": found.rank.map(|(rank, of)| json!({"rank": rank, "of": of})),
        "best_before": found.best_before,
        "similar": neighbours.collect::<Vec<_>>(),
    })
}
