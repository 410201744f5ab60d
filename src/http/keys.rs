//! One's own bearer keys: made, listed, revoked. Knows no key once it was shown.

use crate::config::Config;
use crate::domain::ApiKeyId;
use crate::domain::Page;
use crate::http::State as Service;
use crate::http::auth::Authenticated;
use crate::http::error::AppError;
use crate::http::error::no_content;
use crate::http::identity;
use crate::http::input::Body;
use crate::http::input::Fields;
use crate::http::input::Input;
use crate::http::params;
use crate::http::params::Params;
use crate::http::params::Segments;
use crate::http::record::Act;
use crate::http::record::recorded;
use crate::ports::ApiKey;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;

/// A key to be made.
#[derive(utoipa::ToSchema)]
pub(super) struct NewKey {
    /// What it is for; 1 to 100 characters.
    name: String,
}

impl Input for NewKey {
    fn read(fields: &mut Fields, _config: &Config) -> Option<Self> {
        Some(Self { name: fields.text("name", 1, 100)? })
    }
}

/// A new key; the only time it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ShownKey {
    /// Send it as `Authorization: Bearer dk_…`. It is stored as a hash and cannot be shown again.
    key: String,
    #[serde(flatten)]
    row: ApiKey,
}

/// Makes a key with all of one's rights.
#[utoipa::path(post, path = "/api/v1/keys", operation_id = "create_key", tag = "identity",
    request_body = NewKey, responses((status = 201, description = "The key, this once", body = ShownKey)))]
pub(super) async fn create(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Body(input): Body<NewKey>,
) -> Result<(StatusCode, Json<ShownKey>), AppError> {
    let key = identity::make_key();
    let row = identity::key_row(who.user(), input.name, &key);
    let act = Act {
        kind: "apikey.create",
        facts: serde_json::json!({ "key": row.id, "user": row.user_id }),
        content: Some(serde_json::json!({ "name": row.name })),
    };
    let secret_hash = identity::hash(&key);
    let creating = state.credentials.create_key(&secret_hash, &row);
    let found = |(): &()| serde_json::json!({ "key": row.id });
    recorded(&state.auditor, Some(&who), act, creating, found).await?;
    Ok((StatusCode::CREATED, Json(ShownKey { key, row })))
}

/// One's own keys, revoked ones too.
#[utoipa::path(get, path = "/api/v1/keys", operation_id = "list_keys", tag = "identity",
    responses((status = 200, description = "One's own keys", body = Page<ApiKey>)))]
pub(super) async fn list(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    params: Params,
) -> Result<Json<Page<ApiKey>>, AppError> {
    params.finish()?;
    Ok(Json(params::whole(state.credentials.keys(who.user(), None).await?)))
}

/// Revokes one of one's own keys, at once and for good.
#[utoipa::path(delete, path = "/api/v1/keys/{id}", operation_id = "revoke_key", tag = "identity",
    params(("id" = ApiKeyId, Path)), responses((status = 204, description = "Revoked")))]
pub(super) async fn revoke(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Segments(id): Segments<ApiKeyId>,
) -> Result<Response, AppError> {
    let own = state.credentials.keys(who.user(), None).await?;
    if !own.iter().any(|key| key.id == id) {
        return Err(AppError::missing("key"));
    }
    let facts = serde_json::json!({ "key": id, "user": who.user() });
    let act = Act { kind: "apikey.revoke", facts, content: None };
    let revoking = state.credentials.keys(who.user(), Some(id));
    recorded(&state.auditor, Some(&who), act, revoking, |_| serde_json::json!({ "key": id })).await?;
    Ok(no_content())
}
