//! What `config.json` asks for, refused where it is not computed here. Knows no tensor.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::EngineError;
use crate::lanes::LANES;

/// Which of the two it is: they differ in where positions begin and in the names of a classifier's tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Architecture {
    Bert,
    XlmRoberta,
}

impl Architecture {
    /// Reads what `config.json` of a model's directory says.
    ///
    /// # Errors
    /// `Model` when it cannot be read or names another.
    pub(crate) fn read(directory: &Path) -> Result<Self, EngineError> {
        #[derive(Deserialize)]
        struct Named {
            model_type: Architecture,
        }
        read::<Named>(directory).map(|named| named.model_type)
    }

    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bert => "bert",
            Self::XlmRoberta => "xlm-roberta",
        }
    }
}

/// Sizes of a model. They are Hugging Face's names.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    pub model_type: Architecture,
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    pub max_position_embeddings: usize,
    pub type_vocab_size: usize,
    pub layer_norm_eps: f32,
    pad_token_id: Option<usize>,
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
        let config: Self = read(directory)?;
        config.check().map_err(|detail| EngineError::model(directory, detail))?;
        Ok(config)
    }

    /// The position of a text's first token: XLM-R counts on from its padding's.
    pub(super) fn first_position(&self) -> usize {
        match self.model_type {
            Architecture::Bert => 0,
            Architecture::XlmRoberta => self.pad_token_id.unwrap_or(1) + 1,
        }
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

/// Reads `config.json` of a directory as a `T`.
///
/// # Errors
/// `Model` when it is not there, no JSON or no `T`.
pub(crate) fn read<T: DeserializeOwned>(directory: &Path) -> Result<T, EngineError> {
    let path = directory.join("config.json");
    let data = std::fs::read(&path).map_err(|error| EngineError::model(&path, error))?;
    serde_json::from_slice(&data).map_err(|error| EngineError::model(&path, error))
}
