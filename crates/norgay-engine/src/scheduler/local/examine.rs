//! What became of an attempt, told from its record folder alone.

use super::formats::ExitRecord;
use super::process_group::kill_leftovers;
use super::record::{RecordError, RecordFolder};

/// What became of an attempt.
#[derive(Debug, PartialEq)]
pub(super) enum Finding {
    /// Somebody holds the lock: its supervisor, as a rule.
    Running,
    /// It ended, and its supervisor wrote down how.
    Ended(ExitRecord),
    /// It was started and its supervisor is dead; what was left of it has been killed.
    Lost,
    /// It was not started, and will not be: a supervisor that comes late finds no job.
    NeverStarted,
}

/// Finds out what became of an attempt. `attempt_id` is the value of `NORGAY_ATTEMPT_ID` that its
/// processes carry.
///
/// The decision is taken while holding the lock, so that no supervisor can start the command
/// between the look and the conclusion.
pub(super) fn examine(folder: &RecordFolder, attempt_id: &str) -> Result<Finding, RecordError> {
    if let Some(exit) = folder.read_exit()? {
        return Ok(Finding::Ended(exit));
    }
    if !folder.exists() {
        // Somebody deleted it, perhaps under a running command; that must not run on unwatched.
        let was_running = kill_leftovers(attempt_id, None) > 0;
        return Ok(if was_running {
            Finding::Lost
        } else {
            Finding::NeverStarted
        });
    }
    let Some(_lock) = folder.try_lock()? else {
        return Ok(Finding::Running);
    };
    if let Some(exit) = folder.read_exit()? {
        return Ok(Finding::Ended(exit));
    }
    if folder.is_claimed() {
        kill_leftovers(attempt_id, folder.read_started().as_ref());
        return Ok(Finding::Lost);
    }
    folder.remove_job()?;
    Ok(Finding::NeverStarted)
}
