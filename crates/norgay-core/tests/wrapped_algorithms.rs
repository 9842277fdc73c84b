//! What algorithms see of a study when others are wrapped around them.

use norgay_core::algorithm::{Suggestion, Trials, View};
use norgay_core::definition::{AlgorithmChoice, Direction};
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::trial::{Origin, Trial, TrialState};
use norgay_core::{Space, Value, algorithms};

fn dict(pairs: &[(&str, Value)]) -> Value {
    let pairs = pairs
        .iter()
        .map(|(key, value)| (Value::from(*key), value.clone()));
    Value::Dict(pairs.collect())
}

fn chain(members: Vec<Value>) -> AlgorithmChoice {
    AlgorithmChoice {
        name: "chain".into(),
        arguments: vec![("algorithms".into(), members.into())],
    }
}

fn space() -> Space {
    let (low, high, scale, step) = (0.0, 1.0, Scale::Linear, None);
    let domain = Domain::Continuous {
        low,
        high,
        scale,
        step,
    };
    Space::new(vec![Parameter::new("x", domain)], Vec::new()).expect("a space")
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

/// So many trials, each completed before the next.
fn trials(choice: &AlgorithmChoice, count: usize) -> Vec<Trial> {
    let space = space();
    let mut algorithm = algorithms::build(choice, &space).expect("an algorithm");
    let mut trials: Vec<Trial> = Vec::with_capacity(count);
    while trials.len() < count {
        let suggestion = algorithm.suggest(&view(&space, &trials));
        let Ok(Suggestion::Trial(proposal)) = suggestion else {
            panic!("{suggestion:?}")
        };
        trials.push(Trial {
            number: trials.len() as u64 + 1,
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
    trials
}

fn values(trials: &[Trial]) -> Vec<f64> {
    let values = trials
        .iter()
        .map(|trial| trial.configuration.get("x").and_then(Value::as_f64));
    values.map(|value| value.expect("a number")).collect()
}

#[test]
fn a_repeat_after_other_trials_does_not_draw_their_samples_again() {
    let first = dict(&[("name", "random".into()), ("max_num_trials", 3.into())]);
    let then = dict(&[
        ("name", "repeat".into()),
        ("algorithm", "random".into()),
        ("num_times", 2.into()),
    ]);
    let values = values(&trials(&chain(vec![first, then]), 11));
    let mut distinct = values.clone();
    distinct.sort_by(f64::total_cmp);
    distinct.dedup();
    assert_eq!(distinct.len(), 3 + 4, "{values:?}");
}

/// A grid, then in a chain of its own a repeated Sobol sequence, with notes on three levels.
fn nested() -> AlgorithmChoice {
    let grid = dict(&[("name", "grid".into()), ("num_grid_points", 3.into())]);
    let sobol = dict(&[("name", "sobol".into()), ("max_num_trials", 8.into())]);
    let repeat = dict(&[
        ("name", "repeat".into()),
        ("algorithm", sobol),
        ("num_times", 2.into()),
    ]);
    let inner = dict(&[
        ("name", "chain".into()),
        ("algorithms", vec![repeat].into()),
    ]);
    chain(vec![grid, inner, "random".into()])
}

#[test]
fn an_algorithm_finds_its_notes_below_any_number_of_wrappers() {
    let values = values(&trials(&nested(), 3 + 16 + 2));
    assert_eq!(values[..3], [0.0, 0.5, 1.0]);
    let pairs: Vec<&[f64]> = values[3..19].chunks(2).collect();
    assert!(pairs.iter().all(|pair| pair[0] == pair[1]));
    // Eight points in a row of the sequence fall into different eighths.
    let mut eighths: Vec<u8> = pairs.iter().map(|pair| (pair[0] * 8.0) as u8).collect();
    eighths.sort_unstable();
    assert_eq!(eighths, [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_new_instance_goes_on_below_any_number_of_wrappers() {
    let (space, all) = (space(), trials(&nested(), 21));
    for (number, trial) in all.iter().enumerate() {
        let mut fresh = algorithms::build(&nested(), &space).expect("an algorithm");
        let suggestion = fresh.suggest(&view(&space, &all[..number]));
        let Ok(Suggestion::Trial(proposal)) = suggestion else {
            panic!("{suggestion:?}")
        };
        assert_eq!(proposal.configuration, trial.configuration);
        assert_eq!(proposal.memo.as_ref(), trial.memo.as_deref());
    }
}

#[test]
fn a_member_with_notes_stays_cheap_in_a_long_study() {
    // Copying the trials for each suggestion would take minutes.
    assert_eq!(trials(&chain(vec!["sobol".into()]), 100_000).len(), 100_000);
}

#[test]
fn every_algorithm_ends_after_max_num_trials() {
    for entry in algorithms::ALGORITHMS {
        for limit in [0, 3] {
            let given: &[(&str, Value)] = match entry.name {
                "local_search" => &[("seed_configuration", dict(&[("x", 0.5.into())]))],
                "iterate" => &[("hp_iter", vec![dict(&[("x", 0.5.into())]); 9].into())],
                "repeat" => &[("algorithm", "random".into())],
                "chain" => &[("algorithms", vec!["random".into()].into())],
                "grid" => &[("num_grid_points", 9.into())],
                _ => &[],
            };
            let given = given
                .iter()
                .map(|(name, value)| ((*name).to_string(), value.clone()));
            let limited = [("max_num_trials".to_string(), limit.into())];
            let choice = AlgorithmChoice {
                name: entry.name.into(),
                arguments: given.chain(limited).collect(),
            };
            let (space, trials) = (space(), trials(&choice, limit as usize));
            let mut algorithm = algorithms::build(&choice, &space).expect("an algorithm");
            let end = algorithm.suggest(&view(&space, &trials));
            assert_eq!(end, Ok(Suggestion::Done), "{}", entry.name);
        }
    }
}
