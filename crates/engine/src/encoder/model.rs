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
/// The shortest vectors that Qwen3-Embedding was trained to be cut to.
const LEAST_DIMENSIONS: usize = 32;
/// What bge was trained with before queries, in Chinese and in English.
const BGE_ZH: &str = "为这个句子生成表示以用于检索相关文章：";
const BGE_EN: &str = "Represent this sentence for searching relevant passages: ";
/// Qwen3-Embedding's task for a search; its authors advise English whatever the texts are.
const QWEN3: &str =
    "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:";

/// A loaded encoder.
pub(super) struct Model {
    network: Network,
    family: EncoderFamily,
    /// Before and after the tokens of a text.
    first: Option<u32>,
    last: u32,
    max_tokens: usize,
    /// Numbers of a vector that are kept.
    dimensions: usize,
}

enum Network {
    /// BERT or XLM-R on a CPU.
    Packed(Box<Bert>, Pooling),
    /// BERT or XLM-R on a GPU.
    Padded(Box<Padded>, Pooling),
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
        let dimensions = dimensions(options)?;
        let (network, max_tokens) = match (pooling(options.family), options.device) {
            (Some(pooling), DeviceChoice::Cpu) => {
                let model = Bert::load(directory)?;
                let max_tokens = model.max_tokens();
                (Network::Packed(Box::new(model), pooling), max_tokens)
            }
            (Some(pooling), DeviceChoice::Cuda(_)) => {
                let model = Padded::load(directory, &options.device.open()?)?;
                let max_tokens = model.max_tokens();
                (Network::Padded(Box::new(model), pooling), max_tokens)
            }
            (None, device) => {
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
        let max_tokens = max_tokens.min(MAX_TOKENS);
        Ok(Self { network, family: options.family, first, last, max_tokens, dimensions })
    }

    /// The longest text with its frame, in tokens.
    pub(super) fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    pub(super) fn architecture(&self) -> &str {
        match &self.network {
            Network::Packed(model, _) => model.architecture().name(),
            Network::Padded(model, _) => model.architecture().name(),
            Network::Qwen3(decoder) => &decoder.about().architecture,
        }
    }

    /// The type of its weights.
    pub(super) fn float(&self) -> &str {
        match &self.network {
            Network::Packed(..) | Network::Padded(..) => "F32",
            Network::Qwen3(decoder) => &decoder.about().quantization,
        }
    }

    /// Whose arithmetic it is.
    pub(super) fn engine(&self) -> &'static str {
        match &self.network {
            Network::Packed(..) => fingerprint::ENGINE_ALONE,
            Network::Padded(..) | Network::Qwen3(_) => fingerprint::ENGINE,
        }
    }

    /// Whether texts of a batch are filled up to the longest.
    pub(super) fn pads(&self) -> bool {
        match &self.network {
            Network::Packed(..) | Network::Qwen3(_) => false,
            Network::Padded(..) => true,
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

    /// The vectors of framed texts, cut to their dimensions and not yet of length 1.
    pub(super) fn embed(&mut self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, EngineError> {
        let mut vectors = match &mut self.network {
            Network::Packed(model, pooling) => model.embed(texts, *pooling)?,
            Network::Padded(model, pooling) => model.embed(texts, *pooling)?,
            Network::Qwen3(decoder) => {
                let each = texts.iter().map(|ids| last_hidden(decoder.as_mut(), ids));
                each.collect::<Result<_, _>>()?
            }
        };
        for vector in &mut vectors {
            vector.truncate(self.dimensions);
        }
        Ok(vectors)
    }
}

/// How the states of an encoder become a vector; `None` for a decoder, whose last token has read all before it.
fn pooling(family: EncoderFamily) -> Option<Pooling> {
    match family {
        EncoderFamily::E5 | EncoderFamily::MiniLm => Some(Pooling::Mean),
        EncoderFamily::BgeZh | EncoderFamily::BgeEn | EncoderFamily::BgeM3 => Some(Pooling::First),
        EncoderFamily::Qwen3Embedding => None,
    }
}

/// How many numbers of a vector are kept at most.
fn dimensions(options: &EncoderOptions) -> Result<usize, EngineError> {
    let Some(wanted) = options.dimensions else { return Ok(usize::MAX) };
    if options.family != EncoderFamily::Qwen3Embedding {
        return Err(EngineError::BadRequest("the vectors of this family cannot be cut".into()));
    }
    if wanted < LEAST_DIMENSIONS {
        return Err(EngineError::BadRequest(format!(
            "vectors cannot be cut to {wanted} numbers, at least {LEAST_DIMENSIONS} are needed"
        )));
    }
    Ok(wanted)
}

/// The tokens that begin and end every text of a family.
fn frame_tokens(family: EncoderFamily, tokenizer: &Tokenizer) -> Option<(Option<u32>, u32)> {
    let special = |names: [&str; 2]| names.into_iter().find_map(|name| tokenizer.special(name));
    match pooling(family) {
        Some(_) => Some((Some(special(["<s>", "[CLS]"])?), special(["</s>", "[SEP]"])?)),
        // not `<|im_end|>`: without this very token the vectors are wrong (Qwen3-Embedding, issue 54)
        None => Some((None, tokenizer.special("<|endoftext|>")?)),
    }
}

/// The text with its family's instruction.
fn instructed(family: EncoderFamily, text: &str, kind: TextKind) -> String {
    let (query, passage) = match family {
        EncoderFamily::E5 => ("query: ", "passage: "),
        EncoderFamily::MiniLm | EncoderFamily::BgeM3 => ("", ""),
        EncoderFamily::BgeZh => (BGE_ZH, ""),
        EncoderFamily::BgeEn => (BGE_EN, ""),
        EncoderFamily::Qwen3Embedding => (QWEN3, ""),
    };
    match kind {
        TextKind::Query => format!("{query}{text}"),
        TextKind::Passage => format!("{passage}{text}"),
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
