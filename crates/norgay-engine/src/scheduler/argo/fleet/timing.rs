//! How long the fleet waits for what.

/// Times in milliseconds.
#[derive(Clone, Debug)]
pub struct Timing {
    /// First wait after a call that failed; doubled with each failure.
    pub retry_first: i64,
    /// Longest wait after a call that failed.
    pub retry_most: i64,
    /// Time between two lists while the watch works.
    pub list: i64,
    /// Time between two lists while it doesn't.
    pub list_unwatched: i64,
    /// A workflow that a list lacks is looked for if it was not seen for so long: lists lag.
    pub missing_after: i64,
    /// A workflow without a phase is told of after this time.
    pub unseen_told_after: i64,
    /// A workflow that runs on for so long without news may have lost its end.
    pub stuck_after: i64,
    /// After its result was found, it still has so long to end by itself.
    pub stuck_patience: i64,
    /// Time between two looks for a result that should be there.
    pub result_again: i64,
    /// Least time between termination and deletion.
    pub delete_after: i64,
    /// The server is told to be unreachable after this time.
    pub outage_told_after: i64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            retry_first: 1_000,
            retry_most: 60_000,
            list: 60_000,
            list_unwatched: 15_000,
            missing_after: 30_000,
            unseen_told_after: 60_000,
            stuck_after: 600_000,
            stuck_patience: 120_000,
            result_again: 10_000,
            delete_after: 30_000,
            outage_told_after: 10_000,
        }
    }
}

/// When a call is tried again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    pub failures: u32,
    pub not_before_ms: i64,
}

impl Backoff {
    /// Notes a failure. `salt` spreads the tries of many that fail together, by half to one and a
    /// half times the wait.
    pub fn fail(&mut self, now_ms: i64, salt: u64, timing: &Timing) {
        let doubled = timing.retry_first << self.failures.min(16);
        let wait = doubled.min(timing.retry_most);
        self.failures += 1;
        let mixed = (salt ^ u64::from(self.failures)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
        let spread = i64::try_from(mixed).unwrap_or(0);
        self.not_before_ms = now_ms + wait / 2 + wait * spread / 1024;
    }

    /// Waits at least so long.
    pub fn wait_until(&mut self, at_ms: i64) {
        self.not_before_ms = self.not_before_ms.max(at_ms);
    }

    /// Notes a success.
    pub fn succeed(&mut self) {
        *self = Self::default();
    }
}

/// How many submissions may leave in a time.
#[derive(Clone, Debug)]
pub(super) struct SubmitGate {
    per_second: f64,
    tokens: f64,
    filled_ms: Option<i64>,
    closed_until_ms: i64,
}

impl SubmitGate {
    pub fn new(per_second: f64) -> Self {
        Self {
            per_second,
            tokens: per_second.max(1.0),
            filled_ms: None,
            closed_until_ms: i64::MIN,
        }
    }

    /// Takes leave for one submission.
    pub fn pass(&mut self, now_ms: i64) -> bool {
        let since = self.filled_ms.map_or(0, |filled| (now_ms - filled).max(0));
        self.filled_ms = Some(now_ms);
        let most = self.per_second.max(1.0);
        self.tokens = (self.tokens + self.per_second * since as f64 / 1_000.0).min(most);
        let is_open = now_ms >= self.closed_until_ms && self.tokens >= 1.0;
        if is_open {
            self.tokens -= 1.0;
        }
        is_open
    }

    /// Lets nothing through until then: the server is asked too often.
    pub fn close_until(&mut self, at_ms: i64) {
        self.closed_until_ms = self.closed_until_ms.max(at_ms);
    }
}
