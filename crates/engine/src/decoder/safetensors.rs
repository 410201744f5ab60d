//! Reads decoders from Hugging Face directories: `config.json` and sharded `*.safetensors`. Knows no forward pass.

use std::path::Path;

use candle_core::DType;
use candle_core::Device;
use candle_core::Tensor;
use candle_core::quantized::QMatMul;
use candle_core::safetensors::MmapedSafetensors;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::About;
use super::Decoder;
use super::LoadOptions;
use super::Names;
use super::Tensors;
use super::config::ConfigFile;
use super::config::EndTokens;
use super::layer::Linear;
use crate::error::EngineError;
use crate::weights;

const NAMES: Names = Names {
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

pub(super) fn load(options: &LoadOptions<'_>, device: &Device) -> Result<Decoder, EngineError> {
    let directory = options.model;
    let config: ConfigFile = read_json(&directory.join("config.json"))?;
    let shape = config.shape(directory)?;
    let float = options.device.float();
    let mut tensors =
        Mapped { directory, files: weights::map_safetensors(directory)?, device, float, prefix: "" };
    // embedding models are saved without the outer `model.`
    if !tensors.has("model.embed_tokens.weight") && tensors.has("embed_tokens.weight") {
        tensors.prefix = "model.";
    }
    let mut end = config.eos_token_id.map(EndTokens::into_ids).unwrap_or_default();
    let generation = directory.join("generation_config.json");
    if generation.exists() {
        let generation: GenerationConfig = read_json(&generation)?;
        end.extend(generation.eos_token_id.map(EndTokens::into_ids).unwrap_or_default());
    }
    let about = About {
        architecture: config.model_type,
        quantization: format!("{float:?}"),
        context: shape.context,
        vocabulary: shape.vocabulary,
        end,
        kv_bytes: shape.kv_bytes(float.size_in_bytes()),
    };
    let positions = shape.context.min(options.max_context_tokens);
    Decoder::assemble(&mut tensors, &NAMES, &shape, about, (device, float, positions))
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, EngineError> {
    let data = std::fs::read(path).map_err(|error| EngineError::model(path, error))?;
    serde_json::from_slice(&data).map_err(|error| EngineError::model(path, error))
}

struct Mapped<'a> {
    directory: &'a Path,
    files: MmapedSafetensors,
    device: &'a Device,
    float: DType,
    /// The beginning of our names that the files leave out.
    prefix: &'static str,
}

impl Mapped<'_> {
    fn read(&self, name: &str, dims: &[usize]) -> Result<Tensor, EngineError> {
        let name = name.strip_prefix(self.prefix).unwrap_or(name);
        let failed =
            |error: &dyn std::fmt::Display| EngineError::model(self.directory, format!("`{name}`: {error}"));
        let tensor = self.files.load(name, self.device).map_err(|error| failed(&error))?;
        if tensor.dims() != dims {
            return Err(failed(&format!("it is {:?}, expected {dims:?}", tensor.dims())));
        }
        tensor.to_dtype(self.float).map_err(|error| failed(&error))
    }
}

impl Tensors for Mapped<'_> {
    fn linear(&mut self, name: &str, shape: (usize, usize)) -> Result<Linear, EngineError> {
        let weight = QMatMul::Tensor(self.read(&format!("{name}.weight"), &[shape.0, shape.1])?);
        let bias = format!("{name}.bias");
        let bias = if self.has(&bias) { Some(self.read(&bias, &[shape.0])?) } else { None };
        Ok(Linear { weight, bias })
    }

    fn vector(&mut self, name: &str, length: usize) -> Result<Tensor, EngineError> {
        self.read(&format!("{name}.weight"), &[length])
    }

    fn has(&self, name: &str) -> bool {
        self.files.get(name.strip_prefix(self.prefix).unwrap_or(name)).is_ok()
    }
}
