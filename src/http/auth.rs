//! Who asks: a bearer key or a session's cookie becomes a `Principal`; no handler reads a header. Knows no route.

use crate::domain::AuthMethod;
use crate::domain::Principal;
use crate::http::State as Service;
use crate::http::cookies;
use crate::http::error::AppError;
use crate::http::identity;
use axum::Form;
use axum::body::Body;
use axum::extract::FromRequest;
use axum::extract::FromRequestParts;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header;
use axum::http::request::Parts;
use serde::Deserialize;
use subtle::ConstantTimeEq;

/// Who asks, and by which session if by one. The gate puts it into the request.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) principal: Principal,
    pub(super) session: Option<Session>,
}

/// A signed-in browser.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) secret_hash: [u8; 32],
    /// What its unsafe requests must carry.
    pub(super) csrf: String,
}

/// The caller of a handler that is not public.
pub(super) struct Authenticated(pub(super) Principal);

impl<S: Send + Sync> FromRequestParts<S> for Authenticated {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        Caller::from_request_parts(parts, state).await.map(|caller| Self(caller.principal))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, AppError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(not_signed_in)
    }
}

/// The refusal of a request that needs a caller and has none.
pub(super) fn not_signed_in() -> AppError {
    AppError::unauthenticated(
        "not_signed_in",
        "send `Authorization: Bearer dk_…`, or sign in at `/api/v1/session`",
    )
}

/// Finds out who asks. A header that names nobody is an error; a cookie whose session is over is as no cookie.
pub(super) async fn authenticate(state: &Service, headers: &HeaderMap) -> Result<Option<Caller>, AppError> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let key = bearer_key(value.as_bytes()).ok_or_else(invalid_key)?;
        let (key, owner) =
            state.credentials.key_owner(&identity::hash(key)).await?.ok_or_else(invalid_key)?;
        let principal = state.users.principal(owner, AuthMethod::ApiKey(key)).await?;
        let principal = principal.ok_or_else(invalid_key)?;
        return Ok(Some(Caller { principal, session: None }));
    }
    let Some(secret) = cookies::read(headers, &state.config.http.public_url) else { return Ok(None) };
    if !identity::is_secret(secret) {
        return Ok(None);
    }
    let secret_hash = identity::hash(secret);
    let Some((user, csrf)) = state.credentials.session(&secret_hash).await? else { return Ok(None) };
    let method = AuthMethod::Session(identity::session_id(&secret_hash));
    let principal = state.users.principal(user, method).await?;
    Ok(principal.map(|principal| Caller { principal, session: Some(Session { secret_hash, csrf }) }))
}

fn invalid_key() -> AppError {
    AppError::unauthenticated(
        "invalid_key",
        "this is no valid API key; keys look like `dk_…` after `Bearer `",
    )
}

/// The key of an `Authorization` header (RFC 6750 §2.1), if it has the form of one.
fn bearer_key(value: &[u8]) -> Option<&str> {
    let (scheme, key) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && identity::is_key(key)).then_some(key)
}

/// Checks that an unsafe request of a browser was meant: no other site sent it (`Origin`, `Sec-Fetch-Site`), and with a
/// session it carries the session's secret in `X-CSRF-Token` or, as a plain form, in the field `csrf`. Programs send no
/// `Origin`, so its absence is no fault: a cookie alone is still not enough.
pub(super) async fn check_intent(
    state: &Service,
    session: Option<&Session>,
    request: Request,
) -> Result<Request, AppError> {
    if !same_origin(request.headers(), &state.config.http.public_url) {
        return Err(AppError::denied("cross_site", "another site sent this request"));
    }
    let Some(session) = session else { return Ok(request) };
    let (sent, request) = sent_csrf(request, state.config.http.max_body_bytes).await?;
    if bool::from(sent.as_bytes().ct_eq(session.csrf.as_bytes())) {
        Ok(request)
    } else {
        Err(AppError::denied("csrf", "`X-CSRF-Token` does not have the secret of this session"))
    }
}

#[derive(Deserialize)]
struct CsrfField {
    csrf: String,
}

async fn sent_csrf(request: Request, max_body_bytes: usize) -> Result<(String, Request), AppError> {
    if let Some(token) = request.headers().get("x-csrf-token") {
        return Ok((token.to_str().unwrap_or_default().to_owned(), request));
    }
    let form = request.headers().get(header::CONTENT_TYPE).is_some_and(|kind| {
        kind.as_bytes().to_ascii_lowercase().starts_with(b"application/x-www-form-urlencoded")
    });
    if !form {
        return Ok((String::new(), request));
    }
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, max_body_bytes)
        .await
        .map_err(|_| AppError::new(crate::domain::Fault::TooLarge, "too_large", "the form is too large"))?;
    let copy = Request::from_parts(parts.clone(), Body::from(bytes.clone()));
    let field = Form::<CsrfField>::from_request(copy, &()).await.map(|Form(field)| field.csrf);
    Ok((field.unwrap_or_default(), Request::from_parts(parts, Body::from(bytes))))
}

fn same_origin(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("invalid"));
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else { return true };
    let host = origin.split_once("://").map(|(_, host)| host);
    origin == public_url || (host.is_some() && host == text("host"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;
    use axum::http::HeaderValue;

    const KEY: &str = "dk_0123456789abcdefghijABCDEFGHIJ0123456789abc";

    #[test]
    fn a_bearer_key_is_read_whatever_the_case_of_its_scheme() {
        for header in [format!("Bearer {KEY}"), format!("bearer {KEY}"), format!("BEARER  {KEY} ")] {
            assert_eq!(bearer_key(header.as_bytes()), Some(KEY), "{header}");
        }
    }

    #[test]
    fn what_is_no_key_is_never_looked_up() {
        let long = format!("Bearer dk_{}", "a".repeat(500));
        for header in
            ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer sk_0123456789abcdefghij", KEY, &long]
        {
            assert_eq!(bearer_key(header.as_bytes()), None, "{header}");
        }
        assert_eq!(bearer_key(b"Bearer dk_\xff\xfe0123456789abcdefghij"), None);
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn another_site_is_turned_away_and_a_program_is_not() {
        let url = "http://127.0.0.1:8080";
        let check = |pairs, expected| assert_eq!(same_origin(&headers(pairs), url), expected, "{pairs:?}");

        check(&[], true);
        check(&[("sec-fetch-site", "same-origin")], true);
        check(&[("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:8080")], false);
        check(&[("sec-fetch-site", "same-site")], false);
        check(&[("origin", "http://127.0.0.1:8080")], true);
        check(&[("origin", "http://localhost:8080"), ("host", "localhost:8080")], true);
        check(&[("origin", "https://evil.example"), ("host", "localhost:8080")], false);
        check(&[("origin", "null"), ("host", "localhost:8080")], false);
    }
}
