//! One transformer layer and its parts. Knows no file format.

use candle_core::Tensor;
use candle_core::quantized::QMatMul;
use candle_nn::Module;
use candle_nn::ops;
use candle_nn::rotary_emb;

use super::attention::attend;
use super::cache::KvPool;
use super::load::Tensors;
use crate::decoder::Names;
use crate::decoder::Part;
use crate::decoder::Shape;
use crate::error::EngineError;

/// A matrix `[rows, columns]`, quantised or not, and perhaps a bias `[rows]`.
#[derive(Clone)]
pub(super) struct Linear {
    pub weight: QMatMul,
    pub bias: Option<Tensor>,
}

impl Module for Linear {
    /// `[tokens, columns]` to `[tokens, rows]`.
    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let y = self.weight.forward(x)?;
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }
}

/// Root mean square normalisation (Zhang and Sennrich 2019, arXiv 1910.07467) over the last dimension.
pub(super) struct Norm {
    weight: Tensor,
    epsilon: f32,
}

impl Norm {
    pub(super) fn new(weight: Tensor, epsilon: f32) -> Self {
        Self { weight, epsilon }
    }
}

impl Module for Norm {
    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        ops::rms_norm(x, &self.weight, self.epsilon)
    }
}

/// Attention, then the MLP, each on a normed copy and added to what came in.
pub(super) struct Layer {
    attention_norm: Norm,
    query: Linear,
    key: Linear,
    value: Linear,
    query_norm: Option<Norm>,
    key_norm: Option<Norm>,
    output: Linear,
    mlp_norm: Norm,
    gate: Linear,
    up: Linear,
    down: Linear,
    heads: usize,
    kv_heads: usize,
    head: usize,
}

impl Layer {
    pub(super) fn load(
        tensors: &mut dyn Tensors,
        names: &Names,
        shape: &Shape,
        index: usize,
    ) -> Result<Self, EngineError> {
        let Shape { hidden, inner, heads, kv_heads, head, norm_epsilon, .. } = *shape;
        let name = |part: &str| format!("{}{index}.{part}", names.layer);
        let norm = |tensors: &mut dyn Tensors, part: &str, length: usize| {
            let weight = tensors.vector(&name(part), length)?;
            Ok::<_, EngineError>(Norm::new(weight, norm_epsilon))
        };
        let head_norm = |tensors: &mut dyn Tensors, part: &str| {
            let present = tensors.has(&format!("{}.weight", name(part)));
            present.then(|| norm(tensors, part, head)).transpose()
        };
        Ok(Self {
            attention_norm: norm(tensors, names.attention_norm, hidden)?,
            query: tensors.linear(&name(names.query), (heads * head, hidden))?,
            key: tensors.linear(&name(names.key), (kv_heads * head, hidden))?,
            value: tensors.linear(&name(names.value), (kv_heads * head, hidden))?,
            query_norm: head_norm(tensors, names.query_norm)?,
            key_norm: head_norm(tensors, names.key_norm)?,
            output: tensors.linear(&name(names.output), (hidden, heads * head))?,
            mlp_norm: norm(tensors, names.mlp_norm, hidden)?,
            gate: tensors.linear(&name(names.gate), (inner, hidden))?,
            up: tensors.linear(&name(names.up), (inner, hidden))?,
            down: tensors.linear(&name(names.down), (hidden, inner))?,
            heads,
            kv_heads,
            head,
        })
    }

    /// `x [tokens, hidden]` to the same shape; adds the tokens' keys and values to the cache.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        rotation: &Rotation,
        cache: &KvPool,
        index: usize,
        parts: &[Part<'_>],
    ) -> candle_core::Result<Tensor> {
        let tokens = x.dim(0)?;
        let normed = self.attention_norm.forward(x)?;
        let q = self.query.forward(&normed)?.reshape((tokens, self.heads, self.head))?;
        let k = self.key.forward(&normed)?.reshape((tokens, self.kv_heads, self.head))?;
        let v = self.value.forward(&normed)?.reshape((tokens, self.kv_heads, self.head))?;
        let q = rotation.apply(&normalise(self.query_norm.as_ref(), q)?)?;
        let k = rotation.apply(&normalise(self.key_norm.as_ref(), k)?)?;
        let (mut attended, mut row) = (Vec::new(), 0);
        for part in parts {
            let count = part.tokens.len();
            let (q, k, v) = (q.narrow(0, row, count)?, k.narrow(0, row, count)?, v.narrow(0, row, count)?);
            let [k, v] = cache.append(index, part.table, part.position, [&k, &v])?;
            attended.push(attend(&q, &k, &v, part.position)?);
            row += count;
        }
        let x = (x + self.output.forward(&Tensor::cat(&attended, 0)?)?)?;

        let normed = self.mlp_norm.forward(&x)?;
        let gated = (ops::silu(&self.gate.forward(&normed)?)? * self.up.forward(&normed)?)?;
        &x + self.down.forward(&gated)?
    }
}

fn normalise(norm: Option<&Norm>, x: Tensor) -> candle_core::Result<Tensor> {
    match norm {
        Some(norm) => norm.forward(&x),
        None => Ok(x),
    }
}

/// Cosines and sines of the tokens of a step, `[tokens, head / 2]` f32.
pub(super) struct Rotation {
    pub cos: Tensor,
    pub sin: Tensor,
    pub interleaved: bool,
}

impl Rotation {
    /// Rotates `[tokens, heads, head]`, contiguous, and gives the same shape and type.
    fn apply(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let (cos, sin) = (self.cos.to_dtype(x.dtype())?, self.sin.to_dtype(x.dtype())?);
        if self.interleaved {
            let heads_first = x.transpose(0, 1)?.contiguous()?.unsqueeze(0)?;
            rotary_emb::rope_i(&heads_first, &cos, &sin)?.squeeze(0)?.transpose(0, 1)?.contiguous()
        } else {
            rotary_emb::rope_thd(&x.unsqueeze(0)?, &cos, &sin)?.squeeze(0)
        }
    }
}
