use norgay_core::stopping::{MedianRule, StoppingRule};
use norgay_core::testing::Simulation;

use crate::{report, start, study};

fn ruled(min_iterations: u64, min_trials: usize, legacy: bool) -> Simulation {
    study(|definition| {
        definition.stopping_rule = Some(StoppingRule::Median(MedianRule {
            min_iterations,
            min_trials,
            legacy,
        }));
    })
}

/// The peer's example: three trials at 0.1, 0.2 and 0.3 for three iterations.
fn third_stops(min_iterations: u64, min_trials: usize, legacy: bool) -> bool {
    let mut simulation = ruled(min_iterations, min_trials, legacy);
    for value in [0.1, 0.2, 0.3] {
        let number = start(&mut simulation);
        for step in 1..=3 {
            report(&mut simulation, number, step, value);
        }
    }
    assert!(simulation.study().stopping_verdict(1).is_none());
    simulation.study().stopping_verdict(3).is_some()
}

#[test]
fn cs_40_the_third_of_three_stops() {
    for legacy in [false, true] {
        assert!(third_stops(2, 1, legacy));
        assert!(!third_stops(4, 1, legacy));
        assert!(!third_stops(2, 4, legacy));
    }
}

#[test]
fn cs_41_no_rows_go_on_and_only_nan_stops() {
    for legacy in [false, true] {
        let mut simulation = ruled(0, 1, legacy);
        let number = start(&mut simulation);
        assert!(simulation.study().stopping_verdict(number).is_none());
        report(&mut simulation, number, 1, f64::NAN);
        assert!(simulation.study().stopping_verdict(number).is_some());
        report(&mut simulation, number, 2, 1.0);
        assert!(simulation.study().stopping_verdict(number).is_none());
    }
}

/// A trial with 0.8 at its first iteration, against two that had 0.9 there and ended lower.
fn early_trial_stops(legacy: bool) -> bool {
    let mut simulation = ruled(1, 1, legacy);
    for last in [0.1, 0.2] {
        let number = start(&mut simulation);
        report(&mut simulation, number, 1, 0.9);
        report(&mut simulation, number, 2, last);
        simulation.complete(number, last).unwrap();
    }
    let number = start(&mut simulation);
    report(&mut simulation, number, 1, 0.8);
    simulation.study().stopping_verdict(number).is_some()
}

#[test]
fn cs_42_trials_are_compared_at_the_same_iteration() {
    assert!(!early_trial_stops(false));
    assert!(early_trial_stops(true));
}

#[test]
fn higher_may_be_better() {
    let mut simulation = study(|definition| {
        definition.objective.direction = norgay_core::definition::Direction::Maximize;
        definition.stopping_rule = Some(StoppingRule::Median(MedianRule {
            min_trials: 1,
            ..MedianRule::default()
        }));
    });
    for value in [0.1, 0.2, 0.3] {
        let number = start(&mut simulation);
        report(&mut simulation, number, 1, value);
    }
    assert!(simulation.study().stopping_verdict(1).is_some());
    assert!(simulation.study().stopping_verdict(3).is_none());
}
