//! A matrix on the device: bf16, or quantised as its file has it. Knows no layer.

use candle_core::DType;
use candle_core::Tensor;
use candle_core::quantized::QMatMul;
use candle_nn::Module;
use half::bf16;

use crate::error::EngineError;
use crate::kernels::cuda::Array;
use crate::kernels::cuda::Gpu;
use crate::kernels::cuda::Indices;

/// `[rows, columns]`
pub(super) enum Weight {
    /// bf16
    Dense(Array<bf16>),
    /// Pieces below each other, each in a type of its own, computed by candle's quantised kernels.
    Quantised(Vec<QMatMul>),
}

impl Weight {
    /// `x [tokens, columns]` to `out [tokens, rows]`.
    pub(super) fn apply(
        &self,
        gpu: &Gpu,
        x: &Array<bf16>,
        tokens: usize,
        out: &mut Array<bf16>,
    ) -> Result<(), EngineError> {
        match self {
            Self::Dense(weight) => gpu.product(x, weight, tokens, out),
            Self::Quantised(pieces) => {
                let y = products(pieces, &x.tensor(gpu, tokens)?)?;
                out.assign(gpu, &y.to_dtype(DType::BF16)?)
            }
        }
    }

    /// The same with sums that stay f32.
    pub(super) fn apply_f32(
        &self,
        gpu: &Gpu,
        x: &Array<bf16>,
        tokens: usize,
        out: &mut Array<f32>,
    ) -> Result<(), EngineError> {
        match self {
            Self::Dense(weight) => gpu.product(x, weight, tokens, out),
            Self::Quantised(pieces) => out.assign(gpu, &products(pieces, &x.tensor(gpu, tokens)?)?),
        }
    }

    /// The rows of ids to `out [ids, columns]`; `ids` are the same on the device and on the host.
    pub(super) fn look_up(
        &self,
        gpu: &Gpu,
        (on_device, ids): (&Indices, &[u32]),
        out: &mut Array<bf16>,
    ) -> Result<(), EngineError> {
        match self {
            Self::Dense(table) => gpu.take_rows(table, on_device, ids.len(), out),
            Self::Quantised(pieces) => {
                let [table] = pieces.as_slice() else {
                    return Err(EngineError::Internal("a table in pieces".into()));
                };
                let rows = table.embedding(&Tensor::new(ids, &gpu.candle())?)?;
                out.assign(gpu, &rows.to_dtype(DType::BF16)?)
            }
        }
    }
}

/// `x [tokens, columns]` bf16 by all pieces, `[tokens, rows]` f32, which all of candle's quantised kernels take.
fn products(pieces: &[QMatMul], x: &Tensor) -> Result<Tensor, EngineError> {
    let x = x.to_dtype(DType::F32)?;
    let products = pieces.iter().map(|piece| piece.forward(&x));
    Ok(Tensor::cat(&products.collect::<candle_core::Result<Vec<_>>>()?, 1)?)
}
