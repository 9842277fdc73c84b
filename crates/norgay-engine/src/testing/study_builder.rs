//! Studies for tests, put together from events as a log would be.

use std::sync::Arc;

use norgay_core::configuration::Configuration;
use norgay_core::definition::{
    AlgorithmChoice, Budget, Direction, Objective, RetryPolicy, StudyDefinition, ValueOf,
};
use norgay_core::event::{Event, Record};
use norgay_core::space::{Parameter, Space};
use norgay_core::trial::{AttemptEnd, Origin, TrialState};
use norgay_core::{Study, Value};

/// Builds a [`Study`] event by event. Panics where an event does not fit: that is a wrong test.
pub struct StudyBuilder {
    study: Study,
}

impl StudyBuilder {
    /// A study of these parameters that minimizes the metric `loss`.
    pub fn new(parameters: Vec<Parameter>) -> Self {
        Self::of(Self::definition(parameters))
    }

    /// The definition that [`StudyBuilder::new`] uses, to be changed and given to
    /// [`StudyBuilder::of`].
    pub fn definition(parameters: Vec<Parameter>) -> StudyDefinition {
        StudyDefinition {
            space: Space::new(parameters, Vec::new()).expect("a space without mistakes"),
            objective: Objective {
                name: "loss".into(),
                direction: Direction::Minimize,
                value: ValueOf::Best,
            },
            more_objectives: Vec::new(),
            outcome_constraints: Vec::new(),
            algorithm: AlgorithmChoice {
                name: "RandomSearch".into(),
                arguments: Vec::new(),
            },
            seed: 1,
            budget: Budget::default(),
            retry: RetryPolicy::default(),
            stopping_rule: None,
        }
    }

    /// A study of this definition.
    pub fn of(definition: StudyDefinition) -> Self {
        let event = Event::StudyCreated {
            definition: Box::new(definition),
            execution: Box::new(serde_json::Value::Null),
        };
        let study = Study::begin(&Record {
            sequence: 1,
            at_ms: 1_000,
            event,
        });
        Self {
            study: study.expect("the first event creates the study"),
        }
    }

    /// The study so far.
    pub fn study(&self) -> &Study {
        &self.study
    }

    /// Applies an event, one second after the last one.
    pub fn apply(&mut self, event: Event) {
        let record = Record {
            sequence: self.study.sequence() + 1,
            at_ms: self.study.updated_ms() + 1_000,
            event,
        };
        self.study.apply(record).expect("the event fits");
    }

    /// Creates a trial and gives its number.
    pub fn create(&mut self, configuration: &[(&str, Value)]) -> u64 {
        let trial = self.study.next_number();
        let entries = configuration.iter();
        self.apply(Event::TrialCreated {
            trial,
            configuration: entries
                .map(|(name, value)| (Arc::from(*name), value.clone()))
                .collect::<Configuration>(),
            origin: Origin::Suggested,
            reason: "for a test".into(),
            memo: None,
        });
        trial
    }

    /// Starts the next attempt of a queued trial.
    pub fn start(&mut self, trial: u64) {
        let attempt = self.attempt(trial) + 1;
        self.apply(Event::AttemptStarted {
            trial,
            attempt,
            scheduler: "test".into(),
            lease_ms: None,
        });
    }

    /// Adds a measurement to a running trial.
    pub fn measure(&mut self, trial: u64, step: u64, metrics: &[(&str, Value)]) {
        let attempt = self.attempt(trial);
        let metrics = metrics.iter();
        self.apply(Event::Measured {
            trial,
            attempt,
            step,
            metrics: metrics
                .map(|(name, value)| (Arc::from(*name), value.clone()))
                .collect(),
        });
    }

    /// Ends a running trial's attempt; the trial goes to `state`.
    pub fn end(&mut self, trial: u64, end: AttemptEnd, state: TrialState) {
        let attempt = self.attempt(trial);
        self.apply(Event::AttemptEnded {
            trial,
            attempt,
            end,
            state,
            message: None,
        });
    }

    /// A completed trial with one value of `loss`, measured at step 1.
    pub fn completed(&mut self, configuration: &[(&str, Value)], loss: f64) -> u64 {
        let trial = self.running(configuration);
        self.measure(trial, 1, &[("loss", Value::Float(loss))]);
        self.end(trial, AttemptEnd::Completed, TrialState::Completed);
        trial
    }

    /// A running trial.
    pub fn running(&mut self, configuration: &[(&str, Value)]) -> u64 {
        let trial = self.create(configuration);
        self.start(trial);
        trial
    }

    fn attempt(&self, trial: u64) -> u32 {
        self.study.trial(trial).expect("a known trial").attempt()
    }
}
