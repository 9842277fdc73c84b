//! One attempt as the controller sees it: its record folder, its supervisor, its reports.

use std::process::{Child, ExitStatus};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use regex_lite::Regex;

use super::examine::{Finding, examine};
use super::formats::{ExitRecord, RecordedExit};
use super::log_tail::{file_tail, log_tail};
use super::metrics_tail::MetricsTail;
use super::process_group::signal_verified;
use super::record::{RecordError, RecordFolder, Request, SUPERVISOR_LOG};
use crate::scheduler::{Change, JobEnd};

const TAIL_LINES: usize = 40;
const TAIL_BYTES: usize = 8 << 10;

/// An attempt whose end has not been told yet.
#[derive(Debug)]
pub(super) struct Watch {
    folder: RecordFolder,
    attempt_id: String,
    resource: Option<String>,
    /// The supervisor, if this process started it and it has not been reaped.
    supervisor: Option<Child>,
    /// How our own supervisor ended.
    supervisor_status: Option<ExitStatus>,
    tail: MetricsTail,
    /// The end, while reports that came before it are still being told.
    end: Option<JobEnd>,
}

impl Watch {
    pub(super) fn new(
        folder: RecordFolder,
        attempt_id: String,
        resource: Option<String>,
        supervisor: Option<Child>,
        stdout_pattern: Option<&Regex>,
    ) -> Self {
        let tail = MetricsTail::new(&folder, stdout_pattern);
        Self {
            folder,
            attempt_id,
            resource,
            supervisor,
            supervisor_status: None,
            tail,
            end: None,
        }
    }

    pub(super) fn resource(&self) -> Option<&str> {
        self.resource.as_deref()
    }

    /// The supervisor that is still to be reaped after the end of the attempt.
    pub(super) fn into_supervisor(self) -> Option<Child> {
        self.supervisor
    }

    /// Adds what happened since the last call. The look at the state comes before the look at the
    /// reports, so that a report that was there before the end is never missed.
    pub(super) fn poll(&mut self, changes: &mut Vec<Change>) {
        if self.end.is_none() {
            self.end = self.find_end();
            if self.end.is_some() {
                self.tail.close();
            }
        }
        let is_all_told = self.tail.read(changes);
        if is_all_told && let Some(end) = self.end.take() {
            changes.push(Change::Ended(end));
        }
    }

    fn find_end(&mut self) -> Option<JobEnd> {
        match self.folder.read_exit() {
            Ok(Some(exit)) => return Some(self.recorded_end(exit)),
            Ok(None) => {}
            Err(error @ RecordError::Format { .. }) => return Some(self.unknown_end(&error)),
            Err(RecordError::Io { .. }) => return None,
        }
        // While our own supervisor lives, there is nothing to find; it may not have the lock yet.
        if self.is_supervisor_alive() {
            return None;
        }
        match examine(&self.folder, &self.attempt_id) {
            Ok(Finding::Ended(exit)) => Some(self.recorded_end(exit)),
            Ok(Finding::Lost) => Some(self.unknown_end(
                &"the supervisor of the attempt vanished (killed, or the machine restarted); \
                 what was left of the attempt has been killed",
            )),
            Ok(Finding::NeverStarted) => Some(self.never_started_end()),
            Err(error @ RecordError::Format { .. }) => Some(self.unknown_end(&error)),
            // The file system may come back; to give the attempt up would risk running it twice.
            Ok(Finding::Running) | Err(RecordError::Io { .. }) => None,
        }
    }

    /// Reaps our own supervisor if it has ended.
    fn is_supervisor_alive(&mut self) -> bool {
        let Some(child) = &mut self.supervisor else {
            return false;
        };
        match child.try_wait() {
            Ok(None) => true,
            Ok(Some(status)) => {
                self.supervisor_status = Some(status);
                self.supervisor = None;
                false
            }
            Err(_) => {
                self.supervisor = None;
                false
            }
        }
    }

    fn recorded_end(&self, record: ExitRecord) -> JobEnd {
        let mut log_tail = log_tail(self.folder.path(), TAIL_LINES, TAIL_BYTES);
        if let Some(message) = &record.message {
            append_remark(&mut log_tail, message);
        }
        let ended_by = record.ended_by.map(Into::into);
        JobEnd {
            exit: record.exit.into(),
            ended_by,
            log_tail,
            result: None,
        }
    }

    fn unknown_end(&self, reason: &dyn std::fmt::Display) -> JobEnd {
        self.recorded_end(ExitRecord::now(
            RecordedExit::Unknown,
            Some(reason.to_string()),
        ))
    }

    /// The supervisor is gone and had not set the mark: killed, or not able to do its work.
    fn never_started_end(&self) -> JobEnd {
        let exit = match self.supervisor_status {
            Some(status) if status.code().is_some() => RecordedExit::NotStarted,
            _ => RecordedExit::Unknown,
        };
        let how = self
            .supervisor_status
            .map_or_else(String::new, |status| format!(" ({status})"));
        let complaint = file_tail(&self.folder.file(SUPERVISOR_LOG), TAIL_LINES, TAIL_BYTES);
        let message = format!(
            "the supervisor ended{how} before it started the command{}{complaint}",
            if complaint.is_empty() { "" } else { ": " }
        );
        self.recorded_end(ExitRecord::now(exit, Some(message)))
    }

    /// Asks the supervisor to end the attempt: a file, which is seen sooner or later whatever
    /// happens to either process, and a signal, so that it is seen at once.
    ///
    /// The signal goes out only after the mark "started" is set, since the supervisor catches
    /// signals by then; one that sets it later looks for the file after that.
    pub(super) fn request(&self, request: Request) {
        let _ = self.folder.request(request);
        if !self.folder.is_claimed() {
            return;
        }
        let signal = match request {
            Request::Stop => Signal::SIGTERM,
            Request::Kill => Signal::SIGUSR1,
        };
        if let Some(child) = &self.supervisor {
            let _ = kill(Pid::from_raw(child.id() as i32), signal);
        } else if let Some(started) = self.folder.read_started() {
            signal_verified(&started, started.supervisor, signal);
        }
    }
}

fn append_remark(log_tail: &mut String, remark: &str) {
    if !log_tail.is_empty() {
        log_tail.push('\n');
    }
    log_tail.push_str("norgay: ");
    log_tail.push_str(remark);
}
