use norgay_core::algorithm::{Suggestion, Trials, View};
use norgay_core::definition::Direction;
use norgay_core::space::Scale;
use norgay_core::trial::{Origin, Trial, TrialState};
use norgay_core::{Configuration, Space, Value};

use crate::*;

fn digits() -> Space {
    space(vec![discrete("x", 1, 3, Scale::Linear)])
}

fn grid(points: i64) -> Value {
    dict(vec![
        ("name", "grid".into()),
        ("num_grid_points", Value::Int(points)),
    ])
}

fn whole(configurations: &[Configuration]) -> Vec<i64> {
    let values = column(configurations, "x");
    values.iter().map(|value| value.as_i64().unwrap()).collect()
}

#[test]
fn cs_67_repeat_serves_each_combination_so_often() {
    let arguments = vec![("algorithm", grid(3)), ("num_times", Value::Int(3))];
    let mut simulation = simulation(digits(), algorithm("Repeat", arguments));
    let found = run(&mut simulation, 100, |_| 0.0);
    assert_eq!(whole(&found), [1, 1, 1, 2, 2, 2, 3, 3, 3]);
    let memo = |number| {
        simulation
            .study()
            .trial(number)
            .unwrap()
            .memo
            .clone()
            .unwrap()
    };
    assert_eq!(memo(5).get("group"), Some(&Value::Int(1)));
    assert_eq!(memo(5).get("repeat"), Some(&Value::Int(1)));
    assert_eq!(simulation.suggestion().unwrap(), Suggestion::Done);
}

#[test]
fn repeat_suggests_what_the_algorithm_alone_would() {
    let space = || space(vec![continuous("x", 0.0, 1.0, Scale::Linear)]);
    let alone = run(
        &mut simulation(space(), algorithm("random", vec![])),
        5,
        |_| 0.0,
    );
    let arguments = vec![("algorithm", "random".into()), ("num_times", Value::Int(2))];
    let repeated = run(
        &mut simulation(space(), algorithm("repeat", arguments)),
        10,
        |_| 0.0,
    );
    let every_second: Vec<Configuration> = repeated.into_iter().step_by(2).collect();
    assert_eq!(alone, every_second);
}

#[test]
fn cs_68_waiting_for_completion_ends_with_failures_too() {
    let arguments = vec![
        ("algorithm", grid(3)),
        ("num_times", Value::Int(2)),
        ("wait_for_completion", Value::Bool(true)),
    ];
    let mut simulation = simulation(digits(), algorithm("repeat", arguments));
    simulation.start().unwrap().unwrap();
    simulation.start().unwrap().unwrap();
    assert!(simulation.start().unwrap().is_none());
    simulation.complete(2, 1.0).unwrap();
    assert_eq!(simulation.suggestion().unwrap(), Suggestion::Wait);
    simulation.fail(1).unwrap();
    let third = simulation.start().unwrap().unwrap();
    assert_eq!(third.configuration.get("x"), Some(&Value::Int(2)));
}

#[test]
fn cs_69_with_agg_the_mean_decides() {
    // One lucky repetition of 2 does not make it the base: its mean is worse than that of 1.
    let inner = dict(vec![
        ("name", "local_search".into()),
        ("seed_configuration", dict(vec![("x", Value::Int(5))])),
    ]);
    let base_after = |agg: bool| {
        let arguments = vec![
            ("algorithm", inner.clone()),
            ("num_times", Value::Int(2)),
            ("agg", Value::Bool(agg)),
        ];
        let space = space(vec![discrete("x", 1, 10, Scale::Linear)]);
        let mut simulation = simulation(space, algorithm("repeat", arguments));
        for value in [1.0, 1.0, 0.0, 10.0] {
            let number = simulation.start().unwrap().unwrap().number;
            simulation.complete(number, value).unwrap();
        }
        let fifth = simulation.start().unwrap().unwrap();
        fifth.reason.to_string()
    };
    assert!(
        base_after(true).starts_with("trial 1 "),
        "{}",
        base_after(true)
    );
    assert!(
        base_after(false).starts_with("trial 2 "),
        "{}",
        base_after(false)
    );
}

#[test]
fn cs_70_repeat_refuses_what_can_not_be_repeated() {
    let chain = dict(vec![
        ("name", "chain".into()),
        ("algorithms", vec![grid(2)].into()),
    ]);
    let repeat = dict(vec![("name", "repeat".into()), ("algorithm", grid(2))]);
    for inner in [chain, repeat] {
        let choice = algorithm("repeat", vec![("algorithm", inner)]);
        assert!(build_error(&digits(), &choice).contains("can't be repeated"));
    }
    let choice = algorithm("repeat", vec![("algorithm", "nonsense".into())]);
    assert!(build_error(&digits(), &choice).contains("nonsense"));
}

#[test]
fn cs_71_iterate_serves_the_list() {
    let pair = Value::from(vec![Value::Int(1), Value::Int(2)]);
    let space = space(vec![choice_of("x", &[pair.clone(), Value::from("y")])]);
    let item = |value: Value| dict(vec![("x", value)]);
    let items = vec![item("y".into()), item(pair.clone()), item("y".into())];
    let mut simulation = simulation(space, algorithm("Iterate", vec![("hp_iter", items.into())]));
    let found = run(&mut simulation, 100, |_| 0.0);
    assert_eq!(column(&found, "x"), ["y".into(), pair, "y".into()]);
    assert_eq!(simulation.suggestion().unwrap(), Suggestion::Done);
}

#[test]
fn cs_71_a_bad_item_is_named_by_index_and_key() {
    let items = vec![dict(vec![("x", Value::Int(1))]), dict(vec![])];
    let choice = algorithm("iterate", vec![("hp_iter", items.into())]);
    let error = build_error(&digits(), &choice);
    assert!(
        error.contains("hp_iter[1]") && error.contains("'x'"),
        "{error}"
    );
    let choice = algorithm("iterate", vec![("hp_iter", Value::Int(3))]);
    assert!(build_error(&digits(), &choice).contains("list of dicts"));
}

#[test]
fn cs_72_chain_hands_over() {
    let random = dict(vec![
        ("name", "random".into()),
        ("args", dict(vec![("max_num_trials", Value::Int(10))])),
    ]);
    let parameters = vec![
        choice_of("a", &texts(&["p", "q", "r"])),
        continuous("b", 0.0, 1.0, Scale::Linear),
    ];
    let choice = algorithm("Chain", vec![("algorithms", vec![grid(2), random].into())]);
    let mut simulation = simulation(space(parameters), choice);
    assert_eq!(run(&mut simulation, 100, |_| 0.0).len(), 16);
    for trial in simulation.study().trials() {
        let member = i64::from(trial.number > 6);
        let memo = trial.memo.as_ref().unwrap();
        assert_eq!(memo.get("member"), Some(&Value::Int(member)));
        assert_eq!(trial.reason.starts_with("point"), member == 0);
    }
    assert_eq!(simulation.suggestion().unwrap(), Suggestion::Done);
}

#[test]
fn chain_members_see_their_own_notes() {
    let repeat = dict(vec![
        ("name", "repeat".into()),
        ("algorithm", grid(3)),
        ("num_times", Value::Int(2)),
    ]);
    let choice = algorithm("chain", vec![("algorithms", vec![grid(2), repeat].into())]);
    let found = run(&mut simulation(digits(), choice), 100, |_| 0.0);
    assert_eq!(whole(&found), [1, 3, 1, 1, 2, 2, 3, 3]);
}

#[test]
fn chain_needs_algorithms() {
    let choice = algorithm("chain", vec![("algorithms", Vec::new().into())]);
    assert!(build_error(&digits(), &choice).contains("at least one"));
    let choice = algorithm("chain", vec![("algorithms", vec![Value::Int(1)].into())]);
    assert!(build_error(&digits(), &choice).contains("algorithms[0]"));
}

#[test]
fn a_chain_of_100_000_trials_stays_cheap() {
    let space = digits();
    let random = dict(vec![
        ("name", "random".into()),
        ("max_num_trials", Value::Int(50_000)),
    ]);
    let choice = algorithm(
        "chain",
        vec![("algorithms", vec![random, "random".into()].into())],
    );
    let mut chain = norgay_core::algorithms::build(&choice, &space).unwrap();
    let mut trials: Vec<Trial> = Vec::new();
    for number in 1..=100_000 {
        let view = View {
            space: &space,
            direction: Direction::Minimize,
            more_objectives: &[],
            constraints: &[],
            seed: 1,
            budget: None,
            next_number: number,
            suggested: number - 1,
            trials: Trials::all(&trials),
        };
        let Suggestion::Trial(proposal) = chain.suggest(&view).unwrap() else {
            panic!("trial {number}");
        };
        trials.push(Trial {
            number,
            configuration: proposal.configuration,
            origin: Origin::Suggested,
            reason: proposal.reason,
            memo: proposal.memo.map(Box::new),
            created_ms: 0,
            state: TrialState::Completed,
            cause: None,
            value: Some(0.0),
            outcome: None,
            attempts: Vec::new(),
            measurements: Vec::new(),
        });
    }
    let second = trials[60_000].memo.as_ref().unwrap().get("member");
    assert_eq!(second, Some(&Value::Int(1)));
}
