//! One layer on all tokens of a step. Knows no model file.

use std::sync::Mutex;
use std::sync::PoisonError;

use super::ROWS_AT_ONCE;
use super::attention::Attention;
use super::attention::AttentionScratch;
use super::elementwise::RmsNorm;
use super::elementwise::RmsNormInPlace;
use super::elementwise::Rotate;
use super::elementwise::SiluGate;
use super::kv::HeadBlock;
use super::kv::KvPool;
use super::parts::each_part;
use crate::blocks::BLOCK_TOKENS;
use crate::decoder::Part;
use crate::decoder::Shape;
use crate::decoder::rope::Angles;
use crate::kernels::Matrix;
use crate::kernels::Team;
use crate::lanes::Instructions;

/// Tokens of a sequence whose attention a thread computes at a time: a block's keys and values are unpacked once for them.
const TOKENS_AT_ONCE: usize = 16;

/// A layer's weights.
pub(super) struct Layer {
    pub attention_norm: Vec<f32>,
    /// Queries, keys and values in one: `[(heads + 2 · kv_heads) · head, hidden]`.
    pub qkv: Matrix,
    pub qkv_bias: Option<Vec<f32>>,
    /// `[head]`, and so is `key_norm`.
    pub query_norm: Option<Vec<f32>>,
    pub key_norm: Option<Vec<f32>>,
    /// `[hidden, heads · head]`.
    pub output: Matrix,
    pub mlp_norm: Vec<f32>,
    /// `[2 · inner, hidden]`.
    pub gate_up: Matrix,
    /// `[hidden, inner]`.
    pub down: Matrix,
}

/// Memory that a step is computed in.
#[derive(Default)]
pub(super) struct Buffers {
    pub x: Vec<f32>,
    normed: Vec<f32>,
    qkv: Vec<f32>,
    /// `[kv_heads][tokens][group · head]`, as attention leaves it.
    by_head: Vec<f32>,
    attended: Vec<f32>,
    gate_up: Vec<f32>,
    gated: Vec<f32>,
    /// What a product adds to `x`.
    sums: Vec<f32>,
    scratch: Mutex<Vec<AttentionScratch>>,
}

impl Buffers {
    /// Makes room for so many tokens.
    pub(super) fn begin(&mut self, tokens: usize, shape: &Shape) {
        let Shape { hidden, inner, heads, kv_heads, head, .. } = *shape;
        for (buffer, width) in [
            (&mut self.x, hidden),
            (&mut self.normed, hidden),
            (&mut self.qkv, (heads + 2 * kv_heads) * head),
            (&mut self.by_head, heads * head),
            (&mut self.attended, heads * head),
            (&mut self.gate_up, 2 * inner),
            (&mut self.gated, inner),
            (&mut self.sums, hidden),
        ] {
            buffer.resize(tokens * width, 0.0);
        }
    }
}

/// A layer and all that a step has for every layer.
pub(super) struct Pass<'a> {
    pub layer: &'a Layer,
    pub index: usize,
    pub shape: &'a Shape,
    pub parts: &'a [Part<'a>],
    pub angles: &'a Angles,
    pub team: &'a Team,
    pub instructions: Instructions,
}

/// Tokens of one sequence for one KV head, and where their outcome goes.
struct Tile<'a> {
    part: &'a Part<'a>,
    kv_head: usize,
    /// The first token's row in the step and its position in the sequence.
    row: usize,
    position: usize,
    output: &'a mut [f32],
}

impl Pass<'_> {
    /// Adds to `x` what attention makes of it.
    pub(super) fn attend(&self, buffers: &mut Buffers, cache: &mut KvPool) {
        self.norm(&self.layer.attention_norm, &buffers.x, &mut buffers.normed);
        self.layer.qkv.product(self.team, &buffers.normed, &mut buffers.qkv);
        let width = self.layer.qkv.rows();
        each_part(self.team, &mut buffers.qkv, ROWS_AT_ONCE * width, |index, rows| {
            for (offset, row) in rows.chunks_exact_mut(width).enumerate() {
                self.place(row, index * ROWS_AT_ONCE + offset);
            }
        });
        self.keep(&buffers.qkv, cache);
        self.gather(buffers, cache);
        self.layer.output.product(self.team, &buffers.attended, &mut buffers.sums);
        self.add(buffers);
    }

    /// Adds to `x` what the MLP makes of it.
    pub(super) fn transform(&self, buffers: &mut Buffers) {
        let inner = self.shape.inner;
        self.norm(&self.layer.mlp_norm, &buffers.x, &mut buffers.normed);
        self.layer.gate_up.product(self.team, &buffers.normed, &mut buffers.gate_up);
        let gate_up = &buffers.gate_up;
        each_part(self.team, &mut buffers.gated, ROWS_AT_ONCE * inner, |index, output| {
            let from = index * ROWS_AT_ONCE * 2 * inner;
            let gate_up = &gate_up[from..from + 2 * output.len()];
            self.instructions.run(SiluGate { gate_up, width: inner, output });
        });
        self.layer.down.product(self.team, &buffers.gated, &mut buffers.sums);
        self.add(buffers);
    }

    fn norm(&self, weight: &[f32], x: &[f32], normed: &mut [f32]) {
        let (size, epsilon) = (ROWS_AT_ONCE * weight.len(), self.shape.norm_epsilon);
        each_part(self.team, normed, size, |index, output| {
            let x = &x[index * size..][..output.len()];
            self.instructions.run(RmsNorm { x, weight, epsilon, output });
        });
    }

    fn add(&self, buffers: &mut Buffers) {
        let (size, sums) = (ROWS_AT_ONCE * self.shape.hidden, &buffers.sums);
        each_part(self.team, &mut buffers.x, size, |index, x| {
            for (x, sum) in x.iter_mut().zip(&sums[index * size..]) {
                *x += sum;
            }
        });
    }

    /// Biases, norms and rotates a token's queries and keys, and scales its queries.
    fn place(&self, row: &mut [f32], token: usize) {
        let Shape { heads, kv_heads, head, norm_epsilon: epsilon, rope_interleaved: interleaved, .. } =
            *self.shape;
        if let Some(bias) = &self.layer.qkv_bias {
            for (number, bias) in row.iter_mut().zip(bias) {
                *number += bias;
            }
        }
        let (queries, rest) = row.split_at_mut(heads * head);
        let keys = &mut rest[..kv_heads * head];
        let (cos, sin) = self.angles.of(token);
        for (x, weight) in [(&mut *queries, &self.layer.query_norm), (keys, &self.layer.key_norm)] {
            if let Some(weight) = weight {
                self.instructions.run(RmsNormInPlace { x: &mut *x, weight, epsilon });
            }
            self.instructions.run(Rotate { x, cos, sin, interleaved });
        }
        let scale = 1.0 / (head as f32).sqrt();
        for number in queries {
            *number *= scale;
        }
    }

    /// Puts the tokens' keys and values into the cache.
    fn keep(&self, qkv: &[f32], cache: &mut KvPool) {
        let Shape { heads, kv_heads, head, .. } = *self.shape;
        let mut rows = qkv.chunks_exact(self.layer.qkv.rows());
        for part in self.parts {
            for (offset, row) in rows.by_ref().take(part.tokens.len()).enumerate() {
                let kv = row[heads * head..].split_at(kv_heads * head);
                cache.write(self.index, part.table, part.position + offset, kv);
            }
        }
    }

    /// Attention of all tokens, into `attended`.
    fn gather(&self, buffers: &mut Buffers, cache: &KvPool) {
        let Shape { heads, kv_heads, head, .. } = *self.shape;
        let Buffers { qkv, by_head, attended, scratch, .. } = buffers;
        let scratch = &*scratch;
        let (group, tokens) = (heads / kv_heads, qkv.len() / self.layer.qkv.rows());
        let tiles = self.tiles(by_head, group * head);
        self.team.each(tiles, |tile| {
            let pop = || scratch.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut own = pop().unwrap_or_default();
            self.attend_tile(tile, qkv, cache, &mut own);
            scratch.lock().unwrap_or_else(PoisonError::into_inner).push(own);
        });
        let width = group * head;
        for (kv_head, rows) in by_head.chunks_exact(tokens * width).enumerate() {
            for (to, from) in attended.chunks_exact_mut(heads * head).zip(rows.chunks_exact(width)) {
                to[kv_head * width..][..width].copy_from_slice(from);
            }
        }
    }

    /// All work of attention: for each KV head each part in pieces of some tokens.
    fn tiles<'b>(&'b self, mut output: &'b mut [f32], width: usize) -> Vec<Tile<'b>> {
        let mut tiles = Vec::new();
        for kv_head in 0..self.shape.kv_heads {
            let mut row = 0;
            for part in self.parts {
                for start in (0..part.tokens.len()).step_by(TOKENS_AT_ONCE) {
                    let count = TOKENS_AT_ONCE.min(part.tokens.len() - start);
                    let (own, rest) = std::mem::take(&mut output).split_at_mut(count * width);
                    output = rest;
                    let position = part.position + start;
                    tiles.push(Tile { part, kv_head, row: row + start, position, output: own });
                }
                row += part.tokens.len();
            }
        }
        tiles
    }

    fn attend_tile(&self, tile: Tile<'_>, qkv: &[f32], cache: &KvPool, scratch: &mut AttentionScratch) {
        let Shape { heads, kv_heads, head, .. } = *self.shape;
        let group = heads / kv_heads;
        let Tile { part, kv_head, row, position, output } = tile;
        let width = group * head;
        let rows = qkv.chunks_exact(self.layer.qkv.rows()).skip(row).take(output.len() / width);
        let queries: Vec<f32> = rows.flat_map(|row| &row[kv_head * width..][..width]).copied().collect();
        let last = position + output.len() / width - 1;
        let blocks: Vec<HeadBlock<'_>> = part.table[..=last / BLOCK_TOKENS]
            .iter()
            .map(|block| cache.read(self.index, *block, kv_head))
            .collect();
        let attention =
            Attention { queries: &queries, group, head, position, blocks: &blocks, scratch, output };
        self.instructions.run(attention);
    }
}
