//! Studies in one SQLite file: a table of studies and a table of their events.
//!
//! The write-ahead log with `synchronous = FULL` makes every commit durable with one sync of the
//! disk. Appends begin with `BEGIN IMMEDIATE`, so that of two processes that append at the same
//! position exactly one wins and the other is told to read again.

use std::path::Path;
use std::time::{Duration, Instant};

use norgay_core::event::{Event, Record};
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};

use super::{Storage, StorageError, StudyId};

/// Marks a file as ours (`PRAGMA application_id`): "NRGY".
const APPLICATION_ID: i32 = 0x4e52_4759;
/// How long other processes are waited for.
const PATIENCE: Duration = Duration::from_mins(1);
/// Version of the tables; older ones are migrated when opened.
const FORMAT: i32 = 1;

const TABLES: &str = "
CREATE TABLE study (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL
);
CREATE TABLE event (
    study INTEGER NOT NULL REFERENCES study (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (study, sequence)
) WITHOUT ROWID;
";

/// Studies in a SQLite file.
#[derive(Debug)]
pub struct SqliteStorage {
    connection: Connection,
    path: String,
    read_up_to: Option<ReadUpTo>,
}

/// The end of a log that was read to its end: there is nothing new as long as no other process
/// changes the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ReadUpTo {
    study: StudyId,
    sequence: u64,
    /// SQLite's number for what other connections made of the file.
    version: i64,
}

impl SqliteStorage {
    /// Opens a storage, and makes the file if it does not exist.
    ///
    /// # Errors
    /// The file is something else, was written by a newer Norgay, or can't be opened.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        Self::connect(path, OpenFlags::default())
    }

    /// Opens a storage that must exist.
    ///
    /// # Errors
    /// As [`SqliteStorage::open`], and if there is no such file.
    pub fn open_existing(path: &Path) -> Result<Self, StorageError> {
        if !path.exists() {
            let problem = "there is no such file; `norgay run` makes one".to_string();
            return Err(StorageError::Unusable {
                path: path.display().to_string(),
                problem,
            });
        }
        Self::connect(path, OpenFlags::default() & !OpenFlags::SQLITE_OPEN_CREATE)
    }

    /// Tries again while another process makes the file or recovers its log: SQLite's own waiting
    /// does not cover a change of the journal mode.
    fn connect(path: &Path, flags: OpenFlags) -> Result<Self, StorageError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match Self::connect_once(path, flags) {
                Err(StorageError::Database { source, .. })
                    if is_busy(&source) && Instant::now() < deadline =>
                {
                    std::thread::sleep(Duration::from_millis(5));
                }
                outcome => return outcome,
            }
        }
    }

    fn connect_once(path: &Path, flags: OpenFlags) -> Result<Self, StorageError> {
        let shown = path.display().to_string();
        let failed = |source| StorageError::Database {
            path: shown.clone(),
            source,
        };
        let unusable = |problem: String| StorageError::Unusable {
            path: shown.clone(),
            problem,
        };
        if let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            std::fs::create_dir_all(parent)
                .map_err(|error| unusable(format!("its folder can't be made: {error}")))?;
        }
        let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(16);
        let identity = identity_at_once(&connection).map_err(|error| match error {
            error if is_not_a_database(&error) => unusable("this is no SQLite file".to_string()),
            error => failed(error),
        })?;
        match identity {
            (APPLICATION_ID, FORMAT) => {}
            (APPLICATION_ID, version) if version > FORMAT => {
                return Err(unusable(format!(
                    "it was written by a newer Norgay (format {version}; this one knows {FORMAT})"
                )));
            }
            (0, 0) => create_tables(&mut connection, &unusable, &failed)?,
            _ => return Err(unusable("this is another program's database".to_string())),
        }
        set_durable(&connection).map_err(failed)?;
        Ok(Self {
            connection,
            path: shown,
            read_up_to: None,
        })
    }

    fn read_log(&self, study: StudyId, after: u64) -> Result<Vec<Record>, StorageError> {
        let failed = self.failed();
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT sequence, at_ms, body FROM event
                 WHERE study = ?1 AND sequence > ?2 ORDER BY sequence",
            )
            .map_err(&failed)?;
        let mut rows = statement
            .query(params![study.0, i64::try_from(after).unwrap_or(i64::MAX)])
            .map_err(&failed)?;
        let mut records = Vec::new();
        while let Some(row) = rows.next().map_err(&failed)? {
            let sequence = row.get::<_, i64>(0).map_err(&failed)? as u64;
            let at_ms = row.get(1).map_err(&failed)?;
            let body = row.get_ref(2).map_err(&failed)?;
            let event = body
                .as_str()
                .map_err(|error| error.to_string())
                .and_then(|text| serde_json::from_str(text).map_err(|error| error.to_string()))
                .map_err(|problem| StorageError::Damaged { sequence, problem })?;
            records.push(Record {
                sequence,
                at_ms,
                event,
            });
        }
        if records.is_empty() {
            // No news, or no study any more?
            let mut known = self
                .connection
                .prepare_cached("SELECT 1 FROM study WHERE id = ?1")
                .map_err(&failed)?;
            if !known.exists(params![study.0]).map_err(&failed)? {
                return Err(StorageError::NoStudy);
            }
        }
        Ok(records)
    }

    fn version(&self) -> Result<i64, StorageError> {
        self.connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .map_err(self.failed())
    }

    fn failed(&self) -> impl Fn(rusqlite::Error) -> StorageError + use<> {
        let path = self.path.clone();
        move |source| StorageError::Database {
            path: path.clone(),
            source,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
    )
}

fn is_not_a_database(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase)
}

/// What the file is, read at one moment: another process may be making its tables just now.
fn identity_at_once(connection: &Connection) -> rusqlite::Result<(i32, i32)> {
    let transaction = connection.unchecked_transaction()?;
    transaction.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
    let found = identity(&transaction)?;
    transaction.commit()?;
    Ok(found)
}

fn identity(connection: &Connection) -> rusqlite::Result<(i32, i32)> {
    let application = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let version = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok((application, version))
}

fn set_durable(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
}

/// Makes the tables in an empty database; another process may be doing the same.
fn create_tables(
    connection: &mut Connection,
    unusable: &dyn Fn(String) -> StorageError,
    failed: &dyn Fn(rusqlite::Error) -> StorageError,
) -> Result<(), StorageError> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    match identity(&transaction).map_err(failed)? {
        (0, 0) => {
            let tables: i64 = transaction
                .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
                .map_err(failed)?;
            if tables > 0 {
                return Err(unusable("this is another program's database".to_string()));
            }
            transaction.execute_batch(TABLES).map_err(failed)?;
            transaction
                .pragma_update(None, "application_id", APPLICATION_ID)
                .map_err(failed)?;
            transaction
                .pragma_update(None, "user_version", FORMAT)
                .map_err(failed)?;
            transaction.commit().map_err(failed)
        }
        // The other process was faster.
        _ => Ok(()),
    }
}

fn insert(
    connection: &Connection,
    study: StudyId,
    after: u64,
    at_ms: i64,
    events: &[Event],
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO event (study, sequence, at_ms, body) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (offset, event) in events.iter().enumerate() {
        let body = serde_json::to_string(event)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        statement.execute(params![
            study.0,
            after as i64 + 1 + offset as i64,
            at_ms,
            body
        ])?;
    }
    Ok(())
}

impl Storage for SqliteStorage {
    fn path(&self) -> Option<&Path> {
        Some(Path::new(&self.path))
    }

    fn create(
        &mut self,
        name: &str,
        at_ms: i64,
        events: &[Event],
    ) -> Result<StudyId, StorageError> {
        let failed = self.failed();
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(&failed)?;
        let inserted = transaction
            .execute(
                "INSERT INTO study (name, created_ms) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                params![name, at_ms],
            )
            .map_err(&failed)?;
        if inserted == 0 {
            return Err(StorageError::NameTaken {
                name: name.to_string(),
            });
        }
        let id = StudyId(transaction.last_insert_rowid());
        insert(&transaction, id, 0, at_ms, events).map_err(&failed)?;
        transaction.commit().map_err(&failed)?;
        Ok(id)
    }

    fn studies(&mut self) -> Result<Vec<(StudyId, String)>, StorageError> {
        let failed = self.failed();
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, name FROM study ORDER BY name")
            .map_err(&failed)?;
        let rows = statement
            .query_map([], |row| Ok((StudyId(row.get(0)?), row.get(1)?)))
            .map_err(&failed)?;
        rows.collect::<Result<_, _>>().map_err(&failed)
    }

    fn find(&mut self, name: &str) -> Result<Option<StudyId>, StorageError> {
        self.connection
            .prepare_cached("SELECT id FROM study WHERE name = ?1")
            .and_then(|mut statement| {
                statement
                    .query_row([name], |row| row.get(0).map(StudyId))
                    .optional()
            })
            .map_err(self.failed())
    }

    fn read(&mut self, study: StudyId, after: u64) -> Result<Vec<Record>, StorageError> {
        // The version comes first, so that a change in between is seen the next time.
        let mut reached = ReadUpTo {
            study,
            sequence: after,
            version: self.version()?,
        };
        if self.read_up_to == Some(reached) {
            return Ok(Vec::new());
        }
        let records = self.read_log(study, after)?;
        reached.sequence = records.last().map_or(after, |record| record.sequence);
        self.read_up_to = Some(reached);
        Ok(records)
    }

    fn append(
        &mut self,
        study: StudyId,
        expected: u64,
        at_ms: i64,
        events: &[Event],
    ) -> Result<(), StorageError> {
        let failed = self.failed();
        // Forgotten until the commit is known to be through.
        let known = self.read_up_to.take();
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(&failed)?;
        let head: Option<i64> = transaction
            .prepare_cached("SELECT max(sequence) FROM event WHERE study = ?1")
            .and_then(|mut statement| statement.query_row([study.0], |row| row.get(0)))
            .map_err(&failed)?;
        let head = head.ok_or(StorageError::NoStudy)? as u64;
        if head != expected {
            return Err(StorageError::Conflict { expected, head });
        }
        insert(&transaction, study, expected, at_ms, events).map_err(&failed)?;
        transaction.commit().map_err(&failed)?;
        // What this connection appends does not change the version.
        self.read_up_to = known
            .filter(|known| known.study == study && known.sequence == expected)
            .map(|known| ReadUpTo {
                sequence: expected + events.len() as u64,
                ..known
            });
        Ok(())
    }

    fn delete(&mut self, study: StudyId) -> Result<(), StorageError> {
        self.read_up_to = None;
        let deleted = self
            .connection
            .execute("DELETE FROM study WHERE id = ?1", [study.0])
            .map_err(self.failed())?;
        if deleted == 0 {
            Err(StorageError::NoStudy)
        } else {
            Ok(())
        }
    }
}
