//! The genetic algorithm: CS-73.

use norgay_core::definition::Direction;
use norgay_core::space::Scale;
use norgay_core::testing::Simulation;

use crate::*;

fn genetic(space: Space, direction: Direction, arguments: Vec<(&str, Value)>) -> Simulation {
    let arguments = arguments.into_iter().map(|(k, v)| (k.to_string(), v));
    let choice = AlgorithmChoice {
        name: "Genetic".into(),
        arguments: arguments.collect(),
    };
    let mut definition = Simulation::definition(space, choice, 1);
    definition.objective.direction = direction;
    Simulation::new(definition).unwrap()
}

#[test]
fn cs_73_the_mean_objective_rises_in_most_steps() {
    let digits: Vec<Value> = (0..=10).map(Value::Int).collect();
    let space = space(vec![
        ordinal("a", &digits),
        ordinal(
            "b",
            &texts(&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]),
        ),
        ordinal("c", &digits),
    ]);
    let mut simulation = genetic(space, Direction::Maximize, Vec::new());
    let trials = run(&mut simulation, 500, |trial| {
        0.1 * (number(&trial.configuration, "a") + number(&trial.configuration, "c"))
    });
    let (mut sum, mut means) = (0.0, Vec::new());
    for (count, trial) in trials.iter().enumerate() {
        sum += trial.value.unwrap();
        means.push(sum / (count + 1) as f64);
    }
    let rises = means.windows(2).filter(|pair| pair[1] > pair[0]).count();
    assert!(rises * 10 > 7 * 499, "{rises} of 499");
}

#[test]
fn parameters_come_from_two_of_the_best_third_after_ten_results() {
    let space = space(vec![
        continuous("x", 0.0, 1.0, Scale::Linear),
        continuous("y", 0.0, 1.0, Scale::Linear),
    ]);
    let none = vec![("mutation_rate", Value::Float(0.0))];
    let mut simulation = genetic(space, Direction::Minimize, none);
    let trials = run(&mut simulation, 11, |trial| trial.number as f64);
    assert!(
        trials[..10]
            .iter()
            .all(|trial| &*trial.reason == "random sample")
    );
    for name in ["x", "y"] {
        let value = number(&trials[10].configuration, name);
        let best = trials[..3].iter().map(|t| number(&t.configuration, name));
        assert!(best.collect::<Vec<f64>>().contains(&value));
    }
}

#[test]
fn it_ends_after_max_num_trials_and_refuses_a_wrong_rate() {
    let x = || space(vec![continuous("x", 0.0, 1.0, Scale::Linear)]);
    let limit = vec![("max_num_trials", Value::Int(30))];
    let mut simulation = genetic(x(), Direction::Minimize, limit);
    assert_eq!(run(&mut simulation, 100, |_| 0.0).len(), 30);
    let choice = AlgorithmChoice {
        name: "genetic".into(),
        arguments: vec![("mutation_rate".into(), Value::Float(1.5))],
    };
    let built = norgay_core::algorithms::build(&choice, &x());
    assert!(built.is_err_and(|error| error.to_string().contains("from 0 to 1")));
}
