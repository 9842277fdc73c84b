//! A study's trials as the forest learns from them.

use std::collections::HashSet;

use crate::algorithm::View;
use crate::algorithms::lesson::Lesson;
use crate::space::Columns;

use super::transform::transformed;

/// Results beyond which only the best and the latest are modelled.
const MOST_RESULTS: usize = 2_000;
/// Pending trials beyond which only the latest count.
const MOST_PENDING: usize = 200;

/// A configuration's row, to the precision at which two are the same.
type Key = Vec<i64>;

fn key(row: &[f64]) -> Key {
    let cells = row.iter().map(|cell| libm::round(cell * 1e9) as i64);
    cells.collect()
}

/// A trial with a value.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub number: u64,
    pub row: Vec<f64>,
    /// The value after [`transformed`]; lower is better.
    pub value: f64,
}

/// What the trials teach.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Trials with a value, the best first.
    pub known: Vec<Known>,
    pub failed: Vec<Vec<f64>>,
    pub pending: Vec<Vec<f64>>,
    tried: HashSet<Key>,
}

impl History {
    pub(super) fn of(view: &View<'_>, columns: &Columns) -> Self {
        let mut this = Self::default();
        for trial in view.trials.iter() {
            let row = columns.row(view.space, &trial.configuration);
            let lesson = Lesson::of(trial, view.direction);
            if lesson != Lesson::Nothing {
                this.tried.insert(key(&row));
            }
            match lesson {
                Lesson::Value(value) => this.known.push(Known {
                    number: trial.number,
                    row,
                    value,
                }),
                Lesson::Failure => this.failed.push(row),
                Lesson::Pending => this.pending.push(row),
                Lesson::Nothing => {}
            }
        }
        this.shorten();
        let values: Vec<f64> = this.known.iter().map(|known| known.value).collect();
        for (known, value) in this.known.iter_mut().zip(transformed(&values)) {
            known.value = value;
        }
        this
    }

    /// Sorts by value and bounds what is modelled, so that a suggestion's cost is bounded too.
    fn shorten(&mut self) {
        let by_value = |a: &Known, b: &Known| a.value.total_cmp(&b.value);
        self.known
            .sort_by(|a, b| by_value(a, b).then(a.number.cmp(&b.number)));
        if self.known.len() > MOST_RESULTS {
            let mut rest = self.known.split_off(MOST_RESULTS / 2);
            rest.sort_by_key(|known| std::cmp::Reverse(known.number));
            rest.truncate(MOST_RESULTS / 2);
            self.known.append(&mut rest);
            self.known
                .sort_by(|a, b| by_value(a, b).then(a.number.cmp(&b.number)));
        }
        for (rows, most) in [
            (&mut self.failed, MOST_RESULTS),
            (&mut self.pending, MOST_PENDING),
        ] {
            let excess = rows.len().saturating_sub(most);
            rows.drain(..excess);
        }
    }

    /// How many trials have a value.
    pub(super) fn values(&self) -> usize {
        self.known.len()
    }

    /// The numbers of the best trials.
    pub(super) fn best(&self, most: usize) -> impl Iterator<Item = u64> {
        self.known.iter().take(most).map(|known| known.number)
    }

    /// Whether a trial has, or will have, taught what this row's configuration is worth.
    pub(super) fn has(&self, row: &[f64]) -> bool {
        self.tried.contains(&key(row))
    }
}
