//! Keys and values of all sequences on the device, in blocks of 64 tokens. Knows no sequence.

use half::bf16;

use crate::blocks::BLOCK_TOKENS;
use crate::blocks::BlockId;
use crate::decoder::Shape;
use crate::error::EngineError;
use crate::kernels::cuda::Array;
use crate::kernels::cuda::Gpu;

/// The cache of a model.
pub(super) struct KvPool {
    /// Of each layer keys and values, `[(blocks + 1) · 64, kv_heads · head]`.
    layers: Vec<[Array<bf16>; 2]>,
    blocks: usize,
}

/// What was saved of some blocks: of each layer keys, then values, `[blocks · 64, kv_heads · head]`.
pub(super) struct Saved(Vec<Vec<bf16>>);

impl KvPool {
    /// Room for so many blocks, and for one more that belongs to nobody.
    pub(super) fn new(gpu: &Gpu, shape: &Shape, blocks: usize) -> Result<Self, EngineError> {
        let (rows, columns) = ((blocks + 1) * BLOCK_TOKENS, shape.kv_heads * shape.head);
        let zeros = || Array::zeros(gpu, rows, columns);
        let layers = (0..shape.layers).map(|_| Ok([zeros()?, zeros()?]));
        Ok(Self { layers: layers.collect::<Result<_, EngineError>>()?, blocks })
    }

    /// How many blocks it has.
    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    /// The block that belongs to nobody.
    pub(super) fn nobodys(&self) -> BlockId {
        BlockId::at(self.blocks)
    }

    /// Keys and values of a layer, `[(blocks + 1) · 64, kv_heads · head]` each.
    pub(super) fn layer(&mut self, index: usize) -> &mut [Array<bf16>; 2] {
        &mut self.layers[index]
    }

    pub(super) fn save(&self, gpu: &Gpu, blocks: &[BlockId]) -> Result<Saved, EngineError> {
        let copy = |array: &Array<bf16>| {
            let size = BLOCK_TOKENS * array.columns();
            let mut copy = vec![bf16::ZERO; blocks.len() * size];
            for (block, copy) in blocks.iter().zip(copy.chunks_exact_mut(size)) {
                let start = block.index() * BLOCK_TOKENS;
                array.read(gpu, start..start + BLOCK_TOKENS, copy)?;
            }
            Ok(copy)
        };
        self.layers.iter().flatten().map(copy).collect::<Result<_, EngineError>>().map(Saved)
    }

    /// Fills blocks with what was saved, but for that of the first so many.
    pub(super) fn restore(
        &mut self,
        gpu: &Gpu,
        first: usize,
        blocks: &[BlockId],
        saved: &Saved,
    ) -> Result<(), EngineError> {
        for (array, saved) in self.layers.iter_mut().flatten().zip(&saved.0) {
            let size = BLOCK_TOKENS * array.columns();
            for (block, copy) in blocks.iter().zip(saved.chunks_exact(size).skip(first)) {
                array.write(gpu, block.index() * BLOCK_TOKENS, copy)?;
            }
        }
        gpu.finish()
    }
}
