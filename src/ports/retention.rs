//! What is to be erased of the log's content, and what keeps it. Changes are made by entries (`Change`). Knows no adapter.

use crate::domain::ErasureRequest;
use crate::domain::EventId;
use crate::domain::Hold;
use crate::domain::Scope;
use crate::domain::UserId;
use crate::ports::StoreError;
use async_trait::async_trait;
use time::OffsetDateTime;

/// A change that an entry records, made in its transaction: both or neither. Who, when and what is said by the entry alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Somebody wants the content of `facts.scope` erased, for `facts.reason`, and approves it by that.
    AskForErasure,
    /// Approves the erasure that the entry belongs to.
    ApproveErasure,
    /// Ends the erasure that the entry belongs to.
    RefuseErasure,
    /// Destroys the content of `facts.records`, for the erasure that the entry belongs to or because their time is over.
    Erase,
    /// Keeps the content of `facts.scope`.
    PlaceHold,
    /// Lifts the hold that the entry belongs to.
    LiftHold,
    /// Says how far people are with the question that the entry belongs to: from `facts.from` to its outcome.
    Review,
}

/// Why content cannot be erased now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// A legal hold stands.
    Held,
    /// Its class is kept to the end of its time, whoever asks.
    Kept {
        /// Until then.
        until: OffsetDateTime,
    },
}

/// What is to be erased of the log's content, and what keeps it.
#[async_trait]
pub trait Retention: Send + Sync {
    /// Erasures, the newest first.
    async fn erasures(&self, limit: i64) -> Result<Vec<ErasureRequest>, StoreError>;
    /// One of them.
    async fn erasure(&self, id: EventId) -> Result<Option<ErasureRequest>, StoreError>;
    /// Erasures that need nobody any more but were not carried out to their end, the oldest first.
    async fn unfinished(&self, limit: i64) -> Result<Vec<ErasureRequest>, StoreError>;
    /// Entries of a scope, recorded before, whose content is still there; the oldest first.
    async fn sealed_within(
        &self,
        scope: &Scope,
        before: OffsetDateTime,
        limit: i64,
    ) -> Result<Vec<EventId>, StoreError>;
    /// What keeps any of these from being erased.
    async fn hindrance(&self, scope: &Scope, before: OffsetDateTime)
    -> Result<Option<Hindrance>, StoreError>;
    /// Whether somebody asked one of the questions that these belong to.
    async fn concerns(
        &self,
        scope: &Scope,
        before: OffsetDateTime,
        person: UserId,
    ) -> Result<bool, StoreError>;
    /// Entries whose content's time is over and that no hold keeps; the oldest first.
    async fn over(&self, limit: i64) -> Result<Vec<EventId>, StoreError>;
    /// One hold.
    async fn hold(&self, id: EventId) -> Result<Option<Hold>, StoreError>;
    /// Erasures that wait, and holds that stand.
    async fn counts(&self) -> Result<(i64, i64), StoreError>;
    /// Holds, those that stand first.
    async fn holds(&self, limit: i64) -> Result<Vec<Hold>, StoreError>;
}
