//! Every refusal as problem+json (RFC 9457): modules say whose fault it is, this file alone says which status. What is
//! inside a 5xx goes to the log, never to the client. Knows no module's errors beyond their seams.

use crate::answer::AnswerError;
use crate::audit::AuditError;
use crate::domain::Fault;
use crate::domain::Faulty;
use crate::http::observe::RequestId;
use crate::http::record::ActError;
use crate::ingest::IngestError;
use crate::ports::StoreError;
use crate::webhooks::AddressError;
use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Serialize;
use std::any::Any;
use std::borrow::Cow;
use std::time::Duration;

/// A problem as clients read it (RFC 9457).
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Problem {
    /// Always `about:blank`: `code` tells problems apart.
    #[schema(example = "about:blank")]
    r#type: &'static str,
    /// The status in words.
    pub(super) title: &'static str,
    /// The HTTP status.
    status: u16,
    /// For a person.
    pub(super) detail: String,
    /// The path that was asked for.
    instance: String,
    /// Stable, for programs.
    #[schema(value_type = String)]
    code: Cow<'static, str>,
    /// Name it when you report the problem: the log has it.
    pub(super) request_id: String,
    /// Each fault of the input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<InputFault>,
    /// Which file of an upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_name: Option<String>,
}

impl Problem {
    /// The same, of one file of an upload; of no file when the name is empty.
    pub(super) fn about_file(self, name: String) -> Self {
        Self { file_name: Some(name).filter(|name| !name.is_empty()), ..self }
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct InputFault {
    /// Which field or parameter.
    pub(super) field: String,
    /// What is wrong with it.
    pub(super) detail: String,
}

/// Which request a problem belongs to.
#[derive(Clone, Debug)]
pub(super) struct Occasion {
    pub(super) request_id: RequestId,
    pub(super) path: String,
}

/// Why a request is refused.
#[derive(Clone, Debug)]
pub(super) struct AppError {
    pub(super) status: StatusCode,
    pub(super) code: Cow<'static, str>,
    /// For a person.
    pub(super) detail: String,
    errors: Box<[InputFault]>,
    retry_after: Option<Duration>,
    allow: Option<Box<str>>,
    /// For the log alone.
    inner: Option<Box<str>>,
}

impl AppError {
    pub(super) fn new(fault: Fault, code: &'static str, detail: impl Into<String>) -> Self {
        let (status, retry_after) = status_of(fault);
        Self {
            status,
            code: code.into(),
            detail: detail.into(),
            errors: Box::default(),
            retry_after,
            allow: None,
            inner: None,
        }
    }

    /// The request makes no sense as it is.
    pub(super) fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Fault::Invalid, code, detail)
    }

    /// Each of these fields is wrong.
    pub(super) fn input(errors: Vec<InputFault>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("`{}`: {}", one.field, one.detail),
            several => format!("{} faults, see `errors`", several.len()),
        };
        Self { errors: errors.into_boxed_slice(), ..Self::invalid("invalid_input", detail) }
    }

    /// Not there, or not for this caller.
    pub(super) fn missing(what: &str) -> Self {
        Self::new(Fault::Missing, "not_found", format!("no such {what}, or not for you"))
    }

    /// There, but not for this.
    pub(super) fn denied(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Fault::Denied, code, detail)
    }

    /// Nobody said who asks, or not believably.
    pub(super) fn unauthenticated(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Fault::Unauthenticated, code, detail)
    }

    /// A kind of body that is not taken.
    pub(super) fn unsupported(detail: impl Into<String>) -> Self {
        Self::new(Fault::Unsupported, "unsupported_media_type", detail)
    }

    /// The client was too slow with its body.
    pub(super) fn slow_body() -> Self {
        let invalid = Self::invalid("slow_body", "the body did not arrive in time");
        Self { status: StatusCode::REQUEST_TIMEOUT, ..invalid }
    }

    /// The same refusal again.
    pub(super) fn again(status: StatusCode, code: String, detail: String) -> Self {
        Self { status, code: code.into(), ..Self::invalid("", detail) }
    }

    /// The same, with another status than its fault has.
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The same, with a word on when to come again.
    pub(super) fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// Whether the same request is refused whenever it comes.
    pub(super) fn is_final(&self) -> bool {
        self.status.is_client_error()
            && self.status != StatusCode::REQUEST_TIMEOUT
            && self.retry_after.is_none()
    }

    /// The service took too long.
    pub(super) fn deadline() -> Self {
        let fault = Fault::Unavailable { retry_after: Duration::from_secs(5) };
        Self::new(fault, "deadline_exceeded", "this took longer than a request may take")
    }

    /// The path is there, not the method.
    pub(super) fn method_not_allowed(allow: String) -> Self {
        let invalid = Self::invalid("method_not_allowed", format!("this path takes {allow}"));
        Self { status: StatusCode::METHOD_NOT_ALLOWED, allow: Some(allow.into()), ..invalid }
    }

    /// The refusal of several files: the first one's, and where there are more, what is wrong with each.
    pub(super) fn of_files(refused: Vec<(String, Self)>) -> Self {
        let fault = |(file_name, error): &(String, Self)| InputFault {
            field: file_name.clone(),
            detail: error.detail.clone(),
        };
        let errors = if refused.len() > 1 { refused.iter().map(fault).collect() } else { Box::default() };
        let first = refused.into_iter().next().map(|(_, error)| error);
        Self { errors, ..first.unwrap_or_else(|| Self::bug("an upload had neither outcome")) }
    }

    /// A bug of ours; `inner` goes to the log.
    pub(super) fn bug(inner: impl Into<Box<str>>) -> Self {
        let detail = "something failed on our side; the log has it under this request id";
        Self { inner: Some(inner.into()), ..Self::new(Fault::Ours, "internal_error", detail) }
    }

    /// The body for a client; logs what is inside, so call it once.
    pub(super) fn problem(&self, occasion: &Occasion) -> Problem {
        if let Some(inner) = &self.inner {
            tracing::error!(request.id = %occasion.request_id, code = %self.code, error = inner, "request failed");
        }
        Problem {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            instance: occasion.path.clone(),
            code: self.code.clone(),
            request_id: occasion.request_id.to_string(),
            errors: self.errors.to_vec(),
            file_name: None,
        }
    }

    fn of(error: &dyn Faulty) -> Self {
        match error.fault() {
            Fault::Ours => Self { code: error.code().into(), ..Self::bug(chain(error)) },
            fault @ Fault::Unavailable { .. } => {
                let detail = "a part this needs does not answer right now; try again soon";
                Self { inner: Some(chain(error).into()), ..Self::new(fault, error.code(), detail) }
            }
            fault @ (Fault::Invalid
            | Fault::Unauthenticated
            | Fault::Denied
            | Fault::Missing
            | Fault::Conflict
            | Fault::Locked { .. }
            | Fault::TooLarge
            | Fault::Unsupported
            | Fault::TooMany { .. }
            | Fault::Overload { .. }) => Self::new(fault, error.code(), error.to_string()),
        }
    }
}

/// The only place where a fault becomes a status.
const fn status_of(fault: Fault) -> (StatusCode, Option<Duration>) {
    match fault {
        Fault::Invalid => (StatusCode::BAD_REQUEST, None),
        Fault::Unauthenticated => (StatusCode::UNAUTHORIZED, None),
        Fault::Denied => (StatusCode::FORBIDDEN, None),
        Fault::Missing => (StatusCode::NOT_FOUND, None),
        Fault::Conflict => (StatusCode::CONFLICT, None),
        Fault::Locked { retry_after } => (StatusCode::LOCKED, Some(retry_after)),
        Fault::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, None),
        Fault::Unsupported => (StatusCode::UNSUPPORTED_MEDIA_TYPE, None),
        Fault::TooMany { retry_after } => (StatusCode::TOO_MANY_REQUESTS, Some(retry_after)),
        Fault::Overload { retry_after } | Fault::Unavailable { retry_after } => {
            (StatusCode::SERVICE_UNAVAILABLE, Some(retry_after))
        }
        Fault::Ours => (StatusCode::INTERNAL_SERVER_ERROR, None),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

impl From<IngestError> for AppError {
    fn from(error: IngestError) -> Self {
        Self::of(&error)
    }
}

impl From<AnswerError> for AppError {
    fn from(error: AnswerError) -> Self {
        Self::of(&error)
    }
}

impl From<AuditError> for AppError {
    fn from(error: AuditError) -> Self {
        Self::of(&error)
    }
}

impl From<AddressError> for AppError {
    fn from(error: AddressError) -> Self {
        Self::of(&error)
    }
}

impl From<ActError> for AppError {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Audit(error) => error.into(),
            ActError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        let retry_after = Duration::from_secs(2);
        match &error {
            StoreError::Unavailable { .. } => {
                let detail = "a part this needs does not answer right now; try again soon";
                let fault = Fault::Unavailable { retry_after };
                Self { inner: Some(chain(&error).into()), ..Self::new(fault, "store_unavailable", detail) }
            }
            StoreError::Conflict { .. } => Self::new(Fault::Conflict, "already_there", error.to_string()),
            StoreError::Missing { .. } => Self::new(Fault::Missing, "not_found", error.to_string()),
            StoreError::Corrupt { .. } => Self::bug(chain(&error)),
        }
    }
}

impl IntoResponse for AppError {
    /// The body is written by [`render`], which knows the request.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Turns a panic of a handler into a 500.
#[expect(clippy::needless_pass_by_value, reason = "the layer gives the box away")]
pub(super) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    AppError::bug(format!("a handler panicked: {}", text.unwrap_or_default())).into_response()
}

/// Writes the body of every refusal, also of those that axum made itself.
pub(super) async fn render(request: Request, next: Next) -> Response {
    let request_id = request.extensions().get::<RequestId>().cloned();
    let path = request.uri().path().to_owned();
    let occasion = Occasion { request_id: request_id.unwrap_or_default(), path };
    let mut response = next.run(request).await;
    if let Some(error) = response.extensions_mut().remove::<AppError>() {
        let mut refusal = written(&error, &occasion);
        for (name, value) in response.headers() {
            refusal.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        return refusal;
    }
    let status = response.status();
    let already = response.headers().get(header::CONTENT_TYPE).is_some_and(is_ours);
    if already || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let inner = (status.is_server_error()).then(|| "a response without a problem".into());
    let bare = AppError { status, inner, ..AppError::invalid(code_of(status), "the request was refused") };
    written(&bare, &occasion)
}

/// What a handler wrote on purpose: a problem, `/readyz`, or a page for a person.
fn is_ours(content_type: &HeaderValue) -> bool {
    let ours: [&[u8]; 3] = [b"application/problem+json", b"application/json", b"text/html"];
    ours.iter().any(|kind| content_type.as_bytes().starts_with(kind))
}

fn code_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        status if status.is_server_error() => "internal_error",
        _ => "invalid_request",
    }
}

fn written(error: &AppError, occasion: &Occasion) -> Response {
    let mut response = (error.status, Json(error.problem(occasion))).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if error.status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"docent\""));
    }
    if let Some(retry_after) = error.retry_after {
        let seconds = retry_after.as_millis().div_ceil(1000).max(1);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)));
    }
    if let Some(allow) = error.allow.as_deref().and_then(|allow| HeaderValue::from_str(allow).ok()) {
        headers.insert(header::ALLOW, allow);
    }
    response
}

/// An empty answer: 204.
pub(super) fn no_content() -> Response {
    (StatusCode::NO_CONTENT, Body::empty()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use axum::routing::post;
    use serde_json::Value;
    use tower::ServiceExt;

    async fn asked(router: Router, request: Request) -> (Response<()>, Value) {
        let response = router.layer(from_fn(render)).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 10_000).await.unwrap();
        (Response::from_parts(parts, ()), serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn refused(error: AppError) -> (Response<()>, Value) {
        let router = Router::new().route("/a", get(async move || error));
        asked(router, Request::get("/a").body(Body::empty()).unwrap()).await
    }

    #[tokio::test]
    async fn a_refusal_is_a_problem_of_rfc_9457() {
        let (response, body) = refused(AppError::missing("document")).await;

        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        let names: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(names.len(), 7, "{names:?}");
        assert_eq!(body["code"], "not_found");
        assert_eq!(body["title"], "Not Found");
        assert_eq!(body["status"], 404);
        assert_eq!(body["instance"], "/a");
        assert!(body["request_id"].as_str().is_some_and(|id| id.len() == 36), "{body}");
    }

    #[tokio::test]
    async fn what_is_inside_a_failure_of_ours_stays_inside() {
        let store = |detail: &str| StoreError::Corrupt { store: "postgres", detail: detail.to_owned() };
        let gone = StoreError::Unavailable { store: "postgres", detail: "secret.host:5432".to_owned() };

        for (error, status) in [(store("select secret"), 500), (gone, 503)] {
            let (response, body) = refused(error.into()).await;

            assert_eq!(response.status(), status);
            assert!(!body.to_string().contains("secret"), "{body}");
            assert_eq!(response.headers().contains_key(header::RETRY_AFTER), status == 503);
        }
    }

    #[tokio::test]
    async fn every_fault_has_its_status_and_waits_are_said_in_whole_seconds() {
        let retry_after = Duration::from_millis(1200);
        let check = [
            (Fault::Invalid, 400),
            (Fault::Unauthenticated, 401),
            (Fault::Denied, 403),
            (Fault::Missing, 404),
            (Fault::Conflict, 409),
            (Fault::TooLarge, 413),
            (Fault::Unsupported, 415),
            (Fault::TooMany { retry_after }, 429),
            (Fault::Overload { retry_after }, 503),
            (Fault::Unavailable { retry_after }, 503),
            (Fault::Ours, 500),
        ];
        for (fault, status) in check {
            let (response, _) = refused(AppError::new(fault, "code", "detail")).await;

            assert_eq!(response.status(), status, "{fault:?}");
            if let Some(wait) = response.headers().get(header::RETRY_AFTER) {
                assert_eq!(wait, "2");
            }
            assert_eq!(response.headers().contains_key(header::WWW_AUTHENTICATE), status == 401);
        }
    }

    #[tokio::test]
    async fn refusals_that_axum_makes_are_problems_too() {
        let router = Router::new().route("/a", post(async |_: Json<Value>| ()));
        let request = Request::post("/a").body(Body::from("x")).unwrap();

        let (response, body) = asked(router, request).await;

        assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(body["code"], "unsupported_media_type");
    }

    #[tokio::test]
    async fn a_panic_is_a_500_and_does_not_say_what_broke() {
        let catcher = tower_http::catch_panic::CatchPanicLayer::custom(panicked);
        let handler = async || -> () { panic!("index 7 of secret") };
        let router = Router::new().route("/a", get(handler)).layer(catcher);

        let (response, body) = asked(router, Request::get("/a").body(Body::empty()).unwrap()).await;

        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!body.to_string().contains("secret"), "{body}");
    }
}
