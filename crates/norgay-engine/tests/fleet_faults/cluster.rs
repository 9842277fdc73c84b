//! A cluster on a virtual clock: workflows that live and fail by a plan and a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use norgay_core::random::{Purpose, Stream};
use norgay_engine::files::{Files, Seen};
use norgay_engine::scheduler::ResultFile;
use norgay_engine::scheduler::argo::api::{
    ApiError, FailedPod, Phase, Submission, WatchEvent, Workflow,
};
use norgay_engine::scheduler::argo::fleet::{Action, Explanation, Observation};

use super::plan::Plan;

/// A workflow's life, drawn when it is created.
#[derive(Clone, Debug)]
struct Life {
    pending_ms: i64,
    running_ms: i64,
    ends_ms: i64,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Succeeds,
    Stuck,
    Script,
    Evicted,
    Argo,
    Vanishes,
}

#[derive(Clone, Debug)]
struct Entry {
    workflow: Workflow,
    life: Life,
    folder: String,
    expected: f64,
    removed_ms: Option<i64>,
}

/// What is to happen at a time.
enum Happening {
    /// A call reaches the cluster.
    Call(Action),
    /// An answer reaches the engine.
    Answer(Observation),
    /// The watch is opened again.
    WatchOpens,
}

pub struct Cluster {
    pub plan: Plan,
    pub now_ms: i64,
    pub files: Files,
    random: Stream,
    entries: BTreeMap<String, Entry>,
    history: Vec<(i64, Vec<Workflow>)>,
    happenings: BTreeMap<(i64, u64), Happening>,
    sequence: u64,
    is_watched: bool,
    created: BTreeSet<String>,
    /// Names that were created a second time.
    pub created_twice: Vec<String>,
    /// The most workflows that lived at once.
    pub most_live: usize,
    /// Files of live workflows that were gone.
    pub lost_files: Vec<String>,
    uid: u64,
}

impl Cluster {
    pub fn new(seed: u64, plan: Plan) -> Self {
        Self {
            plan,
            now_ms: 1_800_000_000_000,
            files: Files::in_memory().expect("a store in memory"),
            random: Stream::new(seed, 1, Purpose::Sample),
            entries: BTreeMap::new(),
            history: Vec::new(),
            happenings: BTreeMap::new(),
            sequence: 0,
            is_watched: true,
            created: BTreeSet::new(),
            created_twice: Vec::new(),
            most_live: 0,
            lost_files: Vec::new(),
            uid: 0,
        }
    }

    fn chance(&mut self, chance: f64) -> bool {
        self.random.unit() < chance
    }

    fn between(&mut self, low: u64, high: u64) -> i64 {
        (low + self.random.below(high - low + 1)) as i64
    }

    fn plan_for(&mut self, at_ms: i64, happening: Happening) {
        self.sequence += 1;
        self.happenings.insert((at_ms, self.sequence), happening);
    }

    /// Sends a call on its way.
    pub fn send(&mut self, action: Action) {
        let at_ms = self.now_ms + self.between(1, 300);
        self.plan_for(at_ms, Happening::Call(action));
    }

    /// Answers to calls of an engine that died reach nobody; the calls themselves still arrive.
    pub fn engine_died(&mut self) {
        let under_way = std::mem::take(&mut self.happenings).into_values();
        let calls = under_way.filter(|happening| matches!(happening, Happening::Call(_)));
        for call in calls.collect::<Vec<_>>() {
            let late = self.between(1, self.plan.late_ms + 1);
            self.plan_for(self.now_ms + late, call);
        }
        self.is_watched = false;
        self.plan_for(self.now_ms + 100, Happening::WatchOpens);
    }

    /// The next observation up to a time, if there is one; else the clock stands at that time.
    pub fn next(&mut self, until_ms: i64) -> Option<Observation> {
        loop {
            let life = self.next_change();
            let call = self.happenings.keys().next().map(|(at, _)| *at);
            let next = [life.as_ref().map(|(at, _)| *at), call]
                .into_iter()
                .flatten()
                .min()
                .filter(|at| *at <= until_ms);
            let Some(at_ms) = next else {
                self.now_ms = until_ms;
                self.check();
                return None;
            };
            self.now_ms = self.now_ms.max(at_ms);
            let observation = match life {
                Some((at, name)) if at == at_ms => self.live_on(&name),
                _ => {
                    let (_, happening) = self.happenings.pop_first().expect("it is there");
                    self.happen(happening)
                }
            };
            self.check();
            if observation.is_some() {
                return observation;
            }
        }
    }

    /// The workflow that changes next by itself.
    fn next_change(&self) -> Option<(i64, String)> {
        let due = |entry: &Entry| match entry.workflow.phase {
            Phase::Unseen => Some(entry.life.pending_ms),
            Phase::Pending => Some(entry.life.running_ms),
            Phase::Running if entry.life.end == End::Stuck => {
                let is_done = entry.workflow.message == "done";
                (!is_done).then_some(entry.life.ends_ms)
            }
            Phase::Running => Some(entry.life.ends_ms),
            _ => entry.removed_ms,
        };
        let entries = self.entries.values();
        entries
            .filter_map(|entry| Some((due(entry)?, entry.workflow.name.clone())))
            .min()
    }

    fn live_on(&mut self, name: &str) -> Option<Observation> {
        let entry = self.entries.get(name)?.clone();
        let mut workflow = entry.workflow.clone();
        match (&workflow.phase, entry.life.end) {
            (Phase::Unseen, _) => workflow.phase = Phase::Pending,
            (Phase::Pending, _) => {
                workflow.phase = Phase::Running;
                workflow.started_ms = Some(self.now_ms);
                let path = format!("{}/checkpoint", entry.folder);
                self.files.write(&path, b"mine".to_vec()).expect("written");
            }
            (Phase::Running, End::Vanishes) => return self.remove(name),
            (Phase::Running, end) => {
                if matches!(end, End::Succeeds | End::Stuck) {
                    self.leave_result(&entry);
                }
                workflow.message = if end == End::Stuck { "done" } else { "" }.into();
                workflow.phase = match end {
                    End::Succeeds => Phase::Succeeded,
                    End::Stuck => Phase::Running,
                    End::Argo => Phase::Error,
                    _ => Phase::Failed,
                };
            }
            _ => return self.remove(name),
        }
        self.change(name, workflow)
    }

    fn leave_result(&self, entry: &Entry) {
        let path = format!("{}/metrics.json", entry.folder);
        let text = format!("{{\"loss\": {}}}", entry.expected);
        self.files.write(&path, text.into_bytes()).expect("written");
    }

    /// Puts a new state in place, and tells the watch.
    fn change(&mut self, name: &str, workflow: Workflow) -> Option<Observation> {
        let removal = self.plan.removed_early;
        let is_final = workflow.phase.is_final();
        let removed_ms = (is_final && self.chance(removal)).then(|| self.now_ms + 2_000);
        if let Some(entry) = self.entries.get_mut(name) {
            entry.workflow = workflow.clone();
            entry.removed_ms = removed_ms;
        }
        self.remember();
        self.tell(WatchEvent::Seen(workflow))
    }

    fn remove(&mut self, name: &str) -> Option<Observation> {
        let entry = self.entries.remove(name)?;
        self.remember();
        self.tell(WatchEvent::Gone(entry.workflow))
    }

    fn remember(&mut self) {
        let now = self.entries.values().map(|entry| entry.workflow.clone());
        self.history.push((self.now_ms, now.collect()));
        let horizon = self.now_ms - 2 * self.plan.list_lag_ms - 1;
        let old = self.history.partition_point(|(at, _)| *at < horizon);
        self.history.drain(..old.saturating_sub(1));
    }

    fn tell(&mut self, event: WatchEvent) -> Option<Observation> {
        if !self.is_watched || self.chance(self.plan.lost_event) {
            return None;
        }
        if self.chance(self.plan.watch_ends) {
            self.is_watched = false;
            let again = self.now_ms + self.between(1_000, 60_000);
            self.plan_for(again, Happening::WatchOpens);
        }
        Some(Observation::Watched(event))
    }

    fn happen(&mut self, happening: Happening) -> Option<Observation> {
        match happening {
            Happening::Answer(observation) => Some(observation),
            Happening::WatchOpens => {
                self.is_watched = true;
                let now: Vec<Workflow> =
                    self.entries.values().map(|e| e.workflow.clone()).collect();
                for workflow in now {
                    if let Some(seen) = self.tell(WatchEvent::Seen(workflow)) {
                        self.plan_for(self.now_ms + 1, Happening::Answer(seen));
                    }
                }
                Some(Observation::WatchState(Ok(())))
            }
            Happening::Call(action) => {
                let (answer, event) = self.answer(action);
                let at_ms = self.now_ms + self.between(1, 300);
                self.plan_for(at_ms, Happening::Answer(answer));
                event
            }
        }
    }

    fn unavailable<T>() -> Result<T, ApiError> {
        Err(ApiError::Unavailable {
            server: "the cluster".into(),
            message: "no answer".into(),
        })
    }

    /// A call's fate: an early error, or none; and whether its answer gets lost.
    fn fate<T>(&mut self) -> (Option<Result<T, ApiError>>, bool) {
        if self.chance(self.plan.busy) {
            let busy = ApiError::Busy {
                server: "the cluster".into(),
                retry_after: Some(Duration::from_secs(2)),
            };
            return (Some(Err(busy)), false);
        }
        if self.chance(self.plan.lost_request) {
            return (Some(Self::unavailable()), false);
        }
        (None, self.chance(self.plan.lost_answer))
    }

    /// What a call answers, and what the watch tells of its effect.
    fn answer(&mut self, action: Action) -> (Observation, Option<Observation>) {
        match action {
            Action::Submit { key, submission } => {
                let (outcome, event) = self.called(|cluster| cluster.create(&submission));
                (Observation::Submitted(key, outcome), event)
            }
            Action::Inspect { key, name, .. } => {
                let (outcome, _) = self.called(|cluster| (Ok(cluster.find(&name)), None));
                (Observation::Inspected(key, outcome), None)
            }
            Action::Explain { key, name, .. } => {
                let (outcome, _) = self.called(|cluster| {
                    let workflow = cluster.find(&name);
                    let logs = String::new();
                    (Ok(Explanation { workflow, logs }), None)
                });
                (Observation::Explained(key, outcome), None)
            }
            Action::ShutDown { key, name, how } => {
                let (outcome, event) = self.called(|cluster| {
                    let found = cluster.entries.get(&name).map(|e| e.workflow.clone());
                    let event =
                        found
                            .filter(|found| !found.phase.is_final())
                            .and_then(|mut workflow| {
                                workflow.phase = Phase::Failed;
                                workflow.message = "Stopped with strategy".into();
                                cluster.change(&name, workflow)
                            });
                    (Ok(()), event)
                });
                (Observation::ShutDown(key, how, outcome), event)
            }
            Action::Delete { name } => {
                let (outcome, event) = self.called(|cluster| (Ok(()), cluster.remove(&name)));
                (Observation::Deleted(name, outcome), event)
            }
            Action::List => {
                let (outcome, _) = self.called(|cluster| (Ok(cluster.list()), None));
                (Observation::Listed(outcome), None)
            }
            Action::Forget { key, path } => {
                let outcome = self.file(|files| {
                    files.delete_file(&path).expect("a store in memory");
                });
                (Observation::Forgotten(key, outcome), None)
            }
            Action::ReadReports { key, .. } => {
                let outcome = self.file(|_| Seen::Absent);
                (Observation::ReportsRead(key, outcome), None)
            }
            Action::ReadResult { key, paths } => {
                let (path, is_envelope) = paths[0].clone();
                let outcome = self.file(|files| {
                    let content = files.read(&path, 1 << 20).expect("a store in memory");
                    ResultFile {
                        path: path.clone(),
                        is_envelope,
                        content: Ok(content),
                    }
                });
                (Observation::ResultRead(key, outcome), None)
            }
        }
    }

    fn called<T>(
        &mut self,
        call: impl FnOnce(&mut Self) -> (Result<T, ApiError>, Option<Observation>),
    ) -> (Result<T, ApiError>, Option<Observation>) {
        let (early, is_lost) = self.fate();
        if let Some(outcome) = early {
            return (outcome, None);
        }
        let (outcome, event) = call(self);
        let outcome = if is_lost {
            Self::unavailable()
        } else {
            outcome
        };
        (outcome, event)
    }

    fn file<T>(&mut self, call: impl FnOnce(&Files) -> T) -> Result<T, String> {
        if self.chance(self.plan.files_fail) {
            return Err("the bucket does not answer".into());
        }
        Ok(call(&self.files))
    }

    fn create(
        &mut self,
        submission: &Submission,
    ) -> (Result<Workflow, ApiError>, Option<Observation>) {
        let name = submission.name.clone();
        if self.entries.contains_key(&name) {
            return (Err(ApiError::NameTaken { name }), None);
        }
        if !self.created.insert(name.clone()) {
            self.created_twice.push(name.clone());
        }
        self.uid += 1;
        let workflow = Workflow {
            name: name.clone(),
            uid: format!("uid-{}", self.uid),
            labels: submission.labels.iter().cloned().collect(),
            ..Workflow::default()
        };
        let life = self.life();
        let given = |wanted: &str| {
            let found = submission
                .parameters
                .iter()
                .find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let output = given("output_path");
        let folder = output.trim_end_matches('/').rsplit('/').next();
        let entry = Entry {
            workflow: workflow.clone(),
            life,
            folder: folder.unwrap_or_default().to_string(),
            expected: given("x").parse().expect("a number"),
            removed_ms: None,
        };
        self.entries.insert(name.clone(), entry);
        let event = self.change(&name, workflow.clone());
        (Ok(workflow), event)
    }

    fn life(&mut self) -> Life {
        let slow = self.plan.slow_ms;
        let pending_ms = self.now_ms + self.between(100, 2_000 + slow);
        let running_ms = pending_ms + self.between(100, 5_000);
        let ends_ms = running_ms + self.between(1_000, 120_000);
        let plan = self.plan.clone();
        let faults = [
            (plan.stuck, End::Stuck),
            (plan.argo_error, End::Argo),
            (plan.evicted, End::Evicted),
            (plan.script_fails, End::Script),
            (plan.vanishes, End::Vanishes),
        ];
        let end = faults
            .into_iter()
            .find(|(chance, _)| self.chance(*chance))
            .map_or(End::Succeeds, |(_, end)| end);
        Life {
            pending_ms,
            running_ms,
            ends_ms,
            end,
        }
    }

    fn find(&self, name: &str) -> Option<Workflow> {
        let entry = self.entries.get(name)?;
        let mut workflow = entry.workflow.clone();
        let pod = |message: &str, exit_code| FailedPod {
            step: "fit".into(),
            phase: "Failed".into(),
            message: message.into(),
            exit_code,
        };
        if workflow.phase == Phase::Failed {
            workflow.failed_pods = match entry.life.end {
                End::Evicted => vec![pod("Evicted", None)],
                End::Script => vec![pod("Error (exit code 1)", Some(1))],
                _ => Vec::new(),
            };
        }
        Some(workflow)
    }

    /// All workflows, as they were some time ago.
    fn list(&self) -> Vec<Workflow> {
        let then = self.now_ms - self.plan.list_lag_ms;
        let place = self.history.partition_point(|(at, _)| *at <= then);
        let (_, workflows) = match place.checked_sub(1) {
            Some(place) => &self.history[place],
            None => return Vec::new(),
        };
        workflows.clone()
    }

    /// Workflows that have not ended.
    pub fn live(&self) -> usize {
        let entries = self.entries.values();
        entries
            .filter(|entry| !entry.workflow.phase.is_final())
            .count()
    }

    /// Workflows that are still there, by their phase.
    pub fn left(&self) -> Vec<Phase> {
        let entries = self.entries.values();
        entries.map(|entry| entry.workflow.phase.clone()).collect()
    }

    fn check(&mut self) {
        self.most_live = self.most_live.max(self.live());
        for entry in self.entries.values() {
            if entry.workflow.phase == Phase::Running {
                let path = format!("{}/checkpoint", entry.folder);
                if !self.files.exists(&path).expect("a store in memory") {
                    self.lost_files.push(path);
                }
            }
        }
    }
}
