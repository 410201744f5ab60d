//! BERT and XLM-RoBERTa of candle, over texts filled up to the longest: what a GPU computes, and what the packed
//! forward pass is tested against. Knows no tokenizer and no queue.

use std::path::Path;

use candle_core::D;
use candle_core::DType;
use candle_core::Device;
use candle_core::Tensor;
use candle_nn::VarBuilder;
use candle_transformers::models::bert;
use candle_transformers::models::xlm_roberta;
use serde::de::DeserializeOwned;

use super::EncoderFamily;
use crate::error::EngineError;
use crate::weights;

/// Encoders compute in f32 on every device: they are small, and candle's XLM-R counts positions in this type.
const FLOAT: DType = DType::F32;

/// A loaded model.
pub(super) struct Padded {
    network: Network,
    pad: u32,
    device: Device,
    max_tokens: usize,
}

enum Network {
    Bert(bert::BertModel),
    XlmRoberta(xlm_roberta::XLMRobertaModel),
}

impl Padded {
    /// Reads BERT for E5, XLM-R for the others.
    ///
    /// # Errors
    /// `Model` when a file is damaged or lacks a tensor.
    pub(super) fn load(
        directory: &Path,
        family: EncoderFamily,
        device: &Device,
    ) -> Result<Self, EngineError> {
        let failed = |error: candle_core::Error| EngineError::model(directory, error);
        let device = device.clone();
        match family {
            EncoderFamily::E5 => {
                let config: bert::Config = read_config(directory)?;
                let model = bert::BertModel::load(variables(directory, &device)?, &config).map_err(failed)?;
                let (pad, max_tokens) = (config.pad_token_id as u32, config.max_position_embeddings);
                Ok(Self { network: Network::Bert(model), pad, device, max_tokens })
            }
            EncoderFamily::BgeM3 | EncoderFamily::Qwen3Embedding => {
                let config: xlm_roberta::Config = read_config(directory)?;
                let variables = variables(directory, &device)?;
                let outer = variables.contains_tensor("roberta.embeddings.word_embeddings.weight");
                let variables = if outer { variables.pp("roberta") } else { variables };
                let model = xlm_roberta::XLMRobertaModel::new(&config, variables).map_err(failed)?;
                let pad = config.pad_token_id;
                // positions begin after the padding's
                let max_tokens = config.max_position_embeddings.saturating_sub(pad as usize + 1);
                Ok(Self { network: Network::XlmRoberta(model), pad, device, max_tokens })
            }
        }
    }

    /// The longest text, in tokens.
    pub(super) fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// The vectors of texts, not yet of length 1: BERT's the mean over the tokens, XLM-R's the first token.
    pub(super) fn embed(&self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, EngineError> {
        let Filled { ids, mask, types } = Filled::new(texts, self.pad, &self.device)?;
        match &self.network {
            Network::Bert(model) => {
                let hidden = model.forward(&ids, &types, Some(&mask))?;
                Ok(mean(&hidden, &mask)?.to_vec2()?)
            }
            Network::XlmRoberta(model) => {
                let hidden = model.forward(&ids, &mask, &types, None, None, None)?;
                Ok(hidden.narrow(1, 0, 1)?.squeeze(1)?.to_vec2()?)
            }
        }
    }
}

fn read_config<T: DeserializeOwned>(directory: &Path) -> Result<T, EngineError> {
    let path = directory.join("config.json");
    let data = std::fs::read(&path).map_err(|error| EngineError::model(&path, error))?;
    serde_json::from_slice(&data).map_err(|error| EngineError::model(&path, error))
}

fn variables(directory: &Path, device: &Device) -> Result<VarBuilder<'static>, EngineError> {
    let mapped = weights::map_safetensors(directory)?;
    Ok(VarBuilder::from_backend(Box::new(mapped), FLOAT, device.clone()))
}

/// Texts of a batch filled up to the longest: ids, mask and token types, `[texts, longest]` u32.
struct Filled {
    ids: Tensor,
    mask: Tensor,
    types: Tensor,
}

impl Filled {
    fn new(texts: &[Vec<u32>], pad: u32, device: &Device) -> candle_core::Result<Self> {
        let longest = texts.iter().map(Vec::len).max().unwrap_or(0);
        let (mut ids, mut mask) = (Vec::new(), Vec::new());
        for text in texts {
            let padding = longest - text.len();
            ids.extend(text.iter().copied().chain(std::iter::repeat_n(pad, padding)));
            mask.extend(std::iter::repeat_n(1_u32, text.len()).chain(std::iter::repeat_n(0, padding)));
        }
        let ids = Tensor::from_vec(ids, (texts.len(), longest), device)?;
        let mask = Tensor::from_vec(mask, (texts.len(), longest), device)?;
        let types = ids.zeros_like()?;
        Ok(Self { ids, mask, types })
    }
}

/// The mean over a text's own tokens: `[texts, tokens, hidden]` to `[texts, hidden]`.
fn mean(hidden: &Tensor, mask: &Tensor) -> candle_core::Result<Tensor> {
    let mask = mask.to_dtype(hidden.dtype())?.unsqueeze(D::Minus1)?;
    hidden.broadcast_mul(&mask)?.sum(1)?.broadcast_div(&mask.sum(1)?)
}
