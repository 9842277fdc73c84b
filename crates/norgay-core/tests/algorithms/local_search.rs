use norgay_core::algorithm::Suggestion;
use norgay_core::expression::Predicate;
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::{Space, Value};

use crate::*;

fn local(seed: Vec<(&str, Value)>) -> norgay_core::definition::AlgorithmChoice {
    algorithm("LocalSearch", vec![("seed_configuration", dict(seed))])
}

fn all_types() -> Space {
    space(vec![
        Parameter::new(
            "ordinal",
            Domain::Ordinal {
                values: texts(&["a", "b", "c", "d"]),
            },
        ),
        continuous("continuous", 0.0, 10.0, Scale::Linear),
        discrete("discrete", 1, 10, Scale::Linear),
        choice_of("choice", &texts(&["x", "y", "z"])),
    ])
}

#[test]
fn cs_60_seed_first_then_one_change_at_a_time() {
    let seed = vec![
        ("ordinal", "b".into()),
        ("continuous", Value::Float(5.0)),
        ("discrete", Value::Int(5)),
        ("choice", "x".into()),
    ];
    let mut simulation = simulation(all_types(), local(seed));
    // The seed stays the best, so all its neighbours follow.
    let found = run(&mut simulation, 100, {
        let first = std::cell::Cell::new(true);
        move |_| if first.replace(false) { 0.0 } else { 1.0 }
    });
    let mut differences: Vec<String> = found[1..]
        .iter()
        .map(|configuration| {
            let changed: Vec<String> = configuration
                .entries()
                .iter()
                .filter(|(name, value)| found[0].get(name) != Some(value))
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            assert_eq!(changed.len(), 1);
            changed[0].clone()
        })
        .collect();
    differences.sort();
    let expected = [
        "choice y",
        "choice z",
        "continuous 4.0",
        "continuous 6.0",
        "discrete 4",
        "discrete 6",
        "ordinal a",
        "ordinal c",
    ];
    assert_eq!(differences, expected);
}

#[test]
fn cs_61_it_ends_when_all_neighbours_were_tried() {
    let space = space(vec![discrete("x", 1, 10, Scale::Linear)]);
    let mut simulation = simulation(space, local(vec![("x", Value::Int(1))]));
    let found = run(&mut simulation, 100, |c| {
        c.get("x").unwrap().as_f64().unwrap()
    });
    // 1 can move to 2, and nothing else is next to it.
    assert_eq!(column(&found, "x"), [Value::Int(1), Value::Int(2)]);
    assert_eq!(simulation.suggestion().unwrap(), Suggestion::Done);
}

#[test]
fn cs_61_small_whole_numbers_are_climbed() {
    let space = space(vec![discrete("x", 1, 10, Scale::Linear)]);
    let mut simulation = simulation(space, local(vec![("x", Value::Int(1))]));
    let found = run(&mut simulation, 100, |c| {
        -c.get("x").unwrap().as_f64().unwrap()
    });
    assert!(column(&found, "x").contains(&Value::Int(10)));
}

#[test]
fn it_waits_for_a_trial_that_may_become_the_base() {
    let space = space(vec![discrete("x", 1, 10, Scale::Linear)]);
    let mut simulation = simulation(space, local(vec![("x", Value::Int(1))]));
    simulation.start().unwrap().unwrap();
    simulation.start().unwrap().unwrap();
    assert_eq!(simulation.suggestion().unwrap(), Suggestion::Wait);
    simulation.fail(1).unwrap();
    simulation.complete(2, 1.0).unwrap();
    let third = simulation.start().unwrap().unwrap();
    assert_eq!(third.configuration.get("x"), Some(&Value::Int(3)));
}

#[test]
fn cs_62_a_bad_seed_is_an_error_at_once() {
    let space = space(vec![
        discrete("x", 1, 10, Scale::Linear),
        discrete("y", 1, 10, Scale::Linear),
    ]);
    let error = |seed| build_error(&space, &local(seed));
    assert!(error(vec![("x", Value::Int(1))]).contains("'y' has no value"));
    let outside = vec![("x", Value::Int(11)), ("y", Value::Int(1))];
    assert!(error(outside).contains("11 is not a whole number from 1 to 10"));
    let unknown = vec![
        ("x", Value::Int(1)),
        ("y", Value::Int(1)),
        ("z", Value::Int(1)),
    ];
    assert!(error(unknown).contains("no parameter 'z'"));
    let absent = algorithm("LocalSearch", Vec::new());
    assert!(build_error(&space, &absent).contains("seed_configuration"));
    let factors = vec![
        ("seed_configuration", dict(vec![])),
        ("perturbation_factors", Value::Int(2)),
    ];
    let choice = algorithm("LocalSearch", factors);
    let empty = Space::new(Vec::new(), Vec::new()).unwrap();
    assert!(build_error(&empty, &choice).contains("list of numbers"));
}

#[test]
fn each_configuration_as_often_as_asked() {
    let space = space(vec![discrete("x", 1, 10, Scale::Linear)]);
    let choice = algorithm(
        "local_search",
        vec![
            ("seed_configuration", dict(vec![("x", Value::Int(5))])),
            ("repeat_trials", Value::Int(3)),
            ("max_num_trials", Value::Int(8)),
        ],
    );
    let found = column(&run(&mut simulation(space, choice), 100, |_| 0.0), "x");
    assert_eq!(found.len(), 8);
    assert_eq!(found[..3], vec![Value::Int(5); 3][..]);
    assert!(found[3] == found[4] && found[4] == found[5] && found[3] != found[0]);
    assert!(found[6] == found[7] && found[6] != found[5]);
}

#[test]
fn conditions_and_constraints_are_kept() {
    let parameters = vec![
        choice_of("solver", &texts(&["sgd", "adam"])),
        continuous("momentum", 0.1, 0.9, Scale::Linear).when("solver", texts(&["sgd"])),
        discrete("x", 1, 10, Scale::Linear),
    ];
    let constraint = Predicate::parse("x <= 5").unwrap();
    let space = Space::new(parameters, vec![constraint]).unwrap();
    let seed = vec![("solver", "adam".into()), ("x", Value::Int(5))];
    let mut simulation = simulation(space.clone(), local(seed));
    let found = run(&mut simulation, 200, |_| 1.0);
    for configuration in &found {
        assert_eq!(
            space.validated(configuration, |_| false).as_ref(),
            Ok(configuration)
        );
    }
    // The seed is the first of equals: 4, 5 with the other solver, and no more.
    assert_eq!(found.len(), 3);
    assert!(found.iter().any(|c| c.get("momentum").is_some()));
}

#[test]
fn zero_can_be_left() {
    let space = space(vec![continuous("x", -1.0, 1.0, Scale::Linear)]);
    let mut simulation = simulation(space, local(vec![("x", Value::Float(0.0))]));
    let found = run(&mut simulation, 3, |c| {
        c.get("x").unwrap().as_f64().unwrap().abs()
    });
    assert_eq!(found.len(), 3);
}
