use norgay_core::algorithm::Suggestion;
use norgay_core::decision::Told;
use norgay_core::definition::{AlgorithmChoice, Direction};
use norgay_core::random::{Purpose, Stream};
use norgay_core::space::Scale;
use norgay_core::testing::{Simulation, check_contract, contract_spaces};
use norgay_core::trial::{FailureCause, Trial};
use norgay_core::{Configuration, Space, Value};

use crate::{algorithm, build_error, continuous, dict, discrete, simulation, space};

fn line() -> Space {
    space(vec![continuous("x", 0.0, 1.0, Scale::Linear)])
}

fn halving(arguments: Vec<(&str, Value)>) -> AlgorithmChoice {
    algorithm("SuccessiveHalving", arguments)
}

fn text(configuration: &Configuration, name: &str) -> String {
    configuration.get(name).unwrap().as_text().unwrap().into()
}

fn whole(configuration: &Configuration, name: &str) -> i64 {
    let value = configuration.get(name).unwrap();
    assert!(matches!(value, Value::Int(_)), "{name} is {value}");
    value.as_i64().unwrap()
}

/// `number:rung`, and of a promoted trial `number:rung:load_from`.
fn place(trial: &Trial) -> String {
    let (number, c) = (trial.number, &trial.configuration);
    let parent = text(c, "load_from");
    let from = if parent.is_empty() { "" } else { ":" };
    format!("{number}:{}{from}{parent}", whole(c, "rung"))
}

/// Runs trials one by one, each of them with its number as its value.
fn trace(simulation: &mut Simulation) -> String {
    let mut places = Vec::new();
    while let Some(trial) = simulation.start().unwrap() {
        places.push(place(trial));
        let number = trial.number;
        simulation.complete(number, number as f64).unwrap();
    }
    assert_eq!(simulation.suggestion().unwrap(), Suggestion::Done);
    places.join(", ")
}

fn one_finished(direction: Direction) -> Simulation {
    let choice = halving(vec![("max_finished_configs", Value::Int(1))]);
    let mut definition = Simulation::definition(line(), choice, 1);
    definition.objective.direction = direction;
    Simulation::new(definition).unwrap()
}

#[test]
fn cs_54_the_traces_are_those_of_the_reference() {
    assert_eq!(
        trace(&mut one_finished(Direction::Minimize)),
        "1:0, 2:0, 3:0, 4:1:1, 5:0, 6:0, 7:0, 8:1:2, 9:0, 10:0, 11:0, 12:1:3, 13:2:4"
    );
    assert_eq!(
        trace(&mut one_finished(Direction::Maximize)),
        "1:0, 2:0, 3:0, 4:1:3, 5:0, 6:1:5, 7:0, 8:1:7, 9:2:8"
    );
}

#[test]
fn cs_55_each_trial_knows_its_resource_and_checkpoints() {
    let arguments = [("r", 2), ("R", 40), ("eta", 2), ("s", 1)];
    let arguments = arguments.map(|(name, value)| (name, Value::Int(value)));
    let mut simulation = simulation(line(), halving(arguments.into()));
    for number in 1..=40 {
        let trial = simulation.start().unwrap().unwrap();
        let configuration = trial.configuration.clone();
        assert_eq!(text(&configuration, "save_to"), number.to_string());
        let rung = u32::try_from(whole(&configuration, "rung")).unwrap();
        assert_eq!(whole(&configuration, "resource"), 4 << rung);
        let names = configuration.entries().iter().map(|(name, _)| &**name);
        let names: Vec<&str> = names.collect();
        assert_eq!(names, ["x", "resource", "rung", "load_from", "save_to"]);
        let parent = text(&configuration, "load_from");
        assert_eq!(parent.is_empty(), rung == 0);
        if rung > 0 {
            let parent = simulation.study().trial(parent.parse().unwrap()).unwrap();
            assert_eq!(whole(&parent.configuration, "rung"), i64::from(rung) - 1);
            assert_eq!(parent.configuration.get("x"), configuration.get("x"));
        }
        simulation.complete(number, 1.0 / number as f64).unwrap();
    }
}

#[test]
fn cs_56_of_six_at_once_the_best_go_on_as_soon_as_three_and_six_are_done() {
    let mut simulation = simulation(line(), halving(Vec::new()));
    for _ in 0..6 {
        simulation.start().unwrap().unwrap();
    }
    let mut parents = Vec::new();
    for number in 1..=6 {
        simulation.complete(number, number as f64).unwrap();
        let trial = simulation.start().unwrap().unwrap();
        parents.push(text(&trial.configuration, "load_from"));
    }
    assert_eq!(parents, ["", "", "1", "", "", "2"]);
}

#[test]
fn cs_57_it_ends_with_so_many_on_the_top_rung() {
    let choice = || halving(vec![("max_finished_configs", Value::Int(5))]);
    let at_top = |simulation: &Simulation| {
        let trials = simulation.study().trials().iter();
        trials
            .filter(|t| whole(&t.configuration, "rung") == 2)
            .count()
    };
    let mut one_by_one = simulation(line(), choice());
    trace(&mut one_by_one);
    assert_eq!(at_top(&one_by_one), 5);
    // Many at once give no more than that either.
    let mut many = simulation(line(), choice());
    let mut running = Vec::new();
    loop {
        while running.len() < 20 {
            let Some(trial) = many.start().unwrap() else {
                break;
            };
            running.push(trial.number);
        }
        if running.is_empty() {
            break;
        }
        let number = running.remove(0);
        many.complete(number, number as f64).unwrap();
    }
    assert_eq!(many.suggestion().unwrap(), Suggestion::Done);
    assert_eq!(at_top(&many), 5);
}

#[test]
fn a_falsy_number_of_finished_trials_means_no_end() {
    for value in [Value::Int(0), Value::None, Value::Bool(false)] {
        let arguments = vec![("max_finished_configs", value), ("R", Value::Int(1))];
        let mut simulation = simulation(line(), halving(arguments));
        for number in 1..=60 {
            simulation.start().unwrap().unwrap();
            simulation.complete(number, 0.0).unwrap();
        }
    }
}

#[test]
fn cs_58_every_power_of_eta_has_its_rung() {
    let arguments = vec![
        ("R", Value::Int(216)),
        ("eta", Value::Int(6)),
        ("s", Value::Int(3)),
    ];
    let mut top_only = simulation(line(), halving(arguments.clone()));
    let trial = top_only.start().unwrap().unwrap();
    assert_eq!(whole(&trial.configuration, "resource"), 216);
    let beyond = [&arguments[..2], &[("s", Value::Int(4))]].concat();
    let message = build_error(&line(), &halving(beyond));
    assert!(
        message.contains("the number of rungs, which is 4"),
        "{message}"
    );
}

/// Three completed on rung 0, of which the first goes on as trial 4.
fn with_a_promotion() -> Simulation {
    let mut simulation = simulation(line(), halving(Vec::new()));
    for number in 1..=3 {
        simulation.start().unwrap().unwrap();
        simulation.complete(number, number as f64).unwrap();
    }
    assert_eq!(place(simulation.start().unwrap().unwrap()), "4:1:1");
    simulation
}

fn lose(simulation: &mut Simulation, number: u64) {
    // The study grants retries of its own first.
    while !simulation.study().trial(number).unwrap().state.is_final() {
        let cause = FailureCause::Lost;
        let message = String::new();
        simulation
            .tell(number, Told::Failed { cause, message })
            .unwrap();
        if !simulation.study().trial(number).unwrap().state.is_final() {
            simulation.start().unwrap();
        }
    }
}

#[test]
fn cs_59_a_promotion_is_not_made_twice_after_a_restart() {
    let simulation = with_a_promotion();
    let mut restarted = norgay_core::algorithms::build(&halving(Vec::new()), &line()).unwrap();
    let Suggestion::Trial(next) = restarted.suggest(&simulation.study().view()).unwrap() else {
        panic!("it has nothing to suggest");
    };
    assert_eq!(text(&next.configuration, "load_from"), "");
}

#[test]
fn cs_59_a_promotion_that_failed_by_its_own_fault_is_replaced() {
    let mut simulation = with_a_promotion();
    simulation.fail(4).unwrap();
    assert_eq!(place(simulation.start().unwrap().unwrap()), "5:1:2");
}

#[test]
fn cs_59_a_promotion_that_was_lost_is_tried_again_but_not_for_ever() {
    let mut simulation = with_a_promotion();
    for expected in ["5:1:1", "6:1:1", "7:1:2"] {
        let last = simulation.study().next_number() - 1;
        lose(&mut simulation, last);
        assert_eq!(place(simulation.start().unwrap().unwrap()), expected);
    }
}

#[test]
fn a_checkpoint_whose_name_became_a_number_is_known() {
    let mut simulation = simulation(line(), halving(Vec::new()));
    let given = |x: f64, rung: i64, resource: i64, from: Value, to: i64| {
        let entries = [
            ("x", Value::Float(x)),
            ("rung", Value::Int(rung)),
            ("resource", Value::Int(resource)),
            ("load_from", from),
            ("save_to", Value::Int(to)),
        ];
        let entries = entries.map(|(name, value)| (name.into(), value));
        entries.into_iter().collect::<Configuration>()
    };
    for (number, x) in [(1, 0.1), (2, 0.2), (3, 0.3)] {
        let trial = given(x, 0, 1, "".into(), number);
        simulation.enqueue(&trial).unwrap();
    }
    simulation
        .enqueue(&given(0.1, 1, 3, Value::Int(1), 4))
        .unwrap();
    for number in 1..=4 {
        simulation.start().unwrap().unwrap();
        simulation.complete(number, number as f64).unwrap();
    }
    assert_eq!(place(simulation.start().unwrap().unwrap()), "5:0");
}

#[test]
fn values_that_are_no_numbers_are_not_promoted() {
    let mut simulation = simulation(line(), halving(Vec::new()));
    for value in [f64::NEG_INFINITY, f64::INFINITY, 7.0] {
        let number = simulation.start().unwrap().unwrap().number;
        simulation.complete(number, value).unwrap();
    }
    assert_eq!(place(simulation.start().unwrap().unwrap()), "4:1:3");
}

#[test]
fn new_configurations_are_those_of_random_search() {
    let mut simulation = simulation(line(), halving(Vec::new()));
    let mut stream = Stream::new(1, 1, Purpose::Sample);
    let expected = line().sample(&mut stream).unwrap();
    let trial = simulation.start().unwrap().unwrap();
    assert_eq!(trial.configuration.get("x"), expected.get("x"));
    assert_eq!(&*trial.reason, "a random configuration with resource 1");
}

#[test]
fn a_parameter_called_like_an_entry_is_refused() {
    let named = space(vec![discrete("rung", 0, 1, Scale::Linear)]);
    let message = build_error(&named, &halving(Vec::new()));
    assert!(message.contains("'rung'"), "{message}");
    let chain = algorithm(
        "chain",
        vec![(
            "algorithms",
            vec![Value::from("random"), "asha".into()].into(),
        )],
    );
    let message = build_error(&named, &chain);
    assert!(message.contains("'rung'"), "{message}");
}

#[test]
fn wrong_arguments_are_told() {
    for (name, value, part) in [
        ("r", 0, "whole number from 1"),
        ("R", 0, "whole number from 1"),
        ("eta", 1, "whole number from 2"),
        ("r", 10, "at least r, which is 10"),
    ] {
        let message = build_error(&line(), &halving(vec![(name, Value::Int(value))]));
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn the_contract_holds_with_all_arguments_and_inside_a_chain() {
    let small = vec![
        ("R", Value::Int(4)),
        ("eta", Value::Int(2)),
        ("max_finished_configs", Value::Int(3)),
    ];
    let inner = dict([vec![("name", "asha".into())], small.clone()].concat());
    let chain = vec![inner, "sobol".into()];
    for (name, space) in contract_spaces() {
        for choice in [
            halving(small.clone()),
            algorithm("chain", vec![("algorithms", chain.clone().into())]),
        ] {
            let checked = check_contract(&choice, &space);
            assert_eq!(checked, Ok(()), "{name}");
        }
    }
}
