//! The one task that writes. It takes everything that waits, up to 512 entries, and appends it in one transaction;
//! while that commits, the next batch fills, so no timer is needed. Knows no event's meaning but which are intents.

use crate::audit::AuditError;
use crate::audit::AuditorParts;
use crate::audit::event;
use crate::audit::handing::Handed;
use crate::audit::orphans;
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
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tokio::time::sleep;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const MAX_BATCH: usize = 512;
const HEARTBEAT: Duration = Duration::from_secs(5);
const ORPHANS: Duration = Duration::from_secs(30);
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// Intents whose outcome is owed; what is beyond is closed after the next start.
const MAX_DEBTS: usize = 10_000;

type Reply = oneshot::Sender<Result<i64, AuditError>>;

/// An entry and who waits for its position.
pub(super) struct Command {
    pub(super) entry: LogEntry,
    pub(super) reply: Reply,
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
    doubt: OnceLock<String>,
    node: String,
    timeout: Duration,
    alive_within: Duration,
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
    fn opened(&self, intent: EventId) {
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

    /// Compares what is stored with what was signed of it.
    pub(super) async fn look(&self) -> Result<(), StoreError> {
        let doubt = timeout(self.timeout, trust::own(self.store.as_ref(), &self.tree)).await;
        if let Some(doubt) = doubt.unwrap_or_else(|_| Err(too_late()))? {
            self.distrust(doubt);
        }
        Ok(())
    }

    /// Says that this process lives; gives whether that was written.
    async fn announce(&self) -> bool {
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

fn too_late() -> StoreError {
    StoreError::Unavailable { store: "postgres", detail: "no answer in time".to_owned() }
}

/// Writes until it is stopped and nothing waits. The first heart-beat comes before the first entry: an intent of a
/// process nobody has heard of would be taken for a dead one's.
pub(super) async fn run(log: Arc<Log>, mut commands: mpsc::Receiver<Command>, stop: CancellationToken) {
    let every = HEARTBEAT.min(log.alive_within / 4).max(Duration::from_millis(100));
    let (mut beats, mut sweeps) = (interval(every), interval(ORPHANS));
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut announced = log.announce().await;
    let mut batch = Vec::with_capacity(MAX_BATCH);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled(), if !commands.is_closed() => commands.close(),
            _ = beats.tick() => announced |= log.announce().await,
            _ = sweeps.tick() => orphans::close(&log).await,
            received = commands.recv_many(&mut batch, MAX_BATCH) => {
                if received == 0 {
                    break;
                }
                gauge!("docent_audit_queue_depth").set(commands.len() as f64);
                announced = announced || log.announce().await;
                write(&log, &mut batch, announced).await;
            }
        }
    }
}

/// Appends the batch and answers everyone in it. An intent whose asker has gone is left out: nothing came of it.
async fn write(log: &Log, batch: &mut Vec<Command>, announced: bool) {
    batch.retain(|command| !(event::is_intent(command.entry.kind) && command.reply.is_closed()));
    let (entries, replies): (Vec<LogEntry>, Vec<Reply>) =
        batch.drain(..).map(|command| (command.entry, command.reply)).unzip();
    if entries.is_empty() {
        return;
    }
    histogram!("docent_audit_batch_size").record(entries.len() as f64);
    let appended = if announced { log.append(&entries).await } else { Err(too_late()) };
    match appended {
        Ok(first) => {
            for ((position, entry), reply) in (first..).zip(&entries).zip(replies) {
                answer(log, entry, reply, Ok(position));
            }
        }
        // one entry of the batch is guilty: alone, only that one fails
        Err(StoreError::Conflict { .. }) => {
            for (entry, reply) in entries.iter().zip(replies) {
                let position = append_alone(log, entry).await;
                answer(log, entry, reply, position);
            }
        }
        Err(StoreError::Unavailable { .. } | StoreError::Missing { .. } | StoreError::Corrupt { .. }) => {
            for (entry, reply) in entries.iter().zip(replies) {
                answer(log, entry, reply, Err(AuditError::Unavailable));
            }
        }
    }
}

/// Appends one entry. If its id is taken by itself, an earlier commit went through unheard, and it is in the log.
async fn append_alone(log: &Log, entry: &LogEntry) -> Result<i64, AuditError> {
    match log.append(std::slice::from_ref(entry)).await {
        Ok(position) => Ok(position),
        Err(StoreError::Conflict { what }) => {
            match timeout(log.timeout, log.store.find(entry.event_id)).await {
                Ok(Ok(Some((stored, _)))) if stored.leaf_hash == entry.leaf_hash => Ok(stored.leaf_index),
                Ok(Ok(None)) if entry.change.is_some() => Err(AuditError::Refused(what)),
                Ok(Ok(_)) => Err(AuditError::Closed),
                Ok(Err(_)) | Err(_) => Err(AuditError::Unavailable),
            }
        }
        Err(StoreError::Unavailable { .. } | StoreError::Missing { .. } | StoreError::Corrupt { .. }) => {
            Err(AuditError::Unavailable)
        }
    }
}

/// Tells the caller. An intent that may be in the log though its asker does not know it is owed an outcome.
fn answer(log: &Log, entry: &LogEntry, reply: Reply, result: Result<i64, AuditError>) {
    let in_doubt = matches!(result, Err(AuditError::Unavailable));
    if event::is_intent(entry.kind) && (in_doubt || result.is_ok()) {
        log.opened(entry.event_id);
    }
    if let (true, true, Some(intent)) = (event::is_outcome(entry.kind), result.is_ok(), entry.reference) {
        log.closed(intent);
    }
    let unheard = reply.send(result).is_err();
    if event::is_intent(entry.kind) && (in_doubt || unheard) {
        log.owe(entry.event_id);
    }
}
