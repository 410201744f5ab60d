//! A request that is being served: its sampler, its text, and what it hears. Knows no scheduler and no tensor.

use std::time::Duration;
use std::time::Instant;

use crate::decoder::RopeProfile;
use crate::detokenize::Detokenizer;
use crate::detokenize::StopFilter;
use crate::error::EngineError;
use crate::event::Event;
use crate::event::Finish;
use crate::event::FinishReason;
use crate::job::Job;
use crate::job::Task;
use crate::request::Sampling;
use crate::sampler::Sampler;
use crate::tokenizer::Tokenizer;

/// One request between its admission and its end.
pub(crate) struct Running {
    job: Job,
    finish: Finish,
    admitted: Instant,
    /// When the prompt had been read.
    read: Option<Instant>,
    /// Nothing where candidates are scored.
    answer: Option<Answer>,
    /// The scores, once there are any.
    scores: Vec<f32>,
}

/// An answer that is being written.
struct Answer {
    sampler: Sampler,
    sampling: Sampling,
    writer: Writer,
}

/// What follows a token.
pub(crate) enum Followed {
    By(u32),
    ByNothing(FinishReason),
}

impl Running {
    /// Tells whoever waits that its prompt is being read.
    pub(crate) fn begin(job: Job, cached_tokens: usize, tokenizer: &Tokenizer) -> Self {
        let mut finish = job.unfinished(FinishReason::Stop);
        finish.cached_tokens = cached_tokens as u32;
        job.send(Event::Started { prompt_tokens: finish.prompt_tokens, cached_tokens: finish.cached_tokens });
        let answer = match &job.task {
            Task::Generate { sampling, stop, .. } => Some(Answer {
                sampler: Sampler::new(sampling.clone(), tokenizer.size(), &job.prompt),
                sampling: sampling.clone(),
                writer: Writer::new(stop),
            }),
            Task::Score { .. } | Task::Forget => None,
        };
        Self { job, finish, admitted: Instant::now(), read: None, answer, scores: Vec::new() }
    }

    pub(crate) fn job(&self) -> &Job {
        &self.job
    }

    /// How its positions are counted.
    pub(crate) fn rope(&self) -> RopeProfile {
        self.job.rope
    }

    /// Whether its answer has begun.
    pub(crate) fn writes(&self) -> bool {
        self.read.is_some()
    }

    /// Since its admission.
    pub(crate) fn elapsed(&self) -> Duration {
        self.admitted.elapsed()
    }

    /// Chooses what comes next, and tells whoever waits.
    ///
    /// # Errors
    /// `Internal` for logits that are no numbers.
    pub(crate) fn follow(
        &mut self,
        logits: &mut [f32],
        tokenizer: &Tokenizer,
        end: &[u32],
    ) -> Result<Followed, EngineError> {
        let now = Instant::now();
        let read = *self.read.get_or_insert(now);
        self.finish.prefill = read - self.admitted;
        self.finish.decode = now - read;
        let Some(Answer { sampler, sampling, writer }) = &mut self.answer else {
            self.scores = scores(logits, tokenizer.size(), &self.job.task)?;
            return Ok(Followed::ByNothing(FinishReason::Stop));
        };
        let token = sampler.sample(logits)?;
        if end.contains(&token) {
            return Ok(Followed::ByNothing(FinishReason::Stop));
        }
        self.finish.tokens.push(token);
        if writer.write(&self.job, tokenizer, token) {
            return Ok(Followed::ByNothing(FinishReason::Stop));
        }
        if self.finish.tokens.len() >= sampling.max_tokens as usize {
            return Ok(Followed::ByNothing(FinishReason::Length));
        }
        Ok(Followed::By(token))
    }

    /// Ends with what there is.
    pub(crate) fn end(self, reason: FinishReason) {
        let Self { job, mut finish, answer, scores, .. } = self;
        if let Some(Answer { mut writer, .. }) = answer {
            writer.finish(&job);
        }
        finish.completion_tokens = finish.tokens.len() as u32;
        finish.reason = reason;
        match (job.task, scores) {
            (Task::Score { reply, .. }, scores) if !scores.is_empty() => {
                let _ = reply.send(Ok(scores));
            }
            (task, _) => Job { task, ..job }.end(finish),
        }
    }

    /// Ends without a result.
    pub(crate) fn fail(self, error: EngineError) {
        self.job.fail(error);
    }
}

/// The log-probability of each candidate.
fn scores(logits: &[f32], vocabulary: usize, task: &Task) -> Result<Vec<f32>, EngineError> {
    let Task::Score { candidates, .. } = task else { return Ok(Vec::new()) };
    let logits = &logits[..logits.len().min(vocabulary)];
    let best = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = logits.iter().map(|logit| f64::from(logit - best).exp()).sum();
    if !total.is_finite() {
        return Err(EngineError::Internal("the model gave logits that are not numbers".into()));
    }
    let score = |id: &u32| {
        let logit = logits.get(*id as usize).copied().unwrap_or(f32::NEG_INFINITY);
        (f64::from(logit - best) - total.ln()) as f32
    };
    Ok(candidates.iter().map(score).collect())
}

/// Turns tokens into `Text` events.
struct Writer {
    detokenizer: Detokenizer,
    filter: StopFilter,
    tokens: Vec<u32>,
    stopped: bool,
}

impl Writer {
    fn new(stop: &[String]) -> Self {
        let (detokenizer, filter) = (Detokenizer::default(), StopFilter::new(stop.to_vec()));
        Self { detokenizer, filter, tokens: Vec::new(), stopped: false }
    }

    /// Sends what a token makes certain; says whether a stop string came.
    fn write(&mut self, job: &Job, tokenizer: &Tokenizer, token: u32) -> bool {
        self.tokens.push(token);
        let text = self.detokenizer.push(tokenizer, token);
        let cleared = self.filter.push(&text);
        self.stopped = cleared.stopped;
        self.send(job, cleared.text);
        self.stopped
    }

    /// Sends what was held back, unless a stop string ended the text.
    fn finish(&mut self, job: &Job) {
        if self.stopped {
            return;
        }
        let rest = self.detokenizer.finish();
        let cleared = self.filter.push(&rest);
        let held = if cleared.stopped { String::new() } else { self.filter.finish() };
        self.send(job, cleared.text + &held);
    }

    fn send(&mut self, job: &Job, text: String) {
        if !text.is_empty() {
            job.send(Event::Text { text, tokens: std::mem::take(&mut self.tokens) });
        }
    }
}
