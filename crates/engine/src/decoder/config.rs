//! The sizes of a decoder, from `config.json` or the metadata of a GGUF file. Knows no tensor.

use std::path::Path;

use candle_core::quantized::gguf_file::Content;
use candle_core::quantized::gguf_file::Value;
use serde::Deserialize;

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
    pub context: usize,
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
    rope_scaling: Option<serde_json::Value>,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default)]
    use_sliding_window: bool,
    hidden_act: Option<String>,
    quantization_config: Option<serde_json::Value>,
    pub eos_token_id: Option<EndTokens>,
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
        if self.rope_scaling.as_ref().is_some_and(|scaling| !scaling.is_null()) {
            return refuse("`rope_scaling` is not supported".into());
        }
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
            context: self.max_position_embeddings,
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
        let scaling = self.value("rope.scaling.type").and_then(|value| value.to_string().ok());
        if scaling.is_some_and(|scaling| scaling != "none")
            || self.content.tensor_infos.contains_key("rope_freqs.weight")
        {
            return Err(EngineError::model(self.path, "rope scaling is not supported"));
        }
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
            context: self.count("context_length")?,
            norm_epsilon,
            rope_base: f64::from(self.float("rope.freq_base").unwrap_or(10_000.0)),
            rope_interleaved: self.architecture == "llama",
            tied: false,
        }
        .checked(self.path)
    }

    pub(super) fn end_tokens(&self) -> Vec<u32> {
        let keys =
            ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"];
        let id = |key| self.content.metadata.get(key).and_then(|value: &Value| value.to_u32().ok());
        keys.into_iter().filter_map(id).collect()
    }
}
