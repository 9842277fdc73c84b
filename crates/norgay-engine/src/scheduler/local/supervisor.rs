//! The small process that stands beside each attempt: it starts the command, holds it to its
//! limits, ends its process group, and writes down how it ended.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use std::os::unix::process::CommandExt;

use super::formats::{ExitRecord, JobRecord, RecordedCause, RecordedExit, StartedRecord};
use super::process_group::identity;
use super::process_table;
use super::record::{Lock, RecordError, RecordFolder, Request, STDERR, STDOUT};
use super::signals;
use super::supervision::Supervision;

/// How long a supervisor waits for a lock that another process holds for a moment.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it tries to write the end on a full disk.
const DISK_PATIENCE: Duration = Duration::from_mins(1);

/// Why a supervisor gave up.
#[derive(Debug, thiserror::Error)]
enum SuperviseError {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("cannot receive signals: {0}")]
    Signals(io::Error),
    #[error("the lock of {0} was held for {seconds} s", seconds = PATIENCE.as_secs())]
    Locked(String),
}

/// Runs one attempt to its end: what the hidden subcommand of the norgay binary calls.
///
/// The returned number is the exit code for the process: 0 when the end of the attempt is on
/// record (or another supervisor sees to it), 1 when this supervisor failed; it then has said why
/// on standard error.
pub fn supervise(record_folder: &Path) -> i32 {
    match run(record_folder) {
        Ok(()) => 0,
        Err(error) => {
            let _ = writeln!(io::stderr(), "supervisor: {error}");
            1
        }
    }
}

fn run(record_folder: &Path) -> Result<(), SuperviseError> {
    // Away from the terminal: no Ctrl-C, no hang-up, and no password prompt that waits for ever.
    // It fails only for the leader of a process group, who is then on its own anyway.
    let _ = nix::unistd::setsid();
    // Before anything that others can see, so that a signal to a started attempt is never deadly.
    let signals = signals::receive().map_err(SuperviseError::Signals)?;
    let folder = RecordFolder::at(record_folder)?;
    let Some(_lock) = take_lock(&folder)? else {
        return Ok(());
    };
    let Some(job) = folder.read_job()? else {
        return Ok(());
    };
    if !folder.claim()? {
        return Ok(());
    }
    let exit = if folder.is_requested(Request::Stop) || folder.is_requested(Request::Kill) {
        let message = "stopped before the command was started".to_owned();
        let ended_by = Some(RecordedCause::StopRequest);
        ExitRecord {
            ended_by,
            ..ExitRecord::now(RecordedExit::NotStarted, Some(message))
        }
    } else {
        match spawn(&folder, &job) {
            Ok(child) => {
                write_started(&folder, &job, &child);
                Supervision::new(&folder, &job, child, signals).until_end()
            }
            Err(reason) => ExitRecord::now(RecordedExit::NotStarted, Some(reason)),
        }
    };
    write_exit(&folder, &exit)
}

/// The lock, or `None` if another supervisor has the attempt. The controller and its successors
/// hold the lock for moments as well, so a held lock alone means nothing.
fn take_lock(folder: &RecordFolder) -> Result<Option<Lock>, SuperviseError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if folder.is_claimed() {
            return Ok(None);
        }
        if let Some(lock) = folder.try_lock()? {
            return Ok(Some(lock));
        }
        if Instant::now() > deadline {
            return Err(SuperviseError::Locked(folder.path().display().to_string()));
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Starts the command in a process group of its own; the error is a sentence for the user.
fn spawn(folder: &RecordFolder, job: &JobRecord) -> Result<Child, String> {
    let (program, arguments) = job.command.split_first().ok_or("the command is empty")?;
    let working_folder = &job.working_folder;
    std::fs::create_dir_all(working_folder).map_err(|error| {
        format!(
            "cannot create the working folder {}: {error}",
            working_folder.display()
        )
    })?;
    let stdout = folder.open_log(STDOUT).map_err(|error| error.to_string())?;
    let stderr = folder.open_log(STDERR).map_err(|error| error.to_string())?;
    Command::new(program)
        .args(arguments)
        .envs(&job.environment)
        .current_dir(working_folder)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .process_group(0)
        .spawn()
        .map_err(|error| format!("cannot start '{program}': {error}"))
}

/// Writes down which processes these are. Without it the attempt runs on all the same: the
/// details only help to find its processes should this supervisor be killed.
fn write_started(folder: &RecordFolder, job: &JobRecord, child: &Child) {
    let started = StartedRecord {
        supervisor: identity(std::process::id() as i32),
        leader: identity(child.id() as i32),
        boot_id: process_table::boot_id(),
        resource: job.resource.clone(),
        started_at: jiff::Timestamp::now().to_string(),
    };
    if let Err(error) = folder.write_started(&started) {
        let _ = writeln!(io::stderr(), "supervisor: {error}");
    }
}

/// Writes the end; tries again for a while, since a full disk must not turn a success into
/// "unknown".
fn write_exit(folder: &RecordFolder, exit: &ExitRecord) -> Result<(), SuperviseError> {
    let deadline = Instant::now() + DISK_PATIENCE;
    loop {
        match folder.write_exit(exit) {
            Err(_) if folder.exists() && Instant::now() < deadline => {
                thread::sleep(Duration::from_secs(1));
            }
            result => return Ok(result?),
        }
    }
}
