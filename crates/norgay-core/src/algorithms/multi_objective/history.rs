//! A study's trials as models of several objectives and constraints see them.

use std::collections::HashMap;

use crate::algorithm::View;
use crate::algorithms::encoding::Encoding;
use crate::algorithms::gaussian_process::search::Seen;
use crate::algorithms::lesson::{Lesson, Values};
use crate::numerics::pareto;

/// Larger values count as this.
const LARGEST: f64 = 1e150;

/// What is known of points, in the order of the trials' numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// Points with finite values of all objectives; each point once.
    pub points: Vec<Vec<f64>>,
    /// Means of the objectives at each point, in the sense of minimization.
    pub objectives: Vec<Vec<f64>>,
    /// Means of the constraints at each point; a constraint holds at 0 and below. NaN if unknown.
    pub constraints: Vec<Vec<f64>>,
    /// How much the constraints are violated at each point.
    pub violations: Vec<f64>,
    /// How many measurements each point has.
    pub repeats: Vec<f64>,
    /// Points that do not work.
    pub failures: Vec<Vec<f64>>,
    /// Points whose values are not known yet.
    pub pending: Vec<Vec<f64>>,
    /// All of these.
    pub seen: Seen,
}

impl History {
    /// Reads the trials that `view` shows. O(n (d + m)).
    pub fn read(view: &View<'_>, encoding: &Encoding) -> Self {
        let mut history = Self::default();
        let mut places: HashMap<Vec<u64>, usize> = HashMap::new();
        for trial in view.trials.iter() {
            let lesson = Lesson::all_of(trial, view);
            if lesson == Lesson::Nothing {
                continue;
            }
            let point = encoding.encode(view.space, &trial.configuration);
            history.seen.insert(&point);
            match lesson {
                Lesson::Value(values) => history.add(point, values, &mut places),
                Lesson::Failure => history.failures.push(point),
                Lesson::Pending | Lesson::Nothing => history.pending.push(point),
            }
        }
        history
    }

    fn add(&mut self, point: Vec<f64>, mut values: Values, places: &mut HashMap<Vec<u64>, usize>) {
        for value in &mut values.objectives {
            // Ranges and sums of larger ones would not be finite.
            *value = value.clamp(-LARGEST, LARGEST);
        }
        let key: Vec<u64> = point.iter().map(|x| x.to_bits()).collect();
        let Some(&place) = places.get(&key) else {
            places.insert(key, self.points.len());
            self.points.push(point);
            self.objectives.push(values.objectives);
            self.constraints.push(values.constraints);
            self.violations.push(values.violation);
            self.repeats.push(1.0);
            return;
        };
        let count = self.repeats[place];
        let share = 1.0 / (count + 1.0);
        // Shares keep the mean of two huge values finite.
        let mix = |known: &mut Vec<f64>, new: &[f64]| {
            for (known, new) in known.iter_mut().zip(new) {
                *known = *known * (1.0 - share) + new * share;
            }
        };
        mix(&mut self.objectives[place], &values.objectives);
        mix(&mut self.constraints[place], &values.constraints);
        self.violations[place] = self.violations[place].max(values.violation);
        self.repeats[place] = count + 1.0;
    }

    /// How many points are known of, in any way.
    pub fn len(&self) -> usize {
        self.points.len() + self.failures.len() + self.pending.len()
    }

    /// Positions of the points that keep all constraints.
    pub fn feasible(&self) -> Vec<usize> {
        let places = 0..self.points.len();
        places
            .filter(|place| self.violations[*place] <= 0.0)
            .collect()
    }

    /// Positions of the feasible points that no other feasible one dominates.
    pub fn front(&self) -> Vec<usize> {
        let feasible = self.feasible();
        let values: Vec<&[f64]> = feasible
            .iter()
            .map(|place| self.objectives[*place].as_slice())
            .collect();
        let front = pareto::front(&values).into_iter();
        front.map(|place| feasible[place]).collect()
    }

    /// The same with at most so many points: the front first, then others chosen in a way that
    /// does not change from one suggestion to the next.
    pub fn thinned(mut self, most: usize) -> Self {
        if self.points.len() <= most {
            return self;
        }
        let front = self.front();
        let on_front = |place: &usize| front.binary_search(place).is_ok();
        let mut others: Vec<usize> = (0..self.points.len()).filter(|k| !on_front(k)).collect();
        let scattered = |place: &usize| (*place as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        others.sort_by_key(scattered);
        let mut chosen: Vec<usize> = front.iter().copied().chain(others).take(most).collect();
        chosen.sort_unstable();
        let pick = |all: &[Vec<f64>]| chosen.iter().map(|k| all[*k].clone()).collect();
        let numbers = |all: &[f64]| chosen.iter().map(|k| all[*k]).collect();
        self.points = pick(&self.points);
        self.objectives = pick(&self.objectives);
        self.constraints = pick(&self.constraints);
        self.violations = numbers(&self.violations);
        self.repeats = numbers(&self.repeats);
        self
    }
}
