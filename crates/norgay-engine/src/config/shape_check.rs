//! Whether a value has the shape of its field; if not, what was expected and what was found.

use std::collections::HashSet;

use norgay_core::{Node, NodeKind, Value};

use super::quantity::{bytes, milliseconds};
use super::shape::{Shape, either};
use super::source_text::{Origin, Report, did_you_mean, in_words, shown};

/// Checks a value whose shape is not a map of fields; tells what is wrong.
pub(super) fn check(node: &Node, shape: Shape, origin: &Origin, report: &mut Report) -> bool {
    let sound = match shape {
        Shape::OneOf { words, later } => return check_word(node, words, later, origin, report),
        Shape::Whole(least) => return check_whole(node, least, origin, report),
        Shape::Slots => return check_slots(node, origin, report),
        Shape::Variables => return check_variables(node, origin, report),
        Shape::Command => is_command(node),
        Shape::Texts => match &node.kind {
            NodeKind::List(items) => items.iter().all(|item| item.as_text().is_some()),
            _ => node.as_text().is_some(),
        },
        Shape::List => matches!(node.kind, NodeKind::List(_)),
        Shape::Text => node.as_text().is_some_and(|text| !text.is_empty()),
        Shape::Flag => matches!(node.kind, NodeKind::Scalar(Value::Bool(_))),
        Shape::Number => number(node).is_some_and(f64::is_finite),
        Shape::Duration => scalar(node).and_then(milliseconds).is_some(),
        Shape::Size => scalar(node).and_then(bytes).is_some(),
        Shape::Space => node.as_text().is_some() || !matches!(node.kind, NodeKind::Scalar(_)),
        Shape::Any
        | Shape::Fields(_)
        | Shape::NamesOr(_)
        | Shape::NameOr(_)
        | Shape::Algorithm
        | Shape::Conditions => true,
    };
    if !sound {
        mismatch(node, shape, origin, report);
    }
    sound
}

/// Tells what was expected and what was found.
pub(super) fn mismatch(node: &Node, shape: Shape, origin: &Origin, report: &mut Report) {
    let takes_text = matches!(
        shape,
        Shape::Text | Shape::Texts | Shape::Command | Shape::Variables | Shape::Slots
    );
    let fits = |item: &Node| match shape {
        Shape::Command | Shape::Slots => is_word(item),
        _ => item.as_text().is_some(),
    };
    let culprit = match &node.kind {
        NodeKind::List(items) => items.iter().find(|item| !fits(item)).unwrap_or(node),
        _ => node,
    };
    let hint = match culprit.kind {
        NodeKind::Scalar(Value::Int(_) | Value::Float(_) | Value::Bool(_)) if takes_text => {
            "; write it in quotes"
        }
        _ => "",
    };
    let found = match culprit.as_text() {
        Some("") => "an empty text".into(),
        _ => in_words(culprit),
    };
    let message = format!("expected {}, found {found}{hint}", shape.in_words());
    report.error(origin, Some(culprit.place), message);
}

fn scalar(node: &Node) -> Option<&Value> {
    match &node.kind {
        NodeKind::Scalar(value) => Some(value),
        _ => None,
    }
}

fn number(node: &Node) -> Option<f64> {
    scalar(node).and_then(Value::as_f64)
}

/// Text or a whole number: anything else may not be written back as it was.
fn is_word(node: &Node) -> bool {
    matches!(scalar(node), Some(Value::Text(_) | Value::Int(_)))
}

fn is_command(node: &Node) -> bool {
    match &node.kind {
        NodeKind::List(items) => !items.is_empty() && items.iter().all(is_word),
        _ => node.as_text().is_some_and(|text| !text.trim().is_empty()),
    }
}

fn check_word(
    node: &Node,
    words: &[&str],
    later: &[&str],
    origin: &Origin,
    report: &mut Report,
) -> bool {
    let message = match node.as_text() {
        Some(text) if words.contains(&text) => return true,
        Some(text) if later.contains(&text) => {
            format!(
                "'{text}' is not in this release; it must be {}",
                either(words)
            )
        }
        Some(text) => {
            let hint = did_you_mean(text, words.iter().copied());
            format!("expected {}, found '{}'{hint}", either(words), shown(text))
        }
        None => format!("expected {}, found {}", either(words), in_words(node)),
    };
    report.error(origin, Some(node.place), message);
    false
}

fn check_whole(node: &Node, least: u64, origin: &Origin, report: &mut Report) -> bool {
    let whole = scalar(node).and_then(Value::as_i64);
    if whole.is_some_and(|whole| u64::try_from(whole).is_ok_and(|whole| whole >= least)) {
        return true;
    }
    match whole {
        Some(whole) => {
            report.error(
                origin,
                Some(node.place),
                format!("must be at least {least}, not {whole}"),
            );
        }
        None => mismatch(node, Shape::Whole(least), origin, report),
    }
    false
}

fn check_slots(node: &Node, origin: &Origin, report: &mut Report) -> bool {
    let items = match &node.kind {
        NodeKind::List(items) if items.iter().all(is_word) => items,
        _ => {
            mismatch(node, Shape::Slots, origin, report);
            return false;
        }
    };
    if items.is_empty() {
        report.error(
            origin,
            Some(node.place),
            "the list is empty: no trial could ever run",
        );
        return false;
    }
    let mut seen: HashSet<String> = HashSet::with_capacity(items.len());
    let mut sound = true;
    for item in items {
        let text = item.value().to_string();
        if seen.contains(&text) {
            let message = format!(
                "'{}' is listed twice, but only one trial can hold it",
                shown(&text)
            );
            report.error(origin, Some(item.place), message);
            sound = false;
        } else {
            seen.insert(text);
        }
    }
    sound
}

fn check_variables(node: &Node, origin: &Origin, report: &mut Report) -> bool {
    let Some(entries) = node.as_entries() else {
        mismatch(node, Shape::Variables, origin, report);
        return false;
    };
    let mut sound = true;
    let mut seen: HashSet<&str> = HashSet::with_capacity(entries.len());
    for (key, value) in entries {
        let name = key.as_text().unwrap_or_default();
        if name.is_empty() || name.contains(['=', '\0']) {
            let message = format!("{} is not the name of a variable", in_words(key));
            report.error(origin, Some(key.place), message);
            sound = false;
        } else if !seen.insert(name) {
            report.error(
                origin,
                Some(key.place),
                format!("'{name}' is written twice"),
            );
            sound = false;
        }
        if !is_word(value) {
            let message = format!(
                "expected text or a whole number for '{}', found {}; write it in quotes",
                shown(name),
                in_words(value)
            );
            report.error(origin, Some(value.place), message);
            sound = false;
        }
    }
    sound
}
