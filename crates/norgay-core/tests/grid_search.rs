//! Grid search beyond the compatibility list: decimals, huge grids, conditions, constraints.

use std::collections::HashSet;

use norgay_core::algorithm::{Algorithm, Proposal, Suggestion, Trials, View};
use norgay_core::definition::{AlgorithmChoice, Direction};
use norgay_core::expression::Predicate;
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::trial::{Origin, Trial, TrialState};
use norgay_core::{Configuration, Space, Value, algorithms};
use proptest::prelude::*;

fn grid(space: &Space, points: i64) -> Box<dyn Algorithm> {
    let choice = AlgorithmChoice {
        name: "grid".into(),
        arguments: vec![("num_grid_points".into(), points.into())],
    };
    algorithms::build(&choice, space).expect("a grid")
}

fn view<'a>(space: &'a Space, trials: &'a [Trial]) -> View<'a> {
    View {
        space,
        direction: Direction::Minimize,
        more_objectives: &[],
        constraints: &[],
        seed: 1,
        budget: None,
        next_number: trials.len() as u64 + 1,
        suggested: trials.len() as u64,
        trials: Trials::all(trials),
    }
}

fn trial(number: u64, proposal: Proposal) -> Trial {
    Trial {
        number,
        configuration: proposal.configuration,
        origin: Origin::Suggested,
        reason: proposal.reason,
        memo: proposal.memo.map(Box::new),
        created_ms: 0,
        state: TrialState::Running,
        cause: None,
        value: None,
        outcome: None,
        attempts: Vec::new(),
        measurements: Vec::new(),
    }
}

/// At most `most` trials of a grid.
fn trials(space: &Space, points: i64, most: usize) -> Vec<Trial> {
    let mut algorithm = grid(space, points);
    let mut trials = Vec::new();
    while trials.len() < most {
        match algorithm
            .suggest(&view(space, &trials))
            .expect("a suggestion")
        {
            Suggestion::Trial(proposal) => trials.push(trial(trials.len() as u64 + 1, proposal)),
            Suggestion::Done => break,
            Suggestion::Wait => panic!("a grid never waits"),
        }
    }
    trials
}

fn continuous(name: &str, low: f64, high: f64, scale: Scale, step: Option<f64>) -> Parameter {
    Parameter::new(
        name,
        Domain::Continuous {
            low,
            high,
            scale,
            step,
        },
    )
}

fn discrete(name: &str, low: i64, high: i64, scale: Scale, step: Option<i64>) -> Parameter {
    Parameter::new(
        name,
        Domain::Discrete {
            low,
            high,
            scale,
            step,
        },
    )
}

fn unit(name: &str) -> Parameter {
    continuous(name, 0.0, 1.0, Scale::Linear, None)
}

fn space(parameters: Vec<Parameter>, constraints: &[&str]) -> Space {
    let parsed = constraints
        .iter()
        .map(|text| Predicate::parse(text).expect("a constraint"));
    Space::new(parameters, parsed.collect()).expect("a space")
}

fn written(parameter: Parameter, points: i64) -> Vec<String> {
    let name = parameter.name.clone();
    let trials = trials(&space(vec![parameter], &[]), points, 1000);
    let values = trials
        .iter()
        .map(|trial| trial.configuration.get(&name).expect("a value"));
    values.map(ToString::to_string).collect()
}

#[test]
fn points_are_decimals_where_rounding_hides_one() {
    let tenths = written(unit("x"), 11);
    assert_eq!(tenths[3..9], ["0.3", "0.4", "0.5", "0.6", "0.7", "0.8"]);
    let log = |low, high| continuous("x", low, high, Scale::Log, None);
    assert_eq!(written(log(0.002, 2.0), 4), ["0.002", "0.02", "0.2", "2.0"]);
    assert_eq!(written(log(1e-300, 1e300), 3), ["1e-300", "1.0", "1e+300"]);
    let around_zero = continuous("x", -0.3, 0.3, Scale::Linear, None);
    assert_eq!(
        written(around_zero, 7),
        ["-0.3", "-0.2", "-0.1", "0.0", "0.1", "0.2", "0.3"]
    );
    let widest = continuous("x", f64::MIN, f64::MAX, Scale::Linear, None);
    assert_eq!(written(widest, 3)[1], "0.0");
}

#[test]
fn steps_are_kept_with_both_ends() {
    let stepped = continuous("x", 0.0, 1.0, Scale::Linear, Some(0.1));
    assert_eq!(written(stepped.clone(), 3), ["0.0", "0.5", "1.0"]);
    assert_eq!(written(stepped, 100).len(), 11);
    let whole = discrete("x", 0, 10, Scale::Linear, Some(5));
    assert_eq!(written(whole, 2), ["0", "10"]);
    let all = discrete("x", 1, 5, Scale::Log, None);
    assert_eq!(written(all, 9), ["1", "2", "3", "4", "5"]);
}

#[test]
fn neighbouring_doubles_are_not_repeated() {
    let narrow = continuous("x", 1.0, 1.0 + f64::EPSILON, Scale::Linear, None);
    assert_eq!(written(narrow, 50).len(), 2);
    let equal = continuous("x", 1.0, 1.0, Scale::Log, None);
    assert_eq!(written(equal, 50), ["1.0"]);
}

#[test]
fn a_huge_grid_starts_at_once() {
    let parameters: Vec<Parameter> = ["a", "b", "c", "d", "e"].map(unit).into();
    let first = trials(&space(parameters, &[]), 100_001, 3);
    assert_eq!(
        first[2].configuration.get("e").map(ToString::to_string),
        Some("2e-05".into())
    );
    let many: Vec<Parameter> = (0..400).map(|index| unit(&format!("x{index}"))).collect();
    assert_eq!(trials(&space(many, &[]), 2, 3).len(), 3);
}

#[test]
fn blocks_of_broken_constraints_are_passed_at_once() {
    let parameters: Vec<Parameter> = ["a", "b", "c", "d", "e"].map(unit).into();
    let space = space(parameters, &["a == 1", "b > 0.9995"]);
    let first = trials(&space, 1001, 2);
    let of = |index: usize, name| first[index].configuration.get(name).and_then(Value::as_f64);
    assert_eq!(
        ["a", "b", "c", "d", "e"].map(|name| of(0, name)),
        [1.0, 1.0, 0.0, 0.0, 0.0].map(Some)
    );
    assert_eq!(of(1, "e"), Some(0.001));
}

#[test]
fn an_infeasible_small_grid_is_done() {
    for space in [
        space(vec![unit("a")], &["a > 2"]),
        space(Vec::new(), &["1 > 2"]),
    ] {
        assert!(trials(&space, 10, 10).is_empty());
    }
    assert_eq!(trials(&space(Vec::new(), &[]), 10, 10).len(), 1);
}

#[test]
fn a_new_instance_goes_on_at_once_after_many_trials() {
    let space = space(["a", "b", "c"].map(unit).into(), &["a <= b"]);
    let all = trials(&space, 60, 60 * 61 / 2 * 60 + 1);
    assert_eq!(all.len(), 60 * 61 / 2 * 60);
    for number in [1, 2, 61, 50_000, all.len() - 1] {
        let next = grid(&space, 60).suggest(&view(&space, &all[..number]));
        let Ok(Suggestion::Trial(proposal)) = next else {
            panic!("{next:?}")
        };
        assert_eq!(proposal.configuration, all[number].configuration);
    }
    let end = grid(&space, 60).suggest(&view(&space, &all));
    assert_eq!(end, Ok(Suggestion::Done));
}

#[test]
fn wrong_numbers_of_points_are_named() {
    let space = space(
        vec![
            unit("a"),
            Parameter::new(
                "b",
                Domain::Choice {
                    values: vec![1.into()],
                },
            ),
        ],
        &[],
    );
    let dict = |name: &str, points: i64| Value::Dict([(name.into(), points.into())].into());
    for wrong in [
        0.into(),
        1_000_001.into(),
        2.5.into(),
        "two".into(),
        dict("b", 2),
        dict("c", 2),
    ] {
        let choice = AlgorithmChoice {
            name: "grid".into(),
            arguments: vec![("num_grid_points".into(), wrong)],
        };
        let error = algorithms::build(&choice, &space)
            .map(|_| ())
            .expect_err("a wrong number");
        assert!(error.to_string().contains("'num_grid_points'"), "{error}");
    }
}

/// Small spaces with parents before and after their children in the order of names.
fn small_space() -> impl Strategy<Value = Space> {
    let size = 1_usize..4;
    let parents = prop::collection::vec((size, prop::option::of((0_usize..5, 1_i64..4))), 1..6);
    let names = Just(["p", "b", "z", "a", "m"].map(String::from).to_vec()).prop_shuffle();
    let constraint = prop::option::of((0_usize..5, 0_usize..5, -1_i64..4));
    (parents, names, constraint).prop_map(|(sizes, names, constraint)| {
        let mut parameters: Vec<Parameter> = Vec::new();
        for (index, (size, parent)) in sizes.iter().enumerate() {
            let mut parameter = discrete(&names[index], 1, *size as i64, Scale::Linear, None);
            if let Some((parent, value)) = parent
                && *parent < index
                && *value <= sizes[*parent].0 as i64
            {
                parameter = parameter.when(&names[*parent], vec![(*value).into()]);
            }
            parameters.push(parameter);
        }
        let count = parameters.len();
        let constraint = constraint.map(|(a, b, difference)| {
            format!(
                "{} - {} <= {difference}",
                names[a % count],
                names[b % count]
            )
        });
        let texts: Vec<&str> = constraint.iter().map(String::as_str).collect();
        space(parameters, &texts)
    })
}

/// Every configuration of a countable space, once.
fn every_configuration(space: &Space) -> HashSet<String> {
    let counts = space
        .parameters()
        .iter()
        .map(|p| p.domain.cardinality().expect("countable"));
    let counts: Vec<u64> = counts.collect();
    let mut found = HashSet::new();
    for index in 0..counts.iter().product::<u64>() {
        let configuration = space.configure(|position, parameter| {
            let slower: u64 = counts[..position].iter().product();
            parameter
                .domain
                .nth(index / slower % counts[position])
                .expect("a value")
        });
        if space.is_feasible(&configuration) {
            found.insert(configuration.fingerprint());
        }
    }
    found
}

fn sorted_row(space: &Space, configuration: &Configuration) -> Vec<i64> {
    let mut names: Vec<&str> = space.parameters().iter().map(|p| p.name.as_ref()).collect();
    names.sort_unstable();
    let value = |name: &str| configuration.get(name).and_then(Value::as_i64).unwrap_or(1);
    names.into_iter().map(value).collect()
}

proptest! {
    #[test]
    fn each_distinct_feasible_configuration_comes_once_and_in_order(space in small_space()) {
        let trials = trials(&space, 9, 10_000);
        let found: HashSet<String> = trials.iter().map(|t| t.configuration.fingerprint()).collect();
        prop_assert_eq!(found.len(), trials.len());
        prop_assert_eq!(found, every_configuration(&space));
        let row = |trial: &Trial| sorted_row(&space, &trial.configuration);
        let rows: Vec<Vec<i64>> = trials.iter().map(row).collect();
        prop_assert!(rows.is_sorted(), "{rows:?}");
        for (number, trial) in trials.iter().enumerate() {
            let next = grid(&space, 9).suggest(&view(&space, &trials[..number]));
            let Ok(Suggestion::Trial(proposal)) = next else { panic!("{next:?}") };
            prop_assert_eq!(&proposal.configuration, &trial.configuration);
        }
    }
}
