//! A study opened for work: every wish is decided on the newest state and stored before it counts.

use std::sync::Arc;

use norgay_core::Configuration;
use norgay_core::algorithm::{Algorithm, AlgorithmError};
use norgay_core::algorithms;
use norgay_core::decision::{Next, Refusal, Told};
use norgay_core::definition::StudyDefinition;
use norgay_core::event::{Event, Record};
use norgay_core::study::{DamagedLog, Study};
use norgay_core::trial::{Metrics, StopCause, Trial};

use crate::clock::Clock;
use crate::storage::{Storage, StorageError, StudyId};

/// Something went wrong with a study.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The log contradicts itself.
    #[error(transparent)]
    Damaged(#[from] DamagedLog),
    /// The algorithm can't go on.
    #[error(transparent)]
    Algorithm(#[from] AlgorithmError),
    /// The study does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No study of that name.
    #[error("there is no study named '{name}'{}", known_names(.known))]
    NotFound {
        /// The name given.
        name: String,
        /// Names in the storage.
        known: Vec<String>,
    },
    /// The study exists with another space or objective.
    #[error(
        "the study '{name}' exists with another {what}; give the new one another name, \
         or remove the old one with `norgay study rm {name}`"
    )]
    Different {
        /// The study's name.
        name: String,
        /// What differs.
        what: &'static str,
    },
}

fn known_names(known: &[String]) -> String {
    match known {
        [] => "; the storage has none".to_string(),
        known => format!("; the storage has {}", known.join(", ")),
    }
}

/// A study with its storage, its state and its algorithm.
pub struct OpenStudy {
    storage: Box<dyn Storage>,
    clock: Box<dyn Clock>,
    id: StudyId,
    name: String,
    study: Study,
    algorithm: Option<Box<dyn Algorithm>>,
}

/// A trial handed out by [`OpenStudy::ask`].
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The trial's number.
    pub trial: u64,
    /// The attempt's number: whoever reports or tells has to name it.
    pub attempt: u32,
    /// What to try.
    pub configuration: Configuration,
}

impl OpenStudy {
    /// Creates a study, or opens it if it exists with the same space, objective and seed.
    ///
    /// Budget, rules, algorithm and execution of an existing study are brought up to date.
    pub fn create_or_open(
        mut storage: Box<dyn Storage>,
        clock: Box<dyn Clock>,
        name: &str,
        definition: StudyDefinition,
        execution: serde_json::Value,
    ) -> Result<Self, StudyError> {
        if storage.find(name)?.is_some() {
            let mut open = Self::open(storage, clock, name)?;
            open.revise(definition, execution)?;
            return Ok(open);
        }
        algorithms::build(&definition.algorithm, &definition.space)?;
        algorithms::check_objectives(&definition.algorithm, definition.objectives().count())?;
        let event = Event::StudyCreated {
            definition: Box::new(definition),
            execution: Box::new(execution),
        };
        match storage.create(name, clock.now_ms(), &[event]) {
            // Another process was faster: it is an existing study now.
            Ok(_) | Err(StorageError::NameTaken { .. }) => Self::open(storage, clock, name),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a study by its name.
    pub fn open(
        mut storage: Box<dyn Storage>,
        clock: Box<dyn Clock>,
        name: &str,
    ) -> Result<Self, StudyError> {
        let Some(id) = storage.find(name)? else {
            let known = storage
                .studies()?
                .into_iter()
                .map(|(_, known)| known)
                .collect();
            return Err(StudyError::NotFound {
                name: name.to_string(),
                known,
            });
        };
        let study = Study::replay(storage.read(id, 0)?)?.ok_or(StorageError::NoStudy)?;
        Ok(Self {
            storage,
            clock,
            id,
            name: name.to_string(),
            study,
            algorithm: None,
        })
    }

    fn revise(
        &mut self,
        definition: StudyDefinition,
        execution: serde_json::Value,
    ) -> Result<(), StudyError> {
        let known = self.study.definition();
        let what = if known.space != definition.space {
            Some("search space")
        } else if known.objective != definition.objective {
            Some("objective")
        } else if known.more_objectives != definition.more_objectives {
            Some("objectives")
        } else if known.outcome_constraints != definition.outcome_constraints {
            Some("outcome constraints")
        } else if known.seed != definition.seed {
            Some("seed")
        } else {
            None
        };
        if let Some(what) = what {
            return Err(StudyError::Different {
                name: self.name.clone(),
                what,
            });
        }
        algorithms::build(&definition.algorithm, &definition.space)?;
        algorithms::check_objectives(&definition.algorithm, definition.objectives().count())?;
        if *known != definition || *self.study.execution() != execution {
            self.algorithm = None;
            self.commit(|_| {
                let event = Event::StudyRevised {
                    definition: Box::new(definition.clone()),
                    execution: Box::new(execution.clone()),
                };
                Ok((vec![event], ()))
            })?;
        }
        Ok(())
    }

    /// What the storage calls it.
    pub fn id(&self) -> StudyId {
        self.id
    }

    /// Where its storage is on this machine, if it is there.
    pub fn storage_path(&self) -> Option<&std::path::Path> {
        self.storage.path()
    }

    /// The study's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The state as last read.
    pub fn study(&self) -> &Study {
        &self.study
    }

    /// The time.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Reads what others appended; true if there was anything.
    pub fn sync(&mut self) -> Result<bool, StudyError> {
        let news = self.storage.read(self.id, self.study.sequence())?;
        let changed = !news.is_empty();
        for record in news {
            // A revision may have changed the algorithm.
            if matches!(record.event, Event::StudyRevised { .. }) {
                self.algorithm = None;
            }
            self.study.apply(record)?;
        }
        Ok(changed)
    }

    /// Stores what `decide` decides on the newest state, and applies it.
    ///
    /// `decide` is called again if another process appended meanwhile.
    pub fn commit<T>(
        &mut self,
        mut decide: impl FnMut(&Study) -> Result<(Vec<Event>, T), StudyError>,
    ) -> Result<T, StudyError> {
        loop {
            let (events, outcome) = decide(&self.study)?;
            if events.is_empty() || self.try_append(events)? {
                return Ok(outcome);
            }
        }
    }

    /// Appends and applies events; false (and up to date) if others appended first.
    fn try_append(&mut self, events: Vec<Event>) -> Result<bool, StudyError> {
        // Time never runs backwards in a log, whatever the machine's clock does.
        let at_ms = self.clock.now_ms().max(self.study.updated_ms());
        match self
            .storage
            .append(self.id, self.study.sequence(), at_ms, &events)
        {
            Ok(()) => {
                for event in events {
                    let sequence = self.study.sequence() + 1;
                    self.study.apply(Record {
                        sequence,
                        at_ms,
                        event,
                    })?;
                }
                Ok(true)
            }
            Err(StorageError::Conflict { .. }) => {
                self.sync()?;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Decides on the next trial to start and stores that it starts.
    pub fn next_start(
        &mut self,
        scheduler: &Arc<str>,
        lease_ms: Option<u64>,
    ) -> Result<Next, StudyError> {
        loop {
            let next = self.decide_next(scheduler, lease_ms)?;
            let events = self.events_of(&next);
            if events.is_empty() || self.try_append(events)? {
                return Ok(next);
            }
        }
    }

    fn events_of(&self, next: &Next) -> Vec<Event> {
        match next {
            Next::Start { events, .. } => events.clone(),
            Next::Over(reason) => self.study.finish(*reason),
            Next::Wait | Next::Paused => Vec::new(),
        }
    }

    fn decide_next(
        &mut self,
        scheduler: &Arc<str>,
        lease_ms: Option<u64>,
    ) -> Result<Next, StudyError> {
        let mut algorithm = match self.algorithm.take() {
            Some(algorithm) => algorithm,
            None => {
                let definition = self.study.definition();
                algorithms::build(&definition.algorithm, &definition.space)?
            }
        };
        let now_ms = self.clock.now_ms();
        let next = self
            .study
            .next_start(algorithm.as_mut(), scheduler, lease_ms, now_ms);
        self.algorithm = Some(algorithm);
        Ok(next?)
    }

    /// Hands out a trial to whoever evaluates it; `None` when there is none (now).
    ///
    /// The trial counts as lost when nothing is heard of it for `lease_ms`.
    pub fn ask(&mut self, lease_ms: u64) -> Result<Option<Asked>, StudyError> {
        self.sync()?;
        let now_ms = self.clock.now_ms();
        self.commit(|study| Ok((study.expire_leases(now_ms), ())))?;
        match self.next_start(&"external".into(), Some(lease_ms))? {
            Next::Start { trial, attempt, .. } => Ok(self.asked(trial, attempt)),
            Next::Wait | Next::Paused | Next::Over(_) => Ok(None),
        }
    }

    fn asked(&self, trial: u64, attempt: u32) -> Option<Asked> {
        let configuration = self.study.trial(trial)?.configuration.clone();
        Some(Asked {
            trial,
            attempt,
            configuration,
        })
    }

    /// Reports metrics of a running attempt; true if the attempt should stop.
    pub fn report(
        &mut self,
        trial: u64,
        attempt: u32,
        step: Option<u64>,
        metrics: &Metrics,
    ) -> Result<bool, StudyError> {
        self.sync()?;
        self.commit(|study| Ok((study.report(trial, attempt, step, metrics.clone())?, ())))?;
        self.should_stop(trial)
    }

    /// Tells how an attempt ended; telling it again changes nothing.
    pub fn tell(&mut self, trial: u64, attempt: u32, told: &Told) -> Result<(), StudyError> {
        self.sync()?;
        self.commit(|study| Ok((study.tell(trial, attempt, told.clone())?, ())))
    }

    /// Tells how an attempt ended and asks for the next trial, with one sync of the disk for both.
    pub fn tell_and_ask(
        &mut self,
        trial: u64,
        attempt: u32,
        told: &Told,
        lease_ms: u64,
    ) -> Result<Option<Asked>, StudyError> {
        self.sync()?;
        loop {
            let before = self.study.sequence();
            let mut events = self.study.tell(trial, attempt, told.clone())?;
            // The next trial depends on this result, so it is applied before it is stored; if
            // the storage then refuses, the state is derived anew from the log.
            self.apply_unstored(&events)?;
            let decided = self.decide_next(&"external".into(), Some(lease_ms));
            let next = match decided {
                Ok(next) => next,
                Err(error) => {
                    self.reload()?;
                    return Err(error);
                }
            };
            let following = self.events_of(&next);
            self.apply_unstored(&following)?;
            events.extend(following);
            let at_ms = self.study.updated_ms();
            let stored = if events.is_empty() {
                Ok(())
            } else {
                self.storage.append(self.id, before, at_ms, &events)
            };
            match (stored, next) {
                (Ok(()), Next::Start { trial, attempt, .. }) => {
                    return Ok(self.asked(trial, attempt));
                }
                (Ok(()), _) => return Ok(None),
                (Err(StorageError::Conflict { .. }), _) => self.reload()?,
                (Err(error), _) => {
                    self.reload()?;
                    return Err(error.into());
                }
            }
        }
    }

    fn apply_unstored(&mut self, events: &[Event]) -> Result<(), StudyError> {
        let at_ms = self.clock.now_ms().max(self.study.updated_ms());
        for event in events {
            let sequence = self.study.sequence() + 1;
            self.study.apply(Record {
                sequence,
                at_ms,
                event: event.clone(),
            })?;
        }
        Ok(())
    }

    /// Derives the state anew from the stored log.
    fn reload(&mut self) -> Result<(), StudyError> {
        let log = self.storage.read(self.id, 0)?;
        self.study = Study::replay(log)?.ok_or(StorageError::NoStudy)?;
        self.algorithm = None;
        Ok(())
    }

    /// Whether a running attempt should stop: it was asked to, or the stopping rule says so.
    ///
    /// The rule's verdict is stored, so that the trial then ends as pruned.
    pub fn should_stop(&mut self, trial: u64) -> Result<bool, StudyError> {
        self.commit(|study| {
            if study.stop_requested(trial).is_some() {
                return Ok((Vec::new(), true));
            }
            match study.stopping_verdict(trial) {
                None => Ok((Vec::new(), false)),
                Some(reason) => Ok((study.request_stop(trial, StopCause::Pruned, &reason)?, true)),
            }
        })
    }

    /// Puts a configuration into the queue; returns the trial's number.
    pub fn enqueue(&mut self, configuration: &Configuration) -> Result<u64, StudyError> {
        self.sync()?;
        self.commit(|study| Ok((study.enqueue(configuration)?, study.next_number())))
    }

    /// The trial of this number.
    pub fn trial(&self, number: u64) -> Result<&Trial, StudyError> {
        let trials = self.study.trials().len();
        Ok(self
            .study
            .trial(number)
            .ok_or(Refusal::UnknownTrial { number, trials })?)
    }

    /// Removes the study from its storage.
    pub fn delete(mut self) -> Result<(), StudyError> {
        Ok(self.storage.delete(self.id)?)
    }
}
