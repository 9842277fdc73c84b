//! Short studies over real HTTP, each with one fault of the stand-in's plan.
//!
//! All waiting times are short; `fleet_faults` tries the real ones on a virtual clock.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use norgay_core::definition::StudyDefinition;
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::trial::{FailureCause, Trial, TrialState};
use norgay_engine::clock::SystemClock;
use norgay_engine::config::{ArgoSettings, Execution, SchedulerKind};
use norgay_engine::files::Files;
use norgay_engine::open_study::OpenStudy;
use norgay_engine::run::{Observer, RunEnd, Runner, StopSwitch};
use norgay_engine::scheduler::SchedulerError;
use norgay_engine::scheduler::argo::ArgoScheduler;
use norgay_engine::scheduler::argo::api::WorkflowApi;
use norgay_engine::scheduler::argo::fleet::{FleetOptions, Timing};
use norgay_engine::scheduler::argo::names::StudyIdentity;
use norgay_engine::scheduler::argo::server::{self, ServerOptions, TokenSource};
use norgay_engine::storage::MemoryStorage;
use norgay_engine::testing::StudyBuilder;
use norgay_testbed::{
    ArgoServer, ClusterFaults, FaultPlan, Kind, Lives, Options, RequestFault, RequestRule, Script,
    WatchFault, WatchRule, When,
};
use serde_json::{Value as Json, json};

const TRIALS: u64 = 6;
const CAP: usize = 3;
/// No study may take longer than this.
const PATIENCE: Duration = Duration::from_mins(1);

struct Silent;

impl Observer for Silent {
    fn started(&mut self, _: &OpenStudy, _: u64) {}
    fn ended(&mut self, _: &OpenStudy, _: u64) {}
    fn message(&mut self, _: &str) {}
    fn tick(&mut self, _: &OpenStudy) {}
}

fn definition() -> StudyDefinition {
    let domain = Domain::Continuous {
        low: 0.0,
        high: 1.0,
        scale: Scale::Linear,
        step: None,
    };
    let mut definition = StudyBuilder::definition(vec![Parameter {
        name: "x".into(),
        domain,
        conditions: Vec::new(),
        mutable: true,
    }]);
    definition.budget.trials = Some(TRIALS);
    definition.budget.max_failed_in_a_row = 0;
    for cause in [
        FailureCause::PreEmpted,
        FailureCause::Lost,
        FailureCause::ClusterError,
    ] {
        definition.retry.retries.insert(cause, 1_000);
    }
    definition
}

fn settings() -> ArgoSettings {
    ArgoSettings {
        template: "trial".into(),
        submit_rate: 200.0,
        ..ArgoSettings::default()
    }
}

/// Hundredths of the real times.
fn timing() -> Timing {
    Timing {
        retry_first: 10,
        retry_most: 300,
        list: 600,
        list_unwatched: 150,
        missing_after: 300,
        unseen_told_after: 600,
        stuck_after: 1_000,
        stuck_patience: 300,
        result_again: 100,
        delete_after: 300,
        outage_told_after: 100,
    }
}

/// A server whose workflows leave this text as their metrics file, if any.
fn cluster(metrics: Option<&'static str>, faults: FaultPlan) -> ArgoServer {
    let template = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate",
        "metadata": {"name": "trial"},
        "spec": {"entrypoint": "main", "templates": [{"name": "main", "container": {"image": "i"}}]},
    });
    let life = Script::running_for(Duration::from_millis(60)).working(move |workflow: &Json| {
        if let Some(metrics) = metrics {
            let parameters = workflow["spec"]["arguments"]["parameters"]
                .as_array()
                .unwrap();
            let mut values = parameters.iter().filter(|one| one["name"] == "output_path");
            let folder = Path::new(values.next().unwrap()["value"].as_str().unwrap());
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(folder.join("metrics.json"), metrics).unwrap();
        }
    });
    let options = Options {
        templates: vec![template],
        lives: Lives::Scripted(life),
        faults,
        ..Options::default()
    };
    ArgoServer::start(options).unwrap()
}

/// Runs a study to its end; its trials.
fn run(server: &ArgoServer, folder: &Path) -> Vec<Trial> {
    let execution = Execution {
        scheduler: SchedulerKind::Argo,
        argo: Some(settings()),
        max_concurrent: CAP,
        output_path: folder.display().to_string(),
        metrics_file: Some("metrics.json".into()),
        ..Execution::default()
    };
    let study = OpenStudy::create_or_open(
        Box::new(MemoryStorage::default()),
        Box::new(SystemClock),
        "study",
        definition(),
        Json::Null,
    )
    .unwrap();
    let created_ms = study.study().created_ms();
    let files = Files::open(&folder.display().to_string(), folder).unwrap();
    let connection = ServerOptions {
        url: server.url(),
        namespace: server.namespace().into(),
        token: TokenSource::given(server.token()),
        ca_file: None,
        insecure: false,
    };
    let connect = async {
        let api = server::ArgoServer::new(&connection).unwrap();
        Ok::<Arc<dyn WorkflowApi>, SchedulerError>(Arc::new(api))
    };
    let options = FleetOptions {
        identity: StudyIdentity::new("study", created_ms, study.id().0, "host"),
        settings: settings(),
        max_concurrent: CAP,
        declared: BTreeMap::new(),
        timing: timing(),
    };
    let files = files.child("study").unwrap();
    let scheduler = ArgoScheduler::new(connect, files.clone(), options).unwrap();
    let mut observer = Silent;
    let switch = StopSwitch::default();
    let mut runner = Runner::in_folder(
        study,
        &execution,
        files,
        Box::new(scheduler),
        &mut observer,
        switch,
    )
    .unwrap();
    assert!(matches!(runner.run().unwrap(), RunEnd::Finished(_)));
    runner.study().study().trials().to_vec()
}

/// A study with these faults ends with all its results, and nothing was started twice.
fn survives(what: &str, faults: FaultPlan) {
    let (server, folder) = (
        cluster(Some(r#"{"loss": 0.5}"#), faults),
        tempfile::tempdir().unwrap(),
    );
    let trials = run(&server, folder.path());
    for trial in &trials {
        assert_eq!(trial.state, TrialState::Completed, "{what}: {trial:?}");
    }
    assert_eq!(trials.len() as u64, TRIALS, "{what}");
    let counters = server.counters();
    assert_eq!(counters.created_again, Vec::<String>::new(), "{what}");
    assert!(counters.most_live <= CAP, "{what}: {}", counters.most_live);
    assert_eq!(counters.live, 0, "{what}: {:?}", server.live());
}

fn request(on: &[Kind], when: When, fault: RequestFault) -> FaultPlan {
    let on = on.to_vec();
    FaultPlan {
        seed: 1,
        requests: vec![RequestRule { on, when, fault }],
        ..FaultPlan::default()
    }
}

fn watch(fault: WatchFault) -> FaultPlan {
    FaultPlan {
        watches: vec![WatchRule {
            when: When::Always,
            after_changes: 3,
            fault,
        }],
        ..FaultPlan::default()
    }
}

fn behind(cluster: ClusterFaults) -> FaultPlan {
    FaultPlan {
        seed: 2,
        cluster,
        ..FaultPlan::default()
    }
}

fn plans() -> Vec<(&'static str, FaultPlan)> {
    let some = When::Chance(0.3);
    let none = ClusterFaults::default;
    let busy = |retry_after_s| RequestFault::TooManyRequests { retry_after_s };
    vec![
        ("nothing", FaultPlan::default()),
        ("429", request(&[], some, busy(None))),
        (
            "429 with a time",
            request(&[Kind::Submit], When::Nth(2), busy(Some(1))),
        ),
        ("500", request(&[], some, RequestFault::Status(500))),
        ("503", request(&[], some, RequestFault::Status(503))),
        ("504", request(&[], some, RequestFault::Status(504))),
        (
            "a proxy's page",
            request(&[], some, RequestFault::ProxyPage(502)),
        ),
        (
            "lost requests",
            request(&[], some, RequestFault::LostRequest),
        ),
        ("lost replies", request(&[], some, RequestFault::LostReply)),
        (
            "lost replies to all submissions",
            request(&[Kind::Submit], When::Always, RequestFault::LostReply),
        ),
        (
            "silent replies",
            request(&[Kind::Submit], some, RequestFault::SilentReply(400)),
        ),
        ("slow replies", request(&[], some, RequestFault::Slow(200))),
        (
            "no watch at all",
            request(&[Kind::Watch], When::Always, RequestFault::Status(503)),
        ),
        ("watches that are cut", watch(WatchFault::Cut)),
        ("watches that end", watch(WatchFault::End)),
        ("watches that fall silent", watch(WatchFault::Silent)),
        ("watches behind which one ends", watch(WatchFault::Eof)),
        ("watches that are too old", watch(WatchFault::TooOld)),
        (
            "old lists",
            behind(ClusterFaults {
                list_lag_ms: 500,
                ..none()
            }),
        ),
        (
            "early removal",
            behind(ClusterFaults {
                delete_finished_after_ms: Some(1),
                ..none()
            }),
        ),
        (
            "stuck workflows",
            behind(ClusterFaults {
                stuck_running: 0.5,
                ..none()
            }),
        ),
        (
            "vanishing workflows",
            behind(ClusterFaults {
                vanishes: 0.3,
                ..none()
            }),
        ),
        (
            "eviction",
            behind(ClusterFaults {
                evicted: 0.3,
                ..none()
            }),
        ),
        (
            "slow phases",
            behind(ClusterFaults {
                slow_phases_ms: 400,
                ..none()
            }),
        ),
        (
            "slow deletion",
            behind(ClusterFaults {
                delete_takes_ms: 400,
                ..none()
            }),
        ),
        (
            "stuck workflows that ignore their termination",
            behind(ClusterFaults {
                stuck_running: 0.5,
                ignores_shutdown: 1.0,
                ..none()
            }),
        ),
    ]
}

#[test]
fn each_fault_alone_is_survived() {
    let (done, ends) = mpsc::channel();
    let mut waiting: Vec<&str> = Vec::new();
    for (what, plan) in plans() {
        waiting.push(what);
        let done = done.clone();
        std::thread::spawn(move || {
            survives(what, plan);
            done.send(what).unwrap();
        });
    }
    // One that fails says so, and its sender is gone.
    drop(done);
    while !waiting.is_empty() {
        let what = ends
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("these did not end well: {waiting:?}"));
        waiting.retain(|one| *one != what);
    }
}

#[test]
fn a_workflow_that_ends_well_without_a_metrics_file_fails_its_trial_and_the_study_goes_on() {
    let server = cluster(None, FaultPlan::default());
    let folder = tempfile::tempdir().unwrap();
    let trials = run(&server, folder.path());
    assert_eq!(trials.len() as u64, TRIALS);
    for trial in &trials {
        assert_eq!(trial.state, TrialState::Failed);
        let attempt = trial.last_attempt().unwrap();
        assert_eq!(trial.cause, Some(FailureCause::NoMetric));
        let message = attempt.message.as_deref().unwrap();
        let file = format!("left no metrics file {}/metrics.json", trial.number);
        assert!(message.contains(&file), "{message}");
    }
    assert_eq!(server.counters().created, TRIALS);
}
