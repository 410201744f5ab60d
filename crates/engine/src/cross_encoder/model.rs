//! The models: what goes around a query and a passage, the forward pass, and the score. Knows no queue.

use super::CrossEncoderOptions;
use crate::device::DeviceChoice;
use crate::encoder::bert::Bert;
use crate::encoder::bert::Head;
use crate::encoder::bert::Pair;
use crate::encoder::padded::Padded;
use crate::error::EngineError;
use crate::fingerprint;
use crate::rerank;
use crate::tokenizer::Tokenizer;

/// A loaded cross-encoder.
pub(super) struct Model {
    network: Network,
    head: Head,
    frame: Frame,
    max_tokens: usize,
}

enum Network {
    /// On a CPU.
    Packed(Box<Bert>),
    /// On a GPU.
    Padded(Box<Padded>),
}

/// The tokens around two texts: `first query between passage last`.
struct Frame {
    first: u32,
    /// `[SEP]`, or `</s></s>`.
    between: Vec<u32>,
    last: u32,
    /// Whether the passage's tokens are of a type of their own.
    types: bool,
}

/// A query and a passage as the model wants them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Framed {
    pub ids: Vec<u32>,
    pub of_first_type: usize,
    /// Whether the passage's end was cut off.
    pub truncated: bool,
}

impl Model {
    pub(super) fn load(options: &CrossEncoderOptions, tokenizer: &Tokenizer) -> Result<Self, EngineError> {
        let directory = options.directory.as_path();
        let head = Head::load(directory)?;
        let network = match options.device {
            DeviceChoice::Cpu => Network::Packed(Box::new(Bert::load(directory)?)),
            DeviceChoice::Cuda(_) => {
                Network::Padded(Box::new(Padded::load(directory, &options.device.open()?)?))
            }
        };
        let (token_types, max_tokens) = match &network {
            Network::Packed(model) => (model.token_types(), model.max_tokens()),
            Network::Padded(model) => (model.token_types(), model.max_tokens()),
        };
        let missing = || EngineError::model(directory, "its tokenizer lacks the tokens around a pair");
        let frame = Frame::of(tokenizer).ok_or_else(missing)?;
        if frame.types && token_types < 2 {
            return Err(EngineError::model(directory, "it has one type of tokens, two are needed"));
        }
        let max_tokens = max_tokens.min(options.max_tokens);
        if max_tokens < 2 * frame.tokens() {
            return Err(EngineError::BadRequest(format!("`max_tokens` is {max_tokens}, too few for a pair")));
        }
        Ok(Self { network, head, frame, max_tokens })
    }

    /// The longest pair with its frame, in tokens.
    pub(super) fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    pub(super) fn architecture(&self) -> &'static str {
        match &self.network {
            Network::Packed(model) => model.architecture().name(),
            Network::Padded(model) => model.architecture().name(),
        }
    }

    /// Whose arithmetic it is.
    pub(super) fn engine(&self) -> &'static str {
        match &self.network {
            Network::Packed(_) => fingerprint::ENGINE_ALONE,
            Network::Padded(_) => fingerprint::ENGINE,
        }
    }

    /// Whether pairs of a batch are filled up to the longest.
    pub(super) fn pads(&self) -> bool {
        match &self.network {
            Network::Packed(_) => false,
            Network::Padded(_) => true,
        }
    }

    /// The tokens of a pair with all that belongs around it; only the passage loses its end where there is no room.
    ///
    /// # Errors
    /// `BadRequest` when the query leaves too little room.
    pub(super) fn frame(&self, query: &[u32], passage: &[u32]) -> Result<Framed, EngineError> {
        let room = rerank::room(self.max_tokens, self.frame.tokens(), query.len())?;
        Ok(self.frame.around(query, &passage[..passage.len().min(room)], passage.len() > room))
    }

    /// The scores of pairs, from 0 to 1. On a CPU each has the same bits in whatever company.
    pub(super) fn score(&self, pairs: &[Framed]) -> Result<Vec<f32>, EngineError> {
        let logits = self.logits(pairs)?;
        if logits.iter().any(|logit| logit.is_nan()) {
            return Err(EngineError::Internal("the cross-encoder gave what is not a number".into()));
        }
        Ok(logits.into_iter().map(rerank::chance).collect())
    }

    /// The same before they become chances.
    pub(super) fn logits(&self, pairs: &[Framed]) -> Result<Vec<f32>, EngineError> {
        let pairs: Vec<Pair<'_>> = pairs.iter().map(Framed::pair).collect();
        let states = match &self.network {
            Network::Packed(model) => model.embed_pairs(&pairs)?,
            Network::Padded(model) => model.embed_pairs(&pairs)?,
        };
        Ok(self.head.logits(&states))
    }
}

impl Framed {
    fn pair(&self) -> Pair<'_> {
        Pair { ids: &self.ids, of_first_type: self.of_first_type }
    }
}

impl Frame {
    /// The tokenizer decides: BERT's makes `[CLS] query [SEP] passage [SEP]` of two types, RoBERTa's
    /// `<s> query </s></s> passage </s>` of one, for whichever architecture.
    fn of(tokenizer: &Tokenizer) -> Option<Self> {
        let both = |first: &str, last: &str| tokenizer.special(first).zip(tokenizer.special(last));
        if let Some((first, last)) = both("<s>", "</s>") {
            return Some(Self { first, between: vec![last; 2], last, types: false });
        }
        let (first, last) = both("[CLS]", "[SEP]")?;
        Some(Self { first, between: vec![last], last, types: true })
    }

    /// How many there are.
    fn tokens(&self) -> usize {
        self.between.len() + 2
    }

    fn around(&self, query: &[u32], passage: &[u32], truncated: bool) -> Framed {
        let mut ids = vec![self.first];
        ids.extend(query);
        ids.extend(&self.between);
        let of_query = ids.len();
        ids.extend(passage);
        ids.push(self.last);
        let of_first_type = if self.types { of_query } else { ids.len() };
        Framed { ids, of_first_type, truncated }
    }
}
