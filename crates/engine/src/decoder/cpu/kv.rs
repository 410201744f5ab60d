//! Keys and values of all sequences on a CPU, in blocks of 64 tokens, as halves, in the order in which attention reads
//! them. Memory is taken from the system when a block is first written. Knows no sequence.
//!
//! ```text
//! a layer's keys    [block][kv_head][4 panels of 16 tokens][head][16 tokens]
//! a layer's values  [block][kv_head][head / 16 panels     ][64 tokens][16 numbers of the head]
//! ```

use std::ops::Range;

use crate::blocks::BLOCK_TOKENS;
use crate::blocks::BlockId;
use crate::error::EngineError;
use crate::float::to_half;
use crate::lanes::LANES;

/// Sixteen halves.
pub(super) type Halves = [u16; LANES];

/// The largest half; what is beyond is cut off, so that no score becomes infinite.
const MAX_HALF: f32 = 65_504.0;

/// The cache of a model.
pub(super) struct KvPool {
    layers: Vec<LayerKv>,
    kv_heads: usize,
    head: usize,
    blocks: usize,
}

struct LayerKv {
    keys: Vec<Halves>,
    values: Vec<Halves>,
}

/// What a layer holds of one block for one head.
#[derive(Clone, Copy)]
pub(super) struct HeadBlock<'a> {
    /// `[4][head][16]`.
    pub keys: &'a [Halves],
    /// `[head / 16][64][16]`.
    pub values: &'a [Halves],
}

impl KvPool {
    /// Room for so many blocks.
    ///
    /// # Errors
    /// `Internal` when there is no address space for them.
    pub(super) fn new(
        layers: usize,
        kv_heads: usize,
        head: usize,
        blocks: usize,
    ) -> Result<Self, EngineError> {
        let halves = blocks.checked_mul(kv_heads * panels(head) * BLOCK_TOKENS);
        let halves = halves.ok_or_else(|| EngineError::Internal("a KV cache of no size".into()))?;
        let zeros = || vec![[0; LANES]; halves];
        let layers = (0..layers).map(|_| LayerKv { keys: zeros(), values: zeros() }).collect();
        Ok(Self { layers, kv_heads, head, blocks })
    }

    /// How many blocks it has.
    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    /// Keeps a token's keys and values, `[kv_heads, head]` each, at its position in a sequence.
    pub(super) fn write(
        &mut self,
        layer: usize,
        table: &[BlockId],
        position: usize,
        (key, value): (&[f32], &[f32]),
    ) {
        let (block, token) = (table[position / BLOCK_TOKENS], position % BLOCK_TOKENS);
        let (width, head) = (panels(self.head), self.head);
        let halves = |number: &f32| to_half(number.clamp(-MAX_HALF, MAX_HALF));
        for kv_head in 0..self.kv_heads {
            let start = self.start(block, kv_head);
            let LayerKv { keys, values } = &mut self.layers[layer];
            let panel = &mut keys[start + token / LANES * width * LANES..][..head];
            for (lanes, number) in panel.iter_mut().zip(&key[kv_head * head..]) {
                lanes[token % LANES] = halves(number);
            }
            for (index, number) in value[kv_head * head..][..head].iter().enumerate() {
                values[start + index / LANES * BLOCK_TOKENS + token][index % LANES] = halves(number);
            }
        }
    }

    /// One head's keys and values of a block.
    pub(super) fn read(&self, layer: usize, block: BlockId, kv_head: usize) -> HeadBlock<'_> {
        let (start, length) = (self.start(block, kv_head), panels(self.head) * BLOCK_TOKENS);
        let LayerKv { keys, values } = &self.layers[layer];
        HeadBlock { keys: &keys[start..start + length], values: &values[start..start + length] }
    }

    /// All that these blocks hold, to be brought back by [`KvPool::restore`]: of each layer, of each block, its keys,
    /// then its values.
    pub(super) fn save(&self, blocks: &[BlockId]) -> Vec<u8> {
        let mut saved =
            Vec::with_capacity(self.layers.len() * blocks.len() * 2 * size_of::<Halves>() * self.size());
        for LayerKv { keys, values } in &self.layers {
            for block in blocks {
                let place = self.place(*block);
                saved.extend_from_slice(bytemuck::cast_slice(&keys[place.clone()]));
                saved.extend_from_slice(bytemuck::cast_slice(&values[place]));
            }
        }
        saved
    }

    /// Fills blocks with what was saved, but for that of the first so many.
    ///
    /// # Errors
    /// `Internal` when it was not saved of as many blocks of this layout.
    pub(super) fn restore(
        &mut self,
        first: usize,
        blocks: &[BlockId],
        saved: &[u8],
    ) -> Result<(), EngineError> {
        let bytes = size_of::<Halves>() * self.size();
        let of_a_layer = (first + blocks.len()) * 2 * bytes;
        if saved.len() != self.layers.len() * of_a_layer {
            return Err(EngineError::Internal("KV of another layout".into()));
        }
        let places: Vec<Range<usize>> = blocks.iter().map(|block| self.place(*block)).collect();
        for (LayerKv { keys, values }, saved) in self.layers.iter_mut().zip(saved.chunks_exact(of_a_layer)) {
            for (place, saved) in places.iter().zip(saved.chunks_exact(2 * bytes).skip(first)) {
                let (saved_keys, saved_values) = saved.split_at(bytes);
                bytemuck::cast_slice_mut(&mut keys[place.clone()]).copy_from_slice(saved_keys);
                bytemuck::cast_slice_mut(&mut values[place.clone()]).copy_from_slice(saved_values);
            }
        }
        Ok(())
    }

    /// How many [`Halves`] the keys of a block are, all heads together; its values are as many.
    fn size(&self) -> usize {
        self.kv_heads * panels(self.head) * BLOCK_TOKENS
    }

    /// Where they lie in a layer.
    fn place(&self, block: BlockId) -> Range<usize> {
        let start = self.start(block, 0);
        start..start + self.size()
    }

    fn start(&self, block: BlockId, kv_head: usize) -> usize {
        (block.index() * self.kv_heads + kv_head) * panels(self.head) * BLOCK_TOKENS
    }
}

/// Panels of 16 numbers in a head; the last may be filled up with zeros.
pub(super) fn panels(head: usize) -> usize {
    head.div_ceil(LANES)
}
