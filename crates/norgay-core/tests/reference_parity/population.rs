//! Population-based training: CS-63 to CS-66, and what keeps a parallel run going.

use norgay_core::algorithm::Suggestion;
use norgay_core::decision::Told;
use norgay_core::space::Scale;
use norgay_core::testing::Simulation;
use norgay_core::trial::{FailureCause, StopCause};

use crate::*;

fn rates() -> Space {
    space(vec![
        continuous("rate", 1e-4, 1e-1, Scale::Log),
        continuous("share", 0.0, 1.0, Scale::Linear),
    ])
}

fn pbt(space: Space, size: i64, generations: i64, more: Vec<(&str, Value)>) -> Simulation {
    let mut arguments = vec![
        ("population_size", Value::Int(size)),
        ("num_generations", Value::Int(generations)),
    ];
    arguments.extend(more);
    simulation(space, "PopulationBasedTraining", arguments)
}

fn parameters(trial: &Trial) -> Vec<Value> {
    let names = ["rate", "share"];
    names
        .map(|name| trial.configuration.get(name).unwrap().clone())
        .to_vec()
}

#[test]
fn cs_63_the_trace_of_three_generations_of_20() {
    let limits = dict(vec![("share", vec![0.2.into(), 0.7.into()].into())]);
    let mut simulation = pbt(rates(), 20, 3, vec![("parameter_range", limits)]);
    let trials = run(&mut simulation, 100, |trial| trial.number as f64);
    assert_eq!(trials.len(), 60);
    assert_eq!(simulation.suggestion().unwrap(), Suggestion::Done);
    for trial in &trials {
        let (generation, place) = ((trial.number - 1) / 20 + 1, (trial.number - 1) % 20);
        assert_eq!(text(trial, "generation"), generation.to_string());
        assert_eq!(text(trial, "save_to"), trial.number.to_string());
        let from = text(trial, "load_from");
        if generation == 1 {
            assert_eq!((from.as_str(), text(trial, "lineage").as_str()), ("", ""));
            continue;
        }
        let parent = &trials[from.parse::<usize>().unwrap() - 1];
        let lineage = format!("{}{from},", text(parent, "lineage"));
        assert_eq!(text(trial, "lineage"), lineage);
        if place < 16 {
            assert_eq!(from, (trial.number - 20).to_string());
            assert_eq!(parameters(trial), parameters(parent));
        } else {
            let best = (generation - 2) * 20 + 1..=(generation - 2) * 20 + 4;
            assert!(best.contains(&parent.number), "{from}");
            let share = number(&trial.configuration, "share");
            assert!((0.2..=0.7).contains(&share), "{share}");
            for name in ["rate", "share"] {
                let old = number(&parent.configuration, name);
                let new = number(&trial.configuration, name);
                let moved = [old * 0.8, old * 1.2].map(|moved| match name {
                    "share" => moved.clamp(0.2, 0.7),
                    _ => moved.clamp(1e-4, 1e-1),
                });
                assert!(moved.contains(&new), "{name} from {old} to {new}");
            }
        }
    }
    assert_eq!(text(&trials[40], "lineage"), "1,21,");
}

#[test]
fn cs_63_it_asks_for_no_number_of_generations_and_knows_the_best_when_maximizing() {
    let mut arguments = vec![("population_size".to_string(), Value::Int(5))];
    arguments.push(("max_num_trials".to_string(), Value::Int(12)));
    let choice = AlgorithmChoice {
        name: "pbt".into(),
        arguments,
    };
    let mut definition = Simulation::definition(rates(), choice, 1);
    definition.objective.direction = norgay_core::definition::Direction::Maximize;
    let mut simulation = Simulation::new(definition).unwrap();
    let trials = run(&mut simulation, 100, |trial| trial.number as f64);
    let from: Vec<String> = trials.iter().map(|t| text(t, "load_from")).collect();
    assert_eq!(from[5..], ["5", "4", "3", "2", "5", "10", "9"]);
}

/// Starts all that may start now.
fn start_all(simulation: &mut Simulation) -> Vec<u64> {
    let mut started = Vec::new();
    while let Some(trial) = simulation.start().unwrap() {
        started.push(trial.number);
    }
    started
}

#[test]
fn cs_64_a_generation_waits_for_the_one_before() {
    let mut simulation = pbt(rates(), 5, 2, Vec::new());
    assert_eq!(start_all(&mut simulation), [1, 2, 3, 4, 5]);
    for number in [3, 1, 5, 2] {
        simulation.complete(number, number as f64).unwrap();
        assert_eq!(simulation.suggestion().unwrap(), Suggestion::Wait);
    }
    simulation.complete(4, 4.0).unwrap();
    assert_eq!(start_all(&mut simulation), [6, 7, 8, 9, 10]);
    assert_eq!(simulation.suggestion().unwrap(), Suggestion::Done);
}

#[test]
fn cs_64_members_without_a_value_do_not_block_and_are_replaced_from_the_survivors() {
    let mut simulation = pbt(rates(), 6, 3, Vec::new());
    assert_eq!(start_all(&mut simulation).len(), 6);
    simulation.fail(1).unwrap();
    let lost = Told::Failed {
        cause: FailureCause::OutOfMemory,
        message: String::new(),
    };
    simulation.tell(2, lost).unwrap();
    let stop = simulation.study().request_stop(3, StopCause::Cancelled, "");
    simulation.apply(stop.unwrap()).unwrap();
    simulation.tell(3, Told::Stopped).unwrap();
    for number in [4, 5, 6] {
        simulation.complete(number, number as f64).unwrap();
    }
    let second = start_all(&mut simulation);
    assert_eq!(second.len(), 6);
    let from = |number: &u64| text(simulation.study().trial(*number).unwrap(), "load_from");
    let from: Vec<String> = second.iter().map(from).collect();
    // The three that are left go on; one of the best stands for each of the others.
    assert_eq!(from, ["4", "5", "6", "4", "4", "4"]);
    let values = |number| parameters(simulation.study().trial(number).unwrap());
    assert_eq!(values(7), values(4));
    assert!((10..=12).all(|number| values(number) != values(4)));
}

#[test]
fn cs_64_a_generation_that_failed_as_a_whole_is_followed_by_new_members() {
    let mut simulation = pbt(rates(), 4, 2, Vec::new());
    for number in start_all(&mut simulation) {
        simulation.fail(number).unwrap();
    }
    let trials = run(&mut simulation, 10, |trial| trial.number as f64);
    assert_eq!(trials.len(), 4);
    for trial in trials {
        assert_eq!(text(&trial, "load_from"), "");
        assert_eq!(text(&trial, "generation"), "2");
    }
}

#[test]
fn cs_64_a_member_tried_again_late_goes_on_as_well() {
    let mut simulation = pbt(rates(), 5, 2, Vec::new());
    let first = start_all(&mut simulation);
    simulation.fail(1).unwrap();
    for number in &first[1..] {
        simulation.complete(*number, *number as f64).unwrap();
    }
    assert_eq!(simulation.start().unwrap().unwrap().number, 6);
    let again = simulation.study().retry(1).unwrap();
    simulation.apply(again).unwrap();
    assert_eq!(simulation.start().unwrap().unwrap().number, 1);
    assert_eq!(simulation.suggestion().unwrap(), Suggestion::Wait);
    simulation.complete(1, 1.0).unwrap();
    let rest = start_all(&mut simulation);
    let from = |number: &u64| text(simulation.study().trial(*number).unwrap(), "load_from");
    let from: Vec<String> = rest.iter().map(from).collect();
    // Trial 6 went on from 2 before 1 was there.
    assert_eq!(from, ["1", "3", "4", "1"]);
}

#[test]
fn cs_65_small_populations_perturb_at_least_one() {
    for size in 2..=4 {
        let mut simulation = pbt(rates(), size, 2, Vec::new());
        let trials = run(&mut simulation, 100, |trial| trial.number as f64);
        assert_eq!(trials.len() as i64, 2 * size);
        let last = trials.last().unwrap();
        assert_eq!(text(last, "load_from"), "1");
        assert_ne!(parameters(last), parameters(&trials[0]));
    }
    let build = |size| {
        let choice = AlgorithmChoice {
            name: "pbt".into(),
            arguments: vec![("population_size".into(), Value::Int(size))],
        };
        norgay_core::algorithms::build(&choice, &rates()).map(|_| ())
    };
    assert!(build(1).is_err() && build(2).is_ok());
}

#[test]
fn cs_66_what_is_not_mutable_never_changes_after_generation_1() {
    let fixed = |mut parameter: Parameter| {
        parameter.mutable = false;
        parameter
    };
    let parameters = vec![
        fixed(discrete("layers", 1, 8, Scale::Linear)),
        choice("solver", &texts(&["sgd", "adam"])),
        // Not to be switched on or off by a changed solver.
        fixed(discrete("width", 8, 512, Scale::Log)).when("solver", texts(&["adam"])),
        continuous("rate", 1e-4, 1e-1, Scale::Log),
    ];
    let mut simulation = pbt(space(parameters), 10, 6, Vec::new());
    let trials = run(&mut simulation, 100, |t| -number(&t.configuration, "rate"));
    assert_eq!(trials.len(), 60);
    let mut changed = 0;
    for trial in &trials[10..] {
        let parent = &trials[text(trial, "load_from").parse::<usize>().unwrap() - 1];
        let value = |trial: &Trial, name: &str| trial.configuration.get(name).cloned();
        for name in ["layers", "width"] {
            assert_eq!(value(trial, name), value(parent, name));
        }
        changed += u32::from(value(trial, "rate") != value(parent, "rate"));
    }
    assert_eq!(changed, 10);
}

#[test]
fn ordinals_go_by_a_step_and_choices_to_any_value() {
    let sizes: Vec<Value> = [8, 16, 32, 64, 128].map(Value::Int).to_vec();
    let parameters = vec![
        ordinal("size", &sizes),
        choice("solver", &texts(&["sgd", "adam", "lion"])),
    ];
    let limits = dict(vec![("solver", texts(&["adam", "lion"]).into())]);
    let mut simulation = pbt(space(parameters), 5, 30, vec![("parameter_range", limits)]);
    let trials = run(&mut simulation, 200, |trial| {
        ((trial.number * 7) % 11) as f64
    });
    let place = |trial: &Trial| {
        let size = trial.configuration.get("size").unwrap();
        sizes.iter().position(|known| known == size).unwrap()
    };
    for trial in trials[5..].iter().filter(|trial| trial.number % 5 == 0) {
        let parent = &trials[text(trial, "load_from").parse::<usize>().unwrap() - 1];
        assert!(place(trial).abs_diff(place(parent)) <= 1);
        assert_ne!(text(trial, "solver"), "sgd");
    }
}

#[test]
fn a_range_beyond_the_space_is_cut_and_one_outside_it_refused() {
    let limits = |low: f64, high: f64| dict(vec![("share", vec![low.into(), high.into()].into())]);
    let mut simulation = pbt(rates(), 5, 9, vec![("parameter_range", limits(0.0, 1.2))]);
    assert_eq!(run(&mut simulation, 100, |_| 0.0).len(), 45);
    let error = |limits: Value| {
        let choice = AlgorithmChoice {
            name: "pbt".into(),
            arguments: vec![("parameter_range".into(), limits)],
        };
        let built = norgay_core::algorithms::build(&choice, &rates());
        built.map(|_| ()).unwrap_err().to_string()
    };
    assert!(error(limits(2.0, 3.0)).contains("parameter_range.share"));
    assert!(error(dict(vec![("shape", 1.into())])).contains("no such parameter"));
}

#[test]
fn it_begins_anew_after_another_algorithm_of_the_study() {
    let mut simulation = simulation(rates(), "random", Vec::new());
    run(&mut simulation, 7, |_| 0.0);
    let mut revised = simulation.study().definition().clone();
    revised.algorithm.name = "pbt".into();
    let mut algorithm = norgay_core::algorithms::build(&revised.algorithm, &rates()).unwrap();
    let Suggestion::Trial(first) = algorithm.suggest(&simulation.study().view()).unwrap() else {
        panic!("a trial");
    };
    assert_eq!(first.configuration.get("generation"), Some(&Value::Int(1)));
    assert_eq!(first.configuration.get("save_to"), Some(&"8".into()));
}
