//! Collections: made by administrators, seen by who has a grant. Knows no document.

use crate::config::Config;
use crate::domain::Collection;
use crate::domain::CollectionId;
use crate::domain::Page;
use crate::domain::Principal;
use crate::http::State as Service;
use crate::http::auth::Authenticated;
use crate::http::error::AppError;
use crate::http::input::Body;
use crate::http::input::Fields;
use crate::http::input::Input;
use crate::http::params::Params;
use crate::http::params::Segments;
use crate::http::record::Act;
use crate::http::record::recorded;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use std::sync::Arc;

/// A collection to be made.
#[derive(utoipa::ToSchema)]
pub(super) struct NewCollection {
    /// Unique; 1 to 200 characters.
    name: String,
}

impl Input for NewCollection {
    fn read(fields: &mut Fields, _config: &Config) -> Option<Self> {
        Some(Self { name: fields.text("name", 1, 200)? })
    }
}

/// Makes a collection; its maker may write to it.
#[utoipa::path(post, path = "/api/v1/collections", operation_id = "create_collection", tag = "collections",
    request_body = NewCollection, responses((status = 201, description = "Made", body = Collection)))]
pub(super) async fn create(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Body(input): Body<NewCollection>,
) -> Result<(StatusCode, Json<Collection>), AppError> {
    let collection = make(&state, &who, input).await?;
    Ok((StatusCode::CREATED, Json(collection)))
}

/// Makes a collection, recorded.
pub(super) async fn make(
    state: &Service,
    who: &Principal,
    input: NewCollection,
) -> Result<Collection, AppError> {
    let act = Act {
        kind: "collection.create",
        facts: serde_json::json!({}),
        content: Some(serde_json::json!({ "name": input.name })),
    };
    let creating = state.collections.create(&input.name, who.user());
    let found = |collection: &Collection| serde_json::json!({ "collection": collection.id });
    Ok(recorded(&state.auditor, Some(who), act, creating, found).await?)
}

/// The collections one may read, by name.
#[utoipa::path(get, path = "/api/v1/collections", operation_id = "list_collections", tag = "collections",
    params(("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "50 when left out")),
    responses((status = 200, description = "A page of them", body = Page<Collection>)))]
pub(super) async fn list(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    mut params: Params,
) -> Result<Json<Page<Collection>>, AppError> {
    let cursor: Option<String> = params.optional("cursor");
    let limit = params.limit();
    params.finish()?;
    Ok(Json(state.collections.list(&who.acl_filter(), cursor.as_deref(), limit).await?))
}

/// One collection.
#[utoipa::path(get, path = "/api/v1/collections/{id}", operation_id = "get_collection", tag = "collections",
    params(("id" = CollectionId, Path)), responses((status = 200, description = "It", body = Collection)))]
pub(super) async fn show(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<CollectionId>,
) -> Result<Json<Collection>, AppError> {
    readable(&state, &who, id).await.map(Json)
}

/// The collection, if one may read it; else 404.
pub(super) async fn readable(
    state: &Service,
    who: &Principal,
    id: CollectionId,
) -> Result<Collection, AppError> {
    let found = state.collections.find(id, &who.acl_filter()).await?;
    found.ok_or_else(|| AppError::missing("collection"))
}

/// 403 unless one may write to a collection that one may read.
pub(super) fn writable(who: &Principal, id: CollectionId) -> Result<(), AppError> {
    if who.may_write(id) {
        Ok(())
    } else {
        Err(AppError::denied("read_only", "you may read this collection, not write to it"))
    }
}
