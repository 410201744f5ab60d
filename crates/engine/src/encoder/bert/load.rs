//! A model's files to weights as they are computed with. Knows no text.

use std::path::Path;

use candle_core::DType;
use candle_core::Device;
use candle_core::safetensors::MmapedSafetensors;

use super::Bert;
use super::config::Config;
use super::kernels::Panels;
use super::layer::Layer;
use super::layer::Norm;
use super::table::Table;
use crate::error::EngineError;
use crate::lanes::Instructions;
use crate::weights;

/// What stands before all names in a file that was saved from a larger model.
const PREFIXES: [&str; 3] = ["", "bert.", "roberta."];
const WORDS: &str = "embeddings.word_embeddings.weight";

impl Bert {
    /// Reads `config.json` and `*.safetensors`.
    ///
    /// # Errors
    /// `Model` when a file is damaged, lacks a tensor, or asks for what is not computed.
    pub(crate) fn load(directory: &Path) -> Result<Self, EngineError> {
        let config = Config::read(directory)?;
        let file = weights::map_safetensors(directory)?;
        let prefix = PREFIXES.into_iter().find(|prefix| file.get(&format!("{prefix}{WORDS}")).is_ok());
        let prefix = prefix.ok_or_else(|| EngineError::model(directory, format!("no tensor `{WORDS}`")))?;
        let source = Source { file: &file, prefix, directory };
        let (architecture, first_position) = (config.model_type, config.first_position());
        if first_position >= config.max_position_embeddings {
            return Err(EngineError::model(directory, "it has no position for a token"));
        }
        let positions = source.positions(&config)?;
        let norm = source.norm("embeddings", &config)?;
        let layers = (0..config.num_hidden_layers).map(|layer| source.layer(layer, &config));
        let layers = layers.collect::<Result<_, _>>()?;
        // mapped anew, so that what was only read to be packed takes no memory any more
        drop(file);
        let name = format!("{prefix}{WORDS}");
        let words =
            Table::new(weights::map_safetensors(directory)?, name, config.vocab_size, config.hidden_size)
                .map_err(|detail| EngineError::model(directory, detail))?;
        let (heads, hidden) = (config.num_attention_heads, config.hidden_size);
        let instructions = Instructions::detect();
        Ok(Self { architecture, words, positions, first_position, norm, layers, heads, hidden, instructions })
    }
}

/// Where tensors come from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub file: &'a MmapedSafetensors,
    pub prefix: &'static str,
    pub directory: &'a Path,
}

impl Source<'_> {
    /// The embeddings of positions, with that of each token type added.
    fn positions(self, config: &Config) -> Result<Vec<Vec<f32>>, EngineError> {
        let Config { hidden_size: hidden, .. } = *config;
        let name = |part: &str| format!("embeddings.{part}_embeddings.weight");
        let positions = self.values(&[name("position")], &[config.max_position_embeddings, hidden])?;
        let types = self.values(&[name("token_type")], &[config.type_vocab_size, hidden])?;
        let with_type = |of_type: &[f32]| -> Vec<f32> {
            let of_type = of_type.iter().cycle();
            positions.iter().zip(of_type).map(|(number, of_type)| number + of_type).collect()
        };
        Ok(types.chunks_exact(hidden).map(with_type).collect())
    }

    fn layer(self, layer: usize, config: &Config) -> Result<Layer, EngineError> {
        let Config { hidden_size: hidden, intermediate_size: inner, .. } = *config;
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        let parts = ["query", "key", "value"].map(|part| name(&format!("attention.self.{part}")));
        Ok(Layer {
            qkv: self.linear(&parts, hidden, hidden)?,
            attention: self.linear(&[name("attention.output.dense")], hidden, hidden)?,
            attention_norm: self.norm(&name("attention.output"), config)?,
            inner: self.linear(&[name("intermediate.dense")], inner, hidden)?,
            outer: self.linear(&[name("output.dense")], hidden, inner)?,
            norm: self.norm(&name("output"), config)?,
        })
    }

    /// Linear layers of one shape, joined into one.
    pub(super) fn linear(
        self,
        names: &[String],
        columns: usize,
        depth: usize,
    ) -> Result<Panels, EngineError> {
        let (mut weights, mut bias) = (Vec::new(), Vec::new());
        for name in names {
            weights.extend(self.values(&[format!("{name}.weight")], &[columns, depth])?);
            bias.extend(self.values(&[format!("{name}.bias")], &[columns])?);
        }
        Ok(Panels::pack(&weights, &bias))
    }

    /// A layer norm, which old files name as TensorFlow did.
    fn norm(self, of: &str, config: &Config) -> Result<Norm, EngineError> {
        let shape = [config.hidden_size];
        let values =
            |names: [&str; 2]| self.values(&names.map(|name| format!("{of}.LayerNorm.{name}")), &shape);
        let (weight, bias) = (values(["weight", "gamma"])?, values(["bias", "beta"])?);
        Ok(Norm { weight, bias, epsilon: config.layer_norm_eps })
    }

    /// The numbers of the first tensor that is there, in f32.
    pub(super) fn values(self, names: &[String], shape: &[usize]) -> Result<Vec<f32>, EngineError> {
        let failed = |detail: String| EngineError::model(self.directory, detail);
        let names: Vec<String> = names.iter().map(|name| format!("{}{name}", self.prefix)).collect();
        let found = names.iter().find(|name| self.file.get(name).is_ok());
        let name = found.ok_or_else(|| failed(format!("no tensor `{}`", names[0])))?;
        let tensor = self.file.load(name, &Device::Cpu).map_err(|error| failed(error.to_string()))?;
        if tensor.dims() != shape {
            return Err(failed(format!("`{name}` is {:?}, expected {shape:?}", tensor.dims())));
        }
        let values = tensor.to_dtype(DType::F32).and_then(|tensor| tensor.flatten_all()?.to_vec1());
        values.map_err(|error| failed(error.to_string()))
    }
}
