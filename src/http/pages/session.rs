//! Signing in and out by plain forms. Knows no password: `sessions` checks it.

use super::sign_in;
use crate::http::State as Service;
use crate::http::auth::Caller;
use crate::http::error::AppError;
use crate::http::gate;
use crate::http::sessions;
use axum::Form;
use axum::extract::Query;
use axum::extract::State;
use axum::http::Extensions;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Redirect;
use axum::response::Response;
use maud::Markup;
use secrecy::SecretString;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(super) struct Credentials {
    name: String,
    password: SecretString,
    #[serde(default)]
    next: String,
}

/// The form.
pub(super) async fn form(Query(wanted): Query<Wanted>) -> Markup {
    sign_in::sign_in(None, &wanted.next)
}

/// Opens a session and goes where one wanted to go; or the form again, with the reason.
pub(super) async fn sign_in(
    State(state): State<Arc<Service>>,
    extensions: Extensions,
    Form(given): Form<Credentials>,
) -> Result<Response, AppError> {
    let fits = given.name.chars().count() <= sessions::MAX_NAME;
    let name = if fits { given.name.as_str() } else { "" };
    match sessions::sign_in(&state, gate::address_of(&extensions), name, given.password).await {
        Ok((_, _, cookie)) => {
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to(within(&given.next))).into_response())
        }
        Err(refused) if refused.status == StatusCode::UNAUTHORIZED => {
            let page = sign_in::sign_in(Some(&refused.detail), &given.next);
            Ok((StatusCode::UNAUTHORIZED, page).into_response())
        }
        Err(error) => Err(error),
    }
}

/// Ends the session.
pub(super) async fn sign_out(
    State(state): State<Arc<Service>>,
    caller: Caller,
) -> Result<Response, AppError> {
    let cookie = sessions::sign_out(&state, &caller).await?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response())
}

/// The path, if it is one of this site; else the first page: a link must not lead away through our sign-in.
fn within(next: &str) -> &str {
    let odd = |c: char| c == '\\' || c.is_control(); // browsers drop control characters before they read an address
    let ours = next.starts_with('/') && !next.starts_with("//") && !next.contains(odd);
    if ours { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_sign_in_one_stays_on_this_site() {
        for (next, expected) in [
            ("/audit?kind=x", "/audit?kind=x"),
            ("", "/"),
            ("//evil.example", "/"),
            ("https://evil.example", "/"),
            ("/\\evil", "/"),
            ("/\t/evil.example", "/"),
        ] {
            assert_eq!(within(next), expected);
        }
    }
}
