//! The thread that owns the device: takes jobs one at a time, reads the prompt in chunks, then decodes token by
//! token, looking between steps whether anybody still wants the answer. Knows no caller.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::decoder::CHUNK_TOKENS;
use crate::decoder::Cache;
use crate::decoder::Decoder;
use crate::detokenize::Detokenizer;
use crate::detokenize::StopFilter;
use crate::error::EngineError;
use crate::event::Event;
use crate::event::Finish;
use crate::event::FinishReason;
use crate::job::Job;
use crate::job::Task;
use crate::queue::Queue;
use crate::queue::Waiting;
use crate::request::Sampling;
use crate::sampler::Sampler;
use crate::tokenizer::Tokenizer;

/// All that the thread owns.
pub(crate) struct Worker {
    pub decoder: Decoder,
    pub cache: Cache,
    pub tokenizer: Tokenizer,
    /// Ids that end an answer.
    pub end: Vec<u32>,
    pub queue: Arc<Queue<Job>>,
    /// Set when nothing of earlier prompts may be kept.
    pub forget: Arc<AtomicBool>,
}

/// Why a job does not go on.
enum Halt {
    Ended(FinishReason),
    Failed(EngineError),
}

impl From<EngineError> for Halt {
    fn from(error: EngineError) -> Self {
        Self::Failed(error)
    }
}

impl Worker {
    /// Serves until the queue is stopped.
    pub(crate) fn run(mut self) {
        while let Some(job) = self.queue.pop() {
            self.forget_if_asked();
            if matches!(job.task, Task::Forget) {
                continue;
            }
            let started = Instant::now();
            self.serve(job);
            self.queue.served(started.elapsed());
            self.forget_if_asked();
        }
    }

    fn forget_if_asked(&mut self) {
        if self.forget.swap(false, Ordering::AcqRel) {
            self.cache.release();
        }
    }

    /// A panic or an error costs this job and the cache, nothing else.
    fn serve(&mut self, job: Job) {
        let mut finish = job.unfinished(FinishReason::Stop);
        let outcome = catch_unwind(AssertUnwindSafe(|| match &job.task {
            Task::Generate { sampling, stop, .. } => {
                self.generate(&job, sampling, stop, &mut finish).map(|reason| (reason, Vec::new()))
            }
            Task::Score { candidates, .. } => {
                self.score(&job, candidates, &mut finish).map(|scores| (FinishReason::Stop, scores))
            }
            Task::Forget => Ok((FinishReason::Stop, Vec::new())),
        }));
        let outcome =
            outcome.unwrap_or_else(|panic| Err(Halt::Failed(EngineError::Internal(message(&*panic)))));
        finish.completion_tokens = finish.tokens.len() as u32;
        match outcome {
            Ok((reason, scores)) => conclude(job, Finish { reason, ..finish }, scores),
            Err(Halt::Ended(reason)) => job.end(Finish { reason, ..finish }),
            Err(Halt::Failed(error)) => {
                tracing::error!(%error, "a request failed inside the engine");
                self.cache.clear();
                job.fail(error);
            }
        }
    }

    fn generate(
        &mut self,
        job: &Job,
        sampling: &Sampling,
        stop: &[String],
        finish: &mut Finish,
    ) -> Result<FinishReason, Halt> {
        let mut logits = self.prefill(job, finish)?;
        let started = Instant::now();
        let mut sampler = Sampler::new(sampling.clone(), self.tokenizer.size(), &job.prompt);
        let mut writer = Writer::new(job, &self.tokenizer, stop);
        let reason = loop {
            let token = sampler.sample(&mut logits)?;
            if self.end.contains(&token) {
                break FinishReason::Stop;
            }
            finish.tokens.push(token);
            if writer.write(token) {
                break FinishReason::Stop;
            }
            if finish.tokens.len() >= sampling.max_tokens as usize {
                break FinishReason::Length;
            }
            if let Some(reason) = interruption(&self.queue, job) {
                break reason;
            }
            let hidden = self.decoder.forward(&[token], &mut self.cache)?;
            logits = self.decoder.logits(&hidden)?;
            finish.decode = started.elapsed();
        };
        writer.finish();
        finish.decode = started.elapsed();
        Ok(reason)
    }

    /// The log-probability of each candidate as the first token after the prompt.
    fn score(&mut self, job: &Job, candidates: &[u32], finish: &mut Finish) -> Result<Vec<f32>, Halt> {
        let logits = self.prefill(job, finish)?;
        let logits = &logits[..logits.len().min(self.tokenizer.size())];
        let best = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f64 = logits.iter().map(|logit| f64::from(logit - best).exp()).sum();
        if !total.is_finite() {
            return Err(EngineError::Internal("the model gave logits that are not numbers".into()).into());
        }
        let score = |id: &u32| {
            let logit = logits.get(*id as usize).copied().unwrap_or(f32::NEG_INFINITY);
            (f64::from(logit - best) - total.ln()) as f32
        };
        Ok(candidates.iter().map(score).collect())
    }

    /// Reads the prompt, as much of it as is not cached, and gives the logits after its last token.
    fn prefill(&mut self, job: &Job, finish: &mut Finish) -> Result<Vec<f32>, Halt> {
        let started = Instant::now();
        finish.queued = job.submitted.elapsed();
        if let Some(reason) = interruption(&self.queue, job) {
            return Err(Halt::Ended(reason));
        }
        let cached = self.cache.reuse(&job.prompt, job.cache_salt);
        finish.cached_tokens = cached as u32;
        job.send(Event::Started { prompt_tokens: finish.prompt_tokens, cached_tokens: finish.cached_tokens });
        let mut last = None;
        for chunk in job.prompt[cached..].chunks(CHUNK_TOKENS) {
            if let Some(reason) = interruption(&self.queue, job) {
                return Err(Halt::Ended(reason));
            }
            last = Some(self.decoder.forward(chunk, &mut self.cache)?);
            self.cache.remember(chunk);
            finish.prefill = started.elapsed();
        }
        let last =
            last.ok_or_else(|| EngineError::Internal("nothing of the prompt was left to read".into()))?;
        let logits = self.decoder.logits(&last)?;
        finish.prefill = started.elapsed();
        Ok(logits)
    }
}

fn conclude(job: Job, finish: Finish, scores: Vec<f32>) {
    match job.task {
        Task::Generate { events, .. } => {
            let _ = events.try_send(Event::Finished(finish));
        }
        Task::Score { reply, .. } => {
            let _ = reply.send(Ok(scores));
        }
        Task::Forget => {}
    }
}

/// Whether to go on with a job, asked between two steps.
fn interruption(queue: &Queue<Job>, job: &Job) -> Option<FinishReason> {
    if queue.tick() || job.abandoned() {
        return Some(FinishReason::Cancelled);
    }
    job.deadline.is_some_and(|deadline| deadline <= Instant::now()).then_some(FinishReason::Deadline)
}

/// What a panic said.
pub(crate) fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("no message"))
}

/// Turns tokens into `Text` events.
struct Writer<'a> {
    job: &'a Job,
    tokenizer: &'a Tokenizer,
    detokenizer: Detokenizer,
    filter: StopFilter,
    tokens: Vec<u32>,
    stopped: bool,
}

impl<'a> Writer<'a> {
    fn new(job: &'a Job, tokenizer: &'a Tokenizer, stop: &[String]) -> Self {
        let (detokenizer, filter) = (Detokenizer::default(), StopFilter::new(stop.to_vec()));
        Self { job, tokenizer, detokenizer, filter, tokens: Vec::new(), stopped: false }
    }

    /// Sends what a token makes certain; says whether a stop string came.
    fn write(&mut self, token: u32) -> bool {
        self.tokens.push(token);
        let text = self.detokenizer.push(self.tokenizer, token);
        let cleared = self.filter.push(&text);
        self.stopped = cleared.stopped;
        self.send(cleared.text);
        self.stopped
    }

    /// Sends what was held back, unless a stop string ended the text.
    fn finish(&mut self) {
        if self.stopped {
            return;
        }
        let rest = self.detokenizer.finish();
        let cleared = self.filter.push(&rest);
        let held = if cleared.stopped { String::new() } else { self.filter.finish() };
        self.send(cleared.text + &held);
    }

    fn send(&mut self, text: String) {
        if !text.is_empty() {
            self.job.send(Event::Text { text, tokens: std::mem::take(&mut self.tokens) });
        }
    }
}
