//! How trials are run, from a draft.

use std::collections::BTreeMap;
use std::path::PathBuf;

use norgay_core::expression::{ParameterText, parse_parameter_text};
use norgay_core::{Node, NodeKind};

use super::argo_reader::{argo_settings, scheduler_kind};
use super::assemble::{Context, FieldNames, is_file_name};
use super::draft::Draft;
use super::execution::{Execution, ParameterFormat, StorageStrategy, WorkingFolder};
use super::source_text::{Base, Origin, Report};

/// A parameter text that could be parsed, and where its places are.
pub(super) struct ReadText {
    pub text: ParameterText,
    pub origin: Origin,
}

/// How trials are run, and the parameter text in parsed form.
pub(super) fn execution(
    draft: &Draft,
    context: &Context<'_>,
    report: &mut Report,
) -> (Execution, Option<ReadText>) {
    let default = Execution::default();
    let (parameter_text, text) = parameter_text(draft, context, report).unzip();
    let scheduler = scheduler_kind(draft);
    let execution = Execution {
        scheduler,
        argo: argo_settings(draft, context, scheduler, report),
        command: command(draft, report),
        max_concurrent: draft
            .whole("max_concurrent")
            .and_then(|most| usize::try_from(most).ok())
            .unwrap_or(default.max_concurrent),
        parameter_text,
        parameter_format: match draft.text("parameter_format").as_deref() {
            Some("json") => ParameterFormat::Json,
            _ => ParameterFormat::Python,
        },
        input_path: draft.text("input_path"),
        output_path: draft.text("output_path").unwrap_or(default.output_path),
        metrics_file: draft.text("metrics_file"),
        stdout_pattern: draft.text("stdout_pattern"),
        resources: resources(draft),
        time_limit_ms: above_zero(
            draft,
            "limits.time",
            draft.milliseconds("limits.time"),
            report,
        ),
        memory_limit_bytes: above_zero(
            draft,
            "limits.memory",
            draft.bytes("limits.memory"),
            report,
        ),
        grace_ms: draft
            .milliseconds("limits.grace")
            .unwrap_or(default.grace_ms),
        environment: environment(draft),
        working_folder: match draft.text("working_folder").as_deref() {
            None | Some("trial") => WorkingFolder::Trial,
            Some("study") => WorkingFolder::Study,
            Some(path) => WorkingFolder::Path(PathBuf::from(path)),
        },
        storage_strategy: match draft.text("storage_strategy").as_deref() {
            Some("delete") => StorageStrategy::Delete,
            Some("best") => StorageStrategy::Best,
            Some("continue") => StorageStrategy::Continue,
            _ => StorageStrategy::Keep,
        },
        keep_failed: draft.flag("keep_failed").unwrap_or(default.keep_failed),
        typed_best_result: draft
            .flag("typed_best_result")
            .unwrap_or(default.typed_best_result),
        library_file_names: draft
            .flag("library_file_names")
            .unwrap_or(default.library_file_names),
        study_folder: context.folder.to_path_buf(),
    };
    (execution, text.flatten())
}

fn above_zero(draft: &Draft, path: &str, value: Option<u64>, report: &mut Report) -> Option<u64> {
    if let (Some(0), Some(written)) = (value, draft.get(path)) {
        written.error(report, "must be above 0");
    }
    value
}

/// Text and whole numbers as texts.
fn words(items: &[Node]) -> Vec<String> {
    items.iter().map(|item| item.value().to_string()).collect()
}

fn command(draft: &Draft, report: &mut Report) -> Vec<String> {
    let Some(written) = draft.get("command") else {
        return Vec::new();
    };
    let Some(text) = written.node.as_text() else {
        return words(written.node.as_items().unwrap_or_default());
    };
    match shlex::split(text) {
        Some(command) if !command.is_empty() => command,
        Some(_) => {
            written.error(report, "the command is only a comment");
            Vec::new()
        }
        None => {
            written.error(
                report,
                "the command has a quote that is not closed, or ends in a backslash",
            );
            Vec::new()
        }
    }
}

fn resources(draft: &Draft) -> Option<Vec<String>> {
    draft
        .get("resources")
        .and_then(|written| written.node.as_items())
        .map(words)
}

fn environment(draft: &Draft) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    for written in draft.all("environment") {
        if let NodeKind::Dict(entries) = &written.node.kind {
            for (name, value) in entries {
                environment.insert(name.value().to_string(), value.value().to_string());
            }
        }
    }
    environment
}

/// The parameter text, from the file that holds it if it is one's name.
fn parameter_text(
    draft: &Draft,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<(String, Option<ReadText>)> {
    let written = draft.get("parameter_text")?;
    let text = written.node.as_text()?;
    let (text, origin) = if is_file_name(text, &[".txt"]) {
        let path = match context.names {
            FieldNames::StudyFile => text.to_owned(),
            FieldNames::Flags => in_input_folder(draft, text)?,
        };
        match (context.read_file)(&path) {
            Ok(content) => (content, Origin::new(&path, "", Base::Own)),
            Err(message) => {
                written.error(report, message);
                return None;
            }
        }
    } else {
        (
            text.to_owned(),
            written.origin.inner_text(written.node.place),
        )
    };
    match parse_parameter_text(&text) {
        Ok(parsed) => Some((
            text,
            Some(ReadText {
                text: parsed,
                origin,
            }),
        )),
        Err(error) => {
            report.error(&origin, Some(error.place), error.problem.to_string());
            None
        }
    }
}

/// The reference reads the file from the input folder (CS-113: a local one, too).
fn in_input_folder(draft: &Draft, file: &str) -> Option<String> {
    let input = draft.text("input_path")?;
    let local = local_path(&input).map(|folder| folder.join(file));
    Some(match local {
        Some(path) => path.to_string_lossy().into_owned(),
        None => format!("{}/{file}", input.trim_end_matches('/')),
    })
}

/// The path of a local folder: a plain path or a `file://` URL.
fn local_path(text: &str) -> Option<PathBuf> {
    if !text.contains("://") {
        return Some(PathBuf::from(text));
    }
    let url = url::Url::parse(text).ok()?;
    (url.scheme() == "file")
        .then(|| url.to_file_path().ok())
        .flatten()
}
