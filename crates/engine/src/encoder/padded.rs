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

use super::bert::Architecture;
use super::bert::Pair;
use super::bert::Pooling;
use super::bert::read_config;
use crate::error::EngineError;
use crate::weights;

/// Encoders compute in f32 on every device: they are small, and candle's XLM-R counts positions in this type.
const FLOAT: DType = DType::F32;

/// A loaded model.
pub(crate) struct Padded {
    network: Network,
    token_types: usize,
    pad: u32,
    device: Device,
    max_tokens: usize,
}

enum Network {
    Bert(bert::BertModel),
    XlmRoberta(xlm_roberta::XLMRobertaModel),
}

impl Padded {
    /// Reads what `config.json` says it is.
    ///
    /// # Errors
    /// `Model` when a file is damaged or lacks a tensor.
    pub(crate) fn load(directory: &Path, device: &Device) -> Result<Self, EngineError> {
        let failed = |error: candle_core::Error| EngineError::model(directory, error);
        let device = device.clone();
        match Architecture::read(directory)? {
            Architecture::Bert => {
                let config: bert::Config = read_config(directory)?;
                let model = bert::BertModel::load(variables(directory, &device)?, &config).map_err(failed)?;
                let (pad, max_tokens) = (config.pad_token_id as u32, config.max_position_embeddings);
                let token_types = config.type_vocab_size;
                Ok(Self { network: Network::Bert(model), token_types, pad, device, max_tokens })
            }
            Architecture::XlmRoberta => {
                let config: xlm_roberta::Config = read_config(directory)?;
                let variables = variables(directory, &device)?;
                let outer = variables.contains_tensor("roberta.embeddings.word_embeddings.weight");
                let variables = if outer { variables.pp("roberta") } else { variables };
                let model = xlm_roberta::XLMRobertaModel::new(&config, variables).map_err(failed)?;
                let pad = config.pad_token_id;
                // positions begin after the padding's
                let max_tokens = config.max_position_embeddings.saturating_sub(pad as usize + 1);
                let token_types = config.type_vocab_size;
                Ok(Self { network: Network::XlmRoberta(model), token_types, pad, device, max_tokens })
            }
        }
    }

    pub(crate) fn architecture(&self) -> Architecture {
        match self.network {
            Network::Bert(_) => Architecture::Bert,
            Network::XlmRoberta(_) => Architecture::XlmRoberta,
        }
    }

    /// How many types of tokens it tells apart.
    pub(crate) fn token_types(&self) -> usize {
        self.token_types
    }

    /// The longest text, in tokens.
    pub(crate) fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// The vectors of texts, not yet of length 1.
    pub(crate) fn embed(&self, texts: &[Vec<u32>], pooling: Pooling) -> Result<Vec<Vec<f32>>, EngineError> {
        let texts: Vec<Pair<'_>> = texts.iter().map(|ids| Pair::one(ids)).collect();
        self.pool(&texts, pooling)
    }

    /// The states of the first tokens of pairs.
    pub(crate) fn embed_pairs(&self, pairs: &[Pair<'_>]) -> Result<Vec<Vec<f32>>, EngineError> {
        self.pool(pairs, Pooling::First)
    }

    fn pool(&self, texts: &[Pair<'_>], pooling: Pooling) -> Result<Vec<Vec<f32>>, EngineError> {
        let Filled { ids, mask, types } = Filled::new(texts, self.pad, &self.device)?;
        let hidden = match &self.network {
            Network::Bert(model) => model.forward(&ids, &types, Some(&mask))?,
            Network::XlmRoberta(model) => model.forward(&ids, &mask, &types, None, None, None)?,
        };
        match pooling {
            Pooling::Mean => Ok(mean(&hidden, &mask)?.to_vec2()?),
            Pooling::First => Ok(hidden.narrow(1, 0, 1)?.squeeze(1)?.to_vec2()?),
        }
    }
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
    fn new(texts: &[Pair<'_>], pad: u32, device: &Device) -> candle_core::Result<Self> {
        let longest = texts.iter().map(|text| text.ids.len()).max().unwrap_or(0);
        let (mut ids, mut mask, mut types) = (Vec::new(), Vec::new(), Vec::new());
        for Pair { ids: text, of_first_type } in texts {
            let padding = longest - text.len();
            ids.extend(text.iter().copied().chain(std::iter::repeat_n(pad, padding)));
            mask.extend(std::iter::repeat_n(1_u32, text.len()).chain(std::iter::repeat_n(0, padding)));
            types.extend((0..longest).map(|at| u32::from((*of_first_type..text.len()).contains(&at))));
        }
        let ids = Tensor::from_vec(ids, (texts.len(), longest), device)?;
        let mask = Tensor::from_vec(mask, (texts.len(), longest), device)?;
        let types = Tensor::from_vec(types, (texts.len(), longest), device)?;
        Ok(Self { ids, mask, types })
    }
}

/// The mean over a text's own tokens: `[texts, tokens, hidden]` to `[texts, hidden]`.
fn mean(hidden: &Tensor, mask: &Tensor) -> candle_core::Result<Tensor> {
    let mask = mask.to_dtype(hidden.dtype())?.unsqueeze(D::Minus1)?;
    hidden.broadcast_mul(&mask)?.sum(1)?.broadcast_div(&mask.sum(1)?)
}
