//! What `config.json` asks for, refused where it is not computed here. Knows no tensor.

use std::path::Path;

use serde::Deserialize;

use crate::error::EngineError;
use crate::lanes::LANES;

/// Sizes of a model. They are Hugging Face's names.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    pub max_position_embeddings: usize,
    pub type_vocab_size: usize,
    pub layer_norm_eps: f32,
    #[serde(default)]
    pub pad_token_id: usize,
    hidden_act: String,
    #[serde(default = "absolute")]
    position_embedding_type: String,
}

fn absolute() -> String {
    "absolute".into()
}

impl Config {
    /// Reads the file of a model's directory.
    ///
    /// # Errors
    /// `Model` when it cannot be read, or asks for an activation, positions or sizes that are not computed.
    pub(super) fn read(directory: &Path) -> Result<Self, EngineError> {
        let path = directory.join("config.json");
        let data = std::fs::read(&path).map_err(|error| EngineError::model(&path, error))?;
        let config: Self = serde_json::from_slice(&data).map_err(|error| EngineError::model(&path, error))?;
        config.check().map_err(|detail| EngineError::model(&path, detail))?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        if self.hidden_act != "gelu" {
            return Err(format!("activation `{}` is not supported, only `gelu`", self.hidden_act));
        }
        if self.position_embedding_type != "absolute" {
            return Err(format!("positions `{}` are not supported", self.position_embedding_type));
        }
        let (hidden, heads) = (self.hidden_size, self.num_attention_heads);
        let whole = |size: usize| size > 0 && size.is_multiple_of(LANES);
        if heads == 0 || !hidden.is_multiple_of(heads) || !whole(hidden / heads) {
            return Err(format!("{heads} heads of {hidden} numbers are not supported"));
        }
        if !whole(self.intermediate_size) || self.num_hidden_layers == 0 || self.type_vocab_size == 0 {
            return Err("its inner size, its layers or its token types are not supported".into());
        }
        Ok(())
    }
}
