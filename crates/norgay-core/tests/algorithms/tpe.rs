use norgay_core::algorithm::{Suggestion, Trials, View};
use norgay_core::algorithms::{build, find};
use norgay_core::decision::Told;
use norgay_core::definition::Direction;
use norgay_core::expression::Predicate;
use norgay_core::outcome::Outcome;
use norgay_core::random::{Purpose, Stream};
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::testing::contract_spaces;
use norgay_core::trial::{FailureCause, Origin, Trial, TrialState};
use norgay_core::{Configuration, Space, Value};

use crate::*;

fn tpe() -> norgay_core::definition::AlgorithmChoice {
    algorithm("tpe", Vec::new())
}

fn squares() -> Space {
    let parameters = ["x", "y", "z"].map(|name| continuous(name, 0.0, 1.0, Scale::Linear));
    space(parameters.to_vec())
}

fn number(configuration: &Configuration, name: &str) -> f64 {
    configuration.get(name).unwrap().as_f64().unwrap()
}

fn distance(configuration: &Configuration) -> f64 {
    ["x", "y", "z"]
        .map(|name| number(configuration, name) - 0.3)
        .iter()
        .map(|difference| difference * difference)
        .sum()
}

fn trial(number: u64, configuration: Configuration, value: f64) -> Trial {
    Trial {
        number,
        configuration,
        origin: Origin::Suggested,
        reason: "".into(),
        memo: None,
        created_ms: 0,
        state: TrialState::Completed,
        cause: None,
        value: Some(value),
        outcome: None,
        attempts: Vec::new(),
        measurements: Vec::new(),
    }
}

fn view<'a>(space: &'a Space, trials: &'a [Trial]) -> View<'a> {
    View {
        space,
        direction: Direction::Minimize,
        more_objectives: &[],
        constraints: &[],
        seed: 3,
        budget: None,
        next_number: trials.len() as u64 + 1,
        suggested: trials.len() as u64,
        trials: Trials::all(trials),
    }
}

fn configuration(suggestion: Suggestion) -> Configuration {
    match suggestion {
        Suggestion::Trial(proposal) => proposal.configuration,
        other => panic!("{other:?}"),
    }
}

/// What a new instance suggests.
fn suggested(view: &View<'_>) -> Configuration {
    configuration(build(&tpe(), view.space).unwrap().suggest(view).unwrap())
}

/// Trials at random configurations.
fn random_trials(space: &Space, count: u64, value: impl Fn(&Configuration) -> f64) -> Vec<Trial> {
    let numbers = 1..=count;
    numbers
        .map(|number| {
            let sample = space.sample(&mut Stream::new(8, number, Purpose::Sample));
            let sample = sample.unwrap();
            let value = value(&sample);
            trial(number, sample, value)
        })
        .collect()
}

#[test]
fn it_finds_better_configurations_than_random_search() {
    let mut better = 0;
    for seed in 1..=5 {
        let mut best = ["tpe", "random"].map(|name| {
            let definition = norgay_core::testing::Simulation::definition(
                squares(),
                algorithm(name, Vec::new()),
                seed,
            );
            let mut simulation = norgay_core::testing::Simulation::new(definition).unwrap();
            let found = run(&mut simulation, 60, distance);
            found.iter().map(distance).fold(f64::INFINITY, f64::min)
        });
        best[0] *= 2.0;
        better += u32::from(best[0] < best[1]);
    }
    assert!(better >= 4, "{better} of 5");
}

#[test]
fn the_first_trial_is_the_centre_and_the_next_are_evenly_spread() {
    let found = run(&mut simulation(squares(), tpe()), 9, distance);
    assert_eq!(number(&found[0], "x"), 0.5);
    for name in ["x", "y", "z"] {
        let low = found[1..].iter().filter(|c| number(c, name) < 0.5).count();
        assert!((3..=5).contains(&low), "{low}");
    }
}

#[test]
fn a_small_budget_has_a_short_start() {
    let space = squares();
    let trials = random_trials(&space, 4, distance);
    let reason = |budget| {
        let view = View {
            budget,
            ..view(&space, &trials)
        };
        match build(&tpe(), &space).unwrap().suggest(&view).unwrap() {
            Suggestion::Trial(proposal) => proposal.reason.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert!(reason(Some(40)).contains("near the best 1 of 4 trials"));
    assert!(reason(Some(1_000)).contains("evenly spread start"));
    assert!(reason(None).contains("evenly spread start"));
}

#[test]
fn only_the_order_of_the_values_matters() {
    let space = squares();
    let plain = random_trials(&space, 60, distance);
    let scaled = random_trials(&space, 60, |c| 1e6 * distance(c) - 3.0);
    let curved = random_trials(&space, 60, |c| distance(c).ln());
    let expected = suggested(&view(&space, &plain));
    assert_eq!(suggested(&view(&space, &scaled)), expected);
    assert_eq!(suggested(&view(&space, &curved)), expected);
    let mirrored = random_trials(&space, 60, |c| -distance(c));
    let maximized = View {
        direction: Direction::Maximize,
        ..view(&space, &mirrored)
    };
    assert_eq!(suggested(&maximized), expected);
}

#[test]
fn the_order_in_which_categories_are_listed_changes_nothing() {
    let spaces = [["a", "b", "c", "d"], ["c", "a", "d", "b"]].map(|listed| {
        space(vec![
            choice_of("kind", &texts(&listed)),
            choice_of("other", &texts(&listed)),
            continuous("x", 0.0, 1.0, Scale::Linear),
        ])
    });
    let value = |c: &Configuration| {
        let bonus = f64::from(u8::from(c.get("kind") == Some(&"b".into())));
        let other = f64::from(u8::from(c.get("other") == Some(&"c".into())));
        (number(c, "x") - 0.6).abs() - bonus - other
    };
    let [first, second] = spaces.map(|space| run(&mut simulation(space, tpe()), 40, value));
    assert_eq!(first, second);
}

#[test]
fn nothing_is_tried_twice_while_something_is_left() {
    let space = || {
        space(vec![
            discrete("x", 1, 6, Scale::Linear),
            choice_of("kind", &texts(&["a", "b", "c", "d"])),
        ])
    };
    let mut simulation = simulation(space(), tpe());
    let found = run(&mut simulation, 30, |c| number(c, "x"));
    let mut prints: Vec<String> = found[..24].iter().map(Configuration::fingerprint).collect();
    prints.sort();
    prints.dedup();
    assert_eq!((prints.len(), found.len()), (24, 30));
}

#[test]
fn constraints_hold_and_feasible_points_are_all_found() {
    let parameters = vec![
        discrete("x", 1, 30, Scale::Linear),
        discrete("y", 1, 30, Scale::Linear),
    ];
    let constraint = Predicate::parse("x + y <= 6").unwrap();
    let space = Space::new(parameters, vec![constraint]).unwrap();
    let mut simulation = simulation(space, tpe());
    let found = run(&mut simulation, 15, |c| -number(c, "x"));
    let mut prints: Vec<String> = found.iter().map(Configuration::fingerprint).collect();
    prints.sort();
    prints.dedup();
    // x + y is at most 6 at 15 points.
    assert_eq!(prints.len(), 15);
}

#[test]
fn pending_trials_keep_others_away() {
    let space = squares();
    let mut trials = random_trials(&space, 80, distance);
    let mut algorithm = build(&tpe(), &space).unwrap();
    let mut asked: Vec<Configuration> = Vec::new();
    for _ in 0..10 {
        let next = algorithm.suggest(&view(&space, &trials)).unwrap();
        let next = configuration(next);
        let mut pending = trial(trials.len() as u64 + 1, next.clone(), 0.0);
        pending.state = TrialState::Running;
        pending.value = None;
        trials.push(pending);
        asked.push(next);
    }
    for (index, one) in asked.iter().enumerate() {
        for other in &asked[..index] {
            let apart = ["x", "y", "z"].map(|n| (number(one, n) - number(other, n)).abs());
            assert!(
                apart.iter().any(|distance| *distance > 0.01),
                "{one} {other}"
            );
        }
    }
}

#[test]
fn what_fails_is_avoided() {
    let space = squares();
    let fails = |c: &Configuration| number(c, "x") > 0.5;
    let mut trials = random_trials(&space, 60, |c| number(c, "y"));
    for trial in trials.iter_mut().filter(|t| fails(&t.configuration)) {
        trial.state = TrialState::Failed;
        trial.cause = Some(FailureCause::OutOfMemory);
        trial.value = None;
    }
    let mut failing = 0;
    for seed in 1..=40 {
        let view = View {
            seed,
            ..view(&space, &trials)
        };
        failing += u32::from(fails(&suggested(&view)));
    }
    assert!(failing <= 6, "{failing} of 40");
}

#[test]
fn a_lost_trial_teaches_nothing_and_may_come_again() {
    let space = space(vec![choice_of("kind", &texts(&["a", "b"]))]);
    let mut simulation = simulation(space, tpe());
    let first = simulation.start().unwrap().unwrap().clone();
    let told = Told::Failed {
        cause: FailureCause::ClusterError,
        message: String::new(),
    };
    let mut lost = first.clone();
    while !lost.state.is_final() {
        simulation.tell(first.number, told.clone()).unwrap();
        lost = simulation.study().trial(first.number).unwrap().clone();
        if !lost.state.is_final() {
            simulation.start().unwrap();
        }
    }
    let found = run(&mut simulation, 2, |_| 0.0);
    assert!(found.contains(&first.configuration));
}

#[test]
fn pruned_trials_come_after_completed_ones() {
    let space = squares();
    let near = |c: &Configuration, place: f64| {
        ["x", "y", "z"]
            .iter()
            .all(|n| (number(c, n) - place).abs() < 0.3)
    };
    let mut trials = random_trials(&space, 200, |c| if near(c, 0.7) { 1.0 } else { 2.0 });
    for trial in &mut trials {
        // Lower values, but not reached at the end.
        if near(&trial.configuration, 0.2) {
            trial.state = TrialState::Pruned;
            trial.value = Some(0.0);
        }
    }
    let next = suggested(&view(&space, &trials));
    assert!(number(&next, "x") > 0.4, "{next}");
}

#[test]
fn trials_beyond_a_limit_come_last_those_nearest_to_it_first() {
    let space = squares();
    let mut trials = random_trials(&space, 200, |c| number(c, "x"));
    for trial in &mut trials {
        // The lowest values break the limit.
        let violation = (0.7 - number(&trial.configuration, "x")).max(0.0);
        trial.outcome = Some(Box::new(Outcome {
            values: vec![number(&trial.configuration, "x")].into(),
            constraints: vec![violation].into(),
            violation,
        }));
    }
    let next = suggested(&view(&space, &trials));
    assert!(number(&next, "x") > 0.55, "{next}");
    trials.retain(|trial| trial.violation() > 0.0);
    let next = suggested(&view(&space, &trials));
    assert!(number(&next, "x") > 0.55, "{next}");
}

#[test]
fn a_long_history_is_remembered_as_a_new_instance_reads_it() {
    for (name, space) in contract_spaces() {
        let mut trials = random_trials(&space, 1_300, |_| 0.0);
        let mut dice = Stream::new(6, 0, Purpose::Order);
        for trial in &mut trials {
            trial.value = Some(dice.unit());
        }
        let mut grown = build(&tpe(), &space).unwrap();
        for step in 0..12 {
            let view = view(&space, &trials);
            let found = grown.suggest(&view).unwrap();
            let fresh = build(&tpe(), &space).unwrap().suggest(&view).unwrap();
            assert_eq!(found, fresh, "{name}, step {step}");
            // Some old trials are run again, some end in another way, and new ones come.
            for _ in 0..5 {
                let chosen = dice.below(trials.len() as u64) as usize;
                let trial = &mut trials[chosen];
                (trial.state, trial.value) = match dice.below(4) {
                    0 => (TrialState::Running, None),
                    1 => (TrialState::Pruned, Some(dice.unit())),
                    2 => (TrialState::Completed, Some(f64::NAN)),
                    _ => (TrialState::Completed, Some(-dice.unit())),
                };
            }
            let number = trials.len() as u64 + 1;
            trials.push(trial(number, configuration(found), dice.unit()));
        }
    }
}

#[test]
fn thousands_of_pending_trials_do_not_stop_it() {
    let space = squares();
    let mut trials = random_trials(&space, 3_000, distance);
    for trial in trials.iter_mut().skip(20) {
        trial.state = TrialState::Queued;
        trial.value = None;
    }
    let next = suggested(&view(&space, &trials));
    assert!(space.validated(&next, |_| false).is_ok());
}

#[test]
fn parameters_may_be_modelled_one_by_one() {
    let single = algorithm("tpe", vec![("multivariate", Value::Bool(false))]);
    let found = run(&mut simulation(squares(), single), 60, distance);
    let best = found.iter().map(distance).fold(f64::INFINITY, f64::min);
    assert!(best < 0.02, "{best}");
}

#[test]
fn it_ends_after_the_given_number_of_trials() {
    let limited = algorithm("TPE", vec![("max_num_trials", Value::Int(7))]);
    assert_eq!(
        run(&mut simulation(squares(), limited), 20, distance).len(),
        7
    );
}

#[test]
fn arguments_are_checked() {
    let wrong = |name, value| build_error(&squares(), &algorithm("tpe", vec![(name, value)]));
    assert!(wrong("n_ei_candidates", Value::Int(0)).contains("a whole number from 1"));
    assert!(wrong("n_ei_candidates", Value::Int(1 << 40)).contains("at most 100000"));
    assert!(wrong("gamma", Value::Float(0.5)).contains("a whole number from 1"));
    assert!(wrong("multivariate", "yes".into()).contains("true or false"));
    assert!(wrong("bandwidth", Value::Int(1)).contains("unknown"));
    assert_eq!(find("hyperopt").unwrap().name, "tpe");
}

#[test]
fn spaces_of_one_value_are_no_trouble() {
    let values = texts(&["a"]);
    let constant = Parameter::new(
        "c",
        Domain::Constant {
            value: Value::Int(1),
        },
    );
    let single = space(vec![choice_of("a", &values), constant]);
    assert_eq!(run(&mut simulation(single, tpe()), 30, |_| 0.0).len(), 30);
}
