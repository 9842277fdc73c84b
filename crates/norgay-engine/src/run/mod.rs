//! Runs a study's trials on a scheduler until the study is over or the user stops it.
//!
//! The loop holds no truth of its own: whatever it decides is stored first, and what it finds in
//! the log after a restart is enough to go on.

pub mod argo;
mod folder_owner;
mod job;
mod local;
mod lock;
mod outcome;
mod publication;
mod stop;
mod workflow_task;

use std::collections::BTreeSet;
use std::fs::File;
use std::time::Duration;

use norgay_core::decision::{Next, Refusal, Told};
use norgay_core::event::FinishReason;
use norgay_core::trial::{FailureCause, StopCause, Trial, TrialState};

pub use job::{JobError, JobMaker};
pub use local::{host_name, local_options};
pub use stop::{StopLevel, StopSwitch};

use crate::config::{Execution, SchedulerKind};
use crate::files::{Files, FilesError};
use crate::open_study::{OpenStudy, StudyError};
use crate::retention::trial_folder;
use crate::scheduler::{Adoption, AttemptKey, Change, Scheduler, SchedulerError};
use crate::storage::StorageError;
use publication::Publication;

/// Longest wait between two looks at the study while nothing runs.
const WAIT_IDLE: Duration = Duration::from_millis(100);
/// How long the end waits until what is left of the attempts is cleaned away.
const SETTLING_MS: i64 = 30_000;
/// How long a run waits for trials that the user had killed.
const PATIENCE_WITH_KILLED_MS: i64 = 5_000;

/// The run can't go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The study or its storage.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// The output files.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// What trials are given.
    #[error(transparent)]
    Job(#[from] JobError),
    /// Nothing can be started or watched any more.
    #[error("{0}")]
    Scheduler(#[from] SchedulerError),
    /// Writing the results.
    #[error("the results can't be written: {0}")]
    Results(String),
    /// Another process runs this study.
    #[error(
        "the study '{name}' is being run by another process (its lock is {lock}); \
         `norgay study pause {name}` stops it from starting trials"
    )]
    Locked {
        /// The study's name.
        name: String,
        /// The lock file.
        lock: String,
    },
    /// The output folder holds another study's trials.
    #[error(
        "{folder} holds the trials of another study of this name (one that was removed, or is in \
         another database); remove the folder, or choose another name or output path"
    )]
    Taken {
        /// The folder.
        folder: String,
    },
    /// The lock file can't be made.
    #[error("{path}: {source}")]
    Lock {
        /// The lock file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The study is over.
    Finished(FinishReason),
    /// The user stopped the run; the study can go on.
    Interrupted,
}

/// Is told what happens, to show it.
pub trait Observer {
    /// A trial's attempt started.
    fn started(&mut self, study: &OpenStudy, trial: u64);
    /// An attempt ended; the trial may be queued again.
    fn ended(&mut self, study: &OpenStudy, trial: u64);
    /// Something that the user should know.
    fn message(&mut self, text: &str);
    /// Time passed.
    fn tick(&mut self, study: &OpenStudy);
}

/// Runs one study.
pub struct Runner<'a> {
    study: OpenStudy,
    scheduler: Box<dyn Scheduler + 'a>,
    scheduler_name: std::sync::Arc<str>,
    jobs: JobMaker,
    publication: Publication,
    observer: &'a mut dyn Observer,
    switch: StopSwitch,
    active: BTreeSet<AttemptKey>,
    signalled: BTreeSet<AttemptKey>,
    killed_ms: Option<i64>,
    pause_told: bool,
    ending: Option<Ending>,
    _lock: Option<File>,
}

/// The run is over, but for what is left of its attempts.
#[derive(Clone, Copy)]
struct Ending {
    end: RunEnd,
    since_ms: i64,
}

impl<'a> Runner<'a> {
    /// Prepares to run a study; nothing is started yet.
    ///
    /// # Errors
    /// Another process runs the study, its output folder is unusable, or its command or parameter
    /// text is wrong.
    pub fn new(
        study: OpenStudy,
        execution: &Execution,
        scheduler: Box<dyn Scheduler + 'a>,
        observer: &'a mut dyn Observer,
        switch: StopSwitch,
    ) -> Result<Self, RunError> {
        let base = execution.output()?.child(study.name())?;
        Self::in_folder(study, execution, base, scheduler, observer, switch)
    }

    /// As [`Runner::new`], with the study's folder given.
    ///
    /// # Errors
    /// As those of [`Runner::new`].
    pub fn in_folder(
        study: OpenStudy,
        execution: &Execution,
        base: Files,
        scheduler: Box<dyn Scheduler + 'a>,
        observer: &'a mut dyn Observer,
        switch: StopSwitch,
    ) -> Result<Self, RunError> {
        let lock = lock::lock(&base, &study)?;
        folder_owner::claim(&base, &study)?;
        let jobs = JobMaker::new(study.name(), execution, base.clone(), study.study())?;
        let publication = Publication::new(base, execution);
        let scheduler_name = match execution.scheduler {
            SchedulerKind::Local => "local".into(),
            SchedulerKind::Argo => "argo".into(),
        };
        Ok(Self {
            study,
            scheduler,
            scheduler_name,
            jobs,
            publication,
            observer,
            switch,
            active: BTreeSet::new(),
            signalled: BTreeSet::new(),
            killed_ms: None,
            pause_told: false,
            ending: None,
            _lock: lock,
        })
    }

    /// The study.
    pub fn study(&self) -> &OpenStudy {
        &self.study
    }

    /// The study's folder, as shown to users.
    pub fn folder(&self) -> &str {
        self.jobs.base().location()
    }

    /// Runs until the study is over or stopped.
    ///
    /// # Errors
    /// The storage or the output folder fails for good. Running trials go on, and the next run
    /// takes them over.
    pub fn run(&mut self) -> Result<RunEnd, RunError> {
        let outcome = self.run_to_the_end();
        if let Err(RunError::Study(StudyError::Storage(StorageError::NoStudy))) = &outcome {
            // Nobody will ever take over the trials of a study that was removed.
            for key in std::mem::take(&mut self.active) {
                self.scheduler.kill(key);
            }
        }
        outcome
    }

    fn run_to_the_end(&mut self) -> Result<RunEnd, RunError> {
        self.begin()?;
        loop {
            if let Some(end) = self.step()? {
                return Ok(end);
            }
            let wait = if self.active.is_empty() {
                WAIT_IDLE
            } else {
                self.scheduler.pace()
            };
            self.switch.wait(wait);
        }
    }

    /// Takes over what an earlier process left; before the first [`Runner::step`].
    ///
    /// # Errors
    /// As those of [`Runner::run`].
    pub fn begin(&mut self) -> Result<(), RunError> {
        self.publication.begin(&self.study)?;
        self.adopt_running()
    }

    /// One turn of the loop of [`Runner::run`], which does not wait: for whoever keeps the time.
    ///
    /// # Errors
    /// As those of [`Runner::run`].
    pub fn step(&mut self) -> Result<Option<RunEnd>, RunError> {
        if let Some(ending) = self.ending {
            return self.settle(ending);
        }
        self.study.sync()?;
        self.take_news()?;
        self.pass_on_stops()?;
        let now_ms = self.study.now_ms();
        self.study
            .commit(|study| Ok((study.expire_leases(now_ms), ())))?;
        let end = self.start_trials()?;
        self.publish(end.is_some())?;
        self.observer.tick(&self.study);
        let Some(end) = end else {
            return Ok(None);
        };
        let since_ms = now_ms;
        self.ending = Some(Ending { end, since_ms });
        self.settle(Ending { end, since_ms })
    }

    /// Waits, not for ever, until what is left of the attempts is cleaned away.
    fn settle(&mut self, ending: Ending) -> Result<Option<RunEnd>, RunError> {
        self.take_news()?;
        let waited_ms = self.study.now_ms() - ending.since_ms;
        let is_over = self.scheduler.is_settled()
            || waited_ms > SETTLING_MS
            || self.switch.level() >= StopLevel::Now;
        Ok(is_over.then_some(ending.end))
    }

    fn publish(&mut self, now: bool) -> Result<(), RunError> {
        let mut messages = Vec::new();
        let begun = if now {
            self.publication.finish(&self.study)?
        } else {
            self.publication.refresh(&self.study, &mut messages)?
        };
        for message in messages {
            self.observer.message(&message);
        }
        if begun {
            for warning in self.publication.newly_renamed(&self.study) {
                self.observer.message(&warning);
            }
        }
        Ok(())
    }

    /// Takes over the attempts that an earlier process of the engine left running.
    fn adopt_running(&mut self) -> Result<(), RunError> {
        let running: Vec<u64> = self.study.study().running().collect();
        for number in running {
            let trial = self.study.trial(number)?.clone();
            let watched = trial
                .last_attempt()
                .is_some_and(|attempt| attempt.lease_ms.is_none());
            if !watched {
                continue;
            }
            let key = AttemptKey {
                trial: number,
                attempt: trial.attempt(),
            };
            let job = self.jobs.make(self.study.study(), &trial)?;
            match self.scheduler.adopt(&job) {
                Ok(Adoption::Adopted) => {
                    self.active.insert(key);
                    self.observer
                        .message(&format!("trial {number} still runs: taken over"));
                }
                Ok(Adoption::NeverStarted) => self.start(key, &trial)?,
                Ok(Adoption::Lost) => {
                    let message = "it vanished while the engine was not running".to_string();
                    self.tell(
                        key,
                        Told::Failed {
                            cause: FailureCause::Lost,
                            message,
                        },
                    )?;
                }
                Err(error) => self.failed_to_start(key, &error)?,
            }
        }
        Ok(())
    }

    fn start(&mut self, key: AttemptKey, trial: &Trial) -> Result<(), RunError> {
        let job = self.jobs.make(self.study.study(), trial)?;
        for folder in std::iter::once(trial_folder(trial)).chain(job::source(trial)) {
            self.publication.make_way(&folder);
        }
        // Where trials are workflows the scheduler does this, without waiting for the bucket.
        if job.workflow.is_none()
            && let Err(error) = self.jobs.forget_metrics(trial)
        {
            return self.failed_to_start(key, &error);
        }
        match self.scheduler.start(&job) {
            Ok(()) => {
                self.active.insert(key);
                self.observer.started(&self.study, key.trial);
                Ok(())
            }
            Err(error) => self.failed_to_start(key, &error),
        }
    }

    fn failed_to_start(
        &mut self,
        key: AttemptKey,
        error: &dyn std::error::Error,
    ) -> Result<(), RunError> {
        let told = Told::Failed {
            cause: FailureCause::ClusterError,
            message: error.to_string(),
        };
        self.tell(key, told)
    }

    fn take_news(&mut self) -> Result<(), RunError> {
        let news = self.scheduler.poll()?;
        for message in &news.messages {
            self.observer.message(message);
        }
        for notice in news.notices {
            let key = notice.key;
            match notice.change {
                Change::Reported { step, metrics } => self.report(key, step, metrics)?,
                Change::BadReport { message } => {
                    self.observer
                        .message(&format!("trial {}: {message}", key.trial));
                }
                Change::Ended(end) => {
                    let trial = self.study.trial(key.trial)?.clone();
                    let stopping = trial.last_attempt().is_some_and(|a| a.stop.is_some());
                    let definition = self.study.study().definition();
                    let told = outcome::told(&end, &self.jobs, &trial, definition, stopping);
                    self.active.remove(&key);
                    self.signalled.remove(&key);
                    self.tell(key, told)?;
                }
            }
        }
        Ok(())
    }

    fn report(
        &mut self,
        key: AttemptKey,
        step: Option<u64>,
        metrics: Vec<(String, norgay_core::Value)>,
    ) -> Result<(), RunError> {
        let metrics = metrics
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect();
        match self.study.report(key.trial, key.attempt, step, &metrics) {
            Ok(_) | Err(StudyError::Refused(Refusal::StaleAttempt { .. })) => Ok(()),
            Err(StudyError::Refused(refusal)) => {
                self.observer
                    .message(&format!("trial {}: {refusal}", key.trial));
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Stores how an attempt ended; a result without a value is a failure with that cause.
    fn tell(&mut self, key: AttemptKey, told: Told) -> Result<(), RunError> {
        let outcome = match self.study.tell(key.trial, key.attempt, &told) {
            Err(StudyError::Refused(
                refusal @ (Refusal::NoObjective { .. } | Refusal::NoOutcome { .. }),
            )) => {
                let message = refusal.to_string();
                let told = Told::Failed {
                    cause: FailureCause::NoMetric,
                    message,
                };
                self.study.tell(key.trial, key.attempt, &told)
            }
            outcome => outcome,
        };
        match outcome {
            Ok(()) => {
                self.publication.note_change(key.trial);
                self.observer.ended(&self.study, key.trial);
                Ok(())
            }
            Err(StudyError::Refused(refusal)) => {
                self.observer
                    .message(&format!("trial {}: {refusal}", key.trial));
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Brings the stop requests in the log, and the user's own, to the attempts.
    fn pass_on_stops(&mut self) -> Result<(), RunError> {
        let level = self.switch.level();
        if level >= StopLevel::Now {
            for key in self.active.clone() {
                self.request_stop(key, StopCause::PreEmpted, "the run was stopped")?;
            }
        }
        if matches!(
            self.study.study().finished(),
            Some(FinishReason::Target | FinishReason::TooManyFailed | FinishReason::FailedInARow)
        ) {
            for key in self.active.clone() {
                self.request_stop(key, StopCause::Cancelled, "the study is over")?;
            }
        }
        for key in self.active.clone() {
            let wanted = self.study.study().stop_requested(key.trial).is_some();
            if wanted && self.signalled.insert(key) {
                self.scheduler.stop(key);
            }
            if level == StopLevel::Kill && self.killed_ms.is_none() {
                self.scheduler.kill(key);
            }
        }
        if level == StopLevel::Kill {
            self.killed_ms.get_or_insert(self.study.now_ms());
        }
        Ok(())
    }

    /// Whether trials that were killed live on for so long that nobody can wait for them: a cluster
    /// that does not answer must not keep the user.
    fn gives_up(&mut self) -> bool {
        let now_ms = self.study.now_ms();
        let gives_up = self
            .killed_ms
            .is_some_and(|killed_ms| now_ms - killed_ms > PATIENCE_WITH_KILLED_MS);
        if gives_up {
            self.observer.message(&format!(
                "{} trials could not be ended and may go on; the next run takes them over",
                self.active.len()
            ));
        }
        gives_up
    }

    fn request_stop(
        &mut self,
        key: AttemptKey,
        cause: StopCause,
        reason: &str,
    ) -> Result<(), RunError> {
        let asked = self.study.commit(|study| {
            let running = study
                .trial(key.trial)
                .is_some_and(|trial| trial.state == TrialState::Running);
            if running {
                Ok((study.request_stop(key.trial, cause, reason)?, ()))
            } else {
                Ok((Vec::new(), ()))
            }
        });
        Ok(asked?)
    }

    /// Starts what may start; says how the run ended once it has.
    fn start_trials(&mut self) -> Result<Option<RunEnd>, RunError> {
        if self.switch.level() > StopLevel::None {
            let is_over = self.active.is_empty() || self.gives_up();
            return Ok(is_over.then_some(RunEnd::Interrupted));
        }
        while self.scheduler.has_room() {
            match self.study.next_start(&self.scheduler_name.clone(), None)? {
                Next::Start { trial, attempt, .. } => {
                    self.pause_told = false;
                    let given = self.study.trial(trial)?.clone();
                    self.start(AttemptKey { trial, attempt }, &given)?;
                }
                Next::Paused => {
                    if !std::mem::replace(&mut self.pause_told, true) {
                        let name = self.study.name();
                        let text = format!("paused; `norgay study resume {name}` goes on");
                        self.observer.message(&text);
                    }
                    break;
                }
                Next::Wait => break,
                Next::Over(_) => {
                    let nothing_runs = self.study.study().counts().running == 0;
                    let reason = self.study.study().finished();
                    return Ok(reason.filter(|_| nothing_runs).map(RunEnd::Finished));
                }
            }
        }
        Ok(None)
    }
}
