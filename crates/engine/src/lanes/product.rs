//! The innermost loop of every product in f32. Knows no matrix.

use super::Arithmetic;
use super::Lanes;

/// `sums[row] + Σ rows[row][index] · panel[index]`, one chain for each number.
#[inline(always)]
pub(crate) fn sum_products<A: Arithmetic, const ROWS: usize>(
    rows: [&[f32]; ROWS],
    panel: &[Lanes],
    mut sums: [Lanes; ROWS],
) -> [Lanes; ROWS] {
    let mut inputs = [&rows[0][..0]; ROWS];
    for (input, row) in inputs.iter_mut().zip(rows) {
        *input = &row[..panel.len()];
    }
    for (index, weights) in panel.iter().enumerate() {
        for (sum, input) in sums.iter_mut().zip(inputs) {
            let factor = input[index];
            for (sum, weight) in sum.0.iter_mut().zip(&weights.0) {
                *sum = A::mul_add(factor, *weight, *sum);
            }
        }
    }
    sums
}
