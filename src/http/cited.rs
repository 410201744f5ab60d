//! The page that a recorded citation stands on, in the version that was cited and with the cited words marked, for auditors.
//! Only what a record cites is opened so, and each opening is recorded. Knows no record's format.

use crate::audit::Cited;
use crate::domain::AclFilter;
use crate::domain::EventId;
use crate::domain::Principal;
use crate::http::State as Service;
use crate::http::auth::Authenticated;
use crate::http::error::AppError;
use crate::http::params::Params;
use crate::http::params::Segments;
use crate::http::view;
use crate::ingest::PageImage;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use std::sync::Arc;

/// Pixels a point.
const SCALE: f32 = 2.0;

/// The page of a PDF that a citation stands on, as a picture. Other formats have a `view`. Recorded as `audit.source_viewed`.
#[utoipa::path(get, path = "/api/v1/audit/events/{id}/citations/{n}/image", operation_id = "get_cited_page_image",
    tag = "audit",
    params(("id" = EventId, Path, description = "of the sentence's entry (`chat.sentence`)"),
        ("n" = usize, Path, minimum = 1, description = "which of its citations")),
    responses((status = 200, description = "The picture", body = Vec<u8>, content_type = "image/png")))]
pub(super) async fn image(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments((sentence, number)): Segments<(EventId, usize)>,
    params: Params,
) -> Result<Response, AppError> {
    params.finish()?;
    let (cited, filter) = found(&state, &who, sentence, number).await?;
    let image = PageImage {
        document: cited.document,
        version: Some(cited.version),
        page: cited.page,
        highlight: Some(cited.span),
        scale: SCALE,
    };
    let png = state.ingest.page_image(&filter, image).await?;
    state.auditor.record_opened(&who, &cited).await?;
    Ok(([(header::CONTENT_TYPE, "image/png")], png).into_response())
}

/// The page that a citation stands on, as it reads: a fragment of HTML with the cited words in `mark` elements; for every
/// format. Of a long page only the section where they begin. Recorded as `audit.source_viewed`.
#[utoipa::path(get, path = "/api/v1/audit/events/{id}/citations/{n}/view", operation_id = "get_cited_page_view",
    tag = "audit",
    params(("id" = EventId, Path, description = "of the sentence's entry (`chat.sentence`)"),
        ("n" = usize, Path, minimum = 1, description = "which of its citations")),
    responses((status = 200, description = "The page", body = String, content_type = "text/html")))]
pub(super) async fn page_view(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments((sentence, number)): Segments<(EventId, usize)>,
    params: Params,
) -> Result<Response, AppError> {
    params.finish()?;
    let (cited, filter) = found(&state, &who, sentence, number).await?;
    let wanted = view::Wanted {
        document: cited.document,
        version: Some(cited.version),
        page: cited.page,
        highlight: Some(cited.span),
        part: view::Part::Highlighted,
    };
    let drawn = view::drawn(&state, wanted, &filter).await?;
    state.auditor.record_opened(&who, &cited).await?;
    Ok(view::fragment(drawn))
}

async fn found(
    state: &Service,
    who: &Principal,
    sentence: EventId,
    number: usize,
) -> Result<(Cited, AclFilter), AppError> {
    let cited = state.auditor.cited(sentence, number).await?;
    let cited = cited.ok_or_else(|| AppError::missing("citation, or its content was erased"))?;
    let filter = cited.filter(who);
    Ok((cited, filter))
}
