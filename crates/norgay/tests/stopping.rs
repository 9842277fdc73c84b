//! Stopping a run: what its trials see, what it says, and what the next run makes of it.

#![allow(clippy::unwrap_used)]

mod common;

use std::process::Child;
use std::time::{Duration, Instant};

use common::{Place, signal, wait_until};
use serde_json::Value as Json;

const STUDY: &str = "
name: small
parameters: {x: {type: continuous, range: [0, 1]}}
minimize: loss
budget: {trials: 2}
command: sh trial.sh
metrics_file: metrics.json
";

/// Notes that it began, and hands in a result once a file `go` is there.
const REST: &str = r#"touch "$NORGAY_STUDY_DIR/began"
while ! test -e "$NORGAY_STUDY_DIR/go"; do sleep 0.01; done
echo '{"loss": 1}' > metrics.json"#;

fn start(place: &Place, more: &[&str]) -> Child {
    place.start(&[&["run", "study.yaml"], more].concat(), &["began"])
}

#[test]
fn a_trial_may_save_its_state_when_it_is_asked_to_stop_and_goes_on_from_it() {
    let script = format!(
        "test -e state && echo again >> \"$NORGAY_STUDY_DIR/resumed\"
         trap 'echo 1 > state; exit 0' TERM\n{REST}"
    );
    let place = Place::with(STUDY, &script);
    let mut run = start(&place, &["--quiet"]);
    signal(&run, "-TERM");
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert_eq!(place.states(), ["queued (pre-empted)"]);
    place.write("go", "");
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    assert_eq!(place.states(), ["completed"; 2]);
    assert_eq!(place.read("resumed"), "again\n");
}

#[test]
fn a_third_interrupt_kills_a_trial_that_will_not_stop() {
    let place = Place::with(
        &format!("{STUDY}limits: {{grace: 10m}}\n"),
        &format!("trap '' TERM\n{REST}"),
    );
    let mut run = start(&place, &["--quiet"]);
    let began = Instant::now();
    // Signals of one kind that come at once are one signal.
    wait_until("the run has ended", || {
        if run.try_wait().unwrap().is_none() {
            signal(&run, "-INT");
            std::thread::sleep(Duration::from_millis(100));
        }
        run.try_wait().unwrap().is_some()
    });
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert_eq!(place.states(), ["queued (pre-empted)"]);
}

#[test]
fn a_trial_that_ignores_the_request_is_killed_after_its_grace() {
    let place = Place::with(
        &format!("{STUDY}limits: {{grace: 1s}}\n"),
        &format!("trap '' TERM\n{REST}"),
    );
    let mut run = start(&place, &["--quiet"]);
    signal(&run, "-TERM");
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert_eq!(place.states(), ["queued (pre-empted)"]);
}

#[test]
fn an_interrupted_run_leaves_whole_result_files_and_says_how_to_go_on() {
    let place = Place::with(STUDY, REST);
    let run = start(&place, &[]);
    signal(&run, "-TERM");
    let output = run.wait_with_output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("the same command goes on"), "{out}");
    for name in ["best_result.json", "study_config.json"] {
        let text = place.read(&format!("output/small/{name}"));
        assert!(
            serde_json::from_str::<Json>(&text).is_ok(),
            "{name}: {text}"
        );
    }
    assert!(
        place
            .read("output/small/study_results.csv")
            .starts_with("Trial-ID,")
    );
}

#[test]
fn an_interrupted_run_still_answers_in_json() {
    let place = Place::with(STUDY, REST);
    let run = start(&place, &["--json"]);
    signal(&run, "-TERM");
    let output = run.wait_with_output().unwrap();
    let read = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Json>();
    let values: Vec<Json> = read.collect::<Result<_, _>>().unwrap();
    assert_eq!(values.last().unwrap()["trials"]["queued"], 1);
}

#[test]
fn cancelling_one_trial_ends_it_and_the_study_goes_on() {
    let place = Place::with(STUDY, REST);
    let mut run = start(&place, &["--quiet"]);
    place.norgay(&["trial", "cancel", "1"], 0);
    wait_until("trial 1 has ended", || place.states()[0] == "cancelled");
    place.write("go", "");
    assert_eq!(run.wait().unwrap().code(), Some(0));
    assert_eq!(place.states()[0], "cancelled");
    assert!(place.states()[1..].contains(&"completed".to_string()));
    let (_, err) = place.norgay(&["trial", "cancel", "1"], 1);
    assert!(err.contains("trial 1"), "{err}");
}

#[test]
fn a_removed_study_ends_its_run_and_leaves_no_trial_behind() {
    let place = Place::with(
        STUDY,
        &format!("echo $$ > \"$NORGAY_STUDY_DIR/pid\"\n{REST}"),
    );
    let mut run = start(&place, &["--quiet"]);
    place.norgay(&["study", "rm", "small", "--force"], 0);
    wait_until("the run has ended", || run.try_wait().unwrap().is_some());
    assert_eq!(run.wait().unwrap().code(), Some(1));
    let command = format!("/proc/{}/cmdline", place.read("pid").trim());
    wait_until("its trial has ended", || {
        !std::fs::read_to_string(&command).is_ok_and(|line| line.contains("trial.sh"))
    });
}
