//! Reports read off standard output, for programs that only print.

use norgay_core::Value;
use regex_lite::Regex;

use crate::scheduler::report_line::{Report, STEP, parse_step};

/// The report in one line, if the pattern finds one: the group `step` is the step, every other
/// named group a metric. A progress bar redraws its line, so each redrawing counts as a line.
pub(super) fn find_reports(pattern: &Regex, line: &[u8]) -> Vec<Result<Report, String>> {
    let text = String::from_utf8_lossy(line);
    text.split('\r')
        .filter_map(|piece| find_report(pattern, piece).transpose())
        .collect()
}

fn find_report(pattern: &Regex, text: &str) -> Result<Option<Report>, String> {
    let Some(captures) = pattern.captures(text) else {
        return Ok(None);
    };
    let mut report = Report {
        step: None,
        metrics: Vec::new(),
    };
    for name in pattern.capture_names().flatten() {
        let Some(found) = captures.name(name) else {
            continue;
        };
        let value = number_or_text(found.as_str());
        if name == STEP {
            report.step = parse_step(&value)?;
        } else {
            report.metrics.push((name.to_owned(), value));
        }
    }
    Ok((!report.metrics.is_empty()).then_some(report))
}

fn number_or_text(text: &str) -> Value {
    let trimmed = text.trim();
    if let Ok(number) = trimmed.parse::<i64>() {
        return Value::Int(number);
    }
    trimmed
        .parse::<f64>()
        .map_or_else(|_| Value::text(text), Value::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern() -> Regex {
        Regex::new(r"(?:step (?P<step>\S+) )?loss=(?P<loss>\S+)(?: (?P<note>\w+))?")
            .expect("a pattern")
    }

    #[test]
    fn named_groups_become_metrics() {
        let found = find_reports(&pattern(), b"\x1b[1mstep 3 loss=0.25 good");
        let metrics = vec![
            ("loss".to_owned(), Value::Float(0.25)),
            ("note".to_owned(), Value::text("good")),
        ];
        assert_eq!(
            found,
            [Ok(Report {
                step: Some(3),
                metrics
            })]
        );
        let found = find_reports(&pattern(), b"loss=nan\r 10% loss=2\r\xff\xfe");
        assert_eq!(found.len(), 2);
        let metrics = vec![("loss".to_owned(), Value::Int(2))];
        assert_eq!(
            found[1],
            Ok(Report {
                step: None,
                metrics
            })
        );
    }

    #[test]
    fn a_line_without_a_match_is_no_report_and_a_bad_step_is_told() {
        assert_eq!(find_reports(&pattern(), b"nothing here"), []);
        let found = find_reports(&pattern(), b"step x loss=1");
        assert!(
            found[0]
                .as_ref()
                .expect_err("a bad step")
                .contains("'step'")
        );
    }
}
