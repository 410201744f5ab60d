//! Document out: first nobody can see it, then its vectors and files go, then it is checked that they are gone, and
//! all of that is recorded. Knows no SQL.

use crate::audit::Actor;
use crate::audit::Event;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::EventId;
use crate::domain::Principal;
use crate::ingest::IngestError;
use crate::ingest::IngestParts;
use crate::ingest::accept::check_writable;
use crate::ports::Blobs;
use crate::ports::StoreError;
use crate::ports::VectorIndex;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Waits between attempts to erase while the caller waits.
const PATIENCE_MS: [u64; 5] = [100, 300, 900, 1_800, 3_000];
/// Waits between attempts to erase in the background.
const PERSISTENCE_S: [u64; 6] = [10, 30, 120, 600, 1_800, 3_600];

/// What of a document lies outside of Postgres.
#[derive(Clone)]
struct Remains {
    document: DocumentId,
    blobs: Vec<(CollectionId, String)>,
    index: Arc<dyn VectorIndex>,
    store: Arc<dyn Blobs>,
}

/// Deletes a document with all its versions.
#[tracing::instrument(skip_all, fields(document.id = %document))]
pub(super) async fn delete(
    parts: &IngestParts,
    who: &Principal,
    document: DocumentId,
) -> Result<(), IngestError> {
    let filter = who.acl_filter();
    let missing = || IngestError::NoDocument(document);
    let found = parts.documents.find(document, &filter).await?.ok_or_else(missing)?;
    check_writable(who, found.collection_id)?;
    // Recorded before and after: a deletion that nobody recorded cannot happen.
    let request = record_request(parts, who, document, found.collection_id).await?;

    let blobs = parts.intake.delete(document, &filter).await?.ok_or_else(missing)?;
    let files = blobs.len();
    let remains = Remains { document, blobs, index: parts.index.clone(), store: parts.blobs.clone() };
    let erased = erase_patiently(&remains, PATIENCE_MS.map(Duration::from_millis)).await;
    keep_erasing(remains, Duration::from_millis(parts.config.lease_ms), erased.is_ok());
    record_end(parts, who, document, request, files, erased.is_ok()).await?;
    erased.map_err(|error| {
        tracing::error!(%error, "the document is deleted, but its data could not be erased yet");
        IngestError::NotErased
    })
}

/// Erases and checks, again after each wait until it is done.
async fn erase_patiently(
    remains: &Remains,
    waits: impl IntoIterator<Item = Duration>,
) -> Result<(), StoreError> {
    let mut result = erase(remains).await;
    for wait in waits {
        let Err(error) = &result else { break };
        tracing::warn!(%error, "erasing a document is tried again");
        tokio::time::sleep(wait).await;
        result = erase(remains).await;
    }
    result
}

/// Erases vectors and files, and checks that nothing is left.
async fn erase(remains: &Remains) -> Result<(), StoreError> {
    remains.index.delete(remains.document, None).await?;
    let left = remains.index.count(remains.document).await?;
    if left > 0 {
        return Err(StoreError::Corrupt { store: "qdrant", detail: format!("{left} points are left") });
    }
    for (collection, sha256) in &remains.blobs {
        remains.store.delete(*collection, sha256).await?;
        match remains.store.get(*collection, sha256).await {
            Err(StoreError::Missing { .. }) => {}
            Ok(_) => {
                return Err(StoreError::Corrupt { store: "blobs", detail: format!("`{sha256}` is left") });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A worker that had the document in hand hears of its end only at its next heart-beat, and may have written vectors
/// meanwhile: they are erased once its lease would have run out. What a store did not erase yet is tried for hours.
fn keep_erasing(remains: Remains, lease: Duration, erased: bool) {
    tokio::spawn(async move {
        tokio::time::sleep(if erased { lease } else { Duration::from_secs(1) }).await;
        if !erased {
            let waits = PERSISTENCE_S.map(Duration::from_secs);
            match erase_patiently(&remains, waits).await {
                Ok(()) => {
                    tracing::info!(document.id = %remains.document, "the document's data is erased now");
                }
                Err(error) => {
                    tracing::error!(document.id = %remains.document, %error, "the document's data is still there");
                }
            }
        } else if let Err(error) = remains.index.delete(remains.document, None).await {
            tracing::warn!(document.id = %remains.document, %error, "late vectors could not be looked for");
        }
    });
}

async fn record_request(
    parts: &IngestParts,
    who: &Principal,
    document: DocumentId,
    collection: CollectionId,
) -> Result<EventId, IngestError> {
    let id = EventId::new();
    let event = Event {
        id,
        kind: "document.deletion_requested",
        reference: None,
        actor: Some(Actor::from(who)),
        documents: vec![document],
        outcome: None,
        facts: json!({ "collection": collection }),
        content: None,
    };
    parts.auditor.record(event).await?;
    Ok(id)
}

async fn record_end(
    parts: &IngestParts,
    who: &Principal,
    document: DocumentId,
    request: EventId,
    files: usize,
    erased: bool,
) -> Result<(), IngestError> {
    let event = Event {
        id: EventId::new(),
        kind: "document.deleted",
        reference: Some(request),
        actor: Some(Actor::from(who)),
        documents: vec![document],
        outcome: Some(if erased { "erased" } else { "not_erased" }),
        facts: json!({
            "rows_deleted": true,
            "files": files,
            "checked": { "vectors_gone": erased, "files_gone": erased },
        }),
        content: None,
    };
    parts.auditor.record(event).await?;
    Ok(())
}
