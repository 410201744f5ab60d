//! Files by the digest of their bytes. Knows no adapter.

use crate::domain::CollectionId;
use crate::ports::StoreError;
use async_trait::async_trait;

/// Files by the SHA-256 of their bytes, within a collection.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Stores; a second time is harmless.
    async fn put(&self, collection: CollectionId, sha256: &str, bytes: Vec<u8>) -> Result<(), StoreError>;
    /// Reads it whole.
    async fn get(&self, collection: CollectionId, sha256: &str) -> Result<Vec<u8>, StoreError>;
    /// Deletes; a second time is harmless.
    async fn delete(&self, collection: CollectionId, sha256: &str) -> Result<(), StoreError>;
    /// Says whether it can answer now.
    async fn health(&self) -> Result<(), StoreError>;
}
