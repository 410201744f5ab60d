//! What goes into the log and what never does: facts and commitments in the leaf, content sealed beside it.
//!
//! An event is sealed by its caller, waits in a bounded queue and is appended by one task, which takes everything that
//! waits at once (`appender`). A caller goes on when its entry is committed and not before. An intent always gets an
//! outcome: from its own question, or from `orphans` when that question's process died or could not record it. Knows
//! no HTTP and no table.

mod appender;
mod error;
mod event;
mod orphans;
mod read;
mod seal;
mod vault;

pub use error::AuditError;
pub use event::Actor;
pub use event::Event;
pub use event::ServiceFacts;
pub use read::Entry;
pub use vault::Vault;

use crate::audit::appender::Command;
use crate::audit::appender::Log;
use crate::config::Audit as AuditConfig;
use crate::domain::BootId;
use crate::domain::EventId;
use crate::domain::Principal;
use crate::domain::Receipt;
use crate::ports::LogQuery;
use crate::ports::LogStore;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The log's only writer and reader. Cheap to clone.
#[derive(Clone)]
pub struct Auditor {
    log: Arc<Log>,
    queue: mpsc::Sender<Command>,
    stop: CancellationToken,
    timeout: Duration,
}

impl Auditor {
    /// Starts the appender on the current runtime. The task ends, with everything that waited written, after
    /// [`Auditor::stop`] or when the last auditor is gone.
    ///
    /// `node` names this process's place: an earlier run of the same node is taken for dead, so two processes that live
    /// at the same time never share one.
    pub fn start(
        store: Arc<dyn LogStore>,
        config: &AuditConfig,
        master_key: [u8; 32],
        boot: BootId,
        node: String,
        service: ServiceFacts,
    ) -> (Self, JoinHandle<()>) {
        let &AuditConfig { queue_depth, timeout_ms, alive_within_ms } = config;
        let (queue, commands) = mpsc::channel(queue_depth.max(1));
        let stop = CancellationToken::new();
        let sealer = seal::Sealer::new(master_key, boot, &node, service);
        let timeout = Duration::from_millis(timeout_ms);
        let log = Arc::new(Log::new(store, sealer, node, timeout, Duration::from_millis(alive_within_ms)));
        let task = tokio::spawn(appender::run(Arc::clone(&log), commands, stop.clone()));
        (Self { log, queue, stop, timeout }, task)
    }

    /// Appends; returns once it is committed. An event that belongs to an earlier one waits for its turn; a new one is
    /// turned away while the queue is full.
    ///
    /// # Errors
    /// Then the caller does not know that it is in the log, and must not show or do what it speaks of.
    pub async fn record(&self, event: Event) -> Result<Receipt, AuditError> {
        let owed = if event::is_outcome(event.kind) { event.reference } else { None };
        let recorded = self.submit(event).await;
        if let (Err(_), Some(intent)) = (&recorded, owed) {
            self.log.owe(intent);
        }
        recorded
    }

    /// Newest first, with the cursor of the next page; at most 200 at once.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list(&self, query: LogQuery) -> Result<(Vec<Entry>, Option<i64>), AuditError> {
        read::list(&self.log, query).await
    }

    /// One entry in full. Reading is itself an event, `audit.viewed`, recorded before anything is shown.
    ///
    /// # Errors
    /// When the store does not answer or the view cannot be recorded.
    pub async fn read(&self, reader: &Principal, id: EventId) -> Result<Option<Entry>, AuditError> {
        read::read(self, reader, id).await
    }

    /// Whether the log takes entries: the last heart-beat or append was written.
    pub fn healthy(&self) -> bool {
        !self.queue.is_closed() && self.log.healthy()
    }

    /// Takes no more entries; what waits is still written, then the task of [`Auditor::start`] ends.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    async fn submit(&self, event: Event) -> Result<Receipt, AuditError> {
        let belongs = event.reference.is_some();
        let entry = self.log.sealer.seal(event)?;
        let (event_id, leaf_hash) = (entry.event_id, hex::encode(entry.leaf_hash));
        let (reply, answer) = oneshot::channel();
        let command = Command { entry, reply };
        let appended = async {
            if belongs {
                self.queue.send(command).await.map_err(|_| AuditError::Stopped)?;
            } else {
                self.queue.try_send(command).map_err(|error| AuditError::from_full_queue(&error))?;
            }
            answer.await.map_err(|_| AuditError::Stopped)?
        };
        let leaf_index = timeout(self.timeout, appended).await.map_err(|_| AuditError::TimedOut)??;
        Ok(Receipt { event_id, leaf_index, leaf_hash })
    }
}
