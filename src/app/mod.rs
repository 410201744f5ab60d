//! The composition root: the only place that names concrete adapters. `start` builds a service from a configuration
//! and two models, in the order in which the parts need each other; `Running` is what can be asked of it until it stops.

pub mod auditing;
pub mod bulk;
mod commands;
mod life;
mod master_key;
mod place;
mod stores;
pub mod witness;

pub use commands::audit;
pub use commands::ingest;
pub use commands::list_models;
pub use commands::migrate;
pub use commands::outline;
pub use commands::pull_models;
pub use commands::read;
pub use commands::serve;
pub use commands::show_config;
pub use commands::verify_models;
pub use commands::witness;
pub use commands::work;

use crate::adapters::models;
use crate::adapters::webhook_client::HttpWebhookClient;
use crate::adapters::witness_client::HttpWitnessClient;
use crate::answer::Answering;
use crate::answer::AnsweringParts;
use crate::app::place::Place;
use crate::app::stores::Stores;
use crate::audit::Auditor;
use crate::audit::AuditorParts;
use crate::audit::ServiceFacts;
use crate::audit::Vault;
use crate::config::Config;
use crate::domain::BootId;
use crate::domain::EventId;
use crate::domain::Lane;
use crate::http;
use crate::http::identity::FirstAdmin;
use crate::ingest::Ingest;
use crate::ingest::IngestParts;
use crate::ports::Embedder;
use crate::ports::Generator;
use crate::ports::Jobs;
use crate::ports::PrefixCache;
use crate::telemetry;
use crate::webhooks::Announcing;
use crate::webhooks::AnnouncingParts;
use anyhow::Context;
use sha2::Digest;
use sha2::Sha256;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What an abandoned question gets to write its outcome.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// The models of a service; several services of one process may share them.
#[derive(Clone)]
pub struct Models {
    pub generator: Arc<dyn Generator>,
    pub embedder: Arc<dyn Embedder>,
    /// Of the generator.
    pub prefixes: Arc<dyn PrefixCache>,
    /// The folder of the one that recognises pages; the child that reads loads it.
    pub recogniser: Option<PathBuf>,
}

impl Models {
    /// Loads the models that the configuration names: seconds to minutes.
    ///
    /// # Errors
    /// A missing or damaged file names the command that mends it.
    pub async fn load(config: &Config) -> anyhow::Result<Self> {
        let config = config.clone();
        let recogniser = models::recogniser(&config)?;
        let (generator, embedder) = tokio::task::spawn_blocking(move || models::start(&config)).await??;
        Ok(Self { prefixes: generator.clone(), generator, embedder, recogniser })
    }
}

/// A service that runs.
pub struct Running {
    /// Where it listens; none for workers alone.
    pub address: Option<SocketAddr>,
    /// Made by this start, to be shown once.
    pub first_admin: Option<FirstAdmin>,
    grace: Duration,
    stop: CancellationToken,
    abandon: CancellationToken,
    tasks: TaskTracker,
    auditor: Auditor,
    appender: JoinHandle<()>,
    /// The event that says so.
    started: EventId,
    stores: Stores,
    /// Held until the end: a second process must not use the same directory.
    place: Place,
}

/// What one start is to run.
pub struct Plan {
    pub config: Config,
    /// Serve pages and API; else only work on uploads.
    pub serve: bool,
    /// This binary, to be started again as `docent read`.
    pub program: PathBuf,
}

/// Starts the stores, loads the models beside them, and serves.
///
/// # Errors
/// Says which part could not start and what to do about it; everything started before it is stopped again.
pub async fn start(
    plan: Plan,
    models: impl Future<Output = anyhow::Result<Models>>,
) -> anyhow::Result<Running> {
    // A second provider in the tree would make rustls ask which one is meant.
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    if plan.serve {
        // Before anything counts: what is counted without a recorder is lost.
        let _shown_later = telemetry::metrics();
    }
    // Taken first: a port that is in use is known at once.
    let listener = if plan.serve { Some(listen(plan.config.http.listen).await?) } else { None };
    let place = Place::take(&plan.config)?;
    let (models, database) = tokio::try_join!(models, stores::database(&plan.config))?;
    let stores = Stores::open(&plan.config, database, models.embedder.dimensions()).await?;
    run(plan, models, stores, place, listener).await
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: set DOCENT__HTTP__LISTEN, or stop what uses it")
    })
}

async fn run(
    plan: Plan,
    models: Models,
    stores: Stores,
    place: Place,
    listener: Option<TcpListener>,
) -> anyhow::Result<Running> {
    let config = Arc::new(plan.config);
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let (auditor, appender) = Auditor::start(auditor_parts(&config, &models, &stores, &place)?).await?;
    let started = life::started(&auditor, &config, plan.serve, &models).await?;
    let vault = Vault::new(place.master_key);
    let parts = ingest_parts(&config, plan.program, &models, &stores, &auditor, vault.clone());
    let announcing = announcing(&config, &stores, vault)?;
    let ingest = Arc::new(Ingest::new(parts));
    let mut running = Running {
        address: None,
        first_admin: None,
        grace: Duration::from_millis(config.http.shutdown_grace_ms),
        stop,
        abandon: CancellationToken::new(),
        tasks,
        auditor,
        appender,
        started,
        stores,
        place,
    };
    let ours = format!("{}/", running.place.node);
    let left = running.stores.postgres.put_back(&ours).await?;
    if left > 0 {
        tracing::warn!(jobs = left, "took back what an earlier run of this service left unfinished");
    }
    for lane in Lane::ALL {
        for worker in 0..config.ingest.workers {
            let name = format!("{ours}{}/{worker}", lane.as_str());
            running.tasks.spawn(Arc::clone(&ingest).work(lane, name, running.stop.clone()));
        }
    }
    running.keep_house(&ingest, &announcing, &config);
    if let Some(listener) = listener {
        running.first_admin = http::identity::bootstrap(
            &running.stores.postgres,
            &running.stores.postgres,
            &running.auditor,
            config.secrets.bootstrap_key.as_ref(),
        )
        .await?;
        running.address = Some(listener.local_addr()?);
        let router = router(&config, models, Arc::clone(&ingest), announcing, &running);
        running.tasks.spawn(telemetry::keep_metrics(running.stop.clone()));
        running.tasks.spawn(front_door(listener, router, running.stop.clone()));
    }
    running.tasks.spawn(ingest.report_confinement());
    Ok(running)
}

fn auditor_parts(
    config: &Config,
    models: &Models,
    stores: &Stores,
    place: &Place,
) -> anyhow::Result<AuditorParts> {
    Ok(AuditorParts {
        store: Arc::new(stores.postgres.clone()),
        shelves: stores.shelves.clone(),
        witness_client: Arc::new(HttpWitnessClient::new(Duration::from_millis(config.audit.timeout_ms))?),
        prefixes: Arc::clone(&models.prefixes),
        config: config.audit.clone(),
        retention: config.retention.clone(),
        master_key: place.master_key,
        boot: BootId::new(),
        node: place.node.clone(),
        service: service_facts(config),
    })
}

fn announcing(config: &Config, stores: &Stores, vault: Vault) -> anyhow::Result<Arc<Announcing>> {
    Ok(Arc::new(Announcing::new(AnnouncingParts {
        config: config.webhooks.clone(),
        vault,
        deliveries: Arc::new(stores.postgres.clone()),
        client: Arc::new(HttpWebhookClient::new(&config.webhooks)?),
    })))
}

fn ingest_parts(
    config: &Config,
    program: PathBuf,
    models: &Models,
    stores: &Stores,
    auditor: &Auditor,
    vault: Vault,
) -> IngestParts {
    IngestParts {
        config: config.ingest.clone(),
        reader: config.reader.clone(),
        reader_program: program,
        recogniser: models.recogniser.clone(),
        max_upload_bytes: config.http.max_upload_bytes,
        blobs: Arc::clone(&stores.blobs),
        uploads_config: config.uploads.clone(),
        uploads: Arc::new(stores.postgres.clone()),
        held: Arc::new(stores.postgres.clone()),
        pieces: Arc::clone(&stores.parts),
        documents: Arc::new(stores.postgres.clone()),
        intake: Arc::new(stores.postgres.clone()),
        erasures: Arc::new(stores.postgres.clone()),
        answers_end_within: Duration::from_millis(config.answer.deadline_ms + config.audit.timeout_ms),
        stored: Arc::new(stores.postgres.clone()),
        jobs: Arc::new(stores.postgres.clone()),
        control: Arc::new(stores.postgres.clone()),
        index: Arc::clone(&stores.index),
        embedder: Arc::clone(&models.embedder),
        prefixes: Arc::clone(&models.prefixes),
        auditor: auditor.clone(),
        vault,
    }
}

fn router(
    config: &Arc<Config>,
    models: Models,
    ingest: Arc<Ingest>,
    announcing: Arc<Announcing>,
    running: &Running,
) -> axum::Router {
    let stores = &running.stores;
    let answering = Answering::new(AnsweringParts {
        config: config.answer.clone(),
        index: Arc::clone(&stores.index),
        documents: Arc::new(stores.postgres.clone()),
        embedder: models.embedder,
        generator: models.generator,
        answers: Arc::new(stores.postgres.clone()),
        auditor: running.auditor.clone(),
        tasks: running.tasks.clone(),
        stop: running.abandon.clone(),
    });
    http::router(http::State::new(http::Parts {
        config: Arc::clone(config),
        ingest,
        answering: Arc::new(answering),
        auditor: running.auditor.clone(),
        collections: Arc::new(stores.postgres.clone()),
        documents: Arc::new(stores.postgres.clone()),
        outlines: Arc::new(stores.postgres.clone()),
        histories: Arc::new(stores.postgres.clone()),
        jobs: Arc::new(stores.postgres.clone()),
        job_control: Arc::new(stores.postgres.clone()),
        answers: Arc::new(stores.postgres.clone()),
        idempotency: Arc::new(stores.postgres.clone()),
        users: Arc::new(stores.postgres.clone()),
        credentials: Arc::new(stores.postgres.clone()),
        webhooks: Arc::new(stores.postgres.clone()),
        saved_views: Arc::new(stores.postgres.clone()),
        announcing,
        index: Arc::clone(&stores.index),
        blobs: Arc::clone(&stores.blobs),
        metrics: telemetry::metrics(),
        models_ready: Arc::new(AtomicBool::new(true)),
        tasks: running.tasks.clone(),
        stop: running.stop.clone(),
    }))
}

async fn front_door(listener: TcpListener, router: axum::Router, stop: CancellationToken) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let served =
        axum::serve(listener, service).with_graceful_shutdown(async move { stop.cancelled().await }).await;
    if let Err(error) = served {
        tracing::error!(%error, "the front door closed");
    }
}

/// Hands the log's checkpoints out until stopped.
async fn hand_out(auditor: Auditor, every: Duration, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(every.max(Duration::from_millis(100)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        auditor.hand_out().await;
    }
}

/// Checks the whole log now and then until stopped. A start is no reason: it has compared what matters then.
async fn verify(auditor: Auditor, every: Duration, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
        match stop.run_until_cancelled(auditor.verify(None)).await {
            None => return,
            Some(Ok(verification)) if verification.holds => {
                tracing::info!(records = verification.records, "the whole audit log was checked and holds");
            }
            // What does not hold is said where it is found.
            Some(Ok(_)) => {}
            Some(Err(error)) => tracing::warn!(%error, "the audit log could not be checked"),
        }
    }
}

/// Erases what has been kept for its time, and what an erasure that was cut off left, until stopped.
async fn keep_terms(auditor: Auditor, every: Duration, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
        match stop.run_until_cancelled(auditor.keep_terms()).await {
            None => return,
            Some(Ok(0)) => {}
            Some(Ok(erased)) => {
                tracing::info!(erased, "content of the audit log was erased: its time was over");
            }
            Some(Err(error)) => tracing::warn!(%error, "the audit log's terms could not be kept"),
        }
    }
}

/// What every leaf of the log says of this service.
fn service_facts(config: &Config) -> ServiceFacts {
    ServiceFacts {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config_hash: hex::encode(Sha256::digest(config.show())),
    }
}

impl Running {
    /// What every process does beside its work.
    fn keep_house(&self, ingest: &Arc<Ingest>, announcing: &Arc<Announcing>, config: &Config) {
        let (audit, retention) = (&config.audit, &config.retention);
        let keys = Arc::new(self.stores.postgres.clone());
        self.tasks.spawn(Arc::clone(ingest).sweep(self.stop.clone()));
        self.tasks.spawn(Arc::clone(ingest).sweep_uploads(self.stop.clone()));
        self.tasks.spawn(Arc::clone(announcing).deliver(self.stop.clone()));
        self.tasks.spawn(http::idempotency::sweep(keys, self.stop.clone()));
        let every = Duration::from_millis(audit.checkpoint_every_ms);
        self.tasks.spawn(hand_out(self.auditor.clone(), every, self.stop.clone()));
        let every = Duration::from_millis(retention.every_ms);
        self.tasks.spawn(keep_terms(self.auditor.clone(), every, self.stop.clone()));
        if audit.verify_every_ms > 0 {
            let every = Duration::from_millis(audit.verify_every_ms);
            self.tasks.spawn(verify(self.auditor.clone(), every, self.stop.clone()));
        }
    }

    /// Waits until a part that everything needs is gone for good; a service in order waits for ever.
    pub async fn broken(&mut self) -> String {
        self.stores.broken().await
    }

    /// Stops: no new requests; those under way get the grace; then the log is written out and the stores stop.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(self.grace, self.tasks.wait()).await.is_err() {
            tracing::warn!("questions still under way after the grace are abandoned");
            self.abandon.cancel();
            let _gone_or_not = tokio::time::timeout(LAST_WORDS, self.tasks.wait()).await;
        }
        life::stopped(&self.auditor, self.started).await;
        self.auditor.stop();
        match tokio::time::timeout(self.grace, self.appender).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the log's appender ended badly"),
            Err(_) => tracing::error!("the log could not be written out in time"),
        }
        // What was written last leaves the house, too.
        self.auditor.hand_out().await;
        self.stores.stop().await;
    }
}
