//! Searches of the log that an auditor keeps. Knows no adapter.

use crate::domain::UserId;
use crate::ports::StoreError;
use async_trait::async_trait;

/// A search that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedView {
    /// Its owner's name for it.
    pub name: String,
    /// The query of the list's address.
    pub query: String,
}

/// Searches of the log that an auditor keeps.
#[async_trait]
pub trait SavedViews: Send + Sync {
    /// One person's, by name.
    async fn list(&self, owner: UserId) -> Result<Vec<SavedView>, StoreError>;
    /// Keeps one; under the same name it takes the old one's place.
    async fn keep(&self, owner: UserId, view: &SavedView) -> Result<(), StoreError>;
    /// Removes one; none of that name is no fault.
    async fn remove(&self, owner: UserId, name: &str) -> Result<(), StoreError>;
}
