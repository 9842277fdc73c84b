//! The switch by which a signal handler asks a run to stop.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How urgently a run is to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopLevel {
    /// Not at all.
    #[default]
    None,
    /// Start no further trial; end when the running ones have ended.
    Gently,
    /// End the running trials (SIGTERM and their grace period); they are queued again.
    Now,
    /// Kill them.
    Kill,
}

/// Shared between a run and whoever stops it.
#[derive(Clone, Debug, Default)]
pub struct StopSwitch {
    shared: Arc<(Mutex<StopLevel>, Condvar)>,
}

impl StopSwitch {
    /// How urgently to stop.
    pub fn level(&self) -> StopLevel {
        *self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for at least this level.
    pub fn raise(&self, level: StopLevel) {
        let mut current = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        *current = level.max(*current);
        self.shared.1.notify_all();
    }

    /// Asks for one level more; returns the new one.
    pub fn raise_by_one(&self) -> StopLevel {
        let next = match self.level() {
            StopLevel::None => StopLevel::Gently,
            StopLevel::Gently => StopLevel::Now,
            StopLevel::Now | StopLevel::Kill => StopLevel::Kill,
        };
        self.raise(next);
        next
    }

    /// Waits for a time, or until the level changes.
    pub fn wait(&self, time: Duration) {
        let level = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.shared.1.wait_timeout(level, time));
    }
}
