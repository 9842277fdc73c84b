//! Dense linear algebra for symmetric positive definite matrices of a few hundred rows.
//!
//! Every result is the same to the bit on every processor: sums are split into a fixed number of
//! lanes, products and sums are never fused, and only the width of the instructions that carry
//! the lanes depends on the machine. That is what general libraries don't promise, and what makes
//! a study's suggestions reproducible when it moves to another machine.

// The kernels must be compiled into their callers to get these callers' instructions.
#![allow(clippy::inline_always)]

/// Lanes into which a sum is split.
const LANES: usize = 8;

/// A matrix stored by rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    columns: usize,
    data: Vec<f64>,
}

impl Matrix {
    /// A matrix of zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self {
            columns,
            data: vec![0.0; rows * columns],
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.data.len().checked_div(self.columns).unwrap_or(0)
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.data[row * self.columns..(row + 1) * self.columns]
    }

    /// One row, to be changed.
    pub fn row_mut(&mut self, row: usize) -> &mut [f64] {
        &mut self.data[row * self.columns..(row + 1) * self.columns]
    }

    /// Adds a row.
    pub fn push(&mut self, row: &[f64]) {
        debug_assert_eq!(row.len(), self.columns);
        self.data.extend_from_slice(row);
    }
}

/// Runs `work` compiled for the widest instructions of this processor.
#[inline]
pub fn widest<T>(work: impl FnOnce() -> T) -> T {
    pulp::Arch::new().dispatch(work)
}

/// The lanes of the scalar products of a row with four others, and what is left to add to each.
///
/// Written out, not with iterators or `map`: what is not inlined here loses the wide instructions.
#[inline(always)]
fn four_products(left: &[f64], others: [&[f64]; 4]) -> [f64; 4] {
    let length = left.len();
    let (a, a_rest) = left.as_chunks::<LANES>();
    let (b0, rest0) = others[0][..length].as_chunks::<LANES>();
    let (b1, rest1) = others[1][..length].as_chunks::<LANES>();
    let (b2, rest2) = others[2][..length].as_chunks::<LANES>();
    let (b3, rest3) = others[3][..length].as_chunks::<LANES>();
    let count = a.len();
    let (b0, b1, b2, b3) = (&b0[..count], &b1[..count], &b2[..count], &b3[..count]);
    let mut s0 = [0.0; LANES];
    let mut s1 = [0.0; LANES];
    let mut s2 = [0.0; LANES];
    let mut s3 = [0.0; LANES];
    for k in 0..count {
        for lane in 0..LANES {
            s0[lane] += a[k][lane] * b0[k][lane];
            s1[lane] += a[k][lane] * b1[k][lane];
            s2[lane] += a[k][lane] * b2[k][lane];
            s3[lane] += a[k][lane] * b3[k][lane];
        }
    }
    let mut totals = [total(&s0), total(&s1), total(&s2), total(&s3)];
    for k in 0..a_rest.len() {
        totals[0] += a_rest[k] * rest0[k];
        totals[1] += a_rest[k] * rest1[k];
        totals[2] += a_rest[k] * rest2[k];
        totals[3] += a_rest[k] * rest3[k];
    }
    totals
}

#[inline(always)]
fn total(s: &[f64; LANES]) -> f64 {
    ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

/// The scalar product of two vectors of the same length.
#[inline(always)]
pub fn product(left: &[f64], right: &[f64]) -> f64 {
    let (a, a_rest) = left.as_chunks::<LANES>();
    let (b, b_rest) = right[..left.len()].as_chunks::<LANES>();
    let b = &b[..a.len()];
    let mut sums = [0.0; LANES];
    for k in 0..a.len() {
        for lane in 0..LANES {
            sums[lane] += a[k][lane] * b[k][lane];
        }
    }
    let mut sum = total(&sums);
    for k in 0..a_rest.len() {
        sum += a_rest[k] * b_rest[k];
    }
    sum
}

/// Adds `factor` times `source` to `target`.
#[inline(always)]
pub fn add_scaled(target: &mut [f64], factor: f64, source: &[f64]) {
    let source = &source[..target.len()];
    for k in 0..target.len() {
        target[k] += factor * source[k];
    }
}

/// A matrix that can't be factorised is not positive definite, or holds NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPositiveDefinite;

/// Replaces the lower triangle of `a` by its Cholesky factor; what is above stays as it was.
///
/// O(n³/3).
pub fn cholesky(a: &mut Matrix) -> Result<(), NotPositiveDefinite> {
    extend_cholesky(a, 0)
}

/// The same for a matrix whose first `done` rows are factorised already.
pub fn extend_cholesky(a: &mut Matrix, done: usize) -> Result<(), NotPositiveDefinite> {
    widest(
        #[inline(always)]
        || {
            let (rows, columns) = (a.rows(), a.columns);
            let mut reciprocals: Vec<f64> = (0..done).map(|i| 1.0 / a.row(i)[i]).collect();
            for i in done..rows {
                let (above, below) = a.data.split_at_mut(i * columns);
                let row = &mut below[..columns];
                let mut j = 0;
                // Four columns at once, as long as all four factors exist.
                while j + 4 <= i {
                    let block = &above[j * columns..(j + 4) * columns];
                    let four = [
                        &block[..columns],
                        &block[columns..2 * columns],
                        &block[2 * columns..3 * columns],
                        &block[3 * columns..],
                    ];
                    let sums = four_products(&row[..j], four);
                    for k in 0..4 {
                        let mut value = row[j + k] - sums[k];
                        for m in 0..k {
                            value -= row[j + m] * four[k][j + m];
                        }
                        row[j + k] = value * reciprocals[j + k];
                    }
                    j += 4;
                }
                while j < i {
                    let other = &above[j * columns..(j + 1) * columns];
                    let sum = product(&row[..j], &other[..j]);
                    row[j] = (row[j] - sum) * reciprocals[j];
                    j += 1;
                }
                let rest = row[i] - product(&row[..i], &row[..i]);
                if rest.is_nan() || rest <= 0.0 {
                    return Err(NotPositiveDefinite);
                }
                row[i] = rest.sqrt();
                reciprocals.push(1.0 / row[i]);
            }
            Ok(())
        },
    )
}

/// The transposed inverse of a lower triangular factor: row `j` holds column `j` of the inverse.
///
/// O(n³/3).
pub fn transposed_inverse(factor: &Matrix) -> Matrix {
    widest(
        #[inline(always)]
        || {
            let n = factor.rows();
            let mut inverse = Matrix::zeros(n, n);
            for first in (0..n).step_by(4) {
                let many = 4.min(n - first);
                let (_, below) = inverse.data.split_at_mut(first * n);
                if many < 4 {
                    for k in 0..many {
                        solve_unit(factor, first + k, &mut below[k * n..(k + 1) * n]);
                    }
                    continue;
                }
                let (r0, rest) = below.split_at_mut(n);
                let (r1, rest) = rest.split_at_mut(n);
                let (r2, rest) = rest.split_at_mut(n);
                let r3 = &mut rest[..n];
                for i in first..n {
                    let row = factor.row(i);
                    let four = [&r0[first..], &r1[first..], &r2[first..], &r3[first..]];
                    let sums = four_products(&row[first..i], four);
                    let reciprocal = 1.0 / row[i];
                    // Above the diagonal all sums are 0, and so stays the inverse.
                    let unit = |k: usize| if i == first + k { 1.0 } else { 0.0 };
                    r0[i] = (unit(0) - sums[0]) * reciprocal;
                    r1[i] = (unit(1) - sums[1]) * reciprocal;
                    r2[i] = (unit(2) - sums[2]) * reciprocal;
                    r3[i] = (unit(3) - sums[3]) * reciprocal;
                }
            }
            inverse
        },
    )
}

#[inline(always)]
fn solve_unit(factor: &Matrix, unit: usize, into: &mut [f64]) {
    into[unit] = 1.0 / factor.row(unit)[unit];
    for i in unit + 1..factor.rows() {
        let row = factor.row(i);
        into[i] = -product(&row[unit..i], &into[unit..i]) / row[i];
    }
}

/// The lower triangle of the inverse of a matrix from its factor's [`transposed_inverse`].
///
/// O(n³/3).
pub fn inverse_of_whole(transposed: &Matrix) -> Matrix {
    widest(
        #[inline(always)]
        || {
            let n = transposed.rows();
            let mut inverse = Matrix::zeros(n, n);
            for i in 0..n {
                let left = &transposed.row(i)[i..];
                let mut j = 0;
                while j + 4 <= i + 1 {
                    let four = [
                        &transposed.row(j)[i..],
                        &transposed.row(j + 1)[i..],
                        &transposed.row(j + 2)[i..],
                        &transposed.row(j + 3)[i..],
                    ];
                    let values = four_products(left, four);
                    inverse.row_mut(i)[j..j + 4].copy_from_slice(&values);
                    j += 4;
                }
                while j <= i {
                    inverse.row_mut(i)[j] = product(left, &transposed.row(j)[i..]);
                    j += 1;
                }
            }
            inverse
        },
    )
}

/// Rows to columns.
pub fn transposed(matrix: &Matrix) -> Matrix {
    let (rows, columns) = (matrix.rows(), matrix.columns);
    let mut result = Matrix::zeros(columns, rows);
    for i in 0..rows {
        for (j, value) in matrix.row(i).iter().enumerate() {
            result.data[j * rows + i] = *value;
        }
    }
    result
}

/// Solves `factor * x = right` for a lower triangular factor, in place.
pub fn solve_lower(factor: &Matrix, right: &mut [f64]) {
    widest(
        #[inline(always)]
        || {
            for i in 0..right.len() {
                let row = factor.row(i);
                right[i] = (right[i] - product(&row[..i], &right[..i])) / row[i];
            }
        },
    );
}

/// Solves `factorᵀ * x = right` for a lower triangular factor, in place.
pub fn solve_upper(factor: &Matrix, right: &mut [f64]) {
    widest(
        #[inline(always)]
        || {
            for i in (0..right.len()).rev() {
                let row = factor.row(i);
                right[i] /= row[i];
                let value = right[i];
                add_scaled(&mut right[..i], -value, &row[..i]);
            }
        },
    );
}

/// For each row `k` of `rows`: the squared length of `lower * k`, for a lower triangular matrix.
///
/// O(m n²/2).
pub fn squared_lengths(lower: &Matrix, rows: &Matrix) -> Vec<f64> {
    widest(
        #[inline(always)]
        || {
            let m = rows.rows();
            let mut lengths = vec![0.0; m];
            let mut first = 0;
            while first < m {
                let many = 4.min(m - first);
                // A short last group counts its last row more than once; the copies are dropped.
                let last = first + many - 1;
                let four = [
                    rows.row(first),
                    rows.row((first + 1).min(last)),
                    rows.row((first + 2).min(last)),
                    rows.row((first + 3).min(last)),
                ];
                let mut sums = [0.0; 4];
                let mut i = 0;
                while i < lower.rows() {
                    let parts = four_products(&lower.row(i)[..=i], four);
                    for k in 0..4 {
                        sums[k] += parts[k] * parts[k];
                    }
                    i += 1;
                }
                lengths[first..first + many].copy_from_slice(&sums[..many]);
                first += 4;
            }
            lengths
        },
    )
}

/// `lower * right` for a lower triangular matrix.
pub fn multiply_lower(lower: &Matrix, right: &[f64]) -> Vec<f64> {
    widest(
        #[inline(always)]
        || {
            let rows = 0..lower.rows();
            rows.map(|i| product(&lower.row(i)[..=i], &right[..=i]))
                .collect()
        },
    )
}

/// `lowerᵀ * right` for a lower triangular matrix.
pub fn multiply_lower_transposed(lower: &Matrix, right: &[f64]) -> Vec<f64> {
    widest(
        #[inline(always)]
        || {
            let mut result = vec![0.0; right.len()];
            for (i, factor) in right.iter().enumerate() {
                add_scaled(&mut result[..=i], *factor, &lower.row(i)[..=i]);
            }
            result
        },
    )
}

/// The exponential of a number that is not positive, to about one unit in the last place.
///
/// Without branches, so that a loop over it is carried by wide instructions. Arguments below -700
/// give (almost) zero.
#[inline(always)]
pub fn exponential(x: f64) -> f64 {
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    // ln 2 in two parts: the product of the first with a small whole number is exact.
    const LN2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    // Adding and taking away this number rounds to a whole number, found in the low bits.
    const ROUNDER: f64 = 6_755_399_441_055_744.0;
    let x = x.max(-700.0);
    let shifted = x * LOG2_E + ROUNDER;
    let whole = shifted - ROUNDER;
    let rest = (x - whole * LN2_HIGH) - whole * LN2_LOW;
    // The Taylor series to the 13th power: its rest is below 1e-17 for |rest| <= ln(2) / 2.
    let mut sum = 1.0 / 6_227_020_800.0;
    for factorial in [
        479_001_600.0,
        39_916_800.0,
        3_628_800.0,
        362_880.0,
        40_320.0,
        5_040.0,
        720.0,
        120.0,
        24.0,
        6.0,
        2.0,
        1.0,
        1.0,
    ] {
        sum = sum * rest + 1.0 / factorial;
    }
    let exponent = shifted.to_bits().wrapping_add(1023) << 52;
    sum * f64::from_bits(exponent)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    fn positive_definite(n: usize) -> Matrix {
        let mut stream = Stream::new(1, n as u64, Purpose::Sample);
        let mut half = Matrix::zeros(n, n);
        for value in &mut half.data {
            *value = stream.normal();
        }
        let mut whole = Matrix::zeros(n, n);
        for i in 0..n {
            for j in 0..n {
                whole.row_mut(i)[j] = product(half.row(i), half.row(j));
            }
            whole.row_mut(i)[i] += 1.0;
        }
        whole
    }

    #[test]
    fn factor_times_its_transpose_is_the_matrix() {
        for n in [1, 2, 3, 4, 5, 8, 13, 50] {
            let whole = positive_definite(n);
            let mut factor = whole.clone();
            cholesky(&mut factor).unwrap();
            for i in 0..n {
                for j in 0..=i {
                    let back = product(&factor.row(i)[..=j], &factor.row(j)[..=j]);
                    assert!((back - whole.row(i)[j]).abs() < 1e-10 * n as f64);
                }
            }
        }
    }

    #[test]
    fn an_extended_factor_equals_the_factor_of_the_whole() {
        let whole = positive_definite(30);
        let mut at_once = whole.clone();
        cholesky(&mut at_once).unwrap();
        let mut extended = Matrix::zeros(0, 30);
        for i in 0..20 {
            extended.push(whole.row(i));
        }
        cholesky(&mut extended).unwrap();
        for i in 20..30 {
            extended.push(whole.row(i));
        }
        extend_cholesky(&mut extended, 20).unwrap();
        assert_eq!(extended, at_once);
    }

    #[test]
    fn the_inverse_times_the_matrix_is_the_identity() {
        for n in [1, 3, 4, 7, 12, 33] {
            let whole = positive_definite(n);
            let mut factor = whole.clone();
            cholesky(&mut factor).unwrap();
            let inverse = inverse_of_whole(&transposed_inverse(&factor));
            for i in 0..n {
                for j in 0..n {
                    let entry = |a: usize, b: usize| inverse.row(a.max(b))[a.min(b)];
                    let found: f64 = (0..n).map(|k| entry(i, k) * whole.row(k)[j]).sum();
                    let expected = if i == j { 1.0 } else { 0.0 };
                    assert!((found - expected).abs() < 1e-8, "{n} {i} {j} {found}");
                }
            }
        }
    }

    #[test]
    fn triangular_systems_are_solved() {
        let whole = positive_definite(11);
        let mut factor = whole.clone();
        cholesky(&mut factor).unwrap();
        let right: Vec<f64> = (0..11).map(f64::from).collect();
        let mut solution = right.clone();
        solve_lower(&factor, &mut solution);
        let lower = transposed(&transposed_inverse(&factor));
        let multiplied = multiply_lower(&lower, &right);
        assert!(
            solution
                .iter()
                .zip(&multiplied)
                .all(|(a, b)| (a - b).abs() < 1e-10)
        );
        solve_upper(&factor, &mut solution);
        let other = multiply_lower_transposed(&lower, &multiplied);
        assert!(
            solution
                .iter()
                .zip(&other)
                .all(|(a, b)| (a - b).abs() < 1e-9)
        );
        for (i, value) in right.iter().enumerate() {
            assert!((product(whole.row(i), &solution) - value).abs() < 1e-8);
        }
    }

    #[test]
    fn squared_lengths_are_those_of_the_products() {
        let mut factor = positive_definite(9);
        cholesky(&mut factor).unwrap();
        let rows = positive_definite(9);
        let lengths = squared_lengths(&factor, &rows);
        for (k, length) in lengths.iter().enumerate() {
            let v = multiply_lower(&factor, rows.row(k));
            assert!((product(&v, &v) - length).abs() < 1e-9 * length);
        }
    }

    #[test]
    fn a_matrix_that_is_not_positive_definite_is_refused() {
        let mut matrix = Matrix::zeros(2, 2);
        matrix.row_mut(0)[0] = 1.0;
        matrix.row_mut(1).copy_from_slice(&[2.0, 1.0]);
        assert_eq!(cholesky(&mut matrix), Err(NotPositiveDefinite));
        matrix.row_mut(0)[0] = f64::NAN;
        assert_eq!(cholesky(&mut matrix), Err(NotPositiveDefinite));
    }

    #[test]
    fn the_exponential_agrees_with_the_library() {
        for k in 0..7000 {
            let x = -0.1 * f64::from(k);
            let (found, expected) = (exponential(x), libm::exp(x));
            assert!((found / expected - 1.0).abs() < 1e-15, "{x}");
        }
    }
}
