//! Rotary positions (Su et al. 2021, arXiv 2104.09864), tables in f32. Knows no layer.

use candle_core::Device;
use candle_core::Tensor;
use candle_nn::rotary_emb;

use super::config::Shape;
use crate::error::EngineError;

/// Cosines and sines of all positions that may be asked for, `[positions, head / 2]` f32.
pub(super) struct Rope {
    cos: Tensor,
    sin: Tensor,
    interleaved: bool,
}

/// The rows of the table for the tokens of one step.
#[derive(Clone, Copy)]
pub(super) struct Rotation<'a> {
    cos: &'a Tensor,
    sin: &'a Tensor,
    interleaved: bool,
}

impl Rope {
    pub(super) fn new(shape: &Shape, positions: usize, device: &Device) -> Result<Self, EngineError> {
        let half = shape.head / 2;
        let frequency = |i: usize| shape.rope_base.powf(-2.0 * i as f64 / shape.head as f64) as f32;
        let frequencies: Vec<f32> = (0..half).map(frequency).collect();
        let angles: Vec<f32> = (0..positions)
            .flat_map(|position| frequencies.iter().map(move |f| position as f32 * f))
            .collect();
        let angles = Tensor::from_vec(angles, (positions, half), device)?;
        Ok(Self { cos: angles.cos()?, sin: angles.sin()?, interleaved: shape.rope_interleaved })
    }

    /// The rows for `count` tokens from `position` on.
    pub(super) fn at(&self, position: usize, count: usize) -> Result<(Tensor, Tensor), EngineError> {
        Ok((self.cos.narrow(0, position, count)?, self.sin.narrow(0, position, count)?))
    }

    pub(super) fn rotation<'a>(&self, cos: &'a Tensor, sin: &'a Tensor) -> Rotation<'a> {
        Rotation { cos, sin, interleaved: self.interleaved }
    }
}

impl Rotation<'_> {
    /// Rotates `[tokens, heads, head]`, contiguous, and gives the same shape and type.
    pub(super) fn apply(self, x: &Tensor) -> candle_core::Result<Tensor> {
        let (cos, sin) = (self.cos.to_dtype(x.dtype())?, self.sin.to_dtype(x.dtype())?);
        if self.interleaved {
            let heads_first = x.transpose(0, 1)?.contiguous()?.unsqueeze(0)?;
            rotary_emb::rope_i(&heads_first, &cos, &sin)?.squeeze(0)?.transpose(0, 1)?.contiguous()
        } else {
            rotary_emb::rope_thd(&x.unsqueeze(0)?, &cos, &sin)?.squeeze(0)
        }
    }
}
