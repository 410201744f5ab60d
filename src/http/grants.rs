//! Who may read and write a collection: said by administrators, whether or not they may read it themselves. Knows no
//! document.

use crate::config::Config;
use crate::domain::CollectionId;
use crate::domain::Grant;
use crate::domain::Page;
use crate::domain::Permission;
use crate::domain::Principal;
use crate::domain::UserId;
use crate::http::State as Service;
use crate::http::auth::Authenticated;
use crate::http::error::AppError;
use crate::http::error::no_content;
use crate::http::input::Body;
use crate::http::input::Fields;
use crate::http::input::Input;
use crate::http::params;
use crate::http::params::Params;
use crate::http::params::Segments;
use crate::http::record::Act;
use crate::http::record::recorded;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use std::sync::Arc;

/// What a user is to be allowed.
#[derive(utoipa::ToSchema)]
pub(super) struct NewGrant {
    permission: Permission,
}

impl Input for NewGrant {
    fn read(fields: &mut Fields, _config: &Config) -> Option<Self> {
        Some(Self { permission: fields.required("permission")? })
    }
}

/// The grants of a collection.
#[utoipa::path(get, path = "/api/v1/collections/{id}/grants", operation_id = "list_grants", tag = "collections",
    params(("id" = CollectionId, Path)), responses((status = 200, description = "Them", body = Page<Grant>)))]
pub(super) async fn list(
    State(state): State<Arc<Service>>,
    Segments(id): Segments<CollectionId>,
    params: Params,
) -> Result<Json<Page<Grant>>, AppError> {
    params.finish()?;
    Ok(Json(params::whole(state.users.grants(id).await?)))
}

/// Gives a user a permission, or changes it.
#[utoipa::path(put, path = "/api/v1/collections/{id}/grants/{user_id}", operation_id = "put_grant",
    tag = "collections", params(("id" = CollectionId, Path), ("user_id" = UserId, Path)),
    request_body = NewGrant, responses((status = 200, description = "Granted", body = Grant)))]
pub(super) async fn put(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments((collection_id, user_id)): Segments<(CollectionId, UserId)>,
    Body(input): Body<NewGrant>,
) -> Result<Json<Grant>, AppError> {
    change(&state, &who, collection_id, user_id, Some(input.permission)).await?;
    Ok(Json(Grant { user_id, collection_id, permission: input.permission }))
}

/// Takes a user's permission; from the next request on, the collection is not there for them.
#[utoipa::path(delete, path = "/api/v1/collections/{id}/grants/{user_id}", operation_id = "delete_grant",
    tag = "collections", params(("id" = CollectionId, Path), ("user_id" = UserId, Path)),
    responses((status = 204, description = "Taken")))]
pub(super) async fn delete(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments((collection_id, user_id)): Segments<(CollectionId, UserId)>,
) -> Result<Response, AppError> {
    change(&state, &who, collection_id, user_id, None).await?;
    Ok(no_content())
}

async fn change(
    state: &Service,
    who: &Principal,
    collection: CollectionId,
    user: UserId,
    permission: Option<Permission>,
) -> Result<(), AppError> {
    let permitted = permission.map(Permission::as_str);
    let facts = serde_json::json!({ "collection": collection, "user": user, "permission": permitted });
    let act = Act { kind: "grant.change", facts, content: None };
    let granting = state.users.grant(user, collection, permission);
    let found = |(): &()| serde_json::json!({ "user": user });
    Ok(recorded(&state.auditor, Some(who), act, granting, found).await?)
}
