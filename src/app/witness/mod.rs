//! `docent witness`: a witness for whoever does not want to trust the log's operators, on a machine of theirs. It remembers
//! of each log the newest checkpoint that it signed, in a file, and signs another only when that log did nothing but grow
//! (C2SP `tlog-witness`). Needs no database, no model and no other part of Docent. Knows no record.

mod memory;

use crate::app::witness::memory::Memory;
use anyhow::Context;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use ledger::Policy;
use ledger::Refusal;
use ledger::SignerKey;
use ledger::Submission;
use ledger::VerifierKey;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tower_http::timeout::TimeoutLayer;

/// A checkpoint with all its signatures and the longest proof is much shorter.
const MAX_SUBMISSION: usize = 512 * 1024;
const DEADLINE: Duration = Duration::from_secs(10);

/// What to witness.
#[derive(Debug)]
pub struct Watch {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its folder: its own key, and what it saw of each log.
    pub state: PathBuf,
    /// The name of its key, such as `compliance.example/w1`.
    pub name: String,
    /// The logs' public keys.
    pub logs: Vec<String>,
}

/// A witness that runs.
pub struct Witness {
    /// What checks its signatures.
    pub key: String,
    /// Where it listens.
    pub address: SocketAddr,
    listener: TcpListener,
    router: Router,
}

struct Desk {
    key: SignerKey,
    logs: Policy,
    /// One submission at a time: two of one log must not be looked at at once.
    memory: Mutex<Memory>,
}

/// Takes its folder and its address.
///
/// # Errors
/// When a key cannot be read, or folder or address cannot be used.
pub async fn start(watch: Watch) -> anyhow::Result<Witness> {
    let memory = Memory::open(&watch.state)?;
    let key = memory.key(&watch.name)?;
    let verifier = key.verifier().to_string();
    let desk = Desk { key, logs: logs(&watch.logs)?, memory: Mutex::new(memory) };
    let listener = TcpListener::bind(watch.listen)
        .await
        .with_context(|| format!("cannot listen on {}: choose another --listen", watch.listen))?;
    let router = Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/key", get(key_text))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, DEADLINE))
        .layer(DefaultBodyLimit::max(MAX_SUBMISSION))
        .with_state(Arc::new(desk));
    Ok(Witness { key: verifier, address: listener.local_addr()?, listener, router })
}

impl Witness {
    /// Serves until `stop` is ready.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
        axum::serve(self.listener, self.router).with_graceful_shutdown(stop).await?;
        Ok(())
    }
}

fn logs(keys: &[String]) -> anyhow::Result<Policy> {
    let mut logs: Option<Policy> = None;
    for text in keys {
        let key = VerifierKey::parse(text.trim()).with_context(|| format!("the log's key `{text}`"))?;
        logs = Some(match logs {
            None => Policy::of_log(key),
            Some(logs) => logs.and_log(key),
        }?);
    }
    logs.context("no log to witness: name its key with --log")
}

async fn add_checkpoint(State(desk): State<Arc<Desk>>, body: String) -> Response {
    let submission = match Submission::parse(&body) {
        Ok(submission) => submission,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let checkpoint = submission.checkpoint().checkpoint();
    let (origin, head) = (checkpoint.origin().to_owned(), *checkpoint.head());
    let memory = desk.memory.lock().await;
    let seen = match memory.seen(&origin, &desk.logs) {
        Ok(seen) => seen,
        Err(error) => return broken(&error),
    };
    match ledger::cosign(&submission, seen, &desk.logs, &desk.key, now()) {
        Ok(signature) => {
            let signed = submission.checkpoint().clone().with(signature.clone());
            if let Err(error) = memory.keep(&origin, &signed.to_string()) {
                return broken(&error);
            }
            tracing::info!(origin, size = head.size, "signed");
            format!("{signature}\n").into_response()
        }
        Err(refusal) => refused(&origin, head.size, &refusal),
    }
}

fn refused(origin: &str, size: u64, refusal: &Refusal) -> Response {
    tracing::warn!(origin, size, %refusal, "refused");
    let status = match refusal {
        Refusal::Unknown { .. } => StatusCode::NOT_FOUND,
        Refusal::Unsigned => StatusCode::FORBIDDEN,
        Refusal::Backwards => StatusCode::BAD_REQUEST,
        Refusal::Inconsistent => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Stale { size } => {
            let headers = [(header::CONTENT_TYPE, "text/x.tlog.size")];
            return (StatusCode::CONFLICT, headers, format!("{size}\n")).into_response();
        }
    };
    (status, format!("{refusal}\n")).into_response()
}

fn broken(error: &anyhow::Error) -> Response {
    tracing::error!(error = format!("{error:#}"), "the witness's memory cannot be used: nothing is signed");
    (StatusCode::INTERNAL_SERVER_ERROR, "the witness's memory cannot be used\n").into_response()
}

async fn key_text(State(desk): State<Arc<Desk>>) -> String {
    format!("{}\n", desk.key.verifier())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
