//! What may go wrong in the simulated cluster, and how often.

use norgay_core::random::{Purpose, Stream};

/// Chances of faults, each from 0 to 1.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// A call is refused with 429.
    pub busy: f64,
    /// A call gets no answer and has no effect.
    pub lost_request: f64,
    /// A call has its effect, but its answer is lost.
    pub lost_answer: f64,
    /// An event of the watch never arrives.
    pub lost_event: f64,
    /// The watch ends after an event, and is away for a while.
    pub watch_ends: f64,
    /// A list is as old as this many milliseconds.
    pub list_lag_ms: i64,
    /// A workflow that has ended is removed by somebody else soon after.
    pub removed_early: f64,
    /// A workflow that runs is removed by somebody else.
    pub vanishes: f64,
    /// A workflow runs on for ever though its trial is done.
    pub stuck: f64,
    /// Argo fails: phase Error.
    pub argo_error: f64,
    /// The machine is taken away.
    pub evicted: f64,
    /// The script fails.
    pub script_fails: f64,
    /// A call to the storage of files fails.
    pub files_fail: f64,
    /// The engine is killed at a step of its loop.
    pub engine_dies: f64,
    /// The longest time that a call of a dead engine is still on the way.
    pub late_ms: u64,
    /// The longest time until a controller takes a workflow up.
    pub slow_ms: u64,
}

impl Plan {
    /// Whether an attempt may end without its trial.
    pub fn costs_attempts(&self) -> bool {
        let faults = [
            self.vanishes,
            self.argo_error,
            self.evicted,
            self.engine_dies,
        ];
        faults.iter().any(|chance| *chance > 0.0)
    }
}

/// Each fault alone.
pub const ALONE: &[(&str, fn(&mut Plan))] = &[
    ("nothing", |_| {}),
    ("busy", |plan| plan.busy = 0.4),
    ("lost requests", |plan| plan.lost_request = 0.4),
    ("lost answers", |plan| plan.lost_answer = 0.4),
    ("lost events", |plan| plan.lost_event = 0.5),
    ("a watch that ends", |plan| plan.watch_ends = 0.3),
    ("a watch that tells nothing", |plan| plan.lost_event = 1.0),
    ("old lists", |plan| plan.list_lag_ms = 90_000),
    ("early removal", |plan| plan.removed_early = 0.7),
    ("vanishing", |plan| plan.vanishes = 0.2),
    ("stuck workflows", |plan| plan.stuck = 0.3),
    ("errors of Argo", |plan| plan.argo_error = 0.2),
    ("eviction", |plan| plan.evicted = 0.3),
    ("failing scripts", |plan| plan.script_fails = 0.2),
    ("failing files", |plan| plan.files_fail = 0.3),
    ("a dying engine", |plan| plan.engine_dies = 0.02),
    ("a dying engine's late calls", |plan| {
        plan.engine_dies = 0.05;
        plan.late_ms = 8_000;
    }),
    ("a slow controller", |plan| plan.slow_ms = 200_000),
];

impl Plan {
    /// Faults of all kinds together, as the seed wants them.
    pub fn mixed(seed: u64) -> Self {
        let mut stream = Stream::new(seed, 0, Purpose::Design);
        let mut chance = |most: f64| {
            let drawn = stream.unit() * most;
            if stream.unit() < 0.5 { drawn } else { 0.0 }
        };
        Self {
            busy: chance(0.3),
            lost_request: chance(0.3),
            lost_answer: chance(0.3),
            lost_event: chance(0.5),
            watch_ends: chance(0.2),
            list_lag_ms: chance(90_000.0) as i64,
            removed_early: chance(0.5),
            vanishes: chance(0.1),
            stuck: chance(0.2),
            argo_error: chance(0.1),
            evicted: chance(0.2),
            script_fails: chance(0.2),
            files_fail: chance(0.3),
            engine_dies: chance(0.01),
            late_ms: chance(8_000.0) as u64,
            slow_ms: chance(100_000.0) as u64,
        }
    }
}
