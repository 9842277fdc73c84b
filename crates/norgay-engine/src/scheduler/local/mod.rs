//! The local scheduler: attempts as processes of this machine, which survive `kill -9` of anything.
//!
//! Each attempt runs under a *supervisor*: the same binary, started again with a hidden argument
//! ([`supervise`]). The controller (the process that owns a [`LocalScheduler`]) and the supervisor
//! talk through the files of the attempt's record folder and nothing else, so either may die at
//! any instant, and a new controller finds everything that it needs in the folder:
//!
//! | file | written by | says |
//! | --- | --- | --- |
//! | `params.json`, `job.json` | controller | what to run |
//! | `lock` | supervisor (held) | a supervisor lives |
//! | `started.json` | supervisor | empty: the command may have been started; then: its processes |
//! | `stdout.log`, `stderr.log` | command | |
//! | `metrics.jsonl` | command | reports |
//! | `stop`, `kill` | controller | requests to end |
//! | `exit.json` | supervisor | how it ended |
//! | `supervisor.log` | supervisor | complaints; empty as a rule |
//!
//! # Why a command is started at most once
//!
//! A supervisor takes the lock, then reads `job.json`, then creates `started.json` with `O_EXCL`,
//! then starts the command. Only one process in all of history can create `started.json`, so only
//! one can start the command, however many supervisors race.
//!
//! "Was never started" is said only by a controller that holds the lock and finds no
//! `started.json`, and it removes `job.json` before it lets go of the lock. So a supervisor that
//! is late (its controller was killed right after spawning it) finds no job, and does nothing; or
//! it finds the job that a later `start` has written, which is as good as being that start's
//! supervisor.
//!
//! # What is left after a kill at each point
//!
//! Controller:
//! - before `job.json`: no lock, no mark: never started.
//! - after it, before or after the supervisor was spawned: as above if the supervisor does not
//!   have the lock yet; otherwise adopted.
//! - later: the supervisor needs nobody. A request to stop is a file; it outlives its writer.
//!
//! Supervisor:
//! - before `started.json`: never started.
//! - after the empty `started.json`, before the command runs: lost. (It could have been running.)
//! - after that, before the details are in `started.json`: lost; the processes are found by the
//!   `NORGAY_ATTEMPT_ID` in their environment, which the supervisor itself carries too, so that it
//!   shows even between fork and exec.
//! - while the command runs, or after its end but before `exit.json` is in place: lost; what is
//!   left is killed (see `process_group`).
//! - after that: the end is on record.
//!
//! The machine: process numbers are compared together with start times and the boot id, so those
//! of an earlier boot mean nothing. `exit.json` and reports written by [`append_report`] are
//! synced; `started.json` is not, since that would delay each start by a disk write: after a power
//! cut a lost attempt may look never started, which is harmless, for nothing of it can be running.
//!
//! # Limits of this
//!
//! Without `/proc` (macOS) the memory limit is not enforced, and processes whose supervisor was
//! killed are not found. A process that leaves its process group (`setsid`) is not ended with its
//! attempt, unless the supervisor was killed and the process carries the attempt's id. Locks on
//! network file systems are only as good as those; the record folder belongs on a local disk.

mod examine;
mod formats;
mod launch;
mod limits;
mod line_tail;
mod log_tail;
mod metrics_tail;
mod process_group;
mod process_table;
mod record;
mod signals;
mod slots;
mod stdout_pattern;
mod supervision;
mod supervisor;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::process::Child;
use std::thread;
use std::time::Duration;

use regex_lite::Regex;

use self::examine::{Finding, examine};
use self::record::{Lock, METRICS, RecordError, RecordFolder, Request, STDOUT};
use self::slots::Slots;
use self::watch::Watch;
use super::{Adoption, AttemptKey, Change, Job, News, Notice, Scheduler, SchedulerError};

pub use self::log_tail::{LogPaths, log_paths, log_tail};
pub use self::supervisor::supervise;
pub use crate::scheduler::report_line::append_report;

/// Time between two looks at the attempts: they are watched through files of this machine.
const PACE: Duration = Duration::from_millis(10);

/// How the local scheduler works.
#[derive(Clone, Debug)]
pub struct LocalOptions {
    /// Program and arguments that lead to [`supervise`]; the record folder is appended.
    pub supervisor_command: Vec<OsString>,
    /// Most attempts that run at once.
    pub max_concurrent: usize,
    /// Resources of which each running attempt holds one; without a pool, attempts hold none.
    pub resources: Option<Vec<String>>,
    /// Finds reports in standard output: group `step` is the step, other named groups are metrics.
    pub stdout_pattern: Option<Regex>,
}

/// Runs attempts as processes of this machine.
///
/// Dropping it stops nothing: the attempts go on, for a later scheduler to adopt.
#[derive(Debug)]
pub struct LocalScheduler {
    options: LocalOptions,
    slots: Slots,
    watched: BTreeMap<AttemptKey, Watch>,
    /// Attempts whose end was told: starting them again starts nothing.
    ended: BTreeSet<AttemptKey>,
    /// Supervisors that have written down the end and are about to exit.
    departing: Vec<Child>,
}

impl From<RecordError> for SchedulerError {
    fn from(error: RecordError) -> Self {
        Self {
            message: error.to_string(),
        }
    }
}

/// Whether a start may go ahead.
enum Clearance {
    /// Nobody has started the attempt; nobody can while the lock is held.
    Launch(Lock),
    /// It was started before.
    Started,
}

impl LocalScheduler {
    /// A scheduler that watches nothing yet; touches neither files nor processes.
    pub fn new(options: LocalOptions) -> Self {
        Self {
            slots: Slots::new(options.resources.clone()),
            options,
            watched: BTreeMap::new(),
            ended: BTreeSet::new(),
            departing: Vec::new(),
        }
    }

    /// Watches an attempt that some earlier controller started.
    fn watch_started(&mut self, key: AttemptKey, folder: RecordFolder) {
        let record = folder.read_job().ok().flatten();
        let attempt_id = known_attempt_id(&folder);
        let resource = record.and_then(|record| record.resource);
        if let Some(resource) = &resource {
            self.slots.claim(resource);
        }
        let pattern = self.options.stdout_pattern.as_ref();
        self.watched
            .insert(key, Watch::new(folder, attempt_id, resource, None, pattern));
    }

    /// Writes the records and starts the supervisor. The lock is held while the records are
    /// written, so that no earlier supervisor reads an old job meanwhile.
    fn launch(
        &mut self,
        job: &Job,
        folder: RecordFolder,
        lock: Lock,
    ) -> Result<(), SchedulerError> {
        if !self.has_room() {
            let message = "no slot is free; wait until an attempt has ended".to_owned();
            return Err(SchedulerError { message });
        }
        let resource = self.slots.take();
        let spawn = || {
            let record = launch::job_record(job, &folder, resource.as_deref())?;
            launch::write_records(&folder, &job.parameters_json, &record)?;
            drop(lock);
            let command = &self.options.supervisor_command;
            let spawned = launch::spawn_supervisor(command, &folder, &record.attempt_id);
            spawned.inspect_err(|_| {
                let _ = folder.remove_job();
            })
        };
        match spawn() {
            Ok(supervisor) => {
                let _ = launch::link_output(&folder);
                let attempt_id = launch::attempt_id(&folder);
                let pattern = self.options.stdout_pattern.as_ref();
                let watch = Watch::new(folder, attempt_id, resource, Some(supervisor), pattern);
                self.watched.insert(job.key, watch);
                Ok(())
            }
            Err(error) => {
                if let Some(resource) = &resource {
                    self.slots.give_back(resource);
                }
                Err(error)
            }
        }
    }

    fn forget(&mut self, key: AttemptKey) {
        let Some(watch) = self.watched.remove(&key) else {
            return;
        };
        self.ended.insert(key);
        if let Some(resource) = watch.resource() {
            self.slots.give_back(resource);
        }
        self.departing.extend(watch.into_supervisor());
    }

    fn request(&self, key: AttemptKey, request: Request) {
        if let Some(watch) = self.watched.get(&key) {
            watch.request(request);
        }
    }

    /// Whether a lost attempt left something behind that may hold reports.
    fn has_reports(&self, folder: &RecordFolder) -> bool {
        let has_bytes = |name| {
            folder
                .file(name)
                .metadata()
                .is_ok_and(|metadata| metadata.len() > 0)
        };
        has_bytes(METRICS) || self.options.stdout_pattern.is_some() && has_bytes(STDOUT)
    }
}

/// The id that the processes of the attempt carry: the recorded one, should the folder have been
/// moved since.
fn known_attempt_id(folder: &RecordFolder) -> String {
    let record = folder.read_job().ok().flatten();
    record.map_or_else(|| launch::attempt_id(folder), |record| record.attempt_id)
}

/// Takes the lock for a start, unless the attempt was started before. Between its lock and its
/// mark a supervisor passes in no time, so a short wait tells the two apart.
fn clearance(folder: &RecordFolder) -> Result<Clearance, SchedulerError> {
    const TRIES: usize = 500;
    for _ in 0..TRIES {
        let lock = folder.try_lock()?;
        if folder.is_claimed() || folder.read_exit()?.is_some() {
            return Ok(Clearance::Started);
        }
        if let Some(lock) = lock {
            return Ok(Clearance::Launch(lock));
        }
        thread::sleep(Duration::from_millis(2));
    }
    let path = folder.path().display();
    Err(SchedulerError {
        message: format!("the lock of {path} is held by another process"),
    })
}

impl Scheduler for LocalScheduler {
    fn has_room(&self) -> bool {
        self.watched.len() < self.options.max_concurrent && self.slots.has_free()
    }

    fn start(&mut self, job: &Job) -> Result<(), SchedulerError> {
        if self.watched.contains_key(&job.key) || self.ended.contains(&job.key) {
            return Ok(());
        }
        let folder = RecordFolder::at(&job.record_folder)?;
        folder.create()?;
        match clearance(&folder)? {
            Clearance::Launch(lock) => self.launch(job, folder, lock),
            Clearance::Started => {
                self.watch_started(job.key, folder);
                Ok(())
            }
        }
    }

    fn adopt(&mut self, job: &Job) -> Result<Adoption, SchedulerError> {
        if self.watched.contains_key(&job.key) || self.ended.contains(&job.key) {
            return Ok(Adoption::Adopted);
        }
        let folder = RecordFolder::at(&job.record_folder)?;
        match examine(&folder, &known_attempt_id(&folder)) {
            Ok(Finding::NeverStarted) => return Ok(Adoption::NeverStarted),
            Ok(Finding::Lost) if !self.has_reports(&folder) => return Ok(Adoption::Lost),
            // All else is told by `poll`: what a lost attempt reported and nobody has read, then
            // its end; or that the end is on record, but garbled.
            Ok(_) | Err(RecordError::Format { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.watch_started(job.key, folder);
        Ok(Adoption::Adopted)
    }

    fn poll(&mut self) -> Result<News, SchedulerError> {
        self.departing
            .retain_mut(|supervisor| matches!(supervisor.try_wait(), Ok(None)));
        let mut notices = Vec::new();
        let mut changes = Vec::new();
        let mut ended = Vec::new();
        for (key, watch) in &mut self.watched {
            watch.poll(&mut changes);
            if matches!(changes.last(), Some(Change::Ended(_))) {
                ended.push(*key);
            }
            notices.extend(changes.drain(..).map(|change| Notice { key: *key, change }));
        }
        for key in ended {
            self.forget(key);
        }
        let messages = Vec::new();
        Ok(News { notices, messages })
    }

    fn stop(&mut self, key: AttemptKey) {
        self.request(key, Request::Stop);
    }

    fn kill(&mut self, key: AttemptKey) {
        self.request(key, Request::Kill);
    }

    fn pace(&self) -> Duration {
        PACE
    }

    fn is_settled(&self) -> bool {
        true
    }
}
