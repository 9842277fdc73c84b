//! What may happen next in a study: each decision turns a wish into events, or refuses it.
//!
//! Nothing here changes a study; the events do, once they are stored.

use std::sync::Arc;

use crate::algorithm::{Algorithm, AlgorithmError, Proposal, Suggestion};
use crate::configuration::{BOOKKEEPING, Configuration};
use crate::event::{Event, FinishReason};
use crate::space::ConfigurationError;
use crate::stopping::Situation;
use crate::study::Study;
use crate::trial::{
    AttemptEnd, FailureCause, Measurement, Metrics, Origin, StopCause, Trial, TrialState,
};
use crate::value::Value;

/// Why a wish was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// There is no such trial.
    #[error("there is no trial {number}; the study has {trials}")]
    UnknownTrial {
        /// The number given.
        number: u64,
        /// How many trials there are.
        trials: usize,
    },
    /// The trial is in a state in which this can't be done.
    #[error("trial {number} is {state}: {wish}")]
    WrongState {
        /// The trial.
        number: u64,
        /// Its state.
        state: &'static str,
        /// What can't be done now.
        wish: &'static str,
    },
    /// The attempt is not the trial's current one: it lost its lease.
    #[error("attempt {attempt} of trial {number} is over; the trial is at attempt {current}")]
    StaleAttempt {
        /// The trial.
        number: u64,
        /// The attempt given.
        attempt: u32,
        /// The trial's latest attempt.
        current: u32,
    },
    /// Another measurement was reported for the step before.
    #[error("trial {number} reported other metrics at step {step} before")]
    RepeatedStep {
        /// The trial.
        number: u64,
        /// The step.
        step: u64,
    },
    /// The trial was told another result before.
    #[error("trial {number} ended before, with another result ({state})")]
    ToldBefore {
        /// The trial.
        number: u64,
        /// How it ended.
        state: &'static str,
    },
    /// A result without a value of the objective.
    #[error("the objective '{objective}' is {found}; a completed trial needs a number")]
    NoObjective {
        /// Name of the objective.
        objective: Arc<str>,
        /// What was there instead.
        found: String,
    },
    /// A result without a metric that an outcome constraint limits.
    #[error(
        "the metric '{metric}', which an outcome constraint limits, is {found}; a completed \
         trial needs a number"
    )]
    NoOutcome {
        /// Name of the metric.
        metric: Arc<str>,
        /// What was there instead.
        found: String,
    },
    /// A given configuration does not fit the space.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// The study is in a state in which this makes no sense.
    #[error("the study is {state} already")]
    StudyState {
        /// Its state.
        state: &'static str,
    },
}

/// The next trial to run, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Start this trial; the events create it where needed.
    Start {
        /// The trial's number.
        trial: u64,
        /// The attempt's number.
        attempt: u32,
        /// To be stored before anything starts.
        events: Vec<Event>,
    },
    /// Nothing until a running trial ends.
    Wait,
    /// The study is paused.
    Paused,
    /// The study is over, or will be when the running trials have ended.
    Over(FinishReason),
}

/// What an attempt's end looked like to whoever watched it.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// It finished; the metrics (maybe none beyond those reported) give the value.
    Finished {
        /// Step of the final metrics; one more than the last if absent and needed.
        step: Option<u64>,
        /// Final metrics.
        metrics: Metrics,
    },
    /// It ended on a stop request, or declared itself pruned.
    Stopped,
    /// It failed.
    Failed {
        /// Why.
        cause: FailureCause,
        /// Why, in words.
        message: String,
    },
}

impl Study {
    /// Decides which trial to start next.
    ///
    /// Queued trials come first, lowest number first; then, within the budget, the algorithm.
    pub fn next_start(
        &self,
        algorithm: &mut dyn Algorithm,
        scheduler: &Arc<str>,
        lease_ms: Option<u64>,
        now_ms: i64,
    ) -> Result<Next, AlgorithmError> {
        if let Some(reason) = self.finished().or_else(|| self.reached_limit(now_ms)) {
            return Ok(Next::Over(reason));
        }
        if self.is_paused() {
            return Ok(Next::Paused);
        }
        let started = |trial, attempt| Event::AttemptStarted {
            trial,
            attempt,
            scheduler: scheduler.clone(),
            lease_ms,
        };
        if let Some(trial) = self.queued().next() {
            let attempt = self.trial(trial).map_or(0, Trial::attempt) + 1;
            return Ok(Next::Start {
                trial,
                attempt,
                events: vec![started(trial, attempt)],
            });
        }
        let counts = self.counts();
        if self
            .definition()
            .budget
            .trials
            .is_some_and(|n| counts.total() - counts.cancelled >= n)
        {
            return Ok(Next::Over(FinishReason::Trials));
        }
        if self.is_out_of_patience() {
            return Ok(Next::Over(FinishReason::Patience));
        }
        match algorithm.suggest(&self.view())? {
            Suggestion::Wait => Ok(Next::Wait),
            Suggestion::Done => Ok(Next::Over(FinishReason::Exhausted)),
            Suggestion::Trial(proposal) => {
                let trial = self.next_number();
                let events = vec![
                    created(trial, proposal, Origin::Suggested),
                    started(trial, 1),
                ];
                Ok(Next::Start {
                    trial,
                    attempt: 1,
                    events,
                })
            }
        }
    }

    /// Why the study must end even though trials could be started.
    fn reached_limit(&self, now_ms: i64) -> Option<FinishReason> {
        let budget = &self.definition().budget;
        let direction = self.definition().objective.direction;
        let feasible = self.incumbent().filter(|trial| trial.violation() <= 0.0);
        let best = feasible.and_then(|trial| trial.value);
        let reached = |target: f64| best.is_some_and(|best| !direction.is_better(target, best));
        let in_a_row = budget.max_failed_in_a_row;
        if budget.target.is_some_and(reached) {
            Some(FinishReason::Target)
        } else if budget
            .max_failed
            .is_some_and(|most| self.counts().failed > most)
        {
            Some(FinishReason::TooManyFailed)
        } else if in_a_row > 0 && self.failed_in_a_row() >= in_a_row {
            Some(FinishReason::FailedInARow)
        } else if budget
            .wall_time_ms
            .is_some_and(|most| self.busy_ms(now_ms) >= most as i64)
        {
            Some(FinishReason::WallTime)
        } else {
            None
        }
    }

    /// Whether further trials are not worth it, by the budget.
    ///
    /// Those that are queued or running may still improve, and then the study goes on.
    fn is_out_of_patience(&self) -> bool {
        let patience = self.definition().budget.patience;
        patience.is_some_and(|most| {
            self.trials_since_improvement()
                .is_some_and(|since| since >= most)
        })
    }

    /// The event that ends the study for a reason, if it has not ended and may end now.
    ///
    /// A used-up budget of trials, or patience, ends a study only when the last trial has ended,
    /// since that one may have to be tried again, or improve.
    pub fn finish(&self, reason: FinishReason) -> Vec<Event> {
        let waits = matches!(
            reason,
            FinishReason::Trials | FinishReason::Exhausted | FinishReason::Patience
        );
        let busy = self.counts().running + self.counts().queued > 0;
        if self.finished().is_some() || (waits && busy) {
            Vec::new()
        } else {
            vec![Event::StudyFinished { reason }]
        }
    }

    /// Puts a user's configuration into the queue.
    pub fn enqueue(&self, given: &Configuration) -> Result<Vec<Event>, Refusal> {
        let space = &self.definition().space;
        let configuration = space.validated(given, |name| BOOKKEEPING.contains(&name))?;
        let proposal = Proposal {
            configuration,
            reason: "given by a user".into(),
            memo: None,
        };
        Ok(vec![created(
            self.next_number(),
            proposal,
            Origin::Enqueued,
        )])
    }

    /// Takes in metrics of a running attempt; the same report again changes nothing.
    ///
    /// Without a step it is one more than the trial's last, from 1.
    pub fn report(
        &self,
        number: u64,
        attempt: u32,
        step: Option<u64>,
        metrics: Metrics,
    ) -> Result<Vec<Event>, Refusal> {
        let trial = self.running_attempt(number, attempt, "no metrics can be reported")?;
        let step =
            step.unwrap_or_else(|| trial.last_step().map_or(1, |last| last.saturating_add(1)));
        let known = trial
            .measurements
            .iter()
            .find(|m| m.step == step && m.attempt == attempt);
        match known {
            Some(known) if same_metrics(&known.metrics, &metrics) => Ok(Vec::new()),
            Some(_) => Err(Refusal::RepeatedStep { number, step }),
            None => Ok(vec![Event::Measured {
                trial: number,
                attempt,
                step,
                metrics,
            }]),
        }
    }

    /// Takes in an attempt's end and decides what becomes of its trial.
    ///
    /// Telling the same attempt the same kind of end again changes nothing.
    pub fn tell(&self, number: u64, attempt: u32, told: Told) -> Result<Vec<Event>, Refusal> {
        let trial = self.known_trial(number)?;
        if trial.attempt() != attempt || trial.state != TrialState::Running {
            return self.told_again(trial, attempt, &told);
        }
        let mut events = Vec::new();
        let (end, message) = match told {
            Told::Finished { step, metrics } => {
                self.final_metrics(trial, step, metrics, &mut events)?;
                (AttemptEnd::Completed, None)
            }
            Told::Stopped => (Self::end_of_stop(trial), None),
            Told::Failed { cause, message } => (AttemptEnd::Failed(cause), Some(message.into())),
        };
        let state = self.state_after(trial, end);
        events.push(Event::AttemptEnded {
            trial: number,
            attempt,
            end,
            state,
            message,
        });
        Ok(events)
    }

    fn told_again(&self, trial: &Trial, attempt: u32, told: &Told) -> Result<Vec<Event>, Refusal> {
        let number = trial.number;
        let Some(known) = (attempt as usize)
            .checked_sub(1)
            .and_then(|k| trial.attempts.get(k))
        else {
            let current = trial.attempt();
            return Err(Refusal::StaleAttempt {
                number,
                attempt,
                current,
            });
        };
        let same = match (known.end, told) {
            (Some(AttemptEnd::Completed), Told::Finished { metrics, .. }) => {
                let known = |m: &Measurement| same_metrics(&m.metrics, metrics);
                metrics.is_empty()
                    || trial.measurements.iter().any(known)
                    || self.same_values(metrics, trial)
            }
            (Some(AttemptEnd::Failed(cause)), Told::Failed { cause: again, .. }) => cause == *again,
            (Some(AttemptEnd::Pruned | AttemptEnd::Cancelled), Told::Stopped) => true,
            _ => false,
        };
        if same {
            Ok(Vec::new())
        } else if attempt == trial.attempt() && trial.state.is_final() {
            Err(Refusal::ToldBefore {
                number,
                state: trial.state.name(),
            })
        } else {
            Err(Refusal::StaleAttempt {
                number,
                attempt,
                current: trial.attempt(),
            })
        }
    }

    /// Whether the metrics hold the values of the objectives that the trial has.
    fn same_values(&self, metrics: &Metrics, trial: &Trial) -> bool {
        let mut known = trial.values().iter().copied();
        let mut objectives = self.definition().objectives();
        objectives.all(|objective| {
            let mut metrics = metrics.iter();
            let found = metrics.find(|(name, _)| *name == objective.name);
            found.and_then(|(_, value)| value.as_f64()) == known.next()
        })
    }

    /// An error unless a metric is a number in the final metrics or, if it is not there, in one
    /// of the trial's measurements.
    fn check_measured(trial: &Trial, metrics: &Metrics, name: &str) -> Result<(), String> {
        let usable = |value: &Value| value.as_f64().is_some_and(|value| !value.is_nan());
        let given = |metrics: &[(Arc<str>, Value)]| {
            let mut metrics = metrics.iter();
            let found = metrics.find(|(known, _)| known.as_ref() == name);
            found.map(|(_, value)| value.clone())
        };
        match given(metrics) {
            Some(value) if usable(&value) => Ok(()),
            Some(value) => Err(format!("{value} ({})", value.type_name())),
            None => {
                let mut earlier = trial.measurements.iter().filter_map(|m| given(&m.metrics));
                if earlier.any(|value| usable(&value)) {
                    Ok(())
                } else {
                    Err("missing".to_string())
                }
            }
        }
    }

    /// Adds the final measurement and checks that every objective, and every metric with a
    /// limit, has a value at all.
    fn final_metrics(
        &self,
        trial: &Trial,
        step: Option<u64>,
        metrics: Metrics,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        for objective in self.definition().objectives() {
            let checked = Self::check_measured(trial, &metrics, &objective.name);
            checked.map_err(|found| Refusal::NoObjective {
                objective: objective.name.clone(),
                found,
            })?;
        }
        for constraint in &self.definition().outcome_constraints {
            let checked = Self::check_measured(trial, &metrics, &constraint.metric);
            checked.map_err(|found| Refusal::NoOutcome {
                metric: constraint.metric.clone(),
                found,
            })?;
        }
        if metrics.is_empty() {
            return Ok(());
        }
        let attempt = trial.attempt();
        let last = trial.measurements.last();
        let step = match (step, last) {
            (Some(step), _) => step,
            (None, None) => 0,
            (None, Some(last)) if same_metrics(&last.metrics, &metrics) => return Ok(()),
            (None, Some(last)) => last.step.saturating_add(1),
        };
        let known = trial
            .measurements
            .iter()
            .find(|m| m.step == step && m.attempt == attempt);
        match known {
            None => events.push(Event::Measured {
                trial: trial.number,
                attempt,
                step,
                metrics,
            }),
            Some(known) if same_metrics(&known.metrics, &metrics) => {}
            // The final metrics of a step that was reported before stand one step later.
            Some(_) => {
                let step = last.map_or(step, |last| last.step).saturating_add(1);
                events.push(Event::Measured {
                    trial: trial.number,
                    attempt,
                    step,
                    metrics,
                });
            }
        }
        Ok(())
    }

    fn end_of_stop(trial: &Trial) -> AttemptEnd {
        match trial.last_attempt().and_then(|attempt| attempt.stop) {
            Some(StopCause::Cancelled) => AttemptEnd::Cancelled,
            Some(StopCause::PreEmpted) => AttemptEnd::Failed(FailureCause::PreEmpted),
            Some(StopCause::Pruned) | None => AttemptEnd::Pruned,
        }
    }

    fn state_after(&self, trial: &Trial, end: AttemptEnd) -> TrialState {
        match end {
            AttemptEnd::Completed => TrialState::Completed,
            AttemptEnd::Pruned => TrialState::Pruned,
            AttemptEnd::Cancelled => TrialState::Cancelled,
            AttemptEnd::Failed(cause) => {
                let earlier = trial.attempts.iter().filter(|attempt| {
                    attempt.end == Some(AttemptEnd::Failed(cause)) && attempt.stop.is_none()
                });
                let granted = self.definition().retry.of(cause) as usize;
                // A stop of ours is no failure of the trial: it never runs out of retries.
                let ours = trial.last_attempt().and_then(|a| a.stop) == Some(StopCause::PreEmpted);
                if ours || earlier.count() < granted {
                    TrialState::Queued
                } else {
                    TrialState::Failed
                }
            }
        }
    }

    /// Asks a running attempt to stop; asking again changes nothing.
    pub fn request_stop(
        &self,
        number: u64,
        cause: StopCause,
        reason: &str,
    ) -> Result<Vec<Event>, Refusal> {
        let trial = self.known_trial(number)?;
        match (trial.state, trial.last_attempt()) {
            (TrialState::Running, Some(attempt)) if attempt.stop.is_some() => Ok(Vec::new()),
            (TrialState::Running, Some(_)) => Ok(vec![Event::StopRequested {
                trial: number,
                attempt: trial.attempt(),
                cause,
                reason: reason.into(),
            }]),
            _ => Err(wrong_state(trial, "only a running trial can be stopped")),
        }
    }

    /// Cancels a trial: at once if it is queued, by a stop request if it runs.
    pub fn cancel_trial(&self, number: u64) -> Result<Vec<Event>, Refusal> {
        let trial = self.known_trial(number)?;
        match trial.state {
            TrialState::Queued => Ok(vec![Event::TrialCancelled { trial: number }]),
            TrialState::Running => {
                self.request_stop(number, StopCause::Cancelled, "cancelled by a user")
            }
            _ => Err(wrong_state(
                trial,
                "only a queued or running trial can be cancelled",
            )),
        }
    }

    /// Puts a trial that ended without success into the queue again.
    pub fn retry(&self, number: u64) -> Result<Vec<Event>, Refusal> {
        let trial = self.known_trial(number)?;
        match trial.state {
            TrialState::Failed | TrialState::Pruned | TrialState::Cancelled => {
                Ok(vec![Event::TrialRequeued { trial: number }])
            }
            _ => Err(wrong_state(
                trial,
                "only a failed, pruned or cancelled trial can be retried",
            )),
        }
    }

    /// Pauses the study.
    pub fn pause(&self) -> Result<Vec<Event>, Refusal> {
        match (self.finished(), self.is_paused()) {
            (Some(_), _) => Err(Refusal::StudyState {
                state: self.status(),
            }),
            (None, true) => Ok(Vec::new()),
            (None, false) => Ok(vec![Event::StudyPaused]),
        }
    }

    /// Lets a paused or cancelled study go on.
    pub fn resume(&self) -> Vec<Event> {
        if self.is_paused() || self.finished().is_some() {
            vec![Event::StudyResumed]
        } else {
            Vec::new()
        }
    }

    /// Cancels the study with its queued and running trials.
    pub fn cancel(&self) -> Vec<Event> {
        if self.finished() == Some(FinishReason::Cancelled) {
            return Vec::new();
        }
        let queued = self.queued().map(|trial| Event::TrialCancelled { trial });
        let running = self.running().flat_map(|number| {
            self.request_stop(number, StopCause::Cancelled, "the study was cancelled")
                .unwrap_or_default()
        });
        let end = Event::StudyFinished {
            reason: FinishReason::Cancelled,
        };
        queued.chain(running).chain([end]).collect()
    }

    /// The end of every attempt whose lease ran out.
    pub fn expire_leases(&self, now_ms: i64) -> Vec<Event> {
        let silent = self.running().filter_map(|number| {
            let trial = self.trial(number)?;
            let attempt = trial.last_attempt()?;
            let lease_ms = attempt.lease_ms? as i64;
            (now_ms - attempt.heard_ms > lease_ms).then_some((number, trial.attempt(), lease_ms))
        });
        silent
            .flat_map(|(number, attempt, lease_ms)| {
                let message = format!("nothing was heard of it for {} s", lease_ms / 1000);
                let told = Told::Failed {
                    cause: FailureCause::Lost,
                    message,
                };
                self.tell(number, attempt, told).unwrap_or_default()
            })
            .collect()
    }

    /// Why the stopping rule would end a running trial now, if it would.
    pub fn stopping_verdict(&self, number: u64) -> Option<String> {
        let rule = self.definition().stopping_rule.as_ref()?;
        let trial = self
            .trial(number)
            .filter(|trial| trial.state == TrialState::Running)?;
        rule.verdict(&Situation {
            trial,
            trials: self.trials(),
            direction: self.definition().objective.direction,
            seed: self.definition().seed,
        })
    }

    fn known_trial(&self, number: u64) -> Result<&Trial, Refusal> {
        self.trial(number).ok_or(Refusal::UnknownTrial {
            number,
            trials: self.trials().len(),
        })
    }

    fn running_attempt(
        &self,
        number: u64,
        attempt: u32,
        wish: &'static str,
    ) -> Result<&Trial, Refusal> {
        let trial = self.known_trial(number)?;
        if trial.attempt() != attempt {
            return Err(Refusal::StaleAttempt {
                number,
                attempt,
                current: trial.attempt(),
            });
        }
        if trial.state != TrialState::Running {
            return Err(wrong_state(trial, wish));
        }
        Ok(trial)
    }
}

fn created(trial: u64, proposal: Proposal, origin: Origin) -> Event {
    Event::TrialCreated {
        trial,
        configuration: proposal.configuration,
        origin,
        reason: proposal.reason,
        memo: proposal.memo.map(Box::new),
    }
}

fn wrong_state(trial: &Trial, wish: &'static str) -> Refusal {
    Refusal::WrongState {
        number: trial.number,
        state: trial.state.name(),
        wish,
    }
}

/// Whether two reports say the same, NaN counting as equal to NaN.
fn same_metrics(known: &[(Arc<str>, Value)], metrics: &[(Arc<str>, Value)]) -> bool {
    let same = |a: &Value, b: &Value| match (a, b) {
        (Value::Float(a), Value::Float(b)) => a == b || (a.is_nan() && b.is_nan()),
        _ => a.means_the_same(b),
    };
    known.len() == metrics.len()
        && known
            .iter()
            .zip(metrics)
            .all(|((n, v), (m, w))| n == m && same(v, w))
}
