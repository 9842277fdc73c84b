//! The limits of an attempt: run time, memory of its group, and what the kernel did about memory.

use std::fs;
use std::time::{Duration, Instant};

use super::process_group;

/// Watches the memory of a process group against a limit.
///
/// Reading the process table costs more the more processes the machine runs, so the pause between
/// two looks grows with the time that a look takes: a supervisor uses about a fiftieth of a core
/// at most, whatever the machine does.
#[derive(Debug)]
pub(super) struct MemoryWatch {
    limit_bytes: u64,
    next_look: Instant,
}

const PAUSE: Duration = Duration::from_millis(100);
const PAUSES_PER_LOOK: u32 = 50;

impl MemoryWatch {
    pub(super) fn new(limit_bytes: u64) -> Self {
        Self {
            limit_bytes,
            next_look: Instant::now(),
        }
    }

    pub(super) fn next_look(&self) -> Instant {
        self.next_look
    }

    pub(super) fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// How much the group holds, if it is time to look and that is more than the limit.
    pub(super) fn excess(&mut self, group: i32) -> Option<u64> {
        let start = Instant::now();
        if start < self.next_look {
            return None;
        }
        let held = process_group::resident_bytes(group);
        let end = Instant::now();
        self.next_look = end + PAUSE.max((end - start) * PAUSES_PER_LOOK);
        (held > self.limit_bytes).then_some(held)
    }
}

/// How often the kernel's out-of-memory killer struck: in our control group where that can be
/// read, on the whole machine otherwise.
pub(super) fn out_of_memory_kills() -> Option<u64> {
    let own_groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = control_group_files(&own_groups)
        .into_iter()
        .find_map(|path| counter(&path));
    own.or_else(|| counter("/proc/vmstat"))
}

/// The files that count for our control group: version 2's line is `0::/path`, version 1's
/// `4:memory:/path`.
fn control_group_files(own_groups: &str) -> Vec<String> {
    let file = |line: &str| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?.trim_end_matches('/'));
        match controllers {
            "" => Some(format!("/sys/fs/cgroup{path}/memory.events")),
            "memory" => Some(format!("/sys/fs/cgroup/memory{path}/memory.oom_control")),
            _ => None,
        }
    };
    own_groups.lines().filter_map(file).collect()
}

fn counter(path: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("oom_kill "))?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_control_groups_are_found() {
        let text = "9:name=systemd:/\n4:memory:/a/b\n0::/user.slice\n";
        let expected = [
            "/sys/fs/cgroup/memory/a/b/memory.oom_control",
            "/sys/fs/cgroup/user.slice/memory.events",
        ];
        assert_eq!(control_group_files(text), expected);
        assert_eq!(
            control_group_files("0::/"),
            ["/sys/fs/cgroup/memory.events"]
        );
    }
}
