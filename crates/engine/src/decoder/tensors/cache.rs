//! Keys and values of all sequences in tensors, in blocks of 64 tokens. Knows no sequence.

use candle_core::DType;
use candle_core::Device;
use candle_core::Tensor;

use crate::blocks::BLOCK_TOKENS;
use crate::blocks::BlockId;

/// The cache of a model.
pub(super) struct KvPool {
    /// Of each layer keys and values, `[blocks, 64, kv_heads, head]`; written in place.
    layers: Vec<[Tensor; 2]>,
    blocks: usize,
}

impl KvPool {
    /// Room for so many blocks, for `(layers, kv_heads, head)`.
    pub(super) fn new(
        (layers, kv_heads, head): (usize, usize, usize),
        blocks: usize,
        float: DType,
        device: &Device,
    ) -> candle_core::Result<Self> {
        let zeros = || Tensor::zeros((blocks, BLOCK_TOKENS, kv_heads, head), float, device);
        let layers = (0..layers).map(|_| Ok([zeros()?, zeros()?]));
        Ok(Self { layers: layers.collect::<candle_core::Result<_>>()?, blocks })
    }

    /// How many blocks it has.
    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    /// Adds keys and values, `[tokens, kv_heads, head]` each, from `position` on, and gives all of the sequence up to the
    /// last of them, `[kv_heads, position + tokens, head]` each.
    pub(super) fn append(
        &self,
        layer: usize,
        table: &[BlockId],
        position: usize,
        new: [&Tensor; 2],
    ) -> candle_core::Result<[Tensor; 2]> {
        let [keys, values] = &self.layers[layer];
        Ok([append(keys, table, position, new[0])?, append(values, table, position, new[1])?])
    }

    /// Copies of blocks in the host's memory: of each layer keys, then values, `[blocks, 64, kv_heads, head]`.
    pub(super) fn save(&self, blocks: &[BlockId]) -> candle_core::Result<Vec<u8>> {
        let mut saved = Vec::new();
        for tensor in self.layers.iter().flatten() {
            let each = blocks.iter().map(|block| tensor.narrow(0, block.index(), 1));
            let copy = Tensor::cat(&each.collect::<candle_core::Result<Vec<_>>>()?, 0)?;
            copy.to_device(&Device::Cpu)?.write_bytes(&mut saved)?;
        }
        Ok(saved)
    }

    /// Fills blocks with what was saved, but for that of the first so many.
    pub(super) fn restore(&self, first: usize, blocks: &[BlockId], saved: &[u8]) -> candle_core::Result<()> {
        let tensors = self.layers.iter().flatten();
        for (tensor, saved) in tensors.zip(saved.chunks_exact(saved.len() / (2 * self.layers.len()))) {
            let (_, tokens, kv_heads, head) = tensor.dims4()?;
            let shape = [first + blocks.len(), tokens, kv_heads, head];
            let saved = Tensor::from_raw_buffer(saved, tensor.dtype(), &shape, tensor.device())?;
            for (index, block) in blocks.iter().enumerate() {
                tensor.slice_set(&saved.narrow(0, first + index, 1)?.contiguous()?, 0, block.index())?;
            }
        }
        Ok(())
    }
}

fn append(pool: &Tensor, table: &[BlockId], position: usize, new: &Tensor) -> candle_core::Result<Tensor> {
    let (tokens, kv_heads, head) = new.dims3()?;
    let (blocks, ..) = pool.dims4()?;
    let slots = pool.reshape((blocks * BLOCK_TOKENS, kv_heads, head))?;
    let mut done = 0;
    while done < tokens {
        let (block, offset) = ((position + done) / BLOCK_TOKENS, (position + done) % BLOCK_TOKENS);
        let count = (BLOCK_TOKENS - offset).min(tokens - done);
        let slot = table[block].index() * BLOCK_TOKENS + offset;
        slots.slice_set(&new.narrow(0, done, count)?.contiguous()?, 0, slot)?;
        done += count;
    }
    let end = position + tokens;
    let each = table[..end.div_ceil(BLOCK_TOKENS)].iter().enumerate().map(|(index, block)| {
        let count = BLOCK_TOKENS.min(end - index * BLOCK_TOKENS);
        slots.narrow(0, block.index() * BLOCK_TOKENS, count)
    });
    let all = Tensor::cat(&each.collect::<candle_core::Result<Vec<_>>>()?, 0)?;
    all.transpose(0, 1)?.contiguous()
}
