//! What every storage must fulfil: implementers call [`check_storage`] with a way to open a new,
//! empty one.

use std::sync::Arc;

use norgay_core::Value;
use norgay_core::definition::{
    AlgorithmChoice, Budget, Direction, Objective, RetryPolicy, StudyDefinition, ValueOf,
};
use norgay_core::event::{Event, FinishReason, Record};
use norgay_core::space::{Domain, Parameter, Space};
use norgay_core::trial::{AttemptEnd, FailureCause, Origin, StopCause, TrialState};

use crate::storage::{Storage, StorageError, StudyId};

/// A study of one parameter.
///
/// # Panics
/// Never: the space is right.
pub fn definition() -> StudyDefinition {
    let listed: Value = vec![Value::Int(64), Value::Int(32)].into();
    let layers = Domain::Choice {
        values: vec![listed, Value::None, Value::from("π, \"quoted\"")],
    };
    StudyDefinition {
        space: Space::new(vec![Parameter::new("layers", layers)], Vec::new())
            .expect("one parameter is a space"),
        objective: Objective {
            name: "loss".into(),
            direction: Direction::Minimize,
            value: ValueOf::Best,
        },
        more_objectives: Vec::new(),
        outcome_constraints: Vec::new(),
        algorithm: AlgorithmChoice {
            name: "random".into(),
            arguments: Vec::new(),
        },
        seed: u64::MAX,
        budget: Budget {
            trials: Some(3),
            target: Some(1e-300),
            ..Budget::default()
        },
        retry: RetryPolicy::default(),
        stopping_rule: None,
    }
}

/// The event that begins a study.
pub fn created() -> Event {
    Event::StudyCreated {
        definition: Box::new(definition()),
        execution: Box::new(serde_json::json!({"command": ["true"]})),
    }
}

/// One event of each kind but the first, with the values that are hardest to keep.
pub fn one_of_each() -> Vec<Event> {
    let metrics = vec![
        (Arc::from("loss"), Value::Float(f64::NAN)),
        (Arc::from("up"), Value::Float(f64::INFINITY)),
        (Arc::from("down"), Value::Float(f64::NEG_INFINITY)),
        (Arc::from("tiny"), Value::Float(5e-324)),
        (Arc::from("third"), Value::Float(1.0 / 3.0)),
        (Arc::from("whole"), Value::Int(i64::MIN)),
        (Arc::from("a \"name\"\n"), Value::None),
        (
            Arc::from("nested"),
            Value::Dict([(Value::Int(1), true.into())].into()),
        ),
    ];
    let configuration = [(
        Arc::from("layers"),
        Value::from(vec![Value::Int(64), Value::Int(32)]),
    )];
    vec![
        Event::TrialCreated {
            trial: 1,
            configuration: configuration.into_iter().collect(),
            origin: Origin::Suggested,
            reason: "because".into(),
            memo: Some(Box::new(Value::Dict([("index".into(), 3.into())].into()))),
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
            step: u64::from(u32::MAX),
            metrics,
        },
        Event::StopRequested {
            trial: 1,
            attempt: 1,
            cause: StopCause::Pruned,
            reason: "worse".into(),
        },
        Event::AttemptEnded {
            trial: 1,
            attempt: 1,
            end: AttemptEnd::Failed(FailureCause::OutOfMemory),
            state: TrialState::Failed,
            message: Some("two\nlines".into()),
        },
        Event::TrialRequeued { trial: 1 },
        Event::TrialCancelled { trial: 1 },
        Event::StudyPaused,
        Event::StudyResumed,
        Event::StudyFinished {
            reason: FinishReason::Exhausted,
        },
        Event::StudyRevised {
            definition: Box::new(definition()),
            execution: Box::new(serde_json::Value::Null),
        },
    ]
}

/// Checks all that a storage promises.
///
/// # Panics
/// The storage breaks a promise.
pub fn check_storage(make: &dyn Fn() -> Box<dyn Storage>) {
    names_are_unique_and_ids_are_not_used_again(&mut *make());
    events_come_back_as_they_were(&mut *make());
    an_append_at_the_wrong_place_changes_nothing(&mut *make());
    studies_do_not_see_each_other(&mut *make());
    a_removed_study_is_gone(&mut *make());
}

fn begin(storage: &mut dyn Storage, name: &str) -> StudyId {
    storage
        .create(name, 7, &[created()])
        .expect("a study is created")
}

fn read(storage: &mut dyn Storage, study: StudyId, after: u64) -> Vec<Record> {
    storage.read(study, after).expect("the log is read")
}

fn names_are_unique_and_ids_are_not_used_again(storage: &mut dyn Storage) {
    let first = begin(storage, "one");
    let again = storage.create("one", 8, &[created()]);
    assert!(
        matches!(again, Err(StorageError::NameTaken { .. })),
        "{again:?}"
    );
    assert_eq!(storage.find("one").expect("a look-up"), Some(first));
    assert_eq!(
        storage.find("ONE").expect("a look-up"),
        None,
        "letter case counts"
    );
    storage.delete(first).expect("the study is removed");
    assert_ne!(begin(storage, "one"), first);
    begin(
        storage,
        "a study of another name, with 'quotes'; and -- dashes",
    );
    let names: Vec<String> = storage
        .studies()
        .expect("a list")
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    assert_eq!(
        names,
        [
            "a study of another name, with 'quotes'; and -- dashes",
            "one"
        ]
    );
}

/// NaN differs from itself, so events are compared by their text.
fn texts(records: &[Record]) -> Vec<(u64, i64, String)> {
    let text = |r: &Record| (r.sequence, r.at_ms, format!("{:?}", r.event));
    records.iter().map(text).collect()
}

fn events_come_back_as_they_were(storage: &mut dyn Storage) {
    let study = begin(storage, "events");
    let events = one_of_each();
    storage
        .append(study, 1, -5, &events[..4])
        .expect("events are appended");
    storage
        .append(study, 5, i64::MAX, &events[4..])
        .expect("events are appended");
    let mut expected = vec![Record {
        sequence: 1,
        at_ms: 7,
        event: created(),
    }];
    for (index, event) in events.into_iter().enumerate() {
        let at_ms = if index < 4 { -5 } else { i64::MAX };
        expected.push(Record {
            sequence: index as u64 + 2,
            at_ms,
            event,
        });
    }
    assert_eq!(texts(&read(storage, study, 0)), texts(&expected));
    assert_eq!(texts(&read(storage, study, 9)), texts(&expected[9..]));
    assert!(read(storage, study, expected.len() as u64).is_empty());
    assert!(read(storage, study, u64::MAX).is_empty());
}

fn an_append_at_the_wrong_place_changes_nothing(storage: &mut dyn Storage) {
    let study = begin(storage, "conflict");
    for wrong in [0, 2, 100] {
        match storage.append(study, wrong, 0, &[Event::StudyPaused]) {
            Err(StorageError::Conflict { expected, head }) => {
                assert_eq!((expected, head), (wrong, 1));
            }
            other => panic!("appending at {wrong} gave {other:?}"),
        }
    }
    assert_eq!(read(storage, study, 0).len(), 1);
}

fn studies_do_not_see_each_other(storage: &mut dyn Storage) {
    let (one, other) = (begin(storage, "one"), begin(storage, "other"));
    storage
        .append(one, 1, 0, &[Event::StudyPaused])
        .expect("an append");
    storage
        .append(other, 1, 0, &[Event::StudyPaused, Event::StudyResumed])
        .expect("an append");
    assert_eq!(read(storage, one, 0).len(), 2);
    assert_eq!(read(storage, other, 0).len(), 3);
}

fn a_removed_study_is_gone(storage: &mut dyn Storage) {
    let study = begin(storage, "gone");
    storage.delete(study).expect("the study is removed");
    let append = storage.append(study, 1, 0, &[Event::StudyPaused]);
    assert!(matches!(append, Err(StorageError::NoStudy)), "{append:?}");
    assert!(matches!(storage.delete(study), Err(StorageError::NoStudy)));
    assert_eq!(storage.find("gone").expect("a look-up"), None);
    let read = storage.read(study, 0);
    assert!(matches!(read, Err(StorageError::NoStudy)), "{read:?}");
}
