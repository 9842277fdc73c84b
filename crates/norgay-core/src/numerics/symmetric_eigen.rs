//! Eigenvalues and eigenvectors of a symmetric matrix.
//!
//! Householder reflections make the matrix tridiagonal; implicit QR steps with Wilkinson's shift
//! make it diagonal. Source: G. H. Golub and C. F. Van Loan, "Matrix Computations", 4th edition,
//! algorithms 8.3.1 to 8.3.3.

/// QR steps that one eigenvalue may take; two are the rule.
const MAX_STEPS: usize = 60;

/// A matrix as its eigenvalues and orthonormal eigenvectors.
#[derive(Clone, Debug, PartialEq)]
pub struct SymmetricEigen {
    /// The eigenvalues, ascending.
    pub values: Vec<f64>,
    /// The eigenvectors one after the other, in the order of their values.
    pub vectors: Vec<f64>,
}

impl SymmetricEigen {
    /// Decomposes a symmetric matrix of `n` rows, of which the lower triangle is read.
    ///
    /// `None` if an entry is not finite, or the iteration does not end.
    pub fn new(matrix: &[f64], n: usize) -> Option<Self> {
        if matrix.len() != n * n || !matrix.iter().all(|entry| entry.is_finite()) {
            return None;
        }
        let mut tridiagonal = Tridiagonal::new(matrix, n);
        tridiagonal.diagonalise()?;
        Some(tridiagonal.sorted())
    }

    /// The matrix with the same eigenvectors and a function of the eigenvalues.
    pub fn map(&self, function: impl Fn(f64) -> f64) -> Vec<f64> {
        let n = self.values.len();
        let mut result = vec![0.0; n * n];
        for (value, vector) in self.values.iter().zip(self.vectors.chunks_exact(n.max(1))) {
            let factor = function(*value);
            for (row, entry) in vector.iter().enumerate() {
                let scaled = factor * entry;
                let target = &mut result[row * n..=row * n + row];
                for (sum, other) in target.iter_mut().zip(vector) {
                    *sum += scaled * other;
                }
            }
        }
        mirror(&mut result, n);
        result
    }
}

/// Copies the lower triangle of a matrix of `n` rows to the upper one.
pub fn mirror(matrix: &mut [f64], n: usize) {
    for row in 0..n {
        for column in row + 1..n {
            matrix[row * n + column] = matrix[column * n + row];
        }
    }
}

struct Tridiagonal {
    n: usize,
    diagonal: Vec<f64>,
    /// Entry `i` stands between the diagonal's `i` and `i + 1`.
    beside: Vec<f64>,
    /// Rows that become the eigenvectors.
    rows: Vec<f64>,
}

impl Tridiagonal {
    fn new(matrix: &[f64], n: usize) -> Self {
        let mut a = matrix.to_vec();
        mirror(&mut a, n);
        let mut rows = vec![0.0; n * n];
        for i in 0..n {
            rows[i * n + i] = 1.0;
        }
        let mut direction = vec![0.0; n];
        let mut product = vec![0.0; n];
        for k in 0..n.saturating_sub(2) {
            let first = k + 1;
            if reflection(&a[k * n + first..(k + 1) * n], &mut direction[first..]) {
                reflect_both_sides(&mut a, n, first, &direction, &mut product);
                reflect_rows(&mut rows, n, first, &direction, &mut product);
            }
        }
        Self {
            n,
            diagonal: (0..n).map(|i| a[i * n + i]).collect(),
            beside: (1..n).map(|i| a[i * n + i - 1]).collect(),
            rows,
        }
    }

    fn diagonalise(&mut self) -> Option<()> {
        let mut last = self.n.saturating_sub(1);
        let mut steps = 0;
        while last > 0 {
            for i in 0..last {
                let near = self.diagonal[i].abs() + self.diagonal[i + 1].abs();
                if self.beside[i].abs() <= f64::EPSILON * near {
                    self.beside[i] = 0.0;
                }
            }
            if self.beside[last - 1] == 0.0 {
                last -= 1;
                steps = 0;
                continue;
            }
            let first = (0..last).rev().find(|i| self.beside[*i] == 0.0);
            self.step(first.map_or(0, |zero| zero + 1), last);
            steps += 1;
            if steps > MAX_STEPS {
                return None;
            }
        }
        Some(())
    }

    /// One implicit QR step on the part from `first` to `last`.
    fn step(&mut self, first: usize, last: usize) {
        let corner = self.beside[last - 1];
        let half = (self.diagonal[last - 1] - self.diagonal[last]) * 0.5;
        let root = libm::hypot(half, corner);
        let shift = self.diagonal[last] - corner * (corner / (half + root.copysign(half)));
        let mut kept = self.diagonal[first] - shift;
        let mut bulge = self.beside[first];
        for k in first..last {
            let length = libm::hypot(kept, bulge);
            let (c, s) = if length == 0.0 {
                (1.0, 0.0)
            } else {
                (kept / length, bulge / length)
            };
            if k > first {
                self.beside[k - 1] = length;
            }
            let (above, off, below) = (self.diagonal[k], self.beside[k], self.diagonal[k + 1]);
            self.diagonal[k] = c * (c * above + s * off) + s * (c * off + s * below);
            self.diagonal[k + 1] = s * (s * above - c * off) + c * (c * below - s * off);
            self.beside[k] = c * s * (below - above) + (c * c - s * s) * off;
            kept = self.beside[k];
            if k + 1 < last {
                bulge = s * self.beside[k + 1];
                self.beside[k + 1] *= c;
            }
            self.rotate_rows(k, c, s);
        }
    }

    fn rotate_rows(&mut self, k: usize, c: f64, s: f64) {
        let n = self.n;
        let (upper, lower) = self.rows[k * n..(k + 2) * n].split_at_mut(n);
        for (a, b) in upper.iter_mut().zip(lower) {
            (*a, *b) = (c * *a + s * *b, c * *b - s * *a);
        }
    }

    fn sorted(self) -> SymmetricEigen {
        let n = self.n;
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|a, b| self.diagonal[*a].total_cmp(&self.diagonal[*b]));
        let rows = order.iter().map(|i| &self.rows[i * n..(i + 1) * n]);
        SymmetricEigen {
            values: order.iter().map(|i| self.diagonal[*i]).collect(),
            vectors: rows.flatten().copied().collect(),
        }
    }
}

/// The unit vector whose reflection turns `column` into a multiple of the first axis; false if it
/// is one already.
fn reflection(column: &[f64], direction: &mut [f64]) -> bool {
    direction.copy_from_slice(column);
    let largest = column.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    if column[1..].iter().all(|entry| *entry == 0.0) {
        return false;
    }
    for entry in direction.iter_mut() {
        *entry /= largest;
    }
    direction[0] += norm(direction).copysign(direction[0]);
    let length = norm(direction);
    for entry in direction.iter_mut() {
        *entry /= length;
    }
    true
}

fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|entry| entry * entry).sum::<f64>().sqrt()
}

/// Reflects a symmetric matrix from both sides; the direction is 0 before `first`.
fn reflect_both_sides(a: &mut [f64], n: usize, first: usize, v: &[f64], product: &mut [f64]) {
    let dot = |row: &[f64]| -> f64 { row.iter().zip(&v[first..]).map(|(x, y)| x * y).sum() };
    for row in first - 1..n {
        product[row] = dot(&a[row * n + first..(row + 1) * n]);
    }
    let along = dot(&product[first..n]);
    for (entry, part) in product[first..n].iter_mut().zip(&v[first..]) {
        *entry -= along * part;
    }
    let head = product[first - 1];
    for column in first..n {
        let value = a[(first - 1) * n + column] - 2.0 * head * v[column];
        a[(first - 1) * n + column] = value;
        a[column * n + first - 1] = value;
    }
    for row in first..n {
        let (own, other) = (2.0 * v[row], 2.0 * product[row]);
        let target = &mut a[row * n + first..(row + 1) * n];
        for ((entry, part), p) in target.iter_mut().zip(&v[first..]).zip(&product[first..]) {
            *entry -= own * p + other * part;
        }
    }
}

/// Reflects the rows from `first` on.
fn reflect_rows(rows: &mut [f64], n: usize, first: usize, v: &[f64], sum: &mut [f64]) {
    sum.fill(0.0);
    for row in first..n {
        for (total, entry) in sum.iter_mut().zip(&rows[row * n..(row + 1) * n]) {
            *total += v[row] * entry;
        }
    }
    for row in first..n {
        let factor = 2.0 * v[row];
        for (entry, total) in rows[row * n..(row + 1) * n].iter_mut().zip(sum.iter()) {
            *entry -= factor * total;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    fn random_symmetric(n: usize, seed: u64) -> Vec<f64> {
        let mut stream = Stream::new(seed, 0, Purpose::Sample);
        let mut matrix: Vec<f64> = (0..n * n).map(|_| stream.normal()).collect();
        mirror(&mut matrix, n);
        matrix
    }

    fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
        let differences = a.iter().zip(b).map(|(x, y)| (x - y).abs());
        differences.fold(0.0, f64::max)
    }

    #[test]
    fn values_and_vectors_rebuild_the_matrix() {
        for n in [1, 2, 3, 5, 20, 60] {
            let matrix = random_symmetric(n, n as u64);
            let eigen = SymmetricEigen::new(&matrix, n).unwrap_or_else(|| panic!("{n}"));
            assert!(eigen.values.is_sorted());
            let rebuilt = eigen.map(|value| value);
            assert!(largest_difference(&rebuilt, &matrix) < 1e-13 * n as f64 * 3.0);
            let identity = eigen.map(|_| 1.0);
            let expected: Vec<f64> = (0..n * n)
                .map(|i| f64::from(u8::from(i / n == i % n)))
                .collect();
            assert!(largest_difference(&identity, &expected) < 1e-13 * n as f64);
        }
    }

    #[test]
    fn values_are_those_of_a_known_matrix() {
        // Second differences: the values are 2 - 2 cos(k pi / (n + 1)).
        let n = 12;
        let mut matrix = vec![0.0; n * n];
        for i in 0..n {
            matrix[i * n + i] = 2.0;
            if i > 0 {
                matrix[i * n + i - 1] = -1.0;
            }
        }
        let eigen = SymmetricEigen::new(&matrix, n).expect("a decomposition");
        for (k, value) in eigen.values.iter().enumerate() {
            let angle = (k + 1) as f64 * std::f64::consts::PI / (n + 1) as f64;
            assert!((value - (2.0 - 2.0 * libm::cos(angle))).abs() < 1e-14);
        }
    }

    #[test]
    fn equal_values_zeros_and_wide_ranges_are_no_trouble() {
        let eigen = SymmetricEigen::new(&[0.0; 16], 4).expect("zeros");
        assert_eq!(eigen.values, [0.0; 4]);
        let n = 6;
        let graded: Vec<f64> = (0..n * n)
            .map(|i| {
                if i / n == i % n {
                    libm::pow(10.0, -3.0 * (i % n) as f64)
                } else {
                    0.0
                }
            })
            .collect();
        let eigen = SymmetricEigen::new(&graded, n).expect("a diagonal matrix");
        assert!((eigen.values[0] / 1e-15 - 1.0).abs() < 1e-12);
        assert!(SymmetricEigen::new(&[1e150, 3e149, 3e149, 1e150], 2).is_some());
        assert!(SymmetricEigen::new(&[], 0).is_some());
    }

    #[test]
    fn what_is_no_matrix_is_refused() {
        assert!(SymmetricEigen::new(&[f64::NAN], 1).is_none());
        assert!(SymmetricEigen::new(&[f64::INFINITY; 4], 2).is_none());
        assert!(SymmetricEigen::new(&[1.0; 3], 2).is_none());
    }
}
