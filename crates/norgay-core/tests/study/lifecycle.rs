use norgay_core::decision::{Next, Refusal, Told};
use norgay_core::definition::{Budget, Direction, RetryPolicy};
use norgay_core::event::{Event, FinishReason};
use norgay_core::trial::{FailureCause, StopCause, TrialState};
use norgay_core::{Configuration, Value};

use crate::{report, start, study};

fn state(simulation: &norgay_core::testing::Simulation, number: u64) -> TrialState {
    simulation.study().trial(number).unwrap().state
}

fn failed(cause: FailureCause) -> Told {
    Told::Failed {
        cause,
        message: "why".into(),
    }
}

#[test]
fn exactly_as_many_trials_as_the_budget_has() {
    let mut simulation = study(|definition| definition.budget.trials = Some(5));
    let mut running = Vec::new();
    let over = loop {
        match simulation.advance().unwrap() {
            Next::Start { trial, .. } => running.push(trial),
            other => break other,
        }
    };
    assert_eq!(over, Next::Over(FinishReason::Trials));
    assert_eq!(running, [1, 2, 3, 4, 5]);
    // It does not end while a trial may have to be tried again.
    assert!(simulation.study().finish(FinishReason::Trials).is_empty());
    for number in running {
        simulation.fail(number).unwrap();
    }
    let events = simulation.study().finish(FinishReason::Trials);
    simulation.apply(events).unwrap();
    assert_eq!(simulation.study().status(), "finished");
    assert_eq!(simulation.study().trials().len(), 5);
    assert!(simulation.study().finish(FinishReason::Trials).is_empty());
}

#[test]
fn retries_are_counted_by_cause() {
    let mut simulation = study(|definition| {
        definition.retry = RetryPolicy {
            retries: [(FailureCause::Lost, 2), (FailureCause::ClusterError, 1)].into(),
        };
    });
    let number = start(&mut simulation);
    let causes = [
        (FailureCause::Lost, TrialState::Queued),
        (FailureCause::ClusterError, TrialState::Queued),
        (FailureCause::Lost, TrialState::Queued),
        (FailureCause::Lost, TrialState::Failed),
    ];
    for (attempt, (cause, after)) in (1..).zip(causes) {
        assert_eq!(simulation.study().trial(number).unwrap().attempt(), attempt);
        simulation.tell(number, failed(cause)).unwrap();
        assert_eq!(state(&simulation, number), after);
        if after == TrialState::Queued {
            assert_eq!(start(&mut simulation), number);
        }
    }
    let trial = simulation.study().trial(number).unwrap();
    assert_eq!(trial.cause, Some(FailureCause::Lost));
    assert_eq!(simulation.study().counts().failed, 1);
}

#[test]
fn user_errors_are_not_tried_again_unless_resubmitted() {
    let mut simulation = study(|_| {});
    let number = start(&mut simulation);
    simulation.fail(number).unwrap();
    assert_eq!(state(&simulation, number), TrialState::Failed);
    let mut simulation = study(|definition| definition.retry = RetryPolicy::resubmitting(1));
    let number = start(&mut simulation);
    simulation.fail(number).unwrap();
    assert_eq!(state(&simulation, number), TrialState::Queued);
    assert_eq!(start(&mut simulation), number);
    simulation.fail(number).unwrap();
    assert_eq!(state(&simulation, number), TrialState::Failed);
}

#[test]
fn our_own_stop_costs_no_retry() {
    let mut simulation = study(|definition| definition.retry.retries.clear());
    let number = start(&mut simulation);
    for _ in 0..3 {
        let events = simulation
            .study()
            .request_stop(number, StopCause::PreEmpted, "shutting down");
        simulation.apply(events.unwrap()).unwrap();
        simulation.tell(number, Told::Stopped).unwrap();
        assert_eq!(state(&simulation, number), TrialState::Queued);
        assert_eq!(start(&mut simulation), number);
    }
    simulation
        .tell(number, failed(FailureCause::PreEmpted))
        .unwrap();
    assert_eq!(state(&simulation, number), TrialState::Failed);
}

#[test]
fn many_failures_end_the_study() {
    let mut simulation = study(|definition| definition.budget.max_failed_in_a_row = 3);
    for _ in 0..3 {
        let number = start(&mut simulation);
        simulation.fail(number).unwrap();
    }
    let next = simulation.advance().unwrap();
    assert_eq!(next, Next::Over(FinishReason::FailedInARow));
    let mut simulation = study(|definition| definition.budget.max_failed = Some(1));
    for _ in 0..2 {
        let number = start(&mut simulation);
        simulation.fail(number).unwrap();
    }
    let next = simulation.advance().unwrap();
    assert_eq!(next, Next::Over(FinishReason::TooManyFailed));
}

#[test]
fn target_and_time_end_the_study() {
    let mut simulation = study(|definition| {
        definition.budget.target = Some(0.9);
        definition.objective.direction = Direction::Maximize;
    });
    let number = start(&mut simulation);
    simulation.complete(number, 0.9).unwrap();
    let next = simulation.advance().unwrap();
    assert_eq!(next, Next::Over(FinishReason::Target));
    let mut simulation = study(|definition| definition.budget.wall_time_ms = Some(1_000));
    let number = start(&mut simulation);
    simulation.pass_ms(500);
    simulation.complete(number, 1.0).unwrap();
    // Time without a running trial does not count.
    simulation.pass_ms(5_000);
    start(&mut simulation);
    simulation.pass_ms(600);
    let next = simulation.advance().unwrap();
    assert_eq!(next, Next::Over(FinishReason::WallTime));
}

#[test]
fn paused_and_resumed() {
    let mut simulation = study(|_| {});
    let events = simulation.study().pause().unwrap();
    simulation.apply(events).unwrap();
    assert_eq!(simulation.study().status(), "paused");
    assert!(simulation.study().pause().unwrap().is_empty());
    assert_eq!(simulation.advance().unwrap(), Next::Paused);
    let events = simulation.study().resume();
    simulation.apply(events).unwrap();
    assert!(simulation.study().resume().is_empty());
    assert_eq!(start(&mut simulation), 1);
}

#[test]
fn cancelled_with_its_trials_and_resumed() {
    let mut simulation = study(|_| {});
    let running = start(&mut simulation);
    let given: Configuration = [("x".into(), Value::Float(0.5))].into_iter().collect();
    simulation.enqueue(&given).unwrap();
    let events = simulation.study().cancel();
    simulation.apply(events).unwrap();
    assert!(simulation.study().cancel().is_empty());
    assert_eq!(simulation.study().status(), "cancelled");
    assert_eq!(state(&simulation, 2), TrialState::Cancelled);
    let stop = simulation.study().stop_requested(running);
    assert_eq!(stop, Some(StopCause::Cancelled));
    simulation.tell(running, Told::Stopped).unwrap();
    assert_eq!(state(&simulation, running), TrialState::Cancelled);
    let refusal = simulation.study().pause().unwrap_err();
    assert!(matches!(refusal, Refusal::StudyState { .. }));
    let next = simulation.advance().unwrap();
    assert_eq!(next, Next::Over(FinishReason::Cancelled));
    let events = simulation.study().resume();
    simulation.apply(events).unwrap();
    assert_eq!(start(&mut simulation), 3);
}

#[test]
fn leases_expire_after_silence_only() {
    let mut simulation = study(|_| {});
    let number = start(&mut simulation);
    simulation.pass_ms(50_000);
    report(&mut simulation, number, 1, 0.5);
    simulation.pass_ms(60_000);
    let now = simulation.clock_ms();
    assert!(simulation.study().expire_leases(now).is_empty());
    let events = simulation.study().expire_leases(now + 1);
    simulation.apply(events).unwrap();
    // It was lost, and lost trials are tried again.
    assert_eq!(state(&simulation, number), TrialState::Queued);
    assert_eq!(start(&mut simulation), number);
    let refusal = simulation.study().report(number, 1, None, Vec::new());
    assert!(matches!(
        refusal,
        Err(Refusal::StaleAttempt { current: 2, .. })
    ));
}

#[test]
fn trials_are_cancelled_and_retried() {
    let mut simulation = study(|_| {});
    let number = start(&mut simulation);
    assert!(matches!(
        simulation.study().retry(number),
        Err(Refusal::WrongState { .. })
    ));
    simulation.fail(number).unwrap();
    assert!(simulation.study().cancel_trial(number).is_err());
    let events = simulation.study().retry(number).unwrap();
    simulation.apply(events).unwrap();
    assert_eq!(state(&simulation, number), TrialState::Queued);
    assert_eq!(simulation.study().trial(number).unwrap().cause, None);
    assert_eq!(start(&mut simulation), number);
    simulation.complete(number, 1.0).unwrap();
    assert_eq!(simulation.study().counts().total(), 1);
    assert!(simulation.study().retry(number).is_err());
    assert!(matches!(
        simulation.study().retry(9),
        Err(Refusal::UnknownTrial { number: 9, .. })
    ));
}

#[test]
fn a_user_s_configuration_goes_first_and_is_checked() {
    let mut simulation = study(|_| {});
    let given: Configuration = [("x".into(), Value::Int(1))].into_iter().collect();
    simulation.enqueue(&given).unwrap();
    let trial = simulation.start().unwrap().unwrap();
    assert_eq!(trial.configuration.get("x"), Some(&Value::Float(1.0)));
    let outside = given.with("x", Value::Int(2));
    assert!(simulation.enqueue(&outside).is_err());
}

#[test]
fn events_that_do_not_fit_change_nothing() {
    let mut simulation = study(|_| {});
    let running = start(&mut simulation);
    let counts = simulation.study().counts();
    for event in [
        Event::TrialRequeued { trial: running },
        Event::TrialCancelled { trial: running },
        Event::TrialCancelled { trial: 0 },
        Event::TrialRequeued { trial: 7 },
        Event::AttemptStarted {
            trial: running,
            attempt: 2,
            scheduler: "s".into(),
            lease_ms: None,
        },
    ] {
        assert!(simulation.apply(vec![event.clone()]).is_err(), "{event:?}");
        assert_eq!(simulation.study().counts(), counts);
        assert_eq!(state(&simulation, running), TrialState::Running);
    }
}

#[test]
fn trials_without_an_improvement_end_the_study() {
    let mut simulation = study(|definition| {
        definition.budget.patience = Some(3);
        definition.budget.min_improvement = 0.1;
    });
    // Failures before the first value, and many of them, are no lack of improvement.
    for _ in 0..4 {
        let number = start(&mut simulation);
        simulation.fail(number).unwrap();
    }
    // The second and third are better by too little; together they improve.
    for (value, since) in [(1.0, 0), (0.95, 1), (0.91, 2), (0.85, 0), (0.8, 1)] {
        let number = start(&mut simulation);
        simulation.complete(number, value).unwrap();
        assert_eq!(simulation.study().trials_since_improvement(), Some(since));
    }
    let number = start(&mut simulation);
    simulation.fail(number).unwrap();
    let (last, late) = (start(&mut simulation), start(&mut simulation));
    simulation.complete(last, 0.9).unwrap();
    let over = Next::Over(FinishReason::Patience);
    assert_eq!(simulation.advance().unwrap(), over);
    assert!(
        simulation.study().finish(FinishReason::Patience).is_empty(),
        "one still runs"
    );
    // It improves, and the study goes on.
    simulation.complete(late, 0.1).unwrap();
    for _ in 0..3 {
        let number = start(&mut simulation);
        simulation.complete(number, 0.5).unwrap();
    }
    assert_eq!(simulation.advance().unwrap(), over);
    let given: Configuration = [("x".into(), Value::Float(0.5))].into_iter().collect();
    simulation.enqueue(&given).unwrap();
    let given = start(&mut simulation);
    simulation.complete(given, 0.5).unwrap();
    let events = simulation.study().finish(FinishReason::Patience);
    simulation.apply(events).unwrap();
    assert_eq!(simulation.study().finished(), Some(FinishReason::Patience));
    assert!(FinishReason::Patience.in_words().contains("no improvement"));
}

#[test]
fn a_higher_value_is_an_improvement_where_high_values_are_sought() {
    let mut simulation = study(|definition| {
        definition.budget.patience = Some(2);
        definition.objective.direction = Direction::Maximize;
    });
    for (value, since) in [(1.0, 0), (2.0, 0), (2.0, 1), (1.5, 2)] {
        let number = start(&mut simulation);
        simulation.complete(number, value).unwrap();
        assert_eq!(simulation.study().trials_since_improvement(), Some(since));
    }
    assert_eq!(
        simulation.advance().unwrap(),
        Next::Over(FinishReason::Patience)
    );
}

#[test]
fn a_budget_from_before_patience_can_be_read() {
    let old: Budget = serde_json::from_str(r#"{"trials": 3, "max_failed_in_a_row": 10}"#).unwrap();
    assert_eq!((old.patience, old.min_improvement), (None, 0.0));
    let written = serde_json::to_string(&old).unwrap();
    assert_eq!(written, r#"{"trials":3,"max_failed_in_a_row":10}"#);
}
