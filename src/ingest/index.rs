//! Makes a version the one that is searched: recorded, then visible in one step. Knows no file and no model.

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
use crate::ingest::error::fenced;
use crate::ingest::run::Run;
use crate::ports::Extracted;
use serde_json::json;
use std::time::Instant;
use time::OffsetDateTime;

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

/// Publishes the version.
#[tracing::instrument(name = "index", skip_all)]
pub(super) async fn index(parts: &IngestParts, run: &Run, vectors: Vectors) -> Result<Indexed, IngestError> {
    let (began, job) = (Instant::now(), run.job());
    let mut extracted = vectors.extracted;
    let total = extracted.passages.len();
    run.advance(Stage::Index, 0, total).await?;
    extracted.coverage.characters_embedded = extracted.coverage.characters_chunked;
    extracted.coverage.ratio = ratio(&extracted.coverage, extracted.coverage.characters_embedded);

    record(parts, job, &extracted).await?;
    let before = parts.intake.publish(job, &extracted.coverage).await.map_err(fenced)?;
    if let Some(version) = before {
        supersede(parts, job, version).await;
    }
    run.took(Stage::Index, began);
    Ok(Indexed { coverage: extracted.coverage, passages: total })
}

/// Lets searches pass the version over that was visible before. They ask Postgres too, so that what fails here costs
/// them only some candidates.
async fn supersede(parts: &IngestParts, job: &ClaimedJob, version: i32) {
    let now = OffsetDateTime::now_utc();
    if let Err(error) = parts.index.supersede(job.document, version, now).await {
        tracing::warn!(%error, version, "the vectors of the version before could not be marked");
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
            "reader": concat!("docent-reader ", env!("CARGO_PKG_VERSION"), "+", env!("DOCENT_PIPELINE")),
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
            "vectors_kept": coverage.vectors_kept,
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
