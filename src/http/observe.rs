//! The outermost layer: an id, a span, a metric and the security headers for every request. Knows no route.

use crate::http::State as Service;
use axum::extract::MatchedPath;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

/// Names a request in the log and in problems; ours alone, so that no client writes into the log.
#[derive(Clone, Debug)]
pub(super) struct RequestId(Uuid);

impl Default for RequestId {
    fn default() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// For the API; pages bring their own.
const POLICY_OF_THE_API: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";

/// For pages: our own origin alone, no inline script or style.
const POLICY_OF_PAGES: &str = "default-src 'self'; img-src 'self'; style-src 'self'; \
     script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY_OF_THE_API),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Gives the request its id and span, counts it, and puts the security headers on the response.
pub(super) async fn request(State(state): State<Arc<Service>>, mut request: Request, next: Next) -> Response {
    let id = RequestId::default();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let span = tracing::info_span!("request", request.id = %id, http.method = %method, http.route = %route);
    request.extensions_mut().insert(id.clone());
    let begin = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let elapsed = begin.elapsed();
    let status = response.status().as_u16();
    let labels = [("method", label(&method)), ("route", route), ("status", status.to_string())];
    metrics::counter!("docent_http_requests_total", &labels).increment(1);
    metrics::histogram!("docent_http_request_seconds", &labels[..2]).record(elapsed.as_secs_f64());
    span.in_scope(|| {
        tracing::info!(http.status = status, elapsed_ms = elapsed.as_millis(), "request answered");
    });
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if state.config.http.public_url.starts_with("https://") {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    let id = HeaderValue::from_str(&id.to_string()).expect("a UUID is ASCII");
    headers.insert(REQUEST_ID.clone(), id);
    response
}

/// The headers that a page needs otherwise than the API. With `no-referrer` a browser would send `Origin: null` with
/// the page's own forms, which then look like another site's (Fetch standard, "append a request `Origin` header").
pub(super) fn dress_page(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY_OF_PAGES));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
}

/// A client may send any word as its method; a metric takes only the known ones.
fn label(method: &axum::http::Method) -> String {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.iter().find(|name| **name == method.as_str()).map_or("other", |name| *name).to_owned()
}
