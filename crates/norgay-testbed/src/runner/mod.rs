//! Runs workflows as processes of this machine.

mod pod;
mod substitute;
mod walk;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::status::{self, Ending};
use crate::store::Stored;
use crate::world::World;

pub(crate) use substitute::Scope;

/// How workflows are run as processes: each container or script in a new folder of its own, with
/// nothing in its environment but `PATH`, `HOME` and what is given here or by its template.
#[derive(Clone, Debug)]
pub struct Processes {
    /// Variables of all pods.
    pub environment: BTreeMap<String, String>,
    /// Values of Secrets by name and key, for `secretKeyRef`.
    pub secrets: BTreeMap<(String, String), String>,
    /// Where the pods' folders are made.
    pub folder: PathBuf,
    /// From the request to end until a pod is killed.
    pub grace: Duration,
}

impl Default for Processes {
    fn default() -> Self {
        Self {
            environment: BTreeMap::new(),
            secrets: BTreeMap::new(),
            folder: std::env::temp_dir(),
            grace: Duration::from_secs(2),
        }
    }
}

/// A workflow that runs.
pub(crate) struct Job {
    cancel: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Job {
    /// Starts a workflow that is Running; when all is done, it ends it.
    pub(crate) fn start(
        world: Arc<World>,
        workflow: Arc<Stored>,
        spec: Value,
        processes: Arc<Processes>,
    ) -> Self {
        let (cancel, cancelled) = watch::channel(false);
        let task = tokio::spawn(async move {
            let run = walk::Run::new(
                Arc::clone(&world),
                Arc::clone(&workflow),
                spec,
                processes,
                cancelled,
            );
            let ending = run.to_the_end().await;
            if let Some(ending) = ending {
                world.change(&workflow, |object| end(object, &ending));
            }
        });
        Self { cancel, task }
    }

    /// Ends all its processes and waits until they have ended.
    pub(crate) async fn quit(self) {
        self.cancel.send_replace(true);
        // A job that panicked has ended as well.
        let _ = self.task.await;
    }
}

/// The pods have ended their own nodes already.
fn end(workflow: &mut Value, ending: &Ending) {
    let (phase, message) = match ending {
        Ending::Succeeded => ("Succeeded", ""),
        Ending::PodFailed(failure) => (failure.phase.as_str(), failure.message.as_str()),
        Ending::Error(message) => ("Error", message.as_str()),
    };
    let name = workflow["metadata"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_string();
    status::end_entry(workflow, &name, phase);
    status::set_phase(workflow, phase, message);
}
