//! What a trial is given, what it leaves, and what counts of it.

#![allow(clippy::unwrap_used)]

mod common;

use common::Place;
use serde_json::Value as Json;

const STUDY: &str = "
name: small
parameters:
  x: {type: continuous, range: [0, 1]}
minimize: loss
budget: {trials: 1}
command: sh trial.sh {x}
metrics_file: metrics.json
";

fn message_after(script: &str) -> String {
    let place = Place::with(STUDY, script);
    place.norgay(&["run", "study.yaml", "--quiet"], 4);
    assert_eq!(place.states(), ["failed (no-metric)"], "{script}");
    place.trials()[0]["message"].as_str().unwrap().to_string()
}

#[test]
fn a_trial_without_a_usable_metric_says_why() {
    for (script, words) in [
        ("true", "no metrics file"),
        (": > metrics.json", "metrics.json"),
        ("echo '{\"loss\": ' > metrics.json", "metrics.json"),
        ("echo '[1]' > metrics.json", "metrics.json"),
        ("echo '{\"loss\": NaN}' > metrics.json", "loss"),
        ("echo '{\"loss\": null}' > metrics.json", "loss"),
        ("echo '{\"loss\": \"low\"}' > metrics.json", "loss"),
        ("echo '{\"other\": 1}' > metrics.json", "other"),
        ("mkdir metrics.json", "metrics.json"),
    ] {
        let message = message_after(script);
        assert!(message.contains(words), "{script}: {message}");
    }
}

#[test]
fn metrics_of_an_earlier_attempt_never_pass_for_the_new_ones() {
    let script = r#"test "$NORGAY_ATTEMPT" = 2 && exit 0
        echo '{"loss": 1}' > metrics.json; exit 75"#;
    let place = Place::with(STUDY, script);
    place.norgay(&["run", "study.yaml", "--quiet"], 4);
    assert_eq!(place.states(), ["failed (no-metric)"]);
}

#[test]
fn the_study_files_variables_win_and_may_hold_placeholders() {
    let script = r#"echo "$MINE|$NORGAY_SEED|$HOME|$NORGAY_TRIAL_ID|$INHERITED"
        echo '{"loss": 1}' > metrics.json"#;
    let variables = "environment: {MINE: 'x is {x}', NORGAY_SEED: '42', HOME: /nowhere}\n";
    let place = Place::with(&format!("{STUDY}{variables}"), script);
    let mut run = place.command(&["run", "study.yaml", "--quiet"]);
    let ended = run
        .env("HOME", "/elsewhere")
        .env("MINE", "no")
        .env("INHERITED", "yes")
        .status();
    assert!(ended.unwrap().success());
    let (log, _) = place.norgay(&["trial", "logs", "1"], 0);
    let x = place.trials()[0]["parameters"]["x"].clone();
    assert_eq!(log.trim_end(), format!("x is {x}|42|/nowhere|1|yes"));
}

#[test]
fn a_trial_finds_its_parameters_and_folders_in_its_environment() {
    let script = r#"cp "$NORGAY_PARAMS" "$NORGAY_STUDY_DIR/seen.json"
        test "$(pwd -P)" = "$(cd "$NORGAY_OUTPUT_DIR" && pwd -P)" || exit 1
        test "$NORGAY_STUDY" = small && test "$SHERPA_TRIAL_ID" = 1 || exit 1
        echo '{"loss": 1}' > metrics.json"#;
    let place = Place::with(STUDY, script);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    let seen: Json = serde_json::from_str(&place.read("seen.json")).unwrap();
    assert_eq!(seen["x"], place.trials()[0]["parameters"]["x"]);
}

#[test]
fn values_reach_a_trial_whole_and_no_shell_reads_them() {
    let study = r#"
parameters: {text: {type: choice, range: ["a b; touch hacked $(id) 'q' \"d\" {x}"]}}
minimize: loss
budget: {trials: 1}
command: [sh, trial.sh, "{text}", "--text={text}"]
metrics_file: metrics.json
"#;
    let script = r#"printf '%s\n' "$#" "$1" "$2"; echo '{"loss": 1}' > metrics.json"#;
    let place = Place::with(study, script);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    let (log, _) = place.norgay(&["trial", "logs", "1"], 0);
    let text = r#"a b; touch hacked $(id) 'q' "d" {x}"#;
    assert_eq!(log, format!("2\n{text}\n--text={text}\n"));
}

#[test]
fn a_queued_configuration_is_the_first_that_a_run_tries() {
    let place = Place::with(STUDY, r#"printf '{"loss": %s}' "$1" > metrics.json"#);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    place.norgay(&["trial", "enqueue", "x=0.125"], 0);
    place.write("study.yaml", &STUDY.replace("trials: 1", "trials: 3"));
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    let trials = place.trials();
    assert_eq!(trials.len(), 3);
    assert_eq!(trials[1]["parameters"]["x"], 0.125);
    assert_eq!(trials[1]["value"], 0.125);
}

#[test]
fn reports_while_a_trial_runs_become_rows_of_the_table() {
    let script = r#"for step in 1 2 3; do "$NORGAY" report --step $step loss=0.$step || exit 1; done
        echo '{"step": 4, "loss": 0.05}' >> "$NORGAY_METRICS"
        echo '{"loss": 0.5}' > metrics.json"#;
    let place = Place::with(STUDY, script);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    let trial = &place.trials()[0];
    assert_eq!(trial["value"], 0.05, "the best that it reported counts");
    let table = place.read("output/small/study_results.csv");
    let rows = |status: &str| table.lines().filter(|row| row.contains(status)).count();
    assert!(rows(",INTERMEDIATE,") >= 4, "{table}");
    assert_eq!(rows(",COMPLETED,"), 1, "{table}");
}

#[test]
fn the_best_of_a_study_and_the_end_of_its_run_agree_on_whether_there_is_a_value() {
    let script = r#""$NORGAY" report --step 1 loss=0.5; exit 76"#;
    let place = Place::with(STUDY, script);
    let run = place.output(&["run", "study.yaml", "--quiet"]);
    let best = place.output(&["best"]);
    assert_eq!(run.status.code(), best.status.code(), "{run:?} {best:?}");
}

#[test]
fn a_program_that_does_not_exist_fails_its_trial_by_name() {
    let study = STUDY.replace("sh trial.sh", "no-such-program");
    let place = Place::with(&study, "");
    place.norgay(&["run", "study.yaml", "--quiet"], 4);
    let message = place.trials()[0]["message"].to_string();
    assert!(message.contains("no-such-program"), "{message}");
}

#[test]
fn reporting_outside_of_a_trial_is_a_mistake() {
    let place = Place::empty();
    let mut report = place.command(&["report", "loss=1"]);
    let ended = report.env_remove("NORGAY_METRICS").output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("--trial"));
}

#[test]
fn time_limit_ends_a_trial_with_all_its_processes() {
    let script = r#"sleep 600 & echo $! > "$NORGAY_STUDY_DIR/child"; wait"#;
    let place = Place::with(&format!("{STUDY}limits: {{time: 1s, grace: 1s}}\n"), script);
    place.norgay(&["run", "study.yaml", "--quiet"], 4);
    assert_eq!(place.states(), ["failed (timed-out)"]);
    let child = place.read("child");
    let running = std::fs::read_to_string(format!("/proc/{}/cmdline", child.trim()));
    assert!(!running.is_ok_and(|line| line.contains("sleep")), "{child}");
}
