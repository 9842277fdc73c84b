//! The algorithms as a driver of the quality benchmark (`benches/quality`): one JSON object a line
//! on the standard input, one answer a line on the standard output. The CPU time in an answer is
//! that of the algorithm's suggestion alone.
//!
//! - `{"op": "init", "algorithm": "gp:acquisition=lcb", "space": [...], "seed": 0, "budget": 100}`
//!   begins a study; `"mf": 27` says that trials report up to 27 steps, and `+asha` after the
//!   algorithm adds that stopping rule. Without a budget, or with steps, the study has no limit.
//!   `"objectives": 2` says how many there are; `tell` then gives `"values"`.
//! - `{"op": "ask"}` gives `{"id", "params", "reason", "cpu", "wall"}`, or `{"wait": true}`, or
//!   `{"done": true}`; where the algorithm says how far to train, `{"epochs", "cfg"}` too, the
//!   latter equal for trials of which one goes on where the other stopped.
//! - `{"op": "report", "id": 1, "step": 3, "value": 0.5}` gives `{"stop": false}`.
//! - `{"op": "tell", "id": 1, "value": 0.5}`; without a value the trial failed.
//! - `{"op": "inject", "rows": [[params, value], ...]}` adds finished trials.
//! - `{"op": "rss"}` gives the most memory that the process had.

#![allow(missing_docs)]

use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};
use norgay_core::algorithm::{Algorithm, AlgorithmError, Suggestion, View};
use norgay_core::algorithms;
use norgay_core::decision::{Next, Told};
use norgay_core::definition::{
    AlgorithmChoice, Budget, Direction, Objective, RetryPolicy, StudyDefinition, ValueOf,
};
use norgay_core::event::{Event, Record};
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::stopping::StoppingRule;
use norgay_core::trial::{FailureCause, Metrics, Trial};
use norgay_core::{Configuration, Space, Study, Value};
use serde::Deserialize;
use serde_json::json;

type Failure = Box<dyn std::error::Error>;

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Request {
    Init(Start),
    Ask,
    Report {
        id: u64,
        step: u64,
        value: f64,
    },
    Tell {
        id: u64,
        #[serde(default)]
        value: Option<f64>,
        #[serde(default)]
        values: Vec<f64>,
    },
    Inject {
        rows: Vec<(Values, Option<f64>)>,
    },
    Rss,
}

type Values = serde_json::Map<String, serde_json::Value>;

#[derive(Deserialize)]
struct Start {
    algorithm: String,
    space: Vec<Dimension>,
    seed: u64,
    #[serde(default)]
    budget: Option<u64>,
    #[serde(default)]
    mf: u64,
    #[serde(default)]
    objectives: usize,
}

/// A parameter in the benchmark's neutral form (`space.py`).
#[derive(Deserialize)]
struct Dimension {
    name: String,
    #[serde(flatten)]
    kind: Kind,
    #[serde(default)]
    when: Option<When>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Kind {
    Float {
        low: f64,
        high: f64,
        #[serde(default)]
        log: bool,
    },
    Int {
        low: i64,
        high: i64,
        #[serde(default)]
        log: bool,
    },
    Cat {
        choices: Vec<Value>,
    },
    Ordinal {
        choices: Vec<Value>,
    },
}

#[derive(Deserialize)]
struct When {
    param: String,
    r#in: Vec<Value>,
}

impl Dimension {
    fn parameter(self) -> Parameter {
        let scale = |log| if log { Scale::Log } else { Scale::Linear };
        let domain = match self.kind {
            Kind::Float { low, high, log } => Domain::Continuous {
                low,
                high,
                scale: scale(log),
                step: None,
            },
            Kind::Int { low, high, log } => Domain::Discrete {
                low,
                high,
                scale: scale(log),
                step: None,
            },
            Kind::Cat { choices } => Domain::Choice { values: choices },
            Kind::Ordinal { choices } => Domain::Ordinal { values: choices },
        };
        let parameter = Parameter::new(self.name, domain);
        match self.when {
            Some(when) => parameter.when(&when.param, when.r#in),
            None => parameter,
        }
    }
}

/// `name:argument=value:argument=value`; a value is JSON, or else text.
fn choice(text: &str) -> AlgorithmChoice {
    let (name, arguments) = text.split_once(':').unwrap_or((text, ""));
    let pairs = arguments
        .split([':', ','])
        .filter_map(|pair| pair.split_once('='));
    let read = |value: &str| serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    AlgorithmChoice {
        name: name.to_string(),
        arguments: pairs
            .map(|(key, value)| (key.to_string(), read(value)))
            .collect(),
    }
}

/// An algorithm and the time that its suggestions took.
struct Timed {
    inner: Box<dyn Algorithm>,
    cpu: Duration,
    wall: Duration,
}

impl Algorithm for Timed {
    fn suggest(&mut self, view: &View<'_>) -> Result<Suggestion, AlgorithmError> {
        let (cpu, wall) = (cpu_time(), Instant::now());
        let suggestion = self.inner.suggest(view);
        self.wall += wall.elapsed();
        self.cpu += cpu_time().saturating_sub(cpu);
        suggestion
    }
}

fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

struct Session {
    study: Study,
    algorithm: Timed,
    /// The first trial of those that go on where another stopped, by number.
    first: HashMap<u64, u64>,
    clock_ms: i64,
}

impl Session {
    fn start(request: Start) -> Result<Self, Failure> {
        let (name, rule) = match request.algorithm.split_once('+') {
            Some((name, rule)) => (name, Some(stopping_rule(rule, request.mf)?)),
            None => (request.algorithm.as_str(), None),
        };
        let parameters = request.space.into_iter().map(Dimension::parameter);
        let space = Space::new(parameters.collect(), Vec::new()).map_err(|e| format!("{e:?}"))?;
        let algorithm = choice(name);
        let inner = algorithms::build(&algorithm, &space)?;
        let definition = StudyDefinition {
            space,
            objective: objective(0),
            more_objectives: (1..request.objectives.max(1)).map(objective).collect(),
            outcome_constraints: Vec::new(),
            algorithm,
            seed: request.seed,
            budget: Budget {
                trials: request.budget.filter(|_| request.mf == 0),
                ..Budget::default()
            },
            retry: RetryPolicy::default(),
            stopping_rule: rule,
        };
        let event = Event::StudyCreated {
            definition: Box::new(definition),
            execution: Box::new(serde_json::Value::Null),
        };
        let created = Record {
            sequence: 1,
            at_ms: 0,
            event,
        };
        Ok(Self {
            study: Study::begin(&created)?,
            algorithm: Timed {
                inner,
                cpu: Duration::ZERO,
                wall: Duration::ZERO,
            },
            first: HashMap::new(),
            clock_ms: 0,
        })
    }

    fn apply(&mut self, events: Vec<Event>) -> Result<(), Failure> {
        for event in events {
            self.clock_ms += 1;
            let record = Record {
                sequence: self.study.sequence() + 1,
                at_ms: self.clock_ms,
                event,
            };
            self.study.apply(record)?;
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Next, Failure> {
        let (runner, lease) = (Arc::from("benchmark"), Some(u64::MAX / 4));
        let next = self
            .study
            .next_start(&mut self.algorithm, &runner, lease, self.clock_ms)?;
        if let Next::Start { events, .. } = &next {
            self.apply(events.clone())?;
        }
        Ok(next)
    }

    fn ask(&mut self) -> Result<serde_json::Value, Failure> {
        (self.algorithm.cpu, self.algorithm.wall) = (Duration::ZERO, Duration::ZERO);
        let number = match self.next()? {
            Next::Start { trial, .. } => trial,
            Next::Over(_) => return Ok(json!({"done": true})),
            Next::Wait | Next::Paused => return Ok(json!({"wait": true})),
        };
        let trial = self.study.trial(number).ok_or("the trial is missing")?;
        let entries = trial.configuration.entries().iter();
        let params: Values = entries
            .map(|(name, value)| (name.to_string(), value.to_json()))
            .collect();
        let mut answer = json!({
            "id": number,
            "params": params,
            "reason": trial.reason.as_ref(),
            "cpu": self.algorithm.cpu.as_secs_f64(),
            "wall": self.algorithm.wall.as_secs_f64(),
        });
        if let Some(resource) = trial.configuration.get("resource").and_then(Value::as_i64) {
            let parent = trial.configuration.get("load_from");
            let parent: Option<u64> = parent.and_then(|text| text.as_text()?.parse().ok());
            let first = parent.map_or(number, |parent| *self.first.get(&parent).unwrap_or(&parent));
            self.first.insert(number, first);
            answer["epochs"] = json!(resource);
            answer["cfg"] = json!(first);
        }
        Ok(answer)
    }

    fn attempt(&self, number: u64) -> u32 {
        self.study.trial(number).map_or(0, Trial::attempt)
    }

    fn report(&mut self, number: u64, step: u64, value: f64) -> Result<bool, Failure> {
        let attempt = self.attempt(number);
        let events = self
            .study
            .report(number, attempt, Some(step), metrics(&[value]))?;
        self.apply(events)?;
        let Some(_verdict) = self.study.stopping_verdict(number) else {
            return Ok(false);
        };
        let events = self.study.tell(number, attempt, Told::Stopped)?;
        self.apply(events)?;
        Ok(true)
    }

    fn tell(&mut self, number: u64, values: Vec<f64>) -> Result<(), Failure> {
        let trial = self.study.trial(number).ok_or("there is no such trial")?;
        if trial.state.is_final() {
            return Ok(()); // Stopped at its last report.
        }
        let told = match values.first() {
            Some(_) if !trial.measurements.is_empty() => Told::Finished {
                step: None,
                metrics: Vec::new(),
            },
            Some(_) => Told::Finished {
                step: None,
                metrics: metrics(&values),
            },
            None => Told::Failed {
                cause: FailureCause::UserError,
                message: "no value".into(),
            },
        };
        let events = self.study.tell(number, trial.attempt(), told)?;
        self.apply(events)
    }

    fn inject(&mut self, values: Values, value: Option<f64>) -> Result<(), Failure> {
        let mut entries = Vec::new();
        for (name, value) in values {
            entries.push((Arc::from(name), serde_json::from_value(value)?));
        }
        let events = self.study.enqueue(&Configuration::new(entries))?;
        self.apply(events)?;
        match self.next()? {
            Next::Start { trial, .. } => self.tell(trial, value.into_iter().collect()),
            _ => Err("the injected trial does not start".into()),
        }
    }
}

fn objective(position: usize) -> Objective {
    Objective {
        name: format!("loss{position}").into(),
        direction: Direction::Minimize,
        value: ValueOf::Best,
    }
}

fn metrics(values: &[f64]) -> Metrics {
    let named = values.iter().enumerate();
    named
        .map(|(position, value)| (objective(position).name, Value::Float(*value)))
        .collect()
}

/// The rule of a name; `steps` is a trial's full length.
fn stopping_rule(name: &str, steps: u64) -> Result<StoppingRule, Failure> {
    let mut written = json!({"name": name});
    if name == "hyperband" {
        written["max_iterations"] = json!(steps);
    }
    Ok(serde_json::from_value(written)?)
}

fn answer(session: &mut Option<Session>, line: &str) -> Result<serde_json::Value, Failure> {
    let request = serde_json::from_str(line)?;
    if let Request::Init(start) = request {
        *session = Some(Session::start(start)?);
        return Ok(json!({"ok": true, "version": concat!("norgay ", env!("CARGO_PKG_VERSION"))}));
    }
    if let Request::Rss = request {
        let peak_kib = getrusage(UsageWho::RUSAGE_SELF)?.max_rss();
        return Ok(json!({"peak_mib": peak_kib as f64 / 1024.0}));
    }
    let session = session.as_mut().ok_or("init comes first")?;
    let (cpu, wall) = (cpu_time(), Instant::now());
    let mut answer = match request {
        Request::Ask => return session.ask(),
        Request::Report { id, step, value } => json!({"stop": session.report(id, step, value)?}),
        Request::Tell { id, value, values } => {
            session.tell(id, value.map_or(values, |value| vec![value]))?;
            json!({"ok": true})
        }
        Request::Inject { rows } => {
            for (params, value) in rows {
                session.inject(params, value)?;
            }
            json!({"ok": true})
        }
        Request::Init(_) | Request::Rss => unreachable!("answered above"),
    };
    answer["cpu"] = json!(cpu_time().saturating_sub(cpu).as_secs_f64());
    answer["wall"] = json!(wall.elapsed().as_secs_f64());
    Ok(answer)
}

fn main() -> io::Result<()> {
    let mut session = None;
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let answer = answer(&mut session, &line?)
            .unwrap_or_else(|failure| json!({"error": failure.to_string()}));
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}
