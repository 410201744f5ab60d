//! Keys and values of one sequence, and which prefix of the last one can serve the next. Knows no queue.

use candle_core::Tensor;

use super::CHUNK_TOKENS;
use crate::error::EngineError;

/// The KV of one sequence, growing by doubling up to the longest context.
pub(crate) struct Cache {
    layers: Vec<LayerCache>,
    len: usize,
    max_tokens: usize,
    /// The tokens whose KV was computed in whole chunks, and for whom.
    prefix: Vec<u32>,
    salt: [u8; 16],
}

/// The KV of one layer: keys and values `[kv_heads, capacity, head]`, of which the first `len` are held.
pub(crate) struct LayerCache {
    kv: Option<(Tensor, Tensor)>,
    len: usize,
    capacity: usize,
}

impl Cache {
    pub(super) fn new(layers: usize, max_tokens: usize) -> Self {
        let layer = || LayerCache { kv: None, len: 0, capacity: 0 };
        let layers = std::iter::repeat_with(layer).take(layers).collect();
        Self { layers, len: 0, max_tokens, prefix: Vec::new(), salt: [0; 16] }
    }

    /// Tokens held.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Forgets everything, for instance after an error.
    pub(crate) fn clear(&mut self) {
        self.prefix.clear();
        self.truncate(0);
    }

    /// Forgets everything and gives the memory back.
    pub(crate) fn release(&mut self) {
        self.clear();
        for layer in &mut self.layers {
            (layer.kv, layer.capacity) = (None, 0);
        }
    }

    /// Keeps what can serve `prompt` and says how many tokens that is.
    ///
    /// Only whole chunks are kept, and at least one token of the prompt is left to compute: the rest is then
    /// computed in exactly the steps of a cold run, so that a warm cache gives the same bits.
    pub(crate) fn reuse(&mut self, prompt: &[u32], salt: [u8; 16]) -> usize {
        let common = self.prefix.iter().zip(prompt).take_while(|(a, b)| a == b).count();
        let common = if salt == self.salt { common.min(prompt.len() - 1) } else { 0 };
        let kept = common - common % CHUNK_TOKENS;
        self.salt = salt;
        self.prefix.truncate(kept);
        self.truncate(kept);
        kept
    }

    /// Notes that a chunk of the prompt is in; only whole ones are of use to others.
    pub(crate) fn remember(&mut self, chunk: &[u32]) {
        if chunk.len() == CHUNK_TOKENS {
            self.prefix.extend_from_slice(chunk);
        }
    }

    /// Makes room for more tokens.
    pub(super) fn reserve(&mut self, tokens: usize) -> Result<(), EngineError> {
        let needed = self.len + tokens;
        if needed > self.max_tokens {
            let message = format!("{needed} tokens in a context of {}", self.max_tokens);
            return Err(EngineError::Internal(message));
        }
        let capacity = needed.next_power_of_two().clamp(1024.min(self.max_tokens), self.max_tokens);
        for layer in &mut self.layers {
            layer.capacity = layer.capacity.max(capacity);
        }
        Ok(())
    }

    pub(super) fn advance(&mut self, tokens: usize) {
        self.len += tokens;
    }

    pub(super) fn layers_mut(&mut self) -> impl Iterator<Item = &mut LayerCache> {
        self.layers.iter_mut()
    }

    fn truncate(&mut self, len: usize) {
        self.len = len;
        for layer in &mut self.layers {
            layer.len = len;
        }
    }
}

impl LayerCache {
    /// Adds keys and values `[tokens, kv_heads, head]` and gives all that are held, `[kv_heads, len, head]`.
    pub(super) fn append(&mut self, k: &Tensor, v: &Tensor) -> candle_core::Result<(Tensor, Tensor)> {
        let (k, v) = (k.transpose(0, 1)?.contiguous()?, v.transpose(0, 1)?.contiguous()?);
        let (all_k, all_v) = self.room(&k)?;
        all_k.slice_set(&k, 1, self.len)?;
        all_v.slice_set(&v, 1, self.len)?;
        self.len += k.dim(1)?;
        Ok((all_k.narrow(1, 0, self.len)?, all_v.narrow(1, 0, self.len)?))
    }

    /// The tensors of keys and values, moved to larger ones if they have less than `capacity`.
    fn room(&mut self, like: &Tensor) -> candle_core::Result<(Tensor, Tensor)> {
        if let Some((k, v)) = &self.kv
            && k.dim(1)? >= self.capacity
        {
            return Ok((k.clone(), v.clone()));
        }
        let (kv_heads, _, head) = like.dims3()?;
        let larger = |old: Option<&Tensor>| {
            let new = Tensor::zeros((kv_heads, self.capacity, head), like.dtype(), like.device())?;
            if let Some(old) = old.filter(|_| self.len > 0) {
                new.slice_set(&old.narrow(1, 0, self.len)?.contiguous()?, 1, 0)?;
            }
            candle_core::Result::Ok(new)
        };
        let k = larger(self.kv.as_ref().map(|kv| &kv.0))?;
        let v = larger(self.kv.as_ref().map(|kv| &kv.1))?;
        self.kv = Some((k.clone(), v.clone()));
        Ok((k, v))
    }
}
