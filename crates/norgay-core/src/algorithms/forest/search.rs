//! Where the acquisition is largest: many random points, then steps from the best of them and
//! from the best trials to better neighbours.

use crate::algorithm::AlgorithmError;
use crate::configuration::Configuration;
use crate::random::Stream;
use crate::space::{Columns, Domain, Space};

use super::acquisition::Acquisition;
use super::history::History;

/// Points drawn over the whole space.
const SCATTERED: usize = 400;
/// Points of each kind from which steps are taken.
const STARTS: usize = 5;
/// Steps from one start.
const STEPS: usize = 8;
/// Standard deviations of a number's neighbours, as parts of its range.
const REACHES: [f64; 4] = [0.2, 0.1, 0.03, 0.01];
/// Other values of a choice that one step looks at.
const MOST_OTHERS: u64 = 8;

#[derive(Clone)]
struct Candidate {
    places: Vec<f64>,
    promise: f64,
}

pub(super) struct Search<'a> {
    space: &'a Space,
    columns: &'a Columns,
    history: &'a History,
    acquisition: &'a Acquisition,
    stream: Stream,
    best: Option<(f64, Configuration)>,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        space: &'a Space,
        columns: &'a Columns,
        history: &'a History,
        acquisition: &'a Acquisition,
        stream: Stream,
    ) -> Self {
        Self {
            space,
            columns,
            history,
            acquisition,
            stream,
            best: None,
        }
    }

    /// The best new configuration; `None` if all that were looked at are known.
    ///
    /// O(points * (trees * depth + parameters)).
    pub(super) fn run(&mut self) -> Result<Option<Configuration>, AlgorithmError> {
        let mut scattered = Vec::with_capacity(SCATTERED);
        for _ in 0..SCATTERED {
            let places = self.random_places();
            scattered.extend(self.looked_at(places));
        }
        if scattered.is_empty() {
            // The constraints leave little: ask for it.
            for _ in 0..STARTS {
                let drawn = self.space.sample(&mut self.stream)?;
                let places = self.filled(&self.space.places(&drawn));
                scattered.extend(self.looked_at(places));
            }
        }
        scattered.sort_by(|a, b| b.promise.total_cmp(&a.promise));
        scattered.truncate(STARTS);
        let known: Vec<Vec<Option<f64>>> = self
            .history
            .known
            .iter()
            .take(STARTS)
            .map(|known| self.columns.places(&known.row))
            .collect();
        for places in known {
            let places = self.filled(&places);
            let promise = self.promise(&places);
            scattered.push(Candidate { places, promise });
        }
        for start in scattered {
            self.climb(start);
        }
        Ok(self.best.take().map(|(_, configuration)| configuration))
    }

    fn random_places(&mut self) -> Vec<f64> {
        let parameters = self.space.parameters().len();
        (0..parameters).map(|_| self.stream.unit()).collect()
    }

    /// The places with a random one wherever a parameter is inactive.
    fn filled(&mut self, places: &[Option<f64>]) -> Vec<f64> {
        let filled = places.iter();
        filled
            .map(|place| place.unwrap_or_else(|| self.stream.unit()))
            .collect()
    }

    fn promise(&self, places: &[f64]) -> f64 {
        self.acquisition
            .at(&self.columns.row_at(self.space, places))
    }

    /// The point as a candidate, if it is feasible; the best that is new is kept.
    fn looked_at(&mut self, places: Vec<f64>) -> Option<Candidate> {
        let constrained = !self.space.constraints().is_empty();
        if constrained && !self.space.is_feasible(&self.space.at(&places)) {
            return None;
        }
        let row = self.columns.row_at(self.space, &places);
        let promise = self.acquisition.at(&row);
        let is_better = self.best.as_ref().is_none_or(|(most, _)| promise > *most);
        if is_better && !self.history.has(&row) {
            self.best = Some((promise, self.space.at(&places)));
        }
        Some(Candidate { places, promise })
    }

    /// Steps to the best neighbour while that is better.
    fn climb(&mut self, mut at: Candidate) {
        for _ in 0..STEPS {
            let mut better: Option<Candidate> = None;
            for places in self.neighbours(&at.places) {
                let least = better.as_ref().map_or(at.promise, |known| known.promise);
                if let Some(candidate) = self.looked_at(places)
                    && candidate.promise > least
                {
                    better = Some(candidate);
                }
            }
            match better {
                Some(candidate) => at = candidate,
                None => return,
            }
        }
    }

    /// The points that differ in one active parameter.
    fn neighbours(&mut self, places: &[f64]) -> Vec<Vec<f64>> {
        let row = self.columns.row_at(self.space, places);
        let mut found = Vec::new();
        for (position, parameter) in self.space.parameters().iter().enumerate() {
            if !self.columns.is_active(&row, position) || parameter.domain.cardinality() == Some(1)
            {
                continue;
            }
            let moves = self.moves(&parameter.domain, places[position]);
            found.extend(moves.into_iter().map(|place| {
                let mut moved = places.to_vec();
                moved[position] = place;
                moved
            }));
        }
        found
    }

    /// Other places of one parameter.
    fn moves(&mut self, domain: &Domain, place: f64) -> Vec<f64> {
        if let Domain::Choice { values } = domain {
            let count = values.len() as u64;
            let own = ((place * count as f64) as u64).min(count - 1);
            let middle = |index: u64| (index as f64 + 0.5) / count as f64;
            if count <= MOST_OTHERS + 1 {
                return (0..count).filter(|i| *i != own).map(middle).collect();
            }
            let others = (0..MOST_OTHERS).map(|_| (own + 1 + self.stream.below(count - 1)) % count);
            return others.map(middle).collect();
        }
        let cell = domain.cardinality().map_or(0.0, |count| 1.0 / count as f64);
        let moved = REACHES.iter().map(|reach| {
            // Where values are listed, a step is at least one of them wide.
            let reach = reach.max(cell);
            reflected(place + reach * self.stream.normal())
        });
        moved.collect()
    }
}

/// A place beyond an end of the unit interval comes back from it.
fn reflected(place: f64) -> f64 {
    let folded = if place < 0.0 { -place } else { place };
    let folded = if folded > 1.0 { 2.0 - folded } else { folded };
    folded.clamp(0.0, 1.0)
}
