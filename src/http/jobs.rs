//! Jobs: how far a document is on its way in, asked once or watched; stopped, begun again. Knows no worker.

use crate::config::Config;
use crate::domain::AclFilter;
use crate::domain::Begin;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::Job;
use crate::domain::JobId;
use crate::domain::JobState;
use crate::domain::Page;
use crate::http::State as Service;
use crate::http::auth::Authenticated;
use crate::http::error::AppError;
use crate::http::error::Occasion;
use crate::http::events;
use crate::http::events::Numbered;
use crate::http::input::Fields;
use crate::http::input::Input;
use crate::http::input::OptionalBody;
use crate::http::params::Params;
use crate::http::params::Segments;
use crate::ports::JobQuery;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::response::sse::Event;
use futures::stream;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// A watched job is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// The newest job of each version, newest first: those in the state `failed` or `stopped` wait for somebody to decide.
#[utoipa::path(get, path = "/api/v1/jobs", operation_id = "list_jobs", tag = "documents",
    params(("state" = Option<JobState>, Query, description = "all of them when left out"),
        ("collection_id" = Option<CollectionId>, Query, description = "of this collection alone"),
        ("document_id" = Option<DocumentId>, Query, description = "of this document alone"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "50 when left out")),
    responses((status = 200, description = "A page of them", body = Page<Job>)))]
pub(super) async fn list(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    mut params: Params,
) -> Result<Json<Page<Job>>, AppError> {
    let query = JobQuery {
        states: params.read_with("state", str::parse).into_iter().collect(),
        collection: params.optional("collection_id"),
        document: params.optional("document_id"),
        before: params.optional("cursor"),
        limit: params.limit(),
    };
    params.finish()?;
    Ok(Json(state.job_control.list(&query, &who.acl_filter()).await?))
}

/// One job; while it waits, `before` says how many are taken before it at most. Users take turns.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", operation_id = "get_job", tag = "documents",
    params(("id" = JobId, Path)), responses((status = 200, description = "It", body = Job)))]
pub(super) async fn show(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<JobId>,
) -> Result<Json<Job>, AppError> {
    let job = state.jobs.find(id, &who.acl_filter()).await?;
    let mut job = job.ok_or_else(|| AppError::missing("job"))?;
    if job.state == JobState::Ready {
        job.before = state.job_control.before(id).await?;
    }
    Ok(Json(job))
}

/// Ends a job that waits or runs. Its version is `failed` with the code `stopped`, unless it was whole before; nothing of
/// what was half done can be found. A job that is stopped stays so; one that is over otherwise answers 409.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/stop", operation_id = "stop_job", tag = "documents",
    params(("id" = JobId, Path)), responses((status = 200, description = "It is stopped", body = Job)))]
pub(super) async fn stop(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<JobId>,
) -> Result<Json<Job>, AppError> {
    Ok(Json(state.ingest.stop(&who, id).await?))
}

/// With which stage to begin again.
#[derive(utoipa::ToSchema)]
pub(super) struct RetryRequest {
    /// `read` the file anew, `chunk` the stored text anew, or `embed` and index the stored passages. Where what is stored
    /// was made otherwise than it would be now, an earlier stage is begun with. Left out: `embed` for what failed or was
    /// stopped, `read` for what is whole.
    from: Option<Begin>,
}

impl Input for RetryRequest {
    fn read(fields: &mut Fields, _config: &Config) -> Option<Self> {
        Some(Self { from: fields.optional("from") })
    }
}

/// Begins the version of a job that is over once more. Answers with its new job, which has all attempts again; a version
/// that is whole is seen as it is until all of the new is there. 409 when the job is not over, or not the newest.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/retry", operation_id = "retry_job", tag = "documents",
    params(("id" = JobId, Path)), request_body = Option<RetryRequest>,
    responses((status = 202, description = "Its new job", body = Job)))]
pub(super) async fn retry(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<JobId>,
    OptionalBody(request): OptionalBody<RetryRequest>,
) -> Result<(StatusCode, Json<Job>), AppError> {
    let from = request.and_then(|request| request.from);
    Ok((StatusCode::ACCEPTED, Json(state.ingest.retry(&who, id, from).await?)))
}

/// A job's progress as server-sent events: `progress` whenever it changes, then `done`, `failed` or `stopped`, each with
/// the job as data; `error` when it can no longer be watched.
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
            JobState::Stopped => (watch.numbered.event("stopped", &job), None),
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
