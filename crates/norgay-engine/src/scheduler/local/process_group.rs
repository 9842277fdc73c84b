//! Process groups: signals to all of a group, what is left of one, and what nobody watches.

use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::formats::{ProcessIdentity, StartedRecord};
use super::process_table::{self, Process};

/// Variable by which the processes of an attempt are known whatever becomes of their group.
pub(super) const ATTEMPT_ID: &str = "NORGAY_ATTEMPT_ID";

/// Signals every process of the group. That none is there any more is no error.
pub(super) fn signal_group(group: i32, signal: Signal) {
    let _ = killpg(Pid::from_raw(group), signal);
}

/// Asks every process of the group to end; wakes those that are suspended, so that they can.
pub(super) fn terminate_group(group: i32) {
    signal_group(group, Signal::SIGTERM);
    signal_group(group, Signal::SIGCONT);
}

/// Whether a process of the group still runs.
pub(super) fn is_group_alive(group: i32) -> bool {
    if process_table::is_available() {
        process_table::all().any(|process| process.group == group && !process.is_zombie)
    } else {
        killpg(Pid::from_raw(group), None).is_ok()
    }
}

/// Resident memory of the group: the sum over its processes, so that pages shared by several of
/// them count several times. Zero where there is no process table.
pub(super) fn resident_bytes(group: i32) -> u64 {
    let members = process_table::all().filter(|process| process.group == group);
    members
        .filter_map(|process| process_table::resident_bytes(process.pid))
        .sum()
}

/// Identity of a process that is certainly there (ourselves, or a child not yet reaped).
pub(super) fn identity(pid: i32) -> ProcessIdentity {
    let start_ticks = process_table::one(pid).map(|process| process.start_ticks);
    ProcessIdentity { pid, start_ticks }
}

/// Signals a process of the current run of the machine, if its number was not reused.
pub(super) fn signal_verified(started: &StartedRecord, process: ProcessIdentity, signal: Signal) {
    let is_same_boot = started.boot_id.is_some() && started.boot_id == process_table::boot_id();
    if is_same_boot && process.start_ticks.is_some() && identity(process.pid) == process {
        let _ = kill(Pid::from_raw(process.pid), signal);
    }
}

/// Kills everything that is left of an attempt whose supervisor is dead, and tells how many
/// processes that were.
///
/// A process is the attempt's if its environment holds the attempt's id, wherever it is (the
/// supervisor may have died before it could write down the group), or if it is in the recorded
/// group and that group is still the recorded one: its leader started when ours did, or another
/// member carries the id (a group's number is not reused while a member is left).
///
/// One look is not enough: a process can fork behind it, and one in the middle of an exec shows no
/// environment for an instant. So it looks until two looks in a row find nothing.
pub(super) fn kill_leftovers(attempt_id: &str, started: Option<&StartedRecord>) -> usize {
    const LOOKS: usize = 50;
    let entry = format!("{ATTEMPT_ID}={attempt_id}");
    let same_boot = started.filter(|started| started.boot_id == process_table::boot_id());
    let mut killed = std::collections::BTreeSet::new();
    let mut empty_looks = 0;
    for _ in 0..LOOKS {
        let found = leftovers(&entry, same_boot.map(|started| started.leader));
        for process in &found {
            let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
        }
        empty_looks = if found.is_empty() { empty_looks + 1 } else { 0 };
        killed.extend(found.iter().map(|process| process.pid));
        if empty_looks == 2 {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    killed.len()
}

fn leftovers(entry: &str, leader: Option<ProcessIdentity>) -> Vec<Process> {
    let own_pid = std::process::id() as i32;
    let processes: Vec<Process> = process_table::all().collect();
    let carries_id = |process: &Process| process_table::environment_holds(process.pid, entry);
    let group = leader.map(|leader| leader.pid).filter(|group| {
        processes
            .iter()
            .filter(|process| process.group == *group)
            .any(|process| {
                let is_leader = process.pid == *group
                    && leader.and_then(|leader| leader.start_ticks) == Some(process.start_ticks);
                is_leader || carries_id(process)
            })
    });
    let is_ours = |process: &Process| {
        !process.is_zombie
            && process.pid != own_pid
            && (Some(process.group) == group || carries_id(process))
    };
    processes
        .iter()
        .filter(|process| is_ours(process))
        .copied()
        .collect()
}
