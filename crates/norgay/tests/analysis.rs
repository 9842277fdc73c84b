//! What the trials say: importance, explanations, and the end of patience.

#![allow(clippy::unwrap_used)]

mod common;

use common::Place;

const STUDY: &str = "
name: small
parameters:
  x: {type: continuous, range: [0, 1]}
  kind: [steep, flat]
  slope: {type: continuous, range: [0, 1], when: {kind: steep}}
minimize: loss
algorithm: random
seed: 1
budget: {trials: 60}
";

/// A study whose trials are told rather than run: `told` of them, the loss mostly that of x.
fn told(told: usize) -> Place {
    let place = Place::empty();
    place.write("study.yaml", STUDY);
    for _ in 0..told {
        let (out, _) = place.norgay(&["ask", "--study", "study.yaml", "--json"], 0);
        let asked: serde_json::Value = serde_json::from_str(&out).unwrap();
        let number = asked["trial"].as_u64().unwrap().to_string();
        let x = asked["parameters"]["x"].as_f64().unwrap();
        let slope = asked["parameters"]["slope"].as_f64().unwrap_or(0.0);
        let loss = format!("loss={}", 4.0 * x + 0.2 * slope);
        place.norgay(&["tell", &number, &loss], 0);
    }
    place
}

#[test]
fn importance_names_what_matters_and_where_it_is_active() {
    let place = told(40);
    let (out, _) = place.norgay(&["importance"], 0);
    let lines: Vec<&str> = out.lines().collect();
    assert!(
        lines[0].contains("fanova") && lines[0].contains("40 trials"),
        "{out}"
    );
    assert!(lines[2].starts_with("x "), "{out}");
    assert!(
        out.contains("50%"),
        "slope is active in half of the space: {out}"
    );
    for method in ["fanova", "ped-anova", "permutation"] {
        let (out, _) = place.norgay(&["importance", "small", "--method", method, "--json"], 0);
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(json["method"], method);
        assert_eq!(json["importances"][0]["parameters"][0], "x", "{out}");
    }
    let (_, err) = place.norgay(&["importance", "--method", "shap"], 2);
    assert!(err.contains("ped-anova"), "{err}");
}

#[test]
fn a_trial_is_explained() {
    let place = told(20);
    let (out, _) = place.norgay(&["explain", "20"], 0);
    for words in [
        "trial 20: completed",
        "why    random sample",
        "into its range, above",
        "a forest of the 19 trials",
        "of 20",
        "most similar trials before it",
        "there,",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
    let (out, _) = place.norgay(&["explain", "20", "--json"], 0);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["expected"]["trials"], 19);
    assert_eq!(json["rank"]["of"], 20);
    assert_eq!(json["similar"].as_array().unwrap().len(), 3);
    let (out, _) = place.norgay(&["explain", "1"], 0);
    assert!(out.contains("too few trials had ended"), "{out}");
    let (_, err) = place.norgay(&["explain", "21"], 1);
    assert!(err.contains("21"), "{err}");
}

#[test]
fn without_results_the_commands_say_so() {
    let place = told(2);
    let (_, err) = place.norgay(&["importance"], 4);
    assert!(
        err.contains("needs 4 completed trials") && err.contains("there are 2"),
        "{err}"
    );
    place.norgay(&["ask", "--study", "study.yaml"], 0);
    let (out, _) = place.norgay(&["explain", "3"], 0);
    assert!(out.contains("no value yet"), "{out}");
}

#[test]
fn a_run_ends_when_patience_is_used_up_and_says_so() {
    let study = "
name: patient
parameters:
  x: {type: continuous, range: [0, 1]}
minimize: loss
budget: {trials: 50, patience: 3}
command: sh trial.sh {x}
metrics_file: metrics.json
";
    let place = Place::with(study, r#"printf '{"loss": 1}' > metrics.json"#);
    let (out, err) = place.norgay(&["run", "study.yaml", "--quiet"], 0);
    assert!((out + &err).contains("no improvement"));
    let (out, _) = place.norgay(&["study", "show", "patient"], 0);
    assert!(out.contains("no improvement"), "{out}");
    let (out, _) = place.norgay(&["trial", "ls", "--json"], 0);
    let trials: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        trials.as_array().unwrap().len(),
        4,
        "one sets the mark, three don't pass it"
    );
}
