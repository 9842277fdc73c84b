//! Chain and Repeat: what the members of a chain see (CS-72), what can be repeated (CS-70), and
//! which mean decides (CS-67, CS-69).

use norgay_core::algorithms::ALGORITHMS;
use norgay_core::space::Scale;

use crate::*;

fn digits() -> Space {
    space(vec![discrete("x", 1, 9, Scale::Linear)])
}

fn named(name: &str, more: Vec<(&str, Value)>) -> Value {
    let mut pairs = vec![("name", name.into())];
    pairs.extend(more);
    dict(pairs)
}

#[test]
fn cs_72_a_chain_hands_over_when_a_member_is_done() {
    let parameters = vec![
        choice("a", &texts(&["p", "q", "r"])),
        continuous("b", 0.0, 1.0, Scale::Linear),
    ];
    let members = vec![
        named("GridSearch", vec![("num_grid_points", 2.into())]),
        named("RandomSearch", vec![("max_num_trials", 10.into())]),
    ];
    let arguments = vec![("algorithms", members.into())];
    let mut simulation = simulation(space(parameters), "Chain", arguments);
    let trials = run(&mut simulation, 100, |_| 0.0);
    let of_grid = trials.iter().filter(|t| t.reason.starts_with("point"));
    assert_eq!((trials.len(), of_grid.count()), (16, 6));
    assert!(trials[..6].iter().all(|t| t.reason.starts_with("point")));
}

#[test]
fn cs_72_a_later_member_learns_from_the_trials_before_it() {
    let members = vec![
        named("random", vec![("max_num_trials", 10.into())]),
        named("genetic", Vec::new()),
    ];
    let arguments = vec![("algorithms", members.into())];
    let mut simulation = simulation(digits(), "chain", arguments);
    let trials = run(&mut simulation, 11, |t| number(&t.configuration, "x"));
    assert!(
        trials[10].reason.starts_with("child of"),
        "{}",
        trials[10].reason
    );
}

#[test]
fn a_later_member_begins_its_own_course_anew() {
    let pbt = |generations: i64| {
        let size = ("population_size", Value::Int(3));
        named("pbt", vec![size, ("num_generations", generations.into())])
    };
    let grid = || named("grid", vec![("num_grid_points", 2.into())]);
    let twice = named(
        "repeat",
        vec![("algorithm", grid()), ("num_times", 2.into())],
    );
    let members = vec![pbt(2), twice.clone(), pbt(1), twice];
    let arguments = vec![("algorithms", members.into())];
    let mut simulation = simulation(digits(), "chain", arguments);
    let trials = run(&mut simulation, 100, |_| 0.0);
    let generation = |trial: &Trial| {
        trial
            .configuration
            .get("generation")
            .and_then(Value::as_i64)
    };
    let generations: Vec<Option<i64>> = trials.iter().map(generation).collect();
    let (first, again) = ([Some(1), Some(1), Some(1)], [Some(2), Some(2), Some(2)]);
    assert_eq!(
        generations,
        [&first[..], &again, &[None; 4], &first, &[None; 4]].concat()
    );
    for own in [6..10, 13..17] {
        let x = trials[own].iter().map(|t| number(&t.configuration, "x"));
        assert_eq!(x.collect::<Vec<f64>>(), [1.0, 1.0, 9.0, 9.0]);
    }
}

#[test]
fn cs_70_what_goes_its_own_course_can_not_be_repeated() {
    let allowed = ["grid", "random", "local_search", "iterate"];
    let refused = [
        "successive_halving",
        "population_based_training",
        "genetic",
        "chain",
        "repeat",
    ];
    for (names, allows) in [(&allowed[..], true), (&refused[..], false)] {
        for name in names {
            let entry = ALGORITHMS.iter().find(|entry| entry.name == *name).unwrap();
            assert_eq!(entry.allows_repetition, allows, "{name}");
        }
    }
    let choice = AlgorithmChoice {
        name: "Repeat".into(),
        arguments: vec![("algorithm".into(), "PopulationBasedTraining".into())],
    };
    let built = norgay_core::algorithms::build(&choice, &digits());
    let error = built.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("can't be repeated"), "{error}");
}
