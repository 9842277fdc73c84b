//! What every place that runs workflows must do, as checks that run against any of them, a live
//! cluster included.
//!
//! All names and labels are new in each run, and what a check started is deleted after it. Nothing
//! here waits for a fixed time: it asks until something is so, and fails if that takes two minutes.

use std::collections::BTreeSet;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};

use crate::scheduler::argo::api::{
    ApiError, Labels, Phase, Shutdown, Submission, TemplateRef, WatchEvent, Workflow, WorkflowApi,
};

/// Long enough for a cluster that others use as well.
const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(50);
/// Seconds that nothing here waits for.
const LONG: &str = "600";

/// What the checks run against.
#[derive(Clone)]
pub struct Fixture {
    /// The place.
    pub api: Arc<dyn WorkflowApi>,
    /// A template with one step and the parameters `seconds`, for which it sleeps, and `exit`, the
    /// code with which it then exits; both have values.
    pub template: TemplateRef,
    /// The same place with a token that nobody knows.
    pub unknown: Option<Arc<dyn WorkflowApi>>,
    /// The same place as somebody who may not see or start any workflow.
    pub forbidden: Option<Arc<dyn WorkflowApi>>,
}

/// Runs every check, all at the same time; panics with all that went wrong.
pub async fn check_workflow_api(fixture: &Fixture) {
    let checks = CHECKS.iter().map(|(name, check)| async move {
        let case = Case::new(fixture.clone());
        let outcome = AssertUnwindSafe(check(&case)).catch_unwind().await;
        case.clean_up().await;
        outcome.err().map(|_| *name)
    });
    let failed: Vec<&str> = join_all(checks).await.into_iter().flatten().collect();
    assert!(
        failed.is_empty(),
        "these checks failed: {}",
        failed.join(", ")
    );
}

type Check = for<'a> fn(&'a Case) -> BoxFuture<'a, ()>;

macro_rules! checks {
    ($($name:ident),* $(,)?) => {
        const CHECKS: &[(&str, Check)] = &[$((stringify!($name), |case| case.$name().boxed())),*];
    };
}

checks![
    who_answers_is_told,
    a_template_is_described,
    a_missing_template_is_none,
    a_submitted_workflow_is_found,
    only_workflows_with_all_labels_are_listed,
    a_name_is_taken_once,
    a_dry_run_starts_nothing,
    a_dry_run_finds_an_unknown_template,
    a_dry_run_finds_an_unknown_entrypoint,
    parameters_may_hold_anything,
    success_is_told_with_its_times,
    failure_is_told_with_its_pod,
    the_deadline_ends_a_workflow,
    missing_workflows_are_none,
    a_name_that_is_used_again_is_another_workflow,
    a_watch_tells_what_was_there_before,
    a_watch_tells_each_phase_and_the_end,
    stop_ends_a_running_workflow,
    terminate_ends_a_running_workflow,
    ending_what_has_ended_is_no_error,
    a_running_workflow_can_be_deleted,
    a_finished_workflow_can_be_deleted,
    logs_are_no_error,
    unknown_callers_are_told_so,
    callers_without_permission_are_told_so,
];

/// One check's own part of the place.
struct Case {
    fixture: Fixture,
    id: String,
}

impl Case {
    fn new(fixture: Fixture) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let seconds = now.unwrap_or_default().as_secs();
        let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let id = format!("norgay-check-{seconds:x}-{process:x}-{count}");
        Self { fixture, id }
    }

    fn api(&self) -> &dyn WorkflowApi {
        self.fixture.api.as_ref()
    }

    fn labels(&self) -> Labels {
        vec![("norgay.dev/study".into(), self.id.clone())]
    }

    fn submission(&self, name: &str, seconds: &str, exit: &str) -> Submission {
        let mut labels = self.labels();
        labels.push(("norgay.dev/trial".into(), name.into()));
        Submission {
            name: format!("{}-{name}", self.id),
            template: self.fixture.template.clone(),
            entrypoint: String::new(),
            parameters: vec![
                ("seconds".into(), seconds.into()),
                ("exit".into(), exit.into()),
            ],
            labels,
            service_account: None,
            priority: None,
            deadline_s: None,
        }
    }

    async fn start(&self, name: &str, seconds: &str, exit: &str) -> Workflow {
        let submission = self.submission(name, seconds, exit);
        let started = self.api().submit(&submission, false).await;
        started.expect("the workflow is accepted")
    }

    async fn get(&self, name: &str) -> Option<Workflow> {
        self.api().get(name, None).await.expect("an answer")
    }

    async fn listed(&self, labels: &Labels) -> BTreeSet<String> {
        let list = self.api().list(labels).await.expect("a list");
        let there = list.into_iter().filter(|workflow| !workflow.deleting);
        there.map(|workflow| workflow.name).collect()
    }

    async fn until_phase(&self, name: &str, holds: impl Fn(&Phase) -> bool) -> Workflow {
        let began = Instant::now();
        loop {
            let workflow = self.get(name).await.expect("the workflow is there");
            if holds(&workflow.phase) {
                return workflow;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{name} stays {:?}",
                workflow.phase
            );
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn until_final(&self, name: &str) -> Workflow {
        self.until_phase(name, Phase::is_final).await
    }

    async fn until_gone(&self, name: &str) {
        let gone = || async { self.get(name).await.is_none_or(|found| found.deleting) };
        until(&format!("{name} is gone"), gone).await;
    }

    async fn clean_up(&self) {
        let Ok(left) = self.api().list(&self.labels()).await else {
            return;
        };
        for workflow in left {
            // Whatever stays behind has a name of its own and can harm no later run.
            let _ = self.api().delete(&workflow.name).await;
        }
    }

    async fn who_answers_is_told(&self) {
        let facts = self.api().preflight().await.expect("let in");
        assert!(!facts.server.is_empty());
        assert_eq!(facts.missing_permissions, Vec::<String>::new());
        let time = facts.server_time_ms.expect("answers carry their time");
        assert!(time > 1_500_000_000_000, "{time}");
    }

    async fn a_template_is_described(&self) {
        let template = &self.fixture.template;
        let told = self.api().template(template).await.expect("an answer");
        let told = told.expect("the template is there");
        assert!(!told.entrypoints.is_empty());
        let default = told.default_entrypoint.clone().expect("it has one");
        assert!(told.entrypoints.contains(&default));
        for name in ["seconds", "exit"] {
            let declared = told.parameters.iter().find(|known| known.name == name);
            assert!(declared.expect("it is declared").has_value, "{name}");
        }
        let again = self.api().template(template).await.expect("an answer");
        assert_eq!(again.expect("still there").edition, told.edition);
        let names = self
            .api()
            .template_names(template.kind)
            .await
            .expect("an answer");
        assert!(
            names.is_empty() || names.contains(&template.name),
            "{names:?}"
        );
    }

    async fn a_missing_template_is_none(&self) {
        let mut template = self.fixture.template.clone();
        template.name.clone_from(&self.id);
        assert_eq!(self.api().template(&template).await, Ok(None));
    }

    async fn a_submitted_workflow_is_found(&self) {
        let submission = self.submission("found", LONG, "0");
        let started = self
            .api()
            .submit(&submission, false)
            .await
            .expect("accepted");
        assert_eq!(started.name, submission.name);
        assert!(!started.uid.is_empty());
        let found = self.api().get(&started.name, Some(&started.uid)).await;
        let found = found.expect("an answer").expect("the workflow");
        assert_eq!((&found.name, &found.uid), (&started.name, &started.uid));
        for (label, value) in &submission.labels {
            assert_eq!(found.labels.get(label), Some(value), "{label}");
        }
        let is_listed = || async { self.listed(&self.labels()).await.contains(&started.name) };
        until("the workflow is in the list", is_listed).await;
        let list = self.api().list(&self.labels()).await.expect("a list");
        assert_eq!(list[0].uid, started.uid);
        assert_eq!(
            list[0].labels.get("norgay.dev/trial").map(String::as_str),
            Some("found")
        );
    }

    async fn only_workflows_with_all_labels_are_listed(&self) {
        let [one, two] = [
            self.start("one", LONG, "0").await.name,
            self.start("two", LONG, "0").await.name,
        ];
        let both = BTreeSet::from([one.clone(), two]);
        until("both are listed", || async {
            self.listed(&self.labels()).await == both
        })
        .await;
        let mut first = self.labels();
        first.push(("norgay.dev/trial".into(), "one".into()));
        assert_eq!(self.listed(&first).await, BTreeSet::from([one]));
        let mut none = self.labels();
        none.push(("norgay.dev/trial".into(), "three".into()));
        assert_eq!(self.listed(&none).await, BTreeSet::new());
    }

    async fn a_name_is_taken_once(&self) {
        let first = self.start("twice", LONG, "0").await;
        let mut submission = self.submission("twice", LONG, "0");
        let taken = Err(ApiError::NameTaken {
            name: first.name.clone(),
        });
        assert_eq!(self.api().submit(&submission, false).await, taken);
        submission.deadline_s = Some(600);
        assert_eq!(self.api().submit(&submission, false).await, taken);
        assert_eq!(self.get(&first.name).await.expect("there").uid, first.uid);
    }

    async fn a_dry_run_starts_nothing(&self) {
        let mut submission = self.submission("dry", "0", "0");
        for deadline_s in [None, Some(60)] {
            submission.deadline_s = deadline_s;
            let outcome = self.api().submit(&submission, true).await;
            assert_eq!(outcome.expect("it could be started").name, submission.name);
            assert_eq!(self.get(&submission.name).await, None);
        }
    }

    async fn a_dry_run_finds_an_unknown_template(&self) {
        let mut submission = self.submission("template", "0", "0");
        submission.template.name.clone_from(&self.id);
        self.is_invalid(submission).await;
    }

    async fn a_dry_run_finds_an_unknown_entrypoint(&self) {
        let mut submission = self.submission("entrypoint", "0", "0");
        submission.entrypoint = "norgay-no-such-entrypoint".into();
        self.is_invalid(submission).await;
    }

    async fn is_invalid(&self, mut submission: Submission) {
        for deadline_s in [None, Some(60)] {
            submission.deadline_s = deadline_s;
            let refused = self.api().submit(&submission, true).await;
            let refused = refused.expect_err("it can't be started");
            assert!(matches!(refused, ApiError::Invalid { .. }), "{refused:?}");
        }
    }

    async fn parameters_may_hold_anything(&self) {
        let mut submission = self.submission("odd", "0", "0");
        let odd = "{\"a\": [1, 'x=y,z'], \"é\": \"\\n\"}\n\ttail=%20&";
        submission
            .parameters
            .push(("norgay_odd".into(), odd.into()));
        submission
            .parameters
            .push(("norgay_empty".into(), String::new()));
        let started = self
            .api()
            .submit(&submission, false)
            .await
            .expect("accepted");
        let ended = self.until_final(&started.name).await;
        assert_eq!(ended.phase, Phase::Succeeded, "{}", ended.message);
    }

    async fn success_is_told_with_its_times(&self) {
        let started = self.start("good", "0", "0").await;
        let ended = self.until_final(&started.name).await;
        assert_eq!(ended.phase, Phase::Succeeded, "{}", ended.message);
        let (began, finished) = (ended.started_ms, ended.finished_ms);
        assert!(began.expect("a begin") <= finished.expect("an end"));
        assert_eq!(ended.failed_pods, []);
        assert!(!ended.deleting);
    }

    async fn failure_is_told_with_its_pod(&self) {
        let started = self.start("bad", "0", "3").await;
        let ended = self.until_final(&started.name).await;
        assert_eq!(ended.phase, Phase::Failed, "{}", ended.message);
        let [pod] = ended.failed_pods.as_slice() else {
            panic!("not one failed pod: {:?}", ended.failed_pods);
        };
        assert_eq!((pod.phase.as_str(), pod.exit_code), ("Failed", Some(3)));
        assert!(!pod.step.is_empty());
    }

    async fn the_deadline_ends_a_workflow(&self) {
        let mut submission = self.submission("late", LONG, "0");
        submission.deadline_s = Some(2);
        let started = self
            .api()
            .submit(&submission, false)
            .await
            .expect("accepted");
        let ended = self.until_final(&started.name).await;
        assert_eq!(ended.phase, Phase::Failed, "{}", ended.message);
    }

    async fn missing_workflows_are_none(&self) {
        assert_eq!(self.get(&self.id).await, None);
        let with_uid = self.api().get(&self.id, Some("no-such-uid")).await;
        assert_eq!(with_uid, Ok(None));
        for how in [Shutdown::Stop, Shutdown::Terminate] {
            assert_eq!(self.api().shut_down(&self.id, how).await, Ok(()));
        }
        assert_eq!(self.api().delete(&self.id).await, Ok(()));
    }

    async fn a_name_that_is_used_again_is_another_workflow(&self) {
        let first = self.start("again", "0", "0").await;
        let other = "00000000-0000-0000-0000-000000000000";
        assert_eq!(self.api().get(&first.name, Some(other)).await, Ok(None));
        self.until_final(&first.name).await;
        self.api().delete(&first.name).await.expect("deleted");
        let is_gone = || async { self.get(&first.name).await.is_none() };
        until("the first is gone", is_gone).await;
        let second = self.start("again", LONG, "0").await;
        assert_ne!(second.uid, first.uid);
        assert_eq!(
            self.api().get(&first.name, Some(&first.uid)).await,
            Ok(None)
        );
    }

    async fn a_watch_tells_what_was_there_before(&self) {
        let started = self.start("before", LONG, "0").await;
        self.until_phase(&started.name, |phase| *phase == Phase::Running)
            .await;
        let mut watch = self.watch().await;
        let WatchEvent::Seen(seen) = next(&mut watch).await else {
            panic!("it is not gone");
        };
        assert_eq!((&seen.name, &seen.uid), (&started.name, &started.uid));
        assert_eq!(seen.phase, Phase::Running);
        assert_eq!(seen.labels.get("norgay.dev/study"), Some(&self.id));
    }

    async fn a_watch_tells_each_phase_and_the_end(&self) {
        let mut watch = self.watch().await;
        let others = Self::new(self.fixture.clone());
        others.start("other", "0", "0").await;
        let started = self.start("watched", "1", "0").await;
        let mut phases = Vec::new();
        loop {
            let WatchEvent::Seen(seen) = next(&mut watch).await else {
                panic!("it is not gone");
            };
            assert_eq!(seen.name, started.name);
            if phases.last() != Some(&seen.phase) {
                phases.push(seen.phase.clone());
            }
            if seen.phase.is_final() {
                break;
            }
        }
        assert!(phases.contains(&Phase::Running), "{phases:?}");
        assert_eq!(phases.last(), Some(&Phase::Succeeded));
        others.clean_up().await;
        self.api().delete(&started.name).await.expect("deleted");
        loop {
            match next(&mut watch).await {
                WatchEvent::Gone(gone) => break assert_eq!(gone.uid, started.uid),
                WatchEvent::Seen(seen) => assert_eq!(seen.name, started.name),
            }
        }
    }

    async fn watch(&self) -> BoxStream<'static, Result<WatchEvent, ApiError>> {
        self.api().watch(&self.labels()).await.expect("a watch")
    }

    async fn stop_ends_a_running_workflow(&self) {
        self.ends("stopped", Shutdown::Stop).await;
    }

    async fn terminate_ends_a_running_workflow(&self) {
        self.ends("terminated", Shutdown::Terminate).await;
    }

    async fn ends(&self, name: &str, how: Shutdown) {
        let started = self.start(name, LONG, "0").await;
        self.until_phase(&started.name, |phase| *phase == Phase::Running)
            .await;
        assert_eq!(self.api().shut_down(&started.name, how).await, Ok(()));
        let ended = self.until_final(&started.name).await;
        assert_eq!(ended.phase, Phase::Failed, "{}", ended.message);
    }

    async fn ending_what_has_ended_is_no_error(&self) {
        let started = self.start("ended", "0", "0").await;
        self.until_final(&started.name).await;
        for how in [Shutdown::Stop, Shutdown::Terminate] {
            assert_eq!(self.api().shut_down(&started.name, how).await, Ok(()));
        }
        assert_eq!(
            self.until_final(&started.name).await.phase,
            Phase::Succeeded
        );
    }

    async fn a_running_workflow_can_be_deleted(&self) {
        let started = self.start("deleted", LONG, "0").await;
        self.until_phase(&started.name, |phase| *phase == Phase::Running)
            .await;
        assert_eq!(self.api().delete(&started.name).await, Ok(()));
        self.until_gone(&started.name).await;
        let unlisted = || async { self.listed(&self.labels()).await.is_empty() };
        until("it is not listed", unlisted).await;
    }

    async fn a_finished_workflow_can_be_deleted(&self) {
        let started = self.start("over", "0", "0").await;
        self.until_final(&started.name).await;
        assert_eq!(self.api().delete(&started.name).await, Ok(()));
        self.until_gone(&started.name).await;
        assert_eq!(self.api().delete(&started.name).await, Ok(()));
    }

    async fn logs_are_no_error(&self) {
        let started = self.start("logs", "0", "0").await;
        self.api()
            .logs(&started.name, 5)
            .await
            .expect("whatever is there");
        self.until_final(&started.name).await;
        let text = self
            .api()
            .logs(&started.name, 5)
            .await
            .expect("whatever is there");
        assert!(text.lines().count() <= 5, "{text}");
        assert_eq!(self.api().logs(&self.id, 5).await, Ok(String::new()));
    }

    async fn unknown_callers_are_told_so(&self) {
        let Some(api) = &self.fixture.unknown else {
            return;
        };
        let is_refused = |error: ApiError| {
            assert!(matches!(error, ApiError::Unauthorized { .. }), "{error:?}");
        };
        self.each_refusal(api.as_ref())
            .await
            .into_iter()
            .for_each(is_refused);
        is_refused(api.preflight().await.expect_err("not let in"));
    }

    async fn callers_without_permission_are_told_so(&self) {
        let Some(api) = &self.fixture.forbidden else {
            return;
        };
        for error in self.each_refusal(api.as_ref()).await {
            assert!(matches!(error, ApiError::Forbidden { .. }), "{error:?}");
        }
        match api.preflight().await {
            Ok(facts) => assert!(!facts.missing_permissions.is_empty()),
            Err(error) => assert!(matches!(error, ApiError::Forbidden { .. }), "{error:?}"),
        }
    }

    async fn each_refusal(&self, api: &dyn WorkflowApi) -> Vec<ApiError> {
        let submission = self.submission("refused", "0", "0");
        let watched = api.watch(&self.labels()).await;
        vec![
            api.list(&self.labels()).await.expect_err("no list"),
            api.get(&self.id, None).await.expect_err("no workflow"),
            api.submit(&submission, false).await.expect_err("no start"),
            watched.err().expect("no watch"),
        ]
    }
}

async fn next(watch: &mut BoxStream<'static, Result<WatchEvent, ApiError>>) -> WatchEvent {
    let event = tokio::time::timeout(PATIENCE, watch.next()).await;
    let event = event
        .expect("something happens")
        .expect("the watch goes on");
    event.expect("the watch does not fail")
}

async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "not within two minutes: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
