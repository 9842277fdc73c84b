//! The result files of a running study, kept up to date; and the trials' files, kept or removed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::RunError;
use crate::config::Execution;
use crate::files::Files;
use crate::open_study::OpenStudy;
use crate::results::{
    Columns, WriteError, best_result_json, optimization_parameters_json, study_config_json,
    study_config_pickle, study_results_csv,
};
use crate::retention::{removable, trial_folder};

/// The files are written at most this part of the time.
const SHARE_OF_TIME: u32 = 10;

pub(super) struct Publication {
    base: Files,
    execution: Execution,
    removed: BTreeSet<u64>,
    renamed: BTreeSet<Arc<str>>,
    stale: bool,
    last: Option<(Instant, Duration)>,
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
            last: None,
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

    /// Writes the files anew if they are out of date. In a study with very many trials this takes
    /// longer than a trial, so it waits until a tenth of the time is spent on it, unless `now`.
    /// True if they were written.
    pub(super) fn refresh(&mut self, study: &OpenStudy, now: bool) -> Result<bool, RunError> {
        let due = self
            .last
            .is_none_or(|(when, cost)| when.elapsed() >= cost * SHARE_OF_TIME);
        if !self.stale || !(due || now) {
            return Ok(false);
        }
        let started = Instant::now();
        self.write(study)?;
        self.remove(study)?;
        self.stale = false;
        self.last = Some((Instant::now(), started.elapsed()));
        Ok(true)
    }

    fn write(&self, study: &OpenStudy) -> Result<(), RunError> {
        let (state, name) = (study.study(), study.name());
        let table = study_results_csv(state).map_err(told)?;
        let pickle = study_config_pickle(state, name).map_err(told)?;
        if self.execution.library_file_names {
            self.base.write("results.csv", table.clone())?;
            self.base.write("config.pkl", pickle.clone())?;
        }
        self.base.write("study_results.csv", table)?;
        self.base.write("study_config.pkcl", pickle)?;
        self.base.write(
            "study_config.json",
            study_config_json(state, name).map_err(told)?,
        )?;
        let best = best_result_json(state, self.execution.typed_best_result).map_err(told)?;
        Ok(self.base.write("best_result.json", best)?)
    }

    /// Removes the files of trials that are no longer needed: only now are their results safe.
    fn remove(&mut self, study: &OpenStudy) -> Result<(), RunError> {
        let (strategy, keep_failed) = (self.execution.storage_strategy, self.execution.keep_failed);
        for number in removable(study.study(), strategy, keep_failed, &self.removed) {
            if let Some(trial) = study.study().trial(number) {
                self.base.delete_folder(&trial_folder(trial))?;
            }
            self.removed.insert(number);
        }
        Ok(())
    }
}

#[allow(clippy::needless_pass_by_value)] // the shape that map_err wants
fn told(error: WriteError) -> RunError {
    RunError::Results(error.to_string())
}
