//! The workflows, each change of them, and who is told.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::refusal::{Reason, Refusal};
use crate::selector::Selector;
use crate::time;

/// How many changes are kept for those who ask for them later.
const KEPT_CHANGES: usize = 4096;

/// Namespace and name.
pub(crate) type Key = (String, String);

/// A workflow at one of its versions.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) key: Key,
    pub(crate) uid: String,
    pub(crate) version: u64,
    /// The order of creation.
    sequence: u64,
    pub(crate) object: Value,
}

impl Stored {
    /// Its phase; empty as long as no controller has seen it.
    pub(crate) fn phase(&self) -> &str {
        self.object["status"]["phase"].as_str().unwrap_or_default()
    }

    /// Whether nothing more will come.
    pub(crate) fn is_final(&self) -> bool {
        is_final(self.phase())
    }

    /// Whether its deletion has begun.
    pub(crate) fn is_deleting(&self) -> bool {
        self.object["metadata"]["deletionTimestamp"].is_string()
    }
}

/// Whether nothing more comes after this phase.
pub(crate) fn is_final(phase: &str) -> bool {
    matches!(phase, "Succeeded" | "Failed" | "Error")
}

/// What happened to a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Added,
    Modified,
    Deleted,
}

impl Change {
    /// Its name in a watch.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// A change of a workflow.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) version: u64,
    pub(crate) change: Change,
    pub(crate) workflow: Arc<Stored>,
    at: Instant,
}

/// What was counted over the whole life of a store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Census {
    /// How often each name was created.
    pub(crate) created: HashMap<Key, u32>,
    /// Workflows that have not ended now.
    pub(crate) live: usize,
    /// The most that ever were live at once.
    pub(crate) most_live: usize,
}

/// All workflows.
pub(crate) struct Store {
    version: u64,
    workflows: BTreeMap<Key, Arc<Stored>>,
    log: VecDeque<Event>,
    /// The version up to which changes were forgotten.
    forgotten: u64,
    stale: StaleView,
    changed: watch::Sender<u64>,
    pub(crate) census: Census,
}

/// The workflows as a lagging reader sees them.
#[derive(Default)]
struct StaleView {
    lag: Duration,
    workflows: BTreeMap<Key, Arc<Stored>>,
    coming: VecDeque<Event>,
}

impl Store {
    pub(crate) fn new() -> Self {
        // Versions start well above zero, so that an old one can be told from none.
        let version = 1000;
        Self {
            version,
            workflows: BTreeMap::new(),
            log: VecDeque::new(),
            forgotten: version,
            stale: StaleView::default(),
            changed: watch::Sender::new(version),
            census: Census::default(),
        }
    }

    /// The present version.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Is told of each new version.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// From now on lists show what was so long ago.
    pub(crate) fn set_lag(&mut self, lag: Duration) {
        if self.stale.lag.is_zero() && !lag.is_zero() {
            self.stale.workflows = self.workflows.clone();
            self.stale.coming.clear();
        }
        self.stale.lag = lag;
    }

    /// Adds a workflow; its namespace and name must be in its metadata already.
    pub(crate) fn create(&mut self, mut object: Value) -> Result<Arc<Stored>, Refusal> {
        let key = key_of(&object);
        self.check_free(&key)?;
        let sequence = self.version + 1;
        let uid = uid_of(sequence);
        let metadata = &mut object["metadata"];
        metadata["uid"] = json!(uid);
        metadata["generation"] = json!(1);
        metadata["creationTimestamp"] = json!(time::now());
        *self.census.created.entry(key.clone()).or_default() += 1;
        self.census.live += 1;
        self.census.most_live = self.census.most_live.max(self.census.live);
        let stored = Stored {
            key,
            uid,
            version: 0,
            sequence,
            object,
        };
        Ok(self.put(stored, Change::Added))
    }

    /// What a workflow would be if it were created.
    pub(crate) fn try_create(&self, object: Value) -> Result<Arc<Stored>, Refusal> {
        let key = key_of(&object);
        self.check_free(&key)?;
        Ok(Arc::new(Stored {
            key,
            uid: String::new(),
            version: 0,
            sequence: 0,
            object,
        }))
    }

    fn check_free(&self, key: &Key) -> Result<(), Refusal> {
        match self.workflows.get(key) {
            Some(_) => Err(Refusal::name_taken("workflows", &key.1)),
            None => Ok(()),
        }
    }

    /// A workflow.
    pub(crate) fn get(&self, key: &Key) -> Result<Arc<Stored>, Refusal> {
        let found = self.workflows.get(key).cloned();
        found.ok_or_else(|| Refusal::not_found("workflows", &key.1))
    }

    /// Changes a workflow; nobody is told if the change changes nothing.
    pub(crate) fn modify(
        &mut self,
        key: &Key,
        change: impl FnOnce(&mut Value),
    ) -> Result<Arc<Stored>, Refusal> {
        let before = self.get(key)?;
        let mut object = before.object.clone();
        change(&mut object);
        if object == before.object {
            return Ok(before);
        }
        let stored = Stored {
            key: key.clone(),
            uid: before.uid.clone(),
            version: 0,
            sequence: before.sequence,
            object,
        };
        if stored.is_final() && !before.is_final() {
            self.census.live -= 1;
        }
        Ok(self.put(stored, Change::Modified))
    }

    /// Takes a workflow away.
    pub(crate) fn remove(&mut self, key: &Key) -> Result<Arc<Stored>, Refusal> {
        let last = self.get(key)?;
        self.workflows.remove(key);
        if !last.is_final() {
            self.census.live -= 1;
        }
        self.version += 1;
        self.publish(Change::Deleted, Arc::clone(&last));
        Ok(last)
    }

    /// The workflows of a namespace with these labels, newest first; as they are, or as a lagging
    /// reader sees them.
    pub(crate) fn list(
        &mut self,
        namespace: &str,
        selector: &Selector,
        lagging: bool,
    ) -> Vec<Arc<Stored>> {
        let workflows = if lagging && !self.stale.lag.is_zero() {
            self.stale.catch_up();
            &self.stale.workflows
        } else {
            &self.workflows
        };
        let mut found: Vec<_> = workflows
            .values()
            .filter(|one| namespace.is_empty() || one.key.0 == namespace)
            .filter(|one| selector.selects(&one.object))
            .cloned()
            .collect();
        found.sort_by_key(|one| std::cmp::Reverse(one.sequence));
        found
    }

    /// The changes after a version, or a refusal if some of them were forgotten.
    pub(crate) fn changes_after(&self, version: u64) -> Result<Vec<Event>, Refusal> {
        if version < self.forgotten {
            let message = format!("too old resource version: {version} ({})", self.version);
            return Err(Refusal::new(Reason::Gone, message));
        }
        let first = self.log.partition_point(|event| event.version <= version);
        Ok(self.log.range(first..).cloned().collect())
    }

    /// Forgets all changes, so that a watch can't go on from an earlier version.
    pub(crate) fn forget_changes(&mut self) {
        self.version += 1;
        self.forgotten = self.version;
        self.log.clear();
        self.changed.send_replace(self.version);
    }

    fn put(&mut self, mut stored: Stored, change: Change) -> Arc<Stored> {
        self.version += 1;
        stored.version = self.version;
        stored.object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let stored = Arc::new(stored);
        self.workflows
            .insert(stored.key.clone(), Arc::clone(&stored));
        self.publish(change, Arc::clone(&stored));
        stored
    }

    fn publish(&mut self, change: Change, workflow: Arc<Stored>) {
        let event = Event {
            version: self.version,
            change,
            workflow,
            at: Instant::now(),
        };
        if !self.stale.lag.is_zero() {
            self.stale.coming.push_back(event.clone());
        }
        self.log.push_back(event);
        if self.log.len() > KEPT_CHANGES
            && let Some(oldest) = self.log.pop_front()
        {
            self.forgotten = oldest.version;
        }
        self.changed.send_replace(self.version);
    }
}

impl StaleView {
    fn catch_up(&mut self) {
        let is_due = |event: &Event| event.at.elapsed() >= self.lag;
        let due = self.coming.iter().take_while(|event| is_due(event)).count();
        for event in self.coming.drain(..due) {
            let key = event.workflow.key.clone();
            match event.change {
                Change::Deleted => self.workflows.remove(&key),
                Change::Added | Change::Modified => self.workflows.insert(key, event.workflow),
            };
        }
    }
}

/// Namespace and name of an object.
pub(crate) fn key_of(object: &Value) -> Key {
    let text = |field: &str| {
        object["metadata"][field]
            .as_str()
            .unwrap_or_default()
            .to_string()
    };
    (text("namespace"), text("name"))
}

/// A uid that looks like one; the process number keeps those of two stores apart.
fn uid_of(sequence: u64) -> String {
    let process = std::process::id();
    format!(
        "{process:08x}-{:04x}-4000-8000-{:012x}",
        sequence >> 48,
        sequence & 0xffff_ffff_ffff
    )
}
