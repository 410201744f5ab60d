//! One layer without its attention: all that happens to a token on its own. Knows no text.

use super::kernels::AddAndNorm;
use super::kernels::Panels;
use super::kernels::Product;
use super::kernels::Start;
use super::kernels::Then;
use crate::lanes::Instructions;

/// Inner numbers of a token that are computed at a time and used up before the next.
const INNER_AT_ONCE: usize = 384;

/// A layer's weights.
pub(super) struct Layer {
    /// Queries, keys and values in one: `[3 · hidden, hidden]`.
    pub qkv: Panels,
    pub attention: Panels,
    pub attention_norm: Norm,
    pub inner: Panels,
    pub outer: Panels,
    pub norm: Norm,
}

/// A layer norm's weights, `[hidden]` each.
pub(super) struct Norm {
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
    pub epsilon: f32,
}

/// Memory that one thread computes a block in.
#[derive(Default)]
pub(super) struct LayerScratch {
    /// `[rows, hidden]`.
    sums: Vec<f32>,
    /// `[rows, INNER_AT_ONCE]`.
    inner: Vec<f32>,
}

impl Layer {
    /// Queries, keys and values: `x`, `[rows, hidden]`, to `qkv`, `[rows, 3 · hidden]`.
    pub(super) fn project(&self, instructions: Instructions, x: &[f32], qkv: &mut [f32]) {
        instructions.run(Product::whole(x, &self.qkv, Then::Nothing, qkv));
    }

    /// Adds to `x` what attention gathered and what the two inner layers make of it; all are `[rows, hidden]`.
    pub(super) fn combine(
        &self,
        instructions: Instructions,
        context: &[f32],
        x: &mut [f32],
        scratch: &mut LayerScratch,
    ) {
        let LayerScratch { sums, inner } = scratch;
        sums.resize(x.len(), 0.0);
        instructions.run(Product::whole(context, &self.attention, Then::Nothing, sums));
        self.attention_norm.add(instructions, x, sums);
        let rows = x.len() / self.inner.depth();
        let mut from = 0;
        while from < self.inner.columns() {
            let to = self.inner.columns().min(from + INNER_AT_ONCE);
            inner.resize(rows * (to - from), 0.0);
            instructions.run(Product {
                input: x,
                weights: &self.inner,
                depth: 0..self.inner.depth(),
                columns: from..to,
                start: Start::Bias,
                then: Then::Gelu,
                output: inner,
            });
            instructions.run(Product {
                input: inner,
                weights: &self.outer,
                depth: from..to,
                columns: 0..self.outer.columns(),
                start: if from == 0 { Start::Bias } else { Start::Output },
                then: Then::Nothing,
                output: sums,
            });
            from = to;
        }
        self.norm.add(instructions, x, sums);
    }
}

impl Norm {
    /// `x = norm(x + y)`, `[rows, hidden]`.
    pub(super) fn add(&self, instructions: Instructions, x: &mut [f32], y: &[f32]) {
        let Self { weight, bias, epsilon } = self;
        instructions.run(AddAndNorm { x, y, weight, bias, epsilon: *epsilon });
    }
}
