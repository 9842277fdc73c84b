use norgay_core::decision::Told;
use norgay_core::event::{Event, FinishReason, Record};
use norgay_core::random::{Purpose, Stream};
use norgay_core::testing::Simulation;
use norgay_core::trial::{AttemptEnd, FailureCause, Origin, StopCause, Trial, TrialState};
use norgay_core::{Configuration, Study, Value};
use proptest::prelude::*;

use crate::{definition, loss, study};

/// One event of each kind, with everything in it that may be.
fn every_event() -> Vec<Event> {
    let configuration: Configuration = [
        ("x".into(), Value::Float(1.0)),
        ("list".into(), vec![Value::None, Value::Bool(true)].into()),
        ("$float".into(), Value::Int(i64::MIN)),
        ("bound".into(), Value::Float(f64::NEG_INFINITY)),
    ]
    .into_iter()
    .collect();
    let memo = Value::Dict([(Value::Int(1), Value::from("one"))].into());
    let mut events = vec![
        Event::StudyCreated {
            definition: Box::new(definition()),
            execution: Box::new(serde_json::json!({"command": ["a", 1]})),
        },
        Event::StudyRevised {
            definition: Box::new(definition()),
            execution: Box::new(serde_json::Value::Null),
        },
        Event::AttemptStarted {
            trial: 1,
            attempt: 1,
            scheduler: "local".into(),
            lease_ms: Some(5),
        },
        Event::Measured {
            trial: 1,
            attempt: 1,
            step: u64::MAX,
            metrics: vec![
                ("loss".into(), Value::Float(0.1 + 0.2)),
                ("note".into(), "text".into()),
            ],
        },
        Event::StopRequested {
            trial: 1,
            attempt: 1,
            cause: StopCause::PreEmpted,
            reason: "why".into(),
        },
        Event::TrialRequeued { trial: 1 },
        Event::TrialCancelled { trial: 1 },
        Event::StudyPaused,
        Event::StudyResumed,
        Event::StudyFinished {
            reason: FinishReason::FailedInARow,
        },
    ];
    for (origin, memo) in [(Origin::Suggested, Some(memo)), (Origin::Enqueued, None)] {
        events.push(Event::TrialCreated {
            trial: 1,
            configuration: configuration.clone(),
            origin,
            reason: "why".into(),
            memo: memo.map(Box::new),
        });
    }
    let failures = FailureCause::ALL.map(AttemptEnd::Failed);
    let ends = [
        AttemptEnd::Completed,
        AttemptEnd::Pruned,
        AttemptEnd::Cancelled,
    ];
    for end in failures.into_iter().chain(ends) {
        events.push(Event::AttemptEnded {
            trial: 1,
            attempt: 1,
            end,
            state: TrialState::Queued,
            message: Some("why".into()),
        });
    }
    events
}

#[test]
fn every_event_is_stored_and_comes_back() {
    for event in every_event() {
        let json = serde_json::to_string(&event).unwrap();
        let back: Event = serde_json::from_str(&json).unwrap();
        assert_eq!(back, event, "{json}");
    }
}

#[test]
fn nan_is_stored_and_comes_back() {
    let event = Event::Measured {
        trial: 1,
        attempt: 1,
        step: 1,
        metrics: loss(f64::NAN),
    };
    let json = serde_json::to_string(&event).unwrap();
    let Event::Measured { metrics, .. } = serde_json::from_str(&json).unwrap() else {
        panic!("{json}");
    };
    assert!(metrics[0].1.as_f64().unwrap().is_nan());
}

#[test]
fn names_of_causes_are_those_that_are_stored() {
    for cause in FailureCause::ALL {
        let json = serde_json::to_string(&cause).unwrap();
        assert_eq!(json, format!("\"{}\"", cause.name()));
        assert_eq!(FailureCause::from_name(cause.name()), Some(cause));
    }
}

/// Does something that may or may not be allowed just now.
fn step(simulation: &mut Simulation, dice: &mut Stream) {
    let trials = simulation.study().trials().len() as u64;
    let number = 1 + dice.below(trials + 1);
    let value = dice.unit();
    let cause = FailureCause::ALL[dice.below(8) as usize];
    let study = simulation.study();
    let attempt = study.trial(number).map_or(0, Trial::attempt);
    let events = match dice.below(14) {
        0..=2 => {
            let _ = simulation.advance();
            return;
        }
        3 | 4 => study.report(number, attempt, Some(dice.below(5)), loss(value)),
        5 | 6 => study.tell(
            number,
            attempt,
            Told::Finished {
                step: None,
                metrics: loss(value),
            },
        ),
        7 => study.tell(
            number,
            attempt,
            Told::Failed {
                cause,
                message: "why".into(),
            },
        ),
        8 => study.tell(number, attempt, Told::Stopped),
        9 => study.cancel_trial(number),
        10 => study.retry(number),
        11 => study.request_stop(number, StopCause::PreEmpted, "why"),
        12 => study.enqueue(&[("x".into(), Value::Float(value))].into_iter().collect()),
        _ => match dice.below(4) {
            0 => study.pause(),
            1 => Ok(study.cancel()),
            _ => Ok(study.resume()),
        },
    };
    if let Ok(events) = events {
        simulation.apply(events).unwrap();
    }
}

fn same(live: &Study, replayed: &Study) -> bool {
    format!("{:?}", live.trials()) == format!("{:?}", replayed.trials())
        && live.counts() == replayed.counts()
        && live.status() == replayed.status()
        && live.sequence() == replayed.sequence()
        && live.failed_in_a_row() == replayed.failed_in_a_row()
        && live.busy_ms(99_999) == replayed.busy_ms(99_999)
        && live.incumbent() == replayed.incumbent()
        && live.view().suggested == replayed.view().suggested
        && live.queued().eq(replayed.queued())
        && live.running().eq(replayed.running())
}

/// The counts, sets and best trial, computed from the trials alone.
fn check_derived(study: &Study) {
    let count = |state| study.trials().iter().filter(|t| t.state == state).count() as u64;
    let counts = study.counts();
    assert_eq!(counts.queued, count(TrialState::Queued));
    assert_eq!(counts.running, count(TrialState::Running));
    assert_eq!(counts.completed, count(TrialState::Completed));
    assert_eq!(counts.failed, count(TrialState::Failed));
    assert_eq!(counts.pruned, count(TrialState::Pruned));
    assert_eq!(counts.cancelled, count(TrialState::Cancelled));
    assert_eq!(study.running().count() as u64, counts.running);
    assert_eq!(study.queued().count() as u64, counts.queued);
    let completed = study
        .trials()
        .iter()
        .filter(|t| t.state == TrialState::Completed);
    let least = completed
        .filter_map(|t| t.value)
        .fold(f64::INFINITY, f64::min);
    let best = study.incumbent().and_then(|trial| trial.value);
    assert_eq!(best.unwrap_or(f64::INFINITY), least);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_log_tells_everything(seed in any::<u64>()) {
        let mut simulation = study(|definition| definition.budget.trials = Some(12));
        let mut dice = Stream::new(seed, 0, Purpose::Order);
        for _ in 0..150 {
            step(&mut simulation, &mut dice);
        }
        check_derived(simulation.study());
        let stored = simulation.log().iter().map(|record| {
            let json = serde_json::to_string(&record.event).unwrap();
            Record { event: serde_json::from_str(&json).unwrap(), ..record.clone() }
        });
        let replayed = Study::replay(stored).unwrap().unwrap();
        prop_assert!(same(simulation.study(), &replayed));
    }
}

#[test]
fn damaged_logs_are_refused() {
    let mut simulation = study(|_| {});
    simulation.start().unwrap();
    let log = simulation.log().to_vec();
    assert!(Study::replay(Vec::new()).unwrap().is_none());
    assert!(Study::replay(log[1..].to_vec()).is_err());
    let gap = vec![log[0].clone(), log[2].clone()];
    assert_eq!(Study::replay(gap).unwrap_err().sequence, 3);
    let twice = vec![
        log[0].clone(),
        Record {
            sequence: 2,
            ..log[0].clone()
        },
    ];
    assert!(Study::replay(twice).is_err());
}
