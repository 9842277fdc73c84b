use norgay_core::Value;
use norgay_core::decision::{Refusal, Told};
use norgay_core::definition::{Direction, ValueOf};
use norgay_core::trial::{AttemptEnd, FailureCause, StopCause, TrialState};

use crate::{loss, report, start, study};

fn finished(value: f64) -> Told {
    Told::Finished {
        step: None,
        metrics: loss(value),
    }
}

#[test]
fn telling_the_same_end_again_changes_nothing() {
    let mut simulation = study(|_| {});
    let number = start(&mut simulation);
    // The value will be the best one, 1, and not that of the last metrics.
    report(&mut simulation, number, 1, 1.0);
    simulation.tell(number, finished(3.0)).unwrap();
    assert_eq!(simulation.study().trial(number).unwrap().value, Some(1.0));
    let again = simulation.study().tell(number, 1, finished(3.0));
    assert_eq!(again, Ok(Vec::new()));
    let empty = Told::Finished {
        step: None,
        metrics: Vec::new(),
    };
    assert_eq!(simulation.study().tell(number, 1, empty), Ok(Vec::new()));
    let other = simulation.study().tell(number, 1, finished(2.0));
    assert!(matches!(other, Err(Refusal::ToldBefore { .. })));
    let failed = Told::Failed {
        cause: FailureCause::UserError,
        message: String::new(),
    };
    let other = simulation.study().tell(number, 1, failed);
    assert!(matches!(other, Err(Refusal::ToldBefore { .. })));
}

#[test]
fn failures_and_stops_may_be_told_again_too() {
    let mut simulation = study(|_| {});
    let number = start(&mut simulation);
    simulation.fail(number).unwrap();
    let failed = Told::Failed {
        cause: FailureCause::UserError,
        message: "other words".into(),
    };
    assert_eq!(simulation.study().tell(number, 1, failed), Ok(Vec::new()));
    let number = start(&mut simulation);
    report(&mut simulation, number, 1, 1.0);
    simulation.tell(number, Told::Stopped).unwrap();
    let trial = simulation.study().trial(number).unwrap();
    assert_eq!(trial.state, TrialState::Pruned);
    assert_eq!(trial.value, Some(1.0));
    let again = simulation.study().tell(number, 1, Told::Stopped);
    assert_eq!(again, Ok(Vec::new()));
    // A pruned trial is never the best.
    assert!(simulation.study().incumbent().is_none());
}

#[test]
fn a_stale_attempt_is_refused() {
    let mut simulation = study(|_| {});
    let number = start(&mut simulation);
    let lost = Told::Failed {
        cause: FailureCause::Lost,
        message: String::new(),
    };
    simulation.tell(number, lost.clone()).unwrap();
    assert_eq!(start(&mut simulation), number);
    let stale = simulation.study().tell(number, 1, finished(1.0));
    assert!(matches!(
        stale,
        Err(Refusal::StaleAttempt {
            attempt: 1,
            current: 2,
            ..
        })
    ));
    assert_eq!(simulation.study().tell(number, 1, lost), Ok(Vec::new()));
    for attempt in [0, 3] {
        let refused = simulation.study().tell(number, attempt, finished(1.0));
        assert!(matches!(refused, Err(Refusal::StaleAttempt { .. })));
    }
    simulation.complete(number, 1.0).unwrap();
}

#[test]
fn reports_may_come_twice_but_not_differ() {
    let mut simulation = study(|_| {});
    let number = start(&mut simulation);
    for value in [0.5, f64::NAN, f64::INFINITY] {
        let step = simulation.study().trial(number).unwrap().last_step();
        let step = step.unwrap_or(0) + 1;
        report(&mut simulation, number, step, value);
        let again = simulation
            .study()
            .report(number, 1, Some(step), loss(value));
        assert_eq!(again, Ok(Vec::new()));
        let other = simulation.study().report(number, 1, Some(step), loss(7.0));
        assert!(matches!(other, Err(Refusal::RepeatedStep { .. })));
    }
    let trial = simulation.study().trial(number).unwrap();
    assert_eq!(trial.measurements.len(), 3);
    simulation.fail(number).unwrap();
    let late = simulation.study().report(number, 1, Some(9), loss(1.0));
    assert!(matches!(late, Err(Refusal::WrongState { .. })));
}

#[test]
fn the_last_step_that_there_is_does_not_overflow() {
    let mut simulation = study(|_| {});
    let number = start(&mut simulation);
    report(&mut simulation, number, u64::MAX, 1.0);
    assert!(
        simulation
            .study()
            .report(number, 1, None, loss(2.0))
            .is_err()
    );
    simulation.complete(number, 0.5).unwrap();
    assert_eq!(simulation.study().trial(number).unwrap().value, Some(0.5));
}

#[test]
fn a_completed_trial_has_a_number() {
    let mut simulation = study(|_| {});
    let number = start(&mut simulation);
    for metrics in [
        Vec::new(),
        loss(f64::NAN),
        vec![("loss".into(), "0.5".into())],
        vec![("other".into(), Value::Int(1))],
    ] {
        let told = Told::Finished {
            step: None,
            metrics,
        };
        let refused = simulation.study().tell(number, 1, told);
        assert!(matches!(refused, Err(Refusal::NoObjective { .. })));
    }
    report(&mut simulation, number, 1, 2.0);
    report(&mut simulation, number, 2, f64::NAN);
    let told = Told::Finished {
        step: None,
        metrics: Vec::new(),
    };
    simulation.tell(number, told).unwrap();
    assert_eq!(simulation.study().trial(number).unwrap().value, Some(2.0));
}

#[test]
fn the_last_usable_value_counts_where_the_last_does() {
    let mut simulation = study(|definition| definition.objective.value = ValueOf::Last);
    let number = start(&mut simulation);
    for (step, value) in [(1, 1.0), (2, 2.0), (3, f64::NAN)] {
        report(&mut simulation, number, step, value);
    }
    let told = Told::Finished {
        step: None,
        metrics: Vec::new(),
    };
    simulation.tell(number, told).unwrap();
    assert_eq!(simulation.study().trial(number).unwrap().value, Some(2.0));
    assert_eq!(simulation.study().incumbent().unwrap().number, number);
}

#[test]
fn the_first_of_equals_is_the_best() {
    for direction in [Direction::Minimize, Direction::Maximize] {
        let mut simulation = study(|definition| definition.objective.direction = direction);
        for value in [2.0, 1.0, 3.0, 3.0, 1.0] {
            let number = start(&mut simulation);
            simulation.complete(number, value).unwrap();
        }
        let best = simulation.study().incumbent().unwrap().number;
        assert_eq!(
            best,
            if direction == Direction::Minimize {
                2
            } else {
                3
            }
        );
    }
}

#[test]
fn a_newer_attempt_goes_back() {
    let mut simulation = study(|_| {});
    let number = start(&mut simulation);
    for (step, value) in [(1, 9.0), (2, 8.0), (3, 0.1)] {
        report(&mut simulation, number, step, value);
    }
    let lost = Told::Failed {
        cause: FailureCause::Lost,
        message: String::new(),
    };
    simulation.tell(number, lost).unwrap();
    start(&mut simulation);
    report(&mut simulation, number, 2, 7.0);
    let trial = simulation.study().trial(number).unwrap();
    let course: Vec<(u64, u32)> = trial
        .measurements
        .iter()
        .map(|m| (m.step, m.attempt))
        .collect();
    assert_eq!(course, [(1, 1), (2, 2)]);
    simulation.complete(number, 6.0).unwrap();
    let trial = simulation.study().trial(number).unwrap();
    assert_eq!((trial.value, trial.cause), (Some(6.0), None));
}

#[test]
fn a_cancelled_trial_has_no_cause_of_failure() {
    let mut simulation = study(|_| {});
    let number = start(&mut simulation);
    let lost = Told::Failed {
        cause: FailureCause::Lost,
        message: String::new(),
    };
    simulation.tell(number, lost).unwrap();
    start(&mut simulation);
    let events = simulation.study().cancel_trial(number).unwrap();
    simulation.apply(events).unwrap();
    let stop = simulation
        .study()
        .request_stop(number, StopCause::Pruned, "");
    assert_eq!(stop, Ok(Vec::new()));
    simulation.tell(number, Told::Stopped).unwrap();
    let trial = simulation.study().trial(number).unwrap();
    assert_eq!(trial.cause, None);
    assert_eq!(trial.attempts[1].end, Some(AttemptEnd::Cancelled));
}
