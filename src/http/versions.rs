//! A document through time: its versions, what changed between two of them, and other documents nearly the same. Knows
//! no reading of files.

use crate::domain::AclFilter;
use crate::domain::DocumentId;
use crate::domain::Page;
use crate::domain::Similar;
use crate::domain::Span;
use crate::domain::VersionState;
use crate::domain::clause::diff;
use crate::domain::clause::diff::Difference;
use crate::domain::clause::diff::Kind;
use crate::domain::clause::diff::Part;
use crate::domain::clause::diff::Tag;
use crate::http::State as Service;
use crate::http::auth::Authenticated;
use crate::http::documents;
use crate::http::error::AppError;
use crate::http::params;
use crate::http::params::Params;
use crate::http::params::Segments;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;

/// Differences of one answer; two versions with more have little to do with each other.
const MOST: usize = 5_000;

/// The versions of a document, newest first. Each can be read with `version=` wherever a document is read, and searched
/// with `as_of` within the time in which it was visible.
#[utoipa::path(get, path = "/api/v1/documents/{id}/versions", operation_id = "list_versions", tag = "documents",
    params(("id" = DocumentId, Path)),
    responses((status = 200, description = "All of them", body = Page<VersionState>)))]
pub(super) async fn list(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<DocumentId>,
) -> Result<Json<Page<VersionState>>, AppError> {
    let versions = state.histories.versions(id, &who.acl_filter()).await?;
    if versions.is_empty() {
        return Err(AppError::missing("document"));
    }
    Ok(Json(params::whole(versions)))
}

/// Documents of the same collection whose text is nearly the same: at least 80 % in common, by an estimate (MinHash).
#[utoipa::path(get, path = "/api/v1/documents/{id}/similar", operation_id = "list_similar", tag = "documents",
    params(("id" = DocumentId, Path)),
    responses((status = 200, description = "Up to ten, the most alike first", body = Page<Similar>)))]
pub(super) async fn similar(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<DocumentId>,
) -> Result<Json<Page<Similar>>, AppError> {
    let filter = who.acl_filter();
    documents::readable(&state, &filter, id).await?;
    Ok(Json(params::whole(state.histories.similar(id, &filter).await?)))
}

/// What changed between two versions, clause by clause.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct DiffView {
    document_id: DocumentId,
    /// The version it is compared with.
    pub(super) from: i32,
    /// The version that is described.
    pub(super) to: i32,
    /// Clauses and paragraphs that are the same.
    pub(super) unchanged: usize,
    /// The others, in the order of the new text; what is gone stands where it was.
    pub(super) data: Vec<DifferenceView>,
}

/// A clause or paragraph that is not the same.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct DifferenceView {
    pub(super) kind: KindView,
    /// In the old version; null where it is new.
    pub(super) old: Option<PartView>,
    /// In the new version; null where it is gone.
    pub(super) new: Option<PartView>,
    /// Words of both versions in order, without the mark of the clause; empty where only its place or number changed.
    pub(super) words: Vec<WordsView>,
}

/// What became of a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum KindView {
    /// Only the new version has it.
    Added,
    /// Only the old version has it.
    Removed,
    /// Its words changed.
    Changed,
    /// The same words stand elsewhere.
    Moved,
    /// The same words have another address.
    Renumbered,
}

/// Where a clause stands in one version.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct PartView {
    /// Such as `8.2(a)`; null for a heading without a number and for text outside of all clauses.
    pub(super) address: Option<String>,
    /// Mark and heading.
    pub(super) heading: String,
    /// Its stretch of that version's `content`.
    pub(super) span: Span,
}

/// Some words and who has them.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct WordsView {
    pub(super) of: OfView,
    pub(super) text: String,
}

/// Which version has some words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum OfView {
    /// Both.
    Both,
    /// The old one.
    Old,
    /// The new one.
    New,
}

/// What changed between two versions of a document, clause by clause and word by word.
#[utoipa::path(get, path = "/api/v1/documents/{id}/diff", operation_id = "get_diff", tag = "documents",
    params(("id" = DocumentId, Path),
        ("from" = Option<i32>, Query, minimum = 1, description = "the version before `to` when left out"),
        ("to" = Option<i32>, Query, minimum = 1, description = "the visible one when left out")),
    responses((status = 200, description = "The differences", body = DiffView)))]
pub(super) async fn show_diff(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<DocumentId>,
    mut params: Params,
) -> Result<Json<DiffView>, AppError> {
    let (from, to): (Option<i32>, Option<i32>) = (params.optional("from"), params.optional("to"));
    for (name, version) in [("from", from), ("to", to)] {
        params.check(name, version.is_none_or(|version| version >= 1), "counts from 1");
    }
    params.finish()?;
    compare(&state, &who.acl_filter(), id, from, to).await.map(Json)
}

/// Compares two versions; without numbers the visible one with the one before it.
pub(super) async fn compare(
    state: &Service,
    filter: &AclFilter,
    id: DocumentId,
    from: Option<i32>,
    to: Option<i32>,
) -> Result<DiffView, AppError> {
    let versions = state.histories.versions(id, filter).await?;
    let seen = || versions.iter().filter(|version| version.visible_since.is_some());
    let visible =
        || seen().find(|version| version.visible_until.is_none()).map(|version| version.file.number);
    let missing = || AppError::missing("document or version");
    let to = to.or_else(visible).ok_or_else(missing)?;
    let before = || seen().map(|version| version.file.number).find(|number| *number < to);
    let from = from.or_else(before).ok_or_else(|| AppError::missing("earlier version"))?;
    let (old, new) = (parts(state, filter, id, from).await?, parts(state, filter, id, to).await?);
    let compared = tokio::task::spawn_blocking(move || diff::diff(&old, &new)).await;
    let (mut differences, unchanged) = compared.map_err(|_| AppError::bug("a comparison panicked"))?;
    if differences.len() > MOST {
        let detail =
            format!("the two versions differ in {} clauses; at most {MOST} are shown", differences.len());
        return Err(AppError::invalid("too_different", detail));
    }
    let data = differences.drain(..).map(view).collect();
    Ok(DiffView { document_id: id, from, to, unchanged, data })
}

async fn parts(
    state: &Service,
    filter: &AclFilter,
    id: DocumentId,
    version: i32,
) -> Result<Vec<Part>, AppError> {
    let missing = || AppError::missing("document or version");
    let (_, clauses) = state.outlines.outline(id, Some(version), filter).await?.ok_or_else(missing)?;
    let content = state.documents.content(id, Some(version), filter).await?.ok_or_else(missing)?;
    let cut = tokio::task::spawn_blocking(move || {
        let content: Vec<char> = content.chars().collect();
        diff::parts(&clauses, &content)
    });
    cut.await.map_err(|_| AppError::bug("a comparison panicked"))
}

fn view(difference: Difference) -> DifferenceView {
    let part = |part: Part| PartView { address: part.address, heading: part.heading, span: part.span };
    let words = |(tag, text)| {
        let of = match tag {
            Tag::Same => OfView::Both,
            Tag::Old => OfView::Old,
            Tag::New => OfView::New,
        };
        WordsView { of, text }
    };
    DifferenceView {
        kind: match difference.kind {
            Kind::Added => KindView::Added,
            Kind::Removed => KindView::Removed,
            Kind::Changed => KindView::Changed,
            Kind::Moved => KindView::Moved,
            Kind::Renumbered => KindView::Renumbered,
        },
        old: difference.old.map(part),
        new: difference.new.map(part),
        words: difference.words.into_iter().map(words).collect(),
    }
}
