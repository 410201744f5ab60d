//! Matrix products with weights that were packed once: tiles of the output stay in registers for a whole run over
//! the depth (Goto and van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication"). Knows no layer.

use std::ops::Range;

use super::gelu::gelu;
use crate::lanes::Arithmetic;
use crate::lanes::Kernel;
use crate::lanes::LANES;
use crate::lanes::Lanes;
use crate::lanes::sum_products;

/// A run over the depth is this long at most, so that its weights, 24 KiB, stay in the first cache.
pub(super) const MAX_DEPTH: usize = 384;

/// A linear layer, its weights in the order in which they are read: `[columns / 16][depth][16]` f32.
#[derive(Debug)]
pub(in super::super) struct Panels {
    lanes: Vec<Lanes>,
    bias: Vec<Lanes>,
    depth: usize,
}

impl Panels {
    /// Packs `weights`, `[columns, depth]`, and `bias`, `[columns]`; `columns` is a multiple of 16.
    pub(in super::super) fn pack(weights: &[f32], bias: &[f32]) -> Self {
        assert!(bias.len().is_multiple_of(LANES) && weights.len().is_multiple_of(bias.len()));
        let depth = weights.len() / bias.len();
        let mut lanes = Vec::with_capacity(weights.len() / LANES);
        for rows in weights.chunks_exact(depth * LANES) {
            lanes.extend(
                (0..depth).map(|index| Lanes(std::array::from_fn(|lane| rows[lane * depth + index]))),
            );
        }
        let bias = bias.as_chunks::<LANES>().0.iter().copied().map(Lanes).collect();
        Self { lanes, bias, depth }
    }

    /// Numbers that go in.
    pub(in super::super) fn depth(&self) -> usize {
        self.depth
    }

    /// Numbers that come out.
    pub(in super::super) fn columns(&self) -> usize {
        self.bias.len() * LANES
    }
}

/// What a sum begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Start {
    Bias,
    /// What is in the output already.
    Output,
}

/// What happens to a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Then {
    Nothing,
    Gelu,
}

/// A part of a linear layer for some rows: `output = then(start + input · weights[depth, columns])`.
pub(in super::super) struct Product<'a> {
    /// `[rows, depth.len()]`.
    pub input: &'a [f32],
    pub weights: &'a Panels,
    pub depth: Range<usize>,
    /// Both ends are multiples of 16.
    pub columns: Range<usize>,
    pub start: Start,
    pub then: Then,
    /// `[rows, columns.len()]`.
    pub output: &'a mut [f32],
}

impl<'a> Product<'a> {
    /// A whole linear layer.
    pub(in super::super) fn whole(
        input: &'a [f32],
        weights: &'a Panels,
        then: Then,
        output: &'a mut [f32],
    ) -> Self {
        let (depth, columns) = (0..weights.depth(), 0..weights.columns());
        Self { input, weights, depth, columns, start: Start::Bias, then, output }
    }
}

impl Kernel for Product<'_> {
    #[inline(always)]
    fn run<A: Arithmetic, const TILE: usize, const SLICE: usize>(self) {
        let Self { input, weights, depth, columns, start, then, output } = self;
        let rows = output.len() / columns.len();
        assert_eq!((input.len(), output.len()), (rows * depth.len(), rows * columns.len()));
        assert!(columns.start.is_multiple_of(LANES) && columns.end.is_multiple_of(LANES));
        let mut from = depth.start;
        while from < depth.end {
            let to = depth.end.min(from + MAX_DEPTH);
            for column in columns.clone().step_by(LANES) {
                let panel = column / LANES;
                let mut strip = Strip {
                    input,
                    width: depth.len(),
                    from: from - depth.start,
                    panel: &weights.lanes[panel * weights.depth..][from..to],
                    start: (start == Start::Bias && from == depth.start).then(|| weights.bias[panel]),
                    gelu: then == Then::Gelu && to == depth.end,
                    output,
                    output_width: columns.len(),
                    column: column - columns.start,
                };
                strip.run::<A, TILE>(rows);
            }
            from = to;
        }
    }
}

/// 16 columns of the output.
struct Strip<'a> {
    input: &'a [f32],
    width: usize,
    from: usize,
    panel: &'a [Lanes],
    start: Option<Lanes>,
    gelu: bool,
    output: &'a mut [f32],
    output_width: usize,
    column: usize,
}

impl Strip<'_> {
    #[inline(always)]
    fn run<A: Arithmetic, const TILE: usize>(&mut self, rows: usize) {
        let mut row = 0;
        while rows - row >= TILE {
            self.tile::<A, TILE>(row);
            row += TILE;
        }
        while rows - row >= 4 {
            self.tile::<A, 4>(row);
            row += 4;
        }
        while rows > row {
            self.tile::<A, 1>(row);
            row += 1;
        }
    }

    #[inline(always)]
    fn tile<A: Arithmetic, const ROWS: usize>(&mut self, row: usize) {
        let mut input = [&self.input[..0]; ROWS];
        let mut sums = [Lanes::ZERO; ROWS];
        for index in 0..ROWS {
            input[index] = &self.input[(row + index) * self.width + self.from..];
            match self.start {
                Some(start) => sums[index] = start,
                None => sums[index].0.copy_from_slice(&self.output[self.at(row + index)]),
            }
        }
        let mut sums = sum_products::<A, ROWS>(input, self.panel, sums);
        if self.gelu {
            for sum in &mut sums {
                gelu::<A>(sum);
            }
        }
        for (index, sum) in sums.iter().enumerate() {
            let at = self.at(row + index);
            self.output[at].copy_from_slice(&sum.0);
        }
    }

    #[inline(always)]
    fn at(&self, row: usize) -> Range<usize> {
        let start = row * self.output_width + self.column;
        start..start + LANES
    }
}
