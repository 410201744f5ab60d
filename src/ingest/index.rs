//! Makes a version searchable: rows and vectors are written while nobody sees them, recorded, and then become visible
//! in one step. Knows no file and no model.

use crate::audit::Event;
use crate::domain::ClaimedJob;
use crate::domain::Coverage;
use crate::domain::DocumentStatus;
use crate::domain::EventId;
use crate::domain::Stage;
use crate::ingest::IngestError;
use crate::ingest::IngestParts;
use crate::ingest::chunk::ratio;
use crate::ingest::embed::Vectors;
use crate::ingest::run::Run;
use crate::ports::Extracted;
use crate::ports::StoreError;
use serde_json::json;
use std::time::Instant;

/// Points written in one go.
const BATCH: usize = 256;

/// A version that is visible.
pub(super) struct Indexed {
    coverage: Coverage,
    passages: usize,
}

impl Indexed {
    /// What became of the text.
    pub(super) const fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// How many passages can be found.
    pub(super) const fn passages(&self) -> usize {
        self.passages
    }
}

/// Writes everything and publishes the version.
#[tracing::instrument(name = "index", skip_all)]
pub(super) async fn index(parts: &IngestParts, run: &Run, vectors: Vectors) -> Result<Indexed, IngestError> {
    let (began, job) = (Instant::now(), run.job());
    let (mut extracted, mut points) = vectors.into_parts();
    let total = points.len();
    extracted.coverage.characters_embedded = extracted.coverage.characters_chunked;
    extracted.coverage.ratio = ratio(&extracted.coverage, extracted.coverage.characters_embedded);
    parts.intake.store_extracted(job, &extracted).await.map_err(fenced)?;

    run.advance(Stage::Index, 0, total).await?;
    // An earlier attempt may have cut the text into more passages than this one.
    parts.index.delete(job.document, Some(job.version)).await?;
    while !points.is_empty() {
        let rest = points.split_off(points.len().min(BATCH));
        parts.index.upsert(std::mem::replace(&mut points, rest)).await?;
        run.advance(Stage::Index, total - points.len(), total).await?;
    }

    record(parts, job, &extracted).await?;
    let before = parts.intake.publish(job, &extracted.coverage).await.map_err(fenced)?;
    if let Some(version) = before
        && let Err(error) = parts.index.delete(job.document, Some(version)).await
    {
        // Searches ask Postgres which version is visible, so these vectors are only ballast.
        tracing::warn!(%error, version, "the vectors of the version before could not be deleted");
    }
    run.took(Stage::Index, began);
    Ok(Indexed { coverage: extracted.coverage, passages: extracted.passages.len() })
}

/// A write that the claim fenced off.
fn fenced(error: StoreError) -> IngestError {
    match error {
        StoreError::Conflict { .. } | StoreError::Missing { .. } => IngestError::LeaseLost,
        StoreError::Unavailable { .. } | StoreError::Corrupt { .. } => IngestError::Store(error),
    }
}

/// What is not in the log does not become visible.
async fn record(parts: &IngestParts, job: &ClaimedJob, extracted: &Extracted) -> Result<(), IngestError> {
    let Extracted { coverage, warnings, passages, .. } = extracted;
    let status = if warnings.is_empty() { DocumentStatus::Ready } else { DocumentStatus::ReadyWithWarnings };
    let mut codes: Vec<&str> = warnings.iter().map(|warning| warning.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    let embedder = parts.embedder.fingerprint();
    let event = Event {
        id: EventId::new(),
        kind: "document.indexed",
        reference: None,
        actor: None,
        documents: vec![job.document],
        outcome: Some(status.as_str()),
        facts: json!({
            "collection": job.collection,
            "version": job.version,
            "job": job.id,
            "attempt": job.attempt,
            "sha256": job.sha256,
            "media_type": extracted.media_type,
            "reader": concat!("docent-reader ", env!("CARGO_PKG_VERSION")),
            "embedder": {
                "model": embedder.model,
                "weights_sha256": embedder.weights_sha256,
                "tokenizer_sha256": embedder.tokenizer_sha256,
            },
            "pages": coverage.pages,
            "pages_without_text": coverage.pages_without_text,
            "passages": passages.len(),
            "chunk_tokens": parts.config.chunk_tokens,
            "characters_extracted": coverage.characters_extracted,
            "characters_embedded": coverage.characters_embedded,
            "undecodable_glyphs": coverage.undecodable_glyphs,
            "coverage": format!("{:.6}", coverage.ratio),
            "warnings": codes,
        }),
        content: Some(json!({ "file_name": job.file_name, "title": extracted_title(job, extracted) })),
    };
    parts.auditor.record(event).await?;
    Ok(())
}

/// The title that passages carry.
fn extracted_title<'a>(job: &'a ClaimedJob, extracted: &'a Extracted) -> &'a str {
    extracted.passages.first().map_or(job.file_name.as_str(), |passage| passage.title.as_str())
}
