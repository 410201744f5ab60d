//! The door of a decoder: starts its thread, checks requests, hands them over. Knows no tensor.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::sync::oneshot;

use crate::blocks;
use crate::blocks::BLOCK_TOKENS;
use crate::blocks::BlockId;
use crate::decoder;
use crate::decoder::About;
use crate::decoder::LoadFormat;
use crate::decoder::LoadOptions;
use crate::decoder::Model;
use crate::decoder::Part;
use crate::decoder::RopeProfile;
use crate::decoder::Wanted;
use crate::device::DeviceChoice;
use crate::error::EngineError;
use crate::event::Generation;
use crate::fingerprint;
use crate::fingerprint::Fingerprint;
use crate::grammar::Grammars;
use crate::job;
use crate::job::Job;
use crate::job::Task;
use crate::job::Wish;
use crate::load::Gauge;
use crate::load::Load;
use crate::pace::Pace;
use crate::queue::Queue;
use crate::request::Priority;
use crate::request::Request;
use crate::running::Language;
use crate::scheduler::Scheduler;
use crate::tokenizer::Tokenizer;
use crate::vault::Vault;
use crate::vault::VaultOptions;
use crate::worker::Worker;

/// How many candidates one score may name.
const MAX_CANDIDATES: usize = 1024;

/// What to load and how to run it.
#[derive(Debug, Clone)]
pub struct DecoderOptions {
    /// A `.gguf` file, or a directory with `config.json` and `*.safetensors`.
    pub model: PathBuf,
    /// Where its weights come from.
    pub load_format: LoadFormat,
    /// The model's `tokenizer.json`.
    pub tokenizer: PathBuf,
    /// Where to run it.
    pub device: DeviceChoice,
    /// The longest prompt and answer together, in tokens; the model's own limit counts too.
    pub max_context_tokens: usize,
    /// How many tokens of all requests together, and of prompts that may come again, are kept as KV; at least
    /// `max_context_tokens` are. A token takes 28 KiB with Qwen2.5-1.5B on a CPU, from when its place is first needed.
    pub kv_tokens: usize,
    /// Where what leaves the cache is kept; nowhere without.
    pub vault: Option<VaultOptions>,
    /// How many requests are served at a time.
    pub max_sequences: usize,
    /// How many requests may wait.
    pub queue_depth: usize,
    /// How many threads compute on a CPU; all that the process may use where nothing is said.
    pub threads: Option<usize>,
    /// Digest of the weights as the caller verified it; goes into the fingerprint.
    pub weights_sha256: String,
}

/// A running decoder. Clones share it; it stops with [`Handle::stop`] or with the last clone.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Arc<Queue<Job>>,
    /// How often everything was to be forgotten.
    epoch: Arc<AtomicU64>,
    thread: Mutex<Option<JoinHandle<()>>>,
    tokenizer: Tokenizer,
    grammars: Grammars,
    vault: Option<Arc<Vault>>,
    digest: Arc<str>,
    fingerprint: Fingerprint,
    about: About,
    context: usize,
    load: Gauge,
}

/// What a decoder can take now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest prompt and answer together, in tokens.
    pub max_context_tokens: usize,
    /// How many requests may wait.
    pub queue_depth: usize,
    /// How many wait now.
    pub queued: usize,
}

/// A prompt and the tokens whose chances to come next are asked for.
#[derive(Debug, Clone)]
pub struct ScoreRequest {
    /// Token ids of the whole prompt; at least one.
    pub prompt: Vec<u32>,
    /// At most 1,024 token ids.
    pub candidates: Vec<u32>,
    /// As in [`Request`].
    pub cache_salt: [u8; 16],
    /// As in [`Request`].
    pub priority: Priority,
    /// As in [`Request`].
    pub user: u64,
    /// When the scores are of no more use.
    pub deadline: Option<Instant>,
}

/// On whose account a job is done.
struct Terms {
    cache_salt: [u8; 16],
    priority: Priority,
    user: u64,
    deadline: Option<Instant>,
}

impl Handle {
    /// Loads the model, runs it once, and starts the thread that owns it. Blocks for seconds to minutes.
    ///
    /// # Errors
    /// `Model` or `Device` when something cannot be used, `Internal` when the first run fails.
    pub fn start(options: DecoderOptions) -> Result<Self, EngineError> {
        let started = Instant::now();
        let options = DecoderOptions { device: options.device.or_cpu(), ..options };
        let Loaded { model, tokenizer, context } = load(&options)?;
        let about = model.about().clone();
        let max_sequences = options.max_sequences.max(1);
        let queue = Arc::new(Queue::before(max_sequences, options.queue_depth));
        let pace = Pace::new(options.device.step_tokens());
        let mut scheduler = Scheduler::new(model.blocks(), max_sequences);
        let vault = options.vault.clone().map(Vault::open).transpose()?.map(Arc::new);
        if vault.is_some() {
            scheduler.spill();
        }
        let fingerprint = describe(options, &about, &tokenizer, context);
        log(&fingerprint, &about, model.blocks(), started.elapsed());
        let language = Language::of(tokenizer.clone(), &about)?;
        let grammars = Grammars::new(tokenizer.clone(), &language.end);
        let (epoch, load) = (Arc::new(AtomicU64::new(0)), Gauge::default());
        let worker = Worker {
            model,
            scheduler,
            max_sequences,
            language,
            queue: queue.clone(),
            epoch: epoch.clone(),
            forgotten: 0,
            running: HashMap::new(),
            swapped: HashMap::new(),
            vault: vault.clone(),
            next: None,
            prepared: 0,
            pace,
            load: load.clone(),
        };
        let thread = Mutex::new(Some(worker.start()?));
        let digest = fingerprint.digest().into();
        let shared = Shared {
            queue,
            epoch,
            thread,
            tokenizer,
            grammars,
            vault,
            digest,
            fingerprint,
            about,
            context,
            load,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Hands a request over; its events begin with `Queued`.
    ///
    /// # Errors
    /// `BadRequest`, `TooLong`, `Busy` or `Stopped`, all before anything was computed.
    pub fn submit(&self, request: Request) -> Result<Generation, EngineError> {
        request.validate(self.shared.about.vocabulary, self.shared.context)?;
        let Request { prompt, sampling, stop, grammar, cache_salt, priority, user, deadline, .. } = request;
        let (events, receiver) = mpsc::channel(job::room(sampling.max_tokens, self.shared.queue.depth()));
        let form = grammar.map(|grammar| self.shared.grammars.compile(&grammar)).transpose()?;
        let wish = Wish {
            sampling,
            stop,
            form,
            thinking_budget: request.max_thinking_tokens.map_or(usize::MAX, |tokens| tokens as usize),
            logprobs: request.logprobs.map(|count| count as usize),
        };
        let task = Task::Generate { wish: Box::new(wish), events };
        self.push(self.job(prompt, &Terms { cache_salt, priority, user, deadline }, task)?)?;
        Ok(Generation::new(receiver))
    }

    /// The natural logarithms of the chances that each candidate is the first token after the prompt, in order.
    /// Dropping the future cancels.
    ///
    /// # Errors
    /// As [`Handle::submit`], and `Late` when the deadline passed first.
    pub async fn score(&self, request: ScoreRequest) -> Result<Vec<f32>, EngineError> {
        self.submit_score(request)?.await.unwrap_or(Err(EngineError::Stopped))
    }

    /// The same before anybody waits for it.
    pub(crate) fn submit_score(
        &self,
        request: ScoreRequest,
    ) -> Result<oneshot::Receiver<Result<Vec<f32>, EngineError>>, EngineError> {
        let ScoreRequest { prompt, candidates, cache_salt, priority, user, deadline } = request;
        if candidates.is_empty() || candidates.len() > MAX_CANDIDATES {
            return Err(EngineError::BadRequest(format!("a score takes 1 to {MAX_CANDIDATES} candidates")));
        }
        let ids = prompt.iter().chain(&candidates);
        let vocabulary = self.shared.about.vocabulary;
        if let Some(id) = ids.into_iter().find(|id| **id as usize >= vocabulary) {
            return Err(EngineError::BadRequest(format!("no token {id} of {vocabulary}")));
        }
        let limit = self.shared.context;
        if prompt.is_empty() {
            return Err(EngineError::BadRequest("the prompt is empty".into()));
        }
        if prompt.len() > limit {
            return Err(EngineError::TooLong { prompt_tokens: prompt.len(), max_tokens: 0, limit });
        }
        let (reply, outcome) = oneshot::channel();
        let task = Task::Score { candidates, reply };
        self.push(self.job(prompt, &Terms { cache_salt, priority, user, deadline }, task)?)?;
        Ok(outcome)
    }

    /// Lets no later request use anything of prompts before now, waiting ones too; their places in the cache are taken by
    /// others from then on.
    pub fn forget(&self) {
        self.shared.epoch.fetch_add(1, Ordering::AcqRel);
        let terms = Terms { cache_salt: [0; 16], priority: Priority::Interactive, user: 0, deadline: None };
        // A full queue needs no waking, and a stopped thread holds nothing.
        let _ = self.job(Vec::new(), &terms, Task::Forget).and_then(|job| self.push(job));
    }

    /// A job of now, its positions counted as its length asks for.
    fn job(&self, prompt: Vec<u32>, terms: &Terms, task: Task) -> Result<Job, EngineError> {
        let (prompt_tokens, max_tokens, limit) = (prompt.len(), task.max_tokens(), self.shared.context);
        let rope = self.shared.about.rope_of(prompt_tokens + max_tokens);
        let rope = rope.ok_or(EngineError::TooLong { prompt_tokens, max_tokens, limit })?;
        let Terms { cache_salt, priority, user, deadline } = *terms;
        let epoch = self.shared.epoch.load(Ordering::Acquire);
        let salt = job::salt(cache_salt, rope);
        let names = blocks::names(&salt, &prompt);
        let (submitted, fingerprint) = (Instant::now(), self.shared.digest.clone());
        Ok(Job { prompt, salt, names, priority, user, rope, deadline, submitted, epoch, fingerprint, task })
    }

    fn push(&self, job: Job) -> Result<(), EngineError> {
        let thread = self.shared.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.as_ref().is_none_or(JoinHandle::is_finished) {
            return Err(EngineError::Stopped);
        }
        if let Some(vault) = &self.shared.vault {
            vault.want(&job.names);
        }
        self.shared.queue.push(job)
    }

    /// The model's tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.shared.tokenizer
    }

    /// What exactly answers here.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.shared.fingerprint
    }

    /// What it is busy with, as of its last step.
    pub fn load(&self) -> Load {
        self.shared.load.read()
    }

    /// What it can take now.
    pub fn limits(&self) -> Limits {
        Limits {
            max_context_tokens: self.shared.context,
            queue_depth: self.shared.queue.depth(),
            queued: self.shared.queue.len(),
        }
    }

    /// Cancels what runs, refuses what waits, and joins the thread; blocks for one step at most.
    pub fn stop(&self) {
        self.shared.queue.stop();
        let thread = self.shared.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the decoder's thread had panicked");
        }
    }
}

impl Drop for Shared {
    /// Without a join: the last clone may go away on an async thread.
    fn drop(&mut self) {
        self.queue.stop();
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("model", &self.shared.fingerprint.model).finish_non_exhaustive()
    }
}

/// A model that was run once, its tokenizer, and the longest sequence in tokens.
struct Loaded {
    model: Box<dyn Model>,
    tokenizer: Tokenizer,
    context: usize,
}

fn load(options: &DecoderOptions) -> Result<Loaded, EngineError> {
    let tokenizer = Tokenizer::load(&options.tokenizer)?;
    if !tokenizer.is_byte_level() {
        return Err(EngineError::model(&options.tokenizer, "its vocabulary is not byte-level"));
    }
    let allowed = std::thread::available_parallelism().map_or(1, usize::from);
    let mut model = decoder::load(&LoadOptions {
        model: &options.model,
        format: options.load_format,
        device: options.device,
        kv_tokens: options.kv_tokens.max(options.max_context_tokens),
        threads: options.threads.unwrap_or(allowed),
    })?;
    let about = model.about();
    if about.vocabulary < tokenizer.size() {
        let detail = format!("it has {} ids, the tokenizer {}", about.vocabulary, tokenizer.size());
        return Err(EngineError::model(&options.model, detail));
    }
    let context = options.max_context_tokens.min(about.longest());
    if context < 2 {
        return Err(EngineError::BadRequest("`max_context_tokens` must be at least 2".into()));
    }
    warm_up(model.as_mut(), context)?;
    Ok(Loaded { model, tokenizer, context })
}

/// Reads a prompt and one token more, so that a broken model is found now.
fn warm_up(model: &mut dyn Model, context: usize) -> Result<(), EngineError> {
    let prompt: Vec<u32> = (0..model.about().vocabulary.min(context - 1).min(8) as u32).collect();
    let table = [BlockId::at(0)];
    let part =
        Part { tokens: &prompt, position: 0, table: &table, rope: RopeProfile::X1, wanted: Wanted::Nothing };
    model.forward(&[part])?;
    let next = Part { tokens: &[0], position: prompt.len(), wanted: Wanted::Logits, ..part };
    let logits = model.forward(&[next])?;
    if logits.iter().flatten().any(|logit| !logit.is_finite()) {
        return Err(EngineError::Internal("the model gives logits that are not numbers".into()));
    }
    Ok(())
}

fn log(fingerprint: &Fingerprint, about: &About, blocks: usize, took: Duration) {
    tracing::info!(
        model = %fingerprint.model,
        architecture = %fingerprint.architecture,
        quantization = %fingerprint.quantization,
        device = %fingerprint.device,
        context_tokens = fingerprint.context_tokens,
        kv_mib_at_most = (about.kv_bytes * blocks * BLOCK_TOKENS) >> 20,
        seconds = took.as_secs(),
        "loaded a decoder"
    );
}

fn describe(options: DecoderOptions, about: &About, tokenizer: &Tokenizer, context: usize) -> Fingerprint {
    Fingerprint {
        model: fingerprint::file_name(&options.model),
        architecture: about.architecture.clone(),
        weights_sha256: options.weights_sha256,
        tokenizer_sha256: tokenizer.sha256().to_owned(),
        quantization: about.quantization.clone(),
        engine: match options.device {
            DeviceChoice::Cpu => fingerprint::ENGINE_ALONE,
            DeviceChoice::Cuda(_) => fingerprint::ENGINE,
        }
        .to_owned(),
        device: fingerprint::device(options.device),
        kernels: fingerprint::kernels(options.device, options.device == DeviceChoice::Cpu),
        context_tokens: context as u32,
        chunk_tokens: 0,
    }
}

#[cfg(test)]
#[path = "handle_tests/mod.rs"]
mod tests;
