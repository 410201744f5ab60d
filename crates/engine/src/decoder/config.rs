//! The sizes of a decoder, from `config.json` or the metadata of a GGUF file. Knows no tensor.

use std::path::Path;

use candle_core::quantized::gguf_file::Content;
use candle_core::quantized::gguf_file::Value;
use serde::Deserialize;

use super::Stretch;
use crate::error::EngineError;

/// All that the forward pass needs to know.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub layers: usize,
    pub hidden: usize,
    pub inner: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head: usize,
    pub vocabulary: usize,
    /// The longest sequence with positions as they were trained, and how far they can be stretched.
    pub context: usize,
    pub stretch: Option<Stretch>,
    pub norm_epsilon: f32,
    pub rope_base: f64,
    /// Rotates neighbouring values instead of the two halves of a head, as Llama's GGUF files are written.
    pub rope_interleaved: bool,
    /// The head is the embedding table even where the file has one.
    pub tied: bool,
}

impl Shape {
    /// Bytes of KV that a token takes, for elements of `bytes`.
    pub(super) fn kv_bytes(&self, bytes: usize) -> usize {
        2 * self.layers * self.kv_heads * self.head * bytes
    }

    fn checked(self, path: &Path) -> Result<Self, EngineError> {
        let positive =
            [self.layers, self.hidden, self.inner, self.heads, self.kv_heads, self.head, self.context];
        if positive.contains(&0) || self.vocabulary == 0 {
            return Err(EngineError::model(path, "a size in its configuration is 0"));
        }
        if !self.heads.is_multiple_of(self.kv_heads) || !self.head.is_multiple_of(2) {
            let Self { heads, kv_heads, head, .. } = self;
            let detail = format!("{heads} heads of {head} over {kv_heads} KV heads cannot be divided");
            return Err(EngineError::model(path, detail));
        }
        Ok(self)
    }
}

/// A Hugging Face `config.json`, as far as decoders use it.
#[derive(Debug, Deserialize)]
pub(super) struct ConfigFile {
    pub model_type: String,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    vocab_size: usize,
    max_position_embeddings: usize,
    rms_norm_eps: f32,
    #[serde(default = "default_rope_theta")]
    rope_theta: f64,
    rope_scaling: Option<RopeScaling>,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default)]
    use_sliding_window: bool,
    hidden_act: Option<String>,
    quantization_config: Option<serde_json::Value>,
    pub eos_token_id: Option<EndTokens>,
}

/// What a file says of positions beyond the trained context.
#[derive(Debug, Deserialize)]
struct RopeScaling {
    #[serde(alias = "type")]
    rope_type: String,
    factor: Option<f64>,
    original_max_position_embeddings: Option<usize>,
}

/// The context that Qwen's models were trained for; their documentation allows YaRN up to four times it.
const QWEN_ORIGINAL: usize = 32_768;
const QWEN_TIMES: usize = 4;

/// How far a model that says nothing of it can be stretched.
fn stretch_of(architecture: &str, context: usize) -> Option<Stretch> {
    let stretches = matches!(architecture, "qwen2" | "qwen3") && context >= QWEN_ORIGINAL;
    stretches.then_some(Stretch { original: QWEN_ORIGINAL, times: QWEN_TIMES })
}

/// One end token or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum EndTokens {
    One(u32),
    Many(Vec<u32>),
}

impl EndTokens {
    pub(super) fn into_ids(self) -> Vec<u32> {
        match self {
            Self::One(id) => vec![id],
            Self::Many(ids) => ids,
        }
    }
}

fn default_rope_theta() -> f64 {
    10_000.0
}

impl ConfigFile {
    /// Checks that this engine computes what the file describes.
    pub(super) fn shape(&self, path: &Path) -> Result<Shape, EngineError> {
        let refuse = |detail: String| Err(EngineError::model(path, detail));
        if !matches!(self.model_type.as_str(), "qwen3" | "qwen2" | "llama") {
            return refuse(format!("the architecture `{}` is not supported", self.model_type));
        }
        let (context, stretch) = match &self.rope_scaling {
            None => {
                (self.max_position_embeddings, stretch_of(&self.model_type, self.max_position_embeddings))
            }
            Some(RopeScaling {
                rope_type,
                factor: Some(factor),
                original_max_position_embeddings: Some(original),
            }) if rope_type == "yarn" && *factor >= 2.0 => {
                (*original, Some(Stretch { original: *original, times: *factor as usize }))
            }
            Some(scaling) => {
                let RopeScaling { rope_type, .. } = scaling;
                return refuse(format!("`rope_scaling` of the type `{rope_type}` is not supported"));
            }
        };
        if self.use_sliding_window {
            return refuse("`use_sliding_window` is not supported".into());
        }
        if self.quantization_config.is_some() {
            return refuse("quantised safetensors are not supported, use GGUF".into());
        }
        if self.hidden_act.as_deref().is_some_and(|act| act != "silu") {
            return refuse("the activation is not `silu`".into());
        }
        Shape {
            layers: self.num_hidden_layers,
            hidden: self.hidden_size,
            inner: self.intermediate_size,
            heads: self.num_attention_heads,
            kv_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head: self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads.max(1)),
            vocabulary: self.vocab_size,
            context,
            stretch,
            norm_epsilon: self.rms_norm_eps,
            rope_base: self.rope_theta,
            rope_interleaved: false,
            tied: self.tie_word_embeddings,
        }
        .checked(path)
    }
}

/// The metadata of a GGUF file under the prefix of its architecture.
pub(super) struct Metadata<'a> {
    pub path: &'a Path,
    pub content: &'a Content,
    pub architecture: String,
}

impl<'a> Metadata<'a> {
    pub(super) fn new(path: &'a Path, content: &'a Content) -> Result<Self, EngineError> {
        let architecture = match content.metadata.get("general.architecture").map(Value::to_string) {
            Some(Ok(name)) => name.clone(),
            Some(Err(_)) | None => return Err(EngineError::model(path, "it names no architecture")),
        };
        if !matches!(architecture.as_str(), "qwen3" | "qwen2" | "llama") {
            return Err(EngineError::model(
                path,
                format!("the architecture `{architecture}` is not supported"),
            ));
        }
        Ok(Self { path, content, architecture })
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.content.metadata.get(&format!("{}.{key}", self.architecture))
    }

    fn count(&self, key: &str) -> Result<usize, EngineError> {
        let missing = || EngineError::model(self.path, format!("no `{key}` in its metadata"));
        let value = self.value(key).ok_or_else(missing)?;
        value.to_u64().map(|count| count as usize).map_err(|_| missing())
    }

    fn float(&self, key: &str) -> Option<f32> {
        self.value(key).and_then(|value| value.to_f32().ok())
    }

    pub(super) fn shape(&self) -> Result<Shape, EngineError> {
        let context = self.count("context_length")?;
        let (context, stretch) = self.reach(context)?;
        let table = self.content.tensor_infos.get("token_embd.weight").map(|tensor| tensor.shape.dims());
        let Some(&[vocabulary, hidden]) = table else {
            return Err(EngineError::model(self.path, "no embedding table"));
        };
        let heads = self.count("attention.head_count")?;
        let Some(norm_epsilon) = self.float("attention.layer_norm_rms_epsilon") else {
            return Err(EngineError::model(
                self.path,
                "no `attention.layer_norm_rms_epsilon` in its metadata",
            ));
        };
        Shape {
            layers: self.count("block_count")?,
            hidden,
            inner: self.count("feed_forward_length")?,
            heads,
            kv_heads: self.count("attention.head_count_kv").unwrap_or(heads),
            head: self.count("attention.key_length").unwrap_or(hidden / heads.max(1)),
            vocabulary,
            context,
            stretch,
            norm_epsilon,
            rope_base: f64::from(self.float("rope.freq_base").unwrap_or(10_000.0)),
            rope_interleaved: self.architecture == "llama",
            tied: false,
        }
        .checked(self.path)
    }

    /// The context as it was trained, and how far it can be stretched.
    fn reach(&self, context: usize) -> Result<(usize, Option<Stretch>), EngineError> {
        let scaling = self.value("rope.scaling.type").and_then(|value| value.to_string().ok());
        let original = self.count("rope.scaling.original_context_length").ok();
        let factor = self.float("rope.scaling.factor");
        let own_frequencies = self.content.tensor_infos.contains_key("rope_freqs.weight");
        match (scaling.map(String::as_str), original, factor) {
            (None | Some("none"), _, _) if !own_frequencies => {
                Ok((context, stretch_of(&self.architecture, context)))
            }
            (Some("yarn"), Some(original), Some(factor)) if !own_frequencies && factor >= 2.0 => {
                Ok((original, Some(Stretch { original, times: factor as usize })))
            }
            _ => Err(EngineError::model(self.path, "its rope scaling is not supported")),
        }
    }

    pub(super) fn end_tokens(&self) -> Vec<u32> {
        let keys =
            ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"];
        let id = |key| self.content.metadata.get(key).and_then(|value: &Value| value.to_u32().ok());
        keys.into_iter().filter_map(id).collect()
    }
}
