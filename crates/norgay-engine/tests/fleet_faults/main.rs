//! Studies on a cluster where everything fails that can: on a virtual clock, by seeds.
//!
//! The real engine, algorithm, storage and fleet run against a simulated cluster. Whatever the
//! faults, a study ends with exactly the trials that were asked for, never more workflows live at
//! once than allowed, none is started twice, and no file of a live one is removed.
#![allow(clippy::unwrap_used)]

mod cluster;
mod plan;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use norgay_core::Value;
use norgay_core::definition::StudyDefinition;
use norgay_core::event::{Event, FinishReason, Record};
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::trial::{FailureCause, TrialState};
use norgay_engine::clock::Clock;
use norgay_engine::config::{
    ArgoSettings, Execution, KeepWorkflows, SchedulerKind, StorageStrategy,
};
use norgay_engine::open_study::OpenStudy;
use norgay_engine::run::{Observer, RunEnd, Runner, StopSwitch};
use norgay_engine::scheduler::argo::api::Phase;
use norgay_engine::scheduler::argo::fleet::{Fleet, FleetOptions, Timing};
use norgay_engine::scheduler::argo::names::StudyIdentity;
use norgay_engine::scheduler::{
    Adoption, AttemptKey, Job, News, Scheduler, SchedulerError, WorkflowTask,
};
use norgay_engine::storage::{MemoryStorage, Storage, StorageError, StudyId};
use norgay_engine::testing::StudyBuilder;

use cluster::Cluster;
use plan::{ALONE, Plan};

const TRIALS: usize = 12;
const CAP: usize = 4;
/// An engine that dies for ever never sees a workflow for long enough to call it stuck.
const MOST_DEATHS: u32 = 40;
const TICK_MS: i64 = 500;
/// A study that is not over by then never will be.
const LONGEST_MS: i64 = 3 * 24 * 3_600_000;

#[derive(Clone, Default)]
struct VirtualClock(Arc<AtomicI64>);

impl Clock for VirtualClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A storage that outlives the engine's death.
#[derive(Clone, Default)]
struct SharedStorage(Arc<Mutex<MemoryStorage>>);

impl Storage for SharedStorage {
    fn create(
        &mut self,
        name: &str,
        at_ms: i64,
        events: &[Event],
    ) -> Result<StudyId, StorageError> {
        self.0.lock().unwrap().create(name, at_ms, events)
    }

    fn studies(&mut self) -> Result<Vec<(StudyId, String)>, StorageError> {
        self.0.lock().unwrap().studies()
    }

    fn find(&mut self, name: &str) -> Result<Option<StudyId>, StorageError> {
        self.0.lock().unwrap().find(name)
    }

    fn read(&mut self, study: StudyId, after: u64) -> Result<Vec<Record>, StorageError> {
        self.0.lock().unwrap().read(study, after)
    }

    fn append(
        &mut self,
        study: StudyId,
        expected: u64,
        at_ms: i64,
        events: &[Event],
    ) -> Result<(), StorageError> {
        let mut storage = self.0.lock().unwrap();
        storage.append(study, expected, at_ms, events)
    }

    fn path(&self) -> Option<&Path> {
        None
    }

    fn delete(&mut self, study: StudyId) -> Result<(), StorageError> {
        self.0.lock().unwrap().delete(study)
    }
}

/// The fleet, driven by the virtual clock.
struct SimulatedScheduler {
    fleet: Rc<RefCell<Fleet>>,
}

fn task(job: &Job) -> &WorkflowTask {
    job.workflow.as_ref().expect("a workflow")
}

impl Scheduler for SimulatedScheduler {
    fn has_room(&self) -> bool {
        self.fleet.borrow().has_room()
    }

    fn start(&mut self, job: &Job) -> Result<(), SchedulerError> {
        self.fleet.borrow_mut().start(job, task(job));
        Ok(())
    }

    fn adopt(&mut self, job: &Job) -> Result<Adoption, SchedulerError> {
        self.fleet.borrow_mut().adopt(job, task(job));
        Ok(Adoption::Adopted)
    }

    fn poll(&mut self) -> Result<News, SchedulerError> {
        let news = self.fleet.borrow_mut().news();
        news.map_err(|message| SchedulerError { message })
    }

    fn stop(&mut self, key: AttemptKey) {
        self.fleet.borrow_mut().stop(key);
    }

    fn kill(&mut self, key: AttemptKey) {
        self.fleet.borrow_mut().kill(key);
    }

    fn pace(&self) -> Duration {
        Duration::ZERO
    }

    fn is_settled(&self) -> bool {
        self.fleet.borrow().is_settled()
    }
}

#[derive(Default)]
struct Silent;

impl Observer for Silent {
    fn started(&mut self, _: &OpenStudy, _: u64) {}
    fn ended(&mut self, _: &OpenStudy, _: u64) {}
    fn message(&mut self, _: &str) {}
    fn tick(&mut self, _: &OpenStudy) {}
}

fn definition(seed: u64) -> StudyDefinition {
    let domain = Domain::Continuous {
        low: 0.0,
        high: 1.0,
        scale: Scale::Linear,
        step: None,
    };
    let parameter = Parameter {
        name: "x".into(),
        domain,
        conditions: Vec::new(),
        mutable: true,
    };
    let mut definition = StudyBuilder::definition(vec![parameter]);
    definition.seed = seed;
    definition.budget.trials = Some(TRIALS as u64);
    definition.budget.max_failed_in_a_row = 0;
    // As often as it takes: the tests count what comes of it.
    for cause in [
        FailureCause::PreEmpted,
        FailureCause::Lost,
        FailureCause::ClusterError,
    ] {
        definition.retry.retries.insert(cause, 1_000);
    }
    definition
}

fn execution(strategy: StorageStrategy) -> Execution {
    Execution {
        scheduler: SchedulerKind::Argo,
        argo: Some(ArgoSettings {
            template: "trial".into(),
            ..ArgoSettings::default()
        }),
        max_concurrent: CAP,
        output_path: "/nowhere".into(),
        metrics_file: Some("metrics.json".into()),
        storage_strategy: strategy,
        ..Execution::default()
    }
}

/// What a study ended with.
struct Outcome {
    end: FinishReason,
    cluster: Cluster,
    study: OpenStudy,
}

/// Runs a study until it is over, with the engine dying in between as the plan wants it.
fn run(seed: u64, plan: Plan, strategy: StorageStrategy) -> Outcome {
    let storage = SharedStorage::default();
    let cluster = Rc::new(RefCell::new(Cluster::new(seed, plan.clone())));
    let clock = VirtualClock::default();
    clock.0.store(cluster.borrow().now_ms, Ordering::Relaxed);
    let limit_ms = clock.now_ms() + LONGEST_MS;
    let mut deaths = norgay_core::random::Stream::new(seed, 2, norgay_core::random::Purpose::Order);
    let mut died = 0;
    let open = || {
        OpenStudy::create_or_open(
            Box::new(storage.clone()),
            Box::new(clock.clone()),
            "study",
            definition(seed),
            serde_json::Value::Null,
        )
        .unwrap()
    };
    loop {
        let study = open();
        let identity =
            StudyIdentity::new("study", study.study().created_ms(), study.id().0, "host");
        let fleet = Rc::new(RefCell::new(Fleet::new(FleetOptions {
            identity,
            settings: execution(strategy).argo.unwrap(),
            max_concurrent: CAP,
            declared: BTreeMap::new(),
            timing: Timing::default(),
        })));
        let scheduler = Box::new(SimulatedScheduler {
            fleet: fleet.clone(),
        });
        let mut observer = Silent;
        let files = cluster.borrow().files.clone();
        let mut runner = Runner::in_folder(
            study,
            &execution(strategy),
            files,
            scheduler,
            &mut observer,
            StopSwitch::default(),
        )
        .unwrap();
        fleet.borrow_mut().actions(clock.now_ms());
        runner.begin().unwrap();
        let end = loop {
            if let Some(end) = runner.step().unwrap() {
                break Some(end);
            }
            assert!(
                clock.now_ms() < limit_ms,
                "seed {seed}: it never ends with {plan:?}: {:#?}",
                fleet.borrow()
            );
            if died < MOST_DEATHS && deaths.unit() < plan.engine_dies {
                died += 1;
                break None;
            }
            let until_ms = clock.now_ms() + TICK_MS;
            let mut cluster = cluster.borrow_mut();
            for action in fleet.borrow_mut().actions(clock.now_ms()) {
                cluster.send(action);
            }
            while let Some(observation) = cluster.next(until_ms) {
                let mut fleet = fleet.borrow_mut();
                fleet.observe(observation, cluster.now_ms);
                for action in fleet.actions(cluster.now_ms) {
                    cluster.send(action);
                }
            }
            clock.0.store(cluster.now_ms, Ordering::Relaxed);
        };
        drop(runner);
        match end {
            Some(RunEnd::Finished(end)) => {
                let study = open();
                drop(fleet);
                let cluster = Rc::into_inner(cluster).unwrap().into_inner();
                return Outcome {
                    end,
                    cluster,
                    study,
                };
            }
            Some(RunEnd::Interrupted) => panic!("nobody interrupts it"),
            None => cluster.borrow_mut().engine_died(),
        }
    }
}

fn check(what: &str, seed: u64, plan: &Plan, outcome: &Outcome) {
    let study = outcome.study.study();
    let cluster = &outcome.cluster;
    let told = format!("{what}, seed {seed}: {plan:?}");
    assert_eq!(outcome.end, FinishReason::Trials, "{told}");
    assert_eq!(study.trials().len(), TRIALS, "{told}");
    for trial in study.trials() {
        match trial.state {
            TrialState::Completed => {
                let x = trial.configuration.get("x").and_then(Value::as_f64);
                assert_eq!(trial.value, x, "{told}: trial {}", trial.number);
            }
            TrialState::Failed => {
                let cause = trial.last_attempt().and_then(|a| a.end);
                assert!(
                    plan.script_fails > 0.0,
                    "{told}: trial {} failed: {cause:?}",
                    trial.number
                );
            }
            state => panic!("{told}: trial {} is {state:?}", trial.number),
        }
    }
    if !plan.costs_attempts() {
        let once = study.trials().iter().all(|trial| trial.attempt() == 1);
        assert!(once, "{told}: more attempts than need be");
    }
    assert!(
        cluster.most_live <= CAP,
        "{told}: {} live",
        cluster.most_live
    );
    assert_eq!(cluster.created_twice, Vec::<String>::new(), "{told}");
    assert_eq!(cluster.lost_files, Vec::<String>::new(), "{told}");
    assert_eq!(cluster.live(), 0, "{told}: some still run");
}

#[test]
fn each_fault_alone_is_survived() {
    for (what, set) in ALONE {
        for seed in 0..3 {
            let mut plan = Plan::default();
            set(&mut plan);
            let outcome = run(seed, plan.clone(), StorageStrategy::Best);
            check(what, seed, &plan, &outcome);
        }
    }
}

#[test]
fn all_faults_together_are_survived_with_every_seed() {
    let seeds = std::env::var("NORGAY_SEEDS").ok();
    let seeds = seeds.and_then(|seeds| seeds.parse().ok()).unwrap_or(200);
    for seed in 0..seeds {
        let plan = Plan::mixed(seed);
        let strategy = match seed % 3 {
            0 => StorageStrategy::Best,
            1 => StorageStrategy::Delete,
            _ => StorageStrategy::Keep,
        };
        let outcome = run(seed, plan.clone(), strategy);
        check("mixed", seed, &plan, &outcome);
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    let told = |seed| {
        let outcome = run(seed, Plan::mixed(seed), StorageStrategy::Best);
        let study = outcome.study.study();
        (study.sequence(), study.updated_ms(), outcome.cluster.now_ms)
    };
    for seed in [3, 17] {
        assert_eq!(told(seed), told(seed));
    }
}

#[test]
fn succeeded_workflows_go_and_failed_ones_stay() {
    let plan = Plan {
        script_fails: 0.4,
        ..Plan::default()
    };
    assert_eq!(
        ArgoSettings::default().keep_workflows,
        KeepWorkflows::Failed
    );
    let outcome = run(5, plan, StorageStrategy::Keep);
    let failed = outcome.study.study().counts().failed;
    assert!(failed > 0);
    assert_eq!(outcome.cluster.left(), vec![Phase::Failed; failed as usize]);
}
