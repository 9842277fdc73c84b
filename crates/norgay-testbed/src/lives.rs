//! How workflows go on once they were created.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::faults::ClusterFaults;
use crate::runner::{Job, Processes};
use crate::status::{self, Ending, PodFailure};
use crate::store::{Stored, is_final};
use crate::submission::validate;
use crate::world::{INSTANCE_LABEL, Shutdown, Signal, World};

/// How all workflows of a server go on.
#[derive(Clone, Debug)]
pub enum Lives {
    /// By a script.
    Scripted(Script),
    /// By a script that is made for each workflow, from its object.
    ScriptedEach(Each),
    /// By running the commands of their templates as processes of this machine.
    Processes(Arc<Processes>),
}

impl Default for Lives {
    fn default() -> Self {
        Self::Scripted(Script::default())
    }
}

impl Lives {
    /// Makes the script of each workflow from its object.
    pub fn each(script: impl Fn(&Value) -> Script + Send + Sync + 'static) -> Self {
        Self::ScriptedEach(Each(Arc::new(script)))
    }

    fn processes(&self) -> Option<Arc<Processes>> {
        match self {
            Self::Processes(processes) => Some(Arc::clone(processes)),
            Self::Scripted(_) | Self::ScriptedEach(_) => None,
        }
    }

    fn script(&self, workflow: &Value) -> Script {
        match self {
            Self::Scripted(script) => script.clone(),
            Self::ScriptedEach(Each(script)) => script(workflow),
            Self::Processes(_) => Script {
                ends_after: None,
                ..Script::running_for(Duration::ZERO)
            },
        }
    }
}

/// Makes the script of a workflow.
#[derive(Clone)]
pub struct Each(Arc<dyn Fn(&Value) -> Script + Send + Sync>);

impl fmt::Debug for Each {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Each")
    }
}

/// What a workflow does while it runs, its results for instance.
#[derive(Clone)]
pub struct Work(Arc<dyn Fn(&Value) + Send + Sync>);

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Work")
    }
}

/// How a workflow goes on. Each time counts from the step before; without one, the workflow waits
/// until the test says so ([`crate::ArgoServer::set_phase`]). By default it waits for everything.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// From its creation until it is Pending.
    pub pending_after: Option<Duration>,
    /// From Pending until it is Running.
    pub running_after: Option<Duration>,
    /// From Running until it ends.
    pub ends_after: Option<Duration>,
    /// How it ends.
    pub ending: Ending,
    /// What it does right before it ends, unless it was stopped before.
    pub work: Option<Work>,
}

impl Script {
    /// Pending at once, Running at once, Succeeded after this time.
    pub fn running_for(time: Duration) -> Self {
        Self {
            pending_after: Some(Duration::ZERO),
            running_after: Some(Duration::ZERO),
            ends_after: Some(time),
            ..Self::default()
        }
    }

    /// The same with another ending.
    #[must_use]
    pub fn ending(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }

    /// The same with something that is done right before the end; it gets the workflow's object
    /// and may block for a short time.
    #[must_use]
    pub fn working(mut self, work: impl Fn(&Value) + Send + Sync + 'static) -> Self {
        self.work = Some(Work(Arc::new(work)));
        self
    }
}

/// The steps of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Unseen,
    Pending,
    Running,
    Ended,
}

impl Stage {
    fn of(phase: &str) -> Self {
        match phase {
            "" => Self::Unseen,
            "Pending" => Self::Pending,
            phase if is_final(phase) => Self::Ended,
            _ => Self::Running,
        }
    }
}

/// What chance has in store for a workflow.
struct Fate {
    stuck: bool,
    ignores_shutdown: bool,
    vanishes: bool,
    delays: [Duration; 3],
}

/// What a workflow lives by.
struct Life {
    world: Arc<World>,
    workflow: Arc<Stored>,
    script: Script,
    fate: Fate,
    spec: Value,
    /// Why it can't run at all.
    flaw: Option<String>,
    /// Its processes, if it is run by any.
    job: Option<Job>,
}

/// Leads a workflow from its creation to its end, and beyond if finished ones are deleted.
pub(crate) async fn live(
    world: Arc<World>,
    workflow: Arc<Stored>,
    mut signals: watch::Receiver<Signal>,
) {
    let label = workflow.object["metadata"]["labels"][INSTANCE_LABEL].as_str();
    if label != world.setting.instance_id.as_deref() {
        // No controller will ever see it.
        drop(signals.wait_for(|signal| signal.gone).await);
        return;
    }
    let mut life = Life::new(world, workflow);
    let mut stage = Stage::Unseen;
    let mut since = Instant::now();
    // Nothing more comes by itself.
    let mut stuck = false;
    loop {
        // First the signal, then the object: what happens in between is signalled again.
        let signal = *signals.borrow_and_update();
        let Some(now) = life.now().filter(|_| !signal.gone) else {
            return life.quit().await;
        };
        let reached = Stage::of(now.phase());
        if reached != stage {
            (stage, since) = (reached, Instant::now());
        }
        if stage == Stage::Ended {
            life.quit().await;
            return life.end_of_keeping(&now, &mut signals).await;
        }
        if let Some(how) = signal.shutdown.filter(|how| heeded(*how, stage)) {
            life.quit().await;
            if !life.fate.ignores_shutdown {
                life.change(|object| status::end_shut_down(object, how.name()));
                continue;
            }
            stuck = true;
        }
        let due = life
            .time_of(stage)
            .filter(|_| !stuck)
            .map(|time| since + time);
        let deadline = life
            .deadline(stage)
            .filter(|_| !stuck)
            .map(|time| since + time);
        tokio::select! {
            changed = signals.changed() => if changed.is_err() { return life.quit().await },
            () = until(deadline) => {
                life.quit().await;
                life.change(status::end_late);
            },
            () = until(due) => stuck = !life.advance(stage),
        }
    }
}

/// One that waits for its turn does not heed a stop.
fn heeded(how: Shutdown, stage: Stage) -> bool {
    how == Shutdown::Terminate || stage == Stage::Running
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

impl Life {
    fn new(world: Arc<World>, workflow: Arc<Stored>) -> Self {
        let mut script = world.setting.lives.script(&workflow.object);
        let mut state = world.state();
        let spec = state
            .templates
            .resolve(&workflow.object)
            .unwrap_or_default();
        let ClusterFaults {
            stuck_running,
            ignores_shutdown,
            vanishes,
            evicted,
            ..
        } = *state.faults.cluster();
        if state.faults.happens(evicted) {
            script.ending = Ending::PodFailed(PodFailure::evicted());
        }
        let fate = Fate {
            stuck: state.faults.happens(stuck_running),
            ignores_shutdown: state.faults.happens(ignores_shutdown),
            vanishes: state.faults.happens(vanishes),
            delays: [(); 3].map(|()| state.faults.delay()),
        };
        let flaw = validate(&workflow.object, &state.templates)
            .err()
            .map(|refusal| refusal.message);
        drop(state);
        Self {
            world,
            workflow,
            script,
            fate,
            spec,
            flaw,
            job: None,
        }
    }

    /// The workflow as it is now; none once it is gone.
    fn now(&self) -> Option<Arc<Stored>> {
        let now = self.world.state().store.get(&self.workflow.key).ok()?;
        (now.uid == self.workflow.uid).then_some(now)
    }

    fn change(&self, change: impl FnOnce(&mut Value)) {
        self.world.change(&self.workflow, change);
    }

    /// Ends its processes, if there are any.
    async fn quit(&mut self) {
        if let Some(job) = self.job.take() {
            job.quit().await;
        }
    }

    /// How long a stage takes.
    fn time_of(&self, stage: Stage) -> Option<Duration> {
        let [pending, running, end] = self.fate.delays;
        match stage {
            Stage::Unseen => self.script.pending_after.map(|time| time + pending),
            Stage::Pending => self.script.running_after.map(|time| time + running),
            Stage::Running if self.fate.vanishes => self.script.ends_after.map(|time| time / 2),
            Stage::Running => self.script.ends_after.map(|time| time + end),
            Stage::Ended => None,
        }
    }

    /// How long it may run.
    fn deadline(&self, stage: Stage) -> Option<Duration> {
        let seconds = self.spec["activeDeadlineSeconds"].as_u64()?;
        (stage == Stage::Running).then_some(Duration::from_secs(seconds))
    }

    /// Goes on to the next stage; false if it never will by itself.
    fn advance(&mut self, stage: Stage) -> bool {
        match stage {
            Stage::Unseen if self.flaw.is_some() => {
                let message = self.flaw.as_deref().unwrap_or_default();
                self.change(|object| status::set_phase(object, "Error", message));
            }
            Stage::Unseen => self.change(|object| status::set_phase(object, "Pending", "")),
            Stage::Pending => self.begin(),
            Stage::Running => return self.end(),
            Stage::Ended => {}
        }
        true
    }

    fn begin(&mut self) {
        let entrypoint = self.spec["entrypoint"].as_str().unwrap_or_default();
        let Some(processes) = self.world.setting.lives.processes() else {
            return self.change(|object| status::begin(object, entrypoint));
        };
        self.change(|object| status::begin_entry(object, entrypoint));
        let (world, workflow) = (Arc::clone(&self.world), Arc::clone(&self.workflow));
        self.job = Some(Job::start(world, workflow, self.spec.clone(), processes));
    }

    fn end(&self) -> bool {
        if self.fate.vanishes {
            // It may be gone already, which is what was wanted.
            let _ = self.world.delete(&self.workflow.key);
            return true;
        }
        if let Some(Work(work)) = &self.script.work {
            work(&self.workflow.object);
        }
        let stuck = self.fate.stuck && self.script.ending == Ending::Succeeded;
        self.world.change(&self.workflow, |object| {
            status::end(object, &self.script.ending);
            if stuck {
                object["status"]["phase"] = json!("Running");
                object["status"]["finishedAt"] = Value::Null;
                object["metadata"]["labels"]["workflows.argoproj.io/phase"] = json!("Running");
                object["metadata"]["labels"]["workflows.argoproj.io/completed"] = json!("false");
            }
        });
        !stuck
    }

    /// Deletes a finished workflow when its time is over.
    async fn end_of_keeping(&self, ended: &Stored, signals: &mut watch::Receiver<Signal>) {
        let succeeded = ended.phase() == "Succeeded";
        let by_fault = self.world.state().faults.cluster().delete_finished_after_ms;
        let ttl = &self.spec["ttlStrategy"];
        let of_outcome = if succeeded {
            "secondsAfterSuccess"
        } else {
            "secondsAfterFailure"
        };
        let seconds = ttl[of_outcome]
            .as_u64()
            .or(ttl["secondsAfterCompletion"].as_u64());
        let by_spec = seconds.map(|seconds| seconds * 1000);
        let Some(kept) = by_fault.into_iter().chain(by_spec).min() else {
            return;
        };
        tokio::select! {
            () = sleep(Duration::from_millis(kept)) => {
                let _ = self.world.delete(&self.workflow.key);
            }
            _ = signals.wait_for(|signal| signal.gone) => {}
        }
    }
}
