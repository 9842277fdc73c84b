//! The reports of a running attempt: `metrics.jsonl`, and standard output where a pattern is set.

use regex_lite::Regex;

use super::line_tail::{Line, LineTail};
use super::record::{METRICS, RecordFolder, STDOUT};
use super::stdout_pattern::find_reports;
use crate::scheduler::Change;
use crate::scheduler::report_line::{MAX_LINE_BYTES, Report, parse_report};

/// Most bytes that are read of a file at a call, and most changes told, so that a call returns
/// soon; the rest comes with the next calls.
const MOST_BYTES: u64 = 2 << 20;
const MOST_CHANGES: usize = 10_000;
/// Most bad reports that are told of one file: enough to see what is wrong.
const MOST_BAD_REPORTS: u64 = 20;

/// Follows the reports of one attempt.
#[derive(Debug)]
pub(super) struct MetricsTail {
    metrics: LineTail,
    stdout: Option<(LineTail, Regex)>,
    bad_in_metrics: u64,
    bad_in_stdout: u64,
}

impl MetricsTail {
    pub(super) fn new(folder: &RecordFolder, stdout_pattern: Option<&Regex>) -> Self {
        let stdout = |pattern: &Regex| (LineTail::new(folder.file(STDOUT)), pattern.clone());
        Self {
            metrics: LineTail::new(folder.file(METRICS)),
            stdout: stdout_pattern.map(stdout),
            bad_in_metrics: 0,
            bad_in_stdout: 0,
        }
    }

    /// The attempt has ended: unfinished last lines count, and what others write later does not.
    pub(super) fn close(&mut self) {
        self.metrics.close();
        if let Some((stdout, _)) = &mut self.stdout {
            stdout.close();
        }
    }

    /// Adds what was reported since the last call. True if that is all there is for now.
    pub(super) fn read(&mut self, changes: &mut Vec<Change>) -> bool {
        let metrics = &mut self.metrics;
        let all_metrics = follow(
            metrics,
            &mut self.bad_in_metrics,
            changes,
            &|line| match line {
                Line::Whole(bytes) if bytes.trim_ascii().is_empty() => Vec::new(),
                Line::Whole(bytes) => vec![parse_report(bytes)],
                Line::TooLong => vec![Err(format!("longer than {MAX_LINE_BYTES} bytes"))],
                Line::StartedOver => {
                    vec![Err(
                        "the file became shorter and is read from its start again".to_owned(),
                    )]
                }
            },
        );
        let Some((stdout, pattern)) = &mut self.stdout else {
            return all_metrics;
        };
        let all_stdout = follow(
            stdout,
            &mut self.bad_in_stdout,
            changes,
            &|line| match line {
                Line::Whole(bytes) => find_reports(pattern, bytes),
                // Standard output is free to hold anything that the pattern does not find.
                Line::TooLong | Line::StartedOver => Vec::new(),
            },
        );
        all_metrics && all_stdout
    }
}

/// Reads on in one file; true if its present end was reached.
fn follow(
    tail: &mut LineTail,
    bad_reports: &mut u64,
    changes: &mut Vec<Change>,
    parse: &dyn Fn(Line) -> Vec<Result<Report, String>>,
) -> bool {
    let file = tail.path().display().to_string();
    let most_changes = changes.len() + MOST_CHANGES;
    let most_chunks = MOST_BYTES / super::line_tail::CHUNK_BYTES;
    for _ in 0..most_chunks {
        let more = tail.read_chunk(&mut |number, line| {
            for report in parse(line) {
                let place = format!("{file}, line {number}");
                changes.extend(change(report, &place, bad_reports));
            }
        });
        match more {
            Ok(true) if changes.len() < most_changes => {}
            Ok(true) => return false,
            Ok(false) => return true,
            Err(error) => {
                let report = Err(format!("cannot be read: {error}"));
                changes.extend(change(report, &file, bad_reports));
                return true;
            }
        }
    }
    false
}

fn change(report: Result<Report, String>, place: &str, bad_reports: &mut u64) -> Option<Change> {
    let reason = match report {
        Ok(Report { step, metrics }) => return Some(Change::Reported { step, metrics }),
        Err(reason) => reason,
    };
    *bad_reports += 1;
    let message = match *bad_reports {
        ..MOST_BAD_REPORTS => format!("{place}: {reason}"),
        MOST_BAD_REPORTS => {
            format!("{place}: {reason}; further bad reports of this file are not told")
        }
        _ => return None,
    };
    Some(Change::BadReport { message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_stops_at_a_bound_and_goes_on_with_the_next_call() {
        let folder = tempfile::tempdir().expect("a folder");
        let record = RecordFolder::at(folder.path()).expect("a path");
        std::fs::write(record.file(METRICS), "{\"a\":1}\n".repeat(50_000)).expect("written");
        let mut tail = MetricsTail::new(&record, None);
        tail.close();
        let mut total = 0;
        for _ in 0..100 {
            let mut changes = Vec::new();
            let is_all = tail.read(&mut changes);
            assert!(changes.len() < 2 * MOST_CHANGES);
            total += changes.len();
            if is_all {
                break;
            }
        }
        assert_eq!(total, 50_000);
    }

    #[test]
    fn a_flood_of_junk_is_told_briefly_and_good_lines_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let record = RecordFolder::at(folder.path()).expect("a path");
        let text = format!("{}{{\"a\": 1}}", "\u{0}\u{1}junk\n".repeat(1000));
        std::fs::write(record.file(METRICS), text).expect("written");
        let mut tail = MetricsTail::new(&record, None);
        tail.close();
        let mut changes = Vec::new();
        assert!(tail.read(&mut changes));
        assert_eq!(changes.len() as u64, MOST_BAD_REPORTS + 1);
        let Change::BadReport { message } = &changes[0] else {
            panic!("{changes:?}")
        };
        assert!(
            message.contains("metrics.jsonl, line 1: not a JSON object"),
            "{message}"
        );
        assert!(matches!(changes.last(), Some(Change::Reported { .. })));
    }
}
