//! A decoder-only transformer: token ids in, logits out. One forward pass covers Qwen3 (norms on query and key),
//! Qwen2 and Qwen2.5 (biases on query, key and value) and Llama; `gguf` and `safetensors` read the weights.
//!
//! Ours rather than candle-transformers': its quantised Qwen2 keeps every mask it ever built and all scores of a
//! prompt at once, its Qwen2 cannot take a prompt in steps in bf16, its quantised Qwen3 counts positions in f16,
//! which is exact up to 2,048 only, and none gives back a prefix of its KV. The tests compare with all of them. Knows no request, no sampling and no text.

mod attention;
mod cache;
mod config;
mod gguf;
mod layer;
mod rope;
mod safetensors;

use std::path::Path;

use candle_core::DType;
use candle_core::Device;
use candle_core::Tensor;
use candle_core::quantized::QMatMul;
use candle_nn::Module;

pub(crate) use self::cache::Cache;
use self::config::Shape;
use self::layer::Layer;
use self::layer::Linear;
use self::layer::Norm;
use self::rope::Rope;
use crate::device::DeviceChoice;
use crate::error::EngineError;

/// Prompt tokens computed in one step: enough to use the processor well, few enough that a cancelled request
/// or a deadline is noticed soon. It is also the grain of the prefix cache, see [`Cache::reuse`].
pub(crate) const CHUNK_TOKENS: usize = 256;

/// Weights in memory and how to run them.
pub(crate) struct Decoder {
    embedding: QMatMul,
    layers: Vec<Layer>,
    norm: Norm,
    head: Linear,
    rope: Rope,
    device: Device,
    float: DType,
    about: About,
}

/// What a loaded model is.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// Such as `qwen2`.
    pub architecture: String,
    /// Types of the weights.
    pub quantization: String,
    /// The longest sequence the model was made for, in tokens.
    pub context: usize,
    /// Rows of the embedding table; ids below it can be computed with.
    pub vocabulary: usize,
    /// Ids that end an answer, as the files say; may be empty.
    pub end: Vec<u32>,
    /// Bytes of KV that one token takes.
    pub kv_bytes: usize,
}

/// How to load a decoder.
pub(crate) struct LoadOptions<'a> {
    pub model: &'a Path,
    pub device: DeviceChoice,
    pub requantize_slow: bool,
    /// The longest sequence that will be asked for; positions beyond the model's own context are not prepared.
    pub max_context_tokens: usize,
}

/// Named tensors of a model file.
trait Tensors {
    /// A weight `[rows, columns]`, with its bias `[rows]` where the file has one.
    fn linear(&mut self, name: &str, shape: (usize, usize)) -> Result<Linear, EngineError>;
    /// A vector of `length`, in the type of the activations.
    fn vector(&mut self, name: &str, length: usize) -> Result<Tensor, EngineError>;
    /// Whether the file has this tensor.
    fn has(&self, name: &str) -> bool;
}

/// What a file format calls the tensors.
struct Names {
    embedding: &'static str,
    norm: &'static str,
    head: &'static str,
    layer: &'static str,
    attention_norm: &'static str,
    query: &'static str,
    key: &'static str,
    value: &'static str,
    query_norm: &'static str,
    key_norm: &'static str,
    output: &'static str,
    mlp_norm: &'static str,
    gate: &'static str,
    up: &'static str,
    down: &'static str,
}

impl Decoder {
    /// Loads a `.gguf` file, or a directory with `config.json` and `*.safetensors`.
    ///
    /// # Errors
    /// `Device` when the device is not there, `Model` for everything about the files.
    pub(crate) fn load(options: &LoadOptions<'_>) -> Result<Self, EngineError> {
        let device = options.device.open()?;
        if options.model.is_dir() {
            safetensors::load(options, &device)
        } else {
            gguf::load(options, &device)
        }
    }

    fn assemble(
        tensors: &mut dyn Tensors,
        names: &Names,
        shape: &Shape,
        about: About,
        place: (&Device, DType, usize),
    ) -> Result<Self, EngineError> {
        let (device, float, positions) = place;
        let embedding = tensors.linear(names.embedding, (shape.vocabulary, shape.hidden))?;
        let head = if tensors.has(&format!("{}.weight", names.head)) && !shape.tied {
            tensors.linear(names.head, (shape.vocabulary, shape.hidden))?
        } else {
            embedding.clone()
        };
        let layers = (0..shape.layers).map(|index| Layer::load(tensors, names, shape, index));
        Ok(Self {
            layers: layers.collect::<Result<_, _>>()?,
            norm: Norm::new(tensors.vector(names.norm, shape.hidden)?, shape.norm_epsilon),
            rope: Rope::new(shape, positions, device)?,
            embedding: embedding.weight,
            head,
            device: device.clone(),
            float,
            about,
        })
    }

    /// What was loaded.
    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    /// An empty KV cache for this model.
    pub(crate) fn cache(&self, max_tokens: usize) -> Cache {
        Cache::new(self.layers.len(), max_tokens)
    }

    /// Takes the tokens that follow what is in `cache` and gives the normed hidden state of the last one,
    /// `[1, hidden]`. On an error the cache is of no more use and must be cleared.
    pub(crate) fn forward(&self, tokens: &[u32], cache: &mut Cache) -> Result<Tensor, EngineError> {
        let position = cache.len();
        let (cos, sin) = self.rope.at(position, tokens.len())?;
        cache.reserve(tokens.len())?;
        let ids = Tensor::new(tokens, &self.device)?;
        let mut hidden = self.embedding.embedding(&ids)?.to_dtype(self.float)?;
        for (layer, kv) in self.layers.iter().zip(cache.layers_mut()) {
            hidden = layer.forward(&hidden, &self.rope.rotation(&cos, &sin), kv, position)?;
        }
        cache.advance(tokens.len());
        let last = hidden.narrow(0, tokens.len() - 1, 1)?.contiguous()?;
        Ok(self.norm.forward(&last)?)
    }

    /// The logits `[vocabulary]` of the next token after a hidden state from [`Decoder::forward`].
    pub(crate) fn logits(&self, hidden: &Tensor) -> Result<Vec<f32>, EngineError> {
        Ok(self.head.forward(hidden)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
    }
}

#[cfg(test)]
mod tests;
