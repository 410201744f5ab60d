//! Uploads that go on after an interruption: their state, and their bytes until all have come. Knows no adapter.

use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::HolderId;
use crate::domain::UploadId;
use crate::domain::UserId;
use crate::ports::StoreError;
use async_trait::async_trait;
use std::time::Duration;
use time::OffsetDateTime;

/// An upload that is announced.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// Made by the caller.
    pub id: UploadId,
    /// Who may write to it and see it; nobody else.
    pub owner: UserId,
    /// Where the file goes.
    pub collection: CollectionId,
    /// Whose new version it is; none makes a document.
    pub document: Option<DocumentId>,
    /// Given by the uploader.
    pub title: Option<String>,
    /// As the uploader's machine calls it.
    pub file_name: String,
    /// Opens the file, sealed for this upload.
    pub password: Option<Vec<u8>>,
    /// Of the whole file.
    pub bytes: i64,
    /// Forgotten after this.
    pub expires_at: OffsetDateTime,
}

/// An upload as it stands.
#[derive(Clone, Debug)]
pub struct StoredUpload {
    /// What was announced.
    pub announced: NewUpload,
    /// Bytes that are stored, from the first on without a gap.
    pub received: i64,
    /// Parts they lie in.
    pub parts: i64,
    /// What became of it, as its client reads it; none while it is open.
    pub outcome: Option<serde_json::Value>,
}

/// Some bytes of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPart {
    /// Of the blob.
    pub name: String,
    /// Where it begins in the file.
    pub first: i64,
    /// Its size; none when it was announced and never stored.
    pub bytes: Option<i64>,
    /// Of its bytes, hex.
    pub sha256: String,
}

/// Uploads by their owners. One that has expired is not there.
#[async_trait]
pub trait Uploads: Send + Sync {
    /// Announces one; `Conflict` when its owner has `most` open ones.
    async fn create(&self, upload: &NewUpload, most: u32) -> Result<(), StoreError>;
    /// One of this owner.
    async fn find(&self, id: UploadId, owner: UserId) -> Result<Option<StoredUpload>, StoreError>;
    /// Takes it for `lease`, for one writer alone; `Conflict` when another has it.
    async fn hold(
        &self,
        id: UploadId,
        owner: UserId,
        holder: HolderId,
        lease: Duration,
    ) -> Result<Option<StoredUpload>, StoreError>;
    /// Those that expired longer ago than `after` and that nobody holds.
    async fn expired(&self, after: Duration, limit: u32) -> Result<Vec<UploadId>, StoreError>;
    /// Its parts in order, also those that were announced alone.
    async fn parts(&self, id: UploadId) -> Result<Vec<StoredPart>, StoreError>;
    /// Deletes the rows. Idempotent.
    async fn forget(&self, id: UploadId) -> Result<(), StoreError>;
}

/// What the holder of an upload writes; `Conflict` when it is held no more.
#[async_trait]
pub trait HeldUploads: Send + Sync {
    /// Keeps it for another `lease`.
    async fn keep(&self, id: UploadId, holder: HolderId, lease: Duration) -> Result<(), StoreError>;
    /// Notes a part that is about to be stored.
    async fn announce(&self, id: UploadId, holder: HolderId, part: &StoredPart) -> Result<(), StoreError>;
    /// Counts a part that is stored now, if it begins where the bytes end.
    async fn advance(
        &self,
        id: UploadId,
        holder: HolderId,
        part: &StoredPart,
        bytes: i64,
    ) -> Result<(), StoreError>;
    /// Says what became of it, and forgets its password.
    async fn finish(
        &self,
        id: UploadId,
        holder: HolderId,
        outcome: &serde_json::Value,
    ) -> Result<(), StoreError>;
    /// Lets it expire now.
    async fn expire(&self, id: UploadId, holder: HolderId) -> Result<(), StoreError>;
    /// Lets the next one have it. Idempotent.
    async fn release(&self, id: UploadId, holder: HolderId) -> Result<(), StoreError>;
}

/// Bytes of uploads that are not whole yet, by name.
#[async_trait]
pub trait UploadParts: Send + Sync {
    /// Stores; a second time is harmless.
    async fn put_part(&self, name: &str, bytes: Vec<u8>) -> Result<(), StoreError>;
    /// Reads it whole; `Corrupt` when it is not what the digest says.
    async fn part(&self, name: &str, sha256: &str) -> Result<Vec<u8>, StoreError>;
    /// Deletes; a second time is harmless.
    async fn delete_part(&self, name: &str) -> Result<(), StoreError>;
}
