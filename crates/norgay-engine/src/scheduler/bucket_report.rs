//! Reports of a trial whose metrics lie in a bucket, which knows no appending.

use norgay_core::Value;

use super::report_line::format_report;
use crate::files::{Files, FilesError, Replaced, Seen};
use crate::metrics_file::LIMIT_BYTES;

/// The file of intermediate values in an attempt's folder.
pub const METRICS: &str = "metrics.jsonl";
/// The file of final metrics in an attempt's folder.
pub const RESULT: &str = "result.json";
/// Tries beside other writers of the same file.
const TRIES: u32 = 20;

/// A report could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum BucketReportError {
    /// It is no report.
    #[error("{0}")]
    Report(String),
    /// The bucket refuses.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// Others wrote all the time.
    #[error("'{path}' is written by others all the time; nothing was added to it")]
    Busy {
        /// The file.
        path: String,
    },
}

/// Adds one report to the file of intermediate values in `folder`: reads it and writes it anew,
/// unless somebody else was faster; then once more.
///
/// # Errors
/// The report can't be written as a line, or the bucket refuses.
pub fn append_report_to(
    folder: &Files,
    step: Option<u64>,
    metrics: &[(String, Value)],
) -> Result<(), BucketReportError> {
    let line = format_report(step, metrics).map_err(BucketReportError::Report)?;
    for _ in 0..TRIES {
        let (mut bytes, etag) = match folder.read_if_changed(METRICS, None, LIMIT_BYTES as u64)? {
            Seen::Changed { bytes, etag } => (bytes, Some(etag)),
            Seen::Absent | Seen::Unchanged => (Vec::new(), None),
        };
        if bytes.last().is_some_and(|last| *last != b'\n') {
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(line.as_bytes());
        match folder.write_if_unchanged(METRICS, bytes, etag.as_deref())? {
            Replaced::Written { .. } => return Ok(()),
            Replaced::Changed => {}
        }
    }
    Err(BucketReportError::Busy {
        path: METRICS.to_string(),
    })
}

/// Writes the final metrics of an attempt, which end its trial's work: do this last.
///
/// # Errors
/// The metrics can't be written as JSON, or the bucket refuses.
pub fn write_result(
    folder: &Files,
    trial: Option<u64>,
    attempt: Option<u32>,
    metrics: &[(String, Value)],
) -> Result<(), BucketReportError> {
    let metrics = format_report(None, metrics).map_err(BucketReportError::Report)?;
    let number = |name: &str, number: Option<u64>| {
        number.map_or(String::new(), |number| format!("\"{name}\": {number}, "))
    };
    let text = format!(
        "{{{}{}\"metrics\": {}}}\n",
        number("trial", trial),
        number("attempt", attempt.map(u64::from)),
        metrics.trim_end()
    );
    Ok(folder.write(RESULT, text.into_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics_file::parse_result;

    fn metrics(loss: f64) -> Vec<(String, Value)> {
        vec![("loss".to_string(), Value::Float(loss))]
    }

    #[test]
    fn reports_follow_each_other_in_one_file() {
        let folder = Files::in_memory().expect("a store in memory");
        append_report_to(&folder, Some(1), &metrics(0.5)).expect("stored");
        append_report_to(&folder, Some(2), &metrics(0.25)).expect("stored");
        let bytes = folder.read(METRICS, 1_000).expect("read").expect("there");
        let text = String::from_utf8(bytes).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[1].contains("0.25"), "{text}");
    }

    #[test]
    fn reports_from_several_steps_at_once_are_all_kept() {
        let folder = Files::in_memory().expect("a store in memory");
        std::thread::scope(|scope| {
            for step in 0..8 {
                let folder = folder.clone();
                scope.spawn(move || append_report_to(&folder, Some(step), &metrics(0.5)));
            }
        });
        let bytes = folder.read(METRICS, 10_000).expect("read").expect("there");
        let text = String::from_utf8(bytes).expect("text");
        assert_eq!(text.lines().count(), 8);
    }

    #[test]
    fn a_result_reads_as_one_of_its_attempt() {
        let folder = Files::in_memory().expect("a store in memory");
        write_result(&folder, Some(7), Some(2), &metrics(f64::INFINITY)).expect("stored");
        let bytes = folder.read(RESULT, 1_000).expect("read").expect("there");
        let read = parse_result(&bytes, 7, 2, "loss").expect("a result");
        assert_eq!(read, [("loss".into(), Value::Float(f64::INFINITY))]);
        assert!(parse_result(&bytes, 7, 3, "loss").is_err());
    }
}
