//! The embedding models: what goes around a text, the forward pass, and the pooling. Knows no queue.

use super::EncoderFamily;
use super::EncoderOptions;
use super::TextKind;
use super::bert::Bert;
use super::bert::Pooling;
use super::padded::Padded;
use crate::blocks::BLOCK_TOKENS;
use crate::blocks::BlockId;
use crate::decoder;
use crate::decoder::LoadFormat;
use crate::decoder::LoadOptions;
use crate::decoder::Part;
use crate::decoder::RopeProfile;
use crate::decoder::Wanted;
use crate::device::DeviceChoice;
use crate::error::EngineError;
use crate::fingerprint;
use crate::tokenizer::Tokenizer;

/// Longer texts than this are worth no vector, whatever the model can take.
const MAX_TOKENS: usize = 8192;
/// Tokens that a decoder computes at a time.
const TOKENS_AT_ONCE: usize = 512;

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
    /// BERT or XLM-R on a CPU.
    Packed(Box<Bert>, Pooling),
    /// BERT or XLM-R on a GPU.
    Padded(Box<Padded>),
    Qwen3(Box<dyn decoder::Model>),
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
        let (network, max_tokens) = match (options.family, options.device) {
            (EncoderFamily::E5, DeviceChoice::Cpu) => {
                let model = Bert::load(directory, false)?;
                let max_tokens = model.max_tokens();
                (Network::Packed(Box::new(model), Pooling::Mean), max_tokens)
            }
            (EncoderFamily::BgeM3, DeviceChoice::Cpu) => {
                let model = Bert::load(directory, true)?;
                let max_tokens = model.max_tokens();
                (Network::Packed(Box::new(model), Pooling::First), max_tokens)
            }
            (family @ (EncoderFamily::E5 | EncoderFamily::BgeM3), DeviceChoice::Cuda(_)) => {
                let model = Padded::load(directory, family, &options.device.open()?)?;
                let max_tokens = model.max_tokens();
                (Network::Padded(Box::new(model)), max_tokens)
            }
            (EncoderFamily::Qwen3Embedding, device) => {
                let load = LoadOptions {
                    format: LoadFormat::Auto,
                    model: directory,
                    device,
                    kv_tokens: MAX_TOKENS,
                    threads: rayon::current_num_threads(),
                };
                let decoder = decoder::load(&load)?;
                let context = decoder.about().context;
                (Network::Qwen3(decoder), context)
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
        match (&self.network, self.family) {
            (Network::Qwen3(decoder), _) => &decoder.about().architecture,
            (Network::Packed(..) | Network::Padded(_), EncoderFamily::BgeM3) => "xlm-roberta",
            (Network::Packed(..) | Network::Padded(_), EncoderFamily::E5 | EncoderFamily::Qwen3Embedding) => {
                "bert"
            }
        }
    }

    /// The type of its weights.
    pub(super) fn float(&self) -> &str {
        match &self.network {
            Network::Packed(..) | Network::Padded(_) => "F32",
            Network::Qwen3(decoder) => &decoder.about().quantization,
        }
    }

    /// Whose arithmetic it is.
    pub(super) fn engine(&self) -> &'static str {
        match &self.network {
            Network::Packed(..) => fingerprint::ENGINE_ALONE,
            Network::Padded(_) | Network::Qwen3(_) => fingerprint::ENGINE,
        }
    }

    /// Whether texts of a batch are filled up to the longest.
    pub(super) fn pads(&self) -> bool {
        match &self.network {
            Network::Packed(..) | Network::Qwen3(_) => false,
            Network::Padded(_) => true,
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
    pub(super) fn embed(&mut self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, EngineError> {
        match &mut self.network {
            Network::Packed(model, pooling) => model.embed(texts, *pooling),
            Network::Padded(model) => model.embed(texts),
            Network::Qwen3(decoder) => texts.iter().map(|ids| last_hidden(decoder.as_mut(), ids)).collect(),
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

/// The hidden state of the last token.
fn last_hidden(decoder: &mut dyn decoder::Model, ids: &[u32]) -> Result<Vec<f32>, EngineError> {
    let table: Vec<BlockId> = (0..ids.len().div_ceil(BLOCK_TOKENS)).map(BlockId::at).collect();
    let (rope, mut states) = (RopeProfile::X1, Vec::new());
    for (index, tokens) in ids.chunks(TOKENS_AT_ONCE).enumerate() {
        let position = index * TOKENS_AT_ONCE;
        let last = position + tokens.len() == ids.len();
        let wanted = if last { Wanted::State } else { Wanted::Nothing };
        states = decoder.forward(&[Part { tokens, position, table: &table, rope, wanted }])?;
    }
    states.pop().ok_or_else(|| EngineError::Internal("a text without tokens".into()))
}
