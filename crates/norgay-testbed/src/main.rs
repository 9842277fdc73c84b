//! `norgay-testbed`: a cluster on this machine, for tests and for trying Norgay out.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};

use clap::Parser;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use norgay_testbed::{FaultPlan, Setup, Testbed, read_templates};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

type Failure = Box<dyn std::error::Error>;

/// Starts an argo-server whose workflows are processes of this machine, and an S3 server.
///
/// Once both are ready, FOLDER/testbed.env tells shells how to reach them. It runs until it gets
/// SIGTERM or SIGINT, or until COMMAND has ended, and then ends all its processes.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where all files are kept: buckets, the pods' folders, testbed.env.
    #[arg(long)]
    folder: PathBuf,
    /// YAML files with WorkflowTemplates and ClusterWorkflowTemplates.
    #[arg(long, num_args = 1.., required = true, value_name = "FILE")]
    templates: Vec<PathBuf>,
    /// The namespace of the workflows.
    #[arg(long, default_value = "argo")]
    namespace: String,
    /// A bucket that is there from the start.
    #[arg(long, default_value = "testbed")]
    bucket: String,
    /// The port of the argo-server; 0 for any that is free.
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    argo_port: u16,
    /// The port of the S3 server; 0 for any that is free.
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    s3_port: u16,
    /// A variable of all pods, NAME=VALUE: what an image would bring. May be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,
    /// A JSON file that says what goes wrong.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// A command that is run with the variables of testbed.env; its exit code is that of all.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_string(), value.to_string()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let command = arguments.command.clone();
    let testbed = Testbed::start(setup(arguments)?)?;
    let code = if command.is_empty() {
        say(&format!("ready: {}", testbed.variables_file().display()));
        ended_by().await?;
        ExitCode::SUCCESS
    } else {
        let child = Command::new(&command[0])
            .args(&command[1..])
            .envs(testbed.variables())
            .spawn();
        match child {
            Ok(child) => exit_code(ended(child).await?),
            Err(error) => {
                testbed.stop();
                return Err(format!("{} can't be run: {error}", command[0]).into());
            }
        }
    };
    if testbed.stop() {
        Ok(code)
    } else {
        Err("some workflows have not ended in time".into())
    }
}

fn setup(arguments: Arguments) -> Result<Setup, Failure> {
    let mut templates = Vec::new();
    for path in &arguments.templates {
        templates.extend(read_templates(path)?);
    }
    let faults = match &arguments.faults {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?
        }
        None => FaultPlan::default(),
    };
    Ok(Setup {
        folder: arguments.folder,
        templates,
        namespace: arguments.namespace,
        bucket: arguments.bucket,
        argo_port: arguments.argo_port,
        s3_port: arguments.s3_port,
        environment: arguments.env.into_iter().collect::<BTreeMap<_, _>>(),
        faults,
    })
}

/// The first signal that asks to end.
async fn ended_by() -> io::Result<Signal> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        _ = terminate.recv() => Signal::SIGTERM,
        _ = interrupt.recv() => Signal::SIGINT,
    })
}

/// Waits for the command. A request to end is passed on to it; a terminal has sent its own to
/// both already.
async fn ended(mut child: Child) -> io::Result<ExitStatus> {
    loop {
        tokio::select! {
            status = child.wait() => return status,
            by = ended_by() => {
                let id = child.id().and_then(|id| i32::try_from(id).ok());
                if let (Signal::SIGTERM, Some(id)) = (by?, id) {
                    // It may just have ended, and then there is nobody to tell.
                    let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
                }
            }
        }
    }
}

/// The exit code of a command, as a shell tells it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

fn say(text: &str) {
    // Nobody is there to read it if this fails.
    let _ = writeln!(io::stderr(), "norgay-testbed: {text}");
}
