//! What a trial is given: its parameters, what the parameter text makes of them, and its folders.

use std::sync::Arc;

use norgay_core::configuration::BOOKKEEPING;
use norgay_core::expression::{ExpressionError, ParameterText};
use norgay_core::space::{Domain, Parameter};
use norgay_core::{Configuration, Space, Value};

/// The most values of one parameter that are tried by [`check_with_dummy_trial`].
const VALUES_TRIED: usize = 64;

/// The most made-up trials in all, so that a space of thousands of parameters is checked quickly.
const TRIALS_TRIED: usize = 2_000;

/// The names and folders that a trial is told besides its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrialPaths<'a> {
    /// Name of the study.
    pub run_name: &'a str,
    /// Folder of input files; empty if there is none.
    pub input_path: &'a str,
    /// The trial's own folder.
    pub output_path: &'a str,
    /// Folder of the trial that this one continues; empty if it continues none.
    pub model_input_path: &'a str,
}

/// What a trial is given, in order: its parameters, the parameter text's keys over them, and the
/// study's name and folders, which win over both (CS-98).
///
/// In the text `tp` holds the trial's configuration; a parameter that is not active is `None`
/// there, and so is an algorithm's entry that the trial lacks since a user gave it.
pub fn trial_parameters(
    space: &Space,
    configuration: &Configuration,
    text: Option<&ParameterText>,
    paths: &TrialPaths<'_>,
) -> Result<Vec<(String, Value)>, ExpressionError> {
    let mut merged = plain(configuration);
    if let Some(text) = text {
        for (key, value) in evaluated(space, configuration, text)? {
            set(&mut merged, &key, value);
        }
    }
    set_paths(&mut merged, paths);
    Ok(merged)
}

/// What a workflow is given, in order: the parameter text's keys alone (without a text the trial's
/// parameters), and the study's name and folders, which win over them (CS-95, CS-98).
pub fn workflow_parameters(
    space: &Space,
    configuration: &Configuration,
    text: Option<&ParameterText>,
    paths: &TrialPaths<'_>,
) -> Result<Vec<(String, Value)>, ExpressionError> {
    let mut given = match text {
        Some(text) => evaluated(space, configuration, text)?,
        None => plain(configuration),
    };
    set_paths(&mut given, paths);
    Ok(given)
}

fn plain(configuration: &Configuration) -> Vec<(String, Value)> {
    let entries = configuration.entries().iter();
    entries
        .map(|(name, value)| (name.to_string(), value.clone()))
        .collect()
}

fn evaluated(
    space: &Space,
    configuration: &Configuration,
    text: &ParameterText,
) -> Result<Vec<(String, Value)>, ExpressionError> {
    let mut known = with_inactive(space, configuration);
    for (name, _) in text.parameters_used() {
        let is_absent = !known.iter().any(|(known, _)| *known == *name);
        if is_absent && BOOKKEEPING.contains(&name.as_ref()) {
            known.push((name.clone(), Value::None));
        }
    }
    let mut pairs: Vec<(String, Value)> = Vec::new();
    for (key, value) in text.evaluate(&known)? {
        set(&mut pairs, &key, value);
    }
    Ok(pairs)
}

fn set_paths(entries: &mut Vec<(String, Value)>, paths: &TrialPaths<'_>) {
    for (key, path) in [
        ("run_name", paths.run_name),
        ("input_path", paths.input_path),
        ("output_path", paths.output_path),
        ("model_input_path", paths.model_input_path),
    ] {
        set(entries, key, Value::text(path));
    }
}

/// Sets a key at its place, or at the end if it is new.
fn set(entries: &mut Vec<(String, Value)>, key: &str, value: Value) {
    match entries.iter_mut().find(|(known, _)| known == key) {
        Some(entry) => entry.1 = value,
        None => entries.push((key.to_owned(), value)),
    }
}

fn with_inactive(space: &Space, configuration: &Configuration) -> Vec<(Arc<str>, Value)> {
    let mut entries = configuration.entries().to_vec();
    for parameter in space.parameters() {
        if configuration.get(&parameter.name).is_none() {
            entries.push((parameter.name.clone(), Value::None));
        }
    }
    entries
}

/// Evaluates the text for made-up trials, so that a mistake stops the study before its first one.
///
/// Tried are the middle and both ends of every domain, and every value of each listed domain; of
/// these only configurations that fulfil the constraints count. Names unknown to the space and
/// to `algorithm`, the entries that the algorithm adds, are found whatever the values are.
pub fn check_with_dummy_trial(
    space: &Space,
    algorithm: &[(&'static str, Value)],
    text: &ParameterText,
) -> Result<(), ExpressionError> {
    let middle = space.at(&vec![0.5; space.parameters().len()]);
    let used = text.parameters_used();
    let is_known =
        |name: &str| space.get(name).is_some() || algorithm.iter().any(|(entry, _)| *entry == name);
    if used.iter().any(|(name, _)| !is_known(name)) {
        // Evaluation tells the unknown name, its place and the known ones.
        return text.evaluate(&dummy(space, algorithm, &middle)).map(drop);
    }
    for configuration in dummies(space) {
        if space.is_feasible(&configuration) {
            text.evaluate(&dummy(space, algorithm, &configuration))?;
        }
    }
    Ok(())
}

/// A made-up trial with the entries of the algorithm.
fn dummy(
    space: &Space,
    algorithm: &[(&'static str, Value)],
    configuration: &Configuration,
) -> Vec<(Arc<str>, Value)> {
    let mut entries = with_inactive(space, configuration);
    let added = algorithm.iter();
    entries.extend(added.map(|(name, value)| (Arc::from(*name), value.clone())));
    entries
}

/// Made-up trials, one after the other because each is as large as the space.
fn dummies(space: &Space) -> impl Iterator<Item = Configuration> {
    let count = space.parameters().len();
    let uniform = [0.5, 0.0, 1.0]
        .into_iter()
        .map(move |place| space.at(&vec![place; count]));
    let listed = space
        .parameters()
        .iter()
        .enumerate()
        .flat_map(move |(position, parameter)| {
            let values = match &parameter.domain {
                Domain::Ordinal { values } | Domain::Choice { values } => values.as_slice(),
                _ => &[],
            };
            values.iter().take(VALUES_TRIED).map(move |value| {
                space.configure(|at, other: &Parameter| {
                    if at == position {
                        value.clone()
                    } else {
                        other.domain.at(0.5)
                    }
                })
            })
        });
    uniform.chain(listed).take(TRIALS_TRIED)
}

/// The keys that a parameter text yields; none if it can't be evaluated.
pub(super) fn keys_of_text(
    space: &Space,
    algorithm: &[(&'static str, Value)],
    text: &ParameterText,
) -> Vec<String> {
    dummies(space)
        .find_map(|configuration| text.evaluate(&dummy(space, algorithm, &configuration)).ok())
        .map(|pairs| pairs.into_iter().map(|(key, _)| key).collect())
        .unwrap_or_default()
}
