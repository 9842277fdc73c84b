//! The state of a study, derived from its log event by event.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::algorithm::{Trials, View};
use crate::configuration::Configuration;
use crate::definition::{Direction, StudyDefinition};
use crate::event::{Event, FinishReason, Record};
use crate::numerics::pareto;
use crate::outcome::Outcome;
use crate::trial::{
    Attempt, AttemptEnd, FailureCause, Measurement, Metrics, Origin, StopCause, Trial, TrialState,
};
use crate::value::Value;

/// A study as its log tells it.
#[derive(Clone, Debug)]
pub struct Study {
    definition: StudyDefinition,
    execution: serde_json::Value,
    created_ms: i64,
    trials: Vec<Trial>,
    queued: BTreeSet<u64>,
    running: BTreeSet<u64>,
    counts: Counts,
    suggested: u64,
    incumbent: Option<u64>,
    failed_in_a_row: u64,
    busy_since_ms: Option<i64>,
    busy_ms: i64,
    paused: bool,
    finished: Option<FinishReason>,
    sequence: u64,
    updated_ms: i64,
    words: HashSet<Arc<str>>,
}

/// Number of trials by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Waiting for an attempt.
    pub queued: u64,
    /// With an attempt under way.
    pub running: u64,
    /// Finished with a value.
    pub completed: u64,
    /// Ended early by a rule.
    pub pruned: u64,
    /// Failed for good.
    pub failed: u64,
    /// Cancelled.
    pub cancelled: u64,
}

impl Counts {
    fn of(&mut self, state: TrialState) -> &mut u64 {
        match state {
            TrialState::Queued => &mut self.queued,
            TrialState::Running => &mut self.running,
            TrialState::Completed => &mut self.completed,
            TrialState::Pruned => &mut self.pruned,
            TrialState::Failed => &mut self.failed,
            TrialState::Cancelled => &mut self.cancelled,
        }
    }

    /// Trials to which nothing more happens.
    pub fn finished(&self) -> u64 {
        self.completed + self.pruned + self.failed + self.cancelled
    }

    /// All trials.
    pub fn total(&self) -> u64 {
        self.queued + self.running + self.finished()
    }
}

/// The log contradicts itself: it was written by something else, or damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {sequence} of the log: {problem}")]
pub struct DamagedLog {
    /// Position of the event.
    pub sequence: u64,
    /// What is wrong with it.
    pub problem: String,
}

impl Study {
    /// The state after the first event of a log.
    ///
    /// # Errors
    /// The first event does not create a study.
    pub fn begin(record: &Record) -> Result<Self, DamagedLog> {
        let Event::StudyCreated {
            definition,
            execution,
        } = &record.event
        else {
            let problem = "the log does not begin with the study's creation".to_string();
            return Err(DamagedLog {
                sequence: record.sequence,
                problem,
            });
        };
        Ok(Self {
            definition: (**definition).clone(),
            execution: (**execution).clone(),
            created_ms: record.at_ms,
            trials: Vec::new(),
            queued: BTreeSet::new(),
            running: BTreeSet::new(),
            counts: Counts::default(),
            suggested: 0,
            incumbent: None,
            failed_in_a_row: 0,
            busy_since_ms: None,
            busy_ms: 0,
            paused: false,
            finished: None,
            sequence: record.sequence,
            updated_ms: record.at_ms,
            words: HashSet::new(),
        })
    }

    /// The state after all events of a log; `None` if there are none.
    ///
    /// # Errors
    /// The log contradicts itself.
    pub fn replay(records: impl IntoIterator<Item = Record>) -> Result<Option<Self>, DamagedLog> {
        let mut records = records.into_iter();
        let Some(first) = records.next() else {
            return Ok(None);
        };
        let mut study = Self::begin(&first)?;
        for record in records {
            study.apply(record)?;
        }
        Ok(Some(study))
    }

    /// Moves the state on by one event. O(log trials) but for revisions.
    ///
    /// # Errors
    /// The event does not fit the state; the state is then as before.
    pub fn apply(&mut self, record: Record) -> Result<(), DamagedLog> {
        let (sequence, at_ms) = (record.sequence, record.at_ms);
        let outcome = if sequence == self.sequence + 1 {
            self.apply_event(record.event, at_ms)
        } else {
            Err(format!("it should have been event {}", self.sequence + 1))
        };
        outcome.map_err(|problem| DamagedLog { sequence, problem })?;
        self.sequence = sequence;
        self.updated_ms = at_ms;
        Ok(())
    }

    fn apply_event(&mut self, event: Event, at_ms: i64) -> Result<(), String> {
        match event {
            Event::StudyCreated { .. } => return Err("the study was created before".into()),
            Event::StudyRevised {
                definition,
                execution,
            } => {
                self.definition = *definition;
                self.execution = *execution;
                self.reopen();
            }
            Event::TrialCreated {
                trial,
                configuration,
                origin,
                reason,
                memo,
            } => {
                self.create_trial(trial, configuration, origin, reason, memo, at_ms)?;
            }
            Event::AttemptStarted {
                trial,
                attempt,
                scheduler,
                lease_ms,
            } => {
                self.start_attempt(trial, attempt, scheduler, lease_ms, at_ms)?;
            }
            Event::Measured {
                trial,
                attempt,
                step,
                metrics,
            } => {
                self.measure(trial, attempt, step, metrics, at_ms)?;
            }
            Event::StopRequested {
                trial,
                attempt,
                cause,
                ..
            } => {
                self.attempt_mut(trial, attempt)?.stop = Some(cause);
            }
            Event::AttemptEnded {
                trial,
                attempt,
                end,
                state,
                message,
            } => {
                self.end_attempt(trial, attempt, end, state, message, at_ms)?;
            }
            Event::TrialRequeued { trial } => {
                self.require(trial, "put into the queue", |state| {
                    state.is_final() && state != TrialState::Completed
                })?;
                self.move_to(trial, TrialState::Queued)?;
                let trial = self.trial_mut(trial)?;
                trial.cause = None;
                trial.value = None;
                trial.outcome = None;
                self.find_incumbent();
                self.reopen();
            }
            Event::TrialCancelled { trial } => {
                self.require(trial, "cancelled", |state| state == TrialState::Queued)?;
                self.move_to(trial, TrialState::Cancelled)?;
            }
            Event::StudyPaused => self.paused = true,
            Event::StudyResumed => {
                self.paused = false;
                self.failed_in_a_row = 0;
                self.finished = None;
            }
            Event::StudyFinished { reason } => self.finished = Some(reason),
        }
        Ok(())
    }

    /// What a user does to go on also lifts the end, unless the study was cancelled.
    fn reopen(&mut self) {
        if self.finished != Some(FinishReason::Cancelled) {
            self.finished = None;
            self.failed_in_a_row = 0;
        }
    }

    fn create_trial(
        &mut self,
        number: u64,
        configuration: Configuration,
        origin: Origin,
        reason: Arc<str>,
        memo: Option<Box<Value>>,
        at_ms: i64,
    ) -> Result<(), String> {
        if number != self.next_number() {
            return Err(format!(
                "trial {number} follows trial {}",
                self.trials.len()
            ));
        }
        let configuration = configuration.map_entries(|name, value| {
            let value = match value {
                Value::Text(text) => Value::Text(self.word(text)),
                other => other,
            };
            (self.word(name), value)
        });
        let reason = self.word(reason);
        self.trials.push(Trial {
            number,
            configuration,
            origin,
            reason,
            memo,
            created_ms: at_ms,
            state: TrialState::Queued,
            cause: None,
            value: None,
            outcome: None,
            attempts: Vec::new(),
            measurements: Vec::new(),
        });
        self.queued.insert(number);
        self.counts.queued += 1;
        match origin {
            Origin::Suggested => self.suggested += 1,
            Origin::Enqueued => self.reopen(),
        }
        Ok(())
    }

    fn start_attempt(
        &mut self,
        number: u64,
        attempt: u32,
        scheduler: Arc<str>,
        lease_ms: Option<u64>,
        at_ms: i64,
    ) -> Result<(), String> {
        let scheduler = self.word(scheduler);
        let trial = self.trial_mut(number)?;
        if attempt != trial.attempt() + 1 || trial.state != TrialState::Queued {
            return Err(format!(
                "attempt {attempt} of trial {number} can't start now"
            ));
        }
        trial.attempts.push(Attempt {
            started_ms: at_ms,
            ended_ms: None,
            scheduler,
            lease_ms,
            heard_ms: at_ms,
            stop: None,
            end: None,
            message: None,
        });
        self.move_to(number, TrialState::Running)?;
        self.busy_since_ms.get_or_insert(at_ms);
        Ok(())
    }

    fn measure(
        &mut self,
        number: u64,
        attempt: u32,
        step: u64,
        metrics: Metrics,
        at_ms: i64,
    ) -> Result<(), String> {
        let objective = metrics
            .iter()
            .find(|(name, _)| *name == self.definition.objective.name)
            .and_then(|(_, value)| value.as_f64());
        let metrics = metrics
            .into_iter()
            .map(|(name, value)| (self.word(name), value))
            .collect();
        self.attempt_mut(number, attempt)?.heard_ms = at_ms;
        let measurements = &mut self.trial_mut(number)?.measurements;
        // A newer attempt that measures step s has gone back to s: what older attempts measured
        // from there on is no longer part of the trial's course.
        measurements.retain(|known| known.attempt >= attempt || known.step < step);
        let place = measurements.partition_point(|known| known.step <= step);
        measurements.insert(
            place,
            Measurement {
                step,
                attempt,
                objective,
                metrics,
            },
        );
        Ok(())
    }

    fn end_attempt(
        &mut self,
        number: u64,
        attempt: u32,
        end: AttemptEnd,
        state: TrialState,
        message: Option<Box<str>>,
        at_ms: i64,
    ) -> Result<(), String> {
        if state == TrialState::Running {
            return Err(format!("trial {number} can't run on after its attempt"));
        }
        let ended = self.attempt_mut(number, attempt)?;
        ended.end = Some(end);
        ended.ended_ms = Some(at_ms);
        ended.message = message;
        let gives_value = matches!(state, TrialState::Completed | TrialState::Pruned);
        let (value, outcome) = match self.trial(number).filter(|_| gives_value) {
            Some(trial) => self.value_of(trial),
            None => (None, None),
        };
        let trial = self.trial_mut(number)?;
        if let AttemptEnd::Failed(cause) = end {
            trial.cause = Some(cause);
        }
        if gives_value {
            trial.cause = None;
            trial.value = value;
            trial.outcome = outcome;
        } else if state == TrialState::Cancelled {
            trial.cause = None;
        }
        self.move_to(number, state)?;
        self.count_failures(state, end);
        if state == TrialState::Completed {
            self.consider_incumbent(number);
        }
        if self.running.is_empty()
            && let Some(since) = self.busy_since_ms.take()
        {
            self.busy_ms += (at_ms - since).max(0);
        }
        Ok(())
    }

    fn count_failures(&mut self, state: TrialState, end: AttemptEnd) {
        match (state, end) {
            (
                TrialState::Failed,
                AttemptEnd::Failed(FailureCause::UserError | FailureCause::NoMetric),
            ) => self.failed_in_a_row += 1,
            (TrialState::Completed | TrialState::Pruned, _) => self.failed_in_a_row = 0,
            _ => {}
        }
    }

    /// What a trial's measurements give by the study's definition: its value, and all values
    /// where there is more than one.
    fn value_of(&self, trial: &Trial) -> (Option<f64>, Option<Box<Outcome>>) {
        let outcome = self.definition.outcome_of(trial);
        let value = match &outcome {
            Some(outcome) => outcome.values.first().copied(),
            None => self
                .definition
                .deciding_measurement(trial)
                .and_then(|measurement| measurement.objective),
        };
        (value.filter(|value| !value.is_nan()), outcome.map(Box::new))
    }

    fn consider_incumbent(&mut self, number: u64) {
        let Some(trial) = self.trial(number).filter(|trial| trial.value.is_some()) else {
            return;
        };
        let best = self.incumbent();
        if best.is_none_or(|best| self.definition.prefers(trial, best)) {
            self.incumbent = Some(number);
        }
    }

    fn find_incumbent(&mut self) {
        self.incumbent = None;
        for number in 1..=self.trials.len() as u64 {
            if self
                .trial(number)
                .is_some_and(|trial| trial.state == TrialState::Completed)
            {
                self.consider_incumbent(number);
            }
        }
    }

    fn move_to(&mut self, number: u64, state: TrialState) -> Result<(), String> {
        let trial = self.trial_mut(number)?;
        let before = std::mem::replace(&mut trial.state, state);
        *self.counts.of(before) -= 1;
        *self.counts.of(state) += 1;
        self.queued.remove(&number);
        self.running.remove(&number);
        match state {
            TrialState::Queued => self.queued.insert(number),
            TrialState::Running => self.running.insert(number),
            _ => false,
        };
        Ok(())
    }

    /// An error unless the trial is in a state from which the event may take it.
    fn require(
        &self,
        number: u64,
        deed: &str,
        fits: impl Fn(TrialState) -> bool,
    ) -> Result<(), String> {
        match self.trial(number).map(|trial| trial.state) {
            None => Err(format!("there is no trial {number}")),
            Some(state) if fits(state) => Ok(()),
            Some(state) => Err(format!(
                "trial {number} is {}, and can't be {deed}",
                state.name()
            )),
        }
    }

    fn trial_mut(&mut self, number: u64) -> Result<&mut Trial, String> {
        usize::try_from(number)
            .ok()
            .and_then(|number| self.trials.get_mut(number.wrapping_sub(1)))
            .ok_or_else(|| format!("there is no trial {number}"))
    }

    fn attempt_mut(&mut self, number: u64, attempt: u32) -> Result<&mut Attempt, String> {
        let trial = self.trial_mut(number)?;
        if trial.state != TrialState::Running || trial.attempt() != attempt {
            return Err(format!(
                "attempt {attempt} of trial {number} is not running"
            ));
        }
        trial
            .attempts
            .last_mut()
            .ok_or_else(|| format!("trial {number} has no attempt"))
    }

    /// One shared copy of each word, however many trials use it.
    fn word(&mut self, word: Arc<str>) -> Arc<str> {
        if let Some(known) = self.words.get(&word) {
            return known.clone();
        }
        if self.words.len() < 100_000 {
            self.words.insert(word.clone());
        }
        word
    }

    /// What the study is about.
    pub fn definition(&self) -> &StudyDefinition {
        &self.definition
    }

    /// How its trials are run, as the engine stored it.
    pub fn execution(&self) -> &serde_json::Value {
        &self.execution
    }

    /// All trials; trial `n` is at `n - 1`.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The trial of this number.
    pub fn trial(&self, number: u64) -> Option<&Trial> {
        self.trials
            .get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// The number that the next trial gets.
    pub fn next_number(&self) -> u64 {
        self.trials.len() as u64 + 1
    }

    /// Numbers of the trials that wait for an attempt, in order.
    pub fn queued(&self) -> impl Iterator<Item = u64> + '_ {
        self.queued.iter().copied()
    }

    /// Numbers of the running trials, in order.
    pub fn running(&self) -> impl Iterator<Item = u64> + '_ {
        self.running.iter().copied()
    }

    /// Number of trials by state.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The completed trial with the best value of the (first) objective among those that violate
    /// the outcome constraints least.
    pub fn incumbent(&self) -> Option<&Trial> {
        self.incumbent.and_then(|number| self.trial(number))
    }

    /// The completed trials of which none is better than another in all objectives, in the order
    /// of their numbers; only feasible ones, if there are any, else the least infeasible.
    ///
    /// With one objective these are the best trials of equal value.
    pub fn front(&self) -> Vec<&Trial> {
        let completed = self
            .trials
            .iter()
            .filter(|trial| trial.state == TrialState::Completed && trial.value.is_some());
        let candidates: Vec<&Trial> = completed.collect();
        let violations = candidates.iter().map(|trial| trial.violation());
        let least = violations.fold(f64::INFINITY, f64::min);
        let candidates: Vec<&Trial> = candidates
            .into_iter()
            .filter(|trial| trial.violation() <= least)
            .collect();
        let directions = self.definition.objectives().map(|o| o.direction);
        let directions: Vec<Direction> = directions.collect();
        let points = candidates.iter().map(|trial| {
            let values = trial.values().iter().zip(&directions);
            values
                .map(|(value, direction)| direction.minimized(*value))
                .collect()
        });
        let points: Vec<Vec<f64>> = points.collect();
        let front = pareto::front(&points).into_iter();
        front.map(|place| candidates[place]).collect()
    }

    /// Trials that failed by their own fault since the last success.
    pub fn failed_in_a_row(&self) -> u64 {
        self.failed_in_a_row
    }

    /// Time during which at least one trial ran, until now, in milliseconds.
    pub fn busy_ms(&self, now_ms: i64) -> i64 {
        self.busy_ms
            + self
                .busy_since_ms
                .map_or(0, |since| (now_ms - since).max(0))
    }

    /// Whether a user paused it.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Why it takes no more trials, if so.
    pub fn finished(&self) -> Option<FinishReason> {
        self.finished
    }

    /// Position of the last event.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// When it was created, Unix milliseconds.
    pub fn created_ms(&self) -> i64 {
        self.created_ms
    }

    /// When the last event happened, Unix milliseconds.
    pub fn updated_ms(&self) -> i64 {
        self.updated_ms
    }

    /// The state in one word: running, paused or finished (cancelled).
    pub fn status(&self) -> &'static str {
        match self.finished {
            Some(FinishReason::Cancelled) => "cancelled",
            Some(_) => "finished",
            None if self.paused => "paused",
            None if self.running.is_empty() => "idle",
            None => "running",
        }
    }

    /// What the study's algorithm may know.
    pub fn view(&self) -> View<'_> {
        View {
            space: &self.definition.space,
            direction: self.definition.objective.direction,
            more_objectives: &self.definition.more_objectives,
            constraints: &self.definition.outcome_constraints,
            seed: self.definition.seed,
            budget: self.definition.budget.trials,
            next_number: self.next_number(),
            suggested: self.suggested,
            trials: Trials::all(&self.trials),
        }
    }

    /// Whether a stop was requested of a trial's running attempt.
    pub fn stop_requested(&self, number: u64) -> Option<StopCause> {
        let trial = self
            .trial(number)
            .filter(|trial| trial.state == TrialState::Running)?;
        trial.last_attempt().and_then(|attempt| attempt.stop)
    }
}
