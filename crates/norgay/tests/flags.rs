//! `norgay run` with the reference's flags.

#![allow(clippy::unwrap_used)]

mod common;

use common::Place;

const SPACE: &str = r#"{"batch_size": {"type": "Ordinal", "range": [16]}, "learning_rate": {"type": "Ordinal", "range": [1e-05]}, "units_1": {"type": "Discrete", "range": [64, 64]}, "units_2": {"type": "Discrete", "range": [32, 32]}, "dropout": {"type": "Choice", "range": [0.1]}, "patience": {"type": "Choice", "range": [10]}, "activation": {"type": "Choice", "range": ["relu"]}}"#;

/// A folder with an input folder, a flag file and a script.
fn place(parameter_text: &str, space: &str) -> Place {
    let place = Place::empty();
    std::fs::create_dir(place.file("in")).unwrap();
    place.write(
        "in/trial_run_parameter.txt",
        include_str!("data/trial_run_parameter.txt"),
    );
    place.write(
        "trial.sh",
        "echo \"$1|$2|$3|$4|$5\"; echo '{\"mse\": 0.5}' > metrics.json",
    );
    let flags = format!(
        "# as the block's users write it\n--run_name=moulding\n--input_path=in\n\
         --output_path=out\n--default_parameter={parameter_text}\n--hpo_parameter={space}\n\
         --algorithm=RandomSearch\n--algo_parameter={{\"max_num_trials\": 2}}\n--objective=mse\n\
         --filename_objective=metrics.json\n--lower_is_better=True\n--max_concurrent=2\n\
         --resubmit_failed_trials=True\n--verbose=False\n--storage_strategy=keep\n"
    );
    place.write("flags.txt", &flags);
    place
}

fn run(place: &Place, code: i32) -> (String, String) {
    let command = "sh trial.sh {units} {shuffle} {learning_rate} {callbacks} {output_path}";
    place.norgay(
        &[
            "run",
            "--flagfile=flags.txt",
            "--scheduler",
            "local",
            "--command",
            command,
        ],
        code,
    )
}

#[test]
fn a_trial_gets_what_python_makes_of_the_parameter_text() {
    let place = place("trial_run_parameter.txt", SPACE);
    run(&place, 0);
    let (log, _) = place.norgay(&["trial", "logs", "1"], 0);
    let callbacks = "[{'class_name': 'EarlyStopping', 'config': {'monitor': 'val_loss', \
                     'patience': 10, 'min_delta': -0.0001, 'baseline': None}}]";
    let folder = place.path().canonicalize().unwrap();
    let output = log.trim_end().rsplit('|').next().unwrap();
    assert!(
        log.starts_with(&format!("64,32|True|1e-05|{callbacks}|")),
        "{log}"
    );
    assert_eq!(
        std::path::Path::new(output).canonicalize().unwrap(),
        folder.join("out/moulding/1"),
    );
    // The iteration of a trial that reports once is what it was told as epochs.
    let table = place.read("out/moulding/study_results.csv");
    assert!(
        table
            .lines()
            .any(|line| line.starts_with("1,COMPLETED,60,")),
        "{table}"
    );
}

#[test]
fn every_mistake_of_a_space_is_told_at_once_with_its_place() {
    let place = place("trial_run_parameter.txt", "bad.json");
    place.write("bad.json", include_str!("data/hpo_parameter_bad.json"));
    let (_, err) = run(&place, 2);
    for (line, name) in [
        (2, "no_type"),
        (3, "odd_type"),
        (4, "log_zero"),
        (5, "reversed"),
        (6, "typo_scale"),
        (7, "empty"),
        (9, "twice"),
    ] {
        let told = err.lines().any(|text| {
            text.contains(&format!("bad.json:{line}:")) && text.contains(&format!("'{name}'"))
        });
        assert!(told, "{name} is not told:\n{err}");
    }
    assert!(!place.file("out").exists() && !place.file("norgay.db").exists());
}

#[test]
fn every_hostile_parameter_text_is_refused_before_anything_starts() {
    for line in include_str!("data/trial_run_parameter_hostile.txt").lines() {
        let place = place("trial_run_parameter.txt", SPACE);
        place.write("in/trial_run_parameter.txt", line);
        let (_, err) = run(&place, 2);
        assert!(err.contains("trial_run_parameter.txt:1:"), "{line}\n{err}");
        assert!(
            !place.file("out").exists() && !place.file("norgay.db").exists(),
            "{line}"
        );
    }
}

#[test]
fn a_missing_flag_is_named() {
    let place = Place::empty();
    let (_, err) = place.norgay(&["run", "--run_name=x", "--scheduler=local"], 2);
    for flag in [
        "hpo_parameter",
        "algorithm",
        "objective",
        "output_path",
        "default_parameter",
    ] {
        assert!(err.contains(flag), "{flag}:\n{err}");
    }
    let (_, err) = place.norgay(&["run", "--algoritm=x"], 2);
    assert!(
        err.contains("algorithm"),
        "the nearest flag is named:\n{err}"
    );
}

#[test]
fn a_failed_trial_is_resubmitted_once_with_its_number() {
    let place = place("trial_run_parameter.txt", SPACE);
    place.write(
        "trial.sh",
        "test $NORGAY_ATTEMPT = 2 || exit 1; echo '{\"mse\": 0.5}' > metrics.json",
    );
    run(&place, 0);
    let trials = place.trials();
    assert_eq!(trials.len(), 2);
    assert!(
        trials
            .iter()
            .all(|trial| trial["attempt"] == 2 && trial["state"] == "completed")
    );
}
