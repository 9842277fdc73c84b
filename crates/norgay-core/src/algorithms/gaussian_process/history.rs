//! A study's trials as a model sees them.

use std::collections::{HashMap, VecDeque};

use crate::algorithm::View;
use crate::algorithms::encoding::Encoding;
use crate::algorithms::lesson::Lesson;
use crate::trial::Trial;

use super::search::Seen;

/// Finished trials that count as the latest.
const LATEST: usize = 10;

/// What is known of points, in the order of the trials' numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// Points with finite values; a point that was measured more than once is here once.
    pub(crate) points: Vec<Vec<f64>>,
    /// Means of the values at each point, in the sense of minimization.
    pub(crate) values: Vec<f64>,
    /// How many values each point has.
    pub(crate) repeats: Vec<f64>,
    /// What each point gave for the outcome constraints (kept at 0 and below), last.
    pub(crate) outcomes: Vec<Vec<f64>>,
    /// Logarithms of the run time of each point's last trial (of 1 ms at least).
    pub(crate) log_times: Vec<f64>,
    /// Points that do not work.
    pub(crate) failures: Vec<Vec<f64>>,
    /// Points whose values are not known yet.
    pub(crate) pending: Vec<Vec<f64>>,
    /// Which of the latest finished trials failed, latest last.
    pub(crate) latest_failed: VecDeque<bool>,
    /// All of these.
    pub(crate) seen: Seen,
}

impl History {
    /// Reads the trials that `view` shows. O(n d).
    pub(crate) fn read(view: &View<'_>, encoding: &Encoding) -> Self {
        Self::read_those(view, encoding, |_| true)
    }

    /// Reads some of the trials; the others are only remembered as seen.
    pub(crate) fn read_those(
        view: &View<'_>,
        encoding: &Encoding,
        is_wanted: impl Fn(&Trial) -> bool,
    ) -> Self {
        let mut history = Self::default();
        let mut places: HashMap<Vec<u64>, usize> = HashMap::new();
        for trial in view.trials.iter() {
            let lesson = Lesson::of(trial, view.direction);
            if lesson == Lesson::Nothing {
                continue;
            }
            let point = encoding.encode(view.space, &trial.configuration);
            history.seen.insert(&point);
            if !is_wanted(trial) {
                continue;
            }
            if matches!(lesson, Lesson::Value(_) | Lesson::Failure) {
                if history.latest_failed.len() == LATEST {
                    history.latest_failed.pop_front();
                }
                history.latest_failed.push_back(lesson == Lesson::Failure);
            }
            match lesson {
                Lesson::Value(value) => {
                    let outcomes = trial.constraints().to_vec();
                    // A limit whose metric is missing can't be kept.
                    if outcomes.iter().all(|c| c.is_finite()) {
                        let log_time = libm::log(trial.run_time_ms().max(1) as f64);
                        history.add(point, (value, log_time), outcomes, &mut places);
                    } else {
                        history.failures.push(point);
                    }
                }
                Lesson::Failure => history.failures.push(point),
                Lesson::Pending | Lesson::Nothing => history.pending.push(point),
            }
        }
        history
    }

    fn add(
        &mut self,
        point: Vec<f64>,
        (value, log_time): (f64, f64),
        outcomes: Vec<f64>,
        places: &mut HashMap<Vec<u64>, usize>,
    ) {
        let key: Vec<u64> = point.iter().map(|x| x.to_bits()).collect();
        if let Some(&place) = places.get(&key) {
            let count = self.repeats[place];
            // Shares keep the mean of two huge values finite.
            let share = 1.0 / (count + 1.0);
            self.values[place] = self.values[place] * (1.0 - share) + value * share;
            self.repeats[place] = count + 1.0;
            self.outcomes[place] = outcomes;
            self.log_times[place] = log_time;
            return;
        }
        places.insert(key, self.points.len());
        self.points.push(point);
        self.values.push(value);
        self.repeats.push(1.0);
        self.outcomes.push(outcomes);
        self.log_times.push(log_time);
    }

    /// The position of the best point that keeps the outcome constraints.
    pub(crate) fn best(&self) -> Option<usize> {
        let feasible = (0..self.values.len()).filter(|k| self.is_feasible(*k));
        feasible.min_by(|a, b| self.values[*a].total_cmp(&self.values[*b]))
    }

    /// Whether the point at a position keeps the outcome constraints.
    pub(crate) fn is_feasible(&self, position: usize) -> bool {
        self.outcomes[position]
            .iter()
            .all(|outcome| *outcome <= 0.0)
    }

    /// How many points are known of, in any way.
    pub(crate) fn len(&self) -> usize {
        self.points.len() + self.failures.len() + self.pending.len()
    }
}
