//! Where the events of studies are kept.

mod memory;
mod sqlite;

use std::path::Path;

use norgay_core::event::{Event, Record};

pub use memory::MemoryStorage;
pub use sqlite::SqliteStorage;

/// Identifies a study within its storage; never used again after a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StudyId(pub i64);

/// A storage could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Somebody else appended since the caller last read: read, decide again, try again.
    #[error("the study has moved on: its log is at {head}, not at {expected}")]
    Conflict {
        /// Where the caller believed the log to be.
        expected: u64,
        /// Where it is.
        head: u64,
    },
    /// There is a study of that name.
    #[error("there is a study named '{name}' already")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// The study does not exist (any more).
    #[error("the study does not exist in this storage (any more)")]
    NoStudy,
    /// The file is no storage of Norgay, or one of a newer Norgay.
    #[error("{path}: {problem}")]
    Unusable {
        /// The file.
        path: String,
        /// Why, and what to do.
        problem: String,
    },
    /// An event can't be read.
    #[error("event {sequence} of the study can't be read: {problem}")]
    Damaged {
        /// Position of the event.
        sequence: u64,
        /// What is wrong.
        problem: String,
    },
    /// The database failed.
    #[error("{path}: {source}")]
    Database {
        /// The file.
        path: String,
        /// What it said.
        source: rusqlite::Error,
    },
}

/// Keeps the logs of studies. What [`Storage::append`] has accepted survives any kill.
pub trait Storage: Send {
    /// Begins a study with its first events.
    fn create(&mut self, name: &str, at_ms: i64, events: &[Event])
    -> Result<StudyId, StorageError>;
    /// All studies, by name.
    fn studies(&mut self) -> Result<Vec<(StudyId, String)>, StorageError>;
    /// The study of this name.
    fn find(&mut self, name: &str) -> Result<Option<StudyId>, StorageError>;
    /// The events after a position of the log, in order.
    fn read(&mut self, study: StudyId, after: u64) -> Result<Vec<Record>, StorageError>;
    /// Appends events if the log is still at `expected`: all of them or none.
    fn append(
        &mut self,
        study: StudyId,
        expected: u64,
        at_ms: i64,
        events: &[Event],
    ) -> Result<(), StorageError>;
    /// Where it is on this machine, so that a lock may lie beside it; `None` if nowhere.
    fn path(&self) -> Option<&Path>;
    /// Removes a study with its log.
    fn delete(&mut self, study: StudyId) -> Result<(), StorageError>;
}
