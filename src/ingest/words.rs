//! From passages to words: the text is stored, its terms go into the index, and where nothing of the document could be
//! found before, it can be found by them from now on. Vectors of passages that were embedded before are taken over. Knows
//! no model's output.

use crate::audit::Event;
use crate::domain::ClaimedJob;
use crate::domain::EventId;
use crate::domain::Passage;
use crate::domain::PassageId;
use crate::domain::SparseVector;
use crate::domain::sparse_document;
use crate::ingest::IngestError;
use crate::ingest::IngestParts;
use crate::ingest::chunk::Chunks;
use crate::ingest::error::fenced;
use crate::ingest::run::Run;
use crate::ports::Extracted;
use crate::ports::Point;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Instant;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

/// Points written in one go.
const BATCH: usize = 256;

/// A version of which all is there that searching needs, but for the vectors that are not known yet.
pub(super) struct Prepared {
    extracted: Extracted,
    /// An earlier attempt stored the text and its passages.
    stored: bool,
    /// And their words are in the index.
    worded: bool,
    texts: Vec<String>,
    terms: Vec<SparseVector>,
    dense: Dense,
}

/// The vectors that are known.
#[derive(Default)]
struct Dense {
    /// By the position of the passage.
    by_passage: BTreeMap<usize, Vec<f32>>,
    /// The passages whose points in the index have theirs.
    written: BTreeSet<usize>,
}

impl Prepared {
    /// What would be embedded of each passage, as digests.
    pub(super) fn digests(&self) -> &[[u8; 32]] {
        &self.extracted.embedded_sha256
    }

    /// The same, found stored as it is, perhaps with its words in the index; so many vectors were kept when it was.
    pub(super) fn already_stored(mut self, vectors_kept: u64, worded: bool) -> Self {
        self.extracted.coverage.vectors_kept = vectors_kept;
        Self { stored: true, worded, ..self }
    }

    /// What is embedded of each passage.
    pub(super) fn texts(&self) -> &[String] {
        &self.texts
    }

    /// The positions of the passages whose vectors are not known.
    pub(super) fn without_vector(&self) -> Vec<usize> {
        (0..self.texts.len()).filter(|at| !self.dense.by_passage.contains_key(at)).collect()
    }

    /// Takes vectors of passages, by their positions.
    pub(super) fn add_vectors(&mut self, vectors: impl IntoIterator<Item = (usize, Vec<f32>)>) {
        self.dense.by_passage.extend(vectors);
    }
}

/// A version whose words are in the index. Points without a dense vector still need one.
pub(super) struct Words {
    pub(super) extracted: Extracted,
    pub(super) points: Vec<Point>,
    /// What is embedded of each passage.
    pub(super) texts: Vec<String>,
}

/// What searching needs of each passage.
struct Searchable {
    texts: Vec<String>,
    terms: Vec<SparseVector>,
    sha256: Vec<[u8; 32]>,
}

/// Makes what searching needs of the passages, and finds the vectors that are known already.
#[tracing::instrument(name = "prepare", skip_all)]
pub(super) async fn prepare(parts: &IngestParts, run: &Run, chunks: Chunks) -> Result<Prepared, IngestError> {
    let mut extracted = chunks.into_extracted();
    let Searchable { texts, terms, sha256 } =
        searchable(parts, extracted.passages.clone(), run.over().clone()).await?;
    let dense = kept_vectors(parts, run.job(), &extracted.passages, &sha256).await?;
    extracted.embedded_sha256 = sha256;
    extracted.coverage.vectors_kept = dense.by_passage.len() as u64;
    Ok(Prepared { extracted, stored: false, worded: false, texts, terms, dense })
}

/// Stores the text and makes its words searchable, as far as an earlier attempt did not.
#[tracing::instrument(name = "words", skip_all)]
pub(super) async fn words(parts: &IngestParts, run: &Run, prepared: Prepared) -> Result<Words, IngestError> {
    let (began, job) = (Instant::now(), run.job());
    let Prepared { extracted, stored, worded, texts, terms, mut dense } = prepared;
    if !stored {
        replace(parts, job, &extracted).await?;
    }
    let since = job.visible_since.unwrap_or_else(OffsetDateTime::now_utc);
    let passages = extracted.passages.iter().zip(terms).enumerate();
    let points =
        passages.map(|(at, (passage, sparse))| point(passage, since, dense.by_passage.remove(&at), sparse));
    let points: Vec<Point> = points.collect();
    let worded = worded && !job.redo;
    // A vector that was made for the same text elsewhere is not yet in the point of this passage.
    let is_new =
        |(at, point): &(usize, &Point)| !worded || (point.dense.is_some() && !dense.written.contains(at));
    let new: Vec<Point> = points.iter().enumerate().filter(is_new).map(|(_, point)| point.clone()).collect();
    for batch in new.chunks(BATCH) {
        parts.index.upsert(batch.to_vec()).await?;
    }

    if !worded {
        record(parts, job, &extracted, stored).await?;
        metrics::counter!("docent_ingest_vectors_kept_total").increment(extracted.coverage.vectors_kept);
    }
    let visible = parts.intake.reveal(job).await.map_err(fenced)?;
    tracing::debug!(
        visible,
        kept = extracted.coverage.vectors_kept,
        ms = began.elapsed().as_millis(),
        "the words are searchable"
    );
    Ok(Words { extracted, points, texts })
}

/// Puts the text in the place of what was stored of the version. First nobody sees it any more, then its points go: a
/// vector must never lie under the id of a passage with another text, or a later attempt would keep it for that.
async fn replace(parts: &IngestParts, job: &ClaimedJob, extracted: &Extracted) -> Result<(), IngestError> {
    parts.stored.conceal(job).await.map_err(fenced)?;
    parts.index.delete(job.document, Some(job.version)).await?;
    parts.intake.store_extracted(job, extracted).await.map_err(fenced)
}

fn point(passage: &Passage, since: OffsetDateTime, dense: Option<Vec<f32>>, sparse: SparseVector) -> Point {
    Point {
        passage: passage.passage_id,
        collection: passage.collection_id,
        document: passage.document_id,
        version: passage.version,
        since,
        dense,
        sparse,
    }
}

/// Texts and their terms, off the runtime's threads: both tokenise.
async fn searchable(
    parts: &IngestParts,
    passages: Vec<Passage>,
    over: CancellationToken,
) -> Result<Searchable, IngestError> {
    let embedder = parts.embedder.clone();
    let searchable = tokio::task::spawn_blocking(move || {
        let (most, model) = (embedder.max_tokens(), embedder.fingerprint().weights_sha256.clone());
        let count = |text: &str| embedder.count_tokens(text);
        let (mut texts, mut terms, mut sha256) = (Vec::new(), Vec::new(), Vec::new());
        for passage in passages.iter().take_while(|_| !over.is_cancelled()) {
            let text = searchable_text(passage, most, &count);
            terms.push(sparse_document(&text));
            sha256.push(
                Sha256::new().chain_update(&model).chain_update([0]).chain_update(&text).finalize().into(),
            );
            texts.push(text);
        }
        (texts.len() == passages.len()).then_some(Searchable { texts, terms, sha256 })
    });
    searchable.await.map_err(|_| IngestError::Panicked("words"))?.ok_or(IngestError::LeaseLost)
}

/// What is embedded and indexed of a passage: title, headings and the names of the columns above its text, as much of
/// them as fits.
fn searchable_text(passage: &Passage, most: usize, count_tokens: &dyn Fn(&str) -> usize) -> String {
    let text = passage.text.trim();
    let columns = passage.table_header.as_ref().map(|rows| format!("{rows}\n"));
    let columns = columns.as_deref().unwrap_or_default();
    let headings: Vec<&str> =
        passage.heading_path.iter().map(String::as_str).filter(|heading| *heading != passage.title).collect();
    let above = |parts: &[&str], columns: &str| format!("{}\n{columns}{text}", parts.join(" > "));
    let whole = [&[passage.title.as_str()], headings.as_slice()].concat();
    let last = headings.last().copied();
    let shorter = last.map(|last| vec![passage.title.as_str(), last]);
    let shortest = vec![last.unwrap_or(passage.title.as_str())];
    let candidates = [Some((whole, columns)), shorter.map(|parts| (parts, columns)), Some((shortest, ""))];
    candidates
        .into_iter()
        .flatten()
        .map(|(parts, columns)| above(&parts, columns))
        .find(|whole| count_tokens(whole) <= most)
        .unwrap_or_else(|| text.to_owned())
}

/// Vectors of the same texts by the same model, by the position of the passage: of earlier versions, and of an attempt
/// at this one that did not come to its end.
async fn kept_vectors(
    parts: &IngestParts,
    job: &ClaimedJob,
    passages: &[Passage],
    sha256: &[[u8; 32]],
) -> Result<Dense, IngestError> {
    let embedded = parts.intake.embedded(job, sha256).await?;
    let ids: Vec<PassageId> = embedded.iter().map(|(id, _)| *id).collect();
    let vectors = if ids.is_empty() { BTreeMap::new() } else { parts.index.vectors(&ids).await? };
    let fine = |vector: &&Vec<f32>| vector.len() == parts.embedder.dimensions();
    let by_text: BTreeMap<[u8; 32], &Vec<f32>> =
        embedded.iter().filter_map(|(id, sha256)| Some((*sha256, vectors.get(id).filter(fine)?))).collect();
    let kept = sha256.iter().enumerate();
    let by_passage = kept.filter_map(|(at, sha256)| Some((at, (*by_text.get(sha256)?).clone()))).collect();
    let own = passages.iter().map(|passage| vectors.get(&passage.passage_id).is_some_and(|own| fine(&own)));
    let written = own.enumerate().filter_map(|(at, is_written)| is_written.then_some(at)).collect();
    Ok(Dense { by_passage, written })
}

/// What is not in the log does not become visible.
async fn record(
    parts: &IngestParts,
    job: &ClaimedJob,
    extracted: &Extracted,
    stored: bool,
) -> Result<(), IngestError> {
    let event = Event {
        id: EventId::new(),
        kind: "document.words_indexed",
        reference: None,
        actor: None,
        documents: vec![job.document],
        outcome: None,
        facts: json!({
            "collection": job.collection,
            "version": job.version,
            "job": job.id,
            "attempt": job.attempt,
            "sha256": job.sha256,
            "media_type": extracted.media_type,
            "pages": extracted.coverage.pages,
            "passages": extracted.passages.len(),
            "vectors_kept": extracted.coverage.vectors_kept,
            "stored_before": stored,
        }),
        content: None,
    };
    parts.auditor.record(event).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CollectionId;
    use crate::domain::DocumentId;
    use crate::domain::Span;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn passage() -> Passage {
        Passage {
            passage_id: PassageId::derive(DocumentId::new(), 1, 0),
            document_id: DocumentId::new(),
            collection_id: CollectionId::new(),
            version: 1,
            ordinal: 0,
            title: "Lease".to_owned(),
            page: 1,
            span: Span { start: 0, end: 12 },
            boxes: Vec::new(),
            heading_path: vec!["Lease".to_owned(), "Part 1".to_owned(), "Rent".to_owned()],
            table_header: None,
            text: "\nFive hundred.\n".to_owned(),
        }
    }

    #[test]
    fn headings_go_with_the_text_as_far_as_they_fit() {
        let passage = passage();
        let check = |most, expected: &str| assert_eq!(searchable_text(&passage, most, &words), expected);

        check(100, "Lease > Part 1 > Rent\nFive hundred.");
        check(7, "Lease > Rent\nFive hundred.");
        check(4, "Rent\nFive hundred.");
        check(3, "Rent\nFive hundred.");
        check(2, "Five hundred.");
    }

    #[test]
    fn the_names_of_the_columns_go_with_the_rows_as_far_as_they_fit() {
        let passage = Passage { table_header: Some("| Item | Price |".to_owned()), ..passage() };
        let check = |most, expected: &str| assert_eq!(searchable_text(&passage, most, &words), expected);

        check(100, "Lease > Part 1 > Rent\n| Item | Price |\nFive hundred.");
        check(10, "Lease > Rent\n| Item | Price |\nFive hundred.");
        check(4, "Rent\nFive hundred.");
    }
}
