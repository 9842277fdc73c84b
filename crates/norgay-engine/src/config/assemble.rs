//! From a draft to a study: joins the fields and checks them against each other.

use std::path::Path;
use std::sync::Arc;

use norgay_core::definition::{
    Budget, Direction, Objective, OutcomeConstraint, RetryPolicy, StudyDefinition, ValueOf,
};
use norgay_core::expression::{Predicate, parse_outcome_constraint};
use norgay_core::trial::FailureCause;

use super::algorithm_check::{algorithm, check_several};
use super::cross_checks::{self, Names};
use super::draft::Draft;
use super::execution_reader::execution;
use super::finding::Findings;
use super::parameter_reader::Form;
use super::source_text::{Base, Origin, Report, shown, unexplained};
use super::space_reader::{PlacedConstraint, WrittenSpace, constraint_subject, written_space};
use super::stopping_rule::stopping_rule;
use super::study_file::StudyConfig;

/// What a draft is read with.
pub(super) struct Context<'a> {
    /// Reads a file that a field names.
    pub read_file: &'a dyn Fn(&str) -> Result<String, String>,
    /// Where relative paths start.
    pub folder: &'a Path,
    /// Name of the study if none is written.
    pub default_name: String,
    /// What missing fields are reported about.
    pub whole: Origin,
    /// What the fields are called.
    pub names: FieldNames,
    /// Retries, if they are not written cause by cause.
    pub retry: Option<RetryPolicy>,
}

/// How the fields are called where the user wrote them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldNames {
    /// As in study files.
    StudyFile,
    /// As the reference's flags; missing ones have been told.
    Flags,
}

/// Joins a draft into a study; all mistakes at once.
pub(super) fn assemble(
    draft: &Draft,
    context: &Context<'_>,
    mut report: Report,
) -> Result<StudyConfig, Findings> {
    let report_ref = &mut report;
    let name = study_name(draft, context, report_ref);
    let written = parameters(draft, context, report_ref);
    let declared = written
        .as_ref()
        .map(WrittenSpace::names)
        .unwrap_or_default();
    let constraints = constraints(draft, report_ref);
    let space = written.and_then(|written| written.finish(constraints, report_ref));
    let (objective, more_objectives) = objectives(draft, context, report_ref);
    let outcome_constraints = outcome_constraints(draft, report_ref);
    let algorithm = algorithm(draft, report_ref);
    check_several(draft, algorithm.as_ref(), more_objectives.len(), report_ref);
    let budget = budget(draft, report_ref);
    let stopping_rule = stopping_rule(draft, report_ref, |message, report| {
        tell_missing(draft, context, "stopping_rule", message, report);
    });
    let retry = context.retry.clone().unwrap_or_else(|| retry(draft));
    let (execution, text) = execution(draft, context, report_ref);
    let built = match (&algorithm, &space) {
        // Whatever is wrong with it is told when the study is made.
        (Some(choice), Some(space)) => norgay_core::algorithms::build(choice, space).ok(),
        _ => None,
    };
    let added = built.map_or(Vec::new(), |algorithm| algorithm.bookkeeping());
    let names = Names {
        declared,
        space: space.as_ref(),
        text: text.as_ref(),
        algorithm: &added,
    };
    cross_checks::check(draft, &execution, &names, objective.as_ref(), report_ref);
    let warnings = report.finish()?;
    let (Some(space), Some(objective), Some(algorithm)) = (space, objective, algorithm) else {
        return Err(unexplained(&context.whole));
    };
    let seed = draft.whole("seed").unwrap_or(0);
    let definition = StudyDefinition {
        space,
        objective,
        more_objectives,
        outcome_constraints,
        algorithm,
        seed,
        budget,
        retry,
        stopping_rule,
    };
    let storage = draft.text("storage");
    Ok(StudyConfig {
        name,
        definition,
        execution,
        storage,
        verbose: true,
        warnings,
    })
}

/// The study's name, which is also a folder's.
fn study_name(draft: &Draft, context: &Context<'_>, report: &mut Report) -> String {
    const MAX_NAME_BYTES: usize = 200;
    let Some(written) = draft.get("name") else {
        return context.default_name.clone();
    };
    let name = written.node.as_text().unwrap_or_default();
    let unusable = name.contains(['/', '\\'])
        || name.chars().any(char::is_control)
        || matches!(name, "." | "..")
        || name.trim() != name
        || name.len() > MAX_NAME_BYTES;
    if unusable {
        let message = format!("'{}' can't be the name of a folder", shown(name));
        written.error(report, message);
    }
    name.to_owned()
}

fn parameters(draft: &Draft, context: &Context<'_>, report: &mut Report) -> Option<WrittenSpace> {
    let Some(written) = draft.get("parameters") else {
        if context.names == FieldNames::StudyFile && !draft.mentions("parameters") {
            report.error(&context.whole, None, "the field 'parameters' is missing");
        }
        return None;
    };
    let Some(text) = written.node.as_text() else {
        let origin = written.origin.about("");
        return Some(WrittenSpace::read(
            std::slice::from_ref(&written.node),
            Form::Norgay,
            &origin,
            report,
        ));
    };
    if !is_file_name(text, &[".json", ".yaml", ".yml", ".txt"]) {
        let inner = written.origin.inner_text(written.node.place);
        return written_space(text, &inner, report);
    }
    match (context.read_file)(text) {
        Ok(content) => written_space(&content, &Origin::new(text, "", Base::Own), report),
        Err(message) => {
            written.error(report, message);
            None
        }
    }
}

/// Whether a text is a file's name and not the content itself.
pub(super) fn is_file_name(text: &str, endings: &[&str]) -> bool {
    let text = text.trim();
    !text.starts_with(['{', '[', '('])
        && !text.contains('\n')
        && endings.iter().any(|ending| text.ends_with(ending))
}

fn constraints(draft: &Draft, report: &mut Report) -> Vec<PlacedConstraint> {
    let mut placed = Vec::new();
    for written in draft.all("constraints") {
        let single = std::slice::from_ref(&written.node);
        for node in written.node.as_items().unwrap_or(single) {
            let text = node.as_text().unwrap_or_default();
            match Predicate::parse(text) {
                Ok(predicate) => placed.push(PlacedConstraint {
                    predicate,
                    origin: written.origin.clone(),
                    place: Some(node.place),
                }),
                Err(error) => {
                    let origin = written.origin.inner_text(node.place);
                    let origin = origin.about(constraint_subject(text));
                    report.error(&origin, Some(error.place), error.problem.to_string());
                }
            }
        }
    }
    placed
}

/// Limits of metrics; each mistake at its place.
fn outcome_constraints(draft: &Draft, report: &mut Report) -> Vec<OutcomeConstraint> {
    let mut constraints: Vec<OutcomeConstraint> = Vec::new();
    for written in draft.all("outcome_constraints") {
        let single = std::slice::from_ref(&written.node);
        for node in written.node.as_items().unwrap_or(single) {
            let text = node.as_text().unwrap_or_default();
            let subject = format!("outcome constraint '{}'", shown(text));
            match parse_outcome_constraint(text) {
                Ok(constraint) if constraints.contains(&constraint) => {
                    let origin = written.origin.about(subject);
                    report.error(&origin, Some(node.place), "it is written twice");
                }
                Ok(constraint) => constraints.push(constraint),
                Err(error) => {
                    let origin = written.origin.inner_text(node.place).about(subject);
                    report.error(&origin, Some(error.place), error.problem.to_string());
                }
            }
        }
    }
    constraints
}

/// The first objective and the others.
fn objectives(
    draft: &Draft,
    context: &Context<'_>,
    report: &mut Report,
) -> (Option<Objective>, Vec<Objective>) {
    let Some(list) = draft.get("objectives") else {
        if draft.mentions("objectives") {
            return (None, Vec::new());
        }
        return (objective(draft, context, report), Vec::new());
    };
    for other in ["objective", "minimize", "maximize"] {
        if draft.mentions(other) || draft.mentions(&format!("{other}.name")) {
            let message = format!("'objectives' and '{other}' exclude each other");
            list.error(report, message);
            return (None, Vec::new());
        }
    }
    let mut objectives: Vec<Objective> = Vec::new();
    for (place, item) in list.node.as_items().unwrap_or_default().iter().enumerate() {
        let path = format!("objectives[{}]", place + 1);
        let name_path = format!("{path}.name");
        let Some(name) = draft.text(&name_path) else {
            if !draft.mentions(&name_path) {
                let origin = list.origin.field(&path);
                report.error(&origin, Some(item.place), "the objective's name is missing");
            }
            continue;
        };
        if objectives.iter().any(|known| *known.name == *name) {
            let origin = list.origin.field(&path);
            let message = format!("there is an objective '{}' already", shown(&name));
            report.error(&origin, Some(item.place), message);
        }
        let direction = draft.text(&format!("{path}.direction"));
        let direction = match direction.as_deref() {
            Some("maximize") => Direction::Maximize,
            _ => Direction::Minimize,
        };
        let (name, value) = (name.into(), ValueOf::Last);
        objectives.push(Objective {
            name,
            direction,
            value,
        });
    }
    if objectives.is_empty() {
        return (None, Vec::new());
    }
    let first = objectives.remove(0);
    (Some(first), objectives)
}

fn objective(draft: &Draft, context: &Context<'_>, report: &mut Report) -> Option<Objective> {
    let ways: Vec<&str> = ["objective", "minimize", "maximize"]
        .into_iter()
        .filter(|way| draft.mentions(way) || draft.mentions(&format!("{way}.name")))
        .collect();
    if let [first, second, ..] = ways[..] {
        let path = if second == "objective" { first } else { second };
        let message = format!("'{first}' and '{second}' exclude each other");
        match draft.get(path) {
            Some(written) => written.error(report, message),
            None => report.error(&context.whole, None, message),
        }
        return None;
    }
    let Some(way) = ways.first() else {
        if context.names == FieldNames::StudyFile {
            let message = "the objective is missing; write minimize: or maximize: and a metric";
            report.error(&context.whole, None, message);
        }
        return None;
    };
    let path = if *way == "objective" {
        "objective.name"
    } else {
        way
    };
    if *way == "objective" && !draft.mentions(path) {
        let message = "the objective's name is missing";
        tell_missing(draft, context, "objective", message, report);
    }
    let name: Arc<str> = draft.text(path)?.into();
    let maximize =
        *way == "maximize" || draft.text("objective.direction").as_deref() == Some("maximize");
    let direction = if maximize {
        Direction::Maximize
    } else {
        Direction::Minimize
    };
    let last = draft.text("objective.value").as_deref() == Some("last");
    let value = if last { ValueOf::Last } else { ValueOf::Best };
    Some(Objective {
        name,
        direction,
        value,
    })
}

fn budget(draft: &Draft, report: &mut Report) -> Budget {
    if let (Some(0), Some(written)) = (
        draft.milliseconds("budget.wall_time"),
        draft.get("budget.wall_time"),
    ) {
        written.error(report, "must be more than no time at all");
    }
    let in_a_row = draft.whole("budget.max_failed_in_a_row");
    let patience = draft.whole("budget.patience");
    let min_improvement = draft.number("budget.min_improvement");
    if let (Some(least), Some(written)) = (min_improvement, draft.get("budget.min_improvement")) {
        if least < 0.0 {
            written.error(report, "must not be below 0");
        } else if least > 0.0 && patience.is_none() {
            written.error(report, "has no effect without patience, a number of trials");
        }
    }
    Budget {
        trials: draft.whole("budget.trials"),
        wall_time_ms: draft.milliseconds("budget.wall_time"),
        target: draft.number("budget.target"),
        max_failed: draft.whole("budget.max_failed"),
        max_failed_in_a_row: in_a_row.unwrap_or(Budget::DEFAULT_FAILED_IN_A_ROW),
        patience,
        min_improvement: min_improvement.unwrap_or(0.0),
    }
}

fn retry(draft: &Draft) -> RetryPolicy {
    let mut policy = RetryPolicy::default();
    for cause in FailureCause::ALL {
        let Some(retries) = draft.whole(&format!("retry.{}", cause.name())) else {
            continue;
        };
        // No retry is what holds for causes that the policy does not list.
        if retries > 0 || policy.retries.contains_key(&cause) {
            policy
                .retries
                .insert(cause, u32::try_from(retries).unwrap_or(u32::MAX));
        }
    }
    policy
}

/// Tells that something is missing in a map, at the map's place.
fn tell_missing(
    draft: &Draft,
    context: &Context<'_>,
    path: &str,
    message: &str,
    report: &mut Report,
) {
    match draft.get(path) {
        Some(written) => written.error(report, message),
        None => report.error(&context.whole, None, message),
    }
}
