//! What CMA-ES notes on its trials: enough to rebuild its distribution from the log.
//!
//! The notes are about what was decided when a trial was suggested. Values may change later (a
//! failed trial is tried again), and results may come in any order; the notes stay.

use crate::value::Value;

const GENERATION: &str = "generation";
const STREAM: &str = "stream";
const DRAW: &str = "draw";
const RANKED: &str = "ranked";
const RESTART: &str = "restart";
const START: &str = "start";
const HISTORY: &str = "history";
const WAITING: &str = "waiting";

/// The notes on one trial.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Memo {
    /// The generation that it belongs to.
    pub generation: u64,
    /// The number of its random stream.
    pub stream: u64,
    /// Which point of the stream it is; `None` if none was feasible and it was sampled evenly.
    pub draw: Option<u64>,
    /// What happened to the distribution just before.
    pub change: Change,
}

/// What happens to the distribution between two trials. Trials are given by their numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// A first distribution is made.
    Begin {
        /// Trials that it is made of.
        from: Start,
        /// Trials of others that still ran then; they are ranked when they have ended.
        waiting: Vec<u64>,
    },
    /// These trials, the best first, end a generation.
    Rank(Vec<u64>),
    /// A new run begins.
    Restart,
}

/// What a first distribution is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Start {
    /// Nothing.
    Centre,
    /// The best trial so far.
    Best(u64),
    /// The best part of a history.
    History(Vec<u64>),
}

fn numbers(items: &[u64]) -> Value {
    let items: Vec<Value> = items.iter().map(|n| Value::Int(*n as i64)).collect();
    items.into()
}

impl Memo {
    pub fn write(&self) -> Value {
        let number = |n: u64| Value::Int(n as i64);
        let mut pairs = vec![
            (GENERATION, number(self.generation)),
            (STREAM, number(self.stream)),
            (DRAW, self.draw.map_or(Value::None, number)),
        ];
        match &self.change {
            Change::None => {}
            Change::Begin { from, waiting } => {
                pairs.push(match from {
                    Start::Centre => (START, Value::None),
                    Start::Best(best) => (START, number(*best)),
                    Start::History(best) => (HISTORY, numbers(best)),
                });
                if !waiting.is_empty() {
                    pairs.push((WAITING, numbers(waiting)));
                }
            }
            Change::Rank(ranked) => pairs.push((RANKED, numbers(ranked))),
            Change::Restart => pairs.push((RESTART, Value::Bool(true))),
        }
        let pairs = pairs.into_iter();
        Value::Dict(pairs.map(|(key, value)| (key.into(), value)).collect())
    }

    /// Reads notes; `None` if they are not of this algorithm.
    pub fn read(value: &Value) -> Option<Self> {
        let number = |value: &Value| u64::try_from(value.as_i64()?).ok();
        let list = |key: &str| -> Option<Vec<u64>> {
            let items = value.get(key)?.as_items()?;
            Some(items.iter().filter_map(number).collect())
        };
        let change = if let Some(ranked) = list(RANKED) {
            Change::Rank(ranked)
        } else if value.get(RESTART).is_some() {
            Change::Restart
        } else {
            let history = list(HISTORY).map(Start::History);
            let start = value.get(START);
            let start = start.map(|start| number(start).map_or(Start::Centre, Start::Best));
            let waiting = list(WAITING).unwrap_or_default();
            match history.or(start) {
                Some(from) => Change::Begin { from, waiting },
                None => Change::None,
            }
        };
        Some(Self {
            generation: number(value.get(GENERATION)?)?,
            stream: number(value.get(STREAM)?)?,
            draw: number(value.get(DRAW)?),
            change,
        })
    }
}
