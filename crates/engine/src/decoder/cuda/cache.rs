//! Keys and values of all sequences on the device, in blocks of 64 tokens. Knows no sequence.

use half::bf16;
use half::slice::HalfFloatSliceExt;

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

    /// Copies of blocks in the host's memory: of each layer keys, then values, `[blocks · 64, kv_heads · head]`.
    pub(super) fn save(&self, gpu: &Gpu, blocks: &[BlockId]) -> Result<Vec<u8>, EngineError> {
        let mut saved = Vec::new();
        for array in self.layers.iter().flatten() {
            let mut copy = vec![bf16::ZERO; BLOCK_TOKENS * array.columns()];
            for block in blocks {
                let start = block.index() * BLOCK_TOKENS;
                array.read(gpu, start..start + BLOCK_TOKENS, &mut copy)?;
                saved.extend_from_slice(bytemuck::cast_slice(copy.reinterpret_cast()));
            }
        }
        Ok(saved)
    }

    /// Fills blocks with what was saved, but for that of the first so many.
    ///
    /// # Errors
    /// `Internal` when it was not saved of as many blocks of this layout.
    pub(super) fn restore(
        &mut self,
        gpu: &Gpu,
        first: usize,
        blocks: &[BlockId],
        saved: &[u8],
    ) -> Result<(), EngineError> {
        let arrays = 2 * self.layers.len();
        let of_an_array = saved.len() / arrays;
        // read by the device until it has finished
        let mut copies = Vec::with_capacity(arrays * blocks.len());
        for (array, saved) in self.layers.iter_mut().flatten().zip(saved.chunks_exact(of_an_array)) {
            let size = BLOCK_TOKENS * array.columns();
            let of_a_block = size * size_of::<bf16>();
            if of_an_array != (first + blocks.len()) * of_a_block {
                return Err(EngineError::Internal("KV of another layout".into()));
            }
            for (block, saved) in blocks.iter().zip(saved.chunks_exact(of_a_block).skip(first)) {
                let mut copy = vec![bf16::ZERO; size];
                bytemuck::cast_slice_mut(copy.reinterpret_cast_mut()).copy_from_slice(saved);
                array.write(gpu, block.index() * BLOCK_TOKENS, &copy)?;
                copies.push(copy);
            }
        }
        gpu.finish()
    }
}
