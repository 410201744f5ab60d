//! Whether it lives, whether it is ready and if not what is not, and its metrics. Knows no adapter: it asks the ports.

use crate::http::State as Service;
use crate::http::error::AppError;
use crate::ports::StoreError;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

/// A part that does not answer within this time is not ready.
const PATIENCE: Duration = Duration::from_secs(2);
/// Anybody may ask, so the parts are asked at most this often.
const FRESH: Duration = Duration::from_secs(1);

/// It lives.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Alive {
    /// Always `ok`.
    status: &'static str,
}

/// Whether it can serve, by part.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Readiness {
    ready: bool,
    parts: Vec<Part>,
}

/// One part.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
struct Part {
    /// `postgres`, `vectors`, `blobs`, `audit` or `models`.
    name: &'static str,
    ready: bool,
    /// What is the matter with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

/// What was found last.
#[derive(Default)]
pub(super) struct Probe {
    last: Mutex<Option<(Instant, Readiness)>>,
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", operation_id = "healthz", tag = "operation",
    responses((status = 200, description = "It lives", body = Alive)))]
pub(super) async fn alive() -> Json<Alive> {
    std::future::ready(Json(Alive { status: "ok" })).await
}

/// Every part that is needed answers; 503 names those that do not.
#[utoipa::path(get, path = "/readyz", operation_id = "readyz", tag = "operation",
    responses((status = 200, description = "Ready", body = Readiness),
        (status = 503, description = "Not ready", body = Readiness)))]
pub(super) async fn ready(State(state): State<Arc<Service>>) -> (StatusCode, Json<Readiness>) {
    let readiness = match state.probe.fresh() {
        Some(readiness) => readiness,
        None => ask(&state).await,
    };
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

/// Metrics in Prometheus's text form; for programs on this machine, or with an administrator's key.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "operation",
    responses((status = 200, description = "Metrics", body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(state): State<Arc<Service>>) -> Result<Response, AppError> {
    if let Ok(Ok((waiting, running))) = tokio::time::timeout(PATIENCE, state.jobs.depth()).await {
        metrics::gauge!("docent_jobs_waiting").set(waiting as f64);
        metrics::gauge!("docent_jobs_running").set(running as f64);
    }
    state.metrics.run_upkeep();
    let text = state.metrics.render();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

impl Probe {
    fn fresh(&self) -> Option<Readiness> {
        let last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        last.as_ref().filter(|(when, _)| when.elapsed() < FRESH).map(|(_, readiness)| readiness.clone())
    }

    fn keep(&self, readiness: &Readiness) {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = Some((Instant::now(), readiness.clone()));
    }
}

async fn ask(state: &Service) -> Readiness {
    let postgres = async { state.jobs.depth().await.map(|_| ()) };
    let (postgres, vectors, blobs) = tokio::join!(
        store("postgres", postgres),
        store("vectors", state.index.health()),
        store("blobs", state.blobs.health()),
    );
    let log = part("audit", state.auditor.healthy(), "the log takes no entries");
    let models = part("models", state.models_ready.load(Ordering::Acquire), "the models are loading");
    let parts = vec![postgres, vectors, blobs, log, models];
    let readiness = Readiness { ready: parts.iter().all(|part| part.ready), parts };
    state.probe.keep(&readiness);
    readiness
}

async fn store(name: &'static str, answer: impl Future<Output = Result<(), StoreError>>) -> Part {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(())) => part(name, true, ""),
        Ok(Err(error)) => {
            tracing::warn!(part = name, %error, "a part is not ready");
            part(name, false, "it answers with an error; the log has it")
        }
        Err(_) => part(name, false, "it does not answer"),
    }
}

fn part(name: &'static str, ready: bool, detail: &'static str) -> Part {
    Part { name, ready, detail: (!ready).then_some(detail) }
}
