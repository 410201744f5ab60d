//! Uploads that a client may send twice under one key (`Idempotency-Key`, IETF draft-ietf-httpapi-idempotency-key-header):
//! the first is done and its answer kept; the same again gets that answer, another request under the key is refused, and
//! one that comes while the first is under way is told to come again. Keys are their user's alone. Knows no file.

use crate::domain::Fault;
use crate::domain::HolderId;
use crate::domain::Principal;
use crate::http::State as Service;
use crate::http::error::AppError;
use crate::http::error::Occasion;
use crate::http::upload;
use crate::http::upload::Destination;
use crate::http::upload::Form;
use crate::http::upload::Handling;
use crate::ports::Claimed;
use crate::ports::IdempotencyKeys;
use crate::ports::KeptAnswer;
use crate::ports::KeyOf;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

static KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest key, in characters.
const MAX_KEY: usize = 255;
/// A request that says nothing for this long has lost its key.
const LEASE: Duration = Duration::from_secs(20);
/// A request says this often that it is there.
const BEAT: Duration = Duration::from_secs(5);
/// When to try again a key whose first request is under way.
const UNDER_WAY_RETRY: Duration = Duration::from_secs(2);
/// How often old keys are looked for.
const SWEEP: Duration = Duration::from_mins(10);

/// Takes a form, once for each key.
pub(super) async fn upload(
    state: &Service,
    who: &Principal,
    to: Destination,
    occasion: &Occasion,
    form: Form<'_>,
) -> Result<Response, AppError> {
    let Some(key) = key_of(form.headers)? else {
        let received = upload::receive(state, who, to, occasion, form, Handling::Take).await;
        return received.answer.map(IntoResponse::into_response);
    };
    let claim = Claim { of: KeyOf { user: who.user(), key }, holder: HolderId::new() };
    let request = format!("POST {}", occasion.path);
    let keep_for = Duration::from_hours(state.config.uploads.idempotency_hours.into());
    match state.idempotency.claim(&claim.of, &request, claim.holder, LEASE, keep_for).await? {
        Claimed::Fresh => {
            let taking = upload::receive(state, who, to, occasion, form, Handling::TakeAndDigest);
            let received = keeping(state, &claim, taking).await?;
            claim.settle(state, request, received, occasion).await
        }
        Claimed::UnderWay => {
            let detail = "a request with this `Idempotency-Key` is under way; come again for its answer";
            Err(AppError::new(Fault::Conflict, "idempotency_key_in_use", detail).retry_after(UNDER_WAY_RETRY))
        }
        Claimed::Answered(kept) if kept.request == request => {
            let read = upload::receive(state, who, to, occasion, form, Handling::Digest).await;
            match read.fingerprint {
                Some(fingerprint) if fingerprint == kept.fingerprint => Ok(again(kept)),
                Some(_) => Err(reused()),
                None => read.answer.map(IntoResponse::into_response),
            }
        }
        Claimed::Answered(_) => Err(reused()),
    }
}

/// Forgets old answers, until stopped.
pub async fn sweep(keys: Arc<dyn IdempotencyKeys>, stop: CancellationToken) {
    loop {
        if let Err(error) = keys.forget_expired().await {
            tracing::error!(%error, "old answers to keyed requests could not be forgotten");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
    }
}

/// A key that is ours for now.
struct Claim {
    of: KeyOf,
    holder: HolderId,
}

impl Claim {
    /// Keeps the answer, or gives the key up where the same request may end otherwise the next time.
    async fn settle(
        self,
        state: &Service,
        request: String,
        received: upload::Received,
        occasion: &Occasion,
    ) -> Result<Response, AppError> {
        let Some(fingerprint) = received.fingerprint else {
            if let Err(error) = state.idempotency.release(&self.of, self.holder).await {
                tracing::warn!(%error, "an idempotency key stays in use until its lease is over");
            }
            return received.answer.map(IntoResponse::into_response);
        };
        let (status, media_type, body) = match &received.answer {
            Ok((status, answer)) => (*status, "application/json", json(&answer.0)?),
            Err(error) => (error.status, "application/problem+json", json(&error.problem(occasion))?),
        };
        let (status, media_type) = (status.as_u16(), media_type.to_owned());
        let kept = KeptAnswer { request, fingerprint, status, media_type, body };
        state.idempotency.answer(&self.of, self.holder, &kept).await?;
        Ok(written(kept))
    }
}

/// Keeps the claim while the request is under way.
async fn keeping<T>(state: &Service, claim: &Claim, work: impl Future<Output = T>) -> Result<T, AppError> {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            () = tokio::time::sleep(BEAT) => state.idempotency.keep(&claim.of, claim.holder, LEASE).await?,
        }
    }
}

/// The key of a request: a string of visible characters, perhaps in quotes as the draft has it.
fn key_of(headers: &HeaderMap) -> Result<Option<String>, AppError> {
    let mut keys = headers.get_all(&KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let text = key.to_str().unwrap_or_default().trim();
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let fine = (1..=MAX_KEY).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_graphic());
    if fine && keys.next().is_none() {
        return Ok(Some(bare.to_owned()));
    }
    let detail = format!("`Idempotency-Key` takes 1 to {MAX_KEY} visible ASCII characters, once");
    Err(AppError::invalid("invalid_idempotency_key", detail))
}

fn reused() -> AppError {
    let detail = "this `Idempotency-Key` was sent with another request; take a new one";
    AppError::invalid("idempotency_key_reused", detail).with_status(StatusCode::UNPROCESSABLE_ENTITY)
}

fn json(value: &impl Serialize) -> Result<String, AppError> {
    serde_json::to_string(value).map_err(|error| AppError::bug(format!("an answer is no JSON: {error}")))
}

fn written(kept: KeptAnswer) -> Response {
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::ACCEPTED);
    (status, [(header::CONTENT_TYPE, kept.media_type)], kept.body).into_response()
}

fn again(kept: KeptAnswer) -> Response {
    ([(HeaderName::from_static("idempotent-replayed"), "true")], written(kept)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn key(text: &str) -> Result<Option<String>, AppError> {
        key_of(&HeaderMap::from_iter([(KEY.clone(), HeaderValue::from_str(text).unwrap())]))
    }

    #[test]
    fn a_key_is_bounded_and_its_quotes_do_not_matter() {
        assert_eq!(key_of(&HeaderMap::new()).unwrap(), None);
        assert_eq!(key("\"8e03978e\"").unwrap(), key("8e03978e").unwrap());
        assert!(key(&"a".repeat(255)).is_ok());
        for wrong in ["", "\"\"", "two words", &"a".repeat(256)] {
            assert!(key(wrong).is_err(), "{wrong}");
        }
        let twice =
            [(KEY.clone(), HeaderValue::from_static("a")), (KEY.clone(), HeaderValue::from_static("a"))];
        assert!(key_of(&twice.into_iter().collect()).is_err());
    }
}
