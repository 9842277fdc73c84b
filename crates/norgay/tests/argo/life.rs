//! What users do while a study runs: stop it, kill it, cancel trials, pause it.

use norgay_testbed::{Ending, PodFailure};
use serde_json::Value as Json;

use crate::cluster::{Cluster, LOSS, STUDY, WAITING};
use crate::common::{signal, wait_until};

#[test]
fn a_killed_run_goes_on_without_starting_any_workflow_twice() {
    let script = r"sleep 0.$(( TRIAL * 3 % 7 )); ".to_string() + LOSS;
    let cluster = Cluster::running(&script);
    let study = STUDY
        .replace("trials: 4", "trials: 20")
        .replace("max_concurrent: 2", "max_concurrent: 5");
    for kill_after in [1, 6, 12] {
        let mut run = cluster.start(&study);
        wait_until("some workflows have started", || {
            cluster.argo().counters().created >= kill_after
        });
        run.kill().unwrap();
        run.wait().unwrap();
    }
    cluster.run(&study, 0);
    assert_eq!(cluster.place.states(), vec!["completed"; 20]);
    assert!(cluster.argo().counters().most_live <= 5);
    cluster.check_end(20);
    let table = cluster.read("out/press/study_results.csv");
    for trial in 1..=20 {
        let row = format!("{trial},COMPLETED,");
        assert!(table.lines().any(|line| line.starts_with(&row)), "{table}");
    }
}

#[test]
fn trials_that_ended_while_no_engine_ran_are_read_by_the_next() {
    let cluster = Cluster::running(WAITING);
    let mut run = cluster.start(STUDY);
    cluster.wait_for_running(2);
    run.kill().unwrap();
    run.wait().unwrap();
    cluster.release("go");
    wait_until("they have ended", || cluster.argo().live().is_empty());
    let said = cluster.run(STUDY, 0);
    assert!(said.contains("trial 1 still runs: taken over"), "{said}");
    cluster.check_end(4);
}

#[test]
fn one_interrupt_lets_running_trials_finish() {
    let cluster = Cluster::running(WAITING);
    let mut run = cluster.start(STUDY);
    cluster.wait_for_running(2);
    signal(&run, "-INT");
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(run.try_wait().unwrap().is_none(), "it waits for its trials");
    cluster.release("go");
    let said = cluster.ended(run, 130);
    assert!(said.contains("the same command goes on"), "{said}");
    assert_eq!(cluster.place.states(), ["completed"; 2]);
    cluster.check_end(2);
}

#[test]
fn two_interrupts_stop_the_workflows_and_queue_their_trials_again() {
    let cluster = Cluster::running(WAITING);
    let run = cluster.start(STUDY);
    cluster.wait_for_running(2);
    signal(&run, "-INT");
    std::thread::sleep(std::time::Duration::from_millis(50));
    signal(&run, "-INT");
    cluster.ended(run, 130);
    assert_eq!(cluster.place.states(), ["queued (pre-empted)"; 2]);
    assert_eq!(cluster.argo().live(), Vec::<String>::new());
    cluster.release("go");
    cluster.run(STUDY, 0);
    assert_eq!(cluster.place.states(), ["completed"; 4]);
    cluster.check_end(6);
}

#[test]
fn three_interrupts_delete_workflows_that_will_not_end() {
    let cluster = Cluster::running(&format!("trap '' TERM\n{WAITING}"));
    let study = STUDY.replace("grace: 1s", "grace: 10m");
    let run = cluster.start(&study);
    cluster.wait_for_running(2);
    for _ in 0..3 {
        signal(&run, "-INT");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    cluster.ended(run, 130);
    assert_eq!(cluster.place.states(), ["queued (pre-empted)"; 2]);
    wait_until("they are gone", || cluster.argo().live().is_empty());
}

#[test]
fn cancelling_one_trial_ends_its_workflow_and_the_study_goes_on() {
    let cluster = Cluster::running(WAITING);
    let run = cluster.start(STUDY);
    cluster.wait_for_running(2);
    cluster.norgay(&["trial", "cancel", "1"], 0);
    wait_until("trial 1 has ended", || {
        cluster.place.states()[0] == "cancelled"
    });
    cluster.release("go");
    cluster.ended(run, 0);
    let states = cluster.place.states();
    assert_eq!(
        states.iter().filter(|state| *state == "cancelled").count(),
        1
    );
    assert!(
        states[1..].iter().all(|state| state == "completed"),
        "{states:?}"
    );
    assert_eq!(cluster.argo().live(), Vec::<String>::new());
}

#[test]
fn a_paused_study_starts_nothing_until_it_is_resumed() {
    let cluster = Cluster::running(&format!("wait_for \"$FREE/go-$TRIAL\"; {LOSS}"));
    let run = cluster.start(STUDY);
    cluster.wait_for_running(2);
    cluster.norgay(&["study", "pause", "press"], 0);
    cluster.release("go-1");
    cluster.release("go-2");
    wait_until("both have ended", || cluster.argo().live().is_empty());
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(cluster.argo().counters().created, 2);
    cluster.release("go-3");
    cluster.release("go-4");
    cluster.norgay(&["study", "resume", "press"], 0);
    let said = cluster.ended(run, 0);
    assert!(said.contains("norgay study resume press"), "{said}");
    cluster.check_end(4);
}

#[test]
fn a_cancelled_study_ends_its_workflows() {
    let cluster = Cluster::running(WAITING);
    let run = cluster.start(STUDY);
    cluster.wait_for_running(2);
    cluster.norgay(&["study", "cancel", "press"], 0);
    cluster.ended(run, 1);
    assert_eq!(cluster.place.states(), ["cancelled"; 2]);
    cluster.check_end(2);
}

#[test]
fn a_stopping_rule_prunes_on_the_values_that_arrive_while_trials_run() {
    // Odd trials get better; even ones never do, and would run for ever.
    let script = r#"
step=1
while [ "$((TRIAL % 2))" = 0 ] || [ $step -le 4 ]; do
  [ "$((TRIAL % 2))" = 0 ] && loss=9 || loss=0.$((9 - step))
  echo "{\"step\": $step, \"loss\": $loss}" >> lines
  cat lines | put "$OWN/metrics.jsonl"
  step=$((step + 1)); sleep 0.05
done
echo "{\"trial\": $TRIAL, \"attempt\": $ATTEMPT, \"metrics\": {\"loss\": $loss}}" | put "$OWN/result.json"
"#;
    let cluster = Cluster::running(script);
    let study = STUDY
        .replace("metrics_file: metrics.json\n", "")
        .replace("max_concurrent: 2", "max_concurrent: 1")
        + "stopping_rule: {name: median, min_trials: 1}\n";
    let said = cluster.run(&study, 0);
    assert_eq!(
        cluster.place.states(),
        ["completed", "pruned", "completed", "pruned"],
        "{said}"
    );
    let pruned: &Json = &cluster.place.trials()[1];
    assert!(
        pruned["measurements"]
            .as_array()
            .is_some_and(|all| !all.is_empty()),
        "{pruned}"
    );
    cluster.check_end(4);
}

#[test]
fn what_failed_once_too_often_ends_the_study_and_its_workflows() {
    let cluster = Cluster::running(WAITING);
    let run = cluster.start(&(STUDY.replace("trials: 4", "trials: 4, max_failed_in_a_row: 1")));
    cluster.wait_for_running(2);
    let failure = Ending::PodFailed(PodFailure::exit_code(1));
    assert!(cluster.argo().end(&cluster.name(1, 1), &failure));
    cluster.ended(run, 3);
    assert_eq!(cluster.argo().live(), Vec::<String>::new());
    cluster.check_end(2);
}
