//! What happens to the numbers of one token between two products. Every row is computed alone. Knows no layer.
#![expect(clippy::inline_always, reason = "what is not inlined is compiled for the least instructions")]

use crate::lanes::Arithmetic;
use crate::lanes::Kernel;
use crate::lanes::LANES;
use crate::lanes::exp;
use crate::lanes::total;

/// Root mean square normalisation (Zhang and Sennrich 2019, arXiv 1910.07467), row by row:
/// `output = weight · x / √(mean(x²) + epsilon)`.
pub(super) struct RmsNorm<'a> {
    /// `[rows, width]`, and so is `output`.
    pub x: &'a [f32],
    /// `[width]`.
    pub weight: &'a [f32],
    pub epsilon: f32,
    pub output: &'a mut [f32],
}

impl Kernel for RmsNorm<'_> {
    #[inline(always)]
    fn run<A: Arithmetic, const TILE: usize, const SLICE: usize>(self) {
        let Self { x, weight, epsilon, output } = self;
        let width = weight.len();
        for (x, output) in x.chunks_exact(width).zip(output.chunks_exact_mut(width)) {
            let scale = scale_of::<A>(x, epsilon);
            for ((output, x), weight) in output.iter_mut().zip(x).zip(weight) {
                *output = x * scale * weight;
            }
        }
    }
}

/// The same, in place.
pub(super) struct RmsNormInPlace<'a> {
    /// `[rows, width]`.
    pub x: &'a mut [f32],
    /// `[width]`.
    pub weight: &'a [f32],
    pub epsilon: f32,
}

impl Kernel for RmsNormInPlace<'_> {
    #[inline(always)]
    fn run<A: Arithmetic, const TILE: usize, const SLICE: usize>(self) {
        let Self { x, weight, epsilon } = self;
        for x in x.chunks_exact_mut(weight.len()) {
            let scale = scale_of::<A>(x, epsilon);
            for (x, weight) in x.iter_mut().zip(weight) {
                *x = *x * scale * weight;
            }
        }
    }
}

#[inline(always)]
fn scale_of<A: Arithmetic>(x: &[f32], epsilon: f32) -> f32 {
    let (lanes, rest) = x.as_chunks::<LANES>();
    let mut squares = [0.0; LANES];
    for lanes in lanes {
        for (square, x) in squares.iter_mut().zip(lanes) {
            *square = A::mul_add(*x, *x, *square);
        }
    }
    for (square, x) in squares.iter_mut().zip(rest) {
        *square = A::mul_add(*x, *x, *square);
    }
    1.0 / (total(squares) / x.len() as f32 + epsilon).sqrt()
}

/// The gate of the MLP (Shazeer 2020, arXiv 2002.05202), row by row: `output = silu(gate) · up`.
pub(super) struct SiluGate<'a> {
    /// `[rows, 2 · width]`: a row's gates, then what they let through.
    pub gate_up: &'a [f32],
    pub width: usize,
    /// `[rows, width]`.
    pub output: &'a mut [f32],
}

impl Kernel for SiluGate<'_> {
    #[inline(always)]
    fn run<A: Arithmetic, const TILE: usize, const SLICE: usize>(self) {
        let Self { gate_up, width, output } = self;
        for (row, output) in gate_up.chunks_exact(2 * width).zip(output.chunks_exact_mut(width)) {
            let (gates, ups) = row.split_at(width);
            for ((output, gate), up) in output.iter_mut().zip(gates).zip(ups) {
                // the power's argument is never above 0
                let power = exp::<A>(-gate.abs());
                let numerator = if *gate < 0.0 { gate * power } else { *gate };
                *output = numerator / (1.0 + power) * up;
            }
        }
    }
}

/// Rotary positions (Su et al. 2021, arXiv 2104.09864) for the heads of one token.
pub(super) struct Rotate<'a> {
    /// `[heads, head]`.
    pub x: &'a mut [f32],
    /// `[head / 2]`, and so is `sin`.
    pub cos: &'a [f32],
    pub sin: &'a [f32],
    /// Rotates neighbouring numbers instead of the two halves of a head.
    pub interleaved: bool,
}

impl Kernel for Rotate<'_> {
    #[inline(always)]
    fn run<A: Arithmetic, const TILE: usize, const SLICE: usize>(self) {
        let Self { x, cos, sin, interleaved } = self;
        let half = cos.len();
        for head in x.chunks_exact_mut(2 * half) {
            if interleaved {
                for ((pair, cos), sin) in head.as_chunks_mut::<2>().0.iter_mut().zip(cos).zip(sin) {
                    *pair = [pair[0] * cos - pair[1] * sin, pair[1] * cos + pair[0] * sin];
                }
            } else {
                let (low, high) = head.split_at_mut(half);
                for (((low, high), cos), sin) in low.iter_mut().zip(high).zip(cos).zip(sin) {
                    (*low, *high) = (*low * cos - *high * sin, *high * cos + *low * sin);
                }
            }
        }
    }
}
