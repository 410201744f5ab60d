//! A receiver of webhooks on the loopback: keeps what comes and answers as it was told.

use crate::support::app::eventually;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Listens until dropped.
pub(crate) struct Receiver {
    url: String,
    kept: Arc<Kept>,
    task: JoinHandle<()>,
}

/// A message as it came.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) timestamp: String,
    pub(crate) signature: String,
    pub(crate) text: String,
    pub(crate) json: Value,
}

#[derive(Default)]
struct Kept {
    answers: Mutex<VecDeque<u16>>,
    location: Mutex<String>,
    messages: Mutex<Vec<Message>>,
}

impl Receiver {
    /// Answers with these, then with 204 for ever.
    pub(crate) async fn start(answers: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let kept =
            Arc::new(Kept { answers: Mutex::new(answers.iter().copied().collect()), ..Kept::default() });
        let router = Router::new().fallback(take).with_state(Arc::clone(&kept));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, kept, task }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// As `webhooks.allowed_hosts` has it.
    pub(crate) fn host(&self) -> &str {
        self.url.strip_prefix("http://").unwrap().strip_suffix("/hook").unwrap()
    }

    /// Where its redirects lead.
    pub(crate) fn redirect_to(&self, url: &str) {
        url.clone_into(&mut self.kept.location.lock().unwrap());
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        self.kept.messages.lock().unwrap().clone()
    }

    pub(crate) async fn wait_for(&self, count: usize) {
        eventually("the messages have come", || async { (self.messages().len() >= count).then_some(()) })
            .await;
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(State(kept): State<Arc<Kept>>, headers: HeaderMap, body: Bytes) -> Response {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let message = Message {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        json: serde_json::from_str(&text).unwrap(),
        text,
    };
    kept.messages.lock().unwrap().push(message);
    let status = kept.answers.lock().unwrap().pop_front().unwrap_or(204);
    let location = kept.location.lock().unwrap().clone();
    (StatusCode::from_u16(status).unwrap(), [(header::LOCATION, location)]).into_response()
}
