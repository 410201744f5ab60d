//! The loop around the flow: takes a job, runs it while its lease holds, and says what became of it. Knows no stage.

use crate::audit::Event;
use crate::domain::ClaimedJob;
use crate::domain::EventId;
use crate::domain::Faulty;
use crate::domain::Lane;
use crate::domain::Stage;
use crate::domain::Warning;
use crate::ingest::Ingest;
use crate::ingest::IngestError;
use crate::ingest::IngestParts;
use crate::ingest::Processed;
use crate::ingest::error::Remedy;
use crate::ingest::index::Indexed;
use crate::ingest::run::Run;
use crate::ports::StoreError;
use futures::FutureExt;
use serde_json::json;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use std::time::Instant;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

/// A job that is nearly done when the service stops gets this long to end.
const STOP_GRACE: Duration = Duration::from_secs(3);
/// Longest wait before another attempt.
const MAX_RETRY: Duration = Duration::from_mins(10);
/// Longest wait for a queue that does not answer.
const MAX_IDLE: Duration = Duration::from_secs(10);
/// How often the depth of the queue is measured.
const MEASURE: Duration = Duration::from_secs(5);

/// Takes jobs of a lane until stopped.
pub(super) async fn work(ingest: &Ingest, lane: Lane, worker: &str, stop: &CancellationToken) {
    let parts = &ingest.parts;
    let poll = Duration::from_millis(parts.config.poll_ms.max(10));
    let lease = Duration::from_millis(parts.config.lease_ms);
    let mut idle = poll;
    let mut measured: Option<Instant> = None;
    while !stop.is_cancelled() {
        if measured.is_none_or(|at| at.elapsed() >= MEASURE) {
            measure_queue(parts).await;
            measured = Some(Instant::now());
        }
        match parts.jobs.claim(lane, worker, lease).await {
            Ok(Some(job)) => {
                attempt(ingest, job, stop).await;
                idle = poll;
                continue;
            }
            Ok(None) => idle = poll,
            Err(error) => {
                tracing::warn!(%error, "the queue of documents does not answer");
                idle = (idle * 2).min(MAX_IDLE);
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = ingest.arrivals.announced(lane) => {}
            () = tokio::time::sleep(idle) => {}
        }
    }
}

async fn measure_queue(parts: &IngestParts) {
    if let Ok((waiting, running)) = parts.jobs.depth().await {
        metrics::gauge!("docent_ingest_jobs", "state" => "waiting").set(waiting as f64);
        metrics::gauge!("docent_ingest_jobs", "state" => "running").set(running as f64);
    }
}

/// One attempt at one job, to its end.
#[tracing::instrument(skip_all, fields(job.id = %job.id, document.id = %job.document, job.attempt = job.attempt))]
async fn attempt(ingest: &Ingest, job: ClaimedJob, stop: &CancellationToken) {
    let parts = &ingest.parts;
    let began = Instant::now();
    let underway = ingest.running.begin(job.id);
    let run = Run::new(job, parts.jobs.clone(), Duration::from_millis(parts.config.lease_ms));
    let result = tokio::select! {
        // A panic costs this attempt, never the worker.
        result = AssertUnwindSafe(ingest.process(&run)).catch_unwind() => {
            result.unwrap_or(Err(IngestError::Panicked("process")))
        }
        lost = run.beat() => Err(lost),
        () = underway.stopped() => Err(IngestError::Stopped),
        () = stopped(stop) => Err(IngestError::Interrupted),
    };
    let outcome = match result {
        Ok(Processed::Indexed(indexed)) => say_indexed(&run, &indexed, began),
        Ok(Processed::PassedOn(to)) => say_passed_on(&run, to, began),
        Err(IngestError::Stopped) => {
            tracing::info!(stage = run.stage().as_str(), "the job was let go: it was stopped");
            "stopped"
        }
        Err(error) => settle(parts, &run, &error).await,
    };
    metrics::counter!("docent_ingest_attempts_total", "outcome" => outcome).increment(1);
    metrics::histogram!("docent_ingest_seconds", "outcome" => outcome).record(began.elapsed().as_secs_f64());
}

async fn stopped(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(STOP_GRACE).await;
}

fn say_indexed(run: &Run, indexed: &Indexed, began: Instant) -> &'static str {
    let (pages, passages, ms) = (indexed.coverage().pages, indexed.passages(), began.elapsed().as_millis());
    tracing::info!(
        pages,
        passages,
        ms,
        read_ms = run.stage_ms(Stage::Read),
        chunk_ms = run.stage_ms(Stage::Chunk),
        embed_ms = run.stage_ms(Stage::Embed),
        index_ms = run.stage_ms(Stage::Index),
        "the document is indexed"
    );
    "indexed"
}

fn say_passed_on(run: &Run, to: Lane, began: Instant) -> &'static str {
    tracing::info!(
        to = to.as_str(),
        ms = began.elapsed().as_millis(),
        read_ms = run.stage_ms(Stage::Read),
        recognise_ms = run.stage_ms(Stage::Recognise),
        chunk_ms = run.stage_ms(Stage::Chunk),
        embed_ms = run.stage_ms(Stage::Embed),
        "the job goes on in another turn"
    );
    "passed_on"
}

/// Ends a failed attempt as its error asks.
async fn settle(parts: &IngestParts, run: &Run, error: &IngestError) -> &'static str {
    let job = run.job();
    let last = job.attempt >= job.max_attempts;
    let remedy = match error.remedy() {
        Remedy::RetryOnce if job.attempt >= 2 => Remedy::GiveUp,
        // The queue takes no attempt beyond the last one back, so its end is a failure and is recorded as one.
        Remedy::Retry | Remedy::RetryOnce if last => Remedy::GiveUp,
        Remedy::RetryOnce => Remedy::Retry,
        other @ (Remedy::GiveUp | Remedy::Retry | Remedy::GiveBack | Remedy::LetGo) => other,
    };
    let (code, detail) = (error.code(), detail(error));
    match remedy {
        Remedy::LetGo => {
            tracing::warn!(
                code,
                "the job was let go: it was stopped, its lease is lost or its document deleted"
            );
            return "lost";
        }
        Remedy::GiveBack => {
            tracing::info!("the job is given back: the service stops");
            said(parts.jobs.give_back(job, &error.reason()).await);
            return "interrupted";
        }
        Remedy::Retry | Remedy::RetryOnce => {
            let wait = retry_after(parts.config.retry_ms, job.attempt, rand::random_range(0.8..1.2));
            tracing::warn!(code, detail, wait_ms = wait.as_millis(), "the document will be tried again");
            end(parts, job, &error.reason(), Some(OffsetDateTime::now_utc() + wait)).await;
            return "retried";
        }
        Remedy::GiveUp => tracing::warn!(code, detail, "the document failed"),
    }
    let reason = error.reason();
    record_failure(parts, run, &reason).await;
    end(parts, job, &reason, None).await;
    "failed"
}

/// What the log says beside the code. Details that a store or the reader gave stand only here.
fn detail(error: &IngestError) -> String {
    if let IngestError::ReaderCrashed { detail } = error {
        format!("{error}: {detail}")
    } else {
        error.to_string()
    }
}

/// Ends the attempt. When the queue does not take it, the lease runs out and the job comes back by itself.
async fn end(parts: &IngestParts, job: &ClaimedJob, reason: &Warning, retry_at: Option<OffsetDateTime>) {
    said(parts.jobs.fail(job, reason, retry_at).await);
}

/// Where the end of an attempt could not be written, its lease runs out.
fn said(written: Result<(), StoreError>) {
    match written {
        Ok(()) => {}
        Err(StoreError::Conflict { .. } | StoreError::Missing { .. }) => {
            tracing::info!("the job was in other hands already");
        }
        Err(error @ (StoreError::Unavailable { .. } | StoreError::Corrupt { .. })) => {
            tracing::error!(%error, "the end of the attempt could not be written; its lease will run out");
        }
    }
}

/// A failure is recorded before it can be seen. A log that does not answer must not keep a broken file in the queue
/// for ever, so it is only said.
async fn record_failure(parts: &IngestParts, run: &Run, reason: &Warning) {
    let job = run.job();
    let event = Event {
        id: EventId::new(),
        kind: "document.failed",
        reference: None,
        actor: None,
        documents: vec![job.document],
        outcome: Some("failed"),
        facts: json!({
            "collection": job.collection,
            "version": job.version,
            "job": job.id,
            "attempt": job.attempt,
            "sha256": job.sha256,
            "code": reason.code,
            "stage": run.stage().as_str(),
        }),
        content: Some(json!({ "file_name": job.file_name, "title": job.title, "detail": reason.detail })),
    };
    if let Err(error) = parts.auditor.record(event).await {
        tracing::error!(%error, "the failure of a document could not be recorded");
    }
}

/// `retry_ms` doubled with each attempt, bounded, times a jitter around 1.
fn retry_after(retry_ms: u64, attempt: i32, jitter: f64) -> Duration {
    let doublings = attempt.saturating_sub(1).clamp(0, 20) as u32;
    let wait = Duration::from_millis(retry_ms.saturating_mul(1 << doublings));
    wait.min(MAX_RETRY).mul_f64(jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_with_each_attempt_up_to_its_bound() {
        let check = |attempt, expected| assert_eq!(retry_after(2_000, attempt, 1.0), expected);

        check(1, Duration::from_secs(2));
        check(2, Duration::from_secs(4));
        check(5, Duration::from_secs(32));
        check(40, MAX_RETRY);
        check(-3, Duration::from_secs(2));
    }
}
