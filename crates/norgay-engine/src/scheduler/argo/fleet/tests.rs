//! What the simulated studies of `tests/fleet_faults` rarely or never come across.

use std::time::Duration;

use super::*;
use crate::scheduler::argo::api::Shutdown;

const KEY: AttemptKey = AttemptKey {
    trial: 1,
    attempt: 1,
};

fn fleet(settings: ArgoSettings) -> Fleet {
    Fleet::new(FleetOptions {
        identity: StudyIdentity::new("study", 0, 1, "host"),
        settings,
        max_concurrent: 4,
        declared: BTreeMap::new(),
        timing: Timing::default(),
    })
}

fn job() -> Job {
    Job {
        key: KEY,
        command: Vec::new(),
        environment: BTreeMap::new(),
        working_folder: std::path::PathBuf::new(),
        record_folder: std::path::PathBuf::new(),
        parameters_json: String::new(),
        time_limit: None,
        memory_limit_bytes: None,
        grace: Duration::from_secs(10),
        workflow: Some(WorkflowTask {
            template: None,
            entrypoint: None,
            parameters: Vec::new(),
            optional: Vec::new(),
            folder: "1".into(),
            metrics_file: Some("metrics.json".into()),
            may_be_stale: false,
        }),
    }
}

fn start(fleet: &mut Fleet) {
    let job = job();
    fleet.start(&job, job.workflow.as_ref().expect("a workflow"));
}

fn workflow(fleet: &Fleet, phase: Phase) -> Workflow {
    Workflow {
        name: fleet.options.identity.workflow_name(KEY),
        uid: "u".into(),
        labels: fleet.options.identity.labels(KEY).into_iter().collect(),
        phase,
        ..Workflow::default()
    }
}

fn seen(fleet: &mut Fleet, phase: Phase, now_ms: i64) {
    let workflow = workflow(fleet, phase);
    fleet.observe(Observation::Watched(WatchEvent::Seen(workflow)), now_ms);
}

fn deletes(actions: &[Action]) -> bool {
    let is_delete = |action: &Action| matches!(action, Action::Delete { .. });
    actions.iter().any(is_delete)
}

#[test]
fn a_workflow_that_runs_for_no_attempt_is_deleted_once_all_attempts_are_known() {
    let mut fleet = fleet(ArgoSettings::default());
    seen(&mut fleet, Phase::Running, 1);
    assert!(!deletes(&fleet.actions(1)), "it may be adopted yet");
    fleet.news().expect("news");
    seen(&mut fleet, Phase::Running, 2);
    assert!(deletes(&fleet.actions(2)));
    let news = fleet.news().expect("news");
    assert!(news.messages[0].contains("runs though trial 1 has ended"));
}

#[test]
fn what_an_earlier_process_left_goes_by_the_policy() {
    for (keep, phase, goes) in [
        (KeepWorkflows::Failed, Phase::Succeeded, true),
        (KeepWorkflows::Failed, Phase::Failed, false),
        (KeepWorkflows::Failed, Phase::Error, false),
        (KeepWorkflows::None, Phase::Failed, true),
        (KeepWorkflows::All, Phase::Succeeded, false),
    ] {
        let mut fleet = fleet(ArgoSettings {
            keep_workflows: keep,
            ..ArgoSettings::default()
        });
        fleet.news().expect("news");
        seen(&mut fleet, phase.clone(), 1);
        assert_eq!(deletes(&fleet.actions(1)), goes, "{keep:?}, {phase:?}");
    }
}

#[test]
fn a_refused_token_ends_everything_with_its_reason() {
    let mut fleet = fleet(ArgoSettings::default());
    start(&mut fleet);
    fleet.actions(1);
    let error = ApiError::Unauthorized {
        server: "the argo-server".into(),
        message: "token expired".into(),
    };
    fleet.observe(Observation::Submitted(KEY, Err(error)), 2);
    let told = fleet.news().expect_err("a failure");
    assert!(told.contains("token expired"), "{told}");
    assert_eq!(fleet.actions(3), []);
}

#[test]
fn what_may_not_be_deleted_stays_and_is_told_once() {
    let mut fleet = fleet(ArgoSettings::default());
    fleet.news().expect("news");
    seen(&mut fleet, Phase::Succeeded, 1);
    fleet.actions(1);
    let name = fleet.options.identity.workflow_name(KEY);
    let error = ApiError::Forbidden {
        server: "the argo-server".into(),
        message: "no".into(),
    };
    fleet.observe(Observation::Deleted(name, Err(error)), 2);
    let news = fleet.news().expect("the study goes on");
    assert_eq!(news.messages.len(), 1);
    assert!(fleet.is_settled());
}

#[test]
fn a_late_workflow_of_a_dead_process_is_taken_over() {
    let mut fleet = fleet(ArgoSettings::default());
    let job = job();
    fleet.adopt(&job, job.workflow.as_ref().expect("a workflow"));
    fleet.actions(1);
    fleet.observe(Observation::Inspected(KEY, Ok(None)), 2);
    // Its request was still on the way.
    seen(&mut fleet, Phase::Running, 3);
    fleet.actions(3);
    seen(&mut fleet, Phase::Succeeded, 4);
    let reads = |action: &Action| matches!(action, Action::ReadResult { .. });
    assert!(fleet.actions(5).iter().any(reads));
    assert!(!deletes(&fleet.actions(5)));
}

#[test]
fn a_stop_becomes_harder_until_the_workflow_is_gone() {
    let mut fleet = fleet(ArgoSettings::default());
    start(&mut fleet);
    fleet.actions(1);
    seen(&mut fleet, Phase::Running, 2);
    fleet.stop(KEY);
    let mut steps = Vec::new();
    for second in 0..200 {
        let now_ms = 10 + second * 1_000;
        for action in fleet.actions(now_ms) {
            match action {
                Action::ShutDown { how, .. } => {
                    steps.push((second, format!("{how:?}")));
                    fleet.observe(Observation::ShutDown(KEY, how, Ok(())), now_ms);
                }
                Action::Delete { name } => {
                    steps.push((second, "Delete".into()));
                    fleet.observe(Observation::Deleted(name, Ok(())), now_ms);
                }
                _ => {}
            }
        }
    }
    let steps: Vec<(i64, &str)> = steps
        .iter()
        .map(|(at, step)| (*at, step.as_str()))
        .collect();
    assert_eq!(steps, [(0, "Stop"), (10, "Terminate"), (40, "Delete")]);
    let news = fleet.news().expect("news");
    let Change::Ended(end) = &news.notices[0].change else {
        panic!("{news:?}");
    };
    assert_eq!(end.ended_by, Some(EndedBy::StopRequest));
}

#[test]
fn one_that_waits_for_its_turn_is_terminated_since_it_ignores_a_stop() {
    let mut fleet = fleet(ArgoSettings::default());
    start(&mut fleet);
    fleet.actions(1);
    seen(&mut fleet, Phase::Pending, 2);
    fleet.stop(KEY);
    let actions = fleet.actions(3);
    let terminates = |action: &Action| {
        matches!(
            action,
            Action::ShutDown {
                how: Shutdown::Terminate,
                ..
            }
        )
    };
    assert!(actions.iter().any(terminates), "{actions:?}");
}
