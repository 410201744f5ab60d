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
            Self::Cuda(ordinal) => Device::new_cuda(ordinal).map_err(|error| failed(error.to_string())),
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
