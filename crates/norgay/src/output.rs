//! Printing that survives a closed pipe, with escape sequences in users' text made harmless.

use std::io::Write;

/// Prints a line to standard output; a reader that has gone away ends the program quietly.
pub fn say(text: &str) {
    if writeln!(std::io::stdout(), "{}", harmless(text)).is_err() {
        std::process::exit(i32::from(crate::exit::OK));
    }
}

/// Prints a line to standard error.
pub fn complain(text: &str) {
    // Nobody is left to tell if this fails.
    let _ = writeln!(std::io::stderr(), "{}", harmless(text));
}

/// Prints bytes as they are.
pub fn say_bytes(bytes: &[u8]) {
    let mut out = std::io::stdout();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
        std::process::exit(i32::from(crate::exit::OK));
    }
}

/// Prints JSON, indented.
pub fn say_json(json: &serde_json::Value) {
    say(&format!("{json:#}"));
}

/// Control characters other than newline and tab could steer the terminal.
fn harmless(text: &str) -> String {
    let shown = |c: char| {
        if c.is_control() && c != '\n' && c != '\t' {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(shown).collect()
}

/// Rows as aligned columns under a heading.
pub fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count());
        cells
            .chain([heading[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        padded.join("  ").trim_end().to_string()
    };
    let mut lines = vec![line(heading.to_vec())];
    lines.extend(
        rows.iter()
            .map(|row| line(row.iter().map(String::as_str).collect())),
    );
    lines.join("\n")
}
