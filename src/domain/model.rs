//! What is said to and of a model. Knows no engine.

use serde::{Deserialize, Serialize};

/// Which side of a search a text is on; embedders treat them differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// A question.
    Query,
    /// A stretch of a document.
    Passage,
}

/// How the next token is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 is greedy; at most 2.
    pub temperature: f32,
    /// Keep the smallest set with this much probability; above 0, at most 1.
    pub top_p: f32,
    /// Keep this many; 0 keeps all.
    pub top_k: u32,
    /// Same seed, same request, same build: same answer.
    pub seed: u64,
    /// At most this many tokens.
    pub max_tokens: u32,
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model said so, or a stop string came.
    Stop,
    /// `max_tokens` were made.
    Length,
    /// The listener left.
    Cancelled,
    /// Time ran out.
    Deadline,
}

impl FinishReason {
    /// The name in JSON and in the audit record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Cancelled => "cancelled",
            Self::Deadline => "deadline",
        }
    }
}

/// What has to be the same for the same input to give the same output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFingerprint {
    /// The name in the manifest.
    pub model: String,
    /// Of the weights, hex.
    pub weights_sha256: String,
    /// Of the tokenizer, hex.
    pub tokenizer_sha256: String,
    /// Such as `Q4_K_M`.
    pub quantization: String,
    /// Name and version.
    pub engine: String,
    /// Such as `cpu x86_64`.
    pub device: String,
    /// Whose kernels compute, by which instructions: `docent avx2`.
    pub kernels: String,
}
