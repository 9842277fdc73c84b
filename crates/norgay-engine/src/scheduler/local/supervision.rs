//! Watching one running command from its start to the end of its process group.

use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use signal_hook::consts::{SIGTERM, SIGUSR1};

use super::formats::{ExitRecord, JobRecord, RecordedCause, RecordedExit};
use super::limits::{MemoryWatch, out_of_memory_kills};
use super::process_group::{is_group_alive, signal_group, terminate_group};
use super::record::{RecordFolder, Request};

/// Longest wait between two looks at the request files; signals wake at once.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Grace for processes that the command left behind when it ended by itself.
const LEFTOVER_GRACE: Duration = Duration::from_secs(2);
/// How long to wait for processes that SIGKILL cannot end (stuck in the kernel).
const STUCK_PATIENCE: Duration = Duration::from_secs(5);
/// What a shell exits with when SIGKILL ended its command.
const SHELL_CODE_OF_SIGKILL: i32 = 137;

/// An end that was brought about from here.
#[derive(Debug)]
struct Ending {
    cause: Option<RecordedCause>,
    message: Option<String>,
    /// When SIGKILL is due; `None` once it was sent.
    kill_at: Option<Instant>,
}

/// A running command and everything that may end it.
pub(super) struct Supervision<'a> {
    folder: &'a RecordFolder,
    job: &'a JobRecord,
    child: Child,
    signals: Receiver<i32>,
    time_over_at: Option<Instant>,
    memory: Option<MemoryWatch>,
    out_of_memory_kills: Option<u64>,
    ending: Option<Ending>,
}

impl<'a> Supervision<'a> {
    pub(super) fn new(
        folder: &'a RecordFolder,
        job: &'a JobRecord,
        child: Child,
        signals: Receiver<i32>,
    ) -> Self {
        Self {
            folder,
            job,
            child,
            signals,
            time_over_at: job
                .time_limit()
                .and_then(|limit| Instant::now().checked_add(limit)),
            memory: job.memory_limit_bytes.map(MemoryWatch::new),
            out_of_memory_kills: out_of_memory_kills(),
            ending: None,
        }
    }

    /// Waits until the command and its whole process group are gone.
    pub(super) fn until_end(mut self) -> ExitRecord {
        let exit = loop {
            if let Some(exit) = leader_exit(&mut self.child) {
                break exit;
            }
            self.heed_requests();
            self.heed_limits();
            self.heed_grace();
            self.wait_for_signal(self.pause());
        };
        let struck = self.kernel_struck(exit);
        self.end_leftovers();
        // Only now may the kernel reuse the number of the leader, which is that of the group.
        let _ = self.child.wait();
        let ending = self.ending.filter(|ending| ending.cause.is_some());
        let (ended_by, message) = match ending {
            Some(ending) => (ending.cause, ending.message),
            None if struck => (
                Some(RecordedCause::MemoryLimit),
                Some("the kernel's out-of-memory killer ended the command".to_owned()),
            ),
            None => (None, None),
        };
        ExitRecord {
            ended_by,
            ..ExitRecord::now(exit, message)
        }
    }

    fn group(&self) -> i32 {
        self.child.id() as i32
    }

    fn heed_requests(&mut self) {
        if self.folder.is_requested(Request::Kill) {
            self.kill(Some(RecordedCause::StopRequest), None);
        } else if self.ending.is_none() && self.folder.is_requested(Request::Stop) {
            self.terminate(Some(RecordedCause::StopRequest), None);
        }
    }

    fn heed_limits(&mut self) {
        if self.ending.is_some() {
            return;
        }
        if self.time_over_at.is_some_and(|end| Instant::now() >= end) {
            let seconds = self.job.time_limit().unwrap_or_default().as_secs_f64();
            let message = format!("the time limit of {seconds} s passed");
            return self.terminate(Some(RecordedCause::TimeLimit), Some(message));
        }
        let group = self.group();
        let Some(memory) = &mut self.memory else {
            return;
        };
        if let Some(held) = memory.excess(group) {
            let limit = memory.limit_bytes();
            let message = format!("the processes held {held} bytes, the memory limit is {limit}");
            // No grace: the machine could be out of memory by the end of it.
            self.kill(Some(RecordedCause::MemoryLimit), Some(message));
        }
    }

    fn heed_grace(&mut self) {
        let kill_at = self.ending.as_ref().and_then(|ending| ending.kill_at);
        if kill_at.is_some_and(|due| Instant::now() >= due) {
            self.kill(None, None);
        }
    }

    /// SIGTERM now, SIGKILL after the grace period. A later cause does not replace an earlier one.
    fn terminate(&mut self, cause: Option<RecordedCause>, message: Option<String>) {
        if self.ending.is_none() {
            let grace = self.job.grace();
            let kill_at = Instant::now().checked_add(grace);
            self.ending = Some(Ending {
                cause,
                message,
                kill_at,
            });
            terminate_group(self.group());
        }
    }

    fn kill(&mut self, cause: Option<RecordedCause>, message: Option<String>) {
        let ending = self.ending.get_or_insert(Ending {
            cause,
            message,
            kill_at: None,
        });
        ending.cause = ending.cause.or(cause);
        ending.kill_at = None;
        signal_group(self.group(), Signal::SIGKILL);
    }

    fn pause(&self) -> Duration {
        let due = match &self.ending {
            Some(ending) => [ending.kill_at, None],
            None => [
                self.time_over_at,
                self.memory.as_ref().map(MemoryWatch::next_look),
            ],
        };
        let next = due.into_iter().flatten().min();
        let pause = next.map(|next| next.saturating_duration_since(Instant::now()));
        pause.unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE)
    }

    fn wait_for_signal(&mut self, pause: Duration) {
        match self.signals.recv_timeout(pause) {
            Ok(SIGUSR1) => self.kill(Some(RecordedCause::StopRequest), None),
            // The controller leaves a file before it signals. Without one it is somebody else
            // (the machine shuts down): that ends the attempt too, but nobody here wanted it.
            Ok(SIGTERM) => {
                self.heed_requests();
                self.terminate(None, None);
            }
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => thread::sleep(pause.min(LONGEST_PAUSE / 20)),
        }
    }

    /// Whether the kernel killed the command for want of memory: a SIGKILL that did not come from
    /// here, while the kernel's count of such kills rose.
    fn kernel_struck(&self, exit: RecordedExit) -> bool {
        let is_killed = exit == RecordedExit::Signal(Signal::SIGKILL as i32)
            || exit == RecordedExit::Code(SHELL_CODE_OF_SIGKILL);
        is_killed && self.ending.is_none() && out_of_memory_kills() > self.out_of_memory_kills
    }

    /// Ends what the command left behind. Processes that were sent SIGTERM already keep the rest
    /// of their grace period (a shell dies at once of the signal on which the program that it
    /// wraps saves its state); the others get a short one.
    fn end_leftovers(&self) {
        let group = self.group();
        if !is_group_alive(group) {
            return;
        }
        let kill_at = if let Some(ending) = &self.ending {
            ending.kill_at.unwrap_or_else(Instant::now)
        } else {
            terminate_group(group);
            Instant::now() + LEFTOVER_GRACE.min(self.job.grace())
        };
        // The file alone tells of a request to kill here: the pauses are short.
        let is_cut_short = || self.folder.is_requested(Request::Kill);
        if !wait_for_group(group, kill_at, is_cut_short) {
            signal_group(group, Signal::SIGKILL);
            wait_for_group(group, Instant::now() + STUCK_PATIENCE, || false);
        }
    }
}

/// Waits until the group is gone, the time has come, or something cuts it short; true if the
/// group is gone.
fn wait_for_group(group: i32, until: Instant, is_cut_short: impl Fn() -> bool) -> bool {
    let mut pause = Duration::from_millis(2);
    while is_group_alive(group) {
        let rest = until.saturating_duration_since(Instant::now());
        if rest.is_zero() || is_cut_short() {
            return false;
        }
        thread::sleep(pause.min(rest));
        pause = (pause * 2).min(LONGEST_PAUSE / 20);
    }
    true
}

/// How the command's main process ended, if it has. It stays unreaped, so that the number of its
/// group is not given to strangers while the rest of the group is being ended.
fn leader_exit(child: &mut Child) -> Option<RecordedExit> {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        match waitid(
            Id::Pid(nix::unistd::Pid::from_raw(child.id() as i32)),
            flags,
        ) {
            Ok(WaitStatus::Exited(_, code)) => return Some(RecordedExit::Code(code)),
            Ok(WaitStatus::Signaled(_, signal, _)) => {
                return Some(RecordedExit::Signal(signal as i32));
            }
            Ok(_) => return None,
            // A real-time signal has no name in this interface: ask the standard library.
            Err(_) => {}
        }
    }
    reaped_exit(child)
}

fn reaped_exit(child: &mut Child) -> Option<RecordedExit> {
    use std::os::unix::process::ExitStatusExt;
    match child.try_wait() {
        Ok(None) => None,
        Ok(Some(status)) => Some(match (status.code(), status.signal()) {
            (Some(code), _) => RecordedExit::Code(code),
            (None, Some(signal)) => RecordedExit::Signal(signal),
            (None, None) => RecordedExit::Unknown,
        }),
        Err(_) => Some(RecordedExit::Unknown),
    }
}
