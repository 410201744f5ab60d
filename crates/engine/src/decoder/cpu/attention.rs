//! Attention of some tokens of a sequence over all before them, for the heads that share keys and values, block by block
//! with a running softmax (Milakov and Gimelshein 2018, arXiv 1805.02867; Dao et al. 2022, arXiv 2205.14135).
//!
//! A query meets the blocks of its sequence from the first to its own, each whole: what comes out of it is one chain of
//! operations that no other query has a part in, however many are computed together. Knows no layer.
#![expect(clippy::inline_always, reason = "what is not inlined is compiled for the least instructions")]

use super::kv::Halves;
use super::kv::HeadBlock;
use super::kv::panels;
use crate::blocks::BLOCK_TOKENS;
use crate::lanes::Arithmetic;
use crate::lanes::Kernel;
use crate::lanes::LANES;
use crate::lanes::Lanes;
use crate::lanes::exp;
use crate::lanes::sum_products;
use crate::lanes::total;

/// Attention for tokens that follow each other, from `position` on.
pub(super) struct Attention<'a> {
    /// `[tokens · group, head]`, already scaled: for each token the queries of one KV head.
    pub queries: &'a [f32],
    pub group: usize,
    pub head: usize,
    pub position: usize,
    /// What the KV head holds of each block of the sequence, up to the last token's.
    pub blocks: &'a [HeadBlock<'a>],
    pub scratch: &'a mut AttentionScratch,
    /// `[tokens · group, head]`.
    pub output: &'a mut [f32],
}

/// Memory that one thread computes attention in.
#[derive(Default)]
pub(super) struct AttentionScratch {
    /// A block's keys, `[4][head][16]`, then its values, `[head / 16][64][16]`.
    keys: Vec<Lanes>,
    values: Vec<Lanes>,
    /// `[rows][64]`: scores, then their powers.
    scores: Vec<f32>,
    /// `[rows][head / 16][16]`.
    sums: Vec<Lanes>,
    /// For each row its greatest score and the sum of its powers.
    greatest: Vec<f32>,
    totals: Vec<f32>,
}

impl Kernel for Attention<'_> {
    #[inline(always)]
    fn run<A: Arithmetic, const TILE: usize, const SLICE: usize>(self) {
        let Self { queries, group, head, position, blocks, scratch, output } = self;
        let (rows, width) = (queries.len() / head, panels(head));
        let last = position + rows / group - 1;
        assert!(blocks.len() > last / BLOCK_TOKENS && output.len() == rows * head);
        scratch.begin(rows, width);
        for (index, block) in blocks[..=last / BLOCK_TOKENS].iter().enumerate() {
            let first = index * BLOCK_TOKENS;
            let written = BLOCK_TOKENS.min(last + 1 - first);
            // earlier tokens ended with an earlier block
            let row = first.saturating_sub(position) * group;
            scratch.unpack(*block, width, written);
            let mut step = Step { scratch: &mut *scratch, queries, head, width, written };
            step.score::<A, TILE>(row, rows);
            for row in row..rows {
                step.weigh::<A>(row, BLOCK_TOKENS.min(position + row / group + 1 - first));
            }
            step.gather::<A, TILE>(row, rows);
        }
        for (row, output) in output.chunks_exact_mut(head).enumerate() {
            let scale = 1.0 / scratch.totals[row];
            for (index, number) in output.iter_mut().enumerate() {
                *number = scratch.sums[row * width + index / LANES].0[index % LANES] * scale;
            }
        }
    }
}

impl AttentionScratch {
    #[inline(always)]
    fn begin(&mut self, rows: usize, width: usize) {
        self.keys.resize(BLOCK_TOKENS * width, Lanes::ZERO);
        self.values.resize(BLOCK_TOKENS * width, Lanes::ZERO);
        self.scores.resize(rows * BLOCK_TOKENS, 0.0);
        self.sums.clear();
        self.sums.resize(rows * width, Lanes::ZERO);
        self.greatest.clear();
        self.greatest.resize(rows, f32::NEG_INFINITY);
        self.totals.clear();
        self.totals.resize(rows, 0.0);
    }

    /// Widens what is written of a block.
    #[inline(always)]
    fn unpack(&mut self, block: HeadBlock<'_>, width: usize, written: usize) {
        let keys = written.div_ceil(LANES) * width * LANES;
        widen(&block.keys[..keys], &mut self.keys);
        for panel in 0..width {
            let start = panel * BLOCK_TOKENS;
            widen(&block.values[start..start + written], &mut self.values[start..]);
        }
    }
}

/// Halves, none of them infinite, to f32: their bits moved and the bias of the exponent made good by a product.
#[inline(always)]
fn widen(halves: &[Halves], lanes: &mut [Lanes]) {
    for (halves, lanes) in halves.iter().zip(lanes) {
        for (half, number) in halves.iter().zip(&mut lanes.0) {
            let half = u32::from(*half);
            let magnitude = f32::from_bits((half & 0x7FFF) << 13) * TWO_TO_112;
            *number = f32::from_bits(magnitude.to_bits() | (half & 0x8000) << 16);
        }
    }
}

const TWO_TO_112: f32 = f32::from_bits((112 + 127) << 23);

/// One block for all rows that see it.
struct Step<'a> {
    scratch: &'a mut AttentionScratch,
    queries: &'a [f32],
    head: usize,
    width: usize,
    written: usize,
}

impl Step<'_> {
    #[inline(always)]
    fn score<A: Arithmetic, const TILE: usize>(&mut self, mut row: usize, rows: usize) {
        while rows - row >= TILE {
            self.score_rows::<A, TILE>(row);
            row += TILE;
        }
        while rows > row {
            self.score_rows::<A, 1>(row);
            row += 1;
        }
    }

    #[inline(always)]
    fn score_rows<A: Arithmetic, const ROWS: usize>(&mut self, first: usize) {
        let mut rows = [self.queries; ROWS];
        for (index, row) in rows.iter_mut().enumerate() {
            *row = &self.queries[(first + index) * self.head..][..self.head];
        }
        for panel in 0..self.written.div_ceil(LANES) {
            let keys = &self.scratch.keys[panel * self.width * LANES..][..self.head];
            let scores = sum_products::<A, ROWS>(rows, keys, [Lanes::ZERO; ROWS]);
            for (index, scores) in scores.iter().enumerate() {
                let at = (first + index) * BLOCK_TOKENS + panel * LANES;
                self.scratch.scores[at..at + LANES].copy_from_slice(&scores.0);
            }
        }
    }

    /// Turns the scores of a row that sees the first `visible` tokens into powers, 0 for the others, and makes what was
    /// gathered before relative to the greatest score so far.
    #[inline(always)]
    fn weigh<A: Arithmetic>(&mut self, row: usize, visible: usize) {
        let AttentionScratch { scores, sums, greatest, totals, .. } = &mut *self.scratch;
        let scores = &mut scores[row * BLOCK_TOKENS..][..BLOCK_TOKENS];
        scores[visible..].fill(f32::NEG_INFINITY);
        let mut best = [greatest[row]; LANES];
        for scores in scores.as_chunks::<LANES>().0 {
            for (best, score) in best.iter_mut().zip(scores) {
                *best = if *score > *best { *score } else { *best };
            }
        }
        let before = greatest[row];
        let mut now = best[0];
        for best in best {
            now = if best > now { best } else { now };
        }
        let mut lanes = [0.0; LANES];
        for scores in scores.as_chunks_mut::<LANES>().0 {
            for (score, lane) in scores.iter_mut().zip(&mut lanes) {
                let power = exp::<A>(*score - now);
                *score = if *score == f32::NEG_INFINITY { 0.0 } else { power };
                *lane += *score;
            }
        }
        let scale = exp::<A>(before - now);
        greatest[row] = now;
        totals[row] = totals[row] * scale + total(lanes);
        for lanes in &mut sums[row * self.width..][..self.width] {
            for number in &mut lanes.0 {
                *number *= scale;
            }
        }
    }

    #[inline(always)]
    fn gather<A: Arithmetic, const TILE: usize>(&mut self, mut row: usize, rows: usize) {
        while rows - row >= TILE {
            self.gather_rows::<A, TILE>(row);
            row += TILE;
        }
        while rows > row {
            self.gather_rows::<A, 1>(row);
            row += 1;
        }
    }

    #[inline(always)]
    fn gather_rows<A: Arithmetic, const ROWS: usize>(&mut self, first: usize) {
        let AttentionScratch { scores, sums, values, .. } = &mut *self.scratch;
        let mut weights = [&scores[..0]; ROWS];
        for (index, weights) in weights.iter_mut().enumerate() {
            *weights = &scores[(first + index) * BLOCK_TOKENS..][..self.written];
        }
        for panel in 0..self.width {
            let mut gathered = [Lanes::ZERO; ROWS];
            for (index, lanes) in gathered.iter_mut().enumerate() {
                *lanes = sums[(first + index) * self.width + panel];
            }
            let panel_values = &values[panel * BLOCK_TOKENS..][..self.written];
            let gathered = sum_products::<A, ROWS>(weights, panel_values, gathered);
            for (index, lanes) in gathered.iter().enumerate() {
                sums[(first + index) * self.width + panel] = *lanes;
            }
        }
    }
}
