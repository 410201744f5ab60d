//! Turns a PyTorch archive into `model.safetensors`, for models that are published as nothing else. The archive is read
//! as data: opcodes that would call Python are noted and never followed, so nothing in it runs. Knows no model.

use std::collections::HashMap;
use std::path::Path;

use crate::error::EngineError;

/// Reads every tensor of `source` and writes `model.safetensors` into `target_directory`, which must exist. The tensors
/// are held in memory once; the same source gives the same bytes.
///
/// # Errors
/// `Model` when the source is no such archive, or the file cannot be written.
pub fn convert(source: &Path, target_directory: &Path) -> Result<(), EngineError> {
    let tensors = candle_core::pickle::read_all(source).map_err(|error| EngineError::model(source, error))?;
    let tensors: HashMap<String, candle_core::Tensor> = tensors.into_iter().collect();
    if tensors.is_empty() {
        return Err(EngineError::model(source, "holds no tensors"));
    }
    let target = target_directory.join("model.safetensors");
    candle_core::safetensors::save(&tensors, &target).map_err(|error| EngineError::model(&target, error))
}
