//! What a store or a model can answer instead. Knows no adapter.

use std::time::Duration;

/// What a store (Postgres, Qdrant, blobs) can answer instead.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It does not answer, or not in time. Trying again later may help.
    #[error("{store} is not available: {detail}")]
    Unavailable {
        /// `postgres`, `qdrant` or `blobs`.
        store: &'static str,
        /// For the log, never for a client.
        detail: String,
    },
    /// A unique name is taken, or the row changed under us.
    #[error("{what} is already there")]
    Conflict {
        /// Such as ``collection `contracts` ``.
        what: String,
    },
    /// The row it needs is not there.
    #[error("no {what}")]
    Missing {
        /// Such as ``collection `0190…` ``.
        what: String,
    },
    /// It answered something that cannot be: a bug or a damaged store.
    #[error("{store} gave something unexpected: {detail}")]
    Corrupt {
        /// `postgres`, `qdrant` or `blobs`.
        store: &'static str,
        /// For the log, never for a client.
        detail: String,
    },
}

/// What a model can answer instead.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ModelError {
    /// The prompt and the answer do not fit.
    #[error("{prompt_tokens} prompt tokens and {max_tokens} answer tokens exceed the limit of {limit}")]
    TooLong {
        /// Of the prompt.
        prompt_tokens: usize,
        /// Asked for.
        max_tokens: usize,
        /// Of both together.
        limit: usize,
    },
    /// The queue is full.
    #[error("the model's queue is full ({queue_depth})")]
    Busy {
        /// When to try again.
        retry_after: Duration,
        /// Requests waiting.
        queue_depth: usize,
    },
    /// It is shutting down.
    #[error("the model is stopping")]
    Stopped,
    /// It failed.
    #[error("the model failed: {0}")]
    Failed(String),
}
