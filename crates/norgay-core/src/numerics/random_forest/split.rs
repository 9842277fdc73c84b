//! The best split of a node's rows by one feature.

use crate::random::Stream;

/// Rows of a node in the order of one feature, with what a split needs of them.
pub(super) struct Ordered<'a> {
    /// The rows, ascending in the column.
    pub rows: &'a [u32],
    pub column: &'a [f64],
    pub targets: &'a [f64],
    /// How often each row counts.
    pub weights: &'a [u32],
    /// Sum of the weights and of the weighted targets.
    pub weight: f64,
    pub sum: f64,
    /// Weight that each side needs.
    pub min_leaf: f64,
}

/// A way to split a node.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cut {
    /// Up to the number goes left.
    Threshold(f64),
    /// These categories, all others that occur in the node.
    Categories(Vec<u32>, Vec<u32>),
}

/// What a split gains: the sum over the sides of squared sum by weight.
fn gain(left_weight: f64, left_sum: f64, weight: f64, sum: f64) -> f64 {
    let (right_weight, right_sum) = (weight - left_weight, sum - left_sum);
    left_sum * left_sum / left_weight + right_sum * right_sum / right_weight
}

impl Ordered<'_> {
    fn allows(&self, left_weight: f64) -> bool {
        left_weight >= self.min_leaf && self.weight - left_weight >= self.min_leaf
    }

    /// The best threshold and its gain.
    ///
    /// It is drawn within the gap between two rows, so that trees differ in between.
    pub(super) fn best_threshold(&self, stream: &mut Stream) -> Option<(f64, Cut)> {
        let (mut left_weight, mut left_sum) = (0.0, 0.0);
        let mut best: Option<(f64, f64, f64)> = None;
        for pair in self.rows.windows(2) {
            let (row, next) = (pair[0] as usize, pair[1] as usize);
            let weight = f64::from(self.weights[row]);
            left_weight += weight;
            left_sum += weight * self.targets[row];
            let (low, high) = (self.column[row], self.column[next]);
            if low < high && self.allows(left_weight) {
                let gained = gain(left_weight, left_sum, self.weight, self.sum);
                if best.is_none_or(|(most, _, _)| gained > most) {
                    best = Some((gained, low, high));
                }
            }
        }
        best.map(|(gained, low, high)| {
            let drawn = low + stream.unit() * (high - low);
            // Rounding may reach the upper row, which belongs to the other side.
            let threshold = if drawn < high { drawn } else { low };
            (gained, Cut::Threshold(threshold))
        })
    }

    /// The best two groups of the categories that occur, and their gain: the categories in the
    /// order of their mean targets, cut once.
    pub(super) fn best_subset(&self) -> Option<(f64, Cut)> {
        let mut groups: Vec<(u32, f64, f64)> = Vec::new();
        for row in self.rows {
            let row = *row as usize;
            let category = self.column[row] as u32;
            let weight = f64::from(self.weights[row]);
            match groups.last_mut() {
                Some(group) if group.0 == category => {
                    group.1 += weight;
                    group.2 += weight * self.targets[row];
                }
                _ => groups.push((category, weight, weight * self.targets[row])),
            }
        }
        let last = groups.len().saturating_sub(1);
        groups.sort_by(|a, b| (a.2 / a.1).total_cmp(&(b.2 / b.1)));
        let (mut left_weight, mut left_sum) = (0.0, 0.0);
        let mut best: Option<(f64, usize)> = None;
        for (position, (_, weight, sum)) in groups.iter().enumerate().take(last) {
            left_weight += weight;
            left_sum += sum;
            if self.allows(left_weight) {
                let gained = gain(left_weight, left_sum, self.weight, self.sum);
                if best.is_none_or(|(most, _)| gained > most) {
                    best = Some((gained, position + 1));
                }
            }
        }
        best.map(|(gained, position)| {
            let (left, right) = groups.split_at(position);
            let names = |groups: &[(u32, f64, f64)]| groups.iter().map(|g| g.0).collect();
            (gained, Cut::Categories(names(left), names(right)))
        })
    }
}
