//! Chain and Repeat: what the members of a chain see (CS-72), what can be repeated (CS-70), and
//! which mean decides (CS-67, CS-69).

use norgay_core::algorithms::ALGORITHMS;
use norgay_core::repetition::{best_group, groups};
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

fn repeated(num_times: i64) -> norgay_core::testing::Simulation {
    let grid = named("grid", vec![("num_grid_points", 3.into())]);
    let arguments = vec![("algorithm", grid), ("num_times", Value::Int(num_times))];
    simulation(digits(), "Repeat", arguments)
}

#[test]
fn cs_67_the_best_mean_decides_once_a_group_is_complete() {
    let mut simulation = repeated(3);
    let values = [0.0, 9.0, 9.0, 4.0, 5.0, 6.0, 7.0, 7.0, 7.0];
    for (index, value) in values.into_iter().enumerate() {
        let number = simulation.start().unwrap().unwrap().number;
        simulation.complete(number, value).unwrap();
        let best = best_group(simulation.study());
        assert_eq!(best.is_some(), index >= 2);
    }
    // The luckiest single trial is one of 1, the best mean that of 5.
    assert_eq!(simulation.study().incumbent().unwrap().number, 1);
    let best = best_group(simulation.study()).unwrap();
    assert_eq!(best.configuration.get("x"), Some(&Value::Int(5)));
    assert_eq!(best.trials, [4, 5, 6]);
    let summary = best.summary.unwrap();
    assert_eq!((summary.mean, summary.count), (5.0, 3));
    assert_eq!(summary.variance, Some(1.0));
    // The reference divides by one less than the count.
    assert_eq!(summary.standard_error, Some(libm::sqrt(0.5)));
    assert_eq!(groups(simulation.study()).len(), 3);
}

#[test]
fn cs_67_a_failed_repetition_counts_as_done_but_not_in_the_mean() {
    let mut simulation = repeated(2);
    simulation.start().unwrap().unwrap();
    simulation.start().unwrap().unwrap();
    simulation.complete(1, 3.0).unwrap();
    assert_eq!(best_group(simulation.study()), None);
    simulation.fail(2).unwrap();
    let best = best_group(simulation.study()).unwrap().summary.unwrap();
    assert_eq!((best.mean, best.count, best.variance), (3.0, 1, None));
}

#[test]
fn without_repeat_there_are_no_groups_to_be_best() {
    let mut simulation = simulation(digits(), "random", Vec::new());
    run(&mut simulation, 3, |_| 0.0);
    assert_eq!(best_group(simulation.study()), None);
}
