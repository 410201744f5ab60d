//! Signing in with name and password, out again, and who one is. Knows no page: the pages sign in through here too.

use crate::audit::Actor;
use crate::audit::Event;
use crate::config::Config;
use crate::domain::AuthMethod;
use crate::domain::CollectionId;
use crate::domain::EventId;
use crate::domain::Permission;
use crate::domain::Principal;
use crate::domain::Role;
use crate::domain::UserId;
use crate::http::State as Service;
use crate::http::auth::Caller;
use crate::http::auth::Session;
use crate::http::cookies;
use crate::http::error::AppError;
use crate::http::error::no_content;
use crate::http::gate;
use crate::http::identity;
use crate::http::identity::IdentityError;
use crate::http::input::Body;
use crate::http::input::Fields;
use crate::http::input::Input;
use axum::Json;
use axum::extract::State;
use axum::http::Extensions;
use axum::http::HeaderValue;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use secrecy::SecretString;
use serde::Serialize;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;

/// Longest name of a user, in characters.
pub(super) const MAX_NAME: usize = 100;
/// Longest password, in characters.
pub(super) const MAX_PASSWORD: usize = 1024;

/// Name and password.
#[derive(utoipa::ToSchema)]
pub(super) struct SignIn {
    /// As given when the user was added.
    name: String,
    /// At most 1024 characters.
    #[schema(value_type = String, format = "password")]
    password: SecretString,
}

impl Input for SignIn {
    fn read(fields: &mut Fields, _config: &Config) -> Option<Self> {
        let name = fields.text("name", 1, MAX_NAME);
        let password: Option<String> = fields.required("password");
        let length = password.as_ref().map_or(0, |password| password.chars().count());
        fields.check("password", length <= MAX_PASSWORD, "is too long");
        Some(Self { name: name?, password: SecretString::from(password?) })
    }
}

/// What a signed-in browser needs beside its cookie.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Opened {
    /// Send it as `X-CSRF-Token` with every request that changes something.
    csrf: String,
    user: Me,
}

/// Who one is.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Me {
    id: UserId,
    name: String,
    roles: BTreeSet<Role>,
    /// `session` or `api_key`.
    method: AuthMethodView,
    /// Collections one may read.
    collections: Vec<MyGrant>,
    /// Only with a session: what `X-CSRF-Token` must carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf: Option<String>,
}

/// What one may do in a collection.
#[derive(Serialize, utoipa::ToSchema)]
struct MyGrant {
    collection_id: CollectionId,
    permission: Permission,
}

/// How one proved it.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, example = "api_key")]
struct AuthMethodView(&'static str);

impl Me {
    fn of(who: &Principal, csrf: Option<String>) -> Self {
        let granted = |id| if who.may_write(id) { Permission::Write } else { Permission::Read };
        Self {
            id: who.user(),
            name: who.name().to_owned(),
            roles: who.roles().clone(),
            method: AuthMethodView(who.method().as_str()),
            collections: who
                .acl_filter()
                .collections()
                .map(|id| MyGrant { collection_id: id, permission: granted(id) })
                .collect(),
            csrf,
        }
    }
}

/// Signs in and opens a session by cookie.
#[utoipa::path(post, path = "/api/v1/session", operation_id = "sign_in", tag = "identity",
    request_body = SignIn, responses((status = 201, description = "Signed in; the cookie is set", body = Opened)))]
pub(super) async fn create(
    State(state): State<Arc<Service>>,
    extensions: Extensions,
    Body(input): Body<SignIn>,
) -> Result<Response, AppError> {
    let address = gate::address_of(&extensions);
    let (who, session, cookie) = sign_in(&state, address, &input.name, input.password).await?;
    let opened = Opened { csrf: session.csrf, user: Me::of(&who, None) };
    Ok((axum::http::StatusCode::CREATED, [(header::SET_COOKIE, cookie)], Json(opened)).into_response())
}

/// Signs out: ends the session of the cookie.
#[utoipa::path(delete, path = "/api/v1/session", operation_id = "sign_out", tag = "identity",
    responses((status = 204, description = "Signed out")))]
pub(super) async fn delete(State(state): State<Arc<Service>>, caller: Caller) -> Result<Response, AppError> {
    let cookie = sign_out(&state, &caller).await?;
    Ok(([(header::SET_COOKIE, cookie)], no_content()).into_response())
}

/// Says who one is and what one may do where.
#[utoipa::path(get, path = "/api/v1/me", operation_id = "me", tag = "identity",
    responses((status = 200, description = "The caller", body = Me)))]
pub(super) async fn me(caller: Caller) -> Json<Me> {
    Json(Me::of(&caller.principal, caller.session.map(|session| session.csrf)))
}

/// Checks name and password, records it, opens a session; gives its cookie.
pub(super) async fn sign_in(
    state: &Service,
    address: IpAddr,
    name: &str,
    password: SecretString,
) -> Result<(Principal, Session, HeaderValue), AppError> {
    let permit = state.limits.hash_permit().await?;
    let user = identity::check_password(&*state.users, name, password).await?;
    drop(permit);
    let (secret, csrf) = (identity::make_secret(), identity::make_secret());
    let session = Session { secret_hash: identity::hash(&secret), csrf };
    let who = match user {
        Some(user) => {
            let method = AuthMethod::Session(identity::session_id(&session.secret_hash));
            state.users.principal(user, method).await?.map(|who| who.at(address))
        }
        None => None,
    };
    let content = serde_json::json!({ "name": name, "address": address });
    let Some(who) = who else {
        let facts = serde_json::json!({ "method": "password" });
        state.auditor.record(event("auth.failed", None, "failed", facts, Some(content))).await?;
        return Err(AppError::unauthenticated("wrong_password", "name or password is wrong"));
    };
    let facts = serde_json::json!({ "method": "password" });
    let login = event("auth.login", Some(&who), "done", facts, Some(content));
    if who.has(Role::Auditor) {
        // Somebody has to see what is wrong with a doubted log.
        state.auditor.record_unless_doubted(login).await?;
    } else {
        state.auditor.record(login).await?;
    }
    let lifetime = Duration::from_secs(state.config.http.session_hours * 3600);
    let expires_at = OffsetDateTime::now_utc() + lifetime;
    state.credentials.open_session(&session.secret_hash, &session.csrf, who.user(), expires_at).await?;
    let cookie = cookies::write(&secret, lifetime, &state.config.http.public_url);
    Ok((who, session, cookie))
}

/// Records it, ends the session; gives the cookie that takes the cookie back.
pub(super) async fn sign_out(state: &Service, caller: &Caller) -> Result<HeaderValue, AppError> {
    let Some(session) = &caller.session else {
        return Err(AppError::invalid("no_session", "you are signed in by a key, not by a session"));
    };
    // Ended first: that a session ends may not depend on the log.
    state.credentials.close_session(&session.secret_hash).await?;
    let facts = serde_json::json!({});
    state
        .auditor
        .record_unless_doubted(event("auth.logout", Some(&caller.principal), "done", facts, None))
        .await?;
    Ok(cookies::clear(&state.config.http.public_url))
}

fn event(
    kind: &'static str,
    who: Option<&Principal>,
    outcome: &'static str,
    facts: serde_json::Value,
    content: Option<serde_json::Value>,
) -> Event {
    let actor = who.map(Actor::from);
    Event {
        id: EventId::new(),
        kind,
        reference: None,
        actor,
        documents: Vec::new(),
        outcome: Some(outcome),
        facts,
        content,
    }
}

impl From<IdentityError> for AppError {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Store(error) => error.into(),
            IdentityError::Audit(error) => error.into(),
            IdentityError::Hash(inner) => Self::bug(inner),
        }
    }
}
