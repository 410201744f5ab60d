//! Documents: uploaded, listed, read page by page, deleted. Knows no parser and no index.

use crate::domain::AclFilter;
use crate::domain::CollectionId;
use crate::domain::Document;
use crate::domain::DocumentId;
use crate::domain::HiddenText;
use crate::domain::Page;
use crate::domain::PageSummary;
use crate::domain::PassageId;
use crate::domain::Principal;
use crate::domain::Recognised;
use crate::domain::Rect;
use crate::domain::Span;
use crate::http::State as Service;
use crate::http::auth::Authenticated;
use crate::http::collections;
use crate::http::error::AppError;
use crate::http::error::Occasion;
use crate::http::error::no_content;
use crate::http::idempotency;
use crate::http::params::Params;
use crate::http::params::Segments;
use crate::http::upload::Destination;
use crate::http::upload::Form;
use crate::http::upload::UploadForm;
use crate::http::upload::Uploaded;
use crate::ingest::PageImage;
use crate::ports::Moment;
use axum::Json;
use axum::extract::Multipart;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;

/// Uploads files. Each is taken or refused for itself: 202 says which were taken (`data`) and which were not and why
/// (`errors`). Of a zip archive each file becomes a document; `file_name` is its path there. The same bytes again give the document that is already there, so an upload may be sent twice.
#[utoipa::path(post, path = "/api/v1/collections/{id}/documents", operation_id = "upload_documents",
    tag = "documents", params(("id" = CollectionId, Path),
        ("Idempotency-Key" = Option<String>, Header, max_length = 255, description = "Made by the client: the same \
            form under the same key within a day gets the first answer again (`Idempotent-Replayed: true`) and nothing \
            is done twice; another request under it gets 422, and 409 while the first is under way")),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 202, description = "At least one file was taken", body = Uploaded)))]
pub(super) async fn upload(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<CollectionId>,
    occasion: Occasion,
    headers: HeaderMap,
    parts: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<Response, AppError> {
    collections::readable(&state, &who, id).await?;
    collections::writable(&who, id)?;
    let to = Destination { collection: id, document: None };
    idempotency::upload(&state, &who, to, &occasion, Form { headers: &headers, parts }).await
}

/// Uploads one file as the next version of a document; readers see the old one until the new one is ready.
#[utoipa::path(post, path = "/api/v1/documents/{id}/versions", operation_id = "upload_version",
    tag = "documents", params(("id" = DocumentId, Path),
        ("Idempotency-Key" = Option<String>, Header, max_length = 255, description = "As at `upload_documents`")),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 202, description = "The file was taken", body = Uploaded)))]
pub(super) async fn upload_version(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<DocumentId>,
    occasion: Occasion,
    headers: HeaderMap,
    parts: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<Response, AppError> {
    let document = readable(&state, &who.acl_filter(), id).await?;
    collections::writable(&who, document.collection_id)?;
    let to = Destination { collection: document.collection_id, document: Some(id) };
    idempotency::upload(&state, &who, to, &occasion, Form { headers: &headers, parts }).await
}

/// The documents of a collection, newest first.
#[utoipa::path(get, path = "/api/v1/collections/{id}/documents", operation_id = "list_documents",
    tag = "documents",
    params(("id" = CollectionId, Path),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "50 when left out")),
    responses((status = 200, description = "A page of them", body = Page<Document>)))]
pub(super) async fn list(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<CollectionId>,
    mut params: Params,
) -> Result<Json<Page<Document>>, AppError> {
    let cursor: Option<String> = params.optional("cursor");
    let limit = params.limit();
    params.finish()?;
    collections::readable(&state, &who, id).await?;
    Ok(Json(state.documents.list(id, &who.acl_filter(), cursor.as_deref(), limit).await?))
}

/// One document: its status, version, coverage and warnings.
#[utoipa::path(get, path = "/api/v1/documents/{id}", operation_id = "get_document", tag = "documents",
    params(("id" = DocumentId, Path)), responses((status = 200, description = "It", body = Document)))]
pub(super) async fn show(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<DocumentId>,
) -> Result<Json<Document>, AppError> {
    readable(&state, &who.acl_filter(), id).await.map(Json)
}

/// Erases a document: file, text, vectors. The audit record of answers that cited it remains.
#[utoipa::path(delete, path = "/api/v1/documents/{id}", operation_id = "delete_document", tag = "documents",
    params(("id" = DocumentId, Path)), responses((status = 204, description = "Erased")))]
pub(super) async fn delete(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<DocumentId>,
) -> Result<Response, AppError> {
    let document = readable(&state, &who.acl_filter(), id).await?;
    collections::writable(&who, document.collection_id)?;
    state.ingest.delete(&who, id).await?;
    Ok(no_content())
}

/// The extracted text. A span `[a, b)` anywhere in this API counts Unicode characters of this text.
#[utoipa::path(get, path = "/api/v1/documents/{id}/content", operation_id = "get_content", tag = "documents",
    params(("id" = DocumentId, Path),
        ("version" = Option<i32>, Query, description = "the visible one when left out")),
    responses((status = 200, description = "The text", body = String, content_type = "text/plain")))]
pub(super) async fn content(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<DocumentId>,
    mut params: Params,
) -> Result<Response, AppError> {
    let version = version_of(&mut params);
    params.finish()?;
    let text = state.documents.content(id, version, &who.acl_filter()).await?;
    let text = text.ok_or_else(|| AppError::missing("document or version"))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// A page of a document: its text and where each word stands.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct PageView {
    document_id: DocumentId,
    /// From 1.
    number: u32,
    /// The printed page number, where the file says one.
    label: Option<String>,
    /// In points; 0 where the format has no pages.
    width: f32,
    /// In points; 0 where the format has no pages.
    height: f32,
    /// The page's stretch of `content`.
    span: Span,
    text: String,
    /// In reading order; empty where the format has no positions.
    words: Vec<WordView>,
    /// Running heads and feet of this page that the text has only where they come first.
    running: Vec<String>,
    /// How the text was recognised, where the page is a picture of text.
    recognised: Option<Recognised>,
    /// Text that a reader of the page does not see. It is no part of `text`, is not searched and never shown to a model.
    hidden: Vec<HiddenText>,
}

/// A word and where it stands.
#[derive(Serialize, utoipa::ToSchema)]
struct WordView {
    span: Span,
    r#box: Rect,
}

/// Pages of a version.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct PagesView {
    /// In order; empty while the text is not there yet.
    pages: Vec<PageSummary>,
}

/// The pages of a version: their sizes, their stretches of the text, and which were recognised in their pictures.
#[utoipa::path(get, path = "/api/v1/documents/{id}/pages", operation_id = "list_pages", tag = "documents",
    params(("id" = DocumentId, Path),
        ("version" = Option<i32>, Query, description = "the visible one when left out")),
    responses((status = 200, description = "The pages", body = PagesView)))]
pub(super) async fn pages(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<DocumentId>,
    mut params: Params,
) -> Result<Json<PagesView>, AppError> {
    let version = version_of(&mut params);
    params.finish()?;
    let filter = who.acl_filter();
    state.documents.find(id, &filter).await?.ok_or_else(|| AppError::missing("document"))?;
    Ok(Json(PagesView { pages: state.documents.pages(id, version, &filter).await? }))
}

/// A page's text and the boxes of its words.
#[utoipa::path(get, path = "/api/v1/documents/{id}/pages/{n}", operation_id = "get_page", tag = "documents",
    params(("id" = DocumentId, Path), ("n" = u32, Path, minimum = 1),
        ("version" = Option<i32>, Query, description = "the visible one when left out")),
    responses((status = 200, description = "The page", body = PageView)))]
pub(super) async fn page(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments((id, number)): Segments<(DocumentId, u32)>,
    mut params: Params,
) -> Result<Json<PageView>, AppError> {
    let version = version_of(&mut params);
    params.finish()?;
    let found = state.documents.page(id, version, number, &who.acl_filter()).await?;
    let (layout, text) = found.ok_or_else(|| AppError::missing("page"))?;
    Ok(Json(PageView {
        document_id: id,
        number: layout.number,
        label: layout.label,
        width: layout.width,
        height: layout.height,
        span: layout.span,
        text,
        words: layout.words.into_iter().map(|word| WordView { span: word.span, r#box: word.rect }).collect(),
        running: layout.running,
        recognised: layout.recognised,
        hidden: layout.hidden,
    }))
}

/// A page of a PDF as a picture, with a passage or a span of characters highlighted. Other formats have a `view`.
#[utoipa::path(get, path = "/api/v1/documents/{id}/pages/{n}/image", operation_id = "get_page_image",
    tag = "documents",
    params(("id" = DocumentId, Path), ("n" = u32, Path, minimum = 1),
        ("highlight" = Option<String>, Query, description = "a passage's id, or `a-b`: characters of `content`"),
        ("version" = Option<i32>, Query, description = "the passage's, else the visible one, when left out"),
        ("scale" = Option<f32>, Query, minimum = 0.5, maximum = 4, description = "pixels a point; 2 when left out")),
    responses((status = 200, description = "The picture", body = Vec<u8>, content_type = "image/png")))]
pub(super) async fn page_image(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments((document, page)): Segments<(DocumentId, u32)>,
    mut params: Params,
) -> Result<Response, AppError> {
    let version = version_of(&mut params);
    let highlight = params.read_with("highlight", read_highlight);
    let scale: f32 = params.optional("scale").unwrap_or(2.0);
    params.check("scale", (0.5..=4.0).contains(&scale), "is from 0.5 to 4");
    params.finish()?;
    let (highlight, version) = match highlight {
        Some(Highlight::Passage(id)) => {
            let (span, of_passage) = passage_span(&state, &who, document, id).await?;
            (Some(span), version.or(Some(of_passage)))
        }
        Some(Highlight::Characters(span)) => (Some(span).filter(|span| !span.is_empty()), version),
        None => (None, version),
    };
    let image = PageImage { document, version, page, highlight, scale };
    let png = state.ingest.page_image(&who.acl_filter(), image).await?;
    Ok(([(header::CONTENT_TYPE, "image/png")], png).into_response())
}

/// What a caller wants to be marked.
#[derive(Debug, PartialEq)]
pub(super) enum Highlight {
    Passage(PassageId),
    Characters(Span),
}

pub(super) fn read_highlight(text: &str) -> Result<Highlight, String> {
    if let Ok(id) = text.parse() {
        return Ok(Highlight::Passage(id));
    }
    let span = text.split_once('-').and_then(|(start, end)| {
        Some(Span { start: start.parse().ok()?, end: end.parse().ok()? })
            .filter(|span| span.start <= span.end)
    });
    span.map(Highlight::Characters).ok_or_else(|| "is a passage's id, or `a-b` with a not above b".to_owned())
}

/// Where a passage of a document stands, and of which version it is.
pub(super) async fn passage_span(
    state: &Service,
    who: &Principal,
    document: DocumentId,
    id: PassageId,
) -> Result<(Span, i32), AppError> {
    let found = state.documents.passages(&[id], &who.acl_filter(), Moment::Ever).await?;
    let passage = found.into_iter().find(|passage| passage.document_id == document);
    passage.map(|passage| (passage.span, passage.version)).ok_or_else(|| AppError::missing("passage"))
}

pub(super) fn version_of(params: &mut Params) -> Option<i32> {
    let version: Option<i32> = params.optional("version");
    params.check("version", version.is_none_or(|version| version >= 1), "counts from 1");
    version
}

/// The document, if one may read it; else 404.
pub(super) async fn readable(
    state: &Service,
    filter: &AclFilter,
    id: DocumentId,
) -> Result<Document, AppError> {
    state.documents.find(id, filter).await?.ok_or_else(|| AppError::missing("document"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_highlight_is_a_passage_or_a_span() {
        let id = PassageId::new();

        assert_eq!(read_highlight(&id.to_string()), Ok(Highlight::Passage(id)));
        assert_eq!(read_highlight("3-9"), Ok(Highlight::Characters(Span { start: 3, end: 9 })));
        assert_eq!(read_highlight("0-0"), Ok(Highlight::Characters(Span { start: 0, end: 0 })));
        for wrong in ["9-3", "-3", "3-", "a-b", "3", "3-9-12", "99999999999-999999999999"] {
            assert!(read_highlight(wrong).is_err(), "{wrong}");
        }
    }
}
