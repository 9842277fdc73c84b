//! A container or a script as a process.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Scope;
use super::walk::{Outcome, Run};
use crate::logs::Line;
use crate::status::PodFailure;

/// How much of the standard output is kept as the result.
const LONGEST_RESULT: usize = 256 << 10;
/// The exit code of Argo's own program beside a container.
const EXECUTOR_CODE: i32 = 64;

/// All processes of a pod, which are killed when it goes.
struct Group(Pid);

impl Group {
    fn signal(&self, signal: Signal) {
        // One that has ended already needs no signal.
        let _ = killpg(self.0, signal);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

/// Runs the container or script of a template.
pub(super) async fn run(run: &Run, template: &Value, scope: &Scope, pod: &str) -> Outcome {
    let folder = match TempDir::with_prefix_in("pod-", &run.processes.folder) {
        Ok(folder) => folder,
        Err(error) => return Outcome::Flawed(format!("no folder for the pod: {error}")),
    };
    let command = match command(run, template, scope, folder.path()) {
        Ok(command) => command,
        Err(message) => return Outcome::Flawed(message),
    };
    match start(command) {
        Ok((child, group)) => follow(run, child, group, pod).await,
        Err(error) => Outcome::Failed(PodFailure {
            message: format!("Error (exit code {EXECUTOR_CODE}): {error}"),
            ..PodFailure::executor()
        }),
    }
}

fn command(run: &Run, template: &Value, scope: &Scope, folder: &Path) -> Result<Command, String> {
    let is_script = template["script"].is_object();
    let container = &template[if is_script { "script" } else { "container" }];
    let mut words = scope.scalars(&container["command"]);
    if words.is_empty() {
        let name = template["name"].as_str().unwrap_or_default();
        return Err(format!(
            "template {name} does not have the command specified"
        ));
    }
    if is_script {
        let path = folder.join(".script");
        let source = scope.scalar(&container["source"]).unwrap_or_default();
        std::fs::write(&path, source).map_err(|error| format!("no script for the pod: {error}"))?;
        words.push(path.to_string_lossy().into_owned());
    }
    words.extend(scope.scalars(&container["args"]));
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).current_dir(folder).env_clear();
    command
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder);
    command.envs(&run.processes.environment);
    for variable in container["env"].as_array().into_iter().flatten() {
        if let Some(value) = variable_value(run, variable, scope)? {
            command.env(variable["name"].as_str().unwrap_or_default(), value);
        }
    }
    Ok(command)
}

/// The value of a variable; none if it is of a Secret that need not be there.
fn variable_value(run: &Run, variable: &Value, scope: &Scope) -> Result<Option<String>, String> {
    let reference = &variable["valueFrom"]["secretKeyRef"];
    if !reference.is_object() {
        return Ok(Some(scope.scalar(&variable["value"]).unwrap_or_default()));
    }
    let text = |field: &str| reference[field].as_str().unwrap_or_default().to_string();
    let (name, key) = (text("name"), text("key"));
    let value = run
        .processes
        .secrets
        .get(&(name.clone(), key.clone()))
        .cloned();
    if value.is_none() && reference["optional"] != true {
        return Err(format!("secret \"{name}\" with key \"{key}\" not found"));
    }
    Ok(value)
}

fn start(mut command: Command) -> io::Result<(Child, Group)> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.process_group(0).kill_on_drop(true).spawn()?;
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let id = id.ok_or_else(|| io::Error::other("the process ended before it began"))?;
    Ok((child, Group(Pid::from_raw(id))))
}

/// Follows a process to its end, or ends it.
async fn follow(run: &Run, mut child: Child, group: Group, pod: &str) -> Outcome {
    let output = child.stdout.take().map(|output| read(run, output, pod));
    let errors = child.stderr.take().map(|errors| read(run, errors, pod));
    let mut cancelled = run.cancelled.clone();
    let cancelled = async move { drop(cancelled.wait_for(|cancelled| *cancelled).await) };
    let status = tokio::select! {
        status = child.wait() => status,
        () = cancelled => {
            group.signal(Signal::SIGTERM);
            let _ = timeout(run.processes.grace, child.wait()).await;
            return Outcome::Cancelled;
        }
    };
    // As with a container, what the main process left running ends with it.
    drop(group);
    let result = collected(output).await;
    collected(errors).await;
    match status {
        Ok(status) if status.success() => Outcome::Done(result),
        Ok(status) => Outcome::Failed(PodFailure::exit_code(code(status))),
        Err(error) => Outcome::Flawed(format!("the process can't be waited for: {error}")),
    }
}

/// The exit code of a process, as a shell tells it.
fn code(status: ExitStatus) -> i32 {
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(-1)
}

/// Reads lines into the log; gives the first of them back, joined.
fn read(run: &Run, from: impl AsyncRead + Unpin + Send + 'static, pod: &str) -> JoinHandle<String> {
    let (world, uid, pod) = (run.world.clone(), run.workflow.uid.clone(), pod.to_string());
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).lines();
        let mut all = String::new();
        while let Ok(Some(text)) = lines.next_line().await {
            if all.len() + text.len() < LONGEST_RESULT {
                all.push_str(&text);
                all.push('\n');
            }
            world.state().logs.add(
                &uid,
                Line {
                    pod: pod.clone(),
                    text,
                },
            );
        }
        all
    })
}

async fn collected(reader: Option<JoinHandle<String>>) -> String {
    match reader {
        Some(reader) => reader.await.unwrap_or_default().trim_end().to_string(),
        None => String::new(),
    }
}
