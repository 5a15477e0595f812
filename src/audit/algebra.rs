//! The linear algebra of the attacks, in `f32`, by faer.

use faer::linalg::cholesky::llt;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par, Spec};

/// Into how many parts work is cut. It is not the number of threads: faer cuts by the number that it is told, and sums
/// within a part, so that with a number of our own the last bits are the same whoever computes the parts.
const PARTS: usize = 8;

/// A matrix, row after row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Matrix {
    pub(super) columns: usize,
    pub(super) numbers: Vec<f32>,
}

impl Matrix {
    pub(super) fn zeros(rows: usize, columns: usize) -> Self {
        Matrix { columns, numbers: vec![0.0; rows * columns] }
    }

    pub(super) fn rows(&self) -> usize {
        self.numbers.len().checked_div(self.columns).unwrap_or(0)
    }

    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.numbers[row * self.columns..][..self.columns]
    }

    fn view(&self) -> MatRef<'_, f32> {
        MatRef::from_row_major_slice(&self.numbers, self.rows(), self.columns)
    }

    fn view_mut(&mut self) -> MatMut<'_, f32> {
        let rows = self.rows();
        MatMut::from_row_major_slice_mut(&mut self.numbers, rows, self.columns)
    }

    /// The products of every row of this one with every row of the other.
    pub(super) fn times_transposed(&self, other: &Matrix) -> Matrix {
        let mut products = Matrix::zeros(self.rows(), other.rows());
        products.add_products(self, other);
        products
    }

    /// Adds the products of every row of the one with every row of the other, as many as this one has rows and columns.
    pub(super) fn add_products(&mut self, one: &Matrix, other: &Matrix) {
        if one.columns > 0 && !self.numbers.is_empty() {
            matmul(self.view_mut(), Accum::Add, one.view(), other.view().transpose(), 1.0, Par::rayon(PARTS));
        }
    }

    /// The inverse of a symmetric matrix that is positive definite; `None` where it is not, or not by much.
    pub(super) fn into_inverse(mut self) -> Option<Matrix> {
        let rows = self.rows();
        let par = Par::rayon(PARTS);
        let scratch = llt::factor::cholesky_in_place_scratch::<f32>(rows, par, Spec::default())
            .or(llt::inverse::inverse_scratch::<f32>(rows, par));
        let mut memory = faer::dyn_stack::MemBuffer::try_new(scratch).ok()?;
        let stack = faer::dyn_stack::MemStack::new(&mut memory);
        llt::factor::cholesky_in_place(
            self.view_mut(),
            llt::factor::LltRegularization::default(),
            par,
            stack,
            Spec::default(),
        )
        .ok()?;
        let mut inverse = Matrix::zeros(rows, rows);
        llt::inverse::inverse(inverse.view_mut(), self.view(), par, stack);
        // Only what is on and below the diagonal has been written.
        for i in 0..rows {
            for j in 0..i {
                inverse.numbers[j * rows + i] = inverse.numbers[i * rows + j];
            }
        }
        inverse.numbers.iter().all(|number| number.is_finite()).then_some(inverse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(rows: usize, columns: usize, seed: u64) -> Matrix {
        let number = |i: usize| ((i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ (seed << 40)) >> 40) as f32;
        Matrix { columns, numbers: (0..rows * columns).map(|i| number(i) / 16_777_216.0 - 0.5).collect() }
    }

    #[test]
    fn products_are_those_of_rows() {
        for (rows, others, columns) in [(1, 1, 1), (3, 5, 2), (70, 41, 33), (0, 3, 4)] {
            let (one, other) = (random(rows, columns, 1), random(others, columns, 2));
            let products = one.times_transposed(&other);
            assert_eq!(products.numbers.len(), rows * others);
            for i in 0..one.rows() {
                for j in 0..others {
                    let exact: f32 = one.row(i).iter().zip(other.row(j)).map(|(a, b)| a * b).sum();
                    assert!((products.row(i)[j] - exact).abs() < 1e-4);
                }
            }
        }
    }

    #[test]
    fn an_inverse_undoes() {
        for rows in [1, 2, 7, 130] {
            let root = random(rows, rows + 3, 5);
            let mut matrix = root.times_transposed(&root);
            (0..rows).for_each(|i| matrix.numbers[i * rows + i] += 0.5);
            let one = matrix.times_transposed(&matrix.clone().into_inverse().unwrap());
            for i in 0..rows {
                for j in 0..rows {
                    assert!((one.row(i)[j] - f32::from(u8::from(i == j))).abs() < 1e-3, "{rows}: {i} {j}");
                }
            }
        }
        // A direction of length −1: no sum of squares.
        let indefinite = Matrix { columns: 2, numbers: vec![1.0, 2.0, 2.0, 1.0] };
        assert_eq!(indefinite.into_inverse(), None);
    }

    #[test]
    fn the_same_bits_with_any_number_of_threads() {
        let root = random(300, 320, 9);
        let work = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut matrix = root.times_transposed(&root);
                (0..300).for_each(|i| matrix.numbers[i * 301] += 1.0);
                let bits = |m: &Matrix| m.numbers.iter().map(|n| n.to_bits()).collect::<Vec<_>>();
                (bits(&matrix), bits(&matrix.into_inverse().unwrap()))
            })
        };
        assert!(work(1) == work(3) && work(1) == work(5));
    }
}
