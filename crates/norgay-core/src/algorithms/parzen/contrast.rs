//! Proposals from the contrast of good and bad configurations.

use crate::random::Stream;

use super::kernels::Lanes;
use super::mixture::Mixture;
use super::structure::Structure;

/// The densities of good and of bad configurations.
#[derive(Clone, Debug)]
pub(crate) struct Contrast<'a> {
    structure: &'a Structure,
    good: Mixture,
    bad: Mixture,
}

/// A proposed point.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    /// Its coordinates.
    pub(crate) point: Vec<f64>,
    /// The logarithm of the ratio of the good to the bad density.
    pub(crate) score: f64,
}

impl<'a> Contrast<'a> {
    /// The contrast of two sets of points, each with the coordinates that the structure gives;
    /// of the good ones the best come first, and count most.
    ///
    /// Pending points belong to the bad ones, lest they are proposed again (the worst liar).
    pub(crate) fn new(structure: &'a Structure, good: &[&[f32]], bad: &[&[f32]]) -> Self {
        Self {
            structure,
            good: Mixture::new(structure, good, |rank| weight(rank, good.len())),
            bad: Mixture::new(structure, bad, |_| 1.0),
        }
    }

    /// Points drawn from the good density, those of the highest ratio first.
    pub(crate) fn candidates(&self, count: usize, stream: &mut Stream) -> Vec<Candidate> {
        let mut room = Vec::new();
        let mut drawn: Vec<(Candidate, Vec<f64>)> = Vec::with_capacity(count + 1);
        for _ in 0..count {
            let mut point = vec![f64::NAN; self.structure.width()];
            let mut ratios = self
                .good
                .draw(self.structure, stream, &mut point, &mut room);
            self.subtract(&point, &mut ratios, &mut room);
            let score = ratios.iter().sum();
            drawn.push((Candidate { point, score }, ratios));
        }
        if !self.structure.multivariate {
            drawn.extend(self.composed(&drawn));
        }
        let mut candidates: Vec<Candidate> = drawn.into_iter().map(|(c, _)| c).collect();
        candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
        candidates
    }

    /// The logarithm of the ratio of the densities at a point.
    #[cfg(test)]
    pub(crate) fn score(&self, point: &[f64]) -> f64 {
        let mut room = Vec::new();
        let mut ratios = self.good.logarithms(self.structure, point, &mut room);
        self.subtract(point, &mut ratios, &mut room);
        ratios.iter().sum()
    }

    fn subtract(&self, point: &[f64], ratios: &mut [f64], room: &mut Vec<Lanes>) {
        let bad = self.bad.logarithms(self.structure, point, room);
        for (ratio, bad) in ratios.iter_mut().zip(bad) {
            *ratio -= bad;
        }
    }

    /// The best draw of every parameter by itself, for densities that don't join parameters.
    fn composed(&self, drawn: &[(Candidate, Vec<f64>)]) -> Option<(Candidate, Vec<f64>)> {
        let mut point = vec![f64::NAN; self.structure.width()];
        let mut ratios = vec![0.0; self.structure.groups.len()];
        for (index, group) in self.structure.groups.iter().enumerate() {
            if !self.structure.is_active(group, &point) {
                continue;
            }
            let has = |candidate: &Candidate| {
                group
                    .members()
                    .all(|member| !candidate.point[member].is_nan())
            };
            let (best, its) = drawn
                .iter()
                .filter(|(candidate, _)| has(candidate))
                .max_by(|a, b| a.1[index].total_cmp(&b.1[index]))?;
            for member in group.members() {
                point[member] = best.point[member];
            }
            ratios[index] = its[index];
        }
        let score = f64::INFINITY;
        Some((Candidate { point, score }, ratios))
    }
}

/// The weight of the good point of this rank, from 0: logarithmic as in CMA-ES (N. Hansen, "The CMA
/// evolution strategy: a tutorial", 2016), and 1 for the best.
fn weight(rank: usize, count: usize) -> f64 {
    let logarithm = |number: f64| libm::log(number);
    1.0 - logarithm(rank as f64 + 1.0) / logarithm(count as f64 + 0.5)
}
