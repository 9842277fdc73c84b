//! One line of `metrics.jsonl`: reading it, and writing it from inside a trial.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use norgay_core::Value;

/// The key of the step; every other key is a metric.
pub(crate) const STEP: &str = "step";
/// Longest line that is read.
pub(crate) const MAX_LINE_BYTES: usize = 1 << 20;

/// A step, if one was given, and metrics in the order of the report.
#[derive(Debug, PartialEq)]
pub(crate) struct Report {
    pub(crate) step: Option<u64>,
    pub(crate) metrics: Vec<(String, Value)>,
}

/// Reads one line; the error is a sentence for the user.
pub(crate) fn parse_report(line: &[u8]) -> Result<Report, String> {
    let text = std::str::from_utf8(line).map_err(|error| format!("not UTF-8 text ({error})"))?;
    let json = with_readable_floats(text);
    let value: Value =
        serde_json::from_str(&json).map_err(|error| format!("not a JSON object ({error})"))?;
    let Some(pairs) = value.as_pairs() else {
        return Err(format!(
            "a JSON object was expected, found {}",
            value.type_name()
        ));
    };
    let mut report = Report {
        step: None,
        metrics: Vec::new(),
    };
    let mut positions: HashMap<Arc<str>, usize> = HashMap::new();
    for (key, value) in pairs {
        let Value::Text(name) = key else {
            return Err("a key is not text".to_owned());
        };
        if name.as_ref() == STEP {
            report.step = parse_step(value)?;
            continue;
        }
        check_metric(name, value)?;
        // Of a repeated key the last one counts, as in Python.
        if let Some(position) = positions.get(name) {
            report.metrics[*position].1 = value.clone();
        } else {
            positions.insert(name.clone(), report.metrics.len());
            report.metrics.push((name.to_string(), value.clone()));
        }
    }
    if report.metrics.is_empty() {
        return Err("it holds no metric".to_owned());
    }
    Ok(report)
}

pub(crate) fn parse_step(value: &Value) -> Result<Option<u64>, String> {
    if matches!(value, Value::None) {
        return Ok(None);
    }
    let step = value.as_i64().and_then(|step| u64::try_from(step).ok());
    step.map(Some).ok_or_else(|| {
        format!(
            "'{STEP}' is to be a whole number, 0 or more; found {} {value}",
            value.type_name()
        )
    })
}

fn check_metric(name: &str, value: &Value) -> Result<(), String> {
    if matches!(value, Value::List(_) | Value::Tuple(_) | Value::Dict(_)) {
        let found = value.type_name();
        return Err(format!(
            "metric '{name}' is to be a number, text, bool or null; found {found}"
        ));
    }
    Ok(())
}

/// Python writes `NaN`, `Infinity` and `-Infinity`, which JSON does not know; outside of texts
/// they become the form in which a [`Value`] stores such floats.
fn with_readable_floats(text: &str) -> std::borrow::Cow<'_, str> {
    const TOKENS: [(&str, &str); 3] = [
        ("-Infinity", r#"{"$float":"-inf"}"#),
        ("Infinity", r#"{"$float":"inf"}"#),
        ("NaN", r#"{"$float":"nan"}"#),
    ];
    if !text.contains("NaN") && !text.contains("Infinity") {
        return text.into();
    }
    let mut json = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let token = TOKENS.iter().find(|(token, _)| rest.starts_with(token));
        let taken = if let Some((token, replacement)) = token {
            json.push_str(replacement);
            token.len()
        } else {
            let length = if first == '"' {
                text_length(rest)
            } else {
                first.len_utf8()
            };
            json.push_str(&rest[..length]);
            length
        };
        rest = &rest[taken..];
    }
    json.into()
}

/// Length of the JSON text that starts here, quotes included.
fn text_length(json: &str) -> usize {
    let mut is_escaped = false;
    for (index, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    json.len()
}

/// Appends one report to a trial's metrics file: what a trial calls to tell of its progress.
///
/// The line goes out in a single write in append mode, so that reports of several processes never
/// mix; when this returns, the report survives a power cut.
pub fn append_report(
    metrics_file: &Path,
    step: Option<u64>,
    metrics: &[(String, Value)],
) -> io::Result<()> {
    let invalid = |message: String| io::Error::new(io::ErrorKind::InvalidInput, message);
    let mut line = format_report(step, metrics).map_err(invalid)?;
    let mut file = OpenOptions::new()
        .read(true)
        .create(true)
        .append(true)
        .open(metrics_file)?;
    let length = file.metadata()?.len();
    if length > 0 && last_byte(&mut file)? != b'\n' {
        // A write that was cut short (disk full) must not spoil this report as well.
        line.insert(0, '\n');
    }
    let written = file.write(line.as_bytes())?;
    if written < line.len() {
        return Err(io::Error::new(
            io::ErrorKind::WriteZero,
            format!("only {written} of {} bytes could be written", line.len()),
        ));
    }
    file.sync_data()?;
    if length == 0
        && let Some(folder) = metrics_file
            .parent()
            .filter(|path| !path.as_os_str().is_empty())
    {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn last_byte(file: &mut File) -> io::Result<u8> {
    let mut byte = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}

pub(crate) fn format_report(
    step: Option<u64>,
    metrics: &[(String, Value)],
) -> Result<String, String> {
    let mut fields: Vec<String> = Vec::with_capacity(metrics.len() + 1);
    if let Some(step) = step {
        fields.push(format!("\"{STEP}\": {step}"));
    }
    for (name, value) in metrics {
        if name == STEP {
            return Err(format!("'{STEP}' is the name of the step, not of a metric"));
        }
        check_metric(name, value)?;
        let value = match value {
            Value::Float(number) if number.is_nan() => "NaN".to_owned(),
            Value::Float(number) if number.is_infinite() && *number > 0.0 => "Infinity".to_owned(),
            Value::Float(number) if number.is_infinite() => "-Infinity".to_owned(),
            other => other.to_json().to_string(),
        };
        fields.push(format!(
            "{}: {value}",
            serde_json::Value::from(name.as_str())
        ));
    }
    let line = format!("{{{}}}\n", fields.join(", "));
    if metrics.is_empty() {
        return Err("a report needs at least one metric".to_owned());
    }
    if line.len() > MAX_LINE_BYTES {
        return Err(format!(
            "a report may have {MAX_LINE_BYTES} bytes, this one has {}",
            line.len()
        ));
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Report {
        parse_report(line.as_bytes()).expect("a good report")
    }

    #[test]
    fn a_report_keeps_the_order_and_the_kinds_of_its_metrics() {
        let report = parsed(r#"{"loss": 0.5, "step": 3, "epoch": 1, "ok": true, "note": null}"#);
        assert_eq!(report.step, Some(3));
        let expected = [
            ("loss".to_owned(), Value::Float(0.5)),
            ("epoch".to_owned(), Value::Int(1)),
            ("ok".to_owned(), Value::Bool(true)),
            ("note".to_owned(), Value::None),
        ];
        assert_eq!(report.metrics, expected);
    }

    #[test]
    fn pythons_non_finite_numbers_are_read_but_texts_are_left_alone() {
        let report =
            parsed(r#"{"a": NaN, "b": Infinity, "c": -Infinity, "NaN": "a \" NaN -Infinity"}"#);
        assert!(matches!(report.metrics[0].1, Value::Float(number) if number.is_nan()));
        assert_eq!(report.metrics[1].1, Value::Float(f64::INFINITY));
        assert_eq!(report.metrics[2].1, Value::Float(f64::NEG_INFINITY));
        assert_eq!(report.metrics[3].0, "NaN");
        assert_eq!(report.metrics[3].1, Value::text("a \" NaN -Infinity"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let reason = |line: &[u8]| parse_report(line).expect_err("a bad report");
        assert!(reason(b"3").contains("expected, found int"));
        assert!(reason(b"{\"a\": [1]}").contains("metric 'a'"));
        assert!(reason(b"{\"a\": {\"b\": 1}}").contains("found dict"));
        assert!(reason(b"{\"step\": -1, \"a\": 1}").contains("'step'"));
        assert!(reason(b"{\"step\": 1}").contains("no metric"));
        assert!(reason(b"{\"a\": 1").contains("not a JSON object"));
        assert!(reason(b"{\"a\": xNaN}").contains("not a JSON object"));
        assert!(reason(b"{NaN: 1}").contains("not a JSON object"));
        assert!(reason(b"\xff\x00").contains("not UTF-8"));
        let deep = "[".repeat(100_000);
        assert!(reason(deep.as_bytes()).contains("not a JSON object"));
    }

    #[test]
    fn the_last_of_a_repeated_key_counts() {
        assert_eq!(
            parsed(r#"{"a": 1, "b": 2, "a": 3}"#).metrics[0].1,
            Value::Int(3)
        );
        assert_eq!(parsed(r#"{"step": 2.0, "a": 1}"#).step, Some(2));
        assert_eq!(parsed(r#"{"step": null, "a": 1}"#).step, None);
    }

    #[test]
    fn what_is_appended_is_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("metrics.jsonl");
        std::fs::write(&path, "{\"torn").expect("written");
        let metrics = vec![
            ("a \"b\"".to_owned(), Value::Float(f64::NEG_INFINITY)),
            ("c".to_owned(), Value::text("x\ny")),
        ];
        append_report(&path, Some(7), &metrics).expect("appended");
        append_report(&path, None, &metrics[1..]).expect("appended");
        let text = std::fs::read_to_string(&path).expect("read");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(
            parsed(lines[1]),
            Report {
                step: Some(7),
                metrics: metrics.clone()
            }
        );
        assert_eq!(
            parsed(lines[2]),
            Report {
                step: None,
                metrics: metrics[1..].to_vec()
            }
        );
    }

    #[test]
    fn a_report_that_nobody_could_read_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("metrics.jsonl");
        let list = Value::from(vec![Value::Int(1)]);
        for metrics in [
            vec![],
            vec![("step".to_owned(), Value::Int(1))],
            vec![("a".to_owned(), list)],
            vec![("a".to_owned(), Value::text("x".repeat(MAX_LINE_BYTES)))],
        ] {
            let error = append_report(&path, None, &metrics).expect_err("refused");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }
}
