//! A device with the one stream that everything here runs on. Knows no kernel.

use std::ffi::CStr;
use std::ffi::c_int;
use std::ffi::c_void;
use std::fmt::Debug;
use std::sync::Arc;

use candle_core::CudaDevice;
use candle_core::Device;
use candle_core::cuda_backend::cudarc;
use cudarc::cublas::CudaBlas;
use cudarc::cublas::sys::cublasSetWorkspace_v2;
use cudarc::cublas::sys::cublasStatus_t;
use cudarc::driver::CudaSlice;
use cudarc::driver::CudaStream;
use cudarc::driver::DevicePtr;
use cudarc::driver::sys::CUdevice_attribute;

use super::ffi;
use crate::error::EngineError;

/// What cuBLAS is given to work in, as NVIDIA recommends for Hopper. With its own it would allocate while a graph is
/// captured.
const BLAS_BYTES: usize = 32 << 20;

/// An open device.
pub(crate) struct Gpu {
    device: CudaDevice,
    stream: Arc<CudaStream>,
    blas: CudaBlas,
    /// Held as long as `blas` points to it.
    _blas_workspace: CudaSlice<u8>,
}

impl Gpu {
    /// Takes over candle's device: what candle does and what is done here follow each other on its stream.
    ///
    /// # Errors
    /// `Internal` when it is not a CUDA device or its libraries cannot be used.
    pub(crate) fn new(device: &Device) -> Result<Self, EngineError> {
        let device = device.as_cuda_device()?.clone();
        let stream = device.cuda_stream();
        // SAFETY: events order streams, and all work on this device, candle's too, goes to this one; arrays are freed in
        // its order as well.
        unsafe { device.disable_event_tracking() };
        let blas = CudaBlas::new(stream.clone()).map_err(failed)?;
        let workspace = stream.alloc_zeros::<u8>(BLAS_BYTES).map_err(failed)?;
        // without event tracking there is nothing that the guard beside the pointer would do
        let pointer = workspace.device_ptr(&stream).0 as usize as *mut c_void;
        // SAFETY: the handle is live, and the workspace lives beside it in the value made below.
        let status = unsafe { cublasSetWorkspace_v2(*blas.handle(), pointer, BLAS_BYTES) };
        if status != cublasStatus_t::CUBLAS_STATUS_SUCCESS {
            return Err(failed(status));
        }
        Ok(Self { device, stream, blas, _blas_workspace: workspace })
    }

    /// Makes the device current on this thread; whoever computes calls it first.
    pub(crate) fn enter(&self) -> Result<(), EngineError> {
        self.stream.context().bind_to_thread().map_err(failed)
    }

    /// Waits until everything asked for is done.
    pub(crate) fn finish(&self) -> Result<(), EngineError> {
        self.stream.synchronize().map_err(failed)
    }

    /// How many multiprocessors the device has.
    pub(crate) fn multiprocessors(&self) -> Result<usize, EngineError> {
        let attribute = CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;
        self.stream.context().attribute(attribute).map(|count| count as usize).map_err(failed)
    }

    /// The same device, for candle's tensors.
    pub(crate) fn candle(&self) -> Device {
        Device::Cuda(self.device.clone())
    }

    pub(super) fn device(&self) -> &CudaDevice {
        &self.device
    }

    pub(super) fn stream(&self) -> &Arc<CudaStream> {
        &self.stream
    }

    pub(super) fn raw_stream(&self) -> ffi::Stream {
        self.stream.cu_stream().cast()
    }

    pub(super) fn blas(&self) -> &CudaBlas {
        &self.blas
    }
}

/// An error of the driver or of cuBLAS.
pub(super) fn failed(error: impl Debug) -> EngineError {
    EngineError::Internal(format!("CUDA: {error:?}"))
}

/// What an entry point gave.
pub(super) fn checked(code: c_int) -> Result<(), EngineError> {
    if code == 0 {
        return Ok(());
    }
    // SAFETY: it takes every code.
    let text = unsafe { ffi::docent_message(code) };
    // SAFETY: that text ends with 0 and lives until this thread's next call.
    let text = unsafe { CStr::from_ptr(text) };
    Err(EngineError::Internal(format!("CUDA: {}", text.to_string_lossy())))
}

/// A kernel was asked for something whose shapes do not fit: our bug.
pub(super) fn require(holds: bool, what: &str) -> Result<(), EngineError> {
    if holds { Ok(()) } else { Err(EngineError::Internal(format!("a kernel was asked for {what}"))) }
}
