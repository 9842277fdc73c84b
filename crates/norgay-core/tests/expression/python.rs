//! The parameter text against CPython: thousands of random expressions, compared to the byte.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use norgay_core::expression::{ExpressionError, Problem};
use serde_json::Value as Json;

use crate::evaluated;
use crate::random_text::Writer;

const PYTHON: &str = include_str!("evaluate.py");
const TRIAL_RUN: &str = include_str!("../data/trial_run_parameter.txt");
const CONTINUE: &str = include_str!("../data/trial_run_parameter_continue.txt");
const RANDOM_TEXTS: usize = 6_000;

/// What Python says about each text, all of them in one process.
fn ask_python(texts: &[String]) -> Vec<Json> {
    let mut child = Command::new("python3")
        .args(["-W", "ignore", "-c", PYTHON])
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is needed to compare expressions with Python's");
    let mut input = child.stdin.take().unwrap();
    let lines: String = texts.iter().fold(String::new(), |mut lines, text| {
        writeln!(lines, "{}", Json::from(text.as_str())).unwrap();
        lines
    });
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let output = String::from_utf8(output.stdout).unwrap();
    output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Why the two differ, if they do.
fn difference(ours: &Result<String, ExpressionError>, python: &Json) -> Option<String> {
    let is_big = python["big"] == true;
    let is_refused = python["refused"] == true;
    match (ours, python["value"].as_str()) {
        (Err(_), None) => None,
        (Err(error), Some(_)) => match error.problem {
            Problem::Overflow { .. } | Problem::Number { .. } if is_big => None,
            Problem::Refused { .. } | Problem::Key { .. } if is_refused => None,
            _ => Some(format!("python gives a value, we refuse: {error}")),
        },
        (Ok(value), None) => Some(format!(
            "we give {value}, python refuses: {}",
            python["error"]
        )),
        (Ok(value), Some(_)) if is_big => Some(format!("a number beyond 64 bits gave {value}")),
        (Ok(value), Some(expected)) => {
            (value != expected).then(|| format!("  ours {value}\npython {expected}"))
        }
    }
}

/// Compares texts, and tells how many gave a value and how many were refused by both sides.
fn compare(texts: &[String]) -> (usize, usize) {
    let answers = ask_python(texts);
    assert_eq!(answers.len(), texts.len());
    let mut agreed = (0, 0);
    let mut differences = Vec::new();
    for (text, python) in texts.iter().zip(&answers) {
        let ours = evaluated(text);
        match difference(&ours, python) {
            Some(difference) => differences.push(format!("{text}\n{difference}")),
            None if ours.is_ok() => agreed.0 += 1,
            None => agreed.1 += 1,
        }
    }
    let shown: Vec<_> = differences.iter().take(10).map(String::as_str).collect();
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        shown.join("\n\n")
    );
    agreed
}

#[test]
fn random_texts_give_what_python_gives() {
    let mut writer = Writer::new(1);
    let mut texts: Vec<String> = (0..RANDOM_TEXTS).map(|_| writer.parameter_text()).collect();
    texts.extend([TRIAL_RUN.to_owned(), CONTINUE.to_owned()]);
    let (values, refusals) = compare(&texts);
    // The comparison is worth something only if both sides are met often.
    assert!(values > RANDOM_TEXTS / 2, "only {values} values");
    assert!(refusals > RANDOM_TEXTS / 20, "only {refusals} refusals");
}

#[test]
fn floats_are_written_and_rounded_as_python_does() {
    let mut writer = Writer::new(2);
    let mut numbers: Vec<f64> = (-1074..1024).map(|power| 2f64.powi(power)).collect();
    numbers.extend((-323..309).map(|power| format!("1e{power}").parse::<f64>().unwrap()));
    // Ties between two shortest texts need large numbers with few bits after the point.
    numbers.extend((0..2_000).map(|_| (writer.below(1 << 53) as f64 + 0.5) / 4.0));
    numbers.extend((0..2_000).map(|_| writer.any_float()));
    let texts: Vec<String> = numbers
        .chunks(10)
        .map(|chunk| {
            let items: Vec<String> = chunk
                .iter()
                .map(|number| {
                    let digits = writer.below(40) as i64 - 20;
                    format!("{number:.17e}, -{number:.17e}, round({number:.17e}, {digits})")
                })
                .collect();
            format!("{{'a': [{}]}}", items.join(", "))
        })
        .collect();
    assert_eq!(compare(&texts), (texts.len(), 0));
    let ties: Vec<String> = (0..2_000)
        .map(|_| {
            let digits = writer.below(12) as i64 - 6;
            let tie = (writer.below(10_000) as f64 + 0.5) * 10f64.powi(-digits as i32);
            format!("{{'a': [round({tie:.17e}, {digits}), round(-{tie:?}, {digits})]}}")
        })
        .collect();
    assert_eq!(compare(&ties), (ties.len(), 0));
}
