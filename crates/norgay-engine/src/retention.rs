//! Which trials' files may be deleted: the storage strategies, as a pure decision.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use norgay_core::python_text::str_of;
use norgay_core::trial::{Trial, TrialState};
use norgay_core::{Study, Value};

use crate::config::StorageStrategy;

/// Longest name that an algorithm may give a trial's folder, in bytes.
const LONGEST_NAME: usize = 128;

/// The trials whose folders may be deleted now, in order, given that all their results are stored.
///
/// `already` holds the trials whose folders were deleted since they last ended. Never given are:
/// trials that are not finished (a failed one may be queued for another attempt), those that an
/// unfinished trial goes on from, those that a future one may go on from, and those that share
/// their folder with a trial that keeps its files.
///
/// What a future trial may need can't be known for every algorithm, so each trial with a
/// checkpoint (`save_to`) that ended with a value is kept while the study takes trials; with
/// [`StorageStrategy::Continue`] beyond its end, since a study may be extended.
pub fn removable(
    study: &Study,
    strategy: StorageStrategy,
    keep_failed: bool,
    already: &BTreeSet<u64>,
) -> Vec<u64> {
    let best = match strategy {
        StorageStrategy::Best => best_kept(study, already),
        _ => BTreeSet::new(),
    };
    let wanted = |trial: &Trial| {
        trial.state.is_final()
            && !best.contains(&trial.number)
            && match (trial.state, strategy) {
                (TrialState::Failed, _) => !keep_failed,
                (_, StorageStrategy::Keep) => false,
                _ => !may_be_continued(trial, study, strategy),
            }
    };
    let present = |trial: &&Trial| !(trial.state.is_final() && already.contains(&trial.number));
    let (candidates, kept): (Vec<&Trial>, Vec<&Trial>) = study
        .trials()
        .iter()
        .filter(present)
        .partition(|trial| wanted(trial));
    let mut protected: HashSet<Cow<'_, str>> = kept.into_iter().map(folder_key).collect();
    protected.extend(sources(study));
    let free = candidates
        .into_iter()
        .filter(|trial| !protected.contains(&folder_key(trial)));
    free.map(|trial| trial.number).collect()
}

/// The folder of a trial below the study's: the name that its algorithm gave it (`save_to`), else
/// its number.
///
/// A given name that is not one plain, visible name falls back to the number, so that nobody can
/// make a trial write into, or have us delete, another place.
pub fn trial_folder(trial: &Trial) -> String {
    let named = trial.configuration.get("save_to").and_then(given_name);
    named.map_or_else(|| trial.number.to_string(), Cow::into_owned)
}

/// The best completed trial whose files are there; of equals the one that ended first.
///
/// Not the study's own incumbent: after a trial is queued again that may become one of equals
/// whose files are gone.
///
/// Of several objectives it is the whole front.
fn best_kept(study: &Study, already: &BTreeSet<u64>) -> BTreeSet<u64> {
    let definition = study.definition();
    if !definition.more_objectives.is_empty() {
        return study.front().iter().map(|trial| trial.number).collect();
    }
    let ended = |trial: &Trial| trial.last_attempt().and_then(|attempt| attempt.ended_ms);
    let mut best: Option<&Trial> = None;
    for trial in study.trials() {
        if trial.state != TrialState::Completed || trial.value.is_none_or(f64::is_nan) {
            continue;
        }
        let better = best.is_none_or(|known| {
            let equal = !definition.prefers(known, trial);
            definition.prefers(trial, known) || (equal && ended(trial) < ended(known))
        });
        if better && !already.contains(&trial.number) {
            best = Some(trial);
        }
    }
    best.map(|trial| trial.number).into_iter().collect()
}

/// Whether a trial that does not exist yet may go on from this one's checkpoint.
fn may_be_continued(trial: &Trial, study: &Study, strategy: StorageStrategy) -> bool {
    let has_checkpoint = trial.configuration.get("save_to").is_some();
    let has_value = matches!(trial.state, TrialState::Completed | TrialState::Pruned);
    let open = study.finished().is_none() || strategy == StorageStrategy::Continue;
    has_checkpoint && has_value && open
}

/// The folders that unfinished trials go on from.
fn sources(study: &Study) -> impl Iterator<Item = Cow<'_, str>> {
    let unfinished = study.running().chain(study.queued());
    let unfinished = unfinished.filter_map(|number| study.trial(number));
    unfinished.filter_map(|trial| {
        let name = given_name(trial.configuration.get("load_from")?)?;
        Some(lower(name))
    })
}

/// A folder's name in lower case: some file systems do not tell the cases apart.
fn folder_key(trial: &Trial) -> Cow<'_, str> {
    match trial.configuration.get("save_to").and_then(given_name) {
        Some(name) => lower(name),
        None => trial.number.to_string().into(),
    }
}

fn lower(name: Cow<'_, str>) -> Cow<'_, str> {
    if name.chars().any(char::is_uppercase) {
        name.to_lowercase().into()
    } else {
        name
    }
}

fn given_name(value: &Value) -> Option<Cow<'_, str>> {
    let name = match value {
        Value::Text(text) => Cow::Borrowed(text.as_ref()),
        Value::Int(_) => Cow::Owned(str_of(value)),
        _ => return None,
    };
    is_safe(&name).then_some(name)
}

/// Whether a name is one plain, visible folder name on every system.
fn is_safe(name: &str) -> bool {
    let forbidden = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && !name.starts_with(['.', ' '])
        && !name.ends_with(['.', ' '])
        && !name.contains(forbidden)
}
