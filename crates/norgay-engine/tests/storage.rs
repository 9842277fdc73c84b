//! The storages against their contract, and what only SQLite promises.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use norgay_core::event::Event;
use norgay_core::study::Study;
use norgay_engine::storage::{MemoryStorage, SqliteStorage, Storage, StorageError};
use norgay_engine::testing::storage_contract::{check_storage, created, one_of_each};

fn open(path: &Path) -> SqliteStorage {
    SqliteStorage::open(path).unwrap()
}

#[test]
fn memory_fulfils_the_contract() {
    check_storage(&|| Box::new(MemoryStorage::default()));
}

#[test]
fn sqlite_fulfils_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    check_storage(&|| {
        count.set(count.get() + 1);
        Box::new(open(&folder.path().join(format!("{}.db", count.get()))))
    });
}

#[test]
fn what_was_appended_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("folder/that/is/made/norgay.db");
    let study = open(&path).create("study", 1, &[created()]).unwrap();
    open(&path).append(study, 1, 2, &one_of_each()).unwrap();
    assert_eq!(
        open(&path).read(study, 0).unwrap().len(),
        one_of_each().len() + 1
    );
}

#[test]
fn of_many_that_append_at_once_none_loses_anything() {
    const THREADS: u64 = 4;
    const EVENTS: u64 = 100;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("norgay.db");
    let study = open(&path).create("study", 1, &[created()]).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut storage = open(&path);
                let mut head = 1;
                for _ in 0..EVENTS {
                    while let Err(error) = storage.append(study, head, 0, &[Event::StudyPaused]) {
                        match error {
                            StorageError::Conflict { head: now, .. } => head = now,
                            other => panic!("{other}"),
                        }
                    }
                    head += 1;
                }
            });
        }
    });
    let log = open(&path).read(study, 0).unwrap();
    let numbers: Vec<u64> = log.iter().map(|record| record.sequence).collect();
    assert_eq!(numbers, (1..=THREADS * EVENTS + 1).collect::<Vec<_>>());
}

#[test]
fn whoever_found_nothing_new_sees_what_comes_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("norgay.db");
    let (mut own, mut other) = (open(&path), open(&path));
    let study = own.create("study", 1, &[created()]).unwrap();
    let new = |own: &mut SqliteStorage, after| own.read(study, after).unwrap().len();
    assert_eq!(new(&mut own, 0), 1);
    assert_eq!(new(&mut own, 1), 0);
    own.append(study, 1, 2, &[Event::StudyPaused]).unwrap();
    assert_eq!(new(&mut own, 2), 0);
    other.append(study, 2, 3, &[Event::StudyPaused]).unwrap();
    assert_eq!(new(&mut own, 2), 1);
    assert_eq!(new(&mut own, 3), 0);
    assert_eq!(new(&mut own, 1), 2);
    other.delete(study).unwrap();
    assert!(matches!(own.read(study, 3), Err(StorageError::NoStudy)));
}

#[test]
fn many_that_create_the_same_file_and_study_at_once_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("norgay.db");
    let created: Vec<bool> = std::thread::scope(|scope| {
        let make = || open(&path).create("study", 1, &[created()]).is_ok();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(created.iter().filter(|made| **made).count(), 1);
    assert_eq!(open(&path).studies().unwrap().len(), 1);
}

fn refusal(path: &Path) -> String {
    SqliteStorage::open(path).map(drop).unwrap_err().to_string()
}

#[test]
fn other_files_are_refused_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(
        &text,
        "not a database, but long enough to look like a header".repeat(99),
    )
    .unwrap();
    assert!(
        refusal(&text).ends_with("this is no SQLite file"),
        "{}",
        refusal(&text)
    );

    let other = folder.path().join("other.db");
    let connection = rusqlite::Connection::open(&other).unwrap();
    connection
        .execute_batch("CREATE TABLE trials (id INTEGER)")
        .unwrap();
    drop(connection);
    assert!(
        refusal(&other).ends_with("another program's database"),
        "{}",
        refusal(&other)
    );

    let newer = folder.path().join("newer.db");
    drop(open(&newer));
    let connection = rusqlite::Connection::open(&newer).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert!(
        refusal(&newer).contains("newer Norgay (format 99"),
        "{}",
        refusal(&newer)
    );

    assert!(refusal(folder.path()).contains(&folder.path().display().to_string()));
    let absent = SqliteStorage::open_existing(&folder.path().join("absent.db"));
    assert!(
        absent
            .unwrap_err()
            .to_string()
            .contains("there is no such file")
    );
}

#[test]
fn a_damaged_event_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("norgay.db");
    let study = open(&path)
        .create("study", 1, &[created(), Event::StudyPaused])
        .unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute("UPDATE event SET body = '{' WHERE sequence = 2", [])
        .unwrap();
    drop(connection);
    let error = open(&path).read(study, 0).unwrap_err().to_string();
    assert!(
        error.starts_with("event 2 of the study can't be read"),
        "{error}"
    );
}

/// Written by the first release: it must open in every later one.
#[test]
fn a_database_of_format_1_opens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("format1.db");
    std::fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format1.db"),
        &path,
    )
    .unwrap();
    let mut storage = SqliteStorage::open_existing(&path).unwrap();
    let study = storage.find("auto-mpg").unwrap().unwrap();
    let study = Study::replay(storage.read(study, 0).unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(study.counts().finished(), 6);
    assert_eq!(
        study.trials()[0]
            .configuration
            .get("solver")
            .unwrap()
            .as_text(),
        Some("adam")
    );
    assert!(study.incumbent().unwrap().value.unwrap() > 0.0);
}
