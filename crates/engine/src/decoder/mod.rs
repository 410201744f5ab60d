//! A decoder-only transformer: token ids in, logits out, for many sequences at a time over a paged cache. One forward
//! pass covers Qwen3 (norms on query and key), Qwen2 and Qwen2.5 (biases on query, key and value) and Llama; `gguf` and
//! `safetensors` read the weights.
//!
//! Ours rather than candle-transformers': its models batch nothing, count positions beyond 2,048 wrong in f16, keep every
//! mask they ever built and ignore YaRN. On a CPU it is computed by this crate's kernels (`cpu`), on a GPU by this crate's
//! too (`cuda`) or, for heads of other sizes than those are compiled for, by candle's (`tensors`); the tests compare them
//! with each other and with candle-transformers. Knows no request, no sampling and no text.

mod config;
mod gguf;
mod random;
mod rope;
mod safetensors;

#[cfg(any(test, feature = "cuda"))]
mod flat;

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod tensors;

pub(crate) mod stopwatch;

use std::path::Path;
use std::str::FromStr;

use self::config::Shape;
pub(crate) use self::rope::RopeProfile;
use crate::blocks::BlockId;
use crate::device::DeviceChoice;
use crate::error::EngineError;
use crate::shortlist::Candidate;
#[cfg(doc)]
use crate::shortlist::LONGEST;
#[cfg(doc)]
use crate::shortlist::likeliest;

/// Weights in memory and a cache, ready to compute. Whoever calls chooses the blocks; two sequences may share a block that
/// is full, and only one writes into a block that is not.
pub(crate) trait Model: Send + Sync {
    /// What was loaded.
    fn about(&self) -> &About;

    /// How many blocks the cache has.
    fn blocks(&self) -> usize;

    /// Computes the tokens of all parts, adds their keys and values to the cache, and gives what each part that wants
    /// something wants of its last token, in order.
    fn forward(&mut self, parts: &[Part<'_>]) -> Result<Vec<Vec<f32>>, EngineError>;

    /// The same for parts whose tokens are sampled: where a part wants no more than the likeliest, a device that can choose
    /// them gives only those. Others give all logits.
    fn forward_to_sample(&mut self, parts: &[Part<'_>]) -> Result<Vec<Outcome>, EngineError> {
        Ok(self.forward(parts)?.into_iter().map(Outcome::All).collect())
    }

    /// Copies what these blocks hold to the host's memory.
    fn save(&self, blocks: &[BlockId]) -> Result<Saved, EngineError>;

    /// Fills blocks with what was saved, but for that of the first so many.
    ///
    /// # Errors
    /// `Internal` for what a model of another layout saved.
    fn restore(&mut self, first: usize, blocks: &[BlockId], saved: &[u8]) -> Result<(), EngineError>;
}

/// Keys and values outside the cache: of each layer those of each block, as the model that saved them lays them out.
pub(crate) type Saved = Vec<u8>;

/// Tokens of one sequence that are computed in a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    /// At least one.
    pub tokens: &'a [u32],
    /// Of the first token, in its sequence; all before it are in the cache.
    pub position: usize,
    /// The sequence's blocks, up to the last token's at least.
    pub table: &'a [BlockId],
    pub rope: RopeProfile,
    pub wanted: Wanted,
}

/// What is asked for of a part's last token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Nothing: more of its prompt follows.
    Nothing,
    /// What may follow it, `[vocabulary]`.
    Logits,
    /// The [`LONGEST`] likeliest of the ids below this, the same for all parts of a step. `forward` gives all logits.
    Likeliest { below: usize },
    /// Its state after the last norm, `[hidden]`. The parts of a step want this or logits, not both.
    State,
}

/// What a model says may follow a part's last token.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    /// All logits, `[vocabulary]`.
    All(Vec<f32>),
    /// As [`likeliest`] gives them; none where a logit was not a number.
    #[cfg_attr(not(feature = "cuda"), expect(dead_code, reason = "a CPU has whole rows at hand"))]
    Likeliest(Vec<Candidate>),
}

/// What a loaded model is.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// Such as `qwen2`.
    pub architecture: String,
    /// Types of the weights.
    pub quantization: String,
    /// The longest sequence, in tokens, with its positions as it was trained; and how far they can be stretched.
    pub context: usize,
    pub stretch: Option<Stretch>,
    /// Rows of the embedding table; ids below it can be computed with.
    pub vocabulary: usize,
    /// Ids that end an answer, as the files say; may be empty.
    pub end: Vec<u32>,
    /// Bytes of KV that one token takes.
    pub kv_bytes: usize,
}

/// A context whose multiples YaRN reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// In tokens.
    pub original: usize,
    /// The largest multiple.
    pub times: usize,
}

impl About {
    /// How positions are counted for a sequence of so many tokens, prompt and answer together: as they were trained where
    /// that is enough, for stretching costs short texts some quality (Qwen's documentation). `None` for what is too long.
    pub(crate) fn rope_of(&self, tokens: usize) -> Option<RopeProfile> {
        if tokens <= self.context {
            return Some(RopeProfile::X1);
        }
        let Stretch { original, times } = self.stretch?;
        let enough =
            |profile: &RopeProfile| profile.factor() <= times && tokens <= profile.factor() * original;
        RopeProfile::ALL.into_iter().skip(1).find(enough)
    }

    /// The longest sequence that can be asked for, in tokens.
    pub(crate) fn longest(&self) -> usize {
        let stretched = self.stretch.map_or(0, |stretch| stretch.original * stretch.times);
        self.context.max(stretched)
    }
}

/// How to load a decoder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoadOptions<'a> {
    /// A `.gguf` file, or a directory with `config.json` and `*.safetensors`.
    pub model: &'a Path,
    pub format: LoadFormat,
    pub device: DeviceChoice,
    /// How many tokens the cache is to hold.
    pub kv_tokens: usize,
    /// Threads that compute on a CPU.
    pub threads: usize,
}

/// Where weights come from. Written `auto` or `dummy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoadFormat {
    /// From the model's files.
    #[default]
    Auto,
    /// From nothing: random numbers in the shapes of a directory's `config.json`, to measure a model without its weights.
    Dummy,
}

impl FromStr for LoadFormat {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        match text {
            "auto" => Ok(Self::Auto),
            "dummy" => Ok(Self::Dummy),
            other => {
                Err(EngineError::BadRequest(format!("unknown load format `{other}`, use `auto` or `dummy`")))
            }
        }
    }
}

/// Loads a model for a device.
///
/// # Errors
/// `Device` when the device is not there, `Model` for everything about the files.
pub(crate) fn load(options: &LoadOptions<'_>) -> Result<Box<dyn Model>, EngineError> {
    if options.format == LoadFormat::Dummy && !options.model.is_dir() {
        return Err(EngineError::model(options.model, "`dummy` needs a directory with `config.json`"));
    }
    match options.device {
        DeviceChoice::Cpu => Ok(Box::new(cpu::load(options)?)),
        #[cfg(feature = "cuda")]
        DeviceChoice::Cuda(_) if cuda::suits(&shape_of(options)?) => Ok(Box::new(cuda::load(options)?)),
        DeviceChoice::Cuda(_) => Ok(Box::new(tensors::load(options)?)),
    }
}

/// The sizes of a model that is not loaded yet.
#[cfg(feature = "cuda")]
fn shape_of(options: &LoadOptions<'_>) -> Result<Shape, EngineError> {
    let (shape, _) = if options.model.is_dir() {
        let float = options.device.float();
        safetensors::Mapped::open(options.model, options.format)?.describe(float, float.size_in_bytes())?
    } else {
        gguf::Gguf::open(options.model)?.describe(1)?
    };
    Ok(shape)
}

/// What a file format calls the tensors.
struct Names {
    embedding: &'static str,
    norm: &'static str,
    head: &'static str,
    layer: &'static str,
    attention_norm: &'static str,
    query: &'static str,
    key: &'static str,
    value: &'static str,
    query_norm: &'static str,
    key_norm: &'static str,
    output: &'static str,
    mlp_norm: &'static str,
    gate: &'static str,
    up: &'static str,
    down: &'static str,
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
