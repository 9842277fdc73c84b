//! Which trials' files may go: the storage strategies, rule by rule.

use std::collections::{BTreeMap, BTreeSet};

use norgay_core::Value;
use norgay_core::definition::Direction;
use norgay_core::event::{Event, FinishReason};
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::trial::{AttemptEnd, FailureCause, TrialState};
use norgay_engine::config::StorageStrategy;
use norgay_engine::retention::{removable, trial_folder};
use norgay_engine::testing::StudyBuilder;
use proptest::prelude::*;

use StorageStrategy::{Best, Continue, Delete, Keep};

const ALL: [StorageStrategy; 4] = [Keep, Delete, Best, Continue];

fn builder() -> StudyBuilder {
    let domain = Domain::Continuous {
        low: 0.0,
        high: 1.0,
        scale: Scale::Linear,
        step: None,
    };
    StudyBuilder::new(vec![Parameter::new("p", domain)])
}

fn plain() -> [(&'static str, Value); 1] {
    [("p", 0.5.into())]
}

/// A configuration as PBT and successive halving make them.
fn promoted(load_from: &str, save_to: &str) -> [(&'static str, Value); 3] {
    let load_from = ("load_from", Value::from(load_from));
    [("p", 0.5.into()), load_from, ("save_to", save_to.into())]
}

fn fail(builder: &mut StudyBuilder, configuration: &[(&str, Value)], state: TrialState) -> u64 {
    let trial = builder.running(configuration);
    builder.end(trial, AttemptEnd::Failed(FailureCause::UserError), state);
    trial
}

fn removed(builder: &StudyBuilder, strategy: StorageStrategy) -> Vec<u64> {
    removable(builder.study(), strategy, false, &BTreeSet::new())
}

#[test]
fn cs_108_keep_keeps_and_delete_deletes_what_is_finished() {
    let mut builder = builder();
    builder.completed(&plain(), 0.5);
    let pruned = builder.running(&plain());
    builder.end(pruned, AttemptEnd::Pruned, TrialState::Pruned);
    let cancelled = builder.running(&plain());
    builder.end(cancelled, AttemptEnd::Cancelled, TrialState::Cancelled);
    builder.running(&plain());
    builder.create(&plain());
    assert_eq!(removed(&builder, Keep), [0; 0]);
    assert_eq!(removed(&builder, Delete), [1, 2, 3]);
    assert_eq!(removed(&builder, Continue), [1, 2, 3]);
    let already = BTreeSet::from([1, 3]);
    assert_eq!(removable(builder.study(), Delete, false, &already), [2]);
}

#[test]
fn cs_108_best_keeps_the_best_so_far_and_of_equals_the_older() {
    let mut builder = builder();
    builder.completed(&plain(), 0.5);
    assert_eq!(removed(&builder, Best), [0; 0]);
    builder.completed(&plain(), 0.7);
    assert_eq!(removed(&builder, Best), [2]);
    builder.completed(&plain(), 0.5);
    assert_eq!(removed(&builder, Best), [2, 3]);
    builder.completed(&plain(), 0.1);
    assert_eq!(removed(&builder, Best), [1, 2, 3]);
}

#[test]
fn cs_108_of_equals_the_one_that_ended_first_stays_whatever_its_number() {
    let mut builder = builder();
    let slow = builder.running(&plain());
    let fast = builder.completed(&plain(), 0.5);
    builder.measure(slow, 1, &[("loss", 0.5.into())]);
    builder.end(slow, AttemptEnd::Completed, TrialState::Completed);
    assert_eq!(removed(&builder, Best), [slow]);
    // After the slow one's files went, nothing may make the fast one's go.
    let failed = fail(&mut builder, &plain(), TrialState::Failed);
    builder.apply(Event::TrialRequeued { trial: failed });
    let already = BTreeSet::from([slow]);
    assert_eq!(removable(builder.study(), Best, false, &already), [0; 0]);
    assert!(builder.study().trial(fast).is_some());
}

#[test]
fn cs_108_best_follows_the_direction_and_nan_is_never_best() {
    let mut definition = StudyBuilder::definition(Vec::new());
    definition.objective.direction = Direction::Maximize;
    let mut builder = StudyBuilder::of(definition);
    builder.completed(&[], f64::NAN);
    assert_eq!(removed(&builder, Best), [1]);
    builder.completed(&[], 0.5);
    builder.completed(&[], 0.7);
    builder.completed(&[], f64::NAN);
    assert_eq!(removed(&builder, Best), [1, 2, 4]);
}

#[test]
fn cs_108_pruned_and_failed_trials_are_never_best() {
    let mut builder = builder();
    let pruned = builder.running(&plain());
    builder.measure(pruned, 1, &[("loss", 0.001.into())]);
    builder.end(pruned, AttemptEnd::Pruned, TrialState::Pruned);
    builder.completed(&plain(), 0.5);
    assert_eq!(removed(&builder, Best), [pruned]);
}

#[test]
fn cs_109_files_of_failed_trials_go_once_the_failure_is_final() {
    let mut builder = builder();
    fail(&mut builder, &plain(), TrialState::Queued);
    let failed = fail(&mut builder, &plain(), TrialState::Failed);
    for strategy in ALL {
        assert_eq!(removed(&builder, strategy), [failed], "{strategy:?}");
        let kept = removable(builder.study(), strategy, true, &BTreeSet::new());
        assert_eq!(kept, [0; 0], "{strategy:?}");
    }
}

#[test]
fn a_trial_that_is_queued_again_keeps_its_files() {
    let mut builder = builder();
    let failed = fail(&mut builder, &plain(), TrialState::Failed);
    builder.apply(Event::TrialRequeued { trial: failed });
    for strategy in ALL {
        assert_eq!(removed(&builder, strategy), [0; 0], "{strategy:?}");
    }
}

#[test]
fn cs_108_checkpoints_that_a_future_trial_may_need_stay_while_the_study_takes_trials() {
    let mut builder = builder();
    builder.completed(&promoted("", "1"), 0.5);
    builder.completed(&promoted("", "2"), 0.7);
    let failed = fail(&mut builder, &promoted("", "3"), TrialState::Failed);
    for strategy in [Delete, Best, Continue] {
        assert_eq!(removed(&builder, strategy), [failed], "{strategy:?}");
    }
    let reason = FinishReason::Trials;
    builder.apply(Event::StudyFinished { reason });
    assert_eq!(removed(&builder, Delete), [1, 2, 3]);
    assert_eq!(removed(&builder, Best), [2, 3]);
    assert_eq!(removed(&builder, Continue), [failed]);
}

#[test]
fn cs_108_what_an_unfinished_trial_goes_on_from_stays_after_the_study_ended() {
    let mut builder = builder();
    builder.completed(&promoted("", "1"), 0.5);
    builder.completed(&promoted("", "2"), 0.7);
    let child = builder.running(&promoted("2", "3"));
    let reason = FinishReason::Target;
    builder.apply(Event::StudyFinished { reason });
    assert_eq!(removed(&builder, Delete), [1]);
    builder.measure(child, 1, &[("loss", 0.1.into())]);
    builder.end(child, AttemptEnd::Completed, TrialState::Completed);
    assert_eq!(removed(&builder, Delete), [1, 2, 3]);
}

#[test]
fn a_parent_known_by_its_number_is_a_parent_too() {
    let mut builder = builder();
    builder.completed(&plain(), 0.5);
    builder.completed(&plain(), 0.7);
    builder.running(&[("p", 0.5.into()), ("load_from", "2".into())]);
    assert_eq!(removed(&builder, Delete), [1]);
}

#[test]
fn a_folder_that_two_trials_share_goes_only_with_both() {
    let mut builder = builder();
    builder.completed(&plain(), 0.5);
    // A promoting algorithm counts by itself, so its names may be other trials' numbers.
    let sharer = builder.running(&promoted("", "1"));
    assert_eq!(removed(&builder, Delete), [0; 0]);
    builder.end(sharer, AttemptEnd::Cancelled, TrialState::Cancelled);
    assert_eq!(removed(&builder, Delete), [1, 2]);
}

#[test]
fn names_that_differ_in_case_alone_may_be_one_folder() {
    let mut builder = builder();
    let first = builder.running(&promoted("", "Best"));
    builder.end(first, AttemptEnd::Cancelled, TrialState::Cancelled);
    builder.running(&promoted("", "best"));
    assert_eq!(removed(&builder, Delete), [0; 0]);
}

#[test]
fn cs_96_the_folder_is_the_number_or_the_given_name() {
    let mut builder = builder();
    let mut folder = |save_to: Value| {
        let trial = builder.create(&[("p", 0.5.into()), ("save_to", save_to)]);
        (
            trial.to_string(),
            trial_folder(builder.study().trial(trial).expect("a trial")),
        )
    };
    for name in ["7", "gen 1", "ä", "a.b", "a#1"] {
        assert_eq!(folder(name.into()).1, name);
    }
    assert_eq!(folder(9.into()).1, "9");
    let long = "x".repeat(129);
    let unsafe_names = [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "/etc",
        "a\\b",
        "C:",
        ".hidden",
        " a",
        "a ",
        "a.",
        "a\0",
        "a\n",
        "~/*",
        long.as_str(),
    ];
    for name in unsafe_names {
        let (number, folder) = folder(name.into());
        assert_eq!(folder, number, "{name:?}");
    }
    let (number, none) = folder(Value::None);
    assert_eq!(none, number);
    let trial = builder.create(&plain());
    assert_eq!(
        trial_folder(builder.study().trial(trial).expect("a trial")),
        trial.to_string()
    );
}

/// One thing that happens in a random study.
#[derive(Clone, Debug)]
enum Step {
    Start {
        save_to: Option<u8>,
        load_from: Option<u8>,
    },
    End {
        which: usize,
        end: u8,
        loss: u8,
    },
    Requeue {
        which: usize,
    },
    Finish,
    Clean,
}

fn step() -> impl Strategy<Value = Step> {
    let name = || prop::option::of(1_u8..8);
    prop_oneof![
        4 => (name(), name()).prop_map(|(save_to, load_from)| Step::Start { save_to, load_from }),
        4 => (any::<usize>(), 0_u8..5, 0_u8..4)
            .prop_map(|(which, end, loss)| Step::End { which, end, loss }),
        1 => any::<usize>().prop_map(|which| Step::Requeue { which }),
        1 => Just(Step::Finish),
        3 => Just(Step::Clean),
    ]
}

fn pick(numbers: impl Iterator<Item = u64>, which: usize) -> Option<u64> {
    let numbers: Vec<u64> = numbers.collect();
    (!numbers.is_empty()).then(|| numbers[which % numbers.len()])
}

fn take(builder: &mut StudyBuilder, already: &mut BTreeSet<u64>, step: &Step) {
    match step {
        Step::Start { save_to, load_from } => {
            let mut configuration = plain().to_vec();
            let named = [("save_to", save_to), ("load_from", load_from)];
            for (name, value) in named {
                configuration.extend(value.map(|v| (name, Value::from(v.to_string()))));
            }
            builder.running(&configuration);
        }
        Step::End { which, end, loss } => {
            let Some(trial) = pick(builder.study().running(), *which) else {
                return;
            };
            let loss = if *loss == 0 {
                f64::NAN
            } else {
                f64::from(*loss)
            };
            let step = builder.study().sequence();
            builder.measure(trial, step, &[("loss", loss.into())]);
            let failed = AttemptEnd::Failed(FailureCause::UserError);
            let (end, state) = match end {
                0 | 1 => (AttemptEnd::Completed, TrialState::Completed),
                2 => (AttemptEnd::Pruned, TrialState::Pruned),
                3 => (failed, TrialState::Failed),
                _ => (failed, TrialState::Queued),
            };
            builder.end(trial, end, state);
        }
        Step::Requeue { which } => {
            let failed = builder.study().trials().iter();
            let failed = failed.filter(|trial| trial.state == TrialState::Failed);
            let Some(trial) = pick(failed.map(|trial| trial.number), *which) else {
                return;
            };
            builder.apply(Event::TrialRequeued { trial });
            already.remove(&trial);
        }
        Step::Finish => builder.apply(Event::StudyFinished {
            reason: FinishReason::Target,
        }),
        Step::Clean => {}
    }
}

proptest! {
    #[test]
    fn nothing_that_is_needed_ever_goes(
        steps in prop::collection::vec(step(), 1..60),
        strategy in prop::sample::select(&ALL[..]),
        keep_failed in any::<bool>(),
    ) {
        let mut builder = builder();
        let mut already = BTreeSet::new();
        for step in &steps {
            take(&mut builder, &mut already, step);
            if !matches!(step, Step::Clean) {
                continue;
            }
            let study = builder.study();
            let gone = removable(study, strategy, keep_failed, &already);
            prop_assert!(gone.is_sorted_by(|a, b| a < b));
            let folders: BTreeMap<u64, String> =
                study.trials().iter().map(|t| (t.number, trial_folder(t))).collect();
            let gone_folders: BTreeSet<&String> = gone.iter().map(|n| &folders[n]).collect();
            for trial in study.trials() {
                let its_files_go = gone_folders.contains(&folders[&trial.number]);
                if !trial.state.is_final() {
                    prop_assert!(!its_files_go, "trial {} is unfinished", trial.number);
                    let parent = trial.configuration.get("load_from").map(ToString::to_string);
                    prop_assert!(parent.is_none_or(|parent| !gone_folders.contains(&parent)));
                }
                if keep_failed && trial.state == TrialState::Failed && !already.contains(&trial.number) {
                    prop_assert!(!its_files_go);
                }
                if strategy == Keep && trial.state == TrialState::Completed
                    && !already.contains(&trial.number) {
                    prop_assert!(!its_files_go);
                }
            }
            already.extend(gone);
            if strategy == Best {
                let best = |gone: bool| {
                    let completed = study.trials().iter().filter(|trial| {
                        trial.state == TrialState::Completed
                            && already.contains(&trial.number) == gone
                    });
                    let values = completed.filter_map(|trial| trial.value);
                    values.fold(f64::INFINITY, f64::min)
                };
                let (best_kept, best_gone) = (best(false), best(true));
                prop_assert!(best_kept <= best_gone, "{best_kept} {best_gone}");
            }
            // Asked again, there is nothing left to do.
            prop_assert_eq!(removable(study, strategy, keep_failed, &already), [0; 0]);
        }
    }
}

#[test]
fn of_several_objectives_the_whole_front_keeps_its_files() {
    let mut definition = StudyBuilder::definition(Vec::new());
    let mut size = definition.objective.clone();
    size.name = "size".into();
    definition.more_objectives = vec![size];
    let mut builder = StudyBuilder::of(definition);
    for (loss, size) in [(0.5, 3.0), (0.25, 9.0), (0.75, 4.0)] {
        let trial = builder.running(&[]);
        builder.measure(trial, 1, &[("loss", loss.into()), ("size", size.into())]);
        builder.end(trial, AttemptEnd::Completed, TrialState::Completed);
    }
    assert_eq!(removed(&builder, Best), [3]);
}
