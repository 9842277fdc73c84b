//! Paths within a location, checked before anything is touched.

use std::path::{Component, Path};

/// The segments of a path that stays within its location; empty for the location itself.
///
/// A trailing slash is forgiven, nothing else is: no leading slash, no empty segment, no `.` or
/// `..`, no control character, and nothing that this system would not take for one plain name.
pub(super) fn segments(path: &str) -> Result<Vec<&str>, String> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    let segments: Vec<&str> = path.split('/').collect();
    for segment in &segments {
        check(segment)?;
    }
    Ok(segments)
}

fn check(segment: &str) -> Result<(), String> {
    if segment.is_empty() {
        return Err("a part of it is empty".into());
    }
    if segment == "." || segment == ".." {
        return Err(format!("it holds '{segment}'"));
    }
    if segment.chars().any(char::is_control) {
        return Err("it holds a control character".into());
    }
    let mut components = Path::new(segment).components();
    match (components.next(), components.next()) {
        (Some(Component::Normal(name)), None) if name == segment => Ok(()),
        _ => Err(format!("'{segment}' is not a plain name")),
    }
}

/// Whether this is a name that the storage of this machine keeps for unfinished files.
pub(super) fn is_reserved(name: &str) -> bool {
    name.split_once('#')
        .is_some_and(|(_, end)| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit()))
}
