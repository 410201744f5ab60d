//! Where an attempt begins: with what an earlier one stored of this very version, if what would be made now is the same,
//! so that no page is recognised and no passage embedded twice; else with the file. Knows no stage's work.
//!
//! An attempt trusts what its own job stored. What another job stored counts only where the job was told so: whoever
//! begins a version again with its file wants it read anew.

use crate::domain::Begin;
use crate::domain::ClaimedJob;
use crate::domain::Lane;
use crate::ingest::IngestError;
use crate::ingest::IngestParts;
use crate::ingest::chunk::Chunks;
use crate::ingest::chunk::title;
use crate::ingest::read::Parsed;
use crate::ingest::recipe::recipe;
use crate::ingest::run::Run;
use crate::ingest::words;
use crate::ingest::words::Prepared;
use crate::ports::StoredVersion;

/// What an attempt need not do again.
pub(super) enum Resumed {
    /// It begins with the file.
    Nothing,
    /// The text is there.
    Text(Box<Parsed>),
    /// The passages are there, and perhaps vectors.
    Passages(Box<Prepared>),
}

/// Finds what is stored and would come out the same.
#[tracing::instrument(name = "resume", skip_all)]
pub(super) async fn resume(parts: &IngestParts, run: &Run) -> Result<Resumed, IngestError> {
    let job = run.job();
    let Some(stored) = parts.stored.version(job).await? else { return Ok(Resumed::Nothing) };
    let (now, ours) = (recipe(parts, true), stored.stored_by == job.id);
    if (ours || job.begins == Begin::Embed)
        && stored.made.cut_with == now.cut_with
        && let Some(prepared) = passages(parts, run, &stored).await?
    {
        say(job, Begin::Embed);
        return Ok(Resumed::Passages(Box::new(prepared)));
    }
    if (ours || job.begins != Begin::Read)
        && stored.made.read_with == now.read_with
        && let Some(parsed) = text(parts, run, stored).await?
    {
        say(job, Begin::Chunk);
        return Ok(Resumed::Text(Box::new(parsed)));
    }
    Ok(Resumed::Nothing)
}

/// What comes into the lane of vectors always goes on from there.
fn say(job: &ClaimedJob, from: Begin) {
    if job.lane == Lane::Vectors && job.attempt == 1 {
        return;
    }
    tracing::info!(from = from.as_str(), "goes on from what is stored");
    metrics::counter!("docent_ingest_resumed_total", "from" => from.as_str()).increment(1);
}

/// The passages, if what would be embedded of each is what was.
async fn passages(
    parts: &IngestParts,
    run: &Run,
    stored: &StoredVersion,
) -> Result<Option<Prepared>, IngestError> {
    let (kept, worded) = (stored.coverage.vectors_kept, stored.worded);
    let title = title(stored.title.as_deref(), run.job());
    let (passages, digests): (Vec<_>, Vec<_>) =
        parts.stored.passages(run.job(), &title).await?.into_iter().unzip();
    if passages.is_empty() {
        return Ok(None);
    }
    let prepared = words::prepare(parts, run, Chunks::of_stored(stored, passages)).await?;
    Ok((prepared.digests() == digests).then(|| prepared.already_stored(kept, worded)))
}

/// The text as the reader gave it.
async fn text(parts: &IngestParts, run: &Run, stored: StoredVersion) -> Result<Option<Parsed>, IngestError> {
    let text = parts.stored.text(run.job()).await?;
    let parsed = tokio::task::spawn_blocking(move || Parsed::from_stored(stored, text));
    parsed.await.map_err(|_| IngestError::Panicked("resume"))
}
