//! The end of an attempt's logs.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::record::{STDERR, STDOUT, SUPERVISOR_LOG};

/// Where the logs of an attempt are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPaths {
    /// Standard output of the command.
    pub stdout: PathBuf,
    /// Standard error of the command.
    pub stderr: PathBuf,
    /// What the attempt's supervisor had to complain of; empty as a rule.
    pub supervisor: PathBuf,
}

/// The paths of an attempt's logs; a log that was never written to may be absent.
pub fn log_paths(record_folder: &Path) -> LogPaths {
    LogPaths {
        stdout: record_folder.join(STDOUT),
        stderr: record_folder.join(STDERR),
        supervisor: record_folder.join(SUPERVISOR_LOG),
    }
}

/// The last lines of standard error, or of standard output if standard error is empty; at most
/// `max_lines` lines and about `max_bytes` bytes. Bytes that are not text become `U+FFFD`.
pub fn log_tail(record_folder: &Path, max_lines: usize, max_bytes: usize) -> String {
    let paths = log_paths(record_folder);
    let tail = file_tail(&paths.stderr, max_lines, max_bytes);
    if tail.is_empty() {
        file_tail(&paths.stdout, max_lines, max_bytes)
    } else {
        tail
    }
}

/// The end of one file; empty if it cannot be read.
pub(super) fn file_tail(path: &Path, max_lines: usize, max_bytes: usize) -> String {
    let bytes = last_bytes(path, max_bytes).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_end();
    let lines: Vec<&str> = text.lines().rev().take(max_lines).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

fn last_bytes(path: &Path, max_bytes: usize) -> io::Result<Vec<u8>> {
    // A trial may have put a pipe there, and opening that would wait for a writer.
    if !path.metadata()?.is_file() {
        return Ok(Vec::new());
    }
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let start = length.saturating_sub(max_bytes as u64);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(max_bytes as u64).read_to_end(&mut bytes)?;
    // Not from the middle of a character.
    let is_continuation = |byte: &u8| start > 0 && (0x80..0xC0).contains(byte);
    let cut = bytes
        .iter()
        .take(3)
        .take_while(|byte| is_continuation(byte))
        .count();
    Ok(bytes.split_off(cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_error_comes_first_and_the_tail_is_bounded() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(log_tail(folder.path(), 5, 100), "");
        std::fs::write(folder.path().join(STDOUT), "one\ntwo\nthree\n").expect("written");
        assert_eq!(log_tail(folder.path(), 2, 100), "two\nthree");
        std::fs::write(folder.path().join(STDERR), "ä".repeat(100)).expect("written");
        assert_eq!(log_tail(folder.path(), 2, 7), "äää");
    }
}
