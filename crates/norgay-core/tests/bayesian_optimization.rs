//! The reference's Bayesian search: its arguments, and that it finds what there is to find.
#![allow(missing_docs, clippy::unwrap_used)]

use norgay_core::algorithms::build;
use norgay_core::definition::{AlgorithmChoice, Direction};
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::testing::Simulation;
use norgay_core::trial::Trial;
use norgay_core::{Space, Value};

fn number(name: &str) -> Parameter {
    let (scale, step) = (Scale::Linear, None);
    Parameter::new(
        name,
        Domain::Continuous {
            low: 0.0,
            high: 1.0,
            scale,
            step,
        },
    )
}

fn space() -> Space {
    let labels = ["a", "b", "c"].map(Value::from).to_vec();
    let parameters = vec![
        number("x"),
        number("y"),
        Parameter::new(
            "k",
            Domain::Discrete {
                low: 1,
                high: 9,
                scale: Scale::Linear,
                step: None,
            },
        ),
        Parameter::new("label", Domain::Choice { values: labels }),
    ];
    Space::new(parameters, Vec::new()).unwrap()
}

fn choice(name: &str, arguments: Vec<(&str, Value)>) -> AlgorithmChoice {
    AlgorithmChoice {
        name: name.into(),
        arguments: arguments
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect(),
    }
}

fn run(algorithm: AlgorithmChoice, trials: usize, value: impl Fn(&Trial) -> f64) -> Simulation {
    run_in(space(), Direction::Minimize, algorithm, trials, value)
}

fn run_in(
    space: Space,
    direction: Direction,
    algorithm: AlgorithmChoice,
    trials: usize,
    value: impl Fn(&Trial) -> f64,
) -> Simulation {
    let mut definition = Simulation::definition(space, algorithm, 3);
    definition.objective.direction = direction;
    let mut simulation = Simulation::new(definition).unwrap();
    for _ in 0..trials {
        let Some(trial) = simulation.start().unwrap().cloned() else {
            break;
        };
        simulation.complete(trial.number, value(&trial)).unwrap();
    }
    simulation
}

fn at(trial: &Trial, name: &str) -> f64 {
    trial.configuration.get(name).unwrap().as_f64().unwrap()
}

fn designed(simulation: &Simulation) -> usize {
    let trials = simulation.study().trials().iter();
    trials
        .filter(|trial| trial.reason.contains("initial design"))
        .count()
}

/// CS-48: 'infer' with four parameters is five; fewer than there are parameters becomes that.
#[test]
fn the_number_of_initial_points_is_the_references() {
    for (given, expected) in [
        (Value::from("infer"), 5),
        (Value::Int(7), 7),
        (Value::Int(3), 4),
    ] {
        let algorithm = choice("GPyOpt", vec![("num_initial_data_points", given)]);
        assert_eq!(
            designed(&run(algorithm, 9, |trial| at(trial, "x"))),
            expected
        );
    }
}

/// CS-49: all given points are served, before any other.
#[test]
fn given_points_come_first_and_must_be_whole() {
    let point = |x: f64| {
        let entries = [
            ("x", x.into()),
            ("y", 0.5.into()),
            ("k", 3.into()),
            ("label", "b".into()),
        ];
        let entries: Vec<(Value, Value)> = entries.map(|(k, v)| (Value::from(k), v)).to_vec();
        Value::Dict(entries.into())
    };
    let given: Vec<Value> = (0..8).map(|k| point(0.1 * f64::from(k))).collect();
    let algorithm = choice("GPyOpt", vec![("initial_data_points", given.into())]);
    let simulation = run(algorithm, 10, |trial| at(trial, "x"));
    let served: Vec<f64> = simulation.study().trials()[..8]
        .iter()
        .map(|t| at(t, "x"))
        .collect();
    assert_eq!(
        served,
        (0..8).map(|k| 0.1 * f64::from(k)).collect::<Vec<_>>()
    );
    let part = Value::Dict(vec![(Value::from("x"), Value::Float(0.1))].into());
    let algorithm = choice("GPyOpt", vec![("initial_data_points", vec![part].into())]);
    let refused = build(&algorithm, &space()).err().unwrap().to_string();
    assert!(
        refused.contains("initial_data_points[0]") && refused.contains("'y'"),
        "{refused}"
    );
}

/// CS-50: suggestions have the parameters' types.
#[test]
fn suggestions_keep_their_types() {
    let simulation = run(choice("BayesianOptimization", vec![]), 9, |trial| {
        at(trial, "x")
    });
    for trial in simulation.study().trials() {
        let value = |name: &str| trial.configuration.get(name).unwrap().clone();
        assert!(matches!(value("x"), Value::Float(_)));
        assert!(matches!(value("k"), Value::Int(_)));
        assert!(value("label").as_text().is_some());
    }
}

/// CS-51: so many suggestions, then the end.
#[test]
fn it_ends_after_the_number_given() {
    let algorithm = choice("GPyOpt", vec![("max_num_trials", Value::Int(6))]);
    assert_eq!(
        run(algorithm, 50, |trial| at(trial, "x"))
            .study()
            .trials()
            .len(),
        6
    );
}

/// CS-52: pending trials are considered, and nothing is repeated while there is something new.
#[test]
fn nothing_is_tried_twice_while_there_is_something_new() {
    let mut simulation =
        Simulation::new(Simulation::definition(space(), choice("GPyOpt", vec![]), 1)).unwrap();
    let mut seen = std::collections::HashSet::new();
    for k in 0..30 {
        let trial = simulation.start().unwrap().cloned().unwrap();
        assert!(
            seen.insert(trial.configuration.to_string()),
            "{}",
            trial.configuration
        );
        if k % 3 == 0 {
            simulation.complete(trial.number, at(&trial, "x")).unwrap();
        }
    }
}

/// CS-53: a linear objective has its best at an end.
#[test]
fn the_end_of_a_line_is_found() {
    for model in ["GP", "GP_MCMC", "warpedGP"] {
        for (direction, best) in [(Direction::Minimize, 0.0), (Direction::Maximize, 1.0)] {
            let line = Space::new(vec![number("x")], Vec::new()).unwrap();
            let algorithm = choice("GPyOpt", vec![("model_type", model.into())]);
            let simulation = run_in(line, direction, algorithm, 15, |trial| at(trial, "x"));
            let found = at(simulation.study().incumbent().unwrap(), "x");
            assert!((found - best).abs() < 1e-6, "{model} {direction:?} {found}");
        }
    }
}

#[test]
fn what_is_not_there_is_refused_with_the_reason() {
    for (arguments, expected) in [
        (
            vec![("model_type", Value::from("sparseGP"))],
            "sparseGP is not there",
        ),
        (
            vec![("model_type", "InputWarpedGP".into())],
            "InputWarpedGP is not there",
        ),
        (vec![("model_type", "other".into())], "it must be GP"),
        (
            vec![("acquisition_type", "EI_MCMC".into())],
            "needs the model GP_MCMC",
        ),
        (
            vec![("acquisition_type", "other".into())],
            "it must be EI, MPI or LCB",
        ),
        (
            vec![("num_initial_data_points", 2.5.into())],
            "it must be a whole number",
        ),
    ] {
        let refused = build(&choice("GPyOpt", arguments), &space())
            .err()
            .unwrap()
            .to_string();
        assert!(refused.contains(expected), "{refused}");
    }
}

/// A quadratic bowl with the better of three labels: every search by a model comes close.
#[test]
fn models_come_closer_than_chance() {
    let bowl = |trial: &Trial| {
        let label = trial.configuration.get("label").unwrap().as_text().unwrap() != "b";
        (at(trial, "x") - 0.3).powi(2) + (at(trial, "y") - 0.8).powi(2) + f64::from(u8::from(label))
    };
    for (name, limit) in [
        ("auto", 1e-4),
        ("gp", 1e-4),
        ("turbo", 1e-2),
        ("GPyOpt", 1e-2),
    ] {
        let simulation = run(choice(name, vec![]), 40, bowl);
        let best = simulation.study().incumbent().unwrap().value.unwrap();
        assert!(best < limit, "{name}: {best}");
    }
}

/// A third of the space fails; the search learns to stay away from it.
#[test]
fn failures_are_learnt_from() {
    let mut simulation =
        Simulation::new(Simulation::definition(space(), choice("gp", vec![]), 2)).unwrap();
    for _ in 0..40 {
        let trial = simulation.start().unwrap().cloned().unwrap();
        let (x, y) = (at(&trial, "x"), at(&trial, "y"));
        if x > 0.65 {
            simulation.fail(trial.number).unwrap();
        } else {
            simulation
                .complete(trial.number, (x - 0.4).powi(2) + y)
                .unwrap();
        }
    }
    let late = &simulation.study().trials()[10..];
    let failed = late.iter().filter(|trial| at(trial, "x") > 0.65).count();
    assert!(failed <= 4, "{failed} of 30");
    assert!(simulation.study().incumbent().unwrap().value.unwrap() < 1e-3);
}

/// A belief draws the first trials, and a wrong one only costs time.
#[test]
fn a_belief_is_tried_first_and_can_be_wrong() {
    let belief = |x: f64| {
        let prior = Value::Dict(vec![(Value::from("x"), Value::Float(x))].into());
        choice(
            "auto",
            vec![("prior", prior), ("prior_confidence", "high".into())],
        )
    };
    let value = |trial: &Trial| (at(trial, "x") - 0.25).powi(2);
    let right = run(belief(0.25), 5, value);
    assert!((at(&right.study().trials()[0], "x") - 0.25).abs() < 1e-9);
    let wrong = run(belief(0.95), 60, value);
    assert!(wrong.study().incumbent().unwrap().value.unwrap() < 1e-3);
    let refused = build(&belief(2.0), &space()).err().unwrap().to_string();
    assert!(
        refused.contains("prior") && refused.contains("'x'"),
        "{refused}"
    );
}

/// Two labels are equally good and one takes a hundred times as long: it is avoided, if asked for.
#[test]
fn shorter_trials_are_preferred_where_cost_counts() {
    let slow_trials = |cost_aware: bool| {
        let algorithm = choice("gp", vec![("cost_aware", Value::Bool(cost_aware))]);
        let mut simulation =
            Simulation::new(Simulation::definition(space(), algorithm, 5)).unwrap();
        let mut slow = 0;
        for _ in 0..30 {
            let trial = simulation.start().unwrap().cloned().unwrap();
            let is_slow = trial.configuration.get("label").unwrap().as_text() == Some("b");
            slow += usize::from(is_slow);
            simulation.pass_ms(if is_slow { 100_000 } else { 1_000 });
            let value = (at(&trial, "x") - 0.4).powi(2) + (at(&trial, "y") - 0.6).powi(2);
            simulation.complete(trial.number, value).unwrap();
        }
        slow
    };
    let (aware, unaware) = (slow_trials(true), slow_trials(false));
    assert!(aware <= 5 && aware < unaware, "{aware} {unaware}");
}

/// A smooth bowl is found out after a while; then the search ends by itself, and stays ended.
#[test]
fn the_search_ends_when_little_is_left_to_gain() {
    let plane = || Space::new(vec![number("x"), number("y")], Vec::new()).unwrap();
    let bowl = |trial: &Trial| (at(trial, "x") - 0.3).powi(2) + (at(trial, "y") - 0.8).powi(2);
    for name in ["gp", "auto"] {
        let algorithm = choice(name, vec![("regret_bound", 0.05.into())]);
        let mut ended = run_in(plane(), Direction::Minimize, algorithm, 100, bowl);
        let trials = ended.study().trials().len();
        assert!((8..60).contains(&trials), "{name} {trials}");
        assert!(ended.study().incumbent().unwrap().value.unwrap() < 1e-2);
        assert!(ended.start().unwrap().is_none());
    }
    let wrong = choice("gp", vec![("regret_bound", Value::Int(-1))]);
    let refused = build(&wrong, &plane()).err().unwrap().to_string();
    assert!(
        refused.contains("regret_bound") && refused.contains("above 0"),
        "{refused}"
    );
}
