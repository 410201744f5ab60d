//! What people do to jobs: stop them, begin them again. Each act is in the log before it is done and after. Knows no stage.

use crate::audit::Actor;
use crate::audit::Event;
use crate::domain::AclFilter;
use crate::domain::Begin;
use crate::domain::EventId;
use crate::domain::Job;
use crate::domain::JobId;
use crate::domain::JobState;
use crate::domain::Principal;
use crate::domain::Stage;
use crate::domain::Warning;
use crate::ingest::Ingest;
use crate::ingest::IngestError;
use crate::ingest::IngestParts;
use crate::ingest::accept::check_writable;
use crate::ports::Retry;
use crate::ports::StoreError;
use serde_json::Value;
use serde_json::json;

/// Ends a job that waits or runs; a stopped one is as it was.
#[tracing::instrument(skip_all, fields(job.id = %id))]
pub(super) async fn stop(ingest: &Ingest, who: &Principal, id: JobId) -> Result<Job, IngestError> {
    let (parts, filter) = (&ingest.parts, who.acl_filter());
    let job = find(parts, id, &filter).await?;
    check_writable(who, job.collection_id)?;
    match job.state {
        JobState::Stopped => return Ok(job),
        JobState::Succeeded | JobState::Failed => return Err(IngestError::JobOver),
        JobState::Ready | JobState::Running => {}
    }
    let request = record(parts, who, "document.stop_requested", None, &job, json!({})).await?;
    let reason =
        Warning { code: "stopped".to_owned(), page: None, detail: format!("stopped by {}", who.name()) };
    let done = parts.control.stop(id, &filter, &reason).await;
    let now = find(parts, id, &filter).await?;
    match done {
        Ok(()) => ingest.running.stop(id),
        // It came to its end, or another was faster.
        Err(StoreError::Conflict { .. }) if now.state == JobState::Stopped => return Ok(now),
        Err(StoreError::Conflict { .. }) => return Err(IngestError::JobOver),
        Err(error) => return Err(error.into()),
    }
    let stage = now.failed_stage.map(Stage::as_str);
    record(parts, who, "document.stopped", Some(request), &now, json!({ "stage": stage })).await?;
    metrics::counter!("docent_ingest_stops_total").increment(1);
    tracing::info!(document.id = %now.document_id, stage, "the job was stopped by a user");
    Ok(now)
}

/// Begins the version of a job that is over once more, with a job and attempts of its own. Where nothing is said, what
/// failed goes on from what is stored, and what is whole is read again.
#[tracing::instrument(skip_all, fields(job.id = %id))]
pub(super) async fn retry(
    ingest: &Ingest,
    who: &Principal,
    id: JobId,
    begins: Option<Begin>,
) -> Result<Job, IngestError> {
    let (parts, filter) = (&ingest.parts, who.acl_filter());
    let job = find(parts, id, &filter).await?;
    check_writable(who, job.collection_id)?;
    let usual = match job.state {
        JobState::Ready | JobState::Running => return Err(IngestError::JobNotOver),
        JobState::Succeeded => Begin::Read,
        JobState::Failed | JobState::Stopped => Begin::Embed,
    };
    let begins = begins.unwrap_or(usual);
    let from = begins.as_str();
    let request = record(parts, who, "document.retry_requested", None, &job, json!({ "from": from })).await?;
    let max_attempts = parts.config.max_attempts.try_into().unwrap_or(i32::MAX);
    let retry = Retry { requested_by: who.user(), begins, max_attempts };
    let anew = parts.control.retry(id, &filter, &retry).await.map_err(|error| match error {
        StoreError::Conflict { .. } => IngestError::JobReplaced,
        StoreError::Missing { .. } => IngestError::NoJob(id),
        StoreError::Unavailable { .. } | StoreError::Corrupt { .. } => IngestError::Store(error),
    })?;
    let now = find(parts, anew, &filter).await?;
    record(parts, who, "document.retried", Some(request), &now, json!({ "from": from })).await?;
    ingest.arrivals.announce();
    metrics::counter!("docent_ingest_retries_total", "from" => from).increment(1);
    tracing::info!(document.id = %now.document_id, job.anew = %anew, from, "the job is begun again by a user");
    Ok(now)
}

async fn find(parts: &IngestParts, id: JobId, filter: &AclFilter) -> Result<Job, IngestError> {
    parts.jobs.find(id, filter).await?.ok_or(IngestError::NoJob(id))
}

async fn record(
    parts: &IngestParts,
    who: &Principal,
    kind: &'static str,
    reference: Option<EventId>,
    job: &Job,
    more: Value,
) -> Result<EventId, IngestError> {
    let id = EventId::new();
    let mut facts = json!({ "collection": job.collection_id, "version": job.version, "job": job.id });
    if let (Value::Object(facts), Value::Object(more)) = (&mut facts, more) {
        facts.extend(more);
    }
    let event = Event {
        id,
        kind,
        reference,
        actor: Some(Actor::from(who)),
        documents: vec![job.document_id],
        outcome: None,
        facts,
        content: Some(json!({ "file_name": job.file_name })),
    };
    parts.auditor.record(event).await?;
    Ok(id)
}
