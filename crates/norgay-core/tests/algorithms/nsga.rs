use norgay_core::decision::Told;
use norgay_core::definition::{Direction, Limit, Objective, OutcomeConstraint, ValueOf};
use norgay_core::numerics::pareto::front;
use norgay_core::space::{Parameter, Scale};
use norgay_core::testing::Simulation;
use norgay_core::{Configuration, Value};

use crate::*;

fn numbers() -> Vec<Parameter> {
    let names = ["a", "b", "c"];
    names
        .map(|name| continuous(name, 0.0, 1.0, Scale::Linear))
        .to_vec()
}

/// Compromises between two aims (ZDT1): the front is where b and c are 0.
fn aims(configuration: &Configuration) -> [f64; 2] {
    let [a, b, c] = ["a", "b", "c"].map(|name| configuration.get(name).unwrap().as_f64().unwrap());
    let distance = 1.0 + 4.5 * (b + c);
    [a, distance * (1.0 - (a / distance).sqrt())]
}

fn two_aims(algorithm: &str, constraints: Vec<OutcomeConstraint>) -> Simulation {
    let choice = crate::algorithm(algorithm, Vec::new());
    let mut definition = Simulation::definition(space(numbers()), choice, 1);
    definition.more_objectives = vec![Objective {
        name: "second".into(),
        direction: Direction::Minimize,
        value: ValueOf::Best,
    }];
    definition.outcome_constraints = constraints;
    Simulation::new(definition).unwrap()
}

fn run_both(simulation: &mut Simulation, trials: usize) -> Vec<[f64; 2]> {
    let mut found = Vec::new();
    for _ in 0..trials {
        let trial = simulation.start().unwrap().unwrap();
        let (number, values) = (trial.number, aims(&trial.configuration));
        let metrics = vec![
            ("loss".into(), Value::Float(values[0])),
            ("second".into(), Value::Float(values[1])),
            ("size".into(), Value::Float(values[1])),
        ];
        let step = None;
        simulation
            .tell(number, Told::Finished { step, metrics })
            .unwrap();
        found.push(values);
    }
    found
}

/// The area that a front dominates below (1, 6).
fn area(points: &[[f64; 2]]) -> f64 {
    let mut best: Vec<[f64; 2]> = front(points).iter().map(|place| points[*place]).collect();
    best.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let mut height = 6.0;
    let mut sum = 0.0;
    for [first, second] in best {
        sum += (1.0 - first) * (height - second).max(0.0);
        height = height.min(second);
    }
    sum
}

#[test]
fn it_approaches_the_front_in_its_whole_breadth() {
    let found = run_both(&mut two_aims("nsga2", Vec::new()), 500);
    let random = run_both(&mut two_aims("random", Vec::new()), 500);
    // The whole front leaves 6 - 1/3 of the area.
    assert!(area(&found) > 5.55, "{}", area(&found));
    assert!(area(&random) < 5.4, "{}", area(&random));
    let late = &found[400..];
    let near = late
        .iter()
        .filter(|values| values[1] < 1.3 - values[0].sqrt());
    assert!(near.count() > 50);
}

#[test]
fn niches_cover_the_front_too() {
    let found = run_both(&mut two_aims("nsga3", Vec::new()), 500);
    assert!(area(&found) > 5.5, "{}", area(&found));
}

#[test]
fn outcome_constraints_come_first() {
    let limit = OutcomeConstraint {
        metric: "size".into(),
        limit: Limit::AtMost(0.4),
    };
    let found = run_both(&mut two_aims("nsga2", vec![limit]), 400);
    let kept = found[300..].iter().filter(|values| values[1] <= 0.4);
    assert!(kept.count() > 60);
}

#[test]
fn one_objective_will_do() {
    let mut simulation = simulation(space(numbers()), algorithm("nsga2", Vec::new()));
    let far = |c: &Configuration| aims(c)[1];
    let found = run(&mut simulation, 400, far);
    let best = found.iter().map(far).fold(f64::INFINITY, f64::min);
    assert!(best < 0.1, "{best}");
}
