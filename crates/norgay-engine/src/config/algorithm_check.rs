//! Whether there is an algorithm of a name, and what it is called here.

use std::collections::HashSet;

use norgay_core::Value;
use norgay_core::algorithms::{self, ALGORITHMS, REQUIRED};
use norgay_core::definition::AlgorithmChoice;

use super::draft::{Draft, Written};
use super::source_text::{Report, did_you_mean, shown};

/// The algorithm of a draft; `auto` if none is named.
pub(super) fn algorithm(draft: &Draft, report: &mut Report) -> Option<AlgorithmChoice> {
    let arguments = arguments(draft, report);
    let Some(written) = draft.get("algorithm.name") else {
        let name = "auto".to_owned();
        let absent = !draft.mentions("algorithm.name");
        return (absent && arguments.is_some()).then(|| AlgorithmChoice {
            name,
            arguments: arguments.unwrap_or_default(),
        });
    };
    let given = written.node.as_text().unwrap_or_default();
    let Some(known) = algorithms::find(given) else {
        unknown(given, written, report);
        return None;
    };
    let arguments = arguments?;
    let missing = |needed: &&str| !arguments.iter().any(|(name, _)| name == *needed);
    let needs = known
        .arguments
        .iter()
        .filter(|argument| argument.default == REQUIRED);
    for needed in needs.map(|argument| argument.name).filter(missing) {
        let message = format!("{given} needs the argument '{needed}'");
        draft
            .get("algorithm.arguments")
            .unwrap_or(written)
            .error(report, message);
    }
    Some(AlgorithmChoice {
        name: known.name.to_owned(),
        arguments,
    })
}

/// Tells if an algorithm is for one objective only, and there are more.
pub(super) fn check_several(
    draft: &Draft,
    algorithm: Option<&AlgorithmChoice>,
    more_objectives: usize,
    report: &mut Report,
) {
    let Some(algorithm) = algorithm.filter(|_| more_objectives > 0) else {
        return;
    };
    if let (Err(error), Some(written)) = (
        algorithms::check_objectives(algorithm, 1 + more_objectives),
        draft.get("algorithm.name"),
    ) {
        written.error(report, error.to_string());
    }
}

fn unknown(given: &str, written: &Written, report: &mut Report) {
    let names = ALGORITHMS
        .iter()
        .flat_map(|known| std::iter::once(known.name).chain(known.aliases.iter().copied()));
    let hint = did_you_mean(given, names);
    let listed: Vec<&str> = ALGORITHMS.iter().map(|known| known.name).collect();
    let message = format!(
        "there is no algorithm '{}'{hint}; there are {}",
        shown(given),
        listed.join(", ")
    )
    .replace("?;", "?");
    written.error(report, message.replace("? there are", "? There are"));
}

fn arguments(draft: &Draft, report: &mut Report) -> Option<Vec<(String, Value)>> {
    let Some(written) = draft.get("algorithm.arguments") else {
        return (!draft.mentions("algorithm.arguments")).then(Vec::new);
    };
    let mut arguments: Vec<(String, Value)> = Vec::new();
    let mut seen = HashSet::new();
    let mut sound = true;
    for (key, value) in written.node.as_entries().unwrap_or_default() {
        let name = key.as_text().unwrap_or_default();
        let problem = if name.is_empty() {
            "an argument's name must be text".to_owned()
        } else if !seen.insert(name) {
            format!("the argument '{}' is written twice", shown(name))
        } else {
            arguments.push((name.to_owned(), value.value()));
            continue;
        };
        report.error(&written.origin, Some(key.place), problem);
        sound = false;
    }
    sound.then_some(arguments)
}
