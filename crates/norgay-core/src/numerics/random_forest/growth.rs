//! How a tree grows.
//!
//! The rows are sorted by each feature once for the whole forest; a split parts each order and
//! keeps it, so that no node sorts again.

use super::split::{Cut, Ordered};
use super::tree::{Leaf, Node, Tree, words};
use super::{Feature, Settings};
use crate::random::Stream;

/// Variance, in the unit of the scaled targets, below which a node is not split.
const PURE: f64 = 1e-14;

pub(super) struct Grower<'a> {
    features: &'a [Feature],
    columns: &'a [Vec<f64>],
    targets: &'a [f64],
    settings: &'a Settings,
    /// All rows in the order of each feature.
    sorted: Vec<Vec<u32>>,
    /// The tree's rows in the order of each feature; a node owns the same range of each.
    orders: Vec<Vec<u32>>,
    weights: Vec<u32>,
    goes_left: Vec<bool>,
    spare: Vec<u32>,
    feature_order: Vec<usize>,
}

impl<'a> Grower<'a> {
    pub(super) fn new(
        features: &'a [Feature],
        columns: &'a [Vec<f64>],
        targets: &'a [f64],
        settings: &'a Settings,
    ) -> Self {
        let order = |column: &Vec<f64>| {
            let mut order: Vec<u32> = (0..targets.len() as u32).collect();
            order.sort_by(|a, b| column[*a as usize].total_cmp(&column[*b as usize]));
            order
        };
        Self {
            features,
            columns,
            targets,
            settings,
            sorted: columns.iter().map(order).collect(),
            orders: vec![Vec::new(); columns.len()],
            weights: vec![0; targets.len()],
            goes_left: vec![false; targets.len()],
            spare: Vec::new(),
            feature_order: (0..features.len()).collect(),
        }
    }

    /// Grows one tree.
    pub(super) fn tree(&mut self, stream: &mut Stream) -> Tree {
        self.draw_weights(stream);
        for (order, sorted) in self.orders.iter_mut().zip(&self.sorted) {
            let weights = &self.weights;
            order.clear();
            order.extend(sorted.iter().filter(|row| weights[**row as usize] > 0));
        }
        let rows = self.weights.iter().filter(|weight| **weight > 0).count();
        let mut tree = Tree {
            in_bag: self.weights.iter().map(|weight| *weight > 0).collect(),
            ..Tree::default()
        };
        if rows == 0 || self.orders.is_empty() {
            tree.nodes.push(Node::Leaf(self.everything()));
            return tree;
        }
        // Depth first, left before right; a right child's parent learns where it stands.
        let mut open: Vec<(usize, usize, Option<usize>)> = vec![(0, rows, None)];
        while let Some((start, end, parent)) = open.pop() {
            let at = tree.nodes.len();
            if let Some(parent) = parent
                && let Node::Below { right, .. } | Node::Among { right, .. } =
                    &mut tree.nodes[parent]
            {
                *right = at as u32;
            }
            let (leaf, weight, sum) = self.summary(start, end);
            let wanted = weight >= f64::from(self.settings.min_split) && leaf.variance > PURE;
            let chosen = wanted
                .then(|| self.choose(start, end, weight, sum, stream))
                .flatten();
            let Some((feature, cut)) = chosen else {
                tree.nodes.push(Node::Leaf(leaf));
                continue;
            };
            let node = self.node(feature, &cut, &mut tree.subsets, stream);
            let middle = self.part(start, end, feature, &cut);
            tree.nodes.push(node);
            open.push((middle, end, Some(at)));
            open.push((start, middle, None));
        }
        tree
    }

    fn draw_weights(&mut self, stream: &mut Stream) {
        let rows = self.weights.len();
        if !self.settings.bootstrap {
            self.weights.fill(1);
            return;
        }
        self.weights.fill(0);
        for _ in 0..rows {
            self.weights[stream.below(rows as u64) as usize] += 1;
        }
    }

    /// The leaf of all rows, for data without columns.
    fn everything(&self) -> Leaf {
        let rows = self.weights.iter().zip(self.targets);
        summarised(rows.map(|(weight, target)| (f64::from(*weight), *target))).0
    }

    fn summary(&self, start: usize, end: usize) -> (Leaf, f64, f64) {
        let rows = self.orders[0][start..end].iter();
        summarised(rows.map(|row| {
            let row = *row as usize;
            (f64::from(self.weights[row]), self.targets[row])
        }))
    }

    /// The best split by a random choice of features; all others are tried while none splits.
    fn choose(
        &mut self,
        start: usize,
        end: usize,
        weight: f64,
        sum: f64,
        stream: &mut Stream,
    ) -> Option<(usize, Cut)> {
        let count = self.features.len();
        let wanted = libm::ceil(self.settings.feature_share * count as f64) as usize;
        let wanted = wanted.clamp(1, count);
        if wanted < count {
            stream.shuffle(&mut self.feature_order);
        }
        let mut best: Option<(f64, usize, Cut)> = None;
        for (position, feature) in self.feature_order.iter().copied().enumerate() {
            if position >= wanted && best.is_some() {
                break;
            }
            let ordered = Ordered {
                rows: &self.orders[feature][start..end],
                column: &self.columns[feature],
                targets: self.targets,
                weights: &self.weights,
                weight,
                sum,
                min_leaf: f64::from(self.settings.min_leaf),
            };
            let found = match self.features[feature] {
                Feature::Numeric => ordered.best_threshold(stream),
                Feature::Categorical(_) => ordered.best_subset(),
            };
            if let Some((gained, cut)) = found
                && best.as_ref().is_none_or(|(most, _, _)| gained > *most)
            {
                best = Some((gained, feature, cut));
            }
        }
        best.map(|(_, feature, cut)| (feature, cut))
    }

    /// The node of a split; categories that do not occur in it fall to a random side.
    fn node(&self, feature: usize, cut: &Cut, subsets: &mut Vec<u64>, stream: &mut Stream) -> Node {
        let (left, right) = match (cut, self.features[feature]) {
            (Cut::Threshold(threshold), _) => {
                return Node::Below {
                    feature: feature as u32,
                    right: 0,
                    threshold: *threshold,
                };
            }
            (Cut::Categories(left, right), _) => (left, right),
        };
        let levels = match self.features[feature] {
            Feature::Categorical(levels) => levels,
            Feature::Numeric => 0,
        };
        let subset = subsets.len();
        subsets.extend((0..words(levels)).map(|_| stream.bits()));
        for (categories, inside) in [(left, true), (right, false)] {
            for category in categories {
                let (word, bit) = (subset + *category as usize / 64, category % 64);
                if let Some(word) = subsets.get_mut(word) {
                    *word = *word & !(1 << bit) | u64::from(inside) << bit;
                }
            }
        }
        Node::Among {
            feature: feature as u32,
            right: 0,
            subset: subset as u32,
        }
    }

    /// Parts every order of the node's rows by the split; gives where the right side begins.
    fn part(&mut self, start: usize, end: usize, feature: usize, cut: &Cut) -> usize {
        let column = &self.columns[feature];
        let mut lefts = 0;
        for row in &self.orders[feature][start..end] {
            let cell = column[*row as usize];
            let left = match cut {
                Cut::Threshold(threshold) => cell <= *threshold,
                Cut::Categories(left, _) => left.contains(&(cell as u32)),
            };
            self.goes_left[*row as usize] = left;
            lefts += usize::from(left);
        }
        for order in &mut self.orders {
            let rows = &mut order[start..end];
            self.spare.clear();
            let mut kept = 0;
            for position in 0..rows.len() {
                let row = rows[position];
                if self.goes_left[row as usize] {
                    rows[kept] = row;
                    kept += 1;
                } else {
                    self.spare.push(row);
                }
            }
            rows[kept..].copy_from_slice(&self.spare);
        }
        start + lefts
    }
}

/// Mean and variance of weighted targets, their weight and weighted sum.
fn summarised(rows: impl Iterator<Item = (f64, f64)>) -> (Leaf, f64, f64) {
    let (mut weight, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for (count, target) in rows {
        weight += count;
        sum += count * target;
        squares += count * target * target;
    }
    if weight == 0.0 {
        return (Leaf::default(), 0.0, 0.0);
    }
    let mean = sum / weight;
    let variance = (squares / weight - mean * mean).max(0.0);
    (Leaf { mean, variance }, weight, sum)
}
