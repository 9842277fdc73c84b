//! How trials end: well, badly, or taken away.

use norgay_testbed::{Ending, PodFailure};

use crate::cluster::{Cluster, LOSS, STUDY, WAITING};
use crate::common::wait_until;

/// The study with one trial and these lines.
fn one_trial(more: &str) -> String {
    STUDY.replace("trials: 4", "trials: 1") + more
}

#[test]
fn a_study_runs_to_its_budget_and_its_workflows_are_cleaned_away() {
    let cluster = Cluster::running(LOSS);
    let said = cluster.run(STUDY, 0);
    assert!(said.contains("4 completed, 0 pruned, 0 failed"), "{said}");
    assert_eq!(cluster.argo().workflows().len(), 0);
    assert!(cluster.argo().counters().most_live <= 2);
    cluster.check_end(4);
}

#[test]
fn a_failing_script_is_told_with_its_reason_and_its_last_lines() {
    let cluster = Cluster::running("echo reading; echo 'no such column: height' >&2; exit 3");
    let said = cluster.run(&one_trial(""), 4);
    assert!(said.contains("exit code 3"), "{said}");
    assert!(said.contains("no such column: height"), "{said}");
    let logs = cluster.norgay(&["trial", "logs", "1"], 0);
    assert!(logs.contains("no such column: height"), "{logs}");
    // What failed stays in the cluster for whoever wants to know why.
    assert_eq!(cluster.argo().workflows().len(), 1);
    cluster.check_end(1);
}

#[test]
fn a_place_that_fails_is_no_fault_of_the_trial_and_it_is_tried_again() {
    for (failure, cause, retry) in [
        (PodFailure::evicted(), "pre-empted", ""),
        (PodFailure::deleted(), "pre-empted", ""),
        (PodFailure::executor(), "cluster-error", ""),
        (PodFailure::not_started(), "cluster-error", ""),
        (
            PodFailure::out_of_memory(),
            "out-of-memory",
            "retry: {out-of-memory: 1}\n",
        ),
    ] {
        let cluster = Cluster::running(WAITING);
        let run = cluster.start(&one_trial(retry));
        cluster.wait_for_running(1);
        assert!(
            cluster
                .argo()
                .end(&cluster.name(1, 1), &Ending::PodFailed(failure))
        );
        cluster.release("go");
        let said = cluster.ended(run, 0);
        assert!(
            said.contains(&format!("will be run again ({cause})")),
            "{said}"
        );
        assert_eq!(cluster.place.states(), ["completed"]);
        cluster.check_end(2);
    }
}

#[test]
fn a_trial_that_needs_too_much_memory_fails_unless_it_may_be_tried_again() {
    let cluster = Cluster::running(WAITING);
    let run = cluster.start(&one_trial(""));
    cluster.wait_for_running(1);
    let failure = Ending::PodFailed(PodFailure::out_of_memory());
    assert!(cluster.argo().end(&cluster.name(1, 1), &failure));
    let said = cluster.ended(run, 4);
    assert!(
        said.contains("failed (out-of-memory)") && said.contains("OOMKilled"),
        "{said}"
    );
}

#[test]
fn a_metrics_file_that_can_not_be_used_fails_its_trial_and_the_run_goes_on() {
    let script = r#"
case "$TRIAL" in
  1) echo '{"loss": 1' | put "$OUT/metrics.json";;
  2) echo '{"lss": 1}' | put "$OUT/metrics.json";;
  3) echo '{"loss": NaN}' | put "$OUT/metrics.json";;
  4) echo '{"loss": 0.5}' | put "$OUT/metrics.json";;
esac"#;
    let cluster = Cluster::running(script);
    let said = cluster.run(STUDY, 0);
    for (trial, reason) in [(1, "JSON"), (2, "'loss'"), (3, "is NaN")] {
        let line = said
            .lines()
            .find(|line| line.starts_with(&format!("Trial {trial} failed (no-metric)")));
        let line = line.unwrap_or_else(|| panic!("trial {trial}: {said}"));
        assert!(line.contains(reason), "{line}");
        assert!(line.contains("metrics.json"), "{line}");
    }
    assert_eq!(cluster.place.states()[3], "completed");
    cluster.check_end(4);
}

#[test]
fn a_trial_that_runs_too_long_is_stopped() {
    let cluster = Cluster::running(
        r#"trap 'touch "$FREE/asked"; exit 1' TERM; echo 'epoch 7'; wait_for "$FREE/never""#,
    );
    let study = one_trial("").replace("limits: {grace: 1s}", "limits: {time: 1s, grace: 1s}");
    let said = cluster.run(&study, 4);
    assert!(said.contains("failed (timed-out)"), "{said}");
    assert!(said.contains("epoch 7"), "{said}");
    wait_until("it was asked to end", || cluster.free("asked").exists());
    cluster.check_end(1);
}

#[test]
fn a_workflow_that_somebody_deletes_is_looked_for_and_its_trial_run_again() {
    let cluster = Cluster::running(WAITING);
    let run = cluster.start(&one_trial(""));
    cluster.wait_for_running(1);
    assert!(cluster.argo().delete(&cluster.name(1, 1)));
    cluster.wait_for_running(1);
    assert!(cluster.name(1, 2).ends_with("-1-2"));
    cluster.release("go");
    let said = cluster.ended(run, 0);
    assert!(said.contains("will be run again (lost)"), "{said}");
    cluster.check_end(2);
}
