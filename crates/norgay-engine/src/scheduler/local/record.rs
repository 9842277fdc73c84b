//! The files of an attempt's record folder, and the order in which they may appear.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::formats::{ExitRecord, JobRecord, StartedRecord};

/// Standard output of the command.
pub(super) const STDOUT: &str = "stdout.log";
/// Standard error of the command.
pub(super) const STDERR: &str = "stderr.log";
/// Standard error of the supervisor: empty unless something went wrong with it.
pub(super) const SUPERVISOR_LOG: &str = "supervisor.log";
/// Reports of the command, a JSON object a line.
pub(super) const METRICS: &str = "metrics.jsonl";
/// Parameters of the trial.
pub(super) const PARAMETERS: &str = "params.json";
const JOB: &str = "job.json";
const LOCK: &str = "lock";
const STARTED: &str = "started.json";
const EXIT: &str = "exit.json";

/// A record file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordError {
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// The file holds something else than it should.
    #[error("{} is not readable: {source}", path.display())]
    Format {
        path: PathBuf,
        source: serde_json::Error,
    },
}

/// Adds to an IO error what was tried, and on which file.
fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RecordError {
    move |source| RecordError::Io {
        action,
        path: path.to_path_buf(),
        source,
    }
}

/// What the controller asks of a supervisor by an empty file; it outlives them both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// SIGTERM, grace period, SIGKILL.
    Stop,
    /// SIGKILL at once.
    Kill,
}

impl Request {
    fn file_name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Kill => "kill",
        }
    }
}

/// The lock of a record folder, held until this is dropped.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    /// Closing the file would not do: a child that another thread is just starting has the file
    /// open as well until it reaches its exec, and would hold the lock that long.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// The record folder of one attempt.
#[derive(Clone, Debug)]
pub(super) struct RecordFolder {
    path: PathBuf,
}

impl RecordFolder {
    /// Names the folder, by its absolute path; touches nothing.
    pub(super) fn at(path: &Path) -> Result<Self, RecordError> {
        let path = std::path::absolute(path).map_err(failed("find", path))?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn create(&self) -> Result<(), RecordError> {
        fs::create_dir_all(&self.path).map_err(failed("create folder", &self.path))
    }

    pub(super) fn exists(&self) -> bool {
        self.path.is_dir()
    }

    /// Takes the lock if nobody holds it. The kernel gives it back when its holder dies, however
    /// it dies, so a held lock means a living holder.
    pub(super) fn try_lock(&self) -> Result<Option<Lock>, RecordError> {
        let path = self.file(LOCK);
        let open = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = open.map_err(failed("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed("lock", &path)(error)),
        }
    }

    pub(super) fn write_parameters(&self, json: &str) -> Result<(), RecordError> {
        self.replace(PARAMETERS, json.as_bytes(), Durability::Process)
    }

    pub(super) fn write_job(&self, job: &JobRecord) -> Result<(), RecordError> {
        self.replace_json(JOB, job, Durability::Process)
    }

    pub(super) fn read_job(&self) -> Result<Option<JobRecord>, RecordError> {
        self.read_json(JOB)
    }

    /// Takes the job away, so that a supervisor that comes late finds nothing to start.
    pub(super) fn remove_job(&self) -> Result<(), RecordError> {
        self.remove(JOB)
    }

    /// Sets the mark "started" (an empty `started.json`); false if it was set before. Whoever
    /// sets it is the only one who may start the command, for ever.
    pub(super) fn claim(&self) -> Result<bool, RecordError> {
        let path = self.file(STARTED);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(failed("create", &path)(error)),
        }
    }

    /// Whether the mark "started" is set.
    pub(super) fn is_claimed(&self) -> bool {
        self.file(STARTED).exists()
    }

    /// Fills the mark with the details of the running command.
    pub(super) fn write_started(&self, started: &StartedRecord) -> Result<(), RecordError> {
        self.replace_json(STARTED, started, Durability::Process)
    }

    /// The details of the running command; `None` as long as the mark is empty.
    pub(super) fn read_started(&self) -> Option<StartedRecord> {
        self.read_json(STARTED).ok().flatten()
    }

    /// Writes the end, so that it survives a power cut from here on.
    pub(super) fn write_exit(&self, exit: &ExitRecord) -> Result<(), RecordError> {
        // The end must not outlive the reports that came before it.
        if let Ok(metrics) = File::open(self.file(METRICS)) {
            let _ = metrics.sync_all();
        }
        self.replace_json(EXIT, exit, Durability::PowerCut)
    }

    pub(super) fn read_exit(&self) -> Result<Option<ExitRecord>, RecordError> {
        self.read_json(EXIT)
    }

    pub(super) fn request(&self, request: Request) -> Result<(), RecordError> {
        let path = self.file(request.file_name());
        let open = OpenOptions::new().create(true).append(true).open(&path);
        open.map(drop).map_err(failed("create", &path))
    }

    pub(super) fn is_requested(&self, request: Request) -> bool {
        self.file(request.file_name()).exists()
    }

    /// Forgets requests meant for an earlier launch that came to nothing.
    pub(super) fn clear_requests(&self) -> Result<(), RecordError> {
        self.remove(Request::Stop.file_name())?;
        self.remove(Request::Kill.file_name())
    }

    /// Opens a log for appending.
    pub(super) fn open_log(&self, name: &str) -> Result<File, RecordError> {
        let path = self.file(name);
        let open = OpenOptions::new().create(true).append(true).open(&path);
        open.map_err(failed("open", &path))
    }

    fn remove(&self, name: &str) -> Result<(), RecordError> {
        let path = self.file(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, RecordError> {
        let path = self.file(name);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|source| RecordError::Format { path, source }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &path)(error)),
        }
    }

    fn replace_json<T: Serialize>(
        &self,
        name: &str,
        record: &T,
        durability: Durability,
    ) -> Result<(), RecordError> {
        let bytes = serde_json::to_vec_pretty(record).map_err(|source| RecordError::Format {
            path: self.file(name),
            source,
        })?;
        self.replace(name, &bytes, durability)
    }

    /// Puts a file in place whole: readers see the old one or the new one, never a part. It is
    /// readable by its owner only, because the environment of a job may hold secrets.
    fn replace(&self, name: &str, bytes: &[u8], durability: Durability) -> Result<(), RecordError> {
        let path = self.file(name);
        let write = || -> io::Result<()> {
            let prefix = format!(".{name}.");
            let mut file = tempfile::Builder::new()
                .prefix(&prefix)
                .tempfile_in(&self.path)?;
            file.write_all(bytes)?;
            if durability == Durability::PowerCut {
                file.as_file().sync_all()?;
            }
            file.persist(&path)?;
            if durability == Durability::PowerCut {
                File::open(&self.path)?.sync_all()?;
            }
            Ok(())
        };
        write().map_err(failed("write", &path))
    }
}

/// What a written file has to survive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// The death of any process.
    Process,
    /// The death of the machine.
    PowerCut,
}
