//! From words to meaning: passages get dense vectors in batches that the model's queue takes, and are written as they come,
//! for as long as a turn lasts. Knows no text's source.

use crate::domain::Lane;
use crate::domain::Stage;
use crate::domain::TextKind;
use crate::ingest::IngestError;
use crate::ingest::IngestParts;
use crate::ingest::run::Run;
use crate::ingest::words::Prepared;
use crate::ingest::words::Words;
use crate::ports::Embedder;
use crate::ports::Extracted;
use crate::ports::ModelError;
use crate::ports::Point;
use std::time::Duration;
use std::time::Instant;

/// A model that is busy for longer than this ends the attempt; the job comes back later.
const MAX_BUSY: Duration = Duration::from_mins(10);
/// Points that wait for being written together: each write is made durable.
const WRITE_POINTS: usize = 256;
/// They do not wait for longer than this.
const WRITE_AFTER: Duration = Duration::from_secs(5);

/// A version whose passages all have their vectors in the index.
pub(super) struct Vectors {
    pub(super) extracted: Extracted,
}

/// How far a turn came.
pub(super) enum Embedded {
    /// To the end.
    Whole(Box<Vectors>),
    /// So many passages have their vectors; the others get theirs in a later turn.
    Part {
        /// With a vector.
        done: usize,
        /// In all.
        total: usize,
    },
}

/// Embeds every passage that has no vector yet, as far as this turn goes.
#[tracing::instrument(name = "embed", skip_all)]
pub(super) async fn embed(parts: &IngestParts, run: &Run, words: Words) -> Result<Embedded, IngestError> {
    let (began, turn) = (Instant::now(), Duration::from_millis(parts.config.turn_ms));
    let Words { extracted, points, texts } = words;
    let total = points.len();
    let todo: Vec<(Point, String)> =
        points.into_iter().zip(texts).filter(|(point, _)| point.dense.is_none()).collect();
    let (mut done, before) = (total - todo.len(), total - todo.len());
    if run.job().lane != Lane::Vectors && !todo.is_empty() {
        return Ok(Embedded::Part { done, total });
    }
    run.advance(Stage::Embed, done, total).await?;
    let (mut waiting, mut since) = (Vec::new(), Instant::now());
    for batch in todo.chunks(parts.config.embed_batch.max(1)) {
        let texts: Vec<String> = batch.iter().map(|(_, text)| text.clone()).collect();
        let dense = ask_model(parts.embedder.as_ref(), &texts).await?;
        let points = batch.iter().zip(dense);
        waiting.extend(points.map(|((point, _), dense)| Point { dense: Some(dense), ..point.clone() }));
        done += batch.len();
        if waiting.len() >= WRITE_POINTS || since.elapsed() >= WRITE_AFTER {
            parts.index.upsert(std::mem::take(&mut waiting)).await?;
            since = Instant::now();
        }
        run.advance(Stage::Embed, done, total).await?;
        if done < total && began.elapsed() >= turn && run.others_wait().await {
            break;
        }
    }
    if !waiting.is_empty() {
        parts.index.upsert(waiting).await?;
    }
    run.took(Stage::Embed, began);
    metrics::counter!("docent_ingest_passages_total").increment((done - before) as u64);
    Ok(if done < total {
        Embedded::Part { done, total }
    } else {
        Embedded::Whole(Box::new(Vectors { extracted }))
    })
}

/// Makes all vectors before anything is written: what is seen of a version that is whole stays so until the new is, too.
#[tracing::instrument(name = "embed", skip_all)]
pub(super) async fn ahead(
    parts: &IngestParts,
    run: &Run,
    mut prepared: Prepared,
) -> Result<Prepared, IngestError> {
    let todo = prepared.without_vector();
    let total = prepared.texts().len();
    let mut done = total - todo.len();
    run.advance(Stage::Embed, done, total).await?;
    for batch in todo.chunks(parts.config.embed_batch.max(1)) {
        let texts: Vec<String> = batch.iter().map(|at| prepared.texts()[*at].clone()).collect();
        let dense = ask_model(parts.embedder.as_ref(), &texts).await?;
        prepared.add_vectors(batch.iter().copied().zip(dense));
        done += batch.len();
        run.advance(Stage::Embed, done, total).await?;
    }
    metrics::counter!("docent_ingest_passages_total").increment(todo.len() as u64);
    Ok(prepared)
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
