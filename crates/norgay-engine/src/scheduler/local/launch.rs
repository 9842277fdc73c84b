//! Getting an attempt under way: its record folder, its environment, its supervisor.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::formats::JobRecord;
use super::process_group::ATTEMPT_ID;
use super::record::{METRICS, PARAMETERS, RecordError, RecordFolder, STDOUT, SUPERVISOR_LOG};
use crate::scheduler::{Job, SchedulerError};

/// The value of `NORGAY_ATTEMPT_ID`: unique, and the same for every controller.
pub(super) fn attempt_id(folder: &RecordFolder) -> String {
    folder.path().to_string_lossy().into_owned()
}

/// The job with its slot and variables filled in.
pub(super) fn job_record(
    job: &Job,
    folder: &RecordFolder,
    resource: Option<&str>,
) -> Result<JobRecord, SchedulerError> {
    let slot = resource.unwrap_or_default();
    let working_folder = std::path::absolute(&job.working_folder).map_err(|error| {
        let folder = job.working_folder.display();
        SchedulerError {
            message: format!("cannot find the working folder {folder}: {error}"),
        }
    })?;
    Ok(JobRecord {
        trial: job.key.trial,
        attempt: job.key.attempt,
        attempt_id: attempt_id(folder),
        command: job.command.iter().map(|text| fill(text, slot)).collect(),
        environment: environment(job, folder, slot),
        working_folder,
        resource: resource.map(str::to_owned),
        time_limit_ms: job.time_limit.map(milliseconds),
        memory_limit_bytes: job.memory_limit_bytes,
        grace_ms: milliseconds(job.grace),
    })
}

fn fill(text: &str, slot: &str) -> String {
    text.replace("{resource}", slot)
}

/// The job's variables, and over them those that only the scheduler knows.
fn environment(job: &Job, folder: &RecordFolder, slot: &str) -> BTreeMap<String, String> {
    let path = |name| folder.file(name).to_string_lossy().into_owned();
    let given = job.environment.iter();
    let mut environment: BTreeMap<String, String> = given
        .map(|(name, value)| (name.clone(), fill(value, slot)))
        .collect();
    environment
        .entry("NORGAY_PARAMS".to_owned())
        .or_insert_with(|| path(PARAMETERS));
    for (name, value) in [
        ("NORGAY_METRICS", path(METRICS)),
        (ATTEMPT_ID, attempt_id(folder)),
        ("NORGAY_RESOURCE", slot.to_owned()),
        ("SHERPA_RESOURCE", slot.to_owned()),
    ] {
        environment.insert(name.to_owned(), value);
    }
    environment
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Writes what the supervisor needs. The job comes last: without it, nothing can be started.
pub(super) fn write_records(
    folder: &RecordFolder,
    parameters_json: &str,
    record: &JobRecord,
) -> Result<(), RecordError> {
    folder.clear_requests()?;
    folder.write_parameters(parameters_json)?;
    folder.write_job(record)
}

/// Starts the supervisor of an attempt. It leaves our terminal by itself (`setsid`), which a
/// leader of a process group could not do, so it is not made one here. A Ctrl-C that hits it
/// before that finds nothing started.
pub(super) fn spawn_supervisor(
    supervisor_command: &[OsString],
    folder: &RecordFolder,
    attempt_id: &str,
) -> Result<Child, SchedulerError> {
    let failed = |error: &dyn std::fmt::Display| SchedulerError {
        message: format!("cannot start a supervisor with {supervisor_command:?}: {error}"),
    };
    let (program, arguments) = supervisor_command
        .split_first()
        .ok_or_else(|| failed(&"the command is empty"))?;
    let log = folder.open_log(SUPERVISOR_LOG)?;
    Command::new(program)
        .args(arguments)
        .arg(folder.path())
        // Between fork and exec the command's process shows the environment of its supervisor.
        .env(ATTEMPT_ID, attempt_id)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(|error| failed(&error))
}

/// Keeps the log's old name alive: `<base>/jobs/trial_<id>.out` leads to the standard output of
/// the trial's latest attempt. A file that is not a link is left alone.
pub(super) fn link_output(folder: &RecordFolder) -> io::Result<()> {
    let names = (|| {
        let attempt = folder.path().file_name()?;
        let trial = folder.path().parent()?;
        let jobs = trial.parent()?;
        let is_in_jobs = jobs.file_name()? == "jobs";
        is_in_jobs.then_some((jobs, trial.file_name()?, attempt))
    })();
    let Some((jobs, trial, attempt)) = names else {
        return Ok(());
    };
    let mut link_name = trial.to_owned();
    link_name.push(".out");
    let link = jobs.join(&link_name);
    if link
        .symlink_metadata()
        .is_ok_and(|metadata| !metadata.is_symlink())
    {
        return Ok(());
    }
    let mut temporary_name = OsString::from(".");
    temporary_name.push(&link_name);
    temporary_name.push(format!(".{}", std::process::id()));
    let temporary = jobs.join(temporary_name);
    std::os::unix::fs::symlink(Path::new(trial).join(attempt).join(STDOUT), &temporary)?;
    std::fs::rename(&temporary, &link).inspect_err(|_| {
        let _ = std::fs::remove_file(&temporary);
    })
}
