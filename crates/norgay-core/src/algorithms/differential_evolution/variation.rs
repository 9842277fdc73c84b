//! Genomes, and how differential evolution makes new ones of them: for other algorithms, too.
//!
//! A genome is a point of the unit cube, one gene a parameter. Genes with an order are moved along
//! differences; those without one are inherited whole.

use crate::configuration::Configuration;
use crate::random::{Purpose, Stream};
use crate::space::{Domain, Space};

/// The chance that an inherited category is replaced by any.
const RESET: f64 = 0.05;

/// What each gene of a space is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Genes {
    kinds: Vec<Kind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// There is one value only.
    Fixed,
    /// The values have an order.
    Ordered,
    /// So many values have none.
    Unordered(usize),
}

/// A vector of differential evolution: genes that a child may take over.
pub(crate) type Genome = Vec<f64>;

impl Genes {
    /// The genes of a space's parameters.
    pub fn of(space: &Space) -> Self {
        let kind = |domain: &Domain| match (domain, domain.cardinality()) {
            (_, Some(0 | 1)) => Kind::Fixed,
            (Domain::Choice { values }, _) => Kind::Unordered(values.len()),
            _ => Kind::Ordered,
        };
        let parameters = space.parameters().iter();
        Self {
            kinds: parameters
                .map(|parameter| kind(&parameter.domain))
                .collect(),
        }
    }

    /// How many genes have more than one value.
    pub fn free(&self) -> usize {
        let free = self.kinds.iter().filter(|kind| **kind != Kind::Fixed);
        free.count()
    }

    /// The genome of a trial's configuration. What is inactive has genes, too: any, but always
    /// the same for a trial's number.
    pub fn genome(space: &Space, configuration: &Configuration, seed: u64, number: u64) -> Genome {
        let mut hidden = Stream::new(seed, number, Purpose::Selection);
        let places = space.places(configuration).into_iter();
        places
            .map(|place| {
                let other = hidden.unit();
                place.unwrap_or(other)
            })
            .collect()
    }

    /// The vector `start + factor * (end - start)`, gene by gene; a gene without order is the
    /// end's with probability `factor`.
    pub fn towards(&self, start: &[f64], end: &[f64], factor: f64, stream: &mut Stream) -> Genome {
        self.moved(start, start, end, factor, stream)
    }

    /// The vector `start + factor * (end - from)`. A gene without order in which `end` and `from`
    /// differ is the end's with probability `factor`.
    ///
    /// Source of the operator: R. Storn and K. Price, "Differential Evolution", Journal of Global
    /// Optimization 11 (1997).
    pub fn moved(
        &self,
        start: &[f64],
        from: &[f64],
        end: &[f64],
        factor: f64,
        stream: &mut Stream,
    ) -> Genome {
        let gene = |(index, kind): (usize, &Kind)| {
            let draw = stream.unit();
            match kind {
                Kind::Fixed => start[index],
                Kind::Ordered => start[index] + factor * (end[index] - from[index]),
                Kind::Unordered(count) => {
                    let differs = cell(end[index], *count) != cell(from[index], *count);
                    if differs && draw < factor {
                        end[index]
                    } else {
                        start[index]
                    }
                }
            }
        };
        self.kinds.iter().enumerate().map(gene).collect()
    }

    /// A child: each gene is the mutant's with probability `rate`, one at least, and else the
    /// parent's. Genes beyond the unit cube are brought back halfway between parent and bound.
    ///
    /// Source of the repair: J. Zhang and A. C. Sanderson, "JADE: Adaptive Differential Evolution
    /// With Optional External Archive", IEEE Transactions on Evolutionary Computation 13 (2009).
    pub fn crossed(
        &self,
        parent: &[f64],
        mutant: &[f64],
        rate: f64,
        stream: &mut Stream,
    ) -> Genome {
        let sure = stream.below(self.free() as u64);
        let mut index_of_free = 0;
        let genes = self.kinds.iter().zip(parent.iter().zip(mutant));
        genes
            .map(|(kind, (own, new))| {
                if *kind == Kind::Fixed {
                    return *own;
                }
                let taken = stream.unit() < rate || index_of_free == sure;
                index_of_free += 1;
                let any = (stream.unit(), stream.unit());
                match kind {
                    _ if !taken => *own,
                    Kind::Unordered(_) if any.0 < RESET => any.1,
                    _ => within(*own, *new),
                }
            })
            .collect()
    }

    /// A child of two parents: genes with an order are drawn near one of the parents, the nearer
    /// the more alike these are; the others are inherited from either.
    ///
    /// Source: K. Deb and R. B. Agrawal, "Simulated Binary Crossover for Continuous Search Space",
    /// Complex Systems 9 (1995); bounded as in K. Deb and H. Beyer, "Self-Adaptive Genetic
    /// Algorithms With Simulated Binary Crossover", Evolutionary Computation 9 (2001).
    pub fn simulated_binary(
        &self,
        one: &[f64],
        other: &[f64],
        index: f64,
        stream: &mut Stream,
    ) -> Genome {
        let gene = |(place, kind): (usize, &Kind)| {
            let (swap, spread) = (stream.unit() < 0.5, stream.unit());
            let (near, far) = if swap {
                (other[place], one[place])
            } else {
                (one[place], other[place])
            };
            match kind {
                Kind::Ordered => beside(near, far, spread, index),
                _ => near,
            }
        };
        self.kinds.iter().enumerate().map(gene).collect()
    }

    /// Changes each gene with probability `chance`: those with an order a little, the others to
    /// anything.
    ///
    /// Source: K. Deb and M. Goyal, "A Combined Genetic Adaptive Search (GeneAS) for Engineering
    /// Design", Computer Science and Informatics 26 (1996).
    pub fn mutate(&self, genome: &mut [f64], chance: f64, index: f64, stream: &mut Stream) {
        for (gene, kind) in genome.iter_mut().zip(&self.kinds) {
            let (happens, draw) = (stream.unit() < chance, stream.unit());
            match kind {
                _ if !happens => {}
                Kind::Fixed => {}
                Kind::Ordered => *gene = nudged(*gene, draw, index),
                Kind::Unordered(_) => *gene = draw,
            }
        }
    }
}

/// A gene near `near`, on its side of the middle between both parents or across it.
fn beside(near: f64, far: f64, draw: f64, index: f64) -> f64 {
    let distance = (near - far).abs();
    if distance < 1e-14 {
        return near;
    }
    // How far the bound on this side is, in distances from the middle.
    let room = if near < far { near } else { 1.0 - near };
    let bound = 1.0 + 2.0 * room.max(0.0) / distance;
    let alpha = 2.0 - libm::pow(bound, -(index + 1.0));
    let power = 1.0 / (index + 1.0);
    let spread = if draw <= 1.0 / alpha {
        libm::pow(draw * alpha, power)
    } else {
        libm::pow(1.0 / (2.0 - draw * alpha), power)
    };
    let middle = f64::midpoint(near, far);
    let away = (0.5 * spread * distance).copysign(near - far);
    (middle + away).clamp(0.0, 1.0)
}

/// A gene changed by the polynomial distribution, inside the unit interval.
fn nudged(gene: f64, draw: f64, index: f64) -> f64 {
    let gene = gene.clamp(0.0, 1.0);
    let power = 1.0 / (index + 1.0);
    let change = if draw < 0.5 {
        let edge = libm::pow(1.0 - gene, index + 1.0);
        libm::pow(2.0 * draw + (1.0 - 2.0 * draw) * edge, power) - 1.0
    } else {
        let edge = libm::pow(gene, index + 1.0);
        1.0 - libm::pow(2.0 * (1.0 - draw) + 2.0 * (draw - 0.5) * edge, power)
    };
    (gene + change).clamp(0.0, 1.0)
}

/// Which of the equal parts of the unit interval a gene is in.
fn cell(gene: f64, count: usize) -> usize {
    ((gene * count as f64) as usize).min(count.saturating_sub(1))
}

fn within(parent: f64, gene: f64) -> f64 {
    if gene < 0.0 {
        parent * 0.5
    } else if gene > 1.0 {
        f64::midpoint(parent, 1.0)
    } else {
        gene
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::{Parameter, Scale};
    use crate::value::Value;

    fn mixed() -> Space {
        let number = Domain::Continuous {
            low: 0.0,
            high: 1.0,
            scale: Scale::Linear,
            step: None,
        };
        let names = ["a", "b", "c"].map(Value::from).to_vec();
        let kind = Domain::Choice { values: names };
        let value = Value::Int(1);
        let parameters = vec![
            Parameter::new("number", number),
            Parameter::new("kind", kind),
            Parameter::new("constant", Domain::Constant { value }),
        ];
        Space::new(parameters, Vec::new()).expect("a space without mistakes")
    }

    fn stream() -> Stream {
        Stream::new(1, 1, Purpose::Variation)
    }

    #[test]
    fn numbers_move_along_differences_and_categories_are_inherited() {
        let genes = Genes::of(&mixed());
        assert_eq!(genes.free(), 2);
        let (start, from, end) = ([0.5, 0.1, 0.5], [0.2, 0.5, 0.5], [0.4, 0.9, 0.5]);
        let moved = genes.moved(&start, &from, &end, 1.0, &mut stream());
        assert!((moved[0] - 0.7).abs() < 1e-15);
        assert_eq!(moved[1..], [0.9, 0.5]);
        let kept = genes.moved(&start, &from, &from, 1.0, &mut stream());
        assert_eq!(kept, start);
    }

    #[test]
    fn a_child_takes_one_gene_at_least_and_stays_inside() {
        let genes = Genes::of(&mixed());
        for number in 0..200 {
            let mut stream = Stream::new(1, number, Purpose::Variation);
            let child = genes.crossed(&[0.5, 0.5, 0.5], &[-3.0, 0.9, 0.5], 0.0, &mut stream);
            let changed = child.iter().filter(|gene| **gene != 0.5).count();
            assert!(changed == 1, "{child:?}");
            assert!(child.iter().all(|gene| (0.0..=1.0).contains(gene)));
        }
    }

    #[test]
    fn crossed_and_nudged_genes_stay_inside_and_near() {
        let genes = Genes::of(&mixed());
        let mut near = 0;
        for number in 0..500 {
            let mut stream = Stream::new(2, number, Purpose::Variation);
            let (one, other) = ([0.02, 0.1, 0.5], [0.4, 0.9, 0.5]);
            let mut child = genes.simulated_binary(&one, &other, 15.0, &mut stream);
            assert!(child[1] == 0.1 || child[1] == 0.9);
            near += u32::from((child[0] - 0.02).abs() < 0.1 || (child[0] - 0.4).abs() < 0.1);
            genes.mutate(&mut child, 1.0, 20.0, &mut stream);
            assert!(child.iter().all(|gene| (0.0..=1.0).contains(gene)));
            assert_eq!(child[2], 0.5);
        }
        assert!(near > 450, "{near}");
    }

    #[test]
    fn inactive_genes_are_the_trials_own() {
        let space = mixed();
        let nothing = Configuration::default();
        let first = Genes::genome(&space, &nothing, 1, 5);
        assert_eq!(first, Genes::genome(&space, &nothing, 1, 5));
        assert_ne!(first, Genes::genome(&space, &nothing, 1, 6));
    }
}
