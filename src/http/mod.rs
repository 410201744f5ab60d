//! The front door: routes in the order a request meets them. A request passes `observe` (id, span, metrics, security
//! headers), `unread` (what is left of its body), `error::render` (problems become RFC 9457), the panic catcher, `gate`
//! (who may, how often, how long), and then one handler of one resource. Knows no adapter: no SQL, no Qdrant, no engine.

mod answers;
mod audit;
mod auth;
mod authorisation;
mod cited;
mod collections;
mod cookies;
mod documents;
mod error;
mod events;
mod explorer;
mod fingerprint;
mod gate;
mod grants;
mod health;
pub mod idempotency;
pub mod identity;
mod input;
mod jobs;
mod keys;
mod limits;
mod observe;
mod openapi;
mod outline;
mod pages;
mod params;
mod passages;
mod record;
mod reference;
mod resumable;
mod retention;
mod search;
mod sessions;
mod unread;
mod upload;
mod users;
mod versions;
mod view;
mod webhooks;

use crate::answer::Answering;
use crate::audit::Auditor;
use crate::config::Config;
use crate::http::limits::Limits;
use crate::ingest::Ingest;
use crate::ports::Answers;
use crate::ports::Blobs;
use crate::ports::Collections;
use crate::ports::Credentials;
use crate::ports::Documents;
use crate::ports::Histories;
use crate::ports::IdempotencyKeys;
use crate::ports::JobControl;
use crate::ports::Jobs;
use crate::ports::Outlines;
use crate::ports::SavedViews;
use crate::ports::Users;
use crate::ports::VectorIndex;
use crate::ports::Webhooks;
use crate::webhooks::Announcing;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::middleware::from_fn_with_state;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What the front door works with; `app.rs` fills it.
pub struct Parts {
    pub config: Arc<Config>,
    pub ingest: Arc<Ingest>,
    pub answering: Arc<Answering>,
    pub auditor: Auditor,
    pub collections: Arc<dyn Collections>,
    pub documents: Arc<dyn Documents>,
    pub outlines: Arc<dyn Outlines>,
    pub histories: Arc<dyn Histories>,
    pub jobs: Arc<dyn Jobs>,
    pub job_control: Arc<dyn JobControl>,
    pub answers: Arc<dyn Answers>,
    pub idempotency: Arc<dyn IdempotencyKeys>,
    pub users: Arc<dyn Users>,
    pub credentials: Arc<dyn Credentials>,
    pub webhooks: Arc<dyn Webhooks>,
    pub saved_views: Arc<dyn SavedViews>,
    pub announcing: Arc<Announcing>,
    /// Asked for its health only.
    pub index: Arc<dyn VectorIndex>,
    /// Asked for their health only.
    pub blobs: Arc<dyn Blobs>,
    pub metrics: PrometheusHandle,
    /// False while the models load: `/readyz` says so, and questions get 503.
    pub models_ready: Arc<AtomicBool>,
    /// Acts run on here, so that a client that leaves does not leave them half done.
    pub tasks: TaskTracker,
    /// The service is stopping: event streams of jobs end.
    pub stop: CancellationToken,
}

/// What every handler is given.
pub struct State {
    parts: Parts,
    limits: Limits,
    probe: health::Probe,
}

impl State {
    pub fn new(parts: Parts) -> Arc<Self> {
        let limits = Limits::new(&parts.config.http);
        Arc::new(Self { parts, limits, probe: health::Probe::default() })
    }
}

impl std::ops::Deref for State {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

/// The whole front door. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: sign-in limits and
/// `/metrics` look at the peer's address.
pub fn router(state: Arc<State>) -> Router {
    let http = &state.config.http;
    let (api, _) = routes_of_the_api(http.max_body_bytes, http.max_upload_bytes).split_for_parts();
    let pages = pages::router().layer(DefaultBodyLimit::max(http.max_body_bytes));
    api.merge(pages)
        .fallback(gate::nowhere)
        .layer(from_fn_with_state(Arc::clone(&state), gate::pass))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(from_fn(error::render))
        .layer(from_fn_with_state(Arc::clone(&state), unread::discard))
        .layer(from_fn_with_state(Arc::clone(&state), observe::request))
        .with_state(state)
}

/// Routes and their documentation are one list.
fn routes_of_the_api(max_body_bytes: usize, max_upload_bytes: usize) -> OpenApiRouter<Arc<State>> {
    let uploads = OpenApiRouter::with_openapi(openapi::about())
        .routes(routes!(documents::upload, documents::list))
        .routes(routes!(documents::upload_version, versions::list))
        // `upload` counts; twice as much is read so that a client that sends too much hears so.
        .layer(DefaultBodyLimit::max(max_upload_bytes.saturating_mul(2)));
    let resumable = OpenApiRouter::new()
        .routes(routes!(resumable::options, resumable::create))
        .routes(routes!(resumable::show, resumable::head, resumable::append, resumable::delete))
        .layer(from_fn(resumable::speak));
    let others = OpenApiRouter::new()
        .routes(routes!(sessions::create, sessions::delete))
        .routes(routes!(sessions::me))
        .routes(routes!(users::create, users::list))
        .routes(routes!(keys::create, keys::list))
        .routes(routes!(keys::revoke))
        .routes(routes!(collections::create, collections::list))
        .routes(routes!(collections::show))
        .routes(routes!(grants::list))
        .routes(routes!(grants::put, grants::delete))
        .routes(routes!(documents::show, documents::delete))
        .routes(routes!(documents::content))
        .routes(routes!(documents::pages))
        .routes(routes!(documents::page))
        .routes(routes!(documents::page_image))
        .routes(routes!(view::page_view))
        .routes(routes!(outline::show))
        .routes(routes!(outline::clause))
        .routes(routes!(versions::similar))
        .routes(routes!(versions::show_diff))
        .routes(routes!(passages::show))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::show))
        .routes(routes!(jobs::stop))
        .routes(routes!(jobs::retry))
        .routes(routes!(jobs::events))
        .routes(routes!(search::search))
        .routes(routes!(answers::create))
        .routes(routes!(answers::show))
        .routes(routes!(answers::receipt))
        .routes(routes!(answers::replay))
        .routes(routes!(webhooks::create, webhooks::list))
        .routes(routes!(webhooks::delete))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
        .routes(routes!(openapi::document))
        .routes(routes!(reference::page))
        .layer(DefaultBodyLimit::max(max_body_bytes));
    let audit = routes_of_the_log().layer(DefaultBodyLimit::max(max_body_bytes));
    uploads.merge(resumable).merge(others).merge(audit)
}

fn routes_of_the_log() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(explorer::list))
        .routes(routes!(explorer::selection))
        .routes(routes!(explorer::table))
        .routes(routes!(explorer::review))
        .routes(routes!(audit::show))
        .routes(routes!(audit::receipt))
        .routes(routes!(audit::disclosure))
        .routes(routes!(cited::image))
        .routes(routes!(cited::page_view))
        .routes(routes!(audit::checkpoint))
        .routes(routes!(audit::key))
        .routes(routes!(audit::status))
        .routes(routes!(audit::export))
        .routes(routes!(audit::verify))
        .routes(routes!(retention::ask, retention::erasures))
        .routes(routes!(retention::erasure))
        .routes(routes!(retention::approve))
        .routes(routes!(retention::refuse))
        .routes(routes!(retention::hold, retention::holds))
        .routes(routes!(retention::lift))
}
