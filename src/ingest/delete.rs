//! Document out: first nobody can see it, then its vectors and files go, then it is checked that they are gone, and
//! all of that is recorded. What is to be erased is noted with the deletion and worked off by [`sweep`], so that no
//! failing store and no kill in between leaves anything behind. Knows no SQL.

use crate::audit::Actor;
use crate::audit::Event;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::EventId;
use crate::domain::Principal;
use crate::ingest::IngestError;
use crate::ingest::IngestParts;
use crate::ingest::accept::check_writable;
use crate::ports::Erasure;
use crate::ports::StoreError;
use serde_json::json;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Waits between attempts to erase while the caller waits.
const PATIENCE_MS: [u64; 5] = [100, 300, 900, 1_800, 3_000];
/// How often what is left is looked for.
const SWEEP: Duration = Duration::from_secs(30);
/// Documents of one sweep.
const SWEPT: u32 = 100;

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

    let erasure = parts.intake.delete(document, &filter, request).await?.ok_or_else(missing)?;
    parts.prefixes.forget();
    let erased = erase_patiently(parts, &erasure).await;
    record_end(parts, Some(Actor::from(who)), "document.deleted", &erasure, erased.is_ok()).await?;
    match erased {
        Ok(()) => {
            // The sweep finds out what is not noted here.
            if let Err(error) = parts.erasures.erased(document).await {
                tracing::warn!(%error, "that the document is erased could not be noted");
            }
            Ok(())
        }
        Err(error) => {
            tracing::error!(%error, "the document is deleted, but its data could not be erased yet");
            Err(IngestError::NotErased)
        }
    }
}

/// Erases and checks, again after each wait until it is done.
async fn erase_patiently(parts: &IngestParts, erasure: &Erasure) -> Result<(), StoreError> {
    let mut result = erase(parts, erasure).await;
    for wait in PATIENCE_MS.map(Duration::from_millis) {
        let Err(error) = &result else { break };
        tracing::warn!(%error, "erasing a document is tried again");
        tokio::time::sleep(wait).await;
        result = erase(parts, erasure).await;
    }
    result
}

/// Erases vectors and files, and checks that nothing is left.
async fn erase(parts: &IngestParts, erasure: &Erasure) -> Result<(), StoreError> {
    parts.index.delete(erasure.document, None).await?;
    let left = parts.index.count(erasure.document).await?;
    if left > 0 {
        return Err(StoreError::Corrupt { store: "qdrant", detail: format!("{left} points are left") });
    }
    for sha256 in &erasure.files {
        parts.blobs.delete(erasure.collection, sha256).await?;
        match parts.blobs.get(erasure.collection, sha256).await {
            Err(StoreError::Missing { .. }) => {}
            Ok(_) => {
                return Err(StoreError::Corrupt { store: "blobs", detail: format!("`{sha256}` is left") });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Works off what deletions left, until stopped. A worker that had a document in hand hears of its end only at its next
/// heart-beat, and may have written vectors meanwhile: each document is looked at once more when its lease is surely over.
pub(super) async fn sweep(parts: &IngestParts, stop: &CancellationToken) {
    let lease = Duration::from_millis(parts.config.lease_ms);
    loop {
        if let Err(error) = sweep_once(parts, lease, stop).await {
            tracing::error!(%error, "what deleted documents left could not be looked for");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SWEEP.min(lease)) => {}
        }
    }
}

async fn sweep_once(
    parts: &IngestParts,
    lease: Duration,
    stop: &CancellationToken,
) -> Result<(), IngestError> {
    // A worker that lost the database gives up somewhat after its lease; an answer that was shown the document is recorded by
    // its own deadline.
    let settled = (lease * 2).max(parts.answers_end_within);
    for erasure in parts.erasures.pending(settled, SWEPT).await? {
        if stop.is_cancelled() {
            break;
        }
        if let Err(error) = erase(parts, &erasure).await {
            tracing::error!(document.id = %erasure.document, %error, "a deleted document's data is still there");
            continue;
        }
        if !erasure.erased {
            record_end(parts, None, "document.erased", &erasure, true).await?;
            tracing::info!(document.id = %erasure.document, "a deleted document's data is erased now");
        }
        // Only now: what was asked while the document went may have been recorded just before.
        if let Err(error) = parts.auditor.erase_with_document(erasure.document).await {
            tracing::error!(document.id = %erasure.document, %error, "what was recorded of a deleted document is still there");
            continue;
        }
        parts.erasures.forget(erasure.document).await?;
    }
    Ok(())
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
    actor: Option<Actor>,
    kind: &'static str,
    erasure: &Erasure,
    erased: bool,
) -> Result<(), IngestError> {
    let event = Event {
        id: EventId::new(),
        kind,
        reference: Some(erasure.request),
        actor,
        documents: vec![erasure.document],
        outcome: Some(if erased { "erased" } else { "not_erased" }),
        facts: json!({
            "rows_deleted": true,
            "files": erasure.files.len(),
            "checked": { "vectors_gone": erased, "files_gone": erased },
        }),
        content: None,
    };
    parts.auditor.record(event).await?;
    Ok(())
}
