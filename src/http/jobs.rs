//! Jobs: how far a document is on its way in, asked once or watched. Knows no worker.

use crate::domain::AclFilter;
use crate::domain::Job;
use crate::domain::JobId;
use crate::domain::JobState;
use crate::http::State as Service;
use crate::http::auth::Authenticated;
use crate::http::error::AppError;
use crate::http::error::Occasion;
use crate::http::events;
use crate::http::events::Numbered;
use crate::http::params::Segments;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use futures::stream;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// A watched job is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// One job.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", operation_id = "get_job", tag = "documents",
    params(("id" = JobId, Path)), responses((status = 200, description = "It", body = Job)))]
pub(super) async fn show(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<JobId>,
) -> Result<Json<Job>, AppError> {
    let job = state.jobs.find(id, &who.acl_filter()).await?;
    job.map(Json).ok_or_else(|| AppError::missing("job"))
}

/// A job's progress as server-sent events: `progress` whenever it changes, then `done` or `failed`, each with the job
/// as data; `error` when it can no longer be watched.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/events", operation_id = "watch_job", tag = "documents",
    params(("id" = JobId, Path)),
    responses((status = 200, description = "Events", body = String, content_type = "text/event-stream")))]
pub(super) async fn events(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<JobId>,
    occasion: Occasion,
) -> Result<Response, AppError> {
    let filter = who.acl_filter();
    let job = state.jobs.find(id, &filter).await?.ok_or_else(|| AppError::missing("job"))?;
    let permit = state.limits.stream_permit()?;
    let heartbeat = Duration::from_millis(state.config.http.heartbeat_ms);
    let watch = Watch {
        state,
        filter,
        occasion,
        shown: None,
        seen: Some(job),
        id,
        numbered: Numbered::default(),
        _permit: permit,
    };
    Ok(events::respond(stream::unfold(Some(watch), next), heartbeat))
}

/// Somebody watching a job.
struct Watch {
    state: Arc<Service>,
    filter: AclFilter,
    occasion: Occasion,
    id: JobId,
    /// As it was last sent.
    shown: Option<Job>,
    /// As it was last seen and not yet sent.
    seen: Option<Job>,
    numbered: Numbered,
    _permit: OwnedSemaphorePermit,
}

/// The next event and who goes on watching; nobody after the last.
async fn next(watch: Option<Watch>) -> Option<(Event, Option<Watch>)> {
    let mut watch = watch?;
    loop {
        let job = match watch.seen.take() {
            Some(job) => job,
            None => match look(&watch).await? {
                Ok(job) => job,
                Err(error) => return Some((watch.numbered.error(&error, &watch.occasion), None)),
            },
        };
        if watch.shown.as_ref() == Some(&job) {
            continue;
        }
        return Some(match job.state {
            JobState::Ready | JobState::Running => {
                let event = watch.numbered.event("progress", &job);
                watch.shown = Some(job);
                (event, Some(watch))
            }
            JobState::Succeeded => (watch.numbered.event("done", &job), None),
            JobState::Failed => (watch.numbered.event("failed", &job), None),
        });
    }
}

/// The job after a while; none when the service stops.
async fn look(watch: &Watch) -> Option<Result<Job, AppError>> {
    tokio::select! {
        () = watch.state.stop.cancelled() => return None,
        () = tokio::time::sleep(LOOK_EVERY) => {}
    }
    let found = watch.state.jobs.find(watch.id, &watch.filter).await;
    Some(found.map_err(AppError::from).and_then(|job| job.ok_or_else(|| AppError::missing("job"))))
}
