//! One tree of a forest.

use super::Feature;

/// What a leaf knows of its rows' targets.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Leaf {
    /// Their mean.
    pub mean: f64,
    /// Their variance.
    pub variance: f64,
}

/// A node; the left child of a split stands right after it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Leaf(Leaf),
    /// Left up to the threshold, right above it.
    Below {
        feature: u32,
        right: u32,
        threshold: f64,
    },
    /// Left for the categories in the set that starts at `subset`, right for the others.
    Among {
        feature: u32,
        right: u32,
        subset: u32,
    },
}

/// The part of one column's values that belongs to a leaf.
#[derive(Clone, Debug, PartialEq)]
pub enum Region {
    /// Numbers above the first and up to the second; both may be infinite.
    Numbers(f64, f64),
    /// For each category whether it belongs.
    Categories(Vec<bool>),
}

/// A regression tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    pub(super) nodes: Vec<Node>,
    /// Sets of categories as bits; each `Among` has as many words as its feature needs.
    pub(super) subsets: Vec<u64>,
    /// For each row of the data whether the tree was grown on it.
    pub(super) in_bag: Vec<bool>,
}

/// Words of 64 bits for a set of so many categories.
pub(super) fn words(levels: usize) -> usize {
    levels.div_ceil(64)
}

impl Tree {
    /// Whether the tree was grown on this row of the data.
    pub fn saw(&self, row: usize) -> bool {
        self.in_bag.get(row).copied().unwrap_or(false)
    }

    /// The leaf of a point: O(depth).
    pub fn leaf(&self, row: &[f64]) -> Leaf {
        let mut at = 0;
        loop {
            let (goes_left, right) = match &self.nodes[at] {
                Node::Leaf(leaf) => return *leaf,
                Node::Below {
                    feature,
                    right,
                    threshold,
                } => (row[*feature as usize] <= *threshold, *right),
                Node::Among {
                    feature,
                    right,
                    subset,
                } => (self.is_among(*subset, row[*feature as usize]), *right),
            };
            at = if goes_left { at + 1 } else { right as usize };
        }
    }

    fn is_among(&self, subset: u32, category: f64) -> bool {
        let category = category as usize;
        let word = self.subsets.get(subset as usize + category / 64);
        word.is_some_and(|word| word >> (category % 64) & 1 == 1)
    }

    /// Shows each leaf with its part of every column; together they are the whole space.
    pub fn visit_leaves(&self, features: &[Feature], visit: &mut dyn FnMut(&[Region], Leaf)) {
        let whole = |feature: &Feature| match feature {
            Feature::Numeric => Region::Numbers(f64::NEG_INFINITY, f64::INFINITY),
            Feature::Categorical(levels) => Region::Categories(vec![true; *levels]),
        };
        let mut regions: Vec<Region> = features.iter().map(whole).collect();
        self.descend(0, &mut regions, visit);
    }

    fn descend(&self, at: usize, regions: &mut [Region], visit: &mut dyn FnMut(&[Region], Leaf)) {
        let (feature, right) = match &self.nodes[at] {
            Node::Leaf(leaf) => return visit(regions, *leaf),
            Node::Below { feature, right, .. } | Node::Among { feature, right, .. } => {
                (*feature as usize, *right as usize)
            }
        };
        let before = regions[feature].clone();
        for (goes_left, child) in [(true, at + 1), (false, right)] {
            regions[feature] = self.narrowed(&before, at, goes_left);
            self.descend(child, regions, visit);
        }
        regions[feature] = before;
    }

    /// The part of a region on one side of a split.
    fn narrowed(&self, region: &Region, at: usize, goes_left: bool) -> Region {
        match (region, &self.nodes[at]) {
            (Region::Numbers(low, high), Node::Below { threshold, .. }) if goes_left => {
                Region::Numbers(*low, high.min(*threshold))
            }
            (Region::Numbers(low, high), Node::Below { threshold, .. }) => {
                Region::Numbers(low.max(*threshold), *high)
            }
            (Region::Categories(all), Node::Among { subset, .. }) => {
                let kept = all.iter().enumerate().map(|(category, inside)| {
                    *inside && self.is_among(*subset, category as f64) == goes_left
                });
                Region::Categories(kept.collect())
            }
            _ => region.clone(),
        }
    }
}
