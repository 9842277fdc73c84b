//! Trials that users evaluate themselves, and the commands around studies and trials.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use common::Place;

const STUDY: &str = "
name: manual
parameters: {x: {type: continuous, range: [0, 1]}}
maximize: score
budget: {trials: 80}
";

fn place() -> Place {
    Place::with(STUDY, "")
}

#[test]
fn a_trial_is_asked_for_reported_and_told() {
    let place = place();
    let asked = place.json(&["ask", "--study", "study.yaml", "--json"]);
    assert_eq!(
        (asked["trial"].as_u64(), asked["attempt"].as_u64()),
        (Some(1), Some(1))
    );
    assert!(asked["parameters"]["x"].is_f64());
    place.norgay(&["report", "--trial", "1", "--step", "1", "score=0.25"], 0);
    place.norgay(&["report", "--trial", "1", "--step", "1", "score=0.25"], 0);
    let (_, err) = place.norgay(&["report", "--trial", "1", "--step", "1", "score=0.5"], 1);
    assert!(err.contains("other metrics at step 1"), "{err}");
    place.norgay(&["tell", "1", "0.75"], 0);
    place.norgay(&["tell", "1", "0.75"], 0);
    let (_, err) = place.norgay(&["tell", "1", "0.5"], 1);
    assert!(err.contains("ended before"), "{err}");
    assert_eq!(place.json(&["best", "--json"])["value"], 0.75);
}

#[test]
fn telling_without_a_number_is_refused_and_changes_nothing() {
    let place = place();
    place.norgay(&["ask", "--study", "study.yaml"], 0);
    for wrong in ["score=much", "score=nan", "other=1"] {
        let (_, err) = place.norgay(&["tell", "1", wrong], 1);
        assert!(err.contains("the objective 'score'"), "{wrong}: {err}");
    }
    assert_eq!(place.states(), ["running"]);
    place.norgay(&["tell", "1", "--failed", "infeasible"], 0);
    assert_eq!(place.states(), ["failed (infeasible)"]);
    let (_, err) = place.norgay(&["tell", "2", "1"], 1);
    assert!(err.contains("there is no trial 2"), "{err}");
}

#[test]
fn a_trial_whose_lease_ran_out_is_handed_out_again_and_its_old_holder_refused() {
    let place = place();
    place.norgay(&["ask", "--study", "study.yaml", "--lease", "0"], 0);
    std::thread::sleep(std::time::Duration::from_millis(20));
    let again = place.json(&["ask", "--json", "--study", "manual"]);
    assert_eq!(
        (again["trial"].as_u64(), again["attempt"].as_u64()),
        (Some(1), Some(2))
    );
    let (_, err) = place.norgay(&["tell", "1", "--attempt", "1", "1"], 1);
    assert!(err.contains("attempt 1 of trial 1 is over"), "{err}");
}

#[test]
fn of_many_that_ask_at_once_no_two_get_the_same_trial() {
    let place = place();
    place.norgay(&["ask", "--study", "study.yaml"], 0);
    let ask = || {
        let asked = place.json(&["ask", "--study", "manual", "--json"]);
        asked["trial"].as_u64().unwrap()
    };
    let numbers: Vec<u64> = std::thread::scope(|scope| {
        let four = || (0..4).map(|_| ask()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(four)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(
        numbers.iter().copied().collect::<BTreeSet<_>>(),
        (2..=33).collect()
    );
}

#[test]
fn exactly_the_budget_is_handed_out() {
    let place = Place::with(&STUDY.replace("80", "3"), "");
    for number in 1..=3 {
        place.norgay(&["ask", "--study", "study.yaml"], 0);
        place.norgay(&["tell", &number.to_string(), "0.5"], 0);
    }
    place.norgay(&["ask", "--study", "study.yaml"], 5);
    assert_eq!(
        place.json(&["study", "show", "--json"])["status"],
        "finished"
    );
}

#[test]
fn given_configurations_come_first_and_are_checked() {
    let place = place();
    place.norgay(&["ask", "--study", "study.yaml"], 0);
    place.norgay(&["trial", "enqueue", "x=0.125"], 0);
    let asked = place.json(&["ask", "--study", "manual", "--json"]);
    assert_eq!(asked["parameters"]["x"], 0.125);
    for (wrong, word) in [
        ("x=2", "from 0.0 to 1.0"),
        ("y=1", "no parameter 'y'"),
        ("x", "name=value"),
    ] {
        let output = place.output(&["trial", "enqueue", wrong]);
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && err.contains(word),
            "{wrong}: {err}"
        );
    }
}

#[test]
fn studies_are_listed_shown_exported_and_removed() {
    let place = place();
    place.norgay(&["ask", "--study", "study.yaml"], 0);
    place.norgay(&["tell", "1", "0.5"], 0);
    let (out, _) = place.norgay(&["study", "ls"], 0);
    assert!(out.contains("manual") && out.contains("1/80"), "{out}");
    assert_eq!(
        place.json(&["study", "ls", "--json"])[0]["best"]["value"],
        0.5
    );
    let (out, _) = place.norgay(&["study", "show", "manual"], 0);
    assert!(out.contains("maximize score"), "{out}");
    let (table, _) = place.norgay(&["study", "export"], 0);
    assert!(
        table.starts_with("Trial-ID,Status,Iteration,x,Objective"),
        "{table}"
    );
    let (out, _) = place.norgay(&["trial", "ls", "--state", "completed"], 0);
    assert_eq!(out.lines().count(), 2, "{out}");
    place.norgay(&["study", "rm", "manual"], 0);
    let (_, err) = place.norgay(&["study", "show", "manual"], 1);
    assert!(err.contains("there is no study named 'manual'"), "{err}");
}

#[test]
fn schemas_and_completions_are_printed_and_doctor_checks() {
    let place = place();
    assert!(place.json(&["schema", "study"])["properties"]["parameters"].is_object());
    assert!(place.json(&["schema", "space"]).is_object());
    let (out, _) = place.norgay(&["completions", "bash"], 0);
    assert!(out.contains("norgay"));
    place.norgay(&["doctor", "study.yaml"], 0);
    place.write(
        "study.yaml",
        &format!("{STUDY}command: no-such-program {{x}}\n"),
    );
    let (out, _) = place.norgay(&["doctor", "study.yaml"], 1);
    assert!(out.contains("FAILED  program no-such-program"), "{out}");
}

const SEVERAL: &str = "
name: several
parameters: {x: {type: continuous, range: [0, 1]}}
objectives: [loss, {name: speed, direction: maximize}]
outcome_constraints: [memory <= 8]
algorithm: random
budget: {trials: 80}
";

#[test]
fn several_objectives_are_told_in_order_and_their_front_is_best() {
    let place = Place::with(SEVERAL, "");
    for _ in 0..4 {
        place.norgay(&["ask", "--study", "study.yaml"], 0);
    }
    let (_, err) = place.norgay(&["tell", "1", "1", "2"], 1);
    assert!(err.contains("the metric 'memory'"), "{err}");
    for (trial, loss, speed, memory) in [
        ("1", 1, 2, 4),
        ("2", 2, 3, 4),
        ("3", 3, 1, 8),
        ("4", 0, 9, 9),
    ] {
        let [loss, speed, memory] = [("loss", loss), ("speed", speed), ("memory", memory)]
            .map(|(name, value)| format!("{name}={value}"));
        place.norgay(&["tell", trial, &loss, &speed, &memory], 0);
    }
    let (out, _) = place.norgay(&["best"], 0);
    assert!(out.contains("trial 1: loss 1.0, speed 2.0\n"), "{out}");
    assert!(out.contains("trial 2: loss 2.0, speed 3.0\n"), "{out}");
    assert!(
        !out.contains("trial 3") && !out.contains("trial 4"),
        "{out}"
    );
    let front = place.json(&["best", "--json"])["front"].clone();
    let numbers: Vec<u64> = front
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["trial"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(front[1]["values"], serde_json::json!([2.0, 3.0]));
    let study = place.json(&["study", "show", "several", "--json"]);
    assert_eq!(study["front"], serde_json::json!([1, 2]));
    assert_eq!(
        study["outcome_constraints"],
        serde_json::json!(["memory <= 8"])
    );
    let (out, _) = place.norgay(&["study", "show", "several"], 0);
    assert!(out.contains("minimize loss, maximize speed"), "{out}");
    assert!(out.contains("front      trials 1, 2"), "{out}");
}

#[test]
fn plain_numbers_are_the_objectives_in_their_order() {
    let place = Place::with(
        &SEVERAL.replace("outcome_constraints: [memory <= 8]\n", ""),
        "",
    );
    place.norgay(&["ask", "--study", "study.yaml"], 0);
    place.norgay(&["tell", "1", "0.5", "3"], 0);
    let front = place.json(&["best", "--json"])["front"].clone();
    assert_eq!(front[0]["values"], serde_json::json!([0.5, 3.0]));
}
