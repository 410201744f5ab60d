//! From passages to vectors: title and headings go with the text, in batches that the model's queue takes. Knows no
//! index.

use crate::domain::Passage;
use crate::domain::SparseVector;
use crate::domain::Stage;
use crate::domain::TextKind;
use crate::domain::sparse_document;
use crate::ingest::IngestError;
use crate::ingest::IngestParts;
use crate::ingest::chunk::Chunks;
use crate::ingest::run::Run;
use crate::ports::Embedder;
use crate::ports::Extracted;
use crate::ports::ModelError;
use crate::ports::Point;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// A model that is busy for longer than this ends the attempt; the job comes back later.
const MAX_BUSY: Duration = Duration::from_mins(10);

/// A version's passages as points of the index, with everything else that its text became.
pub(super) struct Vectors {
    extracted: Extracted,
    points: Vec<Point>,
}

impl Vectors {
    /// Gives everything to the next stage.
    pub(super) fn into_parts(self) -> (Extracted, Vec<Point>) {
        (self.extracted, self.points)
    }
}

/// Embeds every passage of a version.
#[tracing::instrument(name = "embed", skip_all)]
pub(super) async fn embed(parts: &IngestParts, run: &Run, chunks: Chunks) -> Result<Vectors, IngestError> {
    let began = Instant::now();
    let total = chunks.passages().len();
    run.advance(Stage::Embed, 0, total).await?;
    let mut points = Vec::with_capacity(total);
    for batch in chunks.passages().chunks(parts.config.embed_batch.max(1)) {
        let (texts, sparse) = prepare(parts, batch.to_vec()).await?;
        let dense = ask_model(parts.embedder.as_ref(), &texts).await?;
        points.extend(batch.iter().zip(dense).zip(sparse).map(|((passage, dense), sparse)| Point {
            passage: passage.passage_id,
            collection: passage.collection_id,
            document: passage.document_id,
            version: passage.version,
            dense,
            sparse,
        }));
        run.advance(Stage::Embed, points.len(), total).await?;
    }
    run.took(Stage::Embed, began);
    metrics::counter!("docent_ingest_passages_total").increment(total as u64);
    Ok(Vectors { extracted: chunks.into_extracted(), points })
}

/// Texts and their terms, off the runtime's threads: both tokenise.
async fn prepare(
    parts: &IngestParts,
    passages: Vec<Passage>,
) -> Result<(Vec<String>, Vec<SparseVector>), IngestError> {
    let embedder: Arc<dyn Embedder> = parts.embedder.clone();
    let prepared = tokio::task::spawn_blocking(move || {
        let (most, count) = (embedder.max_tokens(), |text: &str| embedder.count_tokens(text));
        passages
            .iter()
            .map(|passage| {
                let text = searchable_text(passage, most, &count);
                let terms = sparse_document(&text);
                (text, terms)
            })
            .unzip()
    });
    prepared.await.map_err(|_| IngestError::Panicked("embed"))
}

/// What is embedded and indexed of a passage: title and headings above its text, as much of them as fits.
fn searchable_text(passage: &Passage, most: usize, count_tokens: &dyn Fn(&str) -> usize) -> String {
    let text = passage.text.trim();
    let headings: Vec<&str> =
        passage.heading_path.iter().map(String::as_str).filter(|heading| *heading != passage.title).collect();
    let above = |parts: &[&str]| format!("{}\n{text}", parts.join(" > "));
    let whole = [&[passage.title.as_str()], headings.as_slice()].concat();
    let last = headings.last().copied();
    let shorter = last.map(|last| vec![passage.title.as_str(), last]);
    let shortest = vec![last.unwrap_or(passage.title.as_str())];
    let candidates = [Some(whole), shorter, Some(shortest)].into_iter().flatten();
    candidates
        .map(|parts| above(&parts))
        .find(|whole| count_tokens(whole) <= most)
        .unwrap_or_else(|| text.to_owned())
}

/// Embeds one batch; a busy model is waited for, while the run's heart-beat keeps the lease.
async fn ask_model(embedder: &dyn Embedder, texts: &[String]) -> Result<Vec<Vec<f32>>, IngestError> {
    let began = Instant::now();
    let vectors = loop {
        match embedder.embed(texts.to_vec(), TextKind::Passage).await {
            Ok(vectors) => break vectors,
            Err(ModelError::Busy { retry_after, .. }) if began.elapsed() < MAX_BUSY => {
                let wait = retry_after.clamp(Duration::from_millis(50), Duration::from_secs(5));
                tokio::time::sleep(wait.mul_f64(rand::random_range(0.8..1.2))).await;
            }
            Err(error) => return Err(error.into()),
        }
    };
    let fine =
        |vector: &Vec<f32>| vector.len() == embedder.dimensions() && vector.iter().all(|x| x.is_finite());
    if vectors.len() == texts.len() && vectors.iter().all(fine) {
        return Ok(vectors);
    }
    Err(ModelError::Failed("the embedder gave vectors that cannot be".to_owned()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CollectionId;
    use crate::domain::DocumentId;
    use crate::domain::PassageId;
    use crate::domain::Span;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    #[test]
    fn headings_go_with_the_text_as_far_as_they_fit() {
        let passage = Passage {
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
            text: "\nFive hundred.\n".to_owned(),
        };
        let check = |most, expected: &str| assert_eq!(searchable_text(&passage, most, &words), expected);

        check(100, "Lease > Part 1 > Rent\nFive hundred.");
        check(7, "Lease > Rent\nFive hundred.");
        check(4, "Rent\nFive hundred.");
        check(3, "Rent\nFive hundred.");
        check(2, "Five hundred.");
    }
}
