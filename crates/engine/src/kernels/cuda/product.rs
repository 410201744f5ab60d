//! Products with weights, by cuBLAS.

use std::ffi::c_int;
use std::ffi::c_void;

use candle_core::cuda_backend::cudarc;
use cudarc::cublas::result::gemm_ex;
use cudarc::cublas::sys::cublasComputeType_t::CUBLAS_COMPUTE_32F;
use cudarc::cublas::sys::cublasGemmAlgo_t::CUBLAS_GEMM_DFALT;
use cudarc::cublas::sys::cublasOperation_t::CUBLAS_OP_N;
use cudarc::cublas::sys::cublasOperation_t::CUBLAS_OP_T;
use cudarc::cublas::sys::cudaDataType_t;
use cudarc::driver::DeviceRepr;
use cudarc::driver::ValidAsZeroBits;
use half::bf16;

use super::array::Array;
use super::gpu::Gpu;
use super::gpu::failed;
use super::gpu::require;
use crate::error::EngineError;

/// What a product can be written as.
pub(crate) trait Sum: DeviceRepr + ValidAsZeroBits {
    const TYPE: cudaDataType_t;
}

impl Sum for bf16 {
    const TYPE: cudaDataType_t = cudaDataType_t::CUDA_R_16BF;
}

impl Sum for f32 {
    const TYPE: cudaDataType_t = cudaDataType_t::CUDA_R_32F;
}

impl Gpu {
    /// `x [tokens, columns]` by `weight [rows, columns]` to `out [tokens, rows]`; sums are f32.
    pub(crate) fn product<T: Sum>(
        &self,
        x: &Array<bf16>,
        weight: &Array<bf16>,
        tokens: usize,
        out: &mut Array<T>,
    ) -> Result<(), EngineError> {
        let (rows, columns) = (weight.rows(), weight.columns());
        require(x.columns() == columns && out.columns() == rows, "a product of other shapes")?;
        require(tokens <= x.rows().min(out.rows()), "more rows than there are")?;
        let (one, zero) = (1.0_f32, 0.0_f32);
        let (weight, x, handle) = (weight.pointer(self), x.pointer(self), *self.blas().handle());
        let out = out.pointer_mut(self);
        let (m, n, k) = (rows as c_int, tokens as c_int, columns as c_int);
        let number = |value: &f32| std::ptr::from_ref(value).cast::<c_void>();
        let kind = <bf16 as Sum>::TYPE;
        // SAFETY: cuBLAS counts columns first, so that its `[k, m]` transposed is `weight [rows, columns]`, its `[k, n]`
        // `x [tokens, columns]` and its `[m, n]` `out [tokens, rows]`, which the arrays were checked to be; the factors
        // are on the host and are read before it returns.
        unsafe {
            gemm_ex(
                handle,
                CUBLAS_OP_T,
                CUBLAS_OP_N,
                m,
                n,
                k,
                number(&one),
                weight,
                kind,
                k,
                x,
                kind,
                k,
                number(&zero),
                out,
                T::TYPE,
                m,
                CUBLAS_COMPUTE_32F,
                CUBLAS_GEMM_DFALT,
            )
        }
        .map_err(failed)
    }
}
