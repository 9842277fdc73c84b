//! A cluster whose workflows do nothing but take their time and leave a result: what a benchmark
//! measures a study's engine against. It runs until it gets SIGTERM, and then tells what was asked
//! of it, as JSON on standard output.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use norgay_testbed::{ArgoServer, Lives, Options, S3Server, Script};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

type Failure = Box<dyn std::error::Error>;

const BUCKET: &str = "bench";

/// Starts an argo-server and an S3 server; FOLDER/cluster.json then tells how to reach them.
#[derive(Parser)]
struct Arguments {
    /// Where all files are kept.
    #[arg(long)]
    folder: PathBuf,
    /// How long a workflow runs, on average.
    #[arg(long, default_value_t = 30.0)]
    seconds: f64,
    /// How much longer or shorter some run, as a part of that time.
    #[arg(long, default_value_t = 0.2)]
    jitter: f64,
    /// How long a workflow is Pending.
    #[arg(long, default_value_t = 1.0)]
    pending: f64,
    /// The template asks for intermediate values.
    #[arg(long)]
    reports: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is there to read it if this fails.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let buckets = arguments.folder.join("s3");
    fs::create_dir_all(buckets.join(BUCKET))?;
    let s3 = S3Server::start(&buckets, 0, "bench-key", "bench-secret")?;
    let argo = ArgoServer::start(Options {
        templates: vec![template(arguments.reports)],
        lives: lives(arguments, buckets),
        ..Options::default()
    })?;
    let variables = [
        ("ARGO_SERVER", argo.url()),
        ("ARGO_TOKEN", argo.token()),
        ("ARGO_NAMESPACE", argo.namespace().to_string()),
    ];
    let variables = variables.map(|(name, value)| (name.to_string(), Value::from(value)));
    let buckets = s3.variables().into_iter();
    let all: serde_json::Map<String, Value> = buckets
        .map(|(name, value)| (name, Value::from(value)))
        .chain(variables)
        .collect();
    let partial = arguments.folder.join("cluster.partial");
    fs::write(&partial, Value::from(all).to_string())?;
    fs::rename(partial, arguments.folder.join("cluster.json"))?;
    wait_for_the_end()?;
    writeln!(io::stdout(), "{}", counts(&argo))?;
    Ok(())
}

fn wait_for_the_end() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        terminate.recv().await;
        Ok(())
    })
}

fn counts(argo: &ArgoServer) -> Value {
    let counters = argo.counters();
    json!({
        "requests": counters.requests,
        "created": counters.created,
        "created_again": counters.created_again,
        "live": counters.live,
        "most_live": counters.most_live,
        "left": argo.workflows().len(),
    })
}

/// A template that takes all parameters of a trial in one.
fn template(reports: bool) -> Value {
    let given = [
        "run_name",
        "input_path",
        "output_path",
        "model_input_path",
        "norgay_params",
    ];
    let metrics_path = reports.then_some("norgay_metrics_path");
    let parameters: Vec<Value> = given
        .into_iter()
        .chain(metrics_path)
        .map(|name| json!({"name": name, "value": ""}))
        .collect();
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": {"name": "trial"},
        "spec": {
            "entrypoint": "main",
            "arguments": {"parameters": parameters},
            "templates": [{"name": "main", "container": {"image": "i", "command": ["true"]}}],
        },
    })
}

fn lives(arguments: &Arguments, buckets: PathBuf) -> Lives {
    let (seconds, jitter) = (arguments.seconds, arguments.jitter);
    let pending = Duration::from_secs_f64(arguments.pending);
    Lives::each(move |workflow| {
        let name = workflow["metadata"]["name"].as_str().unwrap_or_default();
        let time = seconds * (1.0 + jitter * (2.0 * fraction(name) - 1.0));
        let buckets = buckets.clone();
        let mut script = Script::running_for(Duration::from_secs_f64(time))
            .working(move |workflow| leave_result(workflow, &buckets));
        script.running_after = Some(pending);
        script
    })
}

/// A number from 0 to 1 that is always the same for a name.
fn fraction(name: &str) -> f64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    let high = u32::try_from(hasher.finish() >> 32).unwrap_or_default();
    f64::from(high) / f64::from(u32::MAX)
}

/// Writes the metrics where the trial's last step would. Without them the study ends with fewer
/// results, which the benchmark tells.
fn leave_result(workflow: &Value, buckets: &Path) {
    let parameter = |name: &str| {
        let all = workflow["spec"]["arguments"]["parameters"].as_array();
        let found = all.and_then(|all| all.iter().find(|one| one["name"] == name));
        found
            .and_then(|one| one["value"].as_str())
            .unwrap_or_default()
    };
    let output = parameter("output_path");
    let folder = match output.strip_prefix("s3://") {
        Some(key) => buckets.join(key),
        None => PathBuf::from(output),
    };
    let metrics = json!({ "loss": loss(parameter("norgay_params")) });
    let written = fs::create_dir_all(&folder)
        .and_then(|()| fs::write(folder.join("metrics.json"), metrics.to_string()));
    if let Err(error) = written {
        let _ = writeln!(io::stderr(), "{}: {error}", folder.display());
    }
}

/// A bowl, so that an algorithm has something to find.
fn loss(parameters: &str) -> f64 {
    let given: Value = serde_json::from_str(parameters).unwrap_or_default();
    let given = given.as_object().into_iter().flatten();
    given
        .filter_map(|(_, value)| value.as_f64())
        .map(|x| (x - 0.3) * (x - 0.3))
        .sum()
}
