//! All that the stand-in knows, and what can happen to it.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::faults::Faults;
use crate::lives::{Lives, live};
use crate::logs::Logs;
use crate::record::{Counters, Record};
use crate::refusal::{Reason, Refusal};
use crate::store::{Key, Store, Stored};
use crate::submission::{check_object, complete_name};
use crate::templates::Templates;
use crate::time;

/// How a workflow is told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shutdown {
    Stop,
    Terminate,
}

impl Shutdown {
    /// Its name in an object.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stop => "Stop",
            Self::Terminate => "Terminate",
        }
    }

    /// The shutdown of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Stop, Self::Terminate]
            .into_iter()
            .find(|one| one.name() == name)
    }
}

/// The label by which a controller knows its workflows.
pub(crate) const INSTANCE_LABEL: &str = "workflows.argoproj.io/controller-instanceid";

/// What the one who runs a workflow is told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Signal {
    pub(crate) shutdown: Option<Shutdown>,
    /// It is being deleted.
    pub(crate) gone: bool,
}

/// What does not change while the server runs.
pub(crate) struct Setting {
    pub(crate) prefix: String,
    pub(crate) namespace: Option<String>,
    pub(crate) version: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) user: String,
    pub(crate) keep_alive: Duration,
    pub(crate) late_head: bool,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) clock_ahead_s: i64,
    pub(crate) lives: Lives,
}

/// What changes while the server runs.
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) templates: Templates,
    pub(crate) token: Option<String>,
    /// What nobody may do, as `verb resource`.
    pub(crate) forbidden: BTreeSet<String>,
    pub(crate) faults: Faults,
    pub(crate) record: Record,
    pub(crate) logs: Logs,
    signals: HashMap<String, watch::Sender<Signal>>,
}

/// All that the stand-in knows.
pub(crate) struct World {
    pub(crate) setting: Setting,
    state: Mutex<State>,
    /// Counts how often all watches were cut.
    pub(crate) cuts: watch::Sender<u64>,
    /// How many workflows are still led by somebody.
    pub(crate) lives: AtomicUsize,
    runtime: Handle,
}

impl World {
    pub(crate) fn new(
        setting: Setting,
        templates: Templates,
        token: Option<String>,
        faults: Faults,
        runtime: Handle,
    ) -> Self {
        let mut store = Store::new();
        store.set_lag(Duration::from_millis(faults.cluster().list_lag_ms));
        let state = State {
            store,
            templates,
            token,
            forbidden: BTreeSet::new(),
            faults,
            record: Record::default(),
            logs: Logs::default(),
            signals: HashMap::new(),
        };
        Self {
            setting,
            state: Mutex::new(state),
            cuts: watch::Sender::new(0),
            lives: AtomicUsize::new(0),
            runtime,
        }
    }

    /// The state, for a moment.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates a workflow, or with `dry` only finds out whether it could be.
    pub(crate) fn create(
        self: &Arc<Self>,
        mut workflow: Value,
        dry: bool,
    ) -> Result<Arc<Stored>, Refusal> {
        let mut state = self.state();
        let number = state.store.version();
        complete_name(&mut workflow, number);
        check_object(&workflow)?;
        if dry {
            return state.store.try_create(workflow);
        }
        let stored = state.store.create(workflow)?;
        let (sender, receiver) = watch::channel(Signal::default());
        state.signals.insert(stored.uid.clone(), sender);
        drop(state);
        self.lives.fetch_add(1, Ordering::AcqRel);
        let (world, workflow) = (Arc::clone(self), Arc::clone(&stored));
        self.runtime.spawn(async move {
            live(Arc::clone(&world), workflow, receiver).await;
            world.lives.fetch_sub(1, Ordering::AcqRel);
        });
        Ok(stored)
    }

    /// Tells a workflow to end.
    pub(crate) fn shut_down(&self, key: &Key, how: Shutdown) -> Result<Arc<Stored>, Refusal> {
        let mut state = self.state();
        let workflow = state.store.get(key)?;
        if workflow.is_final() {
            let message = format!(
                "cannot shutdown a completed workflow: workflow: \"{}\", namespace: \"{}\"",
                key.1, key.0
            );
            return Err(Refusal::new(Reason::Internal, message));
        }
        let stored = state
            .store
            .modify(key, |object| object["spec"]["shutdown"] = json!(how.name()))?;
        state.signal(&stored.uid, |signal| signal.shutdown = Some(how));
        Ok(stored)
    }

    /// Deletes a workflow, at once or in a while.
    pub(crate) fn delete(self: &Arc<Self>, key: &Key) -> Result<Arc<Stored>, Refusal> {
        let mut state = self.state();
        let stored = state.store.get(key)?;
        state.signal(&stored.uid, |signal| signal.gone = true);
        let takes = Duration::from_millis(state.faults.cluster().delete_takes_ms);
        if takes.is_zero() {
            state.remove(key, &stored.uid);
        } else if !stored.is_deleting() {
            let now = time::now();
            state.store.modify(key, |object| {
                object["metadata"]["deletionTimestamp"] = json!(now);
            })?;
            let (world, key, uid) = (Arc::clone(self), key.clone(), stored.uid.clone());
            self.runtime.spawn(async move {
                tokio::time::sleep(takes).await;
                world.state().remove(&key, &uid);
            });
        }
        Ok(stored)
    }

    /// Changes a workflow that is still the one of this uid, and has not ended.
    pub(crate) fn change(&self, workflow: &Stored, change: impl FnOnce(&mut Value)) {
        let mut state = self.state();
        let Ok(now) = state.store.get(&workflow.key) else {
            return;
        };
        if now.uid == workflow.uid && !now.is_final() {
            // It was there a moment ago and the state is held, so there is nothing to refuse.
            let _ = state.store.modify(&workflow.key, change);
            state.signal(&workflow.uid, |_| {});
        }
    }

    /// What was counted since the start.
    pub(crate) fn counters(&self) -> Counters {
        let state = self.state();
        let census = &state.store.census;
        let mut again: Vec<_> = census
            .created
            .iter()
            .filter(|(_, times)| **times > 1)
            .collect();
        again.sort();
        Counters {
            requests: state.record.counts().clone(),
            created: census.created.values().map(|&times| u64::from(times)).sum(),
            live: census.live,
            most_live: census.most_live,
            created_again: again.into_iter().map(|(key, _)| key.1.clone()).collect(),
        }
    }
}

impl State {
    /// Wakes the one who runs a workflow.
    pub(crate) fn signal(&self, uid: &str, change: impl FnOnce(&mut Signal)) {
        if let Some(sender) = self.signals.get(uid) {
            sender.send_modify(change);
        }
    }

    /// Takes a workflow away, if it is still the one of this uid.
    pub(crate) fn remove(&mut self, key: &Key, uid: &str) {
        if self.store.get(key).is_ok_and(|now| now.uid == uid) {
            let _ = self.store.remove(key);
        }
        self.signals.remove(uid);
        self.logs.forget(uid);
    }
}
