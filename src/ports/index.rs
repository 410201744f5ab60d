//! Vectors by passage. Knows no adapter.

use crate::domain::AclFilter;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::PassageId;
use crate::domain::PassageScores;
use crate::domain::SparseVector;
use crate::ports::StoreError;
use async_trait::async_trait;
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// A passage as the index holds it.
#[derive(Clone, Debug)]
pub struct Point {
    /// Also the point's id: writing twice is writing once.
    pub passage: PassageId,
    /// Where it lies; every search filters by it.
    pub collection: CollectionId,
    /// Whose.
    pub document: DocumentId,
    /// Which version.
    pub version: i32,
    /// When the version came; searches of an earlier time do not see it.
    pub since: OffsetDateTime,
    /// Of the embedder; none while only the terms are known.
    pub dense: Option<Vec<f32>>,
    /// Term weights of BM25 without IDF, which the index adds.
    pub sparse: SparseVector,
}

/// What to search for.
#[derive(Clone, Debug)]
pub struct HybridQuery {
    /// Of the embedder.
    pub dense: Vec<f32>,
    /// Terms of the question.
    pub sparse: SparseVector,
    /// Only these documents; empty means all that the filter allows.
    pub documents: Vec<DocumentId>,
    /// Only versions that were the searched ones then.
    pub at: OffsetDateTime,
    /// Best of each leg to fuse.
    pub candidates: usize,
    /// Best of the fused to give.
    pub limit: usize,
}

/// A point that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// What.
    pub passage: PassageId,
    /// Why.
    pub scores: PassageScores,
}

/// Vectors that need not be computed again.
#[async_trait]
pub trait StoredVectors: Send + Sync {
    /// The dense vectors of those of `passages` that have one, of length 1.
    async fn vectors(&self, passages: &[PassageId]) -> Result<BTreeMap<PassageId, Vec<f32>>, StoreError>;
}

/// Dense and sparse vectors by passage. A cache of what Postgres holds: it can be rebuilt.
#[async_trait]
pub trait VectorIndex: StoredVectors {
    /// Writes points; they are durable and searchable when this returns.
    async fn upsert(&self, points: Vec<Point>) -> Result<(), StoreError>;
    /// Searches both legs within the filter and fuses by RRF with k = 60; best first, ties by id.
    async fn search(&self, query: &HybridQuery, filter: &AclFilter) -> Result<Vec<Hit>, StoreError>;
    /// Lets searches of later times pass a version over. Idempotent.
    async fn supersede(
        &self,
        document: DocumentId,
        version: i32,
        at: OffsetDateTime,
    ) -> Result<(), StoreError>;
    /// Deletes a document's points, or only those of one version.
    async fn delete(&self, document: DocumentId, version: Option<i32>) -> Result<(), StoreError>;
    /// Points of a document, exactly.
    async fn count(&self, document: DocumentId) -> Result<u64, StoreError>;
    /// Says whether it can answer now.
    async fn health(&self) -> Result<(), StoreError>;
}
