//! Search without an answer: the retrieval of answers, alone. Knows no index.

use crate::answer::SearchRequest;
use crate::config::Config;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::Page;
use crate::domain::ScoredPassage;
use crate::http::State as Service;
use crate::http::answers;
use crate::http::auth::Authenticated;
use crate::http::error::AppError;
use crate::http::input::Body;
use crate::http::input::Fields;
use crate::http::input::Input;
use crate::http::params;
use axum::Json;
use axum::extract::State;
use std::sync::Arc;
use time::OffsetDateTime;

/// Collections and documents that a question or a search may name.
pub(super) const MAX_SCOPE: usize = 100;

/// What to search for.
#[derive(utoipa::ToSchema)]
pub(super) struct Search {
    /// In any language the documents are in.
    query: String,
    /// Only in these; left out or empty: in all one may read.
    #[schema(required = false)]
    collection_ids: Vec<CollectionId>,
    /// Only in these; left out or empty: in all of the collections.
    #[schema(required = false)]
    document_ids: Vec<DocumentId>,
    /// Only versions that were the searched ones at this time (RFC 3339); left out: that are now.
    #[schema(required = false, value_type = Option<String>, format = "date-time")]
    as_of: Option<OffsetDateTime>,
    /// 1 to 100; 50 when left out.
    #[schema(required = false, minimum = 1, maximum = 100)]
    limit: usize,
}

impl Input for Search {
    fn read(fields: &mut Fields, config: &Config) -> Option<Self> {
        let query = fields.text("query", 1, config.answer.max_question_characters);
        let collection_ids = fields.list("collection_ids", MAX_SCOPE);
        let document_ids = fields.list("document_ids", MAX_SCOPE);
        let as_of = fields.time("as_of");
        let limit = fields.number("limit", |limit: usize| (1..=100).contains(&limit), "is from 1 to 100");
        Some(Self { query: query?, collection_ids, document_ids, as_of, limit: limit.unwrap_or(50) })
    }
}

/// Finds passages, best first, with the scores that found them; tables of contents and scraps come last.
#[utoipa::path(post, path = "/api/v1/search", operation_id = "search", tag = "answers",
    request_body = Search, responses((status = 200, description = "Passages", body = Page<ScoredPassage>)))]
pub(super) async fn search(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Body(input): Body<Search>,
) -> Result<Json<Page<ScoredPassage>>, AppError> {
    answers::check_models(&state)?;
    let request = SearchRequest {
        query: input.query,
        collections: input.collection_ids,
        documents: input.document_ids,
        as_of: input.as_of,
        limit: input.limit,
    };
    Ok(Json(params::whole(state.answering.search(&who, request).await?)))
}
