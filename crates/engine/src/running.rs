//! A request that is being served: its sampler, its text, and what it hears. Knows no scheduler and no tensor.

use std::time::Duration;
use std::time::Instant;

use crate::decoder::About;
use crate::decoder::Outcome;
use crate::decoder::RopeProfile;
use crate::decoder::Wanted;
use crate::error::EngineError;
use crate::event::Event;
use crate::event::Finish;
use crate::event::FinishReason;
use crate::grammar::Form;
use crate::job::Job;
use crate::job::Task;
use crate::logprobs::Chances;
use crate::logprobs::Logprob;
use crate::sampler::Sampler;
use crate::shortlist::LONGEST;
use crate::thinking::Kind;
use crate::thinking::Marks;
use crate::thinking::Thinking;
use crate::tokenizer::Tokenizer;
use crate::writer::Writer;

/// Control tokens that end an answer in the chat formats of the supported models.
const END_TOKENS: [&str; 3] = ["<|im_end|>", "<|endoftext|>", "<|eot_id|>"];

/// What a model's tokens mean.
pub(crate) struct Language {
    pub tokenizer: Tokenizer,
    /// Ids that end an answer.
    pub end: Vec<u32>,
    /// Those around its thinking, if it thinks.
    pub marks: Option<Marks>,
}

impl Language {
    /// That of a model with its tokenizer.
    ///
    /// # Errors
    /// `Internal` when the tokenizer fails on a plain sentence.
    pub(crate) fn of(tokenizer: Tokenizer, about: &About) -> Result<Self, EngineError> {
        let mut end: Vec<u32> = END_TOKENS.iter().filter_map(|name| tokenizer.special(name)).collect();
        end.extend(&about.end);
        let marks = Marks::of(&tokenizer)?;
        Ok(Self { tokenizer, end, marks })
    }
}

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
    form: Option<Form>,
    thinking: Thinking,
    writer: Writer,
    logprobs: Option<usize>,
    max_tokens: usize,
}

/// What follows a token.
pub(crate) enum Followed {
    By(u32),
    ByNothing(FinishReason),
}

impl Running {
    /// Tells whoever waits that its prompt is being read.
    pub(crate) fn begin(mut job: Job, cached_tokens: usize, language: &Language) -> Self {
        let mut finish = job.unfinished(FinishReason::Stop);
        finish.cached_tokens = cached_tokens as u32;
        job.send(Event::Started { prompt_tokens: finish.prompt_tokens, cached_tokens: finish.cached_tokens });
        let answer = match &mut job.task {
            Task::Generate { wish, .. } => Some(Answer {
                sampler: Sampler::new(wish.sampling.clone(), language.tokenizer.size(), &job.prompt),
                form: wish.form.take(),
                thinking: Thinking::new(language.marks.clone(), &job.prompt, wish.thinking_budget),
                writer: Writer::new(&wish.stop),
                logprobs: wish.logprobs,
                max_tokens: wish.sampling.max_tokens as usize,
            }),
            Task::Score { .. } | Task::Forget => None,
        };
        Self { job, finish, admitted: Instant::now(), read: None, answer, scores: Vec::new() }
    }

    pub(crate) fn job(&self) -> &Job {
        &self.job
    }

    /// How much of its prompt was there already: what came back while it was read is known only now.
    pub(crate) fn note_cached(&mut self, tokens: usize) {
        self.finish.cached_tokens = self.finish.cached_tokens.max(tokens as u32);
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

    /// What it needs to know to choose what comes next.
    pub(crate) fn wanted(&self, language: &Language) -> Wanted {
        let content = |answer: &Answer| {
            answer.form.is_none() && answer.logprobs.is_none() && answer.sampler.is_content_with_likeliest()
        };
        let below = language.tokenizer.size();
        if below >= LONGEST && self.answer.as_ref().is_some_and(content) {
            Wanted::Likeliest { below }
        } else {
            Wanted::Logits
        }
    }

    /// Chooses what comes next, and tells whoever waits.
    ///
    /// # Errors
    /// `Internal` for logits that are no numbers, `BadRequest` for a grammar that became too costly.
    pub(crate) fn follow(
        &mut self,
        mut outcome: Outcome,
        language: &Language,
    ) -> Result<Followed, EngineError> {
        let now = Instant::now();
        let read = *self.read.get_or_insert(now);
        self.finish.prefill = read - self.admitted;
        self.finish.decode = now - read;
        if let Outcome::All(logits) = &mut outcome {
            // ids from here on have rows in the model's table but mean nothing
            logits.truncate(language.tokenizer.size());
        }
        let Some(answer) = &mut self.answer else {
            self.scores = scores(&outcome, &self.job.task)?;
            return Ok(Followed::ByNothing(FinishReason::Stop));
        };
        let Chosen { token, logprob } = answer.choose(outcome)?;
        if language.end.contains(&token) {
            return Ok(Followed::ByNothing(FinishReason::Stop));
        }
        self.finish.tokens.push(token);
        self.finish.logprobs.extend(logprob);
        let over = answer.take(token, &language.tokenizer, |event| self.job.send(event))?;
        self.finish.thinking_tokens = answer.thinking.tokens() as u32;
        if over {
            return Ok(Followed::ByNothing(FinishReason::Stop));
        }
        if self.finish.tokens.len() >= answer.max_tokens {
            return Ok(Followed::ByNothing(FinishReason::Length));
        }
        Ok(Followed::By(token))
    }

    /// Ends with what there is.
    pub(crate) fn end(self, reason: FinishReason) {
        let Self { job, mut finish, answer, scores, .. } = self;
        if let Some(Answer { mut writer, .. }) = answer {
            writer.finish(|event| job.send(event));
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

/// What comes next.
struct Chosen {
    token: u32,
    logprob: Option<Logprob>,
}

impl Answer {
    fn choose(&mut self, outcome: Outcome) -> Result<Chosen, EngineError> {
        let mut logits = match outcome {
            Outcome::All(logits) => logits,
            Outcome::Likeliest(candidates) => {
                let token = match self.thinking.forced() {
                    Some(token) => self.sampler.accept(token),
                    None => self.sampler.sample_likeliest(candidates)?,
                };
                return Ok(Chosen { token, logprob: None });
            }
        };
        let held = self.logprobs.map(|top| (logits.clone(), top));
        let token = if let Some(token) = self.thinking.forced() {
            self.sampler.accept(token)
        } else {
            if self.thinking.answers()
                && let Some(form) = &mut self.form
            {
                form.restrict(&mut logits)?;
            }
            self.sampler.sample(&mut logits)?
        };
        let Some((logits, top)) = held else { return Ok(Chosen { token, logprob: None }) };
        let chances = Chances::of(&logits)?;
        let logprob = Logprob { logprob: chances.logprob(token), top: chances.top(top) };
        Ok(Chosen { token, logprob: Some(logprob) })
    }

    /// Writes a token down; says whether nothing more may follow it.
    fn take(
        &mut self,
        token: u32,
        tokenizer: &Tokenizer,
        send: impl FnMut(Event),
    ) -> Result<bool, EngineError> {
        let kind = self.thinking.push(token);
        let complete = match &mut self.form {
            Some(form) if kind == Kind::Answer => form.push(token)?,
            Some(_) | None => false,
        };
        Ok(self.writer.write(tokenizer, (token, kind), send) || complete)
    }
}

/// The log-probability of each candidate.
fn scores(outcome: &Outcome, task: &Task) -> Result<Vec<f32>, EngineError> {
    let (Task::Score { candidates, .. }, Outcome::All(logits)) = (task, outcome) else {
        return Ok(Vec::new());
    };
    let chances = Chances::of(logits)?;
    Ok(candidates.iter().map(|id| chances.logprob(*id)).collect())
}
