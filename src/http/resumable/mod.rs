//! Uploads in pieces that go on after an interruption, by the tus protocol 1.0.0 (tus.io/protocols/resumable-upload):
//! core, creation, termination, expiration, checksum. The last piece's answer says what became of the file, in headers;
//! a GET says it in JSON. Knows no store and no file format.

mod metadata;
mod outcome;
mod protocol;
mod receive;

pub(super) use protocol::speak;

use crate::domain::Principal;
use crate::domain::UploadId;
use crate::http::State as Service;
use crate::http::auth::Authenticated;
use crate::http::collections;
use crate::http::documents;
use crate::http::error::AppError;
use crate::http::error::Occasion;
use crate::http::error::Problem;
use crate::http::error::no_content;
use crate::http::params::Segments;
use crate::http::resumable::metadata::Metadata;
use crate::http::resumable::metadata::Target;
use crate::http::resumable::outcome::Outcome;
use crate::http::resumable::outcome::RefusedFile;
use crate::http::resumable::protocol::Piece;
use crate::http::upload;
use crate::http::upload::Destination;
use crate::http::upload::TakenFile;
use crate::ingest::HeldUpload;
use crate::ingest::UploadStart;
use crate::ports::StoredUpload;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;
use time::OffsetDateTime;

/// Says what of the tus protocol is spoken here, in headers.
#[utoipa::path(options, path = "/api/v1/uploads", operation_id = "describe_uploads", tag = "documents",
    responses((status = 204, description = "`Tus-Version`, `Tus-Extension`, `Tus-Max-Size`, `Tus-Checksum-Algorithm`")))]
pub(super) async fn options(State(state): State<Arc<Service>>) -> Response {
    let limit = std::future::ready(state.config.http.max_upload_bytes).await;
    (protocol::abilities(limit), no_content()).into_response()
}

/// Announces a file that is sent in pieces (tus 1.0.0). `Location` says where to; the pieces follow with PATCH.
#[utoipa::path(post, path = "/api/v1/uploads", operation_id = "create_upload", tag = "documents",
    params(("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Length" = u64, Header, description = "Bytes of the whole file"),
        ("Upload-Metadata" = String, Header, description = "`filename`, and `collection_id` for a document or \
            `document_id` for a new version of one; perhaps `title` and `password`. Each value in base64, pairs \
            parted by commas")),
    responses((status = 201, description = "Announced; see `Location` and `Upload-Expires`")))]
pub(super) async fn create(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let bytes = protocol::length(&headers)?;
    let limit = state.config.http.max_upload_bytes;
    let bytes = usize::try_from(bytes).ok().filter(|bytes| *bytes <= limit);
    let bytes = bytes.ok_or_else(|| upload::too_large(limit))?;
    if bytes == 0 {
        return Err(AppError::invalid("empty_file", "the file is empty"));
    }
    let metadata = Metadata::read(&headers)?;
    let to = destination(&state, &who, metadata.target).await?;
    let start = UploadStart {
        collection: to.collection,
        document: to.document,
        title: metadata.title,
        file_name: metadata.file_name,
        password: metadata.password,
        bytes,
    };
    let made = state.ingest.begin_upload(&who, start).await?;
    let location = format!("/api/v1/uploads/{}", made.announced.id);
    let headers = [(header::LOCATION, location)];
    Ok((StatusCode::CREATED, headers, protocol::progress(&made), Body::empty()).into_response())
}

/// An upload in pieces and what became of it.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct UploadView {
    id: UploadId,
    file_name: String,
    /// Of the whole file.
    bytes: i64,
    /// Bytes that have come, from the first on.
    received: i64,
    state: UploadState,
    /// What the file became, once it was taken; of an archive what each file became.
    data: Vec<TakenFile>,
    /// The files of an archive that were refused, with `file_name`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Problem>,
    /// Why it was refused.
    error: Option<Problem>,
    /// Forgotten after this.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = "date-time")]
    expires_at: OffsetDateTime,
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum UploadState {
    /// It takes pieces; or all have come and an empty one at its end asks for the outcome.
    Open,
    /// The file was taken.
    Taken,
    /// The file was refused for good.
    Refused,
}

/// One's own upload in pieces: how far it is and what became of it.
#[utoipa::path(get, path = "/api/v1/uploads/{id}", operation_id = "get_upload", tag = "documents",
    params(("id" = UploadId, Path)), responses((status = 200, description = "It", body = UploadView)))]
pub(super) async fn show(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<UploadId>,
    occasion: Occasion,
) -> Result<Json<UploadView>, AppError> {
    let stored = state.ingest.find_upload(&who, id).await?;
    let (state, data, errors, error) = match Outcome::of(&stored)? {
        None => (UploadState::Open, Vec::new(), Vec::new(), None),
        Some(Outcome::Taken { files, refused }) => {
            let problem = |one: RefusedFile| one.refusal.error().problem(&occasion).about_file(one.file_name);
            (UploadState::Taken, files, refused.into_iter().map(problem).collect(), None)
        }
        Some(Outcome::Refused(refusal)) => {
            (UploadState::Refused, Vec::new(), Vec::new(), Some(refusal.error().problem(&occasion)))
        }
    };
    Ok(Json(UploadView {
        id,
        file_name: stored.announced.file_name,
        bytes: stored.announced.bytes,
        received: stored.received,
        state,
        data,
        errors,
        error,
        expires_at: stored.announced.expires_at,
    }))
}

/// How far one's own upload is, in headers (tus 1.0.0): `Upload-Offset`, `Upload-Length`, `Upload-Metadata`,
/// `Upload-Expires`; once it ended also `Docent-Document-Id` and `Docent-Job-Id`, or `Docent-Error-Code`.
#[utoipa::path(head, path = "/api/v1/uploads/{id}", operation_id = "head_upload", tag = "documents",
    params(("id" = UploadId, Path), ("Tus-Resumable" = String, Header, description = "`1.0.0`")),
    responses((status = 200, description = "See the headers")))]
pub(super) async fn head(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<UploadId>,
) -> Result<Response, AppError> {
    let stored = state.ingest.find_upload(&who, id).await?;
    let outcome = Outcome::of(&stored)?;
    let told = (protocol::length_of(&stored), metadata::of(&stored), outcome::headers(outcome.as_ref()));
    Ok((StatusCode::OK, protocol::progress(&stored), told, Body::empty()).into_response())
}

/// Sends the next bytes of an upload (tus 1.0.0). What came before the line broke is kept: HEAD says how far it is. The
/// last piece's answer says what became of the file, as HEAD does; a file that is refused answers with the problem.
#[utoipa::path(patch, path = "/api/v1/uploads/{id}", operation_id = "append_to_upload", tag = "documents",
    params(("id" = UploadId, Path),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Offset" = u64, Header, description = "Where the bytes begin: as HEAD says"),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha256` or `sha1` and the digest of this piece \
            in base64; such a piece has at most 8 MiB")),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses((status = 204, description = "Stored up to `Upload-Offset`"),
        (status = 409, description = "`wrong_offset`: other bytes are next"),
        (status = 423, description = "`upload_in_use`: another request writes to it; come again after `Retry-After`"),
        (status = 460, description = "`checksum_mismatch`: the piece was not kept")))]
pub(super) async fn append(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<UploadId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, AppError> {
    let piece = Piece::read(&headers)?;
    let _one_of_few = state.limits.piece_permit().await?;
    let mut held = state.ingest.hold_upload(&who, id).await?;
    let answered = append_held(&state, &who, &mut held, piece, body).await;
    held.release().await;
    answered
}

/// Ends one's own upload and erases what has come of it; a file that was taken stays.
#[utoipa::path(delete, path = "/api/v1/uploads/{id}", operation_id = "delete_upload", tag = "documents",
    params(("id" = UploadId, Path), ("Tus-Resumable" = String, Header, description = "`1.0.0`")),
    responses((status = 204, description = "Ended")))]
pub(super) async fn delete(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<UploadId>,
) -> Result<Response, AppError> {
    let held = state.ingest.hold_upload(&who, id).await?;
    let ended = held.end().await;
    held.release().await;
    ended?;
    Ok(no_content())
}

/// Where the file goes, if the caller may write there.
async fn destination(state: &Service, who: &Principal, target: Target) -> Result<Destination, AppError> {
    let to = match target {
        Target::Collection(collection) => {
            collections::readable(state, who, collection).await?;
            Destination { collection, document: None }
        }
        Target::Document(id) => {
            let document = documents::readable(state, &who.acl_filter(), id).await?;
            Destination { collection: document.collection_id, document: Some(id) }
        }
    };
    collections::writable(who, to.collection)?;
    Ok(to)
}

async fn append_held(
    state: &Service,
    who: &Principal,
    held: &mut HeldUpload<'_>,
    piece: Piece,
    body: Body,
) -> Result<Response, AppError> {
    piece.check_place(held.stored())?;
    let outcome = if let Some(known) = Outcome::of(held.stored())? {
        known
    } else {
        receive::receive(held, piece, body).await?;
        if held.missing() > 0 {
            return Ok((protocol::progress(held.stored()), no_content()).into_response());
        }
        conclude(state, who, held).await?
    };
    match &outcome {
        Outcome::Taken { .. } => {
            let told = outcome::headers(Some(&outcome));
            Ok((protocol::progress(held.stored()), told, no_content()).into_response())
        }
        Outcome::Refused(refusal) => Err(refusal.error()),
    }
}

/// Takes the whole file in and keeps what became of it. What another try may mend is not kept: an empty piece at the end
/// of the upload asks again.
async fn conclude(state: &Service, who: &Principal, held: &mut HeldUpload<'_>) -> Result<Outcome, AppError> {
    let _in_memory = held.keeping(state.limits.upload_permit()).await??;
    let outcome = match held.admit(who).await.map_err(AppError::from) {
        Ok(admitted) => Outcome::of_files(admitted)?,
        Err(error) if error.is_final() => Outcome::refused(&error),
        Err(error) => return Err(error),
    };
    held.finish(outcome.to_json()?).await?;
    Ok(outcome)
}
