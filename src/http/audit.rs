//! The log as auditors read it: a list with filters, one entry in full; receipts, checkpoints and exports for checking it
//! elsewhere. Knows no table and no key.

use crate::audit::Entry;
use crate::audit::Verification;
use crate::domain::DocumentId;
use crate::domain::EventId;
use crate::domain::Page;
use crate::domain::UserId;
use crate::http::State as Service;
use crate::http::auth::Authenticated;
use crate::http::error::AppError;
use crate::http::params::Params;
use crate::http::params::Segments;
use crate::ports::LogQuery;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::Arc;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_stream::wrappers::ReceiverStream;

/// Entries of the log, newest first, without their content.
#[utoipa::path(get, path = "/api/v1/audit/events", operation_id = "list_audit_events", tag = "audit",
    params(("from" = Option<String>, Query, format = "date-time", description = "not before (RFC 3339)"),
        ("to" = Option<String>, Query, format = "date-time", description = "before (RFC 3339)"),
        ("actor" = Option<UserId>, Query), ("document" = Option<DocumentId>, Query),
        ("outcome" = Option<String>, Query, description = "such as `answered`"),
        ("kind" = Option<String>, Query, description = "such as `chat.intent`"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "50 when left out")),
    responses((status = 200, description = "A page of entries", body = Page<Entry>)))]
pub(super) async fn list(
    State(state): State<Arc<Service>>,
    mut params: Params,
) -> Result<Json<Page<Entry>>, AppError> {
    let query = LogQuery {
        from: params.read_with("from", read_time),
        to: params.read_with("to", read_time),
        actor: params.optional("actor"),
        document: params.optional("document"),
        outcome: params.optional("outcome"),
        kind: params.optional("kind"),
        before: params.read_with("cursor", read_cursor),
        limit: params.limit(),
    };
    params.finish()?;
    let (data, next) = state.auditor.list(query).await?;
    Ok(Json(Page { data, next_cursor: next.map(write_cursor) }))
}

/// One entry in full, its content opened and checked, with the entries that refer to it. Reading it is recorded.
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

/// The newest thing that the log signed of itself: its name, how many entries, the hash over all (C2SP `tlog-checkpoint`).
#[utoipa::path(get, path = "/api/v1/audit/checkpoint", operation_id = "get_checkpoint", tag = "audit",
    responses((status = 200, description = "The signed note", body = String, content_type = "text/plain")))]
pub(super) async fn checkpoint(State(state): State<Arc<Service>>) -> Result<Response, AppError> {
    let note = state.auditor.checkpoint().await?.ok_or_else(|| AppError::missing("checkpoint"))?;
    Ok(plain(note))
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
    let body = Body::from_stream(ReceiverStream::new(pieces));
    let headers = [
        (header::CONTENT_TYPE, "application/jsonl"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit-log.jsonl\""),
    ];
    Ok((headers, body).into_response())
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

fn plain(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

fn read_time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "is a time such as `2026-01-31T00:00:00Z`".to_owned())
}

/// Positions in the log; opaque, so that clients do not count with them.
fn write_cursor(before: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("before:{before}"))
}

fn read_cursor(text: &str) -> Result<i64, String> {
    let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let before = decoded.and_then(|text| text.strip_prefix("before:")?.parse().ok());
    before.ok_or_else(|| "is no cursor of this list".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_anything_else_is_refused() {
        assert_eq!(read_cursor(&write_cursor(123)), Ok(123));
        for wrong in ["123", "!!!", "YmVmb3JlOng", ""] {
            assert!(read_cursor(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_has_a_zone() {
        assert!(read_time("2026-01-31T00:00:00+08:00").is_ok());
        assert!(read_time("2026-01-31").is_err());
    }
}
