//! The lock that keeps a second engine from running the same study.

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::RunError;
use crate::files::Files;
use crate::open_study::OpenStudy;

/// How long the lock of a killed engine is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// Takes the lock: in the output folder or, where that is a bucket, beside the storage. A study
/// that is nowhere on this machine (in memory) can't be run twice, and needs none.
pub(super) fn lock(base: &Files, study: &OpenStudy) -> Result<Option<File>, RunError> {
    let Some(path) = place(base, study) else {
        return Ok(None);
    };
    let shown = path.display().to_string();
    let failed = |source| RunError::Lock {
        path: shown.clone(),
        source,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(failed)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            // An engine killed while it started a process leaves the lock to that process for
            // the moment until it runs its program.
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(PAUSE);
            }
            Err(TryLockError::WouldBlock) => {
                return Err(RunError::Locked {
                    name: study.name().to_string(),
                    lock: shown,
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}

fn place(base: &Files, study: &OpenStudy) -> Option<PathBuf> {
    if let Some(folder) = base.local_path("jobs") {
        return Some(folder.join("run.lock"));
    }
    let storage = study.storage_path()?;
    let name = storage.file_name()?.to_string_lossy();
    Some(storage.with_file_name(format!("{name}.run-{}.lock", study.id().0)))
}
