//! Reads decoders from Hugging Face directories: `config.json` and sharded `*.safetensors`. Knows no forward pass.

use std::path::Path;

use candle_core::DType;
use candle_core::Device;
use candle_core::Tensor;
use candle_core::safetensors::MmapedSafetensors;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::About;
use super::LoadFormat;
use super::Names;
use super::Shape;
use super::config::ConfigFile;
use super::config::EndTokens;
use super::random::RandomWeights;
use crate::error::EngineError;
use crate::weights;

pub(super) const NAMES: Names = Names {
    embedding: "model.embed_tokens",
    norm: "model.norm",
    head: "lm_head",
    layer: "model.layers.",
    attention_norm: "input_layernorm",
    query: "self_attn.q_proj",
    key: "self_attn.k_proj",
    value: "self_attn.v_proj",
    query_norm: "self_attn.q_norm",
    key_norm: "self_attn.k_norm",
    output: "self_attn.o_proj",
    mlp_norm: "post_attention_layernorm",
    gate: "mlp.gate_proj",
    up: "mlp.up_proj",
    down: "mlp.down_proj",
};

/// The part of `generation_config.json` that this engine follows; sampling is the caller's to choose.
#[derive(Deserialize)]
struct GenerationConfig {
    eos_token_id: Option<EndTokens>,
}

/// A directory whose files are mapped, or stood in for.
pub(super) struct Mapped<'a> {
    directory: &'a Path,
    files: Files,
    /// The beginning of our names that the files leave out.
    prefix: &'static str,
}

enum Files {
    Mapped(MmapedSafetensors),
    Random(RandomWeights),
}

impl<'a> Mapped<'a> {
    /// Maps the files of a directory.
    ///
    /// # Errors
    /// `Model` when there is none, or one is damaged.
    pub(super) fn open(directory: &'a Path, format: LoadFormat) -> Result<Self, EngineError> {
        let files = match format {
            LoadFormat::Auto => Files::Mapped(weights::map_safetensors(directory)?),
            LoadFormat::Dummy => {
                let config: ConfigFile = read_json(&directory.join("config.json"))?;
                let tied = config.shape(directory)?.tied;
                Files::Random(RandomWeights { architecture: config.model_type, tied })
            }
        };
        let mut mapped = Self { directory, files, prefix: "" };
        // embedding models are saved without the outer `model.`
        if !mapped.has("model.embed_tokens.weight") && mapped.has("embed_tokens.weight") {
            mapped.prefix = "model.";
        }
        Ok(mapped)
    }

    /// The sizes of the model and what it is; its weights are held and a token's KV kept as these types.
    pub(super) fn describe(
        &self,
        held_as: DType,
        kv_number_bytes: usize,
    ) -> Result<(Shape, About), EngineError> {
        let config: ConfigFile = read_json(&self.directory.join("config.json"))?;
        let shape = config.shape(self.directory)?;
        let mut end = config.eos_token_id.map(EndTokens::into_ids).unwrap_or_default();
        let generation = self.directory.join("generation_config.json");
        if generation.exists() {
            let generation: GenerationConfig = read_json(&generation)?;
            end.extend(generation.eos_token_id.map(EndTokens::into_ids).unwrap_or_default());
        }
        let about = About {
            architecture: config.model_type,
            quantization: match self.files {
                Files::Mapped(_) => format!("{held_as:?}"),
                Files::Random(_) => format!("{held_as:?} (random)"),
            },
            context: shape.context,
            stretch: shape.stretch,
            vocabulary: shape.vocabulary,
            end,
            kv_bytes: shape.kv_bytes(kv_number_bytes),
        };
        Ok((shape, about))
    }

    /// Whether the files have this tensor.
    pub(super) fn has(&self, name: &str) -> bool {
        let name = name.strip_prefix(self.prefix).unwrap_or(name);
        match &self.files {
            Files::Mapped(files) => files.get(name).is_ok(),
            Files::Random(weights) => weights.has(name),
        }
    }

    /// A tensor on a device, in a type.
    pub(super) fn tensor(
        &self,
        name: &str,
        dims: &[usize],
        (device, float): (&Device, DType),
    ) -> Result<Tensor, EngineError> {
        let files = match &self.files {
            Files::Mapped(files) => files,
            Files::Random(_) => return Ok(RandomWeights::tensor(name, dims, (device, float))?),
        };
        let name = name.strip_prefix(self.prefix).unwrap_or(name);
        let failed =
            |error: &dyn std::fmt::Display| EngineError::model(self.directory, format!("`{name}`: {error}"));
        let tensor = files.load(name, device).map_err(|error| failed(&error))?;
        if tensor.dims() != dims {
            return Err(failed(&format!("it is {:?}, expected {dims:?}", tensor.dims())));
        }
        tensor.to_dtype(float).map_err(|error| failed(&error))
    }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, EngineError> {
    let data = std::fs::read(path).map_err(|error| EngineError::model(path, error))?;
    serde_json::from_slice(&data).map_err(|error| EngineError::model(path, error))
}
