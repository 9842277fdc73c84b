use norgay_core::algorithms::{ALGORITHMS, find};
use norgay_core::definition::AlgorithmChoice;
use norgay_core::random::{Purpose, Stream};
use norgay_core::testing::{check_contract, check_many_pending, contract_spaces};
use norgay_core::{Configuration, Space, Value};

use crate::{algorithm, dict};

fn as_dict(configuration: &Configuration) -> Value {
    let entries = configuration.entries().iter();
    Value::Dict(
        entries
            .map(|(name, value)| (Value::from(name.as_ref()), value.clone()))
            .collect(),
    )
}

/// Ways to use an algorithm on a space; those that need no arguments are used without.
fn uses(name: &str, space: &Space) -> Vec<AlgorithmChoice> {
    let sample = |number| {
        let mut stream = Stream::new(3, number, Purpose::Sample);
        as_dict(&space.sample(&mut stream).unwrap())
    };
    match name {
        "local_search" => vec![
            algorithm(name, vec![("seed_configuration", sample(1))]),
            algorithm(
                name,
                vec![
                    ("seed_configuration", sample(2)),
                    ("repeat_trials", Value::Int(3)),
                    ("max_num_trials", Value::Int(20)),
                ],
            ),
        ],
        "iterate" => {
            let samples: Vec<Value> = (1..9).map(sample).collect();
            vec![algorithm(name, vec![("hp_iter", samples.into())])]
        }
        "repeat" => {
            let grid = dict(vec![
                ("name", "grid".into()),
                ("max_num_trials", Value::Int(7)),
            ]);
            let local = dict(vec![
                ("name", "LocalSearch".into()),
                ("args", dict(vec![("seed_configuration", sample(1))])),
            ]);
            let yes = Value::Bool(true);
            vec![
                algorithm(name, vec![("algorithm", "random".into())]),
                algorithm(
                    name,
                    vec![
                        ("algorithm", grid),
                        ("num_times", Value::Int(2)),
                        ("wait_for_completion", yes.clone()),
                    ],
                ),
                algorithm(
                    name,
                    vec![
                        ("algorithm", local),
                        ("num_times", Value::Int(3)),
                        ("wait_for_completion", yes.clone()),
                        ("agg", yes),
                    ],
                ),
            ]
        }
        "population_based_training" => {
            let small = vec![
                ("population_size", Value::Int(4)),
                ("num_generations", Value::Int(8)),
            ];
            vec![algorithm(name, Vec::new()), algorithm(name, small)]
        }
        "chain" => {
            let grid = dict(vec![
                ("name", "grid".into()),
                ("max_num_trials", Value::Int(5)),
            ]);
            let random = dict(vec![
                ("name", "random".into()),
                ("max_num_trials", Value::Int(9)),
            ]);
            let repeat = dict(vec![
                ("name", "repeat".into()),
                ("algorithm", random.clone()),
                ("num_times", Value::Int(2)),
            ]);
            let inner = dict(vec![
                ("name", "chain".into()),
                ("algorithms", vec![random.clone(), repeat].into()),
            ]);
            let plain = vec![grid.clone(), random];
            let nested = vec![grid, inner];
            vec![
                algorithm(name, vec![("algorithms", plain.into())]),
                algorithm(name, vec![("algorithms", nested.into())]),
            ]
        }
        _ => vec![algorithm(name, Vec::new())],
    }
}

/// Each space has a thread of its own, since the model-based algorithms need a while.
#[test]
fn every_algorithm_keeps_the_contract() {
    std::thread::scope(|scope| {
        for (name, space) in contract_spaces() {
            scope.spawn(move || {
                for entry in ALGORITHMS {
                    for choice in uses(entry.name, &space) {
                        if let Err(breach) = check_contract(&choice, &space) {
                            panic!("{name}: {breach}\n{choice:?}");
                        }
                    }
                }
            });
        }
    });
}

/// Fewer of them where a suggestion's time grows steeply with their number.
const PENDING: u64 = 2_000;

#[test]
fn every_algorithm_copes_with_thousands_of_running_trials() {
    for entry in ALGORITHMS {
        for (name, space) in contract_spaces() {
            if !["numbers", "conditions"].contains(&name) {
                continue;
            }
            for choice in uses(entry.name, &space) {
                if let Err(breach) = check_many_pending(&choice, &space, PENDING) {
                    panic!("{name}: {breach}\n{choice:?}");
                }
            }
        }
    }
}

#[test]
fn every_name_and_alias_means_one_algorithm() {
    for entry in ALGORITHMS {
        for name in entry.aliases.iter().chain([&entry.name]) {
            assert_eq!(find(&name.to_uppercase()).unwrap().name, entry.name);
        }
        assert!(!entry.summary.is_empty());
        assert!(entry.arguments.iter().all(|a| !a.help.is_empty()));
    }
    for (reference, name) in [
        ("GridSearch", "grid"),
        ("RandomSearch", "random"),
        ("LocalSearch", "local_search"),
        ("Repeat", "repeat"),
        ("Chain", "chain"),
        ("Iterate", "iterate"),
    ] {
        assert_eq!(find(reference).unwrap().name, name);
    }
}
