//! Regression by a random forest, over numbers and categories, with uncertainty.
//!
//! Sources: Breiman, "Random forests" (Machine Learning 45, 2001); Hutter, Xu, Hoos and
//! Leyton-Brown, "Algorithm runtime prediction: methods and evaluation" (Artificial Intelligence
//! 206, 2014) for split points drawn within a gap and for the variance across trees; Fisher, "On
//! grouping for maximum homogeneity" (JASA 53, 1958) for the best subset of categories.

mod growth;
mod split;
mod tree;

pub use tree::{Region, Tree};

use growth::Grower;

use crate::random::Stream;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Numbers with an order.
    Numeric,
    /// Categories, written as whole numbers from 0 to below this one.
    Categorical(usize),
}

/// How a forest is grown.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Number of trees.
    pub trees: usize,
    /// Rows that a node needs before it is split.
    pub min_split: u32,
    /// Rows that each side of a split needs.
    pub min_leaf: u32,
    /// Share of the features among which each split chooses.
    pub feature_share: f64,
    /// Whether each tree sees a sample of the rows, drawn with replacement.
    pub bootstrap: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            trees: 32,
            min_split: 3,
            min_leaf: 1,
            feature_share: 5.0 / 6.0,
            bootstrap: true,
        }
    }
}

/// Rows of inputs with a target each.
#[derive(Clone, Debug, Default)]
pub struct Data {
    columns: Vec<Vec<f64>>,
    targets: Vec<f64>,
}

impl Data {
    /// No rows yet, of so many columns.
    pub fn new(columns: usize) -> Self {
        Self {
            columns: vec![Vec::new(); columns],
            targets: Vec::new(),
        }
    }

    /// Adds a row; one whose target is not finite teaches nothing and is left out.
    pub fn push(&mut self, row: &[f64], target: f64) {
        if !target.is_finite() {
            return;
        }
        for (position, column) in self.columns.iter_mut().enumerate() {
            let cell = row.get(position).copied().unwrap_or(0.0);
            column.push(if cell.is_finite() { cell } else { 0.0 });
        }
        self.targets.push(target);
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// The targets of the rows.
    pub fn targets(&self) -> &[f64] {
        &self.targets
    }

    /// One row's inputs.
    pub fn row(&self, index: usize) -> Vec<f64> {
        self.columns.iter().map(|column| column[index]).collect()
    }
}

/// What a forest expects of a point.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prediction {
    /// The mean over the trees.
    pub mean: f64,
    /// By the law of total variance: the trees' disagreement and the spread inside their leaves.
    pub variance: f64,
}

/// A forest that has been grown.
#[derive(Clone, Debug)]
pub struct Forest {
    features: Vec<Feature>,
    trees: Vec<Tree>,
    /// Targets are `centre + scale * t` for the `t` that the trees know, which lie in [-2, 2].
    centre: f64,
    scale: f64,
}

impl Forest {
    /// Grows a forest: O(trees * rows * features * depth).
    ///
    /// The same data, settings and stream give the same forest.
    pub fn fit(
        features: &[Feature],
        data: &Data,
        settings: &Settings,
        stream: &mut Stream,
    ) -> Self {
        let (centre, scale) = scaling(&data.targets);
        let scaled: Vec<f64> = data
            .targets
            .iter()
            .map(|target| target / scale - centre / scale)
            .collect();
        let mut grower = Grower::new(features, &data.columns, &scaled, settings);
        let trees = (0..settings.trees.max(1)).map(|_| grower.tree(stream));
        Self {
            features: features.to_vec(),
            trees: trees.collect(),
            centre,
            scale,
        }
    }

    /// What the columns hold.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The trees; their values are in the forest's own unit, see [`Forest::target_of`].
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// The target that a tree's value stands for.
    pub fn target_of(&self, value: f64) -> f64 {
        value * self.scale + self.centre
    }

    /// Mean and variance at a point: O(trees * depth).
    pub fn predict(&self, row: &[f64]) -> Prediction {
        self.predict_by(row, |_| true).unwrap_or_default()
    }

    /// Mean and variance of a row that was in the data, by the trees that did not see it; `None`
    /// if all saw it.
    pub fn predict_out_of_bag(&self, index: usize, row: &[f64]) -> Option<Prediction> {
        self.predict_by(row, |tree| !tree.saw(index))
    }

    fn predict_by(&self, row: &[f64], counts: impl Fn(&Tree) -> bool) -> Option<Prediction> {
        let (mut sum, mut squares, mut within, mut count) = (0.0, 0.0, 0.0, 0.0);
        for tree in self.trees.iter().filter(|tree| counts(tree)) {
            let leaf = tree.leaf(row);
            sum += leaf.mean;
            squares += leaf.mean * leaf.mean;
            within += leaf.variance;
            count += 1.0;
        }
        if count == 0.0 {
            return None;
        }
        let mean = sum / count;
        let variance = (within / count + squares / count - mean * mean).max(0.0);
        Some(Prediction {
            mean: self.target_of(mean),
            variance: variance * self.scale * self.scale,
        })
    }
}

/// Centre and scale that bring the targets into [-2, 2] without overflow on the way.
fn scaling(targets: &[f64]) -> (f64, f64) {
    let largest = targets.iter().fold(0.0_f64, |most, t| most.max(t.abs()));
    if largest == 0.0 {
        return (0.0, 1.0);
    }
    let count = targets.len() as f64;
    let mean = targets.iter().map(|t| t / largest / count).sum::<f64>() * largest;
    let spread = targets
        .iter()
        .fold(0.0_f64, |most, t| most.max((t / 2.0 - mean / 2.0).abs()));
    let scale = if spread > 0.0 { spread } else { largest };
    (mean, scale)
}
