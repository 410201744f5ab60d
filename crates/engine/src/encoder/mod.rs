//! Texts to vectors: a thread of its own, batches of texts of like length, queries before passages. Knows no
//! collection and no index.

pub(crate) mod batch;
pub(crate) mod bert;
mod model;
pub(crate) mod padded;
mod worker;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use tokio::sync::oneshot;

use self::batch::Budget;
use self::model::Model;
use self::worker::Job;
use self::worker::Worker;
use crate::device::DeviceChoice;
use crate::error::EngineError;
use crate::fingerprint;
use crate::fingerprint::Fingerprint;
use crate::queue::Queue;
use crate::tokenizer::Tokenizer;

/// Texts of a call that are handed over at a time, so that no query waits for thousands to become tokens.
const TEXTS_AT_ONCE: usize = 256;

/// What to load and how to run it.
#[derive(Debug, Clone)]
pub struct EncoderOptions {
    /// Holds `config.json`, `*.safetensors` and `tokenizer.json`.
    pub directory: PathBuf,
    /// What kind of model it is, which no file says reliably; the architecture is read from `config.json`.
    pub family: EncoderFamily,
    /// How many numbers of a vector to keep, the first of all; `None` keeps all. Only for families whose vectors were
    /// trained to be cut (Kusupati et al. 2022, arXiv 2205.13147): of `Qwen3Embedding`, 32 and more.
    pub dimensions: Option<usize>,
    /// Where to run it.
    pub device: DeviceChoice,
    /// How many calls may wait; passages may fill half of it.
    pub queue_depth: usize,
    /// Digest of the weights as the caller verified it; goes into the fingerprint.
    pub weights_sha256: String,
}

/// A family of embedding models: its pooling and what it expects around a text. All but `Qwen3Embedding` are BERT or
/// XLM-RoBERTa.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EncoderFamily {
    /// Mean over the tokens, `query: ` or `passage: ` before the text (Wang et al. 2022, arXiv 2212.03533).
    E5,
    /// Mean over the tokens, nothing before the text (Reimers and Gurevych 2019, arXiv 1908.10084): all-MiniLM.
    MiniLm,
    /// First token, an instruction in Chinese before queries (Xiao et al. 2023, arXiv 2309.07597): bge-large-zh-v1.5.
    BgeZh,
    /// The same in English: bge-large-en-v1.5.
    BgeEn,
    /// First token, nothing before the text (Chen et al. 2024, arXiv 2402.03216); its dense vectors.
    BgeM3,
    /// Last token, an instruction before queries (Zhang et al. 2025, arXiv 2506.05176).
    Qwen3Embedding,
}

impl FromStr for EncoderFamily {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        match text {
            "e5" => Ok(Self::E5),
            "mini_lm" => Ok(Self::MiniLm),
            "bge_zh" => Ok(Self::BgeZh),
            "bge_en" => Ok(Self::BgeEn),
            "bge_m3" => Ok(Self::BgeM3),
            "qwen3_embedding" => Ok(Self::Qwen3Embedding),
            other => Err(EngineError::BadRequest(format!(
                "unknown encoder family `{other}`, use `e5`, `mini_lm`, `bge_zh`, `bge_en`, `bge_m3` or \
                 `qwen3_embedding`"
            ))),
        }
    }
}

/// Which side of a search a text is on; the models were trained to tell the two apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextKind {
    /// What is looked for; overtakes passages that wait.
    Query,
    /// What may be found.
    Passage,
}

/// Vectors of texts, in the order of the texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Embeddings {
    /// Of length 1 each, [`Encoder::dimensions`] numbers.
    pub vectors: Vec<Vec<f32>>,
    /// Which texts were longer than [`Encoder::max_tokens`], so that their end is not in their vector.
    pub truncated: Vec<bool>,
}

/// A running encoder. Clones share it; its thread ends with the last clone.
#[derive(Clone)]
pub struct Encoder {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Arc<Queue<Job>>,
    tokenizer: Tokenizer,
    fingerprint: Fingerprint,
    dimensions: usize,
    max_tokens: usize,
}

impl Encoder {
    /// Loads the model, runs it once, and starts the thread that owns it. Blocks for seconds.
    ///
    /// # Errors
    /// `Model` or `Device` when something cannot be used, `BadRequest` for `dimensions` that the model was not trained
    /// for, `Internal` when the first run fails.
    pub fn start(options: EncoderOptions) -> Result<Self, EngineError> {
        let tokenizer = Tokenizer::load(&options.directory.join("tokenizer.json"))?;
        let mut model = Model::load(&options, &tokenizer)?;
        let probe = model.embed(&[model.frame(&tokenizer, "a", TextKind::Query)?.ids])?;
        let dimensions = probe.first().map_or(0, Vec::len);
        if let Some(wanted) = options.dimensions.filter(|wanted| *wanted != dimensions) {
            return Err(EngineError::BadRequest(format!(
                "vectors of {dimensions} numbers have no {wanted} dimensions"
            )));
        }
        let max_tokens = model.max_tokens();
        let fingerprint = Fingerprint {
            model: fingerprint::file_name(&options.directory),
            architecture: model.architecture().to_owned(),
            weights_sha256: options.weights_sha256,
            tokenizer_sha256: tokenizer.sha256().to_owned(),
            quantization: model.float().to_owned(),
            engine: model.engine().to_owned(),
            device: fingerprint::device(options.device),
            kernels: fingerprint::kernels(options.device, model.engine() == fingerprint::ENGINE_ALONE),
            context_tokens: max_tokens as u32,
            chunk_tokens: max_tokens as u32,
        };
        tracing::info!(model = %fingerprint.model, dimensions, max_tokens, "loaded an encoder");
        let queue = Arc::new(Queue::new(options.queue_depth));
        let budget = Budget::new(options.device, model.pads());
        let worker = Worker { model, tokenizer: tokenizer.clone(), queue: queue.clone(), budget };
        let thread = std::thread::Builder::new().name("engine-encoder".into()).spawn(move || worker.run());
        thread.map_err(|error| EngineError::Internal(format!("no thread: {error}")))?;
        Ok(Self { shared: Arc::new(Shared { queue, tokenizer, fingerprint, dimensions, max_tokens }) })
    }

    /// The vectors of texts, of length 1, in order. Texts that are too long are cut, which the log counts;
    /// [`Encoder::embed_checked`] says which. Dropping the future cancels.
    ///
    /// # Errors
    /// `Busy` when too many calls wait (of more than 256 texts perhaps after some were computed), `Stopped`, or
    /// `Internal`.
    pub async fn embed(&self, texts: Vec<String>, kind: TextKind) -> Result<Vec<Vec<f32>>, EngineError> {
        let embeddings = self.embed_checked(texts, kind).await?;
        let cut = embeddings.truncated.iter().filter(|cut| **cut).count();
        if cut > 0 {
            tracing::warn!(
                texts = cut,
                max_tokens = self.shared.max_tokens,
                "texts were cut before embedding"
            );
        }
        Ok(embeddings.vectors)
    }

    /// The same, with a flag for each text that was cut.
    ///
    /// # Errors
    /// As [`Encoder::embed`].
    pub async fn embed_checked(&self, texts: Vec<String>, kind: TextKind) -> Result<Embeddings, EngineError> {
        let mut embeddings = Embeddings { vectors: Vec::new(), truncated: Vec::new() };
        let mut texts = texts.into_iter().peekable();
        while texts.peek().is_some() {
            let (reply, outcome) = oneshot::channel();
            self.shared.queue.push(Job::new(texts.by_ref().take(TEXTS_AT_ONCE).collect(), kind, reply))?;
            let Embeddings { vectors, truncated } = outcome.await.unwrap_or(Err(EngineError::Stopped))?;
            embeddings.vectors.extend(vectors);
            embeddings.truncated.extend(truncated);
        }
        Ok(embeddings)
    }

    /// Numbers in a vector.
    pub fn dimensions(&self) -> usize {
        self.shared.dimensions
    }

    /// The longest text that is embedded whole, in tokens, with all that the family adds around it.
    pub fn max_tokens(&self) -> usize {
        self.shared.max_tokens
    }

    /// The model's tokenizer, to measure texts with.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.shared.tokenizer
    }

    /// What exactly embeds here; vectors of different fingerprints must not be compared.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.shared.fingerprint
    }

    /// Ends the thread after its present batch; calls that wait fail with `Stopped`.
    pub fn stop(&self) {
        self.shared.queue.stop();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.queue.stop();
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("model", &self.shared.fingerprint.model).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
