//! The log as auditors read it: one entry in full; receipts, checkpoints and exports for checking it
//! elsewhere. Knows no table and no key.

use crate::audit::Entry;
use crate::audit::LogStatus;
use crate::audit::Pieces;
use crate::audit::Verification;
use crate::domain::EventId;
use crate::http::State as Service;
use crate::http::auth::Authenticated;
use crate::http::error::AppError;
use crate::http::params::Params;
use crate::http::params::Segments;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use std::sync::Arc;
use tokio_stream::wrappers::ReceiverStream;

/// One entry in full, its content and that of the entries that refer to it opened and checked. Reading it is recorded.
#[utoipa::path(get, path = "/api/v1/audit/events/{id}", operation_id = "get_audit_event", tag = "audit",
    params(("id" = EventId, Path)), responses((status = 200, description = "The entry", body = Entry)))]
pub(super) async fn show(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<EventId>,
) -> Result<Json<Entry>, AppError> {
    let entry = state.auditor.read(&who, id).await?;
    entry.map(Json).ok_or_else(|| AppError::missing("entry"))
}

/// The receipt of an entry: proof that it is in the log, as a C2SP `tlog-proof`.
#[utoipa::path(get, path = "/api/v1/audit/events/{id}/receipt", operation_id = "get_audit_receipt", tag = "audit",
    params(("id" = EventId, Path)),
    responses((status = 200, description = "It", body = String, content_type = "text/plain")))]
pub(super) async fn receipt(
    State(state): State<Arc<Service>>,
    Segments(id): Segments<EventId>,
) -> Result<Response, AppError> {
    receipt_file(&state, id).await
}

/// An entry and those that refer to it with proofs, and what was asked and answered **with its content**, for somebody outside to
/// check: a selection as docs/audit-format.md §6 has it, with the content of questions and searches and the keys that bind it to
/// their records. Recorded as an event.
#[utoipa::path(get, path = "/api/v1/audit/events/{id}/disclosure", operation_id = "disclose_audit_event", tag = "audit",
    params(("id" = EventId, Path)),
    responses((status = 200, description = "JSON lines", body = String, content_type = "application/jsonl")))]
pub(super) async fn disclosure(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<EventId>,
) -> Result<Response, AppError> {
    let pieces = state.auditor.disclose(&who, id).await?.ok_or_else(|| AppError::missing("entry"))?;
    let name = format!("attachment; filename=\"{id}.jsonl\"");
    Ok(json_lines(name, pieces))
}

/// The newest thing that the log signed of itself: its name, how many entries, the hash over all (C2SP `tlog-checkpoint`).
#[utoipa::path(get, path = "/api/v1/audit/checkpoint", operation_id = "get_checkpoint", tag = "audit",
    responses((status = 200, description = "The signed note", body = String, content_type = "text/plain")))]
pub(super) async fn checkpoint(State(state): State<Arc<Service>>) -> Result<Response, AppError> {
    let note = state.auditor.checkpoint().await?.ok_or_else(|| AppError::missing("checkpoint"))?;
    Ok(plain(note))
}

/// How the log is doing: entries, checkpoints outside, witnesses, what waits, what speaks against it.
#[utoipa::path(get, path = "/api/v1/audit/status", operation_id = "get_audit_status", tag = "audit",
    responses((status = 200, description = "It", body = LogStatus)))]
pub(super) async fn status(State(state): State<Arc<Service>>) -> Result<Json<LogStatus>, AppError> {
    Ok(Json(state.auditor.status().await?))
}

/// The key that checks what the log signs, as C2SP `signed-note` writes it. Keep it where nobody who runs this service can
/// change it.
#[utoipa::path(get, path = "/api/v1/audit/key", operation_id = "get_audit_key", tag = "audit",
    responses((status = 200, description = "`name+id+base64`", body = String, content_type = "text/plain")))]
pub(super) async fn key(State(state): State<Arc<Service>>) -> Response {
    plain(format!("{}\n", state.auditor.verifier()))
}

/// All records from a position on, with the checkpoints between them, as a file that `docent-verify export` checks offline
/// (docs/audit-format.md §6). Without content. Recorded as an event, which is the export's last record but for those that
/// came meanwhile.
#[utoipa::path(get, path = "/api/v1/audit/export", operation_id = "export_audit_log", tag = "audit",
    params(("first" = Option<i64>, Query, minimum = 0, description = "position of the first record; 0 when left out")),
    responses((status = 200, description = "JSON lines", body = String, content_type = "application/jsonl")))]
pub(super) async fn export(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    mut params: Params,
) -> Result<Response, AppError> {
    let first = params.optional("first").unwrap_or(0);
    params.finish()?;
    let pieces = state.auditor.export(&who, first).await?.ok_or_else(|| AppError::missing("entry"))?;
    Ok(json_lines("attachment; filename=\"audit-log.jsonl\"".to_owned(), pieces))
}

/// Checks the whole log now, as the service does by itself each night: all records, checkpoints and stored hashes. Recorded as
/// `log.verified`; a log that does not hold is doubted from then on. Who does not trust the service checks an export instead.
#[utoipa::path(post, path = "/api/v1/audit/verifications", operation_id = "verify_audit_log", tag = "audit",
    responses((status = 200, description = "What came of it", body = Verification)))]
pub(super) async fn verify(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
) -> Result<Json<Verification>, AppError> {
    Ok(Json(state.auditor.verify(Some(&who)).await?))
}

/// A receipt to be kept.
pub(super) async fn receipt_file(state: &Service, id: EventId) -> Result<Response, AppError> {
    let receipt = state.auditor.receipt(id).await?.ok_or_else(|| AppError::missing("entry"))?;
    let name = format!("attachment; filename=\"{id}.tlog-proof\"");
    Ok(([(header::CONTENT_DISPOSITION, name)], plain(receipt)).into_response())
}

/// An export as it comes.
pub(super) fn json_lines(disposition: String, pieces: Pieces) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "application/jsonl".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (headers, Body::from_stream(ReceiverStream::new(pieces))).into_response()
}

fn plain(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
