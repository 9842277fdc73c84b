//! Checks of one field against others: placeholders, the pattern, the parameter text.

use norgay_core::definition::Objective;
use norgay_core::{Node, NodeKind, Space, Value};

use super::draft::{Draft, Written};
use super::execution::Execution;
use super::execution_reader::ReadText;
use super::placeholder::{PLACEHOLDERS, Template};
use super::source_text::{Report, did_you_mean, shown};
use super::trial_parameters::{check_with_dummy_trial, keys_of_text};

/// What fields may refer to.
pub(super) struct Names<'a> {
    /// Names of all parameters that were written, those with mistakes too.
    pub declared: Vec<String>,
    /// The space, if it has no mistakes.
    pub space: Option<&'a Space>,
    /// The parameter text, if there is one without mistakes.
    pub text: Option<&'a ReadText>,
    /// What the algorithm adds to each trial's configuration.
    pub algorithm: &'a [(&'static str, Value)],
}

/// Tells what does not fit together.
pub(super) fn check(
    draft: &Draft,
    execution: &Execution,
    names: &Names<'_>,
    objective: Option<&Objective>,
    report: &mut Report,
) {
    check_pattern(draft, objective, report);
    check_no_way_to_measure(draft, execution, report);
    let text_is_sound = check_text(draft, names, report);
    if !text_is_sound || names.declared.is_empty() {
        // The names that placeholders may use are not known.
        return;
    }
    let known = known_names(names);
    if let Some(written) = draft.get("command") {
        let pieces = match &written.node.kind {
            NodeKind::List(items) => items.iter().collect(),
            _ => vec![&written.node],
        };
        for piece in pieces {
            check_template(piece, written, &known, report);
        }
    }
    for written in draft.all("environment") {
        for (_, value) in written.node.as_entries().unwrap_or_default() {
            check_template(value, written, &known, report);
        }
    }
    warn_of_hidden_parameters(draft, names, report);
    warn_of_two_resources(draft, names, report);
}

fn known_names(names: &Names<'_>) -> Vec<String> {
    let mut known = names.declared.clone();
    if let (Some(space), Some(read)) = (names.space, names.text) {
        known.extend(keys_of_text(space, names.algorithm, &read.text));
    }
    known.extend(names.algorithm.iter().map(|(name, _)| (*name).to_owned()));
    known.extend(PLACEHOLDERS.iter().map(|(name, _)| (*name).to_owned()));
    known
}

fn check_template(node: &Node, written: &Written, known: &[String], report: &mut Report) {
    let template = Template::parse(node.as_text().unwrap_or_default());
    let mut told: Vec<&str> = Vec::new();
    for name in template.names() {
        if known.iter().any(|known| known == name) || told.contains(&name) {
            continue;
        }
        told.push(name);
        let hint = match did_you_mean(name, known.iter().map(String::as_str)) {
            hint if hint.is_empty() => format!("; known are {}", known.join(", ")),
            hint => hint,
        };
        let message = format!(
            "the placeholder {{{}}} names nothing that a trial has{hint} \
             (write {{{{{0}}}}} for the text itself)",
            shown(name)
        );
        report.error(&written.origin, Some(node.place), message);
    }
}

/// A parameter called like a placeholder of the engine's can't be reached by its name.
fn warn_of_hidden_parameters(draft: &Draft, names: &Names<'_>, report: &mut Report) {
    let Some(written) = draft.get("parameters") else {
        return;
    };
    for (name, meaning) in PLACEHOLDERS {
        if names.declared.iter().any(|declared| declared == name) {
            let origin = written.origin.about(format!("parameter '{name}'"));
            let message = format!("in commands {{{name}}} is not this parameter, but: {meaning}");
            report.warn(&origin, Some(written.node.place), message);
        }
    }
}

/// `{resource}` is a slot or what the algorithm grants a trial; it can't be both.
fn warn_of_two_resources(draft: &Draft, names: &Names<'_>, report: &mut Report) {
    let grants = names.algorithm.iter().any(|(name, _)| *name == "resource");
    if let (true, Some(written)) = (grants, draft.get("resources")) {
        let message = "in commands {resource} is the slot; what the algorithm grants a trial \
                       stands in its parameters under 'resource'";
        report.warn(&written.origin, Some(written.node.place), message);
    }
}

fn check_pattern(draft: &Draft, objective: Option<&Objective>, report: &mut Report) {
    let Some(written) = draft.get("stdout_pattern") else {
        return;
    };
    let pattern = written.node.as_text().unwrap_or_default();
    let regex = match regex_lite::Regex::new(pattern) {
        Ok(regex) => regex,
        Err(error) => {
            written.error(report, format!("this is no regular expression: {error}"));
            return;
        }
    };
    let Some(objective) = objective else { return };
    if !regex
        .capture_names()
        .flatten()
        .any(|name| name == objective.name.as_ref())
    {
        let message = format!(
            "no group has the objective's name; write (?P<{}>...) around its number",
            shown(&objective.name)
        );
        written.error(report, message);
    }
}

/// A program that is started needs a way to give its result back.
fn check_no_way_to_measure(draft: &Draft, execution: &Execution, report: &mut Report) {
    let mentioned = draft.mentions("metrics_file") || draft.mentions("stdout_pattern");
    if let Some(written) = draft.get("command")
        && !execution.command.is_empty()
        && !mentioned
    {
        let message = "neither metrics_file nor stdout_pattern is given, so the program has to \
                       report its metrics itself";
        report.warn(&written.origin, Some(written.node.place), message);
    }
}

/// Evaluates the parameter text for made-up trials; whether it is sound or absent.
fn check_text(draft: &Draft, names: &Names<'_>, report: &mut Report) -> bool {
    let Some(read) = names.text else {
        return !draft.mentions("parameter_text");
    };
    let Some(space) = names.space else {
        return false;
    };
    match check_with_dummy_trial(space, names.algorithm, &read.text) {
        Ok(()) => true,
        Err(error) => {
            report.error(&read.origin, Some(error.place), error.problem.to_string());
            false
        }
    }
}
