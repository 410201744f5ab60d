//! What a caller hears about its request, and the stream it hears it on. Knows no scheduler.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::error::EngineError;
use crate::logprobs::Logprob;

/// One thing that happened to a request. `Finished` or `Failed` is the last one.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The request waits; `position` others wait before it, beside those that are served, which should take `wait`. Sent
    /// at once, and again as the queue moves.
    Queued { position: usize, wait: Duration },
    /// The prompt is being read; `cached_tokens` of its `prompt_tokens` need no work.
    Started { prompt_tokens: u32, cached_tokens: u32 },
    /// More of the answer: whole characters, and the tokens sampled since the last piece. Text that might
    /// begin a stop string is held back, so the two need not match piece by piece.
    Text { text: String, tokens: Vec<u32> },
    /// More of what the model thinks before it answers, in the same way; the marks around it are left out.
    Thought { text: String, tokens: Vec<u32> },
    /// The answer is complete, or was ended; nothing more comes.
    Finished(Finish),
    /// The answer was lost; nothing more comes.
    Failed(EngineError),
}

/// How a generation ended and what it cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finish {
    /// Why it ended.
    pub reason: FinishReason,
    /// Length of the prompt, in tokens.
    pub prompt_tokens: u32,
    /// Length of the answer, in tokens, an end token not counted.
    pub completion_tokens: u32,
    /// How many prompt tokens came from the prefix cache.
    pub cached_tokens: u32,
    /// How many of the answer's tokens were thinking, its marks not counted.
    pub thinking_tokens: u32,
    /// The whole answer, without the end token but with the tokens of a stop string and those of its thinking.
    pub tokens: Vec<u32>,
    /// For each token of the answer, if they were asked for.
    pub logprobs: Vec<Logprob>,
    /// Of what answered: [`Fingerprint::digest`](crate::Fingerprint::digest).
    pub fingerprint: String,
    /// Time spent waiting.
    pub queued: Duration,
    /// Time spent on the prompt.
    pub prefill: Duration,
    /// Time spent on the answer.
    pub decode: Duration,
}

/// Why a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model ended it, or a stop string came.
    Stop,
    /// `max_tokens` was reached.
    Length,
    /// The engine is stopping, or nobody listens.
    Cancelled,
    /// The deadline passed.
    Deadline,
}

/// The events of one request, in order. Dropping it cancels the request within one step.
#[derive(Debug)]
pub struct Generation {
    events: mpsc::Receiver<Event>,
    ended: bool,
}

impl Generation {
    pub(crate) fn new(events: mpsc::Receiver<Event>) -> Self {
        Self { events, ended: false }
    }

    /// Waits for the next event; `None` after `Finished` or `Failed`.
    pub async fn next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        let event = self.events.recv().await;
        Some(self.seen(event))
    }

    /// The same for threads outside an async runtime.
    pub fn blocking_next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        let event = self.events.blocking_recv();
        Some(self.seen(event))
    }

    /// A channel that closes without a last event means that the engine's thread is gone.
    fn seen(&mut self, event: Option<Event>) -> Event {
        let event = event.unwrap_or(Event::Failed(EngineError::Stopped));
        self.ended = matches!(event, Event::Finished(_) | Event::Failed(_));
        event
    }
}
