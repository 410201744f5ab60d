//! Answers as they were given. Knows no adapter.

use crate::domain::Answer;
use crate::domain::AnswerId;
use crate::domain::UserId;
use crate::ports::StoreError;
use async_trait::async_trait;

/// Answers as they were given.
#[async_trait]
pub trait Answers: Send + Sync {
    /// Stores it for its asker, unless a document that it shows is deleted meanwhile.
    async fn store(&self, answer: &Answer, asker: UserId) -> Result<(), StoreError>;
    /// One of this asker's.
    async fn find(&self, id: AnswerId, asker: UserId) -> Result<Option<Answer>, StoreError>;
}
