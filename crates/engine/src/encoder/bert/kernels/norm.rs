//! The residual and the layer norm after it (Ba et al. 2016, arXiv 1607.06450). Knows no layer.

use crate::lanes::Arithmetic;
use crate::lanes::Kernel;
use crate::lanes::LANES;
use crate::lanes::total;

/// `x = norm(x + y) · weight + bias`, row by row.
pub(in super::super) struct AddAndNorm<'a> {
    /// `[rows, width]`, and so is `y`.
    pub x: &'a mut [f32],
    pub y: &'a [f32],
    /// `[width]`, a multiple of 16, and so is `bias`.
    pub weight: &'a [f32],
    pub bias: &'a [f32],
    pub epsilon: f32,
}

impl Kernel for AddAndNorm<'_> {
    #[inline(always)]
    fn run<A: Arithmetic, const TILE: usize, const SLICE: usize>(self) {
        let Self { x, y, weight, bias, epsilon } = self;
        let width = weight.len();
        assert_eq!((x.len(), bias.len(), width % LANES), (y.len(), width, 0));
        let (weight, bias) = (weight.as_chunks::<LANES>().0, bias.as_chunks::<LANES>().0);
        for (x, y) in x.chunks_exact_mut(width).zip(y.chunks_exact(width)) {
            let (x, y) = (x.as_chunks_mut::<LANES>().0, y.as_chunks::<LANES>().0);
            let mut sums = [0.0; LANES];
            for (x, y) in x.iter_mut().zip(y) {
                let (mut sum, y) = (*x, *y);
                for lane in 0..LANES {
                    sum[lane] += y[lane];
                    sums[lane] += sum[lane];
                }
                *x = sum;
            }
            let mean = total(sums) / width as f32;
            let mut squares = [0.0; LANES];
            for x in &*x {
                for lane in 0..LANES {
                    squares[lane] = A::mul_add(x[lane] - mean, x[lane] - mean, squares[lane]);
                }
            }
            let scale = 1.0 / (total(squares) / width as f32 + epsilon).sqrt();
            for ((x, weight), bias) in x.iter_mut().zip(weight).zip(bias) {
                let (mut number, weight, bias) = (*x, *weight, *bias);
                for lane in 0..LANES {
                    number[lane] = A::mul_add((number[lane] - mean) * scale, weight[lane], bias[lane]);
                }
                *x = number;
            }
        }
    }
}
