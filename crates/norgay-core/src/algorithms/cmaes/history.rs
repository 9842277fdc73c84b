//! The distribution as a fold over the trials of a study.

use crate::algorithm::View;
use crate::random::{Purpose, Stream};
use crate::trial::{Origin, Trial};

use super::Options;
use super::coordinates::{Coordinates, Point};
use super::memo::{Change, Memo, Start};
use super::run::Run;
use super::start;

/// So many generations after its own, a result still counts.
const MAX_AGE: u64 = 3;

/// What the trials so far have made of the distribution: a function of their configurations and
/// memos, which never change.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct History {
    seed: u64,
    /// How many trials of the view are folded in, and the number of the last one.
    seen: usize,
    last_number: u64,
    /// `None` before the first suggestion.
    pub run: Option<Run>,
    pub generation: u64,
    /// The trials that may still be ranked.
    pub candidates: Vec<Candidate>,
}

/// A trial that may still be ranked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    pub number: u64,
    /// Its position in the view.
    pub position: usize,
    /// The generation in which it was made.
    pub born: u64,
    /// Where it is, if it was drawn from the distribution.
    pub point: Option<Point>,
    /// Whether the algorithm made it.
    pub own: bool,
}

impl History {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            seen: 0,
            last_number: 0,
            run: None,
            generation: 0,
            candidates: Vec::new(),
        }
    }

    /// Whether the view may be a later one of the study that was folded in.
    pub fn belongs_to(&self, view: &View<'_>) -> bool {
        let last = self.seen.checked_sub(1).map(|last| view.trials.get(last));
        self.seed == view.seed
            && last.is_none_or(|trial| trial.is_some_and(|t| t.number == self.last_number))
    }

    /// Folds in the trials that are new in the view. `prepared` may hold what the next change
    /// leads to.
    pub fn follow(
        &mut self,
        view: &View<'_>,
        options: &Options,
        coordinates: &Coordinates,
        prepared: &mut Option<(Change, Run)>,
    ) {
        for position in self.seen..view.trials.len() {
            let Some(trial) = view.trials.get(position) else {
                continue;
            };
            let memo = (view.trials.origin(trial) == Origin::Suggested)
                .then(|| view.trials.memo(trial).and_then(Memo::read))
                .flatten();
            let mut point = None;
            let own = memo.is_some();
            if let Some(memo) = memo {
                match prepared.take() {
                    Some((change, run)) if change == memo.change => {
                        self.step(&memo.change, Some(run));
                    }
                    _ => {
                        let (change, stream) = (&memo.change, memo.stream);
                        let next = self.after(view, options, coordinates, change, stream);
                        self.step(change, next);
                    }
                }
                point = self.point_of(view, coordinates, trial, &memo);
            }
            self.candidates.push(Candidate {
                number: trial.number,
                position,
                born: self.generation,
                point,
                own,
            });
            self.seen = position + 1;
            self.last_number = trial.number;
        }
    }

    /// The point that an own trial was drawn as.
    fn point_of(
        &self,
        view: &View<'_>,
        coordinates: &Coordinates,
        trial: &Trial,
        memo: &Memo,
    ) -> Option<Point> {
        let run = self.run.as_ref()?;
        let mut stream = Stream::new(view.seed, memo.stream, Purpose::Variation);
        let mut point = None;
        for _ in 0..=memo.draw? {
            point = Some(run.distribution.draw(&mut stream));
        }
        let mut point = point?;
        coordinates.mark_inactive(view.space, &trial.configuration, &mut point);
        Some(point)
    }

    /// The run that a change leads to.
    pub fn after(
        &self,
        view: &View<'_>,
        options: &Options,
        coordinates: &Coordinates,
        change: &Change,
        stream: u64,
    ) -> Option<Run> {
        match change {
            Change::None => None,
            Change::Begin { from, .. } => {
                let distribution = self.started(view, options, coordinates, from);
                Some(Run::first(distribution, options.population(coordinates)))
            }
            Change::Rank(ranked) => {
                let mut run = self.run.clone()?;
                self.rank(view, coordinates, ranked, &mut run);
                Some(run)
            }
            Change::Restart => {
                let run = self.run.as_ref()?;
                Some(run.next(options, coordinates, (view.seed, stream)))
            }
        }
    }

    /// Takes the next run over, and with it what the change means for the candidates.
    fn step(&mut self, change: &Change, next: Option<Run>) {
        let Some(run) = next else { return };
        self.run = Some(run);
        match change {
            Change::None => {}
            Change::Begin { waiting, .. } => {
                self.candidates.retain(|c| waiting.contains(&c.number));
            }
            Change::Rank(ranked) => {
                self.generation += 1;
                let oldest = self.generation.saturating_sub(MAX_AGE);
                self.candidates
                    .retain(|c| c.born >= oldest && !ranked.contains(&c.number));
            }
            Change::Restart => {
                self.generation += 1;
                self.candidates.clear();
            }
        }
    }

    fn started(
        &self,
        view: &View<'_>,
        options: &Options,
        coordinates: &Coordinates,
        from: &Start,
    ) -> super::distribution::Distribution {
        let middle = vec![0.5; coordinates.axes.len()];
        let point = |number: &u64| {
            let candidate = self.candidates.iter().find(|c| c.number == *number)?;
            let trial = view.trials.get(candidate.position)?;
            Some(coordinates.point(view.space, &trial.configuration, &middle))
        };
        let points: Vec<Point> = match from {
            Start::Centre => Vec::new(),
            Start::Best(best) => point(best).into_iter().collect(),
            Start::History(best) => best.iter().filter_map(point).collect(),
        };
        match (from, points.as_slice()) {
            (_, []) => start::centre(coordinates, options.sigma),
            (Start::History(_), points) => start::among(coordinates, points),
            (_, [best, ..]) => start::around(coordinates, options.sigma, best),
        }
    }

    fn rank(&self, view: &View<'_>, coordinates: &Coordinates, ranked: &[u64], run: &mut Run) {
        let mean = run.distribution.gaussian.mean.clone();
        let mut points: Vec<(bool, Point)> = Vec::with_capacity(ranked.len());
        let mut positions = Vec::with_capacity(ranked.len());
        for number in ranked {
            let Some(candidate) = self.candidates.iter().find(|c| c.number == *number) else {
                continue;
            };
            let Some(trial) = view.trials.get(candidate.position) else {
                continue;
            };
            let own = candidate.born == self.generation && candidate.point.is_some();
            let point = candidate
                .point
                .clone()
                .unwrap_or_else(|| coordinates.point(view.space, &trial.configuration, &mean));
            points.push((own, point));
            positions.push(candidate.position);
        }
        let borrowed: Vec<(bool, &Point)> = points.iter().map(|(own, p)| (*own, p)).collect();
        run.distribution.update(view.space, coordinates, &borrowed);
        run.count(positions);
    }
}
