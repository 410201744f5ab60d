//! One passage with its surroundings: the passages before and after it, and the clause it stands in. Knows no search.

use crate::domain::Passage;
use crate::domain::PassageId;
use crate::http::State as Service;
use crate::http::auth::Authenticated;
use crate::http::error::AppError;
use crate::http::params::Segments;
use crate::ports::Moment;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;

/// A passage and what stands around it.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct PassageView {
    #[serde(flatten)]
    passage: Passage,
    /// The passage before it in its version.
    previous: Option<PassageId>,
    /// The passage after it in its version.
    next: Option<PassageId>,
    /// The smallest clause that holds all of it, by its address; null where none does.
    clause: Option<String>,
}

/// A passage by its id, also of a version that is no longer searched.
#[utoipa::path(get, path = "/api/v1/passages/{id}", operation_id = "get_passage", tag = "documents",
    params(("id" = PassageId, Path)), responses((status = 200, description = "It", body = PassageView)))]
pub(super) async fn show(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<PassageId>,
) -> Result<Json<PassageView>, AppError> {
    let filter = who.acl_filter();
    let found = state.documents.passages(&[id], &filter, Moment::Ever).await?;
    let passage = found.into_iter().next().ok_or_else(|| AppError::missing("passage"))?;
    let at = |ordinal: u32| PassageId::derive(passage.document_id, passage.version, ordinal);
    let around = [passage.ordinal.checked_sub(1).map(at), passage.ordinal.checked_add(1).map(at)];
    let ids: Vec<PassageId> = around.iter().flatten().copied().collect();
    let there = state.documents.passages(&ids, &filter, Moment::Ever).await?;
    let [previous, next] =
        around.map(|id| id.filter(|id| there.iter().any(|passage| passage.passage_id == *id)));
    let outline = state.outlines.outline(passage.document_id, Some(passage.version), &filter).await?;
    let clauses = outline.map(|(_, clauses)| clauses).unwrap_or_default();
    let holds = clauses.iter().filter(|clause| {
        clause.span.start <= passage.span.start
            && passage.span.end <= clause.span.end
            && !clause.label.is_empty()
    });
    let clause = holds.max_by_key(|clause| clause.depth).and_then(crate::domain::clause::Clause::address);
    Ok(Json(PassageView { passage, previous, next, clause }))
}
