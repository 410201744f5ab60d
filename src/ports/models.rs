//! Texts in, vectors and text out. Knows no adapter.

use crate::domain::FinishReason;
use crate::domain::ModelFingerprint;
use crate::domain::Sampling;
use crate::domain::TextKind;
use crate::domain::UserId;
use crate::ports::ModelError;
use async_trait::async_trait;
use std::time::Duration;

/// Texts in, vectors out.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// Length of every vector.
    fn dimensions(&self) -> usize;
    /// Tokens of a text that are embedded; what is longer is cut by the model.
    fn max_tokens(&self) -> usize;
    /// Tokens of a text, without what the model adds.
    fn count_tokens(&self, text: &str) -> usize;
    /// What has to be the same for vectors to be comparable.
    fn fingerprint(&self) -> &ModelFingerprint;
    /// Embeds, in order; vectors have length 1. Bounded: `Busy` when too much waits.
    async fn embed(&self, texts: Vec<String>, kind: TextKind) -> Result<Vec<Vec<f32>>, ModelError>;
}

/// One turn of a prompt. All text is untrusted: markers of the chat template inside it become ordinary text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatTurn {
    /// Who speaks.
    pub role: ChatRole,
    /// What is said.
    pub text: String,
}

/// Who speaks in a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChatRole {
    /// The service.
    System,
    /// The asker, and the passages.
    User,
    /// The model, earlier.
    Assistant,
}

/// What a running generation says.
#[derive(Clone, Debug)]
pub enum GenerationEvent {
    /// Waiting; requests before it.
    Queued {
        /// 0 when it is next.
        position: usize,
        /// How long those should take.
        wait: Duration,
    },
    /// The model has begun with it.
    Started {
        /// Of the prompt.
        prompt_tokens: u32,
        /// Of these, taken from a cache.
        cached_tokens: u32,
    },
    /// More of the answer.
    Text {
        /// Never half a character.
        text: String,
        /// Sampled since the last piece.
        tokens: Vec<u32>,
    },
    /// Over.
    Finished {
        /// Why.
        reason: FinishReason,
        /// All that were sampled, but for the one that ended it.
        tokens: Vec<u32>,
    },
    /// Over, badly.
    Failed(ModelError),
}

/// A running generation; dropping it cancels.
#[async_trait]
pub trait Generation: Send {
    /// The next event; none after `Finished` or `Failed`.
    async fn next(&mut self) -> Option<GenerationEvent>;
}

/// For whom a prompt is continued, and until when.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// Separates caches: prompts of equal salts may share what was computed of a common beginning.
    pub salt: [u8; 16],
    /// Users take turns.
    pub user: UserId,
    /// Then the answer ends with what there is.
    pub deadline: Duration,
}

/// Prompts in, text out.
#[async_trait]
pub trait Generator: Send + Sync {
    /// Tokens of a prompt and its answer together.
    fn max_context_tokens(&self) -> usize;
    /// Tokens of a text.
    fn count_tokens(&self, text: &str) -> usize;
    /// Lays the turns out by the model's chat template, ready for the answer, thinking off.
    fn encode_chat(&self, turns: &[ChatTurn]) -> Result<Vec<u32>, ModelError>;
    /// The text of tokens that it made.
    fn decode(&self, tokens: &[u32]) -> String;
    /// What has to be the same for an answer to be replayed.
    fn fingerprint(&self) -> &ModelFingerprint;
    /// Begins. Bounded: `Busy` when too much waits.
    async fn generate(
        &self,
        prompt: Vec<u32>,
        sampling: Sampling,
        turn: Turn,
    ) -> Result<Box<dyn Generation>, ModelError>;
}

/// What a generator keeps of earlier prompts, to begin faster.
pub trait PrefixCache: Send + Sync {
    /// Lets no later prompt use any of it.
    fn forget(&self);
}
