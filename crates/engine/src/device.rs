//! The device a model runs on. Knows no model.

use std::fmt;
use std::str::FromStr;

use candle_core::DType;
use candle_core::Device;

use crate::error::EngineError;

/// Where a model runs. Written `cpu`, `cuda` or `cuda:1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceChoice {
    /// This machine's processor.
    Cpu,
    /// The NVIDIA GPU with this ordinal.
    Cuda(usize),
}

impl DeviceChoice {
    /// Opens the device.
    ///
    /// # Errors
    /// `Device` when the GPU is not there or this build has no CUDA.
    pub(crate) fn open(self) -> Result<Device, EngineError> {
        let failed = |detail: String| EngineError::Device { device: self.to_string(), detail };
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(_) if !cfg!(feature = "cuda") => Err(failed("this build has no CUDA support".into())),
            // a stream of its own: the default stream would be another one on the thread that serves
            Self::Cuda(ordinal) => {
                Device::new_cuda_with_stream(ordinal).map_err(|error| failed(error.to_string()))
            }
        }
    }

    /// The same, or the CPU where this machine has no GPU or no driver for it, which the log then says. A build without CUDA
    /// changes nothing: asking it for a GPU is a mistake.
    #[must_use]
    pub fn or_cpu(self) -> Self {
        #[cfg(feature = "cuda")]
        if let (Self::Cuda(_), Err(reason)) = (self, gpus()) {
            tracing::warn!(device = %self, reason, "there is no GPU to use, the model runs on the CPU");
            return Self::Cpu;
        }
        self
    }

    /// Tokens beyond which a step gains nothing by more: the weights' reading is paid for long before.
    pub(crate) fn step_tokens(self) -> usize {
        match self {
            Self::Cpu => 512,
            Self::Cuda(_) => 4096,
        }
    }

    /// The type in which unquantised weights and activations are held: f32 on a CPU, whose half-precision
    /// arithmetic is slower than its f32, and bf16 on a GPU.
    pub(crate) fn float(self) -> DType {
        match self {
            Self::Cpu => DType::F32,
            Self::Cuda(_) => DType::BF16,
        }
    }
}

/// How many GPUs the driver has; why there are none.
#[cfg(feature = "cuda")]
fn gpus() -> Result<usize, String> {
    use candle_core::cuda_backend::cudarc::driver::CudaContext;
    match CudaContext::device_count() {
        Ok(0) => Err("the driver knows no GPU".into()),
        Ok(count) => Ok(count as usize),
        Err(error) => Err(format!("no driver: {:?}", error.0)),
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        let unknown =
            || EngineError::BadRequest(format!("unknown device `{text}`, use `cpu`, `cuda` or `cuda:N`"));
        match text.split_once(':') {
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", ordinal)) => ordinal.parse().map(Self::Cuda).map_err(|_| unknown()),
            None | Some(_) => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_reads_back_as_written() {
        for device in [DeviceChoice::Cpu, DeviceChoice::Cuda(0), DeviceChoice::Cuda(3)] {
            assert_eq!(device.to_string().parse::<DeviceChoice>().unwrap(), device);
        }
        assert_eq!("cuda".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(0));
        for wrong in ["", "gpu", "cpu:1", "cuda:", "cuda:-1"] {
            assert!(wrong.parse::<DeviceChoice>().is_err(), "{wrong}");
        }
    }
}
