//! A tree as a function that is constant on boxes of the unit cube, and integrals of it.
//!
//! Each parameter's unit interval is cut into atoms, within which the tree and the conditions of
//! all parameters do not change. A leaf that looks at a conditional parameter means another part
//! of the cube where that is active than where it is not; it becomes several boxes.

use crate::numerics::random_forest::{Feature, Region, Tree};
use crate::space::{Activity, Columns, INACTIVE, Space};

/// Which atoms of one parameter belong.
type Atoms = Vec<bool>;

/// A part of the cube on which the tree is constant.
struct Piece {
    value: f64,
    atoms: Vec<Atoms>,
}

/// A leaf on its way to pieces.
#[derive(Clone)]
struct Draft {
    value: f64,
    atoms: Vec<Atoms>,
    /// For each parameter whether the leaf also holds where that is inactive.
    inactive: Vec<bool>,
}

/// A tree's values over the unit cube.
pub(super) struct Partition {
    /// For each parameter the ends of its atoms, from 0 to 1.
    ends: Vec<Vec<f64>>,
    pieces: Vec<Piece>,
}

/// How much each atom weighs: lengths within a part of the cube, scaled to a sum of 1.
pub(super) type Weights = Vec<Vec<f64>>;

impl Partition {
    pub(super) fn of(tree: &Tree, features: &[Feature], space: &Space, columns: &Columns) -> Self {
        let ends = ends(tree, features, space, columns);
        let conditional: Vec<usize> = (0..features.len())
            .filter(|position| !columns.activity(*position).is_empty())
            .collect();
        let mut pieces = Vec::new();
        tree.visit_leaves(features, &mut |regions, leaf| {
            let draft = drafted(regions, &ends, leaf.mean);
            let mut drafts = vec![draft];
            // Children before parents: what a child demands of its ancestors narrows these.
            for position in by_depth(&conditional, columns) {
                let activity = columns.activity(position);
                drafts = drafts
                    .into_iter()
                    .flat_map(|draft| resolved(draft, position, activity, &ends))
                    .collect();
            }
            pieces.extend(drafts.into_iter().map(|draft| Piece {
                value: draft.value,
                atoms: draft.atoms,
            }));
        });
        Self { ends, pieces }
    }

    /// The atoms' weights over the part of the cube in which all of `activity` holds, and the
    /// share of that part; `None` if there is no such part.
    pub(super) fn weights<'a>(
        &self,
        activity: impl IntoIterator<Item = &'a Activity>,
    ) -> Option<(Weights, f64)> {
        let lengths = |ends: &Vec<f64>| ends.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mut weights: Weights = self.ends.iter().map(lengths).collect();
        for demand in activity {
            let inside = atoms_within(&self.ends[demand.ancestor], &demand.cells);
            for (weight, inside) in weights[demand.ancestor].iter_mut().zip(inside) {
                *weight *= f64::from(u8::from(inside));
            }
        }
        let mut share = 1.0;
        for axis in &mut weights {
            let sum: f64 = axis.iter().sum();
            if sum <= 0.0 {
                return None;
            }
            for weight in axis.iter_mut() {
                *weight /= sum;
            }
            share *= sum;
        }
        Some((weights, share))
    }

    /// Which atom of a parameter a place is in.
    pub(super) fn atom(&self, position: usize, place: f64) -> usize {
        let ends = &self.ends[position];
        let above = ends.partition_point(|end| *end < place);
        above.clamp(1, ends.len() - 1) - 1
    }

    /// Mean and variance of the tree.
    pub(super) fn moments(&self, weights: &Weights) -> (f64, f64) {
        let (mut mean, mut squares) = (0.0, 0.0);
        for piece in &self.pieces {
            let volume: f64 = volumes(piece, weights).iter().product();
            mean += volume * piece.value;
            squares += volume * piece.value * piece.value;
        }
        (mean, (squares - mean * mean).max(0.0))
    }

    /// For each atom of a parameter the mean of the tree over all others.
    pub(super) fn marginal(&self, weights: &Weights, position: usize) -> Vec<f64> {
        let mut means = vec![0.0; weights[position].len()];
        for piece in &self.pieces {
            let others = product_without(&volumes(piece, weights), &[position]);
            for (mean, inside) in means.iter_mut().zip(&piece.atoms[position]) {
                if *inside {
                    *mean += others * piece.value;
                }
            }
        }
        means
    }

    /// For each pair of atoms of two parameters the mean of the tree over all others.
    pub(super) fn joint_marginal(&self, weights: &Weights, pair: (usize, usize)) -> Vec<Vec<f64>> {
        let (rows, columns) = (weights[pair.0].len(), weights[pair.1].len());
        // Sums over a rectangle are noted at its corners, and summed up at the end.
        let mut corners = vec![vec![0.0; columns + 1]; rows + 1];
        for piece in &self.pieces {
            let others = product_without(&volumes(piece, weights), &[pair.0, pair.1]);
            let added = others * piece.value;
            let across = runs(&piece.atoms[pair.1]);
            for (top, bottom) in runs(&piece.atoms[pair.0]) {
                for (left, right) in &across {
                    corners[top][*left] += added;
                    corners[top][*right] -= added;
                    corners[bottom][*left] -= added;
                    corners[bottom][*right] += added;
                }
            }
        }
        let mut means = vec![vec![0.0; columns]; rows];
        for row in 0..rows {
            let mut sum = 0.0;
            for column in 0..columns {
                sum += corners[row][column];
                let above = if row > 0 { means[row - 1][column] } else { 0.0 };
                means[row][column] = above + sum;
            }
        }
        means
    }
}

/// Parameters ordered so that each comes before its ancestors.
fn by_depth(conditional: &[usize], columns: &Columns) -> Vec<usize> {
    let mut ordered = conditional.to_vec();
    // A child has all of its parent's demands, and one more.
    ordered.sort_by_key(|position| std::cmp::Reverse(columns.activity(*position).len()));
    ordered
}

/// The ends of each parameter's atoms.
fn ends(tree: &Tree, features: &[Feature], space: &Space, columns: &Columns) -> Vec<Vec<f64>> {
    let listed = |position: usize| match (&features[position], &space.parameters()[position].domain)
    {
        (Feature::Categorical(_), domain) => domain.cardinality().unwrap_or(1),
        (Feature::Numeric, _) => 1,
    };
    let mut ends: Vec<Vec<f64>> = (0..features.len())
        .map(|position| {
            let count = listed(position);
            (0..=count).map(|k| k as f64 / count as f64).collect()
        })
        .collect();
    tree.visit_leaves(features, &mut |regions, _| {
        for (ends, region) in ends.iter_mut().zip(regions) {
            if let Region::Numbers(low, high) = region {
                ends.extend(
                    [*low, *high]
                        .iter()
                        .filter(|end| **end > 0.0 && **end < 1.0),
                );
            }
        }
    });
    for position in 0..features.len() {
        for demand in columns.activity(position) {
            if features[demand.ancestor] == Feature::Numeric {
                let cells = demand.cells.iter().flat_map(|cell| [cell.0, cell.1]);
                ends[demand.ancestor].extend(cells);
            }
        }
    }
    for ends in &mut ends {
        ends.sort_by(f64::total_cmp);
        ends.dedup();
    }
    ends
}

/// The atoms whose middle lies in one of the cells.
fn atoms_within(ends: &[f64], cells: &[(f64, f64)]) -> Atoms {
    let middles = ends.windows(2).map(|pair| f64::midpoint(pair[0], pair[1]));
    middles
        .map(|middle| {
            cells
                .iter()
                .any(|(low, high)| middle > *low && middle < *high)
        })
        .collect()
}

fn drafted(regions: &[Region], ends: &[Vec<f64>], value: f64) -> Draft {
    let mut inactive = Vec::with_capacity(regions.len());
    let atoms = regions.iter().zip(ends).map(|(region, ends)| match region {
        Region::Numbers(low, high) => {
            inactive.push(*low < INACTIVE && INACTIVE <= *high);
            atoms_within(ends, &[(*low, *high)])
        }
        Region::Categories(inside) => {
            let values = ends.len() - 1;
            // An always active parameter has no category for its absence.
            inactive.push(inside.get(values).copied().unwrap_or(false));
            inside[..values].to_vec()
        }
    });
    Draft {
        value,
        atoms: atoms.collect(),
        inactive,
    }
}

/// A leaf without what it says of one conditional parameter's inactivity: a part where that is
/// active, and parts where it is not and its own coordinate means nothing.
fn resolved(draft: Draft, position: usize, activity: &[Activity], ends: &[Vec<f64>]) -> Vec<Draft> {
    if draft.inactive[position] && draft.atoms[position].iter().all(|inside| *inside) {
        return vec![draft];
    }
    let mut found = Vec::new();
    let mut rest = draft;
    for demand in activity {
        let ancestor = demand.ancestor;
        let wanted = atoms_within(&ends[ancestor], &demand.cells);
        if rest.inactive[position] {
            let mut without = rest.clone();
            keep(&mut without.atoms[ancestor], |atom| !wanted[atom]);
            // The demands before this one hold: the ancestor is active here.
            without.inactive[ancestor] = false;
            without.atoms[position].fill(true);
            without.inactive[position] = true;
            found.extend(non_empty(without));
        }
        keep(&mut rest.atoms[ancestor], |atom| wanted[atom]);
        rest.inactive[ancestor] = false;
    }
    rest.inactive[position] = false;
    found.extend(non_empty(rest));
    found
}

fn keep(atoms: &mut Atoms, wanted: impl Fn(usize) -> bool) {
    for (atom, inside) in atoms.iter_mut().enumerate() {
        *inside &= wanted(atom);
    }
}

/// The draft, unless one of its sides is empty for good: an inactive parameter's may be.
fn non_empty(draft: Draft) -> Option<Draft> {
    let sides = draft.atoms.iter().zip(&draft.inactive);
    let mut empty = sides.map(|(atoms, inactive)| !inactive && !atoms.contains(&true));
    (!empty.any(|empty| empty)).then_some(draft)
}

/// The weight of a piece's side in each parameter.
fn volumes(piece: &Piece, weights: &Weights) -> Vec<f64> {
    let sides = piece.atoms.iter().zip(weights);
    sides
        .map(|(atoms, weights)| {
            let inside = atoms.iter().zip(weights).filter(|(inside, _)| **inside);
            inside.map(|(_, weight)| weight).sum()
        })
        .collect()
}

fn product_without(volumes: &[f64], left_out: &[usize]) -> f64 {
    let kept = volumes.iter().enumerate();
    kept.filter(|(position, _)| !left_out.contains(position))
        .map(|(_, volume)| volume)
        .product()
}

/// The runs of atoms inside, each from its first to one after its last.
fn runs(atoms: &Atoms) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (atom, inside) in atoms.iter().enumerate() {
        match found.last_mut() {
            Some((_, end)) if *inside && *end == atom => *end = atom + 1,
            _ if *inside => found.push((atom, atom + 1)),
            _ => {}
        }
    }
    found
}
