//! One piece of work for a decoder's thread, and where its outcome goes. Knows no tensor.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use sha2::Digest;
use sha2::Sha256;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

use crate::blocks::Name;
use crate::decoder::RopeProfile;
use crate::error::EngineError;
use crate::event::Event;
use crate::event::Finish;
use crate::event::FinishReason;
use crate::grammar::Form;
use crate::queue::Place;
use crate::queue::Waiting;
use crate::request::Priority;
use crate::request::Sampling;

/// Events of a request that are neither text nor its place in the queue: started, the last pieces, the end.
const SPARE_EVENTS: usize = 5;

/// How many events a request can have: one for each token, the spare ones, and news of its place in the queue.
pub(crate) fn room(max_tokens: u32, queue_depth: usize) -> usize {
    max_tokens as usize + SPARE_EVENTS + queue_depth + 1
}

/// All that must separate a prompt's KV from that of others: what the caller says, and how positions are counted.
pub(crate) fn salt(cache_salt: [u8; 16], rope: RopeProfile) -> [u8; 16] {
    let digest = Sha256::new().chain_update(cache_salt).chain_update([rope.factor() as u8]).finalize();
    std::array::from_fn(|index| digest[index])
}

/// A prompt and what to do with it.
pub(crate) struct Job {
    pub prompt: Vec<u32>,
    /// Separates its KV from that of others: what the caller says, and how positions are counted.
    pub salt: [u8; 16],
    /// Of the prompt's whole blocks.
    pub names: Vec<Name>,
    pub priority: Priority,
    pub user: u64,
    /// How its positions are counted.
    pub rope: RopeProfile,
    pub deadline: Option<Instant>,
    pub submitted: Instant,
    /// How often everything had been forgotten when it was submitted.
    pub epoch: u64,
    /// Of the model that it is for.
    pub fingerprint: Arc<str>,
    pub task: Task,
}

/// What to do after the prompt.
pub(crate) enum Task {
    /// Continue it.
    Generate {
        wish: Box<Wish>,
        /// Has room for every event of the request, so that the engine never waits for a reader.
        events: mpsc::Sender<Event>,
    },
    /// Say how likely each of these tokens is to come next.
    Score { candidates: Vec<u32>, reply: oneshot::Sender<Result<Vec<f32>, EngineError>> },
    /// Only wake the thread: it drops what it holds of earlier prompts.
    Forget,
}

/// How a prompt is to be continued.
pub(crate) struct Wish {
    pub sampling: Sampling,
    pub stop: Vec<String>,
    pub form: Option<Form>,
    /// In tokens.
    pub thinking_budget: usize,
    /// How many of the likeliest tokens are to be told of at each place.
    pub logprobs: Option<usize>,
}

impl Task {
    /// The longest answer, in tokens.
    pub(crate) fn max_tokens(&self) -> usize {
        match self {
            Self::Generate { wish, .. } => wish.sampling.max_tokens as usize,
            Self::Score { .. } | Self::Forget => 0,
        }
    }
}

impl Job {
    /// Why not to go on with it: nobody waits any more, or its time is up.
    pub(crate) fn interruption(&self) -> Option<FinishReason> {
        if self.abandoned() {
            return Some(FinishReason::Cancelled);
        }
        self.deadline.is_some_and(|deadline| deadline <= Instant::now()).then_some(FinishReason::Deadline)
    }

    /// Tells whoever waits about an event; nobody may be there any more.
    pub(crate) fn send(&self, event: Event) {
        match &self.task {
            Task::Generate { events, .. } => {
                let _ = events.try_send(event);
            }
            Task::Score { .. } | Task::Forget => {}
        }
    }

    /// A finish without an answer, for the fields that are known before one.
    pub(crate) fn unfinished(&self, reason: FinishReason) -> Finish {
        Finish {
            reason,
            prompt_tokens: self.prompt.len() as u32,
            completion_tokens: 0,
            cached_tokens: 0,
            thinking_tokens: 0,
            tokens: Vec::new(),
            logprobs: Vec::new(),
            fingerprint: self.fingerprint.to_string(),
            queued: self.submitted.elapsed(),
            prefill: Duration::ZERO,
            decode: Duration::ZERO,
        }
    }

    /// Ends the job without a result.
    pub(crate) fn fail(self, error: EngineError) {
        match self.task {
            Task::Generate { events, .. } => {
                let _ = events.try_send(Event::Failed(error));
            }
            Task::Score { reply, .. } => {
                let _ = reply.send(Err(error));
            }
            Task::Forget => {}
        }
    }

    /// Ends the job early: a generation keeps what it has, a score has nothing.
    pub(crate) fn end(self, finish: Finish) {
        match self.task {
            Task::Generate { events, .. } => {
                let _ = events.try_send(Event::Finished(finish));
            }
            Task::Score { reply, .. } => {
                let error = match finish.reason {
                    FinishReason::Deadline => EngineError::Late,
                    FinishReason::Stop | FinishReason::Length | FinishReason::Cancelled => {
                        EngineError::Stopped
                    }
                };
                let _ = reply.send(Err(error));
            }
            Task::Forget => {}
        }
    }
}

impl Waiting for Job {
    fn priority(&self) -> Priority {
        self.priority
    }

    fn abandoned(&self) -> bool {
        match &self.task {
            Task::Generate { events, .. } => events.is_closed(),
            Task::Score { reply, .. } => reply.is_closed(),
            Task::Forget => false,
        }
    }

    fn user(&self) -> u64 {
        self.user
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Left out when it would take the room of the answer's own events.
    fn waits_at(&self, Place { position, wait }: Place) {
        match &self.task {
            Task::Generate { wish, events } => {
                if events.capacity() > wish.sampling.max_tokens as usize + SPARE_EVENTS {
                    self.send(Event::Queued { position, wait });
                }
            }
            Task::Score { .. } | Task::Forget => {}
        }
    }

    fn expire(self) {
        let finish = self.unfinished(FinishReason::Deadline);
        self.end(finish);
    }
}
