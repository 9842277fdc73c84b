//! What the trials of a view teach, kept up to date from one view to the next.
//!
//! All of it is a function of the view: trials that are new or have changed are entered anew, and
//! every order in it depends on the trials alone. Looking for changes compares one number a trial;
//! everything else costs the logarithm of the number of trials for each change.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::algorithm::View;
use crate::algorithms::lesson::Lesson;
use crate::algorithms::parzen::Structure;
use crate::trial::{Trial, TrialState};

/// The most configurations in the bad density.
const MOST_BAD: usize = 1_000;
/// The most pending ones among them, the latest.
const MOST_PENDING: usize = 500;

/// The order of trials with a value, the best first.
type Rank = (u8, u64, u64);

#[derive(Debug, Default)]
pub(super) struct History {
    /// What each trial looked like, in brief.
    stamps: Vec<u64>,
    entries: Vec<Entry>,
    /// Coordinates of all trials, one after the other.
    coordinates: Vec<f32>,
    /// The trials with a value, by rank and position.
    ranked: BTreeSet<(Rank, usize)>,
    /// The trials with a value and the failed ones, in a random but fixed order.
    shuffled: BTreeSet<(u64, usize)>,
    failed: usize,
    pending: BTreeSet<usize>,
    /// How often each configuration was tried.
    tried: HashMap<u64, u32>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    number: u64,
    kind: Kind,
    fingerprint: u64,
    tried: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Value(Rank),
    Failure,
    Pending,
    Nothing,
}

/// The positions of good and bad trials.
pub(super) struct Split {
    pub(super) good: Vec<usize>,
    pub(super) bad: Vec<usize>,
}

impl History {
    /// Brings everything up to the view.
    pub(super) fn look_at(&mut self, view: &View<'_>, structure: &Structure) {
        if view.trials.len() < self.entries.len() || !self.changes(view, structure) {
            *self = Self::default();
            self.changes(view, structure);
        }
    }

    /// Enters what changed; false if the trials are not those seen before.
    fn changes(&mut self, view: &View<'_>, structure: &Structure) -> bool {
        for (position, trial) in view.trials.iter().enumerate() {
            let stamp = stamp(trial);
            match self.stamps.get(position) {
                Some(known) if *known == stamp => {}
                Some(_) if self.entries[position].number != trial.number => return false,
                Some(_) => {
                    self.stamps[position] = stamp;
                    self.change(position, trial, view);
                }
                None => {
                    self.stamps.push(stamp);
                    self.add(position, trial, view, structure);
                }
            }
        }
        true
    }

    fn add(&mut self, position: usize, trial: &Trial, view: &View<'_>, structure: &Structure) {
        let places = view.space.places(&trial.configuration);
        self.coordinates.extend(structure.coordinates(&places));
        self.entries.push(Entry {
            number: trial.number,
            kind: Kind::Nothing,
            fingerprint: fingerprint(&places),
            tried: false,
        });
        self.change(position, trial, view);
    }

    fn change(&mut self, position: usize, trial: &Trial, view: &View<'_>) {
        let before = self.entries[position];
        let shuffle = (mixed(before.number), position);
        match before.kind {
            Kind::Value(rank) => {
                self.ranked.remove(&(rank, position));
                self.shuffled.remove(&shuffle);
            }
            Kind::Failure => {
                self.failed -= 1;
                self.shuffled.remove(&shuffle);
            }
            Kind::Pending => {
                self.pending.remove(&position);
            }
            Kind::Nothing => {}
        }
        let kind = kind(trial, view);
        match kind {
            Kind::Value(rank) => {
                self.ranked.insert((rank, position));
                self.shuffled.insert(shuffle);
            }
            Kind::Failure => {
                self.failed += 1;
                self.shuffled.insert(shuffle);
            }
            Kind::Pending => {
                self.pending.insert(position);
            }
            Kind::Nothing => {}
        }
        // What was lost may be tried again; what users cancelled was not wanted.
        let tried = kind != Kind::Nothing || trial.state == TrialState::Cancelled;
        let count = self.tried.entry(before.fingerprint).or_default();
        *count = (*count + u32::from(tried)).saturating_sub(u32::from(before.tried));
        if *count == 0 {
            self.tried.remove(&before.fingerprint);
        }
        self.entries[position].kind = kind;
        self.entries[position].tried = tried;
    }

    /// How many trials have a value.
    pub(super) fn valued(&self) -> usize {
        self.ranked.len()
    }

    /// How many trials have ended and taught something.
    pub(super) fn ended(&self) -> usize {
        self.ranked.len() + self.failed
    }

    /// How many trials have not ended.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// How many different configurations were tried.
    pub(super) fn distinct(&self) -> usize {
        self.tried.len()
    }

    /// Whether a configuration with these places was tried.
    pub(super) fn was_tried(&self, places: &[Option<f64>]) -> bool {
        self.tried.contains_key(&fingerprint(places))
    }

    /// The best `good` trials in their order, and the others or a fair sample of them.
    pub(super) fn split(&self, good: usize) -> Split {
        let best = self.ranked.iter().take(good);
        let good: Vec<usize> = best.map(|(_, position)| *position).collect();
        let is_good: HashSet<usize> = good.iter().copied().collect();
        let pending = self.pending.iter().rev().take(MOST_PENDING).copied();
        let mut bad: Vec<usize> = pending.collect();
        let others = self.shuffled.iter().map(|(_, position)| *position);
        let others = others.filter(|position| !is_good.contains(position));
        bad.extend(others.take(MOST_BAD - bad.len()));
        Split { good, bad }
    }

    /// The coordinates of the trials at these positions.
    pub(super) fn rows(&self, positions: &[usize], width: usize) -> Vec<&[f32]> {
        let row = |position: &usize| &self.coordinates[position * width..(position + 1) * width];
        positions.iter().map(row).collect()
    }
}

fn kind(trial: &Trial, view: &View<'_>) -> Kind {
    match Lesson::of(trial, view.direction) {
        Lesson::Value(value) if is_beyond_limits(trial) => {
            // The nearer to the limits, the better; what was not measured is farthest.
            let violation = Some(trial.violation()).filter(|violation| !violation.is_nan());
            let violation = violation.unwrap_or(f64::INFINITY);
            Kind::Value((2, ordered(violation), ordered(value)))
        }
        Lesson::Value(value) if trial.state == TrialState::Pruned => {
            // Those that got further were the better ones when they were compared.
            let reached = trial.last_step().unwrap_or(0);
            Kind::Value((1, u64::MAX - reached, ordered(value)))
        }
        Lesson::Value(value) => Kind::Value((0, ordered(value), 0)),
        Lesson::Failure => Kind::Failure,
        Lesson::Pending => Kind::Pending,
        Lesson::Nothing => Kind::Nothing,
    }
}

/// Whether a trial breaks an outcome constraint.
fn is_beyond_limits(trial: &Trial) -> bool {
    trial.violation() > 0.0 || trial.violation().is_nan()
}

/// A number with the order of its value, which is not NaN.
fn ordered(value: f64) -> u64 {
    // Both zeros are one value.
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}

/// Everything of a trial that can change what it teaches, in one number.
fn stamp(trial: &Trial) -> u64 {
    let value = trial.value.map_or(1, f64::to_bits);
    let cause = trial.cause.map_or(0, |cause| 1 + cause as u64);
    let state = trial.state as u64 | cause << 4;
    // What was measured matters to the rank of a pruned trial only.
    let reached = if trial.state == TrialState::Pruned {
        trial.last_step().unwrap_or(0)
    } else {
        0
    };
    let mut sum = mixed(trial.number);
    for part in [value, state, reached, trial.violation().to_bits()] {
        sum = mixed(sum ^ part);
    }
    sum
}

/// A hash of the places, equal for equal configurations; numbers count to the ninth digit.
fn fingerprint(places: &[Option<f64>]) -> u64 {
    places.iter().fold(0, |sum, place| {
        let part = place.map_or(u64::MAX, |place| libm::round(place * 1e9) as u64);
        mixed(sum ^ part)
    })
}

/// Scatters a number over all 64-bit numbers, one to one.
///
/// Source: the finalizer of splitmix64 (G. L. Steele, D. Lea and C. H. Flood, "Fast splittable
/// pseudorandom number generators", OOPSLA 2014).
fn mixed(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
