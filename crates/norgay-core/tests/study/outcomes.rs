//! Several objectives and outcome constraints: which values a trial has, and which trial is best.

use std::sync::Arc;

use norgay_core::Value;
use norgay_core::decision::{Refusal, Told};
use norgay_core::definition::{Direction, Limit, Objective, OutcomeConstraint, ValueOf};
use norgay_core::testing::Simulation;
use norgay_core::trial::{Metrics, TrialState};

use crate::{start, study};

fn metrics(values: &[(&str, f64)]) -> Metrics {
    let entries = values.iter();
    entries
        .map(|(name, value)| (Arc::from(*name), Value::Float(*value)))
        .collect()
}

fn limit(metric: &str, limit: Limit) -> OutcomeConstraint {
    let metric = metric.into();
    OutcomeConstraint { metric, limit }
}

/// Minimizes `loss` with at most 8 of `memory`.
fn limited() -> Simulation {
    study(|definition| {
        definition.outcome_constraints = vec![limit("memory", Limit::AtMost(8.0))];
    })
}

/// Minimizes `loss` and maximizes `speed`.
fn twofold() -> Simulation {
    study(|definition| {
        definition.more_objectives = vec![Objective {
            name: "speed".into(),
            direction: Direction::Maximize,
            value: ValueOf::Last,
        }];
    })
}

fn measure(simulation: &mut Simulation, number: u64, step: u64, values: &[(&str, f64)]) {
    let study = simulation.study();
    let events = study.report(number, 1, Some(step), metrics(values));
    simulation.apply(events.unwrap()).unwrap();
}

fn finish(simulation: &mut Simulation, number: u64, values: &[(&str, f64)]) {
    let metrics = metrics(values);
    let told = Told::Finished {
        step: None,
        metrics,
    };
    simulation.tell(number, told).unwrap();
}

/// Runs a trial with these final metrics.
fn run(simulation: &mut Simulation, values: &[(&str, f64)]) -> u64 {
    let number = start(simulation);
    finish(simulation, number, values);
    number
}

fn best(simulation: &Simulation) -> Option<u64> {
    simulation.study().incumbent().map(|trial| trial.number)
}

fn front(simulation: &Simulation) -> Vec<u64> {
    let front = simulation.study().front();
    front.iter().map(|trial| trial.number).collect()
}

#[test]
fn of_infeasible_trials_the_least_infeasible_is_best_and_every_feasible_one_is_better() {
    let mut simulation = limited();
    run(&mut simulation, &[("loss", 0.1), ("memory", 12.0)]);
    let close = run(&mut simulation, &[("loss", 0.9), ("memory", 9.0)]);
    assert_eq!(best(&simulation), Some(close));
    assert_eq!(front(&simulation), [close]);
    let feasible = run(&mut simulation, &[("loss", 5.0), ("memory", 8.0)]);
    assert_eq!(best(&simulation), Some(feasible));
    run(&mut simulation, &[("loss", 6.0), ("memory", 2.0)]);
    let better = run(&mut simulation, &[("loss", 4.0), ("memory", 7.0)]);
    assert_eq!(best(&simulation), Some(better));
    assert_eq!(front(&simulation), [better]);
    let trial = simulation.study().trial(1).unwrap();
    assert_eq!(trial.values(), [0.1]);
    assert_eq!(trial.constraints(), [4.0]);
    assert!((trial.violation() - 0.5).abs() < 1e-15);
}

#[test]
fn violations_are_counted_in_units_of_their_limits() {
    let mut simulation = study(|definition| {
        definition.outcome_constraints = vec![
            limit("bytes", Limit::AtMost(1e9)),
            limit("accuracy", Limit::AtLeast(0.5)),
            limit("drift", Limit::AtMost(0.0)),
        ];
    });
    let values = [
        ("loss", 1.0),
        ("bytes", 1.1e9),
        ("accuracy", 0.4),
        ("drift", 0.25),
    ];
    let number = run(&mut simulation, &values);
    let violation = simulation.study().trial(number).unwrap().violation();
    assert!((violation - 0.55).abs() < 1e-12, "{violation}");
}

#[test]
fn a_target_is_reached_by_feasible_trials_only() {
    let mut simulation = study(|definition| {
        definition.outcome_constraints = vec![limit("memory", Limit::AtMost(8.0))];
        definition.budget.target = Some(1.0);
    });
    run(&mut simulation, &[("loss", 0.5), ("memory", 9.0)]);
    run(&mut simulation, &[("loss", 0.9), ("memory", 1.0)]);
    assert!(simulation.start().unwrap().is_none());
}

#[test]
fn the_best_measurement_is_sought_among_the_feasible_ones() {
    let mut simulation = limited();
    let number = start(&mut simulation);
    measure(
        &mut simulation,
        number,
        1,
        &[("loss", 3.0), ("memory", 7.0)],
    );
    measure(
        &mut simulation,
        number,
        2,
        &[("loss", 1.0), ("memory", 9.0)],
    );
    finish(&mut simulation, number, &[("loss", 2.0), ("memory", 8.0)]);
    let trial = simulation.study().trial(number).unwrap();
    assert_eq!(trial.value, Some(2.0));
    assert_eq!(trial.constraints(), [0.0]);
}

#[test]
fn a_limited_metric_that_is_measured_once_holds_for_the_whole_trial() {
    let mut simulation = limited();
    let number = start(&mut simulation);
    measure(&mut simulation, number, 1, &[("loss", 1.0)]);
    measure(&mut simulation, number, 2, &[("loss", 2.0)]);
    finish(&mut simulation, number, &[("memory", 9.0)]);
    let trial = simulation.study().trial(number).unwrap();
    assert_eq!(trial.value, Some(1.0));
    assert_eq!(trial.constraints(), [1.0]);
}

#[test]
fn a_completed_trial_needs_all_objectives_and_limited_metrics() {
    let told = |values: &[(&str, f64)]| Told::Finished {
        step: None,
        metrics: metrics(values),
    };
    let mut simulation = limited();
    let number = start(&mut simulation);
    let missing = simulation.study().tell(number, 1, told(&[("loss", 1.0)]));
    assert!(matches!(missing, Err(Refusal::NoOutcome { .. })));
    let nan = told(&[("loss", 1.0), ("memory", f64::NAN)]);
    let nan = simulation.study().tell(number, 1, nan);
    assert!(matches!(nan, Err(Refusal::NoOutcome { .. })));

    let mut simulation = twofold();
    let number = start(&mut simulation);
    let missing = simulation.study().tell(number, 1, told(&[("loss", 1.0)]));
    let message = missing.unwrap_err().to_string();
    assert!(message.contains("'speed' is missing"), "{message}");
}

#[test]
fn telling_several_values_again_changes_nothing() {
    let mut simulation = twofold();
    let number = run(&mut simulation, &[("loss", 1.0), ("speed", 2.0)]);
    let told = |values: &[(&str, f64)]| Told::Finished {
        step: None,
        metrics: metrics(values),
    };
    let study = simulation.study();
    let same = told(&[("speed", 2.0), ("loss", 1.0)]);
    assert_eq!(study.tell(number, 1, same), Ok(Vec::new()));
    let other = told(&[("loss", 1.0), ("speed", 3.0)]);
    let other = study.tell(number, 1, other);
    assert!(matches!(other, Err(Refusal::ToldBefore { .. })));
}

#[test]
fn several_objectives_are_read_from_the_last_measurement_that_has_them_all() {
    let mut simulation = twofold();
    let number = start(&mut simulation);
    measure(&mut simulation, number, 1, &[("loss", 1.0), ("speed", 5.0)]);
    measure(&mut simulation, number, 2, &[("loss", 2.0), ("speed", 6.0)]);
    measure(&mut simulation, number, 3, &[("loss", 0.5)]);
    simulation.tell(number, Told::Stopped).unwrap();
    let trial = simulation.study().trial(number).unwrap();
    assert_eq!(trial.state, TrialState::Pruned);
    assert_eq!(trial.values(), [2.0, 6.0]);
    assert_eq!(trial.value, Some(2.0));

    // Where no measurement has all, the last value of each counts.
    let number = start(&mut simulation);
    measure(&mut simulation, number, 1, &[("loss", 1.0)]);
    measure(&mut simulation, number, 2, &[("loss", 2.0)]);
    finish(&mut simulation, number, &[("speed", 3.0)]);
    let trial = simulation.study().trial(number).unwrap();
    assert_eq!(trial.values(), [2.0, 3.0]);
}

#[test]
fn a_pruned_trial_lacks_what_it_did_not_measure() {
    let mut simulation = study(|definition| {
        definition.outcome_constraints = vec![limit("memory", Limit::AtMost(8.0))];
    });
    let number = start(&mut simulation);
    measure(&mut simulation, number, 1, &[("loss", 1.0)]);
    simulation.tell(number, Told::Stopped).unwrap();
    let trial = simulation.study().trial(number).unwrap();
    assert_eq!(trial.value, Some(1.0));
    assert!(trial.constraints()[0].is_nan());
    assert!(trial.violation().is_infinite());
}

#[test]
fn the_front_holds_the_trials_that_no_other_beats_in_all_objectives() {
    let mut simulation = twofold();
    for (loss, speed) in [(1.0, 1.0), (2.0, 2.0), (3.0, 1.5), (0.5, 0.5), (2.0, 2.0)] {
        run(&mut simulation, &[("loss", loss), ("speed", speed)]);
    }
    assert_eq!(front(&simulation), [1, 2, 4, 5]);
    assert_eq!(best(&simulation), Some(4));
}

#[test]
fn infeasible_trials_are_on_the_front_only_while_none_is_feasible() {
    let mut simulation = study(|definition| {
        definition.more_objectives = vec![Objective {
            name: "size".into(),
            direction: Direction::Minimize,
            value: ValueOf::Last,
        }];
        definition.outcome_constraints = vec![limit("memory", Limit::AtMost(8.0))];
    });
    let values = |loss, size, memory| [("loss", loss), ("size", size), ("memory", memory)];
    run(&mut simulation, &values(0.0, 0.0, 10.0));
    run(&mut simulation, &values(1.0, 1.0, 9.0));
    assert_eq!(front(&simulation), [2]);
    run(&mut simulation, &values(5.0, 1.0, 8.0));
    run(&mut simulation, &values(1.0, 5.0, 7.0));
    run(&mut simulation, &values(6.0, 6.0, 1.0));
    assert_eq!(front(&simulation), [3, 4]);
}

#[test]
fn a_queued_again_trial_has_no_values() {
    let mut simulation = twofold();
    let number = start(&mut simulation);
    measure(&mut simulation, number, 1, &[("loss", 1.0), ("speed", 5.0)]);
    simulation.tell(number, Told::Stopped).unwrap();
    let events = simulation.study().retry(number).unwrap();
    simulation.apply(events).unwrap();
    assert!(
        simulation
            .study()
            .trial(number)
            .unwrap()
            .values()
            .is_empty()
    );
}

#[test]
fn the_view_shows_all_directions_and_limits() {
    let simulation = twofold();
    let view = simulation.study().view();
    let directions: Vec<Direction> = view.directions().collect();
    assert_eq!(view.objectives(), 2);
    assert_eq!(directions, [Direction::Minimize, Direction::Maximize]);
    assert_eq!(limited().study().view().constraints.len(), 1);
}

#[test]
fn a_definition_is_stored_with_its_objectives_and_limits_and_old_ones_still_open() {
    let simulation = limited();
    let definition = simulation.study().definition();
    let mut stored = serde_json::to_value(definition).unwrap();
    let expected = serde_json::json!([{ "metric": "memory", "at_most": 8.0 }]);
    assert_eq!(stored["outcome_constraints"], expected);
    assert!(stored.get("more_objectives").is_none());
    let read = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(*definition, read);
    stored
        .as_object_mut()
        .unwrap()
        .remove("outcome_constraints");
    let old: norgay_core::definition::StudyDefinition = serde_json::from_value(stored).unwrap();
    assert!(!old.has_outcomes());
}
