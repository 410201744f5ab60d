//! A query and passages to scores, each pair read as one text (Nogueira and Cho 2019, arXiv 1901.04085): a thread of its
//! own, batches of pairs of like length. Knows no collection and no index.

mod model;
mod worker;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::oneshot;

use self::model::Model;
use self::worker::Job;
use self::worker::Worker;
use crate::device::DeviceChoice;
use crate::encoder::batch::Budget;
use crate::error::EngineError;
use crate::fingerprint;
use crate::fingerprint::Fingerprint;
use crate::queue::Queue;
use crate::rerank::Relevance;
use crate::rerank::RerankRequest;
use crate::tokenizer::Tokenizer;

/// What to load and how to run it.
#[derive(Debug, Clone)]
pub struct CrossEncoderOptions {
    /// Holds `config.json`, `*.safetensors` and `tokenizer.json` of a BERT or XLM-RoBERTa that gives one score.
    pub directory: PathBuf,
    /// Where to run it.
    pub device: DeviceChoice,
    /// The longest query and passage together, in tokens; the model's own limit counts too.
    pub max_tokens: usize,
    /// How many requests may wait.
    pub queue_depth: usize,
    /// Digest of the weights as the caller verified it; goes into the fingerprint.
    pub weights_sha256: String,
}

/// A running cross-encoder. Clones share it; its thread ends with the last clone.
#[derive(Clone)]
pub struct CrossEncoder {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Arc<Queue<Job>>,
    tokenizer: Tokenizer,
    fingerprint: Fingerprint,
    max_tokens: usize,
}

impl CrossEncoder {
    /// Loads the model, runs it once, and starts the thread that owns it. Blocks for seconds.
    ///
    /// # Errors
    /// `Model` or `Device` when something cannot be used, `Internal` when the first run fails.
    pub fn start(options: CrossEncoderOptions) -> Result<Self, EngineError> {
        let tokenizer = Tokenizer::load(&options.directory.join("tokenizer.json"))?;
        let model = Model::load(&options, &tokenizer)?;
        let probe = model.frame(&tokenizer.encode_text("a")?, &tokenizer.encode_text("b")?)?;
        model.score(&[probe])?;
        let max_tokens = model.max_tokens();
        let fingerprint = Fingerprint {
            model: fingerprint::file_name(&options.directory),
            architecture: model.architecture().to_owned(),
            weights_sha256: options.weights_sha256,
            tokenizer_sha256: tokenizer.sha256().to_owned(),
            quantization: "F32".into(),
            engine: model.engine().to_owned(),
            device: fingerprint::device(options.device),
            kernels: fingerprint::kernels(options.device, model.engine() == fingerprint::ENGINE_ALONE),
            context_tokens: max_tokens as u32,
            chunk_tokens: max_tokens as u32,
        };
        tracing::info!(model = %fingerprint.model, max_tokens, "loaded a cross-encoder");
        let queue = Arc::new(Queue::new(options.queue_depth));
        let budget = Budget::new(options.device, model.pads());
        let worker = Worker { model, tokenizer: tokenizer.clone(), queue: queue.clone(), budget };
        let thread = std::thread::Builder::new().name("engine-cross".into()).spawn(move || worker.run());
        thread.map_err(|error| EngineError::Internal(format!("no thread: {error}")))?;
        Ok(Self { shared: Arc::new(Shared { queue, tokenizer, fingerprint, max_tokens }) })
    }

    /// How well each passage answers the query. Dropping the future cancels.
    ///
    /// # Errors
    /// `BadRequest` for too long a query or too many passages, `Busy`, `Late` when the deadline passed first, `Stopped`
    /// or `Internal`.
    pub async fn score(&self, request: RerankRequest) -> Result<Relevance, EngineError> {
        request.validate()?;
        let (reply, outcome) = oneshot::channel();
        self.shared.queue.push(Job::new(request, reply))?;
        outcome.await.unwrap_or(Err(EngineError::Stopped))
    }

    /// The longest query and passage together, in tokens, with all that goes around them.
    pub fn max_tokens(&self) -> usize {
        self.shared.max_tokens
    }

    /// The model's tokenizer, to measure texts with.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.shared.tokenizer
    }

    /// What exactly scores here.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.shared.fingerprint
    }

    /// Ends the thread after its present batch; requests that wait fail with `Stopped`.
    pub fn stop(&self) {
        self.shared.queue.stop();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.queue.stop();
    }
}

impl fmt::Debug for CrossEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrossEncoder").field("model", &self.shared.fingerprint.model).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
