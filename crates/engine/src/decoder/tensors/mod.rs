//! A decoder by candle's tensors, for a GPU; on a CPU it is the second opinion of the tests. Linear layers take the tokens
//! of a step together, attention takes one sequence after another. Knows no request and no sampling.

mod attention;
mod cache;
mod layer;
mod load;

use candle_core::DType;
use candle_core::Device;
use candle_core::Tensor;
use candle_core::quantized::QMatMul;
use candle_nn::Module;

use self::cache::KvPool;
use self::layer::Layer;
use self::layer::Linear;
use self::layer::Norm;
use self::layer::Rotation;
pub(super) use self::load::load;
use super::About;
use super::Model;
use super::Part;
use super::Saved;
use super::Wanted;
use super::rope::Rope;
use crate::blocks::BlockId;
use crate::error::EngineError;

/// Weights and cache in a device's memory.
pub(super) struct TensorDecoder {
    embedding: QMatMul,
    layers: Vec<Layer>,
    norm: Norm,
    head: Linear,
    rope: Rope,
    rope_interleaved: bool,
    cache: KvPool,
    device: Device,
    float: DType,
    about: About,
}

impl Model for TensorDecoder {
    fn about(&self) -> &About {
        &self.about
    }

    fn blocks(&self) -> usize {
        self.cache.blocks()
    }

    fn forward(&mut self, parts: &[Part<'_>]) -> Result<Vec<Vec<f32>>, EngineError> {
        let tokens: Vec<u32> = parts.iter().flat_map(|part| part.tokens).copied().collect();
        let angles = self.rope.angles(parts);
        let (cos, sin) = angles.tables();
        let shape = (tokens.len(), cos.len() / tokens.len());
        let rotation = Rotation {
            cos: Tensor::from_slice(cos, shape, &self.device)?,
            sin: Tensor::from_slice(sin, shape, &self.device)?,
            interleaved: self.rope_interleaved,
        };
        let ids = Tensor::new(tokens.as_slice(), &self.device)?;
        let mut hidden = self.embedding.embedding(&ids)?.to_dtype(self.float)?;
        for (index, layer) in self.layers.iter().enumerate() {
            hidden = layer.forward(&hidden, &rotation, &self.cache, index, parts)?;
        }
        self.outcomes(&hidden, parts)
    }

    fn save(&self, blocks: &[BlockId]) -> Result<Saved, EngineError> {
        Ok(self.cache.save(blocks)?)
    }

    fn restore(&mut self, first: usize, blocks: &[BlockId], saved: &[u8]) -> Result<(), EngineError> {
        Ok(self.cache.restore(first, blocks, saved)?)
    }
}

impl TensorDecoder {
    /// What the parts want of their last tokens.
    fn outcomes(&self, hidden: &Tensor, parts: &[Part<'_>]) -> Result<Vec<Vec<f32>>, EngineError> {
        let mut end = 0;
        let mut last = Vec::new();
        for part in parts {
            end += part.tokens.len() as u32;
            if part.wanted != Wanted::Nothing {
                last.push(end - 1);
            }
        }
        if last.is_empty() {
            return Ok(Vec::new());
        }
        let rows = hidden.index_select(&Tensor::new(last.as_slice(), &self.device)?, 0)?;
        let states = self.norm.forward(&rows)?;
        let outcomes = if parts.iter().any(|part| part.wanted == Wanted::State) {
            states
        } else {
            self.head.forward(&states)?
        };
        Ok(outcomes.to_dtype(DType::F32)?.to_vec2()?)
    }
}
