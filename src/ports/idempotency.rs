//! Answers to requests that carry a key of their client's. Knows no adapter.

use crate::domain::HolderId;
use crate::domain::UserId;
use crate::ports::StoreError;
use async_trait::async_trait;
use std::time::Duration;

/// Whose key, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyOf {
    /// Two users' equal keys are two keys.
    pub user: UserId,
    /// 1 to 255 characters, made by the client.
    pub key: String,
}

/// What was answered, and to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Method and path.
    pub request: String,
    /// Digest of what was sent, hex.
    pub fingerprint: String,
    /// HTTP status.
    pub status: u16,
    /// Of the body.
    pub media_type: String,
    /// As it was sent.
    pub body: String,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// Nothing: it is the caller's now, for the lease.
    Fresh,
    /// Another request with it is under way.
    UnderWay,
    /// It was answered.
    Answered(KeptAnswer),
}

/// Keys and answers.
#[async_trait]
pub trait IdempotencyKeys: Send + Sync {
    /// Takes a key that nobody uses, or whose user fell silent, for `lease`; it is forgotten after `keep_for`.
    async fn claim(
        &self,
        of: &KeyOf,
        request: &str,
        holder: HolderId,
        lease: Duration,
        keep_for: Duration,
    ) -> Result<Claimed, StoreError>;
    /// Keeps the claim for another `lease`; `Conflict` when it is another's.
    async fn keep(&self, of: &KeyOf, holder: HolderId, lease: Duration) -> Result<(), StoreError>;
    /// Keeps the answer, if the claim still holds.
    async fn answer(&self, of: &KeyOf, holder: HolderId, answer: &KeptAnswer) -> Result<(), StoreError>;
    /// Gives the key up unanswered.
    async fn release(&self, of: &KeyOf, holder: HolderId) -> Result<(), StoreError>;
    /// Forgets what is older than it was to be kept.
    async fn forget_expired(&self) -> Result<(), StoreError>;
}
