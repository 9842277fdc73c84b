//! A cluster, and a folder in which the program is run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use norgay_testbed::{FaultPlan, Setup, Testbed};
use serde_json::{Value as Json, json};

use crate::common::{Place, wait_until};

/// The bucket of all tests.
pub const BUCKET: &str = "testbed";

/// A study of four trials, two at a time.
pub const STUDY: &str = "
name: press
parameters: {x: {type: continuous, range: [0, 1]}}
minimize: loss
algorithm: random
budget: {trials: 4}
max_concurrent: 2
scheduler: argo
argo: {template: trial, submit_rate: 100, metrics_interval: 1s}
metrics_file: metrics.json
output_path: s3://testbed/out
limits: {grace: 1s}
";

/// What all scripts may use: the trial's folders in the bucket, `put FILE` to write its input
/// into such a file as an upload does (whole or not at all), and `wait_for FILE`.
const PRELUDE: &str = r#"
local_of() { echo "$BUCKETS/${1#s3://}"; }
put() { cat > .upload; mkdir -p "$(dirname "$1")"; mv .upload "$1"; }
wait_for() { until [ -e "$1" ]; do sleep 0.02; done; }
OUT=$(local_of "$OUTPUT"); OWN=$(local_of "$METRICS"); PARENT=$(local_of "$MODEL")
"#;

/// Ends well, with the metrics file.
pub const LOSS: &str = r#"printf '{"loss": %s}' "$X" | put "$OUT/metrics.json""#;

/// The same once the test wants it.
pub const WAITING: &str =
    r#"wait_for "$FREE/go"; printf '{"loss": %s}' "$X" | put "$OUT/metrics.json""#;

/// The parameters that the template declares, and the variables in which scripts find them.
const PARAMETERS: &[(&str, &str)] = &[
    ("x", "X"),
    ("output_path", "OUTPUT"),
    ("norgay_metrics_path", "METRICS"),
    ("model_input_path", "MODEL"),
    ("norgay_trial", "TRIAL"),
    ("norgay_attempt", "ATTEMPT"),
];

/// A cluster, and a folder in which the program is run.
pub struct Cluster {
    pub place: Place,
    testbed: Option<Testbed>,
    _files: tempfile::TempDir,
    buckets: PathBuf,
    free: PathBuf,
}

impl Cluster {
    /// One whose template `trial` runs this script.
    pub fn running(script: &str) -> Self {
        Self::with(&[template("trial", &["main"], script, &[])])
    }

    /// One with these templates.
    pub fn with(templates: &[Json]) -> Self {
        let files = tempfile::tempdir().unwrap();
        let folder = files.path().canonicalize().unwrap();
        let (buckets, free) = (folder.join("s3"), folder.join("free"));
        std::fs::create_dir(&free).unwrap();
        let variable = |name: &str, path: &Path| (name.to_string(), path.display().to_string());
        let environment = BTreeMap::from([variable("BUCKETS", &buckets), variable("FREE", &free)]);
        let testbed = Testbed::start(Setup {
            folder,
            templates: templates.to_vec(),
            namespace: "hpo".into(),
            bucket: BUCKET.into(),
            argo_port: 0,
            s3_port: 0,
            environment,
            faults: FaultPlan::default(),
        });
        Self {
            place: Place::empty(),
            testbed: Some(testbed.unwrap()),
            _files: files,
            buckets,
            free,
        }
    }

    pub fn testbed(&self) -> &Testbed {
        self.testbed.as_ref().unwrap()
    }

    pub fn argo(&self) -> &norgay_testbed::ArgoServer {
        &self.testbed().argo
    }

    /// The program, with the cluster's variables.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.command(arguments);
        command.env_remove("api_exec_token");
        command.envs(self.testbed().variables());
        command
    }

    /// Runs the program, checks its exit code, and gives both its outputs as one text.
    pub fn norgay(&self, arguments: &[&str], code: i32) -> String {
        self.said(&self.command(arguments).output().unwrap(), code)
    }

    /// Runs a study file to its end.
    pub fn run(&self, study: &str, code: i32) -> String {
        self.place.write("study.yaml", study);
        self.norgay(&["run", "study.yaml"], code)
    }

    /// Starts to run a study file.
    pub fn start(&self, study: &str) -> Child {
        self.place.write("study.yaml", study);
        self.spawn(&["run", "study.yaml"])
    }

    pub fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Waits for a run's end.
    pub fn ended(&self, run: Child, code: i32) -> String {
        self.said(&run.wait_with_output().unwrap(), code)
    }

    fn said(&self, output: &Output, code: i32) -> String {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        for secret in self.secrets() {
            assert!(!said.contains(&secret), "a secret is shown: {said}");
        }
        said
    }

    /// What nobody may find anywhere.
    fn secrets(&self) -> Vec<String> {
        let variables = self.testbed().variables();
        let secret = |(name, value): (String, String)| {
            let wanted = ["ARGO_TOKEN", "AWS_SECRET_ACCESS_KEY"].contains(&&*name);
            wanted.then_some(value)
        };
        variables.into_iter().filter_map(secret).collect()
    }

    /// Looks for secrets in all that the program has written.
    pub fn check_files(&self) {
        let secrets = self.secrets();
        let mut folders = vec![self.place.path().to_path_buf(), self.buckets.join(BUCKET)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let bytes = std::fs::read(&path).unwrap();
                for secret in &secrets {
                    let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
                    assert!(!found, "{} holds a secret", path.display());
                }
            }
        }
    }

    /// A file in the bucket.
    pub fn object(&self, path: &str) -> PathBuf {
        self.buckets.join(BUCKET).join(path)
    }

    /// The text of a file in the bucket; empty if it is not there.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.object(path)).unwrap_or_default()
    }

    pub fn put(&self, path: &str, text: &str) {
        let path = self.object(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A file through which test and trials talk, beside the bucket.
    pub fn free(&self, name: &str) -> PathBuf {
        self.free.join(name)
    }

    /// Makes what trials wait for.
    pub fn release(&self, name: &str) {
        std::fs::write(self.free(name), "").unwrap();
    }

    /// Waits until so many workflows run, with their pods.
    pub fn wait_for_running(&self, count: usize) {
        let is_running_pod = |node: &Json| node["type"] == "Pod" && node["phase"] == "Running";
        let runs = |workflow: &&Json| {
            let nodes = workflow["status"]["nodes"].as_object();
            let mut nodes = nodes.into_iter().flat_map(|nodes| nodes.values());
            workflow["status"]["phase"] == "Running" && nodes.any(is_running_pod)
        };
        wait_until("workflows run", || {
            self.argo().workflows().iter().filter(runs).count() == count
        });
    }

    /// The name of the workflow of a trial's attempt, among those that are there.
    pub fn name(&self, trial: u64, attempt: u64) -> String {
        let end = format!("-{trial}-{attempt}");
        let all = self.argo().workflows();
        let names = all.iter().map(|one| &one["metadata"]["name"]);
        let mut names = names.filter_map(|name| name.as_str());
        let name = names.find(|name| name.ends_with(&end));
        name.unwrap_or_else(|| panic!("no workflow {end}"))
            .to_string()
    }

    /// No workflow was made twice, none lives, and no secret lies about.
    pub fn check_end(&self, workflows: u64) {
        let counters = self.argo().counters();
        assert_eq!(counters.created, workflows);
        assert_eq!(counters.created_again, Vec::<String>::new());
        assert_eq!(counters.live, 0);
        self.check_files();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(testbed) = self.testbed.take() {
            testbed.stop();
        }
    }
}

/// A template that runs a script, whichever of these entrypoints is wanted. `more` are parameters
/// beyond the usual ones; scripts find them in variables of the same name.
pub fn template(name: &str, entrypoints: &[&str], script: &str, more: &[&str]) -> Json {
    let more = more.iter().map(|name| (*name, *name));
    let all: Vec<_> = PARAMETERS.iter().copied().chain(more).collect();
    let declared = all
        .iter()
        .map(|(name, _)| json!({"name": name, "value": ""}));
    let variables: Vec<Json> = all
        .iter()
        .map(|(name, variable)| {
            json!({"name": variable, "value": format!("{{{{workflow.parameters.{name}}}}}")})
        })
        .collect();
    let templates = entrypoints.iter().map(|entrypoint| {
        let variables = [
            variables.clone(),
            vec![json!({"name": "ENTRYPOINT", "value": entrypoint})],
        ];
        json!({"name": entrypoint, "script": {
            "image": "none",
            "command": ["sh"],
            "source": format!("{PRELUDE}{script}"),
            "env": variables.concat(),
        }})
    });
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": {"name": name},
        "spec": {
            "entrypoint": entrypoints[0],
            "arguments": {"parameters": declared.collect::<Vec<_>>()},
            "templates": templates.collect::<Vec<_>>(),
        },
    })
}
