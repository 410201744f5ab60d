//! How a point lies in Qdrant, the same in this process and on a server: names, checks, filters' values. Knows neither.

use crate::domain::AclFilter;
use crate::domain::PassageId;
use crate::domain::fuse;
use crate::ports::Hit;
use crate::ports::HybridQuery;
use crate::ports::Point;
use crate::ports::StoreError;
use time::OffsetDateTime;

/// The named vector of the embedder, compared by cosine.
pub(super) const DENSE: &str = "dense";
/// The named sparse vector of terms, with Qdrant's IDF.
pub(super) const SPARSE: &str = "terms";
/// Payload: the collection, a keyword that Qdrant stores points together by.
pub(super) const COLLECTION: &str = "collection";
/// Payload: the document, a UUID.
pub(super) const DOCUMENT: &str = "document";
/// Payload: the version, an integer.
pub(super) const VERSION: &str = "version";

/// Payload: when the version came, in Unix milliseconds.
pub(super) const SINCE: &str = "since";
/// Payload: when another version took its place, in Unix milliseconds; missing while it is the searched one.
pub(super) const UNTIL: &str = "until";

/// Points written at once: 256 points of 1,024 dimensions and 500 terms are about 2 MB, far below the 32 MB that the
/// write-ahead log and a gRPC message may hold.
pub(super) const BATCH: usize = 256;

/// Passages found by one leg with their scores.
pub(super) type Leg = Vec<(PassageId, f32)>;

/// An error that trying again may cure.
pub(super) fn unavailable(detail: impl Into<String>) -> StoreError {
    StoreError::Unavailable { store: "qdrant", detail: detail.into() }
}

/// An error that trying again does not cure.
pub(super) fn corrupt(detail: impl Into<String>) -> StoreError {
    StoreError::Corrupt { store: "qdrant", detail: detail.into() }
}

/// The vectors that are stored are not those of this embedder.
pub(super) fn other_dimensions(name: &str, stored: u64, wanted: usize) -> StoreError {
    corrupt(format!(
        "the vectors in `{name}` have {stored} dimensions, but the embedder makes {wanted}: set `vectors.name` to a new name \
         and index the documents again, or go back to the embedder they were made with"
    ))
}

/// Refuses what no embedder of this index makes, before a batch is half written.
pub(super) fn check_points(points: &[Point], dimensions: usize) -> Result<(), StoreError> {
    for point in points {
        if let Some(dense) = &point.dense {
            check_dense(dense, dimensions)?;
        }
        let sparse = &point.sparse;
        let sorted = sparse.indices.is_sorted_by(|left, right| left < right);
        if !sorted || sparse.indices.len() != sparse.values.len() || !finite(&sparse.values) {
            return Err(corrupt(format!("the terms of passage `{}` are not a sparse vector", point.passage)));
        }
    }
    Ok(())
}

/// Refuses a vector of another length, or one that has no direction.
pub(super) fn check_dense(vector: &[f32], dimensions: usize) -> Result<(), StoreError> {
    if vector.len() != dimensions {
        return Err(corrupt(format!("a vector has {} dimensions, not {dimensions}", vector.len())));
    }
    if finite(vector) { Ok(()) } else { Err(corrupt("a vector holds a value that is not finite")) }
}

fn finite(values: &[f32]) -> bool {
    values.iter().all(|value| value.is_finite())
}

/// Says whether a search can find anything at all: nothing readable or nothing wanted is not worth asking for.
pub(super) fn finds_nothing(query: &HybridQuery, filter: &AclFilter) -> bool {
    filter.is_empty() || query.candidates == 0 || query.limit == 0
}

/// The readable collections as the payload holds them.
pub(super) fn collections(filter: &AclFilter) -> Vec<String> {
    filter.collections().map(|id| id.to_string()).collect()
}

/// A time as the payload holds it.
pub(super) const fn unix_ms(at: OffsetDateTime) -> i64 {
    (at.unix_timestamp_nanos() / 1_000_000) as i64
}

/// Fuses the legs.
pub(super) fn hits(dense: Leg, sparse: Leg, limit: usize) -> Vec<Hit> {
    fuse(dense, sparse, limit).into_iter().map(|(passage, scores)| Hit { passage, scores }).collect()
}
