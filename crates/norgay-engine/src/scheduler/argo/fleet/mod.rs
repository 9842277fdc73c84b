//! The workflows of a study as a state machine: what is observed goes in, what is to be done comes
//! out. It knows no network, no clock and no storage, and never waits.
//!
//! Every attempt goes its own way, so one whose calls fail delays no other. What is known of a
//! workflow comes from the watch, from a list as a safety net, and from looking for one by its name
//! where there is doubt; a list that lacks a workflow proves nothing.

mod action;
mod attempt;
mod diagnosis;
#[cfg(test)]
mod tests;
mod timing;

use std::collections::{BTreeMap, BTreeSet};

pub use action::{Action, Explanation, Observation};
pub use diagnosis::{Verdict, diagnose};
pub use timing::Timing;

use self::attempt::{Attempt, Doubt, Limits, Paths, Remains, Stage, Surroundings};
use self::timing::{Backoff, SubmitGate};
use super::api::{ApiError, Phase, Submission, TemplateRef, WatchEvent, Workflow};
use super::names::StudyIdentity;
use crate::config::{ArgoSettings, KeepWorkflows};
use crate::scheduler::{AttemptKey, Change, EndedBy, Job, News, Notice, WorkflowTask};

/// The template's parameter by which a trial learns where to leave its metrics.
pub const METRICS_PATH: &str = "norgay_metrics_path";

/// How a fleet works.
#[derive(Clone, Debug)]
pub struct FleetOptions {
    /// Names the study to the cluster.
    pub identity: StudyIdentity,
    /// The study's settings.
    pub settings: ArgoSettings,
    /// Most workflows at once.
    pub max_concurrent: usize,
    /// The parameters that each template declares, by the template's name.
    pub declared: BTreeMap<String, BTreeSet<String>>,
    /// How long is waited for what.
    pub timing: Timing,
}

/// All workflows of a study.
#[derive(Debug)]
pub struct Fleet {
    options: FleetOptions,
    now_ms: i64,
    attempts: BTreeMap<AttemptKey, Attempt>,
    names: BTreeMap<String, AttemptKey>,
    /// Attempts that were told to have ended, and whether nothing of them can be in the cluster.
    told: BTreeMap<AttemptKey, bool>,
    gate: SubmitGate,
    outbox: Vec<(Notice, Option<String>)>,
    /// Workflows to delete once the engine has stored their ends.
    handed_out: Vec<String>,
    cleanups: BTreeMap<String, Cleanup>,
    /// Workflows may be cleaned away that belong to no attempt: all attempts are known.
    is_open: bool,
    messages: Vec<String>,
    failure: Option<String>,
    list: ListState,
    trouble: Trouble,
    may_delete: bool,
}

/// A workflow that is being deleted though no attempt waits for it.
#[derive(Clone, Debug, Default)]
struct Cleanup {
    busy: bool,
    backoff: Backoff,
}

#[derive(Clone, Debug)]
struct ListState {
    busy: bool,
    due_ms: i64,
    is_watched: bool,
}

/// Since when nothing answers.
#[derive(Clone, Debug, Default)]
struct Trouble {
    since_ms: Option<i64>,
    is_told: bool,
}

impl Fleet {
    /// A fleet without any attempt.
    pub fn new(options: FleetOptions) -> Self {
        Self {
            gate: SubmitGate::new(options.settings.submit_rate),
            options,
            now_ms: 0,
            attempts: BTreeMap::new(),
            names: BTreeMap::new(),
            told: BTreeMap::new(),
            outbox: Vec::new(),
            handed_out: Vec::new(),
            cleanups: BTreeMap::new(),
            is_open: false,
            messages: Vec::new(),
            failure: None,
            list: ListState {
                busy: false,
                due_ms: 0,
                is_watched: false,
            },
            trouble: Trouble::default(),
            may_delete: true,
        }
    }

    /// Whether another attempt may start.
    pub fn has_room(&self) -> bool {
        self.attempts.len() < self.options.max_concurrent
    }

    /// Takes an attempt; one that is known already changes nothing.
    pub fn start(&mut self, job: &Job, task: &WorkflowTask) {
        self.take(job, task, false);
    }

    /// Takes an attempt that an earlier process of the engine may have submitted.
    pub fn adopt(&mut self, job: &Job, task: &WorkflowTask) {
        self.take(job, task, true);
    }

    fn take(&mut self, job: &Job, task: &WorkflowTask, is_adopted: bool) {
        let key = job.key;
        if self.attempts.contains_key(&key) || self.told.contains_key(&key) {
            return;
        }
        let submission = self.submission(job, task);
        let paths = self.paths(key, task);
        let limits = Limits {
            time_ms: job.time_limit.map(|limit| milliseconds(limit.as_millis())),
            grace_ms: milliseconds(job.grace.as_millis()),
            report_interval_ms: milliseconds(u128::from(self.options.settings.metrics_interval_ms)),
        };
        self.names.insert(submission.name.clone(), key);
        let attempt = Attempt::new(key, submission, paths, limits, is_adopted, self.now_ms);
        self.attempts.insert(key, attempt);
    }

    /// The workflow of an attempt.
    pub fn submission(&self, job: &Job, task: &WorkflowTask) -> Submission {
        let settings = &self.options.settings;
        let template = task.template.as_ref().unwrap_or(&settings.template);
        let declared = self.options.declared.get(template);
        let mut parameters = task.parameters.clone();
        for (name, value) in &task.optional {
            let is_declared = declared.is_some_and(|declared| declared.contains(name));
            let is_sent = parameters.iter().any(|(sent, _)| sent == name);
            if is_declared && !is_sent {
                parameters.push((name.clone(), value.clone()));
            }
        }
        // Should Norgay be gone when the limit passes, the cluster ends it a little later.
        let deadline_s = job
            .time_limit
            .map(|limit| (limit + job.grace).as_secs() + DEADLINE_RESERVE_S);
        Submission {
            name: self.options.identity.workflow_name(job.key),
            template: TemplateRef {
                kind: settings.template_kind,
                name: template.clone(),
            },
            entrypoint: task
                .entrypoint
                .clone()
                .unwrap_or_else(|| settings.entrypoint.clone()),
            parameters,
            labels: self.options.identity.labels(job.key),
            service_account: settings.service_account.clone(),
            priority: settings.priority,
            deadline_s,
        }
    }

    fn paths(&self, key: AttemptKey, task: &WorkflowTask) -> Paths {
        let folder = &task.folder;
        let settings = &self.options.settings;
        let template = task.template.as_ref().unwrap_or(&settings.template);
        let declared = self.options.declared.get(template);
        let told_where = declared.is_some_and(|declared| declared.contains(METRICS_PATH));
        let own = format!("{folder}/{}", key.attempt);
        let metrics = task
            .metrics_file
            .as_ref()
            .map(|file| format!("{folder}/{file}"));
        let mut results = Vec::new();
        if told_where || metrics.is_none() {
            results.push((format!("{own}/result.json"), true));
        }
        results.extend(metrics.clone().map(|path| (path, false)));
        Paths {
            stale: metrics.filter(|_| task.may_be_stale),
            reports: told_where.then(|| format!("{own}/metrics.jsonl")),
            results,
        }
    }

    /// Asks an attempt to end.
    pub fn stop(&mut self, key: AttemptKey) {
        self.end(key, false);
    }

    /// Ends an attempt at once.
    pub fn kill(&mut self, key: AttemptKey) {
        self.end(key, true);
    }

    fn end(&mut self, key: AttemptKey, at_once: bool) {
        let now_ms = self.now_ms;
        if let Some(attempt) = self.attempts.get_mut(&key) {
            attempt.stop(EndedBy::StopRequest, at_once, now_ms);
        }
    }

    /// What is new. What the last call gave counts as stored with this one.
    ///
    /// # Errors
    /// The reason for which nothing can go on.
    pub fn news(&mut self) -> Result<News, String> {
        self.is_open = true;
        for name in self.handed_out.drain(..) {
            self.cleanups.insert(name, Cleanup::default());
        }
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let mut notices = Vec::with_capacity(self.outbox.len());
        for (notice, remains) in self.outbox.drain(..) {
            notices.push(notice);
            self.handed_out.extend(remains);
        }
        let messages = std::mem::take(&mut self.messages);
        Ok(News { notices, messages })
    }

    /// Whether nothing is left to clean away.
    pub fn is_settled(&self) -> bool {
        self.outbox.is_empty() && self.handed_out.is_empty() && self.cleanups.is_empty()
    }

    /// What is to be done now.
    pub fn actions(&mut self, now_ms: i64) -> Vec<Action> {
        self.now_ms = now_ms;
        let mut actions = Vec::new();
        if self.failure.is_some() {
            return actions;
        }
        let mut around = Surroundings {
            now_ms,
            timing: &self.options.timing,
            gate: &mut self.gate,
            messages: &mut self.messages,
        };
        let mut ended = Vec::new();
        for (key, attempt) in &mut self.attempts {
            actions.extend(attempt.next(&mut around));
            actions.extend(attempt.next_reports(now_ms));
            if matches!(attempt.stage, Stage::Ended(..)) {
                ended.push(*key);
            }
        }
        for key in ended {
            self.collect(key);
        }
        for (name, cleanup) in &mut self.cleanups {
            if !cleanup.busy && now_ms >= cleanup.backoff.not_before_ms {
                cleanup.busy = true;
                actions.push(Action::Delete { name: name.clone() });
            }
        }
        if !self.list.busy && now_ms >= self.list.due_ms && !self.attempts.is_empty() {
            self.list.busy = true;
            actions.push(Action::List);
        }
        actions
    }

    /// Takes what was observed.
    pub fn observe(&mut self, observation: Observation, now_ms: i64) {
        self.now_ms = now_ms;
        match observation {
            Observation::Submitted(key, outcome) => self.submitted(key, outcome),
            Observation::Inspected(key, outcome) => self.inspected(key, outcome),
            Observation::Explained(key, outcome) => {
                // What may not be looked at is told without it.
                self.note_answer(outcome.as_ref().err().filter(|error| error.may_pass()));
                self.with(key, |attempt, around| attempt.explained(outcome, around));
            }
            Observation::ShutDown(key, how, outcome) => {
                self.note_answer(outcome.as_ref().err());
                self.with(key, |attempt, around| {
                    attempt.shut_down(how, &outcome, around);
                });
            }
            Observation::Deleted(name, outcome) => self.deleted(&name, &outcome),
            Observation::Listed(outcome) => self.listed(outcome),
            Observation::Forgotten(key, outcome) => {
                self.with(key, |attempt, around| attempt.forgotten(outcome, around));
            }
            Observation::ReportsRead(key, outcome) => {
                self.with(key, |attempt, around| attempt.reports_read(outcome, around));
            }
            Observation::ResultRead(key, outcome) => {
                self.with(key, |attempt, around| attempt.result_read(outcome, around));
            }
            Observation::Watched(WatchEvent::Seen(workflow)) => self.see(&workflow),
            Observation::Watched(WatchEvent::Gone(workflow)) => {
                if let Some(key) = self.options.identity.key_of(&workflow) {
                    self.with(key, |attempt, around| {
                        // Its last state tells more than that it is gone.
                        if workflow.phase.is_final() {
                            let last = Workflow {
                                deleting: false,
                                ..workflow
                            };
                            attempt.see(&last, around);
                        }
                        attempt.gone(around);
                    });
                }
            }
            Observation::WatchState(state) => self.watch_state(&state),
        }
    }

    fn with(&mut self, key: AttemptKey, change: impl FnOnce(&mut Attempt, &mut Surroundings<'_>)) {
        let Some(attempt) = self.attempts.get_mut(&key) else {
            return;
        };
        let mut around = Surroundings {
            now_ms: self.now_ms,
            timing: &self.options.timing,
            gate: &mut self.gate,
            messages: &mut self.messages,
        };
        change(attempt, &mut around);
        self.collect(key);
    }

    /// Moves what an attempt has to tell into the outbox, reports before its end.
    fn collect(&mut self, key: AttemptKey) {
        let Some(attempt) = self.attempts.get_mut(&key) else {
            return;
        };
        for change in attempt.changes.drain(..) {
            self.outbox.push((Notice { key, change }, None));
        }
        let Stage::Ended(end, remains) = &attempt.stage else {
            return;
        };
        let change = Change::Ended(end.as_ref().clone());
        let name =
            should_go(*remains, self.options.settings.keep_workflows).then(|| attempt.name.clone());
        self.outbox.push((Notice { key, change }, name));
        self.told.insert(key, *remains == Remains::Nothing);
        self.names.remove(&attempt.name);
        self.attempts.remove(&key);
    }

    fn submitted(&mut self, key: AttemptKey, outcome: Result<Workflow, ApiError>) {
        self.note_answer(outcome.as_ref().err());
        if let Err(ApiError::Busy { retry_after, .. }) = &outcome {
            let pause = retry_after.map_or(1_000, |pause| milliseconds(pause.as_millis()));
            self.gate.close_until(self.now_ms + pause);
        }
        self.with(key, |attempt, around| attempt.submitted(outcome, around));
    }

    fn inspected(&mut self, key: AttemptKey, outcome: Result<Option<Workflow>, ApiError>) {
        self.note_answer(outcome.as_ref().err());
        let identity = &self.options.identity;
        let outcome = outcome.map(|found| {
            found.map(|workflow| {
                let is_ours = identity.key_of(&workflow) == Some(key);
                (workflow, is_ours)
            })
        });
        self.with(key, |attempt, around| attempt.inspected(outcome, around));
    }

    fn deleted(&mut self, name: &str, outcome: &Result<(), ApiError>) {
        if let Err(ApiError::Forbidden { .. }) = outcome {
            self.tell_of_forbidden_deletion(outcome);
        } else {
            self.note_answer(outcome.as_ref().err());
        }
        if let Some(key) = self.names.get(name).copied() {
            self.with(key, |attempt, around| attempt.deleted(outcome, around));
            return;
        }
        match outcome {
            Err(error) if error.may_pass() => {
                let (now_ms, timing) = (self.now_ms, &self.options.timing);
                if let Some(cleanup) = self.cleanups.get_mut(name) {
                    cleanup.busy = false;
                    cleanup.backoff.fail(now_ms, name.len() as u64, timing);
                }
            }
            _ => {
                self.cleanups.remove(name);
            }
        }
    }

    /// Workflows that stay harm nobody but the user's order: no reason to stop a study.
    fn tell_of_forbidden_deletion(&mut self, outcome: &Result<(), ApiError>) {
        if let (true, Err(error)) = (std::mem::replace(&mut self.may_delete, false), outcome) {
            self.messages
                .push(format!("ended workflows stay in the cluster: {error}"));
        }
    }

    fn listed(&mut self, outcome: Result<Vec<Workflow>, ApiError>) {
        self.note_answer(outcome.as_ref().err());
        let timing = &self.options.timing;
        self.list.busy = false;
        let pause = if self.list.is_watched && outcome.is_ok() {
            timing.list
        } else {
            timing.list_unwatched
        };
        self.list.due_ms = self.now_ms + pause;
        let Ok(workflows) = outcome else {
            return;
        };
        let mut present = BTreeSet::new();
        for workflow in &workflows {
            present.insert(workflow.name.as_str());
            self.see(workflow);
        }
        let around = Surroundings {
            now_ms: self.now_ms,
            timing: &self.options.timing,
            gate: &mut self.gate,
            messages: &mut self.messages,
        };
        for attempt in self.attempts.values_mut() {
            if !present.contains(attempt.name.as_str()) && attempt.is_missed(&around) {
                attempt.doubt(Doubt::Missing, around.now_ms);
            }
        }
    }

    fn see(&mut self, workflow: &Workflow) {
        let Some(key) = self.options.identity.key_of(workflow) else {
            return;
        };
        if self.attempts.contains_key(&key) {
            self.with(key, |attempt, around| attempt.see(workflow, around));
        } else {
            self.see_stranger(key, workflow);
        }
    }

    /// A workflow of the study that no attempt waits for: left by an earlier process of the
    /// engine, or begun by a call that seemed to have failed.
    fn see_stranger(&mut self, key: AttemptKey, workflow: &Workflow) {
        if !self.is_open || workflow.deleting || self.cleanups.contains_key(&workflow.name) {
            return;
        }
        let is_final = workflow.phase.is_final();
        let goes = match (self.told.get(&key), is_final) {
            // What is kept is kept, and what is to go goes already; an old list may tell of it.
            (Some(false), _) | (Some(true), true) => false,
            (Some(true) | None, false) => true,
            (None, true) => {
                let remains = match workflow.phase {
                    Phase::Succeeded => Remains::Succeeded,
                    _ => Remains::Failed,
                };
                should_go(remains, self.options.settings.keep_workflows)
            }
        };
        if !goes {
            return;
        }
        if !is_final {
            self.messages.push(format!(
                "{} runs though trial {} has ended without it: it is deleted",
                workflow.name, key.trial
            ));
        }
        self.told.entry(key).or_insert(true);
        self.cleanups
            .insert(workflow.name.clone(), Cleanup::default());
    }

    fn watch_state(&mut self, state: &Result<(), ApiError>) {
        self.note_answer(state.as_ref().err());
        self.list.is_watched = state.is_ok();
        if state.is_err() {
            let soon = self.now_ms + self.options.timing.list_unwatched;
            self.list.due_ms = self.list.due_ms.min(soon);
        }
    }

    /// Notes whether the server answers; a refusal ends all.
    fn note_answer(&mut self, error: Option<&ApiError>) {
        match error {
            Some(error) if error.is_refusal() => {
                self.failure.get_or_insert_with(|| error.to_string());
            }
            Some(error @ ApiError::Unavailable { .. }) => {
                let since = *self.trouble.since_ms.get_or_insert(self.now_ms);
                let told_after = self.options.timing.outage_told_after;
                if self.now_ms >= since + told_after && !self.trouble.is_told {
                    self.trouble.is_told = true;
                    self.messages
                        .push(format!("{error}; it is tried again until it answers"));
                }
            }
            _ => {
                if self.trouble.is_told {
                    self.messages.push("it answers again".to_string());
                }
                self.trouble = Trouble::default();
            }
        }
    }
}

/// Seconds that the cluster waits beyond our own limit and grace.
const DEADLINE_RESERVE_S: u64 = 300;

fn should_go(remains: Remains, keep: KeepWorkflows) -> bool {
    match (remains, keep) {
        (Remains::Nothing, _) | (_, KeepWorkflows::All) => false,
        (Remains::Succeeded | Remains::Stopped, _) => true,
        (Remains::Failed, keep) => keep == KeepWorkflows::None,
    }
}

fn milliseconds(number: u128) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX / 4)
}
