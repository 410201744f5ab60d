//! What a step reads besides weights, and what it writes besides the cache. Knows no layer.

use candle_core::cuda_backend::cudarc;
use cudarc::driver::PinnedHostSlice;
use half::bf16;

use super::Flat;
use crate::blocks::BLOCK_TOKENS;
use crate::decoder::Shape;
use crate::error::EngineError;
use crate::kernels::cuda::Array;
use crate::kernels::cuda::Gpu;
use crate::kernels::cuda::Indices;
use crate::kernels::cuda::Likeliest;
use crate::kernels::cuda::pinned;
use crate::shortlist::Candidate;
use crate::shortlist::LONGEST;

/// A step's lists on the device, as [`Flat`] has them.
pub(super) struct Inputs {
    /// On the host too, where candle looks rows up.
    pub ids: (Indices, Vec<u32>),
    pub angle_rows: Indices,
    pub slots: Indices,
    pub row_starts: Indices,
    pub block_starts: Indices,
    pub blocks: Indices,
    pub last_tokens: Indices,
    pub wanted: Indices,
    bounds: Bounds,
}

/// What the lists' numbers are below.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub vocabulary: usize,
    pub angle_rows: usize,
    /// Blocks of the cache, nobody's included.
    pub blocks: usize,
}

impl Inputs {
    /// Room for steps of so many tokens and sequences.
    pub(super) fn new(
        gpu: &Gpu,
        bounds: Bounds,
        (tokens, sequences, blocks): (usize, usize, usize),
    ) -> Result<Self, EngineError> {
        // starts are held against the counts of a step's tokens and blocks where it is planned
        let start = i32::MAX as usize;
        Ok(Self {
            ids: (Indices::zeros(gpu, tokens, bounds.vocabulary)?, Vec::new()),
            angle_rows: Indices::zeros(gpu, tokens, bounds.angle_rows)?,
            slots: Indices::zeros(gpu, tokens, bounds.blocks * BLOCK_TOKENS)?,
            row_starts: Indices::zeros(gpu, sequences + 1, start)?,
            block_starts: Indices::zeros(gpu, sequences + 1, start)?,
            blocks: Indices::zeros(gpu, blocks, bounds.blocks)?,
            last_tokens: Indices::zeros(gpu, sequences, BLOCK_TOKENS + 1)?,
            wanted: Indices::zeros(gpu, sequences, tokens)?,
            bounds,
        })
    }

    /// Makes room for a step; says whether anything moved.
    pub(super) fn make_room(&mut self, gpu: &Gpu, flat: &Flat) -> Result<bool, EngineError> {
        let needed = (flat.ids.len(), flat.sequences(), flat.blocks.len());
        let has = (self.ids.0.capacity(), self.last_tokens.capacity(), self.blocks.capacity());
        let enough = needed.0 <= has.0 && needed.1 <= has.1 && needed.2 <= has.2;
        if !enough {
            let sizes = (needed.0.max(has.0), needed.1.max(has.1), (2 * needed.2).max(has.2));
            *self = Self::new(gpu, self.bounds, sizes)?;
        }
        Ok(!enough)
    }

    pub(super) fn set(&mut self, gpu: &Gpu, flat: &Flat) -> Result<(), EngineError> {
        self.ids.0.set(gpu, &flat.ids)?;
        self.ids.1 = flat.ids.iter().map(|id| *id as u32).collect();
        self.angle_rows.set(gpu, &flat.angle_rows)?;
        self.slots.set(gpu, &flat.slots)?;
        self.row_starts.set(gpu, &flat.row_starts)?;
        self.block_starts.set(gpu, &flat.block_starts)?;
        self.blocks.set(gpu, &flat.blocks)?;
        self.last_tokens.set(gpu, &flat.last_tokens)?;
        self.wanted.set(gpu, &flat.wanted)
    }
}

/// What a step writes, see the head of `mod.rs`.
pub(super) struct Buffers {
    pub sum: Array<bf16>,
    pub normed: Array<bf16>,
    pub qkv: Array<bf16>,
    pub queries: Array<bf16>,
    pub attended: Array<bf16>,
    pub gate_up: Array<bf16>,
    pub gated: Array<bf16>,
    /// `[wanted, hidden]`
    pub last: Array<bf16>,
    /// `[wanted, vocabulary]`
    pub logits: Array<f32>,
    likeliest: Likeliest,
    /// `[vocabulary]`
    on_host: PinnedHostSlice<f32>,
    shape: Shape,
}

impl Buffers {
    /// Room for steps of so many tokens, of which so many are wanted.
    pub(super) fn new(gpu: &Gpu, shape: &Shape, tokens: usize, wanted: usize) -> Result<Self, EngineError> {
        let Shape { hidden, inner, heads, kv_heads, head, vocabulary, .. } = *shape;
        let rows = |columns| Array::zeros(gpu, tokens, columns);
        Ok(Self {
            sum: rows(hidden)?,
            normed: rows(hidden)?,
            qkv: rows((heads + 2 * kv_heads) * head)?,
            queries: rows(heads * head)?,
            attended: rows(heads * head)?,
            gate_up: rows(2 * inner)?,
            gated: rows(inner)?,
            last: Array::zeros(gpu, wanted, hidden)?,
            logits: Array::zeros(gpu, wanted, vocabulary)?,
            likeliest: Likeliest::new(gpu, wanted, LONGEST.min(vocabulary))?,
            on_host: pinned(gpu, vocabulary)?,
            shape: shape.clone(),
        })
    }

    /// Makes room for a step; says whether anything moved.
    pub(super) fn make_room(&mut self, gpu: &Gpu, flat: &Flat) -> Result<bool, EngineError> {
        let (tokens, wanted) = (self.sum.rows(), self.last.rows());
        // a step of single tokens may want all its rows, filled up ones included
        let needed = flat.wanted.len().max(flat.sequences());
        let enough = flat.ids.len() <= tokens && needed <= wanted;
        if !enough {
            *self = Self::new(gpu, &self.shape, flat.ids.len().max(tokens), needed.max(wanted))?;
        }
        Ok(!enough)
    }

    /// Waits for a row of logits.
    pub(super) fn logits(&mut self, gpu: &Gpu, row: usize) -> Result<Vec<f32>, EngineError> {
        self.logits.read_pinned(gpu, row, &mut self.on_host).map(<[f32]>::to_vec)
    }

    /// Finds the likeliest of each of the first so many rows of logits, and waits for them.
    pub(super) fn likeliest(
        &mut self,
        gpu: &Gpu,
        rows: usize,
        below: usize,
    ) -> Result<Vec<Vec<Candidate>>, EngineError> {
        gpu.likeliest(&self.logits, rows, below.min(self.shape.vocabulary), &mut self.likeliest)?;
        self.likeliest.read(gpu, rows)
    }

    /// Waits for the first so many rows of states.
    pub(super) fn states(&self, gpu: &Gpu, rows: usize) -> Result<Vec<Vec<f32>>, EngineError> {
        let mut states = vec![bf16::ZERO; rows * self.shape.hidden];
        self.last.read(gpu, 0..rows, &mut states)?;
        let row = |row: &[bf16]| row.iter().map(|number| number.to_f32()).collect();
        Ok(states.chunks_exact(self.shape.hidden).map(row).collect())
    }
}
