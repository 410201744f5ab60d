//! Weights in the order in which they are read: 16 rows side by side, block after block, so that 16 numbers of the
//! output are summed in the lanes of registers and none across. Knows no format.
//!
//! ```text
//! rows 0..16   block 0 │ block 1 │ … │ block columns / COLUMNS − 1
//! rows 16..32  block 0 │ …
//! ```

use std::borrow::Cow;
use std::ops::Range;

use super::instructions::Instructions;
use super::strips::Strip;
pub(super) use crate::lanes::LANES;
pub(super) use crate::lanes::Lanes;

/// Rows of the input that are multiplied with a block while it is unpacked: their sums fill the registers.
const TILE: usize = 4;

/// Weights of 16 rows that are multiplied together.
pub(super) trait Block: Send + Sync + Sized {
    /// What `COLUMNS` numbers of the input are multiplied as.
    type Input: Send + Sync;
    const COLUMNS: usize;
    /// Bytes of one row of it in its format.
    const ROW_BYTES: usize;
    /// How many blocks ahead memory is asked for them: some 4 KiB, as long as it takes to answer.
    const AHEAD: usize;

    /// Packs up to 16 rows, each of `ROW_BYTES`; those that are missing are 0.
    fn pack(rows: &[&[u8]]) -> Self;

    /// Writes the `COLUMNS` values of one row.
    fn unpack(&self, lane: usize, out: &mut [f32]);

    /// Adds to each of `sums` the products of the blocks with one row of the input, block after block, each with one
    /// fused operation in the end; the same bits with all instructions.
    fn multiply<const N: usize>(
        instructions: Instructions,
        run: Run<'_, Self>,
        inputs: [&[Self::Input]; N],
        sums: &mut [Lanes; N],
    );
}

/// Blocks of one panel, side by side in memory.
pub(super) struct Run<'a, B> {
    pub blocks: &'a [B],
    /// What memory is asked for meanwhile, one with each block.
    pub ahead: &'a [B],
}

/// A matrix of one format.
#[derive(Debug)]
pub(super) struct Panels<B> {
    blocks: Vec<B>,
    rows: usize,
    /// Blocks in a row.
    width: usize,
}

impl<B: Block> Panels<B> {
    /// Packs `rows`, each as many bytes as `columns` take.
    pub(super) fn pack<'a>(rows: usize, columns: usize, row: impl Fn(usize) -> Cow<'a, [u8]>) -> Self {
        let width = columns / B::COLUMNS;
        let mut blocks = Vec::with_capacity(rows.div_ceil(LANES) * width);
        for first in (0..rows).step_by(LANES) {
            let rows: Vec<Cow<'_, [u8]>> = (first..rows.min(first + LANES)).map(&row).collect();
            let mut parts = Vec::with_capacity(LANES);
            for block in 0..width {
                parts.clear();
                parts.extend(rows.iter().map(|row| &row[block * B::ROW_BYTES..][..B::ROW_BYTES]));
                blocks.push(B::pack(&parts));
            }
        }
        Self { blocks, rows, width }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn columns(&self) -> usize {
        self.width * B::COLUMNS
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.blocks.as_slice())
    }

    pub(super) fn row(&self, index: usize, out: &mut [f32]) {
        assert!(index < self.rows && out.len() == self.columns());
        let blocks = &self.blocks[index / LANES * self.width..][..self.width];
        for (block, out) in blocks.iter().zip(out.chunks_exact_mut(B::COLUMNS)) {
            block.unpack(index % LANES, out);
        }
    }

    /// Fills a strip whose first column is the first row of `panel`.
    pub(super) fn multiply(
        &self,
        instructions: Instructions,
        inputs: &[B::Input],
        panel: usize,
        strip: &mut Strip<'_>,
    ) {
        assert_eq!(inputs.len(), strip.rows() * self.width);
        // few rows read each panel to its end, as memory likes it; many keep a part of it in the first cache
        let run = if strip.rows() <= 2 * TILE { self.width } else { 1024_usize.div_ceil(B::COLUMNS) };
        for from in (0..self.width).step_by(run) {
            for first in (0..strip.columns()).step_by(LANES) {
                let at = (panel + first / LANES) * self.width;
                let to = self.width.min(from + run);
                let mut part = Part {
                    instructions,
                    blocks: &self.blocks[at + from..at + to],
                    ahead: self.blocks.get(at + from + B::AHEAD..).unwrap_or(&[]),
                    inputs,
                    width: self.width,
                    from,
                    columns: first..strip.columns().min(first + LANES),
                    strip,
                };
                part.multiply();
            }
        }
    }
}

/// A run of blocks of one panel.
struct Part<'a, 'b, B: Block> {
    instructions: Instructions,
    blocks: &'a [B],
    ahead: &'a [B],
    inputs: &'a [B::Input],
    width: usize,
    from: usize,
    columns: Range<usize>,
    strip: &'a mut Strip<'b>,
}

impl<B: Block> Part<'_, '_, B> {
    fn multiply(&mut self) {
        let rows = self.strip.rows();
        let whole = rows - rows % TILE;
        for row in (0..whole).step_by(TILE) {
            self.tile::<TILE>(row);
        }
        match rows - whole {
            3 => self.tile::<3>(whole),
            2 => self.tile::<2>(whole),
            1 => self.tile::<1>(whole),
            _ => {}
        }
    }

    fn tile<const N: usize>(&mut self, row: usize) {
        let inputs: [&[B::Input]; N] = std::array::from_fn(|index| {
            &self.inputs[(row + index) * self.width + self.from..][..self.blocks.len()]
        });
        let mut sums = [Lanes::ZERO; N];
        if self.from > 0 {
            for (index, sum) in sums.iter_mut().enumerate() {
                sum.0[..self.columns.len()]
                    .copy_from_slice(self.strip.part(row + index, self.columns.clone()));
            }
        }
        // what the first rows read is near when the others do
        let ahead = if row == 0 { self.ahead } else { &[] };
        B::multiply(self.instructions, Run { blocks: self.blocks, ahead }, inputs, &mut sums);
        for (index, sum) in sums.iter().enumerate() {
            self.strip.part(row + index, self.columns.clone()).copy_from_slice(&sum.0[..self.columns.len()]);
        }
    }
}

/// One block of each of some rows of the input.
#[inline(always)]
pub(super) fn nth<T, const N: usize>(inputs: [&[T]; N], index: usize) -> [&T; N] {
    let mut blocks = [&inputs[0][index]; N];
    for (block, inputs) in blocks.iter_mut().zip(inputs) {
        *block = &inputs[index];
    }
    blocks
}
