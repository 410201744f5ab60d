//! What exactly produced an answer: enough to say whether a replay must give the same one. Knows no request.

use std::path::Path;

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

use crate::device::DeviceChoice;
use crate::lanes::Instructions;

/// Identifies a model, its files, its numerics and the engine that runs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Name of the model file or directory, without its path.
    pub model: String,
    /// The model's own name for its architecture, such as `qwen2`.
    pub architecture: String,
    /// SHA-256 of the weights as the caller verified it, in hex.
    pub weights_sha256: String,
    /// SHA-256 of `tokenizer.json`, in hex.
    pub tokenizer_sha256: String,
    /// Types of the weights as computed with, such as `Q4K, Q6K` or `Q8_0 (from Q5_0)` or `F32`.
    pub quantization: String,
    /// Name, version and build of this engine, and the tensor library below it.
    pub engine: String,
    /// Where it is computed, such as `cpu x86_64` or `cuda:0`.
    pub device: String,
    /// Whose kernels compute, and on a CPU by which instructions: `docent avx2` or `candle avx512vnni`.
    pub kernels: String,
    /// The longest prompt and answer together (decoder) or text (encoder), in tokens.
    pub context_tokens: u32,
    /// Tokens computed in one step, where another number rounds differently; 0 where none does.
    pub chunk_tokens: u32,
}

impl Fingerprint {
    /// SHA-256 of all of it, in hex: equal for two results if everything that matters for their numbers is.
    pub fn digest(&self) -> String {
        let json = serde_json::to_vec(self).expect("text and numbers always serialise");
        hex::encode(Sha256::digest(json))
    }
}

/// This engine's name and version, the digest of its sources, and its tensor library's name and version.
pub(crate) const ENGINE: &str = concat!(
    "docent-engine ",
    env!("CARGO_PKG_VERSION"),
    " build ",
    env!("DOCENT_ENGINE_BUILD"),
    ", candle 0.11.1"
);

/// The same where this engine computes alone, without the library.
pub(crate) const ENGINE_ALONE: &str =
    concat!("docent-engine ", env!("CARGO_PKG_VERSION"), " build ", env!("DOCENT_ENGINE_BUILD"));

/// The last part of a path.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The device.
pub(crate) fn device(choice: DeviceChoice) -> String {
    match choice {
        DeviceChoice::Cpu => format!("cpu {}", std::env::consts::ARCH),
        DeviceChoice::Cuda(_) => choice.to_string(),
    }
}

/// Whose kernels compute: this engine's own where it computes `alone`.
pub(crate) fn kernels(choice: DeviceChoice, alone: bool) -> String {
    match choice {
        DeviceChoice::Cpu if alone => format!("docent {}", Instructions::detect().name()),
        DeviceChoice::Cpu => format!("candle {}", instructions()),
        DeviceChoice::Cuda(_) => "candle".into(),
    }
}

/// The widest that candle chooses from on this processor.
#[cfg(target_arch = "x86_64")]
fn instructions() -> &'static str {
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
        "avx512vnni"
    } else if is_x86_feature_detected!("avxvnni") && is_x86_feature_detected!("avx2") {
        "avxvnni"
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        "avx2"
    } else {
        "baseline"
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn instructions() -> &'static str {
    "native"
}
