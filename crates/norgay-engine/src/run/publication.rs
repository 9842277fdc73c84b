//! The result files of a running study, kept up to date; and the trials' files, kept or removed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::RunError;
use crate::clock::{Clock, SystemClock};
use crate::config::Execution;
use crate::files::{Files, FilesError};
use crate::open_study::OpenStudy;
use crate::results::{
    Columns, WriteError, best_result_json, optimization_parameters_json, study_config_json,
    study_config_pickle, study_results_csv,
};
use crate::retention::{removable, trial_folder};

/// The files are put together, and then written, for at most this part of the time, one in so many.
/// The first is work of the processor, the second mostly waiting.
const SHARE_OF_WORK: i64 = 500;
const SHARE_OF_TIME: i64 = 100;
/// The same for a bucket, where nothing waits for the writing.
const SHARE_OF_TIME_BESIDE: i64 = 10;
/// The oldest that they get while trials end, unless a bucket refuses.
const LONGEST_PAUSE_MS: i64 = 60_000;
/// The shortest time between two tries at a bucket that refused.
const AFTER_FAILURE_MS: i64 = 10_000;

pub(super) struct Publication {
    base: Files,
    execution: Execution,
    removed: BTreeSet<u64>,
    renamed: BTreeSet<Arc<str>>,
    stale: bool,
    /// When the files may be written again, Unix milliseconds.
    due_ms: i64,
    now_ms: i64,
    under_way: Option<JoinHandle<Done>>,
    /// Folders that are being removed meanwhile.
    leaving: BTreeSet<String>,
}

/// An edition of the result files, and the folders that nobody needs once it is written.
struct Edition {
    files: Vec<(&'static str, Vec<u8>)>,
    obsolete: Vec<(u64, String)>,
}

/// How the writing of an edition ended.
struct Done {
    /// Trials whose folders were removed.
    removed: Vec<u64>,
    /// How long it took to put them together.
    work_ms: i64,
    /// The same with the writing.
    cost_ms: i64,
    outcome: Result<(), FilesError>,
}

impl Edition {
    /// Removes folders only when the results are safe.
    fn write(self, base: &Files, clock: &dyn Fn() -> i64, begun_ms: i64) -> Done {
        let work_ms = clock() - begun_ms;
        let mut removed = Vec::new();
        let outcome = self
            .files
            .into_iter()
            .try_for_each(|(name, bytes)| base.write(name, bytes))
            .and_then(|()| {
                self.obsolete.into_iter().try_for_each(|(trial, folder)| {
                    base.delete_folder(&folder)?;
                    removed.push(trial);
                    Ok(())
                })
            });
        Done {
            removed,
            work_ms,
            cost_ms: clock() - begun_ms,
            outcome,
        }
    }
}

impl Publication {
    pub(super) fn new(base: Files, execution: &Execution) -> Self {
        let execution = execution.clone();
        Self {
            base,
            execution,
            removed: BTreeSet::new(),
            renamed: BTreeSet::new(),
            stale: true,
            due_ms: i64::MIN,
            now_ms: 0,
            under_way: None,
            leaving: BTreeSet::new(),
        }
    }

    /// Writes what is known before the first trial.
    pub(super) fn begin(&mut self, study: &OpenStudy) -> Result<(), RunError> {
        let space = optimization_parameters_json(study.study()).map_err(told)?;
        Ok(self.base.write("optimization_parameters.json", space)?)
    }

    /// Metrics whose names are taken in the table and that were not told of before (CS-20).
    pub(super) fn newly_renamed(&mut self, study: &OpenStudy) -> Vec<String> {
        let columns = Columns::of(study.study());
        let new = columns
            .renamed()
            .iter()
            .filter(|(name, _)| self.renamed.insert(name.clone()));
        new.map(|(name, column)| {
            format!("the metric '{name}' has the name of another column; it is in {column}")
        })
        .collect()
    }

    /// Notes that a trial ended or was queued again.
    pub(super) fn note_change(&mut self, trial: u64) {
        self.stale = true;
        self.removed.remove(&trial);
    }

    /// Writes the files anew if they are out of date; true if that began. In a study with very
    /// many trials this takes longer than a trial, so it waits until a small part of the time is
    /// spent on it.
    ///
    /// A folder of this machine is written at once. A bucket is written beside the trials, which
    /// don't wait for it, and a failure there is told and tried again.
    ///
    /// # Errors
    /// The folder of this machine can't be written.
    pub(super) fn refresh(
        &mut self,
        study: &OpenStudy,
        messages: &mut Vec<String>,
    ) -> Result<bool, RunError> {
        if self.under_way.as_ref().is_some_and(JoinHandle::is_finished)
            && let Err(error) = self.join()
        {
            messages.push(format!(
                "the results can't be written, trying again: {error}"
            ));
        }
        self.now_ms = study.now_ms();
        if !self.stale || self.now_ms < self.due_ms || self.under_way.is_some() {
            return Ok(false);
        }
        if !self.base.is_remote() {
            self.write_now(study)?;
            return Ok(true);
        }
        let begun_ms = SystemClock.now_ms();
        let edition = self.edition(study)?;
        let base = self.base.clone();
        self.stale = false;
        let folders = edition.obsolete.iter().map(|(_, folder)| folder.clone());
        self.leaving = folders.collect();
        self.under_way = Some(std::thread::spawn(move || {
            edition.write(&base, &|| SystemClock.now_ms(), begun_ms)
        }));
        Ok(true)
    }

    /// Waits until a folder that a trial is about to use is not being removed any more.
    pub(super) fn make_way(&mut self, folder: &str) {
        if self.leaving.contains(folder) && self.join().is_err() {
            self.stale = true;
        }
    }

    /// Writes the files, if they are out of date, and waits for that.
    ///
    /// # Errors
    /// They can't be written.
    pub(super) fn finish(&mut self, study: &OpenStudy) -> Result<bool, RunError> {
        // Whatever this failure was, the files are written again below.
        if self.under_way.is_some() && self.join().is_err() {
            self.stale = true;
        }
        if !self.stale {
            return Ok(false);
        }
        self.write_now(study)?;
        Ok(true)
    }

    fn write_now(&mut self, study: &OpenStudy) -> Result<(), RunError> {
        let begun_ms = study.now_ms();
        self.now_ms = begun_ms;
        let edition = self.edition(study)?;
        self.stale = false;
        let done = edition.write(&self.base, &|| study.now_ms(), begun_ms);
        Ok(self.conclude(done)?)
    }

    /// Waits for what is under way.
    fn join(&mut self) -> Result<(), FilesError> {
        let Some(thread) = self.under_way.take() else {
            return Ok(());
        };
        self.leaving.clear();
        match thread.join() {
            Ok(done) => self.conclude(done),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    fn conclude(&mut self, done: Done) -> Result<(), FilesError> {
        self.removed.extend(done.removed);
        let work_ms = done.work_ms.saturating_mul(SHARE_OF_WORK);
        let share = if self.base.is_remote() {
            SHARE_OF_TIME_BESIDE
        } else {
            SHARE_OF_TIME
        };
        let time_ms = done.cost_ms.saturating_mul(share);
        let mut pause_ms = work_ms.max(time_ms).clamp(0, LONGEST_PAUSE_MS);
        if done.outcome.is_err() {
            self.stale = true;
            pause_ms = pause_ms.max(AFTER_FAILURE_MS);
        }
        self.due_ms = self.now_ms + pause_ms;
        done.outcome
    }

    fn edition(&self, study: &OpenStudy) -> Result<Edition, RunError> {
        let (state, name) = (study.study(), study.name());
        let table = study_results_csv(state).map_err(told)?;
        let pickle = study_config_pickle(state, name).map_err(told)?;
        let config = study_config_json(state, name).map_err(told)?;
        let best = best_result_json(state, self.execution.typed_best_result).map_err(told)?;
        let mut files = Vec::new();
        if self.writes_library_names() {
            files.push(("results.csv", table.clone()));
            files.push(("config.pkl", pickle.clone()));
        }
        files.extend([
            ("study_results.csv", table),
            ("study_config.pkcl", pickle),
            ("study_config.json", config),
            ("best_result.json", best),
        ]);
        let (strategy, keep_failed) = (self.execution.storage_strategy, self.execution.keep_failed);
        let obsolete = removable(state, strategy, keep_failed, &self.removed)
            .into_iter()
            .filter_map(|number| Some((number, trial_folder(state.trial(number)?))));
        Ok(Edition {
            files,
            obsolete: obsolete.collect(),
        })
    }

    /// The Argo block of the reference writes its library's names (CS-111).
    fn writes_library_names(&self) -> bool {
        self.execution.library_file_names || self.execution.argo.is_some()
    }
}

#[allow(clippy::needless_pass_by_value)] // the shape that map_err wants
fn told(error: WriteError) -> RunError {
    RunError::Results(error.to_string())
}
