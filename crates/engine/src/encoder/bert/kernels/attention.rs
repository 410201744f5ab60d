//! Attention of some tokens of one text to all its tokens, head by head and 16 queries at a time. Keys and values are
//! read where the projection wrote them; scores of 16 queries lie side by side, so that softmax needs no sum across a
//! register. Knows no other text.

use std::ops::Range;

use super::softmax::exponentials;
use crate::lanes::Arithmetic;
use crate::lanes::Kernel;
use crate::lanes::LANES;
use crate::lanes::Lanes;
use crate::lanes::sum_products;

/// Attention for the tokens `queries` of a text.
pub(in super::super) struct Attention<'a> {
    /// Of the whole text, `[tokens, 3 · hidden]`: queries, keys, values, each `[heads, head_width]`.
    pub qkv: &'a [f32],
    pub queries: Range<usize>,
    pub heads: usize,
    /// A multiple of 16.
    pub head_width: usize,
    pub scratch: &'a mut AttentionScratch,
    /// `[queries.len(), hidden]`.
    pub output: &'a mut [f32],
}

/// Memory that one thread computes attention in.
#[derive(Debug, Default)]
pub(in super::super) struct AttentionScratch {
    /// `[head_width][16]`, and so are the sums.
    queries: Vec<Lanes>,
    sums: Vec<Lanes>,
    /// `[tokens][16]`.
    scores: Vec<Lanes>,
}

impl Kernel for Attention<'_> {
    #[inline(always)]
    fn run<A: Arithmetic, const TILE: usize, const SLICE: usize>(self) {
        let Self { qkv, queries, heads, head_width, scratch, output } = self;
        let hidden = heads * head_width;
        let tokens = qkv.len() / (3 * hidden);
        assert_eq!((qkv.len(), output.len()), (tokens * 3 * hidden, queries.len() * hidden));
        scratch.queries.resize(head_width, Lanes::ZERO);
        scratch.sums.resize(head_width, Lanes::ZERO);
        scratch.scores.resize(tokens, Lanes::ZERO);
        for head in 0..heads {
            let part = |which: usize| &qkv[which * hidden + head * head_width..];
            let head_of = Head { stride: 3 * hidden, width: head_width };
            for (index, rows) in output.chunks_mut(LANES * hidden).enumerate() {
                let first = queries.start + index * LANES;
                let count = rows.len() / hidden;
                head_of.pack_queries(part(0), first..first + count, &mut scratch.queries);
                head_of.score::<A, TILE>(part(1), &scratch.queries, &mut scratch.scores);
                let scale = exponentials::<A>(&mut scratch.scores);
                head_of.sum_values::<A, SLICE>(part(2), &scratch.scores, &mut scratch.sums);
                for (lane, row) in rows.chunks_exact_mut(hidden).enumerate() {
                    let row = &mut row[head * head_width..][..head_width];
                    for (number, sum) in row.iter_mut().zip(&scratch.sums) {
                        *number = sum.0[lane] * scale.0[lane];
                    }
                }
            }
        }
    }
}

/// Where the rows of one head lie.
#[derive(Clone, Copy)]
struct Head {
    stride: usize,
    width: usize,
}

impl Head {
    /// Turns up to 16 queries, so that a lane holds one, and scales them.
    #[inline(always)]
    fn pack_queries(self, queries: &[f32], rows: Range<usize>, packed: &mut [Lanes]) {
        packed.fill(Lanes::ZERO);
        let scale = 1.0 / (self.width as f32).sqrt();
        for (lane, row) in rows.enumerate() {
            for (number, packed) in queries[row * self.stride..][..self.width].iter().zip(&mut *packed) {
                packed.0[lane] = number * scale;
            }
        }
    }

    /// The products of every key with the 16 queries.
    #[inline(always)]
    fn score<A: Arithmetic, const TILE: usize>(self, keys: &[f32], queries: &[Lanes], scores: &mut [Lanes]) {
        let mut key = 0;
        while scores.len() - key >= TILE {
            self.score_some::<A, TILE>(keys, queries, key, scores);
            key += TILE;
        }
        while scores.len() > key {
            self.score_some::<A, 1>(keys, queries, key, scores);
            key += 1;
        }
    }

    #[inline(always)]
    fn score_some<A: Arithmetic, const KEYS: usize>(
        self,
        keys: &[f32],
        queries: &[Lanes],
        first: usize,
        scores: &mut [Lanes],
    ) {
        let mut rows = [keys; KEYS];
        for (index, row) in rows.iter_mut().enumerate() {
            *row = &keys[(first + index) * self.stride..];
        }
        let sums = sum_products::<A, KEYS>(rows, queries, [Lanes::ZERO; KEYS]);
        scores[first..first + KEYS].copy_from_slice(&sums);
    }

    /// The values, each weighted by its scores: `[width][16]`.
    #[inline(always)]
    fn sum_values<A: Arithmetic, const SLICE: usize>(
        self,
        values: &[f32],
        scores: &[Lanes],
        sums: &mut [Lanes],
    ) {
        for (index, sums) in sums.chunks_exact_mut(SLICE).enumerate() {
            let mut slice = [Lanes::ZERO; SLICE];
            for (key, score) in scores.iter().enumerate() {
                let at = key * self.stride + index * SLICE;
                let numbers: &[f32] = &values[at..at + SLICE];
                for (sum, number) in slice.iter_mut().zip(numbers) {
                    for (sum, score) in sum.0.iter_mut().zip(&score.0) {
                        *sum = A::mul_add(*number, *score, *sum);
                    }
                }
            }
            sums.copy_from_slice(&slice);
        }
    }
}
