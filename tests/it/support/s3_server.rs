//! As much of S3 as docent asks for, on a random port of the loopback: PUT, GET, HEAD and DELETE of whole objects.

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::extract::State;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Serves until dropped.
pub(crate) struct S3TestServer {
    url: String,
    state: Arc<Objects>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Objects {
    stored: Mutex<BTreeMap<String, Bytes>>,
    unsigned: AtomicBool,
    failures: AtomicUsize,
}

impl S3TestServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let state = Arc::new(Objects::default());
        let router = Router::new().fallback(serve).with_state(Arc::clone(&state));
        let task =
            tokio::spawn(async move { axum::serve(listener, router).await.expect("the listener is ours") });
        Self { url, state, task }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Paths of all objects.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.state.stored.lock().expect("no request panics").keys().cloned().collect()
    }

    /// Says whether every request so far carried an AWS signature, version 4.
    pub(crate) fn every_request_was_signed(&self) -> bool {
        !self.state.unsigned.load(Ordering::SeqCst)
    }

    /// The next requests fail as a busy bucket does.
    pub(crate) fn fail_next(&self, requests: usize) {
        self.state.failures.store(requests, Ordering::SeqCst);
    }
}

impl Drop for S3TestServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(State(state): State<Arc<Objects>>, request: Request) -> Response {
    let signature = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if !signature.is_some_and(|signature| signature.starts_with("AWS4-HMAC-SHA256 Credential=an-id/")) {
        state.unsigned.store(true, Ordering::SeqCst);
    }
    if state.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
        return (StatusCode::SERVICE_UNAVAILABLE, "<Error><Code>SlowDown</Code></Error>").into_response();
    }
    let (parts, body) = request.into_parts();
    let key = parts.uri.path().to_owned();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("the client sends what it says");
    let mut objects = state.stored.lock().expect("no request panics");
    let fields = [(header::ETAG, "\"1\""), (header::LAST_MODIFIED, "Mon, 01 Jan 2024 00:00:00 GMT")];
    if parts.method == Method::PUT {
        objects.insert(key, body);
        (fields, "").into_response()
    } else if parts.method == Method::DELETE {
        objects.remove(&key);
        StatusCode::NO_CONTENT.into_response()
    } else {
        match objects.get(&key) {
            Some(bytes) => (fields, bytes.clone()).into_response(),
            None => (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response(),
        }
    }
}
