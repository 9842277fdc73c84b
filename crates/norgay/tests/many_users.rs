//! Several processes at one study, and what those who evaluate trials themselves are told.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::process::Stdio;

use common::{Place, wait_until};
use serde_json::Value as Json;

const STUDY: &str = "
name: manual
parameters: {x: {type: continuous, range: [0, 1]}}
maximize: score
budget: {trials: 80}
";

fn asked(place: &Place, more: &[&str]) -> Json {
    place.json(&[&["ask", "--json", "--study", "study.yaml"], more].concat())
}

#[test]
fn eighty_trials_asked_for_by_eight_at_once_are_eighty_different_ones() {
    // Nothing is there at first: they race for making the database and the study as well.
    let place = Place::with(STUDY, "");
    let ten = || -> Vec<u64> {
        (0..10)
            .map(|_| asked(&place, &[])["trial"].as_u64().unwrap())
            .collect()
    };
    let numbers: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ten)).collect();
        let all = threads.into_iter().map(|thread| thread.join().unwrap());
        all.flatten().collect()
    });
    let different: BTreeSet<u64> = numbers.iter().copied().collect();
    assert_eq!(different, (1..=80).collect());
    assert_eq!(numbers.len(), 80);
    let output = place.output(&["ask", "--json"]);
    assert_eq!(output.status.code(), Some(5));
    let answer: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert!(answer["trial"].is_null(), "{answer}");
}

#[test]
fn a_report_renews_the_lease() {
    let place = Place::with(STUDY, "");
    asked(&place, &["--lease", "2"]);
    let began = std::time::Instant::now();
    for step in 1..=6 {
        let passed = move || began.elapsed() >= std::time::Duration::from_millis(500 * step);
        wait_until("time passes", passed);
        let step = step.to_string();
        place.norgay(&["report", "--trial", "1", "--step", &step, "score=0.5"], 0);
    }
    assert_eq!(asked(&place, &[])["trial"], 2, "trial 1 is still held");
    place.norgay(&["tell", "1", "0.75"], 0);
}

#[test]
fn an_ended_lease_hands_the_trial_out_again_and_the_old_holder_learns_it() {
    let place = Place::with(&STUDY.replace("80", "1"), "");
    asked(&place, &["--lease", "1"]);
    let mut again = Json::Null;
    wait_until("trial 1 is handed out again", || {
        let output = place.output(&["ask", "--json"]);
        again = serde_json::from_slice(&output.stdout).unwrap();
        again["trial"] == 1
    });
    assert_eq!(again["attempt"], 2);
    let stale = ["report", "--trial", "1", "--attempt", "1", "score=1"];
    let (_, err) = place.norgay(&stale, 1);
    assert!(err.contains("attempt 1 of trial 1 is over"), "{err}");
    place.norgay(&["tell", "1", "0.5", "--attempt", "2"], 0);
}

#[test]
fn trials_are_told_as_pruned_or_failed_and_unknown_causes_are_refused() {
    let place = Place::with(STUDY, "");
    asked(&place, &[]);
    asked(&place, &[]);
    let (_, err) = place.norgay(&["tell", "1", "--failed", "bad-luck"], 2);
    assert!(err.contains("user-error"), "the causes are named: {err}");
    place.norgay(
        &[
            "tell",
            "1",
            "--failed",
            "user-error",
            "--message",
            "it burnt",
        ],
        0,
    );
    place.norgay(&["tell", "2", "--pruned"], 0);
    assert_eq!(place.states(), ["failed (user-error)", "pruned"]);
    assert_eq!(place.trials()[0]["message"], "it burnt");
}

#[test]
fn a_negative_value_is_told_as_it_is_and_flags_may_follow_it() {
    let place = Place::with(STUDY, "");
    asked(&place, &[]);
    let told = place.json(&["tell", "1", "-1.5e-3", "--attempt", "1", "--json"]);
    assert_eq!(told["value"], -0.0015);
    asked(&place, &[]);
    let told = place.json(&["tell", "2", "score=-2", "size=-3", "--step", "7", "--json"]);
    assert_eq!(told["value"], -2.0);
    assert_eq!(place.trials()[1]["measurements"][0]["step"], 7);
    asked(&place, &[]);
    for (text, value) in [("-1E5", -1e5), ("-1e300", -1e300), ("-2.5e-300", -2.5e-300)] {
        let number = asked(&place, &[])["trial"].to_string();
        let told = place.json(&["tell", &number, text, "--json"]);
        assert_eq!(told["value"], value);
    }
    let (_, err) = place.norgay(&["tell", "3", "1", "--jsno"], 2);
    assert!(err.contains("--json"), "the nearest flag is named: {err}");
}

#[test]
fn the_median_rule_tells_a_reporter_to_stop() {
    let rule = "stopping_rule: {name: median, min_trials: 2}\n";
    let place = Place::with(&format!("{STUDY}{rule}"), "");
    for number in ["1", "2"] {
        asked(&place, &[]);
        place.norgay(
            &["report", "--trial", number, "--step", "1", "score=0.9"],
            0,
        );
        place.norgay(&["tell", number, "0.9"], 0);
    }
    asked(&place, &[]);
    let (out, _) = place.norgay(&["report", "--trial", "3", "--step", "1", "score=0.1"], 5);
    assert_eq!(out, "stop\n");
    place.norgay(&["tell", "3", "--pruned"], 0);
    assert_eq!(place.states()[2], "pruned");
}

#[test]
fn a_paused_study_hands_out_nothing_but_takes_results() {
    let place = Place::with(STUDY, "");
    asked(&place, &[]);
    place.norgay(&["study", "pause"], 0);
    let (_, err) = place.norgay(&["ask"], 5);
    assert!(err.contains("paused"), "{err}");
    place.norgay(&["tell", "1", "0.5"], 0);
    place.norgay(&["study", "resume"], 0);
    assert_eq!(asked(&place, &[])["trial"], 2);
}

#[test]
fn of_two_runs_that_start_at_once_one_runs_the_study_and_the_other_is_refused() {
    let study = "
name: small
parameters: {x: {type: continuous, range: [0, 1]}}
minimize: loss
budget: {trials: 2}
command: sh trial.sh
metrics_file: metrics.json
";
    let script = r#"while ! test -e "$NORGAY_STUDY_DIR/go"; do sleep 0.01; done
        echo "$NORGAY_TRIAL_ID" >> "$NORGAY_STUDY_DIR/ran"; echo '{"loss": 1}' > metrics.json"#;
    let place = Place::with(study, script);
    let start = || {
        let mut command = place.command(&["run", "study.yaml", "--quiet"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let mut runs = [start(), start()];
    wait_until("one of them is refused", || {
        runs.iter_mut().any(|run| run.try_wait().unwrap().is_some())
    });
    place.write("go", "");
    let mut codes = runs.map(|mut run| run.wait().unwrap().code());
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(1)]);
    assert_eq!(place.read("ran"), "1\n2\n");
    assert_eq!(place.states(), ["completed"; 2]);
}

#[test]
fn a_study_whose_name_is_empty_is_refused() {
    let place = Place::with(&STUDY.replace("name: manual", "name: ''"), "");
    let (_, err) = place.norgay(&["ask", "--study", "study.yaml"], 2);
    assert!(err.contains("study.yaml:2:"), "{err}");
}

#[test]
fn control_characters_in_texts_never_reach_the_terminal() {
    let study = r#"
name: odd
parameters: {text: {type: choice, range: ["\e]0;owned\a"]}}
minimize: loss
"#;
    let place = Place::with(study, "");
    for arguments in [
        &["ask", "--study", "study.yaml"][..],
        &["trial", "ls"],
        &["trial", "show", "1"],
        &["trial", "ls", "--json"],
        &["study", "show"],
    ] {
        let (out, err) = place.norgay(arguments, 0);
        assert!(
            !format!("{out}{err}").contains(['\u{1b}', '\u{7}']),
            "{out}"
        );
    }
}
