//! Schedulers and supervisors for the tests.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use norgay_engine::scheduler::local::{LocalOptions, LocalScheduler};
use norgay_engine::scheduler::{Job, Scheduler};

/// A named test without arguments.
pub type NamedTest = (&'static str, fn());

/// What leads to this binary's supervisor.
pub fn supervisor_command() -> Vec<OsString> {
    vec![
        std::env::current_exe().expect("our own path").into(),
        "supervise".into(),
    ]
}

pub fn options(max_concurrent: usize) -> LocalOptions {
    let supervisor_command = supervisor_command();
    LocalOptions {
        supervisor_command,
        max_concurrent,
        resources: None,
        stdout_pattern: None,
    }
}

pub fn make(max_concurrent: usize) -> Box<dyn Scheduler> {
    Box::new(LocalScheduler::new(options(max_concurrent)))
}

/// A scheduler with this pool of resources.
pub fn make_with_resources(max_concurrent: usize, resources: &[&str]) -> Box<dyn Scheduler> {
    let resources = Some(resources.iter().map(|name| (*name).to_owned()).collect());
    Box::new(LocalScheduler::new(LocalOptions {
        resources,
        ..options(max_concurrent)
    }))
}

/// A scheduler whose supervisors are this shell script (`$0` is the record folder).
pub fn make_with_supervisor(script: &str) -> Box<dyn Scheduler> {
    let supervisor_command = ["sh", "-c", script].map(OsString::from).to_vec();
    Box::new(LocalScheduler::new(LocalOptions {
        supervisor_command,
        ..options(1)
    }))
}

/// A supervisor that no scheduler knows of.
pub fn spawn_supervisor(record_folder: &Path) -> Child {
    let command = supervisor_command();
    Command::new(&command[0])
        .args(&command[1..])
        .arg(record_folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("a supervisor")
}

/// The details of a running attempt, once they are there.
pub fn started(job: &Job) -> Option<serde_json::Value> {
    let bytes = std::fs::read(job.record_folder.join("started.json")).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// The number of a process in those details: `supervisor` or `leader`.
pub fn pid_of(job: &Job, role: &str) -> i32 {
    let details = started(job).expect("the details of the attempt");
    details[role]["pid"].as_i64().expect("a number") as i32
}

pub fn send(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("a living process");
}
