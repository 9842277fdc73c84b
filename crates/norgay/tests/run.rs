//! `norgay run` with a study file, as its users meet it.

#![allow(clippy::unwrap_used)]

mod common;

use std::process::Child;

use common::{Place, signal, wait_until};
use serde_json::Value as Json;

const STUDY: &str = "
name: small
parameters:
  x: {type: continuous, range: [0, 1]}
  n: {type: ordinal, range: [8, 16, 32]}
minimize: loss
budget: {trials: 6}
max_concurrent: 2
command: sh trial.sh {x} {n}
metrics_file: metrics.json
";

const SCRIPT: &str = r#"printf '{"loss": %s, "size": %s}' "$1" "$2" > metrics.json"#;

fn study(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(STUDY.to_string(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

#[test]
fn a_study_runs_to_its_budget_and_says_so_a_line_a_trial() {
    let place = Place::with(STUDY, SCRIPT);
    let (out, _) = place.norgay(&["run", "study.yaml"], 0);
    assert_eq!(
        out.lines()
            .filter(|line| line.contains("finished with value"))
            .count(),
        6
    );
    assert!(out.contains("6 completed, 0 pruned, 0 failed"), "{out}");
    assert_eq!(place.states(), ["completed"; 6]);
}

#[test]
fn running_it_again_goes_on_and_a_larger_budget_adds_trials() {
    let place = Place::with(STUDY, SCRIPT);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    let before = place.trials();
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    assert_eq!(place.trials(), before);
    place.write("study.yaml", &study(&[("trials: 6", "trials: 9")]));
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    assert_eq!(place.trials().len(), 9);
    assert_eq!(place.trials()[..6], before);
}

#[test]
fn a_promoted_trial_goes_on_from_the_checkpoint_with_its_new_resource() {
    let halving = "budget: {trials: 4}\nalgorithm: {name: asha, R: 9}";
    let changes = [
        ("budget: {trials: 6}", halving),
        ("max_concurrent: 2", "max_concurrent: 1"),
        ("{n}", "{resource} {model_input_path}epochs"),
    ];
    let script = r#"cat "$3" > epochs 2> no; echo "$2" >> epochs;"#.to_owned() + SCRIPT;
    let place = Place::with(&study(&changes), &script);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    for first in 1..=3 {
        assert_eq!(place.read(&format!("output/small/{first}/epochs")), "1\n");
    }
    assert_eq!(place.read("output/small/4/epochs"), "1\n3\n");
}

#[test]
fn the_result_files_have_the_names_and_columns_of_the_reference() {
    let place = Place::with(STUDY, SCRIPT);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    let table = place.read("output/small/study_results.csv");
    assert_eq!(
        table.lines().next(),
        Some("Trial-ID,Status,Iteration,n,x,Objective,loss,size")
    );
    assert_eq!(
        table
            .lines()
            .filter(|line| line.contains(",COMPLETED,"))
            .count(),
        6
    );
    let best: Json = serde_json::from_str(&place.read("output/small/best_result.json")).unwrap();
    assert_eq!(best["Objective"], best["x"], "{best}");
    let space = place.read("output/small/optimization_parameters.json");
    let space: Json = serde_json::from_str(&space).unwrap();
    assert_eq!(space["n"]["range"], serde_json::json!([8, 16, 32]));
    assert!(place.file("output/small/study_config.json").exists());
    let opened = std::process::Command::new("python3")
        .args([
            "-c",
            "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb'))['num_trials'])",
        ])
        .arg(place.file("output/small/study_config.pkcl"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&opened.stdout).trim(), "6");
}

#[test]
fn the_same_seed_gives_the_same_trials_and_another_seed_others() {
    // Two at a time may end in any order, from which the algorithm learns differently.
    let study = STUDY.replace("max_concurrent: 2", "max_concurrent: 1");
    let parameters = |seed: &str| {
        let place = Place::with(&format!("{study}seed: {seed}\n"), SCRIPT);
        place.norgay(&["run", "study.yaml", "--quiet"], 0);
        place
            .trials()
            .iter()
            .map(|trial| trial["parameters"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(parameters("5"), parameters("5"));
    assert_ne!(parameters("5"), parameters("6"));
}

#[test]
fn every_end_of_a_trial_has_its_cause() {
    let script = r#"case $NORGAY_TRIAL_ID in
        1) echo reason >&2; exit 1;;
        2) exit 77;;
        3) exit 76;;
        4) exit 0;;
        5) echo '{"loss": NaN}' > metrics.json;;
        6) echo 'not json' > metrics.json;;
        7) echo '{"other": 1}' > metrics.json;;
        8) exec sleep 600;;
        9) echo '{"loss": 1}' > metrics.json; test "$NORGAY_ATTEMPT" = 2 || exit 75;;
    esac"#;
    let changes = [
        ("trials: 6", "trials: 9"),
        ("max_concurrent: 2", "limits: {time: 2s}"),
    ];
    let place = Place::with(&study(&changes), script);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    let expected = [
        "failed (user-error)",
        "failed (infeasible)",
        "pruned",
        "failed (no-metric)",
        "failed (no-metric)",
        "failed (no-metric)",
        "failed (no-metric)",
        "failed (timed-out)",
        "completed",
    ];
    assert_eq!(place.states(), expected);
    let trials = place.trials();
    let message = |number: usize| trials[number - 1]["message"].as_str().unwrap().to_string();
    assert!(message(1).contains("exit code 1") && message(1).contains("reason"));
    assert!(message(4).contains("metrics.json"), "{}", message(4));
    assert!(message(7).contains("other"), "{}", message(7));
    assert_eq!(trials[8]["attempt"], 2, "asked to be queued again");
    let table = place.read("output/small/study_results.csv");
    assert!(
        table.lines().any(|line| line.starts_with("1,FAILED,")),
        "{table}"
    );
}

#[test]
fn too_many_failures_in_a_row_end_the_study_with_exit_code_3() {
    let changes = [("trials: 6", "trials: 50, max_failed_in_a_row: 4")];
    let place = Place::with(&study(&changes), "exit 1");
    let (out, _) = place.norgay(&["run", "study.yaml"], 3);
    assert!(out.contains("too many trials in a row failed"), "{out}");
    assert!((4..=5).contains(&place.trials().len()));
}

#[test]
fn a_study_without_any_value_ends_with_exit_code_4() {
    let place = Place::with(STUDY, "exit 77");
    place.norgay(&["run", "study.yaml"], 4);
    place.norgay(&["best"], 4);
}

#[test]
fn a_target_ends_the_study_early() {
    let place = Place::with(&study(&[("trials: 6", "trials: 500, target: 0.5")]), SCRIPT);
    let (out, _) = place.norgay(&["run", "study.yaml"], 0);
    assert!(out.contains("the target value was reached"), "{out}");
    assert!(place.trials().len() < 100);
}

#[test]
fn the_median_rule_prunes_a_bad_trial_while_it_runs() {
    let script = r#"
        value=0.1; test "$NORGAY_TRIAL_ID" = 6 && value=0.9
        "$NORGAY" report --step 1 loss=$value
        test "$NORGAY_TRIAL_ID" = 6 && exec sleep 600
        echo '{"loss": 0.1}' > metrics.json"#;
    let rule = "max_concurrent: 1\nstopping_rule: {name: median, min_trials: 3}";
    let place = Place::with(&study(&[("max_concurrent: 2", rule)]), script);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    assert_eq!(place.states()[5], "pruned");
    let table = place.read("output/small/study_results.csv");
    assert!(
        table.lines().any(|line| line.starts_with("6,STOPPED,1,")),
        "{table}"
    );
}

#[test]
fn running_trials_hold_different_slots() {
    let script = r#"mkdir "$NORGAY_STUDY_DIR/slot-$SHERPA_RESOURCE" || exit 1
        sleep 0.05; rmdir "$NORGAY_STUDY_DIR/slot-$SHERPA_RESOURCE"; echo '{"loss": 1}' > metrics.json"#;
    let changes = [(
        "max_concurrent: 2",
        "max_concurrent: 9\nresources: [0, 1, 2]",
    )];
    let place = Place::with(&study(&changes), script);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    assert_eq!(place.states(), ["completed"; 6]);
}

#[test]
fn an_inactive_parameter_is_left_out_with_its_flag() {
    let text = "
parameters:
  solver: {type: choice, range: [adam]}
  other: {type: choice, range: [a, b]}
  momentum: {type: continuous, range: [0, 1], when: {other: a}}
minimize: loss
budget: {trials: 8}
command: sh trial.sh --momentum {momentum} --solver {solver}
stdout_pattern: 'loss=(?P<loss>[0-9]+)'
";
    let place = Place::with(text, "echo \"loss=$#\"");
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    for trial in place.trials() {
        let active = trial["parameters"].get("momentum").is_some();
        assert_eq!(trial["value"], if active { 4.0 } else { 2.0 }, "{trial}");
        assert_eq!(active, trial["parameters"]["other"] == "a");
    }
}

#[test]
fn a_mistake_in_the_study_file_is_told_with_its_place_and_makes_no_file() {
    let place = Place::with(&study(&[("range: [0, 1]", "range: [1, 0]")]), SCRIPT);
    let (_, err) = place.norgay(&["run", "study.yaml"], 2);
    assert!(
        err.contains("study.yaml:4:") && err.contains("'x'"),
        "{err}"
    );
    assert!(!place.file("norgay.db").exists() && !place.file("output").exists());
}

#[test]
fn another_space_under_the_same_name_is_refused_with_the_remedy() {
    let place = Place::with(STUDY, SCRIPT);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    place.write("study.yaml", &study(&[("range: [0, 1]", "range: [0, 2]")]));
    let (_, err) = place.norgay(&["run", "study.yaml"], 1);
    assert!(
        err.contains("another search space") && err.contains("norgay study rm small"),
        "{err}"
    );
}

#[test]
fn the_files_of_a_removed_study_never_pass_for_the_new_ones() {
    let place = Place::with(STUDY, SCRIPT);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    place.norgay(&["study", "rm", "small"], 0);
    let (_, err) = place.norgay(&["run", "study.yaml"], 1);
    assert!(err.contains("holds the trials of another study"), "{err}");
    place.norgay(&["study", "rm", "small", "--files"], 0);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
}

#[test]
fn json_output_is_json_line_by_line() {
    let place = Place::with(STUDY, SCRIPT);
    let (out, _) = place.norgay(&["run", "study.yaml", "--json"], 0);
    let values: Vec<Json> = serde_json::Deserializer::from_str(&out)
        .into_iter()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(values.len(), 7);
    assert_eq!(values[6]["trials"]["completed"], 6);
}

/// Starts a run whose trials wait for a file `go`, and waits for two of them.
fn running(place: &Place) -> Child {
    place.start(&["run", "study.yaml", "--quiet"], &["began-1", "began-2"])
}

const WAITING: &str = r#"touch "$NORGAY_STUDY_DIR/began-$NORGAY_TRIAL_ID"
while ! test -e "$NORGAY_STUDY_DIR/go"; do sleep 0.01; done
echo '{"loss": 1}' > metrics.json"#;

#[test]
fn one_interrupt_lets_running_trials_finish() {
    let place = Place::with(STUDY, WAITING);
    let mut child = running(&place);
    signal(&child, "-INT");
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert!(
        child.try_wait().unwrap().is_none(),
        "it waits for its trials"
    );
    place.write("go", "");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(place.states(), ["completed"; 2]);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    assert_eq!(place.states(), ["completed"; 6]);
}

#[test]
fn two_interrupts_or_one_sigterm_end_trials_which_are_run_again() {
    for signals in [&["-INT", "-INT"][..], &["-TERM"]] {
        let place = Place::with(STUDY, WAITING);
        let mut child = running(&place);
        for name in signals {
            signal(&child, name);
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_eq!(place.states(), ["queued (pre-empted)"; 2]);
        place.write("go", "");
        place.norgay(&["run", "study.yaml", "--quiet"], 0);
        assert_eq!(place.states(), ["completed"; 6]);
    }
}

#[test]
fn trials_outlive_a_killed_engine_and_are_taken_over() {
    let place = Place::with(STUDY, WAITING);
    let mut child = running(&place);
    child.kill().unwrap();
    child.wait().unwrap();
    place.write("go", "");
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    let attempts: Vec<_> = place
        .trials()
        .iter()
        .map(|trial| trial["attempt"].clone())
        .collect();
    assert_eq!(attempts, [1; 6], "no trial was started twice");
}

#[test]
fn a_second_engine_is_refused_while_the_first_one_runs() {
    let place = Place::with(STUDY, WAITING);
    let mut child = running(&place);
    let (_, err) = place.norgay(&["run", "study.yaml"], 1);
    assert!(err.contains("being run by another process"), "{err}");
    place.write("go", "");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_study_is_paused_resumed_and_cancelled_from_outside() {
    let place = Place::with(STUDY, WAITING);
    let mut child = running(&place);
    place.norgay(&["study", "pause"], 0);
    place.write("go", "");
    wait_until("both trials end", || place.states() == ["completed"; 2]);
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(place.states().len(), 2, "a paused study starts nothing");
    std::fs::remove_file(place.file("go")).unwrap();
    place.norgay(&["study", "resume"], 0);
    wait_until("it goes on", || place.states().len() == 4);
    place.norgay(&["study", "cancel"], 0);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(place.states()[2..], ["cancelled"; 2]);
}

#[test]
fn a_study_can_begin_with_the_best_of_another_whose_space_differs() {
    let place = Place::with(STUDY, SCRIPT);
    place.norgay(&["run", "study.yaml", "--quiet"], 0);
    let other = study(&[
        ("name: small", "name: other"),
        ("range: [0, 1]", "range: [0, 2]"),
        ("trials: 6", "trials: 3"),
        ("  n: {type: ordinal, range: [8, 16, 32]}\n", ""),
        ("{x} {n}", "{x} 1"),
    ]);
    place.write("other.yaml", &other);
    let (_, error) = place.norgay(&["run", "other.yaml", "--warm-start", "missing"], 1);
    assert!(
        error.contains("no study named 'missing'; the storage has small"),
        "{error}"
    );
    let (out, _) = place.norgay(&["run", "other.yaml", "--warm-start", "small"], 0);
    assert!(
        out.contains("of the best of small are tried first"),
        "{out}"
    );
    let (json, _) = place.norgay(&["trial", "ls", "-s", "other", "--json"], 0);
    let trials: Vec<Json> = serde_json::from_str(&json).unwrap();
    let (best, _) = place.norgay(&["best", "small", "--json"], 0);
    let best: Json = serde_json::from_str(&best).unwrap();
    assert_eq!(trials[0]["parameters"]["x"], best["parameters"]["x"]);
}
