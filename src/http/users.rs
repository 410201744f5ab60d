//! Users: added and listed by administrators. Knows no password once it is hashed.

use crate::config::Config;
use crate::domain::Page;
use crate::domain::Role;
use crate::http::State as Service;
use crate::http::auth::Authenticated;
use crate::http::error::AppError;
use crate::http::identity;
use crate::http::input::Body;
use crate::http::input::Fields;
use crate::http::input::Input;
use crate::http::params;
use crate::http::params::Params;
use crate::http::record::Act;
use crate::http::record::recorded;
use crate::http::sessions::MAX_NAME;
use crate::http::sessions::MAX_PASSWORD;
use crate::ports::User;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Shortest password that is taken, in characters (NIST SP 800-63B asks for 8, and for 15 where it stands alone).
const MIN_PASSWORD: usize = 12;

/// Somebody new.
#[derive(utoipa::ToSchema)]
pub(super) struct NewUser {
    /// Unique; 1 to 100 characters.
    name: String,
    /// 12 to 1024 characters.
    #[schema(value_type = String, format = "password")]
    password: SecretString,
    /// At least one.
    roles: BTreeSet<Role>,
}

impl Input for NewUser {
    fn read(fields: &mut Fields, _config: &Config) -> Option<Self> {
        let name = fields.text("name", 1, MAX_NAME);
        let password: Option<String> = fields.required("password");
        if let Some(password) = &password {
            let fits = (MIN_PASSWORD..=MAX_PASSWORD).contains(&password.chars().count());
            fields.check("password", fits, "takes 12 to 1024 characters");
        }
        let roles: Option<BTreeSet<Role>> = fields.required("roles");
        fields.check(
            "roles",
            roles.as_ref().is_none_or(|roles| !roles.is_empty()),
            "takes at least one role",
        );
        Some(Self { name: name?, password: SecretString::from(password?), roles: roles? })
    }
}

/// Adds a user.
#[utoipa::path(post, path = "/api/v1/users", operation_id = "create_user", tag = "identity",
    request_body = NewUser, responses((status = 201, description = "Added", body = User)))]
pub(super) async fn create(
    State(state): State<Arc<Service>>,
    Authenticated(who): Authenticated,
    Body(input): Body<NewUser>,
) -> Result<(StatusCode, Json<User>), AppError> {
    let permit = state.limits.hash_permit().await?;
    let hash = identity::hash_password(input.password).await?;
    drop(permit);
    let roles: Vec<&str> = input.roles.iter().map(|role| role.as_str()).collect();
    let act = Act {
        kind: "user.create",
        facts: serde_json::json!({ "roles": roles }),
        content: Some(serde_json::json!({ "name": input.name })),
    };
    let creating = state.users.create(&input.name, &hash, &input.roles);
    let found = |user: &User| serde_json::json!({ "user": user.id });
    let user = recorded(&state.auditor, Some(&who), act, creating, found).await?;
    Ok((StatusCode::CREATED, Json(user)))
}

/// All users, by name.
#[utoipa::path(get, path = "/api/v1/users", operation_id = "list_users", tag = "identity",
    responses((status = 200, description = "All users", body = Page<User>)))]
pub(super) async fn list(
    State(state): State<Arc<Service>>,
    params: Params,
) -> Result<Json<Page<User>>, AppError> {
    params.finish()?;
    Ok(Json(params::whole(state.users.list().await?)))
}
