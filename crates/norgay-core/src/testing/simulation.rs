//! A study without an engine: its events are applied at once, and its clock is a counter.

use std::sync::Arc;

use crate::algorithm::{Algorithm, AlgorithmError, Suggestion};
use crate::algorithms;
use crate::configuration::Configuration;
use crate::decision::{Next, Refusal, Told};
use crate::definition::{
    AlgorithmChoice, Budget, Direction, Objective, RetryPolicy, StudyDefinition, ValueOf,
};
use crate::event::{Event, Record};
use crate::space::Space;
use crate::study::{DamagedLog, Study};
use crate::trial::{FailureCause, Metrics, Trial};
use crate::value::Value;

/// Runs a study and its algorithm step by step, and keeps the log.
pub struct Simulation {
    study: Study,
    algorithm: Box<dyn Algorithm>,
    log: Vec<Record>,
    clock_ms: i64,
}

/// Why a simulation can't go on.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The algorithm failed.
    #[error(transparent)]
    Algorithm(#[from] AlgorithmError),
    /// The study refused a step.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The events contradict each other.
    #[error(transparent)]
    Log(#[from] DamagedLog),
}

impl Simulation {
    /// A definition that minimizes `loss`, without limits.
    pub fn definition(space: Space, algorithm: AlgorithmChoice, seed: u64) -> StudyDefinition {
        StudyDefinition {
            space,
            objective: Objective {
                name: "loss".into(),
                direction: Direction::Minimize,
                value: ValueOf::Best,
            },
            more_objectives: Vec::new(),
            outcome_constraints: Vec::new(),
            algorithm,
            seed,
            budget: Budget::default(),
            retry: RetryPolicy::default(),
            stopping_rule: None,
        }
    }

    /// A new study.
    pub fn new(definition: StudyDefinition) -> Result<Self, SimulationError> {
        let algorithm = algorithms::build(&definition.algorithm, &definition.space)?;
        let event = Event::StudyCreated {
            definition: Box::new(definition),
            execution: Box::new(serde_json::Value::Null),
        };
        let record = Record {
            sequence: 1,
            at_ms: 0,
            event,
        };
        Ok(Self {
            study: Study::begin(&record)?,
            algorithm,
            log: vec![record],
            clock_ms: 0,
        })
    }

    /// The study as it is.
    pub fn study(&self) -> &Study {
        &self.study
    }

    /// All events so far.
    pub fn log(&self) -> &[Record] {
        &self.log
    }

    /// The time of the last event, in milliseconds.
    pub fn clock_ms(&self) -> i64 {
        self.clock_ms
    }

    /// Lets time pass.
    pub fn pass_ms(&mut self, milliseconds: i64) {
        self.clock_ms += milliseconds;
    }

    /// Stores events, each a millisecond after the one before.
    pub fn apply(&mut self, events: Vec<Event>) -> Result<(), SimulationError> {
        for event in events {
            self.clock_ms += 1;
            let record = Record {
                sequence: self.study.sequence() + 1,
                at_ms: self.clock_ms,
                event,
            };
            self.study.apply(record.clone())?;
            self.log.push(record);
        }
        Ok(())
    }

    /// What the algorithm would suggest now; nothing is started.
    pub fn suggestion(&mut self) -> Result<Suggestion, AlgorithmError> {
        self.algorithm.suggest(&self.study.view())
    }

    /// Starts the next trial, if there is one; the answer's events are applied.
    pub fn advance(&mut self) -> Result<Next, SimulationError> {
        let next = self.study.next_start(
            self.algorithm.as_mut(),
            &Arc::from("external"),
            Some(60_000),
            self.clock_ms,
        )?;
        if let Next::Start { events, .. } = &next {
            self.apply(events.clone())?;
        }
        Ok(next)
    }

    /// Starts the next trial and gives it, or `None` if there is nothing to start now.
    pub fn start(&mut self) -> Result<Option<&Trial>, SimulationError> {
        match self.advance()? {
            Next::Start { trial, .. } => Ok(self.study.trial(trial)),
            _ => Ok(None),
        }
    }

    /// Completes a running trial with a value.
    pub fn complete(&mut self, number: u64, value: f64) -> Result<(), SimulationError> {
        let metrics: Metrics = vec![("loss".into(), Value::Float(value))];
        self.tell(
            number,
            Told::Finished {
                step: None,
                metrics,
            },
        )
    }

    /// Fails a running trial for good (unless the definition grants retries of user errors).
    pub fn fail(&mut self, number: u64) -> Result<(), SimulationError> {
        let cause = FailureCause::UserError;
        let message = "failed".to_string();
        self.tell(number, Told::Failed { cause, message })
    }

    /// Tells the end of a trial's latest attempt.
    pub fn tell(&mut self, number: u64, told: Told) -> Result<(), SimulationError> {
        let attempt = self.study.trial(number).map_or(0, Trial::attempt);
        let events = self.study.tell(number, attempt, told)?;
        self.apply(events)
    }

    /// Puts a user's configuration into the queue.
    pub fn enqueue(&mut self, configuration: &Configuration) -> Result<(), SimulationError> {
        let events = self.study.enqueue(configuration)?;
        self.apply(events)
    }
}
