//! Whether a location can be used: tried with a file of no importance before a study depends on it.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::{SignedDuration, Timestamp};

use super::error::FilesError;
use super::{Files, Replaced};

/// Stores tell times in whole seconds.
const GRAIN: SignedDuration = SignedDuration::from_secs(1);
const CONTENT: &[u8] = b"Written by norgay to see whether it can; may be deleted.\n";

/// What was seen of a location that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessReport {
    /// How far the storage's clock is ahead of this machine's. Amazon's storage refuses all
    /// requests from 15 minutes on.
    pub clock_skew: SignedDuration,
    /// Whether of several writers who know the same content exactly one succeeds.
    pub conditional_writes: bool,
}

impl Files {
    /// Writes, reads, lists and deletes a file in a folder of its own below the location.
    ///
    /// The error of the first step that fails says what to do about it.
    pub fn check_access(&self) -> Result<AccessReport, FilesError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanoseconds = now.unwrap_or_default().as_nanos();
        let folder = format!(".norgay-probe-{}-{nanoseconds}", std::process::id());
        let tried = self.try_in(&folder);
        let deleted = self.delete_folder(&folder);
        let report = tried?;
        deleted?;
        if !self.list(&folder)?.is_empty() {
            return Err(self.refused("delete", &folder, "it is still there afterwards"));
        }
        Ok(report)
    }

    fn try_in(&self, folder: &str) -> Result<AccessReport, FilesError> {
        let path = format!("{folder}/probe");
        let before = Timestamp::now();
        self.write(&path, CONTENT.to_vec())?;
        let after = Timestamp::now();
        let read = self.read(&path, CONTENT.len() as u64)?;
        if read.as_deref() != Some(CONTENT) {
            return Err(self.refused("read", &path, "it is not what was just written"));
        }
        let listed = self.entries(folder)?;
        let Some(entry) = listed.iter().find(|entry| entry.path == path) else {
            return Err(self.refused("list", folder, "what was just written is not in it"));
        };
        let clock_skew = skew(entry.modified, before, after);
        Ok(AccessReport {
            clock_skew,
            conditional_writes: self.minds_conditions(&path)?,
        })
    }

    fn minds_conditions(&self, path: &str) -> Result<bool, FilesError> {
        if self.folder.is_some() {
            return Ok(false);
        }
        let again = self.write_if_unchanged(path, CONTENT.to_vec(), None)?;
        let known = self.metadata(path)?.and_then(|meta| meta.e_tag);
        if again != Replaced::Changed || known.is_none() {
            return Ok(false);
        }
        let mut seen = self.has_conditions();
        if seen {
            // A name that no content has.
            let other = "\"00000000000000000000000000000000\"";
            let other = self.write_if_unchanged(path, CONTENT.to_vec(), Some(other))?;
            seen = other == Replaced::Changed && self.has_conditions();
        }
        Ok(seen)
    }
}

/// How far a time that the storage told lies outside the time in which it must have been.
fn skew(told: Timestamp, before: Timestamp, after: Timestamp) -> SignedDuration {
    if told < before - GRAIN {
        told.duration_since(before)
    } else if told > after + GRAIN {
        told.duration_since(after)
    } else {
        SignedDuration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_judged_by_when_the_write_must_have_been() {
        let at = |second| Timestamp::from_second(second).expect("a time");
        let seconds = |told| skew(at(told), at(100), at(103)).as_secs();
        assert_eq!(seconds(99), 0);
        assert_eq!(seconds(104), 0);
        assert_eq!(seconds(40), -60);
        assert_eq!(seconds(1003), 900);
    }
}
