//! Does what the fleet wants: a thread of its own that talks to the cluster and the files.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::runtime::Builder;
use tokio::sync::{Notify, Semaphore, watch};

use super::api::{ApiError, WorkflowApi};
use super::files_reader::{forget, read_reports, read_result};
use super::fleet::{Action, Explanation, Fleet, FleetOptions, Observation};
use crate::clock::{Clock, SystemClock};
use crate::files::Files;
use crate::scheduler::{Adoption, AttemptKey, Job, News, Scheduler, SchedulerError, WorkflowTask};

/// Time between two looks at what is due.
const TICK: Duration = Duration::from_millis(200);
/// News come in bursts; those of such a moment are looked at together.
const BREATH: Duration = Duration::from_millis(50);
/// Time between two polls of the engine.
const PACE: Duration = Duration::from_millis(100);
/// First and longest wait before the watch is opened again.
const WATCH_AGAIN: Duration = Duration::from_secs(1);
const WATCH_AGAIN_MOST: Duration = Duration::from_mins(1);
/// A watch that held for so long was a good one.
const WATCH_HELD: Duration = Duration::from_secs(30);
/// Most calls to the cluster at once, and most files read at once.
const MOST_CALLS: usize = 32;
const MOST_FILES: usize = 16;
/// Lines of a failed workflow's logs that are shown.
const LOG_LINES: usize = 20;

/// Runs attempts as Argo Workflows.
///
/// Dropping it stops nothing: the workflows go on, for a later scheduler to adopt.
pub struct ArgoScheduler {
    shared: Arc<Shared>,
    closing: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    fleet: Mutex<Fleet>,
    wake: Notify,
}

impl Shared {
    fn fleet(&self) -> MutexGuard<'_, Fleet> {
        self.fleet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn observe(&self, observation: Observation) {
        self.fleet().observe(observation, SystemClock.now_ms());
        self.wake.notify_one();
    }
}

impl ArgoScheduler {
    /// Begins to watch; nothing is started yet. `files` is the study's folder. `connect` makes the
    /// way to the cluster, on the runtime on which it is used: clients spawn tasks of their own.
    ///
    /// # Errors
    /// The system gives no thread, or what `connect` says.
    pub fn new<E: From<SchedulerError>>(
        connect: impl Future<Output = Result<Arc<dyn WorkflowApi>, E>>,
        files: Files,
        options: FleetOptions,
    ) -> Result<Self, E> {
        let selector = options.identity.selector();
        let shared = Arc::new(Shared {
            fleet: Mutex::new(Fleet::new(options)),
            wake: Notify::new(),
        });
        let (closing, closed) = watch::channel(false);
        let failed = |error: std::io::Error| SchedulerError {
            message: format!("the scheduler can't start: {error}"),
        };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(MOST_FILES)
            .build()
            .map_err(failed)?;
        let worker = Worker {
            api: runtime.block_on(connect)?,
            files,
            selector,
            shared: shared.clone(),
            calls: Arc::new(Semaphore::new(MOST_CALLS)),
            reads: Arc::new(Semaphore::new(MOST_FILES)),
        };
        let thread = std::thread::Builder::new()
            .name("argo".into())
            .spawn(move || {
                runtime.block_on(Arc::new(worker).run(closed));
                // What is under way belongs to attempts that the next process adopts.
                runtime.shutdown_background();
            })
            .map_err(failed)?;
        Ok(Self {
            shared,
            closing,
            thread: Some(thread),
        })
    }
}

impl Drop for ArgoScheduler {
    fn drop(&mut self) {
        let _ = self.closing.send(true);
        if let Some(thread) = self.thread.take() {
            // Its panic was told where it happened.
            let _ = thread.join();
        }
    }
}

fn task_of(job: &Job) -> Result<&WorkflowTask, SchedulerError> {
    job.workflow.as_ref().ok_or_else(|| SchedulerError {
        message: "the job is no workflow".into(),
    })
}

impl Scheduler for ArgoScheduler {
    fn has_room(&self) -> bool {
        self.shared.fleet().has_room()
    }

    fn start(&mut self, job: &Job) -> Result<(), SchedulerError> {
        self.shared.fleet().start(job, task_of(job)?);
        self.shared.wake.notify_one();
        Ok(())
    }

    fn adopt(&mut self, job: &Job) -> Result<Adoption, SchedulerError> {
        self.shared.fleet().adopt(job, task_of(job)?);
        self.shared.wake.notify_one();
        Ok(Adoption::Adopted)
    }

    fn poll(&mut self) -> Result<News, SchedulerError> {
        if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            return Err(SchedulerError {
                message: "the scheduler's thread has ended".into(),
            });
        }
        let news = self.shared.fleet().news();
        news.map_err(|message| SchedulerError { message })
    }

    fn stop(&mut self, key: AttemptKey) {
        self.shared.fleet().stop(key);
        self.shared.wake.notify_one();
    }

    fn kill(&mut self, key: AttemptKey) {
        self.shared.fleet().kill(key);
        self.shared.wake.notify_one();
    }

    fn pace(&self) -> Duration {
        PACE
    }

    fn is_settled(&self) -> bool {
        self.shared.fleet().is_settled()
    }
}

/// What the thread holds.
struct Worker {
    api: Arc<dyn WorkflowApi>,
    files: Files,
    selector: super::api::Labels,
    shared: Arc<Shared>,
    calls: Arc<Semaphore>,
    reads: Arc<Semaphore>,
}

impl Worker {
    async fn run(self: Arc<Self>, mut closed: watch::Receiver<bool>) {
        tokio::spawn(self.clone().watch());
        loop {
            let actions = self.shared.fleet().actions(SystemClock.now_ms());
            for action in actions {
                tokio::spawn(self.clone().act(action));
            }
            tokio::select! {
                _ = closed.changed() => return,
                () = self.until_due() => {}
            }
        }
    }

    async fn until_due(&self) {
        tokio::select! {
            () = self.shared.wake.notified() => {}
            () = tokio::time::sleep(TICK) => {}
        }
        tokio::time::sleep(BREATH).await;
    }

    async fn act(self: Arc<Self>, action: Action) {
        let is_file = matches!(
            action,
            Action::Forget { .. } | Action::ReadReports { .. } | Action::ReadResult { .. }
        );
        let gate = if is_file { &self.reads } else { &self.calls };
        // The semaphores are never closed.
        let _permit = gate.acquire().await;
        let observation = if is_file {
            let files = self.files.clone();
            let task = tokio::task::spawn_blocking(move || act_on_files(&files, action));
            task.await.ok().flatten()
        } else {
            self.call(action).await
        };
        if let Some(observation) = observation {
            self.shared.observe(observation);
        }
    }

    async fn call(&self, action: Action) -> Option<Observation> {
        let api = &self.api;
        Some(match action {
            Action::Submit { key, submission } => {
                Observation::Submitted(key, api.submit(&submission, false).await)
            }
            Action::Inspect { key, name, uid } => {
                Observation::Inspected(key, api.get(&name, uid.as_deref()).await)
            }
            Action::Explain { key, name, uid } => {
                Observation::Explained(key, self.explain(&name, uid.as_deref()).await)
            }
            Action::ShutDown { key, name, how } => {
                Observation::ShutDown(key, how, api.shut_down(&name, how).await)
            }
            Action::Delete { name } => {
                let outcome = api.delete(&name).await;
                Observation::Deleted(name, outcome)
            }
            Action::List => Observation::Listed(api.list(&self.selector).await),
            Action::Forget { .. } | Action::ReadReports { .. } | Action::ReadResult { .. } => {
                return None;
            }
        })
    }

    async fn explain(&self, name: &str, uid: Option<&str>) -> Result<Explanation, ApiError> {
        let workflow = self.api.get(name, uid).await?;
        // Logs are a help, not a need: pods may be gone, or not ours to read.
        let logs = self.api.logs(name, LOG_LINES).await.unwrap_or_default();
        Ok(Explanation { workflow, logs })
    }

    /// Keeps one watch open, for as long as the thread lives.
    async fn watch(self: Arc<Self>) {
        let mut wait = WATCH_AGAIN;
        loop {
            let opened = tokio::time::Instant::now();
            match self.api.watch(&self.selector).await {
                Ok(mut events) => {
                    self.shared.observe(Observation::WatchState(Ok(())));
                    let mut end = Ok(());
                    while let Some(event) = events.next().await {
                        match event {
                            Ok(event) => self.shared.observe(Observation::Watched(event)),
                            Err(error) => {
                                end = Err(error);
                                break;
                            }
                        }
                    }
                    // A watch ends sooner or later; only one that is refused is news.
                    if let Err(error) = end
                        && error.is_refusal()
                    {
                        self.shared.observe(Observation::WatchState(Err(error)));
                    }
                }
                Err(error) => self.shared.observe(Observation::WatchState(Err(error))),
            }
            if opened.elapsed() >= WATCH_HELD {
                wait = WATCH_AGAIN;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(WATCH_AGAIN_MOST);
        }
    }
}

fn act_on_files(files: &Files, action: Action) -> Option<Observation> {
    Some(match action {
        Action::Forget { key, path } => Observation::Forgotten(key, forget(files, &path)),
        Action::ReadReports { key, path, etag } => {
            Observation::ReportsRead(key, read_reports(files, &path, etag.as_deref()))
        }
        Action::ReadResult { key, paths } => {
            Observation::ResultRead(key, read_result(files, &paths))
        }
        _ => return None,
    })
}
