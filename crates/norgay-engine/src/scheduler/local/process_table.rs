//! What `/proc` tells about processes. Where there is none (macOS), every question has an empty
//! answer, and the callers say what that means for them.

use std::fs;

/// One line of the process table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: i32,
    pub(super) group: i32,
    /// Clock ticks between boot and its start.
    pub(super) start_ticks: u64,
    /// Dead, but not yet reaped by its parent.
    pub(super) is_zombie: bool,
}

/// Whether this system has a process table that can be read.
pub(super) fn is_available() -> bool {
    fs::exists("/proc/self/stat").unwrap_or(false)
}

/// Every process that is there now.
pub(super) fn all() -> impl Iterator<Item = Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(one)
}

/// The process of that number, if there is one.
pub(super) fn one(pid: i32) -> Option<Process> {
    parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// `/proc/<pid>/stat`; the name in parentheses may itself hold spaces and parentheses.
fn parse_stat(bytes: &[u8]) -> Option<Process> {
    let text = String::from_utf8_lossy(bytes);
    let (before, after) = text.rsplit_once(')')?;
    let fields: Vec<&str> = after.split_ascii_whitespace().collect();
    Some(Process {
        pid: before.split_once(' ')?.0.parse().ok()?,
        is_zombie: matches!(*fields.first()?, "Z" | "X"),
        group: fields.get(2)?.parse().ok()?,
        start_ticks: fields.get(19)?.parse().ok()?,
    })
}

/// Resident memory of a process.
pub(super) fn resident_bytes(pid: i32) -> Option<u64> {
    let status = fs::read(format!("/proc/{pid}/status")).ok()?;
    let status = String::from_utf8_lossy(&status);
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Whether the environment that the process was started with holds this `NAME=value`.
pub(super) fn environment_holds(pid: i32, entry: &str) -> bool {
    fs::read(format!("/proc/{pid}/environ")).is_ok_and(|bytes| {
        bytes
            .split(|byte| *byte == 0)
            .any(|found| found == entry.as_bytes())
    })
}

/// Names the current run of the machine.
pub(super) fn boot_id() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let line = b"42 (a) b (c) Z 1 40 40 0 -1 4 1 0 0 0 0 0 0 0 20 0 1 0 777 3 4 5";
        let process = Process {
            pid: 42,
            group: 40,
            start_ticks: 777,
            is_zombie: true,
        };
        assert_eq!(parse_stat(line), Some(process));
        assert_eq!(parse_stat(b""), None);
        assert_eq!(parse_stat(b"42 (x) R 1"), None);
    }
}
