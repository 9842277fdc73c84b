//! All of a cluster together: an argo-server whose workflows are processes, and an S3 server.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::faults::FaultPlan;
use crate::lives::Lives;
use crate::runner::Processes;
use crate::s3::S3Server;
use crate::server::{ArgoServer, Options};

/// The Secret of the S3 server, for the templates' `secretKeyRef`; keys as below.
const SECRET: &str = "norgay-s3";
const SECRET_KEYS: [(&str, &str); 4] = [
    ("access_key_id", "AWS_ACCESS_KEY_ID"),
    ("secret_access_key", "AWS_SECRET_ACCESS_KEY"),
    ("endpoint", "S3_ENDPOINT"),
    ("region", "AWS_REGION"),
];
/// The file in a testbed's folder that tells others how to reach it.
const VARIABLES_FILE: &str = "testbed.env";

/// What a testbed consists of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where all its files are: buckets, the pods' folders, `testbed.env`.
    pub folder: PathBuf,
    /// WorkflowTemplates and ClusterWorkflowTemplates.
    pub templates: Vec<Value>,
    /// The namespace of the workflows.
    pub namespace: String,
    /// A bucket that is there from the start.
    pub bucket: String,
    /// The port of the argo-server; 0 for any that is free.
    pub argo_port: u16,
    /// The port of the S3 server; 0 for any that is free.
    pub s3_port: u16,
    /// Variables of all pods: what an image would bring.
    pub environment: BTreeMap<String, String>,
    /// What goes wrong.
    pub faults: FaultPlan,
}

/// A cluster on this machine. [`Testbed::stop`] ends its processes.
pub struct Testbed {
    /// The argo-server.
    pub argo: ArgoServer,
    /// The S3 server.
    pub s3: S3Server,
    folder: PathBuf,
    bucket: String,
}

impl Testbed {
    /// Starts everything and writes `testbed.env`.
    pub fn start(setup: Setup) -> io::Result<Self> {
        fs::create_dir_all(&setup.folder)?;
        let folder = setup.folder.canonicalize()?;
        let (buckets, pods) = (folder.join("s3"), folder.join("pods"));
        fs::create_dir_all(buckets.join(&setup.bucket))?;
        fs::create_dir_all(&pods)?;
        let s3 = S3Server::start(&buckets, setup.s3_port, &random_word()?, &random_word()?)?;
        let processes = Processes {
            environment: setup.environment,
            secrets: secrets(&s3),
            folder: pods,
            ..Processes::default()
        };
        let argo = ArgoServer::start(Options {
            port: setup.argo_port,
            token: Some(random_word()?),
            token_file: Some(folder.join("token")),
            user: format!("system:serviceaccount:{}:norgay", setup.namespace),
            namespace: Some(setup.namespace),
            templates: setup.templates,
            lives: Lives::Processes(Arc::new(processes)),
            faults: setup.faults,
            ..Options::default()
        })?;
        let testbed = Self {
            argo,
            s3,
            folder,
            bucket: setup.bucket,
        };
        write_private(
            &testbed.folder.join("kubeconfig"),
            &testbed.argo.kubeconfig(),
        )?;
        testbed.write_variables()?;
        Ok(testbed)
    }

    /// The variables by which Norgay, its tests and other programs find it.
    pub fn variables(&self) -> Vec<(String, String)> {
        let kubeconfig = self
            .folder
            .join("kubeconfig")
            .to_string_lossy()
            .into_owned();
        let pairs = [
            ("ARGO_SERVER", self.argo.url()),
            ("ARGO_TOKEN", self.argo.token()),
            ("ARGO_NAMESPACE", self.argo.namespace().to_string()),
            ("NORGAY_TEST_ARGO_URL", self.argo.url()),
            ("NORGAY_TEST_ARGO_TOKEN", self.argo.token()),
            ("NORGAY_TEST_NAMESPACE", self.argo.namespace().to_string()),
            ("NORGAY_TEST_KUBECONFIG", kubeconfig),
            ("TESTBED_BUCKET", self.bucket.clone()),
        ];
        let pairs = pairs
            .into_iter()
            .map(|(name, value)| (name.to_string(), value));
        pairs.chain(self.s3.variables()).collect()
    }

    /// The file with the variables, in a form that shells read.
    pub fn variables_file(&self) -> PathBuf {
        self.folder.join(VARIABLES_FILE)
    }

    /// Ends all workflows with their processes; false if some are left.
    pub fn stop(self) -> bool {
        let all_ended = self.argo.end_all(Duration::from_secs(10));
        // Whoever reads it later must not take another server for this one.
        let removed = fs::remove_file(self.variables_file());
        all_ended && removed.is_ok()
    }

    fn write_variables(&self) -> io::Result<()> {
        let lines = self
            .variables()
            .into_iter()
            .map(|(name, value)| format!("export {name}={}\n", quoted(&value)));
        write_private(&self.variables_file(), &lines.collect::<String>())
    }
}

fn secrets(s3: &S3Server) -> BTreeMap<(String, String), String> {
    let variables: BTreeMap<_, _> = s3.variables().into_iter().collect();
    let pairs = SECRET_KEYS
        .iter()
        .filter_map(|(key, variable)| Some((*key, variables.get(*variable)?)));
    pairs
        .map(|(key, value)| ((SECRET.to_string(), key.to_string()), value.clone()))
        .collect()
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// A file that appears whole and that only its owner can read.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&partial)?;
    file.write_all(text.as_bytes())?;
    fs::rename(partial, path)
}

/// A word that nobody guesses.
fn random_word() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
