//! Bayesian optimization of several objectives and outcome constraints.

use std::sync::Arc;

use norgay_core::algorithm::Suggestion;
use norgay_core::algorithms;
use norgay_core::decision::Told;
use norgay_core::definition::{
    AlgorithmChoice, Direction, Limit, Objective, OutcomeConstraint, StudyDefinition, ValueOf,
};
use norgay_core::numerics::hypervolume::hypervolume;
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::testing::{Simulation, contract_spaces};
use norgay_core::{Space, Value};

const NAMES: [&str; 2] = ["ehvi", "parego"];

fn choice(name: &str) -> AlgorithmChoice {
    AlgorithmChoice {
        name: name.into(),
        arguments: Vec::new(),
    }
}

fn cube(dimensions: usize) -> Space {
    let parameters = (0..dimensions).map(|k| {
        let domain = Domain::Continuous {
            low: 0.0,
            high: 1.0,
            scale: Scale::Linear,
            step: None,
        };
        Parameter::new(format!("x{k}"), domain)
    });
    Space::new(parameters.collect(), Vec::new()).unwrap()
}

fn objective(name: &str, direction: Direction) -> Objective {
    Objective {
        name: name.into(),
        direction,
        value: ValueOf::Last,
    }
}

fn definition(name: &str, space: Space, objectives: usize, limited: bool) -> StudyDefinition {
    let mut definition = Simulation::definition(space, choice(name), 3);
    definition.more_objectives = (2..=objectives)
        .map(|k| objective(&format!("loss {k}"), Direction::Minimize))
        .collect();
    if limited {
        definition.outcome_constraints = vec![OutcomeConstraint {
            metric: "memory".into(),
            limit: Limit::AtMost(0.6),
        }];
    }
    definition
}

/// Tells the trial's objectives, and a memory where there is a limit for it.
fn tell(simulation: &mut Simulation, number: u64, values: &[f64], memory: f64) {
    let definition = simulation.study().definition();
    let named = definition.objectives().zip(values);
    let mut metrics: Vec<(Arc<str>, Value)> = named
        .map(|(o, value)| (o.name.clone(), Value::Float(*value)))
        .collect();
    if !definition.outcome_constraints.is_empty() {
        metrics.push(("memory".into(), Value::Float(memory)));
    }
    let told = Told::Finished {
        step: None,
        metrics,
    };
    simulation.tell(number, told).unwrap();
}

fn coordinates(simulation: &Simulation, number: u64) -> Vec<f64> {
    let configuration = &simulation.study().trial(number).unwrap().configuration;
    let values = configuration.entries().iter();
    values.filter_map(|(_, value)| value.as_f64()).collect()
}

/// Deb, Thiele, Laumanns and Zitzler's second problem: a quarter of a circle is best.
fn circle(x: &[f64]) -> [f64; 2] {
    let far = 1.0 + x[1..].iter().map(|x| (x - 0.5) * (x - 0.5)).sum::<f64>();
    let angle = x[0] * std::f64::consts::FRAC_PI_2;
    [far * libm::cos(angle), far * libm::sin(angle)]
}

fn volume(name: &str, trials: usize) -> f64 {
    let mut simulation = Simulation::new(definition(name, cube(4), 2, false)).unwrap();
    for _ in 0..trials {
        let number = simulation.start().unwrap().unwrap().number;
        let values = circle(&coordinates(&simulation, number));
        tell(&mut simulation, number, &values, 0.0);
    }
    let front = simulation.study().front();
    let front: Vec<&[f64]> = front.iter().map(|trial| trial.values()).collect();
    hypervolume(&front, &[1.1, 1.1])
}

#[test]
fn both_find_the_front_of_a_smooth_problem_in_few_trials() {
    // The best possible is 0.4246; random search reaches about 0.1.
    assert!(volume("ehvi", 40) > 0.39);
    assert!(volume("parego", 40) > 0.33);
}

/// The best point is forbidden: the limit cuts it off.
#[test]
fn with_a_limit_the_best_feasible_point_is_found() {
    for name in NAMES {
        let mut simulation = Simulation::new(definition(name, cube(2), 1, true)).unwrap();
        for _ in 0..30 {
            let number = simulation.start().unwrap().unwrap().number;
            let x = coordinates(&simulation, number);
            let loss = (x[0] - 0.9) * (x[0] - 0.9) + (x[1] - 0.5) * (x[1] - 0.5);
            tell(&mut simulation, number, &[loss], x[0]);
        }
        let best = simulation.study().incumbent().unwrap();
        assert!(best.violation() <= 0.0);
        // At x0 = 0.6 the loss is 0.09.
        assert!(best.value.unwrap() < 0.1, "{name}: {best:?}");
    }
}

/// Trials that run, fail, are pruned, give infinite or huge values, or no metric at all.
fn turbulent(simulation: &mut Simulation, number: u64) {
    let objectives = simulation.study().definition().objectives().count();
    let value = |k: u64| ((number * 37 + k * 11) % 17) as f64;
    let mut values: Vec<f64> = (0..objectives as u64).map(value).collect();
    match number % 9 {
        0 => return,
        1 => return simulation.fail(number).unwrap(),
        2 => return simulation.tell(number, Told::Stopped).unwrap(),
        3 => values[0] = f64::INFINITY,
        4 => values[objectives - 1] = 1e300,
        5 => values.fill(-1e300),
        _ => {}
    }
    let memory = if number.is_multiple_of(5) {
        f64::INFINITY
    } else {
        value(9) / 17.0
    };
    tell(simulation, number, &values, memory);
}

#[test]
fn whatever_happens_suggestions_fit_the_space_and_depend_on_the_log_alone() {
    for name in NAMES {
        for (objectives, limited) in [(1, true), (2, false), (2, true), (3, false), (5, true)] {
            for (label, space) in contract_spaces() {
                let definition = definition(name, space.clone(), objectives, limited);
                let mut simulation = Simulation::new(definition).unwrap();
                for _ in 0..14 {
                    let suggestion = simulation.suggestion().unwrap();
                    let fresh = algorithms::build(&choice(name), &space).unwrap();
                    let mut fresh = fresh;
                    let again = fresh.suggest(&simulation.study().view()).unwrap();
                    assert_eq!(suggestion, again, "{name} on {label}");
                    let Suggestion::Trial(proposal) = suggestion else {
                        break;
                    };
                    let validated = space.validated(&proposal.configuration, |_| false);
                    assert!(validated.is_ok(), "{name} on {label}: {validated:?}");
                    let number = simulation.start().unwrap().unwrap().number;
                    turbulent(&mut simulation, number);
                }
            }
        }
    }
}

#[test]
fn a_reference_point_needs_a_value_for_each_objective() {
    let mut definition = definition("ehvi", cube(2), 2, false);
    let point: Value = vec![Value::Float(1.0)].into();
    definition.algorithm.arguments = vec![("reference_point".into(), point)];
    let mut simulation = Simulation::new(definition).unwrap();
    let refused = simulation.suggestion().unwrap_err().to_string();
    assert!(refused.contains("needs 2 values"), "{refused}");
}
