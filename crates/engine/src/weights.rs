//! Model files mapped into memory. With the encoder's choice of instructions the one place in this crate with `unsafe`.
//! Knows no architecture.

use std::path::Path;
use std::path::PathBuf;

use candle_core::safetensors::MmapedSafetensors;

use crate::error::EngineError;

/// Maps every `*.safetensors` of a directory, shards in the order of their names.
///
/// # Errors
/// `Model` when there is none, or one is damaged.
pub(crate) fn map_safetensors(directory: &Path) -> Result<MmapedSafetensors, EngineError> {
    let shards = shards(directory)?;
    // SAFETY: the mapping is valid as long as nobody truncates the file. Weights are verified by digest and
    // installed under their final name by a rename; an installed file is never written again, only replaced.
    let mapped = unsafe { MmapedSafetensors::multi(&shards) };
    mapped.map_err(|error| EngineError::model(directory, error))
}

fn shards(directory: &Path) -> Result<Vec<PathBuf>, EngineError> {
    let entries = std::fs::read_dir(directory).map_err(|error| EngineError::model(directory, error))?;
    let mut shards = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| EngineError::model(directory, error))?.path();
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            shards.push(path);
        }
    }
    if shards.is_empty() {
        return Err(EngineError::model(directory, "no *.safetensors in it"));
    }
    shards.sort();
    Ok(shards)
}
