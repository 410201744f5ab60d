//! What the writer of the log and its callers share: the store and its keys, what speaks against the log, whose outcomes are
//! owed, and appending once. Knows no queue.

use crate::audit::AuditorParts;
use crate::audit::seal::Sealer;
use crate::audit::tree::Tree;
use crate::audit::trust;
use crate::audit::witnesses::Witness;
use crate::domain::EventId;
use crate::ports::CheckpointShelf;
use crate::ports::LogEntry;
use crate::ports::LogStore;
use crate::ports::PrefixCache;
use crate::ports::StoreError;
use ledger::TreeHead;
use metrics::counter;
use metrics::gauge;
use metrics::histogram;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use time::OffsetDateTime;
use tokio::time::sleep;
use tokio::time::timeout;

const RETRY_AFTER: Duration = Duration::from_millis(100);
/// Intents whose outcome is owed; what is beyond is closed after the next start.
const MAX_DEBTS: usize = 10_000;

/// A checkpoint that somebody outside took.
#[derive(Clone, Copy)]
pub(super) struct Handed {
    pub(super) head: TreeHead,
    pub(super) at: OffsetDateTime,
}

/// What the writer and the callers share.
pub(super) struct Log {
    pub(super) store: Arc<dyn LogStore>,
    pub(super) sealer: Sealer,
    pub(super) tree: Tree,
    pub(super) shelves: Vec<Arc<dyn CheckpointShelf>>,
    pub(super) prefixes: Arc<dyn PrefixCache>,
    pub(super) witnesses: Vec<Witness>,
    /// The newest checkpoint that left the house.
    pub(super) handed: Mutex<Option<Handed>>,
    /// The newest one that this process saw and believed: whatever becomes of the database, the log was that long.
    pub(super) seen: Mutex<Option<TreeHead>>,
    doubt: OnceLock<String>,
    node: String,
    pub(super) timeout: Duration,
    pub(super) alive_within: Duration,
    healthy: AtomicBool,
    debts: Mutex<BTreeSet<EventId>>,
    /// Intents of this process without an outcome.
    open: Mutex<BTreeSet<EventId>>,
}

impl Log {
    pub(super) fn new(parts: AuditorParts, tree: Tree, witnesses: Vec<Witness>) -> Self {
        let AuditorParts {
            store, shelves, prefixes, config, retention, master_key, boot, node, service, ..
        } = parts;
        gauge!("docent_audit_doubted").set(0.0);
        Self {
            store,
            sealer: Sealer::new(master_key, boot, &node, service, retention),
            tree,
            shelves,
            prefixes,
            witnesses,
            handed: Mutex::default(),
            seen: Mutex::default(),
            doubt: OnceLock::new(),
            node,
            timeout: Duration::from_millis(config.timeout_ms),
            alive_within: Duration::from_millis(config.alive_within_ms),
            healthy: AtomicBool::new(false),
            debts: Mutex::default(),
            open: Mutex::default(),
        }
    }

    /// Why nothing is added to the log any more; none while it is what it signed.
    pub(super) fn doubt(&self) -> Option<&str> {
        self.doubt.get().map(String::as_str)
    }

    /// From now on nothing is added.
    pub(super) fn distrust(&self, doubt: String) {
        tracing::error!(
            doubt,
            "the audit log is not what it was: only reading goes on (docs/audit.md says what to do)"
        );
        gauge!("docent_audit_doubted").set(1.0);
        let _doubted_before = self.doubt.set(doubt);
    }

    pub(super) fn healthy(&self) -> bool {
        self.doubt().is_none() && self.healthy.load(Ordering::Relaxed)
    }

    /// Remembers an intent that may stand in the log without an outcome.
    pub(super) fn owe(&self, intent: EventId) {
        let mut debts = self.debts.lock().unwrap_or_else(PoisonError::into_inner);
        if debts.len() < MAX_DEBTS {
            debts.insert(intent);
        }
    }

    pub(super) fn take_debts(&self) -> BTreeSet<EventId> {
        std::mem::take(&mut *self.debts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An intent of this process is in the log, or may be.
    pub(super) fn opened(&self, intent: EventId) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.insert(intent);
        gauge!("docent_audit_open_intents").set(open.len() as f64);
    }

    /// It has its outcome, or never came into the log.
    pub(super) fn closed(&self, intent: EventId) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(&intent);
        gauge!("docent_audit_open_intents").set(open.len() as f64);
    }

    /// How many intents of this process have no outcome.
    pub(super) fn open(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Intents of processes that are dead.
    pub(super) async fn open_intents(&self) -> Result<Vec<EventId>, StoreError> {
        let open = self.store.open_intents(self.sealer.boot(), &self.node, self.alive_within);
        let open = timeout(self.timeout, open).await.unwrap_or_else(|_| Err(too_late()))?;
        Ok(open.into_iter().map(|intent| intent.event_id).collect())
    }

    /// Compares what is stored with what was signed of it, and with the newest checkpoint that was seen before.
    pub(super) async fn look(&self) -> Result<(), StoreError> {
        let seen = self.seen();
        let look = async {
            let own = trust::own(self.store.as_ref(), &self.tree).await?;
            match (own, seen) {
                (None, Some(seen)) => trust::against(self.store.as_ref(), &seen, "one seen before").await,
                (own, _) => Ok(own),
            }
        };
        if let Some(doubt) = timeout(self.timeout, look).await.unwrap_or_else(|_| Err(too_late()))? {
            self.distrust(doubt);
        }
        Ok(())
    }

    pub(super) fn seen(&self) -> Option<TreeHead> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that this process lives; gives whether that was written.
    pub(super) async fn announce(&self) -> bool {
        let beat = timeout(self.timeout, self.store.heartbeat(self.sealer.boot(), &self.node)).await;
        self.note(beat.unwrap_or_else(|_| Err(too_late()))).is_ok()
    }

    /// Appends all or none. A store that does not answer is asked once more: a connection may have been the last
    /// one's.
    pub(super) async fn append(&self, entries: &[LogEntry]) -> Result<i64, StoreError> {
        let begun = Instant::now();
        let appended = match self.append_once(entries).await {
            Err(StoreError::Unavailable { .. }) if begun.elapsed() < self.timeout / 2 => {
                sleep(RETRY_AFTER).await;
                self.append_once(entries).await
            }
            result => result,
        };
        histogram!("docent_audit_commit_seconds").record(begun.elapsed().as_secs_f64());
        self.note(appended)
    }

    async fn append_once(&self, entries: &[LogEntry]) -> Result<i64, StoreError> {
        if self.doubt().is_some() {
            return Err(StoreError::Unavailable {
                store: "postgres",
                detail: "the audit log is doubted".to_owned(),
            });
        }
        let appended = timeout(self.timeout, self.store.append(entries, &self.tree)).await;
        if let Ok(Err(StoreError::Corrupt { .. })) = &appended {
            self.look().await?;
        }
        appended.unwrap_or_else(|_| Err(too_late()))
    }

    /// Keeps what `healthy` says and logs a failure once, here. A conflict is an answer, not a failure.
    fn note<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        let written = matches!(result, Ok(_) | Err(StoreError::Conflict { .. }));
        self.healthy.store(written, Ordering::Relaxed);
        if let (false, Err(error)) = (written, &result) {
            counter!("docent_audit_failures_total").increment(1);
            tracing::error!(%error, "the audit log cannot be written");
        }
        result
    }
}

/// The store did not say in time what became of it.
pub(super) fn too_late() -> StoreError {
    StoreError::Unavailable { store: "postgres", detail: "no answer in time".to_owned() }
}
