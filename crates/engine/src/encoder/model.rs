//! The embedding models: what goes around a text, the forward pass, and the pooling. Knows no queue.

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
use super::EncoderOptions;
use super::TextKind;
use crate::decoder::CHUNK_TOKENS;
use crate::decoder::Decoder;
use crate::decoder::LoadOptions;
use crate::error::EngineError;
use crate::tokenizer::Tokenizer;
use crate::weights;

/// Longer texts than this are worth no vector, whatever the model can take.
const MAX_TOKENS: usize = 8192;
/// Encoders compute in f32 on every device: they are small, and candle's XLM-R counts positions in this type.
const FLOAT: DType = DType::F32;

/// A loaded encoder.
pub(super) struct Model {
    network: Network,
    family: EncoderFamily,
    /// Before and after the tokens of a text.
    first: Option<u32>,
    last: u32,
    max_tokens: usize,
}

enum Network {
    Bert { model: bert::BertModel, pad: u32, device: Device },
    XlmRoberta { model: xlm_roberta::XLMRobertaModel, pad: u32, device: Device },
    Qwen3(Box<Decoder>),
}

/// A text as the model wants it.
pub(super) struct Framed {
    pub ids: Vec<u32>,
    /// Whether its end was cut off.
    pub truncated: bool,
}

impl Model {
    pub(super) fn load(options: &EncoderOptions, tokenizer: &Tokenizer) -> Result<Self, EngineError> {
        let directory = options.directory.as_path();
        let device = options.device.open()?;
        let failed = |error: candle_core::Error| EngineError::model(directory, error);
        let (network, max_tokens) = match options.family {
            EncoderFamily::E5 => {
                let config: bert::Config = read_config(directory)?;
                let model = bert::BertModel::load(variables(directory, &device)?, &config).map_err(failed)?;
                (
                    Network::Bert { model, pad: config.pad_token_id as u32, device },
                    config.max_position_embeddings,
                )
            }
            EncoderFamily::BgeM3 => {
                let config: xlm_roberta::Config = read_config(directory)?;
                let variables = variables(directory, &device)?;
                let outer = variables.contains_tensor("roberta.embeddings.word_embeddings.weight");
                let variables = if outer { variables.pp("roberta") } else { variables };
                let model = xlm_roberta::XLMRobertaModel::new(&config, variables).map_err(failed)?;
                // positions begin after the padding's
                let positions =
                    config.max_position_embeddings.saturating_sub(config.pad_token_id as usize + 1);
                (Network::XlmRoberta { model, pad: config.pad_token_id, device }, positions)
            }
            EncoderFamily::Qwen3Embedding => {
                let device = options.device;
                let load = LoadOptions {
                    model: directory,
                    device,
                    requantize_slow: false,
                    max_context_tokens: MAX_TOKENS,
                };
                let decoder = Decoder::load(&load)?;
                let context = decoder.about().context;
                (Network::Qwen3(Box::new(decoder)), context)
            }
        };
        let missing =
            || EngineError::model(directory, "its tokenizer lacks the tokens that begin and end a text");
        let (first, last) = frame_tokens(options.family, tokenizer).ok_or_else(missing)?;
        Ok(Self { network, family: options.family, first, last, max_tokens: max_tokens.min(MAX_TOKENS) })
    }

    /// The longest text with its frame, in tokens.
    pub(super) fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    pub(super) fn architecture(&self) -> &str {
        match &self.network {
            Network::Bert { .. } => "bert",
            Network::XlmRoberta { .. } => "xlm-roberta",
            Network::Qwen3(decoder) => &decoder.about().architecture,
        }
    }

    /// The type of its weights.
    pub(super) fn float(&self) -> &str {
        match &self.network {
            Network::Bert { .. } | Network::XlmRoberta { .. } => "F32",
            Network::Qwen3(decoder) => &decoder.about().quantization,
        }
    }

    /// The tokens of a text with all that belongs around it; too long a text loses its end, never its frame.
    pub(super) fn frame(
        &self,
        tokenizer: &Tokenizer,
        text: &str,
        kind: TextKind,
    ) -> Result<Framed, EngineError> {
        let mut ids: Vec<u32> = self.first.into_iter().collect();
        ids.extend(tokenizer.encode_text(&instructed(self.family, text, kind))?);
        let room = self.max_tokens.saturating_sub(1);
        let truncated = ids.len() > room;
        ids.truncate(room);
        ids.push(self.last);
        Ok(Framed { ids, truncated })
    }

    /// The vectors of framed texts, not yet of length 1.
    pub(super) fn embed(&self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, EngineError> {
        match &self.network {
            Network::Bert { model, pad, device } => {
                let Padded { ids, mask, types } = Padded::new(texts, *pad, device)?;
                let hidden = model.forward(&ids, &types, Some(&mask))?;
                Ok(mean(&hidden, &mask)?.to_vec2()?)
            }
            Network::XlmRoberta { model, pad, device } => {
                let Padded { ids, mask, types } = Padded::new(texts, *pad, device)?;
                let hidden = model.forward(&ids, &mask, &types, None, None, None)?;
                Ok(hidden.narrow(1, 0, 1)?.squeeze(1)?.to_vec2()?)
            }
            Network::Qwen3(decoder) => texts.iter().map(|ids| last_hidden(decoder, ids)).collect(),
        }
    }
}

/// The tokens that begin and end every text of a family.
fn frame_tokens(family: EncoderFamily, tokenizer: &Tokenizer) -> Option<(Option<u32>, u32)> {
    let special = |names: [&str; 2]| names.into_iter().find_map(|name| tokenizer.special(name));
    match family {
        EncoderFamily::E5 | EncoderFamily::BgeM3 => {
            Some((Some(special(["<s>", "[CLS]"])?), special(["</s>", "[SEP]"])?))
        }
        // not `<|im_end|>`: without this very token the vectors are wrong (Qwen3-Embedding, issue 54)
        EncoderFamily::Qwen3Embedding => Some((None, tokenizer.special("<|endoftext|>")?)),
    }
}

/// The text with its family's instruction.
fn instructed(family: EncoderFamily, text: &str, kind: TextKind) -> String {
    match (family, kind) {
        (EncoderFamily::E5, TextKind::Query) => format!("query: {text}"),
        (EncoderFamily::E5, TextKind::Passage) => format!("passage: {text}"),
        (EncoderFamily::BgeM3, TextKind::Query | TextKind::Passage)
        | (EncoderFamily::Qwen3Embedding, TextKind::Passage) => text.to_owned(),
        (EncoderFamily::Qwen3Embedding, TextKind::Query) => format!(
            "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:{text}"
        ),
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
struct Padded {
    ids: Tensor,
    mask: Tensor,
    types: Tensor,
}

impl Padded {
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

/// The hidden state of the last token.
fn last_hidden(decoder: &Decoder, ids: &[u32]) -> Result<Vec<f32>, EngineError> {
    let mut cache = decoder.cache(ids.len());
    let mut last = None;
    for chunk in ids.chunks(CHUNK_TOKENS) {
        last = Some(decoder.forward(chunk, &mut cache)?);
    }
    let last = last.ok_or_else(|| EngineError::Internal("a text without tokens".into()))?;
    Ok(last.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
}
