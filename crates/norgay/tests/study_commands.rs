//! The commands that list, show and steer studies and trials, and what they refuse.

#![allow(clippy::unwrap_used)]

mod common;

use common::Place;
use serde_json::Value as Json;

const STUDY: &str = "
name: small
parameters:
  x: {type: continuous, range: [0, 1]}
minimize: loss
budget: {trials: 3}
command: sh trial.sh {x}
metrics_file: metrics.json
";

/// Trial 2 fails until a file `mended` is there.
const SCRIPT: &str = r#"echo "out $NORGAY_TRIAL_ID.$NORGAY_ATTEMPT"
echo "err $NORGAY_TRIAL_ID.$NORGAY_ATTEMPT" >&2
test "$NORGAY_TRIAL_ID" = 2 && ! test -e "$NORGAY_STUDY_DIR/mended" && exit 1
printf '{"loss": %s}' "$1" > metrics.json"#;

/// A study that was run: two trials completed, one failed.
fn ran() -> Place {
    let place = Place::with(STUDY, SCRIPT);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    place
}

#[test]
fn the_help_names_every_command() {
    let (out, _) = Place::empty().norgay(&["--help"], 0);
    insta::assert_snapshot!(out);
}

#[test]
fn without_a_command_the_help_is_shown_as_a_mistake() {
    let (_, err) = Place::empty().norgay(&[], 2);
    assert!(err.contains("Usage: norgay"), "{err}");
    let (_, err) = Place::empty().norgay(&["stdy"], 2);
    assert!(err.contains("study"), "{err}");
}

#[test]
fn a_studys_exports_are_its_result_files() {
    let place = ran();
    for (format, file) in [
        ("csv", "study_results.csv"),
        ("config", "study_config.json"),
        ("best", "best_result.json"),
    ] {
        let (out, _) = place.norgay(&["study", "export", "--format", format], 0);
        let file = place.read(&format!("output/small/{file}"));
        if format == "best" {
            // The export has numbers where the file has text, as the reference writes it.
            let keys = |text: &str| -> Vec<String> {
                let read: Json = serde_json::from_str(text).unwrap();
                read.as_object().unwrap().keys().cloned().collect()
            };
            assert_eq!(keys(&out), keys(&file));
        } else {
            assert_eq!(out, file, "{format}");
        }
    }
}

#[test]
fn every_answer_that_is_asked_for_as_json_is_json() {
    let place = ran();
    for arguments in [
        &["study", "ls"][..],
        &["study", "show"],
        &["study", "show", "small"],
        &["study", "show", "study.yaml"],
        &["study", "export"],
        &["study", "export", "--format", "config"],
        &["study", "export", "--format", "best"],
        &["study", "cancel"],
        &["study", "resume"],
        &["study", "pause"],
        &["trial", "ls"],
        &["trial", "ls", "--state", "failed"],
        &["trial", "show", "1"],
        &["trial", "retry", "2"],
        &["trial", "cancel", "2"],
        &["trial", "enqueue", "x=0.5"],
        &["best"],
        &["doctor", "study.yaml"],
        &["study", "rm"],
    ] {
        place.json(&[arguments, &["--json"]].concat());
    }
}

#[test]
fn a_failed_trial_is_retried_by_the_next_run() {
    let place = ran();
    assert_eq!(place.states()[1], "failed (user-error)");
    place.write("mended", "");
    place.norgay(&["trial", "retry", "2"], 0);
    assert_eq!(place.trials()[1]["state"], "queued");
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    assert_eq!(place.states(), ["completed"; 3]);
    assert_eq!(place.trials()[1]["attempt"], 2);
    let (_, err) = place.norgay(&["trial", "retry", "1"], 1);
    assert!(err.contains("trial 1"), "{err}");
    let (_, err) = place.norgay(&["trial", "retry", "9"], 1);
    assert!(err.contains("there is no trial 9"), "{err}");
}

#[test]
fn logs_are_kept_by_attempt_and_stream() {
    let place = ran();
    place.write("mended", "");
    place.norgay(&["trial", "retry", "2"], 0);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    let logs = |more: &[&str]| {
        let (out, _) = place.norgay(&[&["trial", "logs", "2"], more].concat(), 0);
        out
    };
    assert_eq!(logs(&[]), "out 2.2\nerr 2.2\n");
    assert_eq!(logs(&["--stdout"]), "out 2.2\n");
    assert_eq!(logs(&["--stderr"]), "err 2.2\n");
    assert_eq!(logs(&["--attempt", "1", "--stdout"]), "out 2.1\n");
    let (_, err) = place.norgay(&["trial", "logs", "2", "--attempt", "3"], 1);
    assert!(err.contains("has no attempt 3"), "{err}");
}

#[test]
fn a_trial_is_shown_with_its_attempts_and_measurements() {
    let place = ran();
    let (out, _) = place.norgay(&["trial", "show", "2"], 0);
    for part in [
        "trial 2: failed",
        "exit code 1",
        "err 2.1",
        "attempt 1",
        "x = ",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let shown = place.json(&["trial", "show", "1", "--json"]);
    assert_eq!(shown["measurements"][0]["metrics"]["loss"], shown["value"]);
    assert_eq!(shown["attempts"][0]["end"], "completed");
}

#[test]
fn trials_are_listed_by_state_and_an_unknown_state_is_refused() {
    let place = ran();
    let (out, _) = place.norgay(&["trial", "ls"], 0);
    assert_eq!(out.lines().count(), 4, "{out}");
    let listed = place.json(&["trial", "ls", "--state", "failed", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let (_, err) = place.norgay(&["trial", "ls", "--state", "finished"], 2);
    assert!(err.contains("completed"), "the states are named: {err}");
}

#[test]
fn the_best_trial_is_shown_with_its_files() {
    let place = ran();
    let best = place.json(&["best", "--json"]);
    let values = place.trials();
    let lowest = values
        .iter()
        .filter_map(|trial| trial["value"].as_f64())
        .fold(f64::INFINITY, f64::min);
    assert_eq!(best["value"], lowest);
    let (out, _) = place.norgay(&["best", "small"], 0);
    assert!(
        out.starts_with(&format!("trial {}: loss ", best["trial"])) && out.contains("its files:"),
        "{out}"
    );
}

#[test]
fn a_cancelled_study_runs_no_further_trial_until_it_is_resumed() {
    let place = ran();
    place.write("study.yaml", &STUDY.replace("trials: 3", "trials: 5"));
    place.norgay(&["study", "cancel"], 0);
    place.norgay(&["run", "study.yaml", "--quiet"], 1);
    assert_eq!(place.trials().len(), 3);
    place.norgay(&["study", "resume"], 0);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    assert_eq!(place.trials().len(), 5);
}

#[test]
fn too_many_failures_are_mended_and_resumed() {
    let study = STUDY.replace("trials: 3", "trials: 3, max_failed: 0");
    let place = Place::with(&study, SCRIPT);
    let (out, _) = place.norgay(&["run", "study.yaml"], 3);
    assert!(out.contains("norgay study resume small"), "{out}");
    place.write("mended", "");
    place.norgay(&["trial", "retry", "2"], 0);
    place.norgay(&["study", "resume"], 0);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    assert_eq!(place.states(), ["completed"; 3]);
}

#[test]
fn of_several_studies_one_has_to_be_named() {
    let place = ran();
    place.write("other.yaml", &STUDY.replace("name: small", "name: other"));
    place.norgay(&["run", "other.yaml", "--quiet"], 0);
    let (_, err) = place.norgay(&["best"], 2);
    assert!(err.contains("other, small"), "{err}");
    place.norgay(&["best", "other"], 0);
    place.norgay(&["study", "rm", "other"], 0);
    place.norgay(&["best"], 0);
}

#[test]
fn a_study_with_running_trials_is_removed_only_by_force() {
    let study = STUDY.replace("command: sh trial.sh {x}\nmetrics_file: metrics.json\n", "");
    let place = Place::with(&study, "");
    place.norgay(&["ask", "--study", "study.yaml"], 0);
    let (_, err) = place.norgay(&["study", "rm", "small"], 1);
    assert!(err.contains("--force"), "{err}");
    place.norgay(&["study", "rm", "small", "--force"], 0);
    assert_eq!(
        place.json(&["study", "ls", "--json"]),
        serde_json::json!([])
    );
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let place = Place::with(STUDY, SCRIPT);
    place.write(
        "notes.txt",
        "these are my notes, and they are long enough for a header\n",
    );
    for arguments in [
        &["study", "ls", "--storage", "notes.txt"][..],
        &["best", "--storage", "notes.txt"],
        &["trial", "ls", "--storage", "notes.txt"],
        &["run", "study.yaml", "--storage", "notes.txt"],
        &["run", "study.yaml", "--storage=notes.txt"],
        &["doctor", "study.yaml", "--storage", "notes.txt"],
    ] {
        let (out, err) = place.norgay(arguments, 1);
        assert!(format!("{out}{err}").contains("notes.txt"), "{err}");
        assert!(place.read("notes.txt").starts_with("these are my notes"));
    }
}

#[test]
fn looking_into_a_database_that_does_not_exist_makes_none() {
    let place = Place::empty();
    for arguments in [
        &["study", "ls"][..],
        &["study", "show", "small"],
        &["trial", "ls"],
        &["best"],
        &["ask"],
        &["tell", "1", "0.5"],
    ] {
        let (_, err) = place.norgay(arguments, 1);
        assert!(err.contains("norgay.db"), "{err}");
        assert!(!place.file("norgay.db").exists(), "{arguments:?}");
    }
}

#[test]
fn doctor_tells_what_a_run_would_meet_and_leaves_nothing_behind() {
    let place = Place::with(STUDY, SCRIPT);
    let (out, _) = place.norgay(&["doctor", "study.yaml"], 0);
    assert!(!out.contains("FAILED"), "{out}");
    assert!(!place.file("norgay.db").exists() && !place.file("output").exists());
    place.write(
        "study.yaml",
        &STUDY.replace("range: [0, 1]", "range: [1, 0]"),
    );
    let (out, _) = place.norgay(&["doctor", "study.yaml"], 1);
    assert!(out.contains("FAILED  study file study.yaml"), "{out}");
    place.write("study.yaml", STUDY);
    let (out, _) = place.norgay(
        &["doctor", "study.yaml", "--storage", "trial.sh/norgay.db"],
        1,
    );
    assert!(out.contains("FAILED  database trial.sh/norgay.db"), "{out}");
}

#[test]
fn completions_know_the_commands_of_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (out, _) = Place::empty().norgay(&["completions", shell], 0);
        assert!(out.contains("enqueue") && out.contains("doctor"), "{shell}");
    }
}
