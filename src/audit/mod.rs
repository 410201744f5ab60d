//! What goes into the log and what never does: facts and commitments in the leaf, content sealed beside it.
//!
//! An event is sealed by its caller, waits in a bounded queue and is appended by one task, which takes everything that
//! waits at once (`appender`). A caller goes on when its entry is committed and not before. An intent always gets an
//! outcome: from its own question, or from `orphans` when that question's process died or could not record it. Knows
//! no HTTP and no table.

mod appender;
mod cited;
mod erasure;
mod error;
mod event;
mod export;
mod handing;
mod log;
mod marks;
mod orphans;
mod pieces;
mod read;
mod review;
mod seal;
mod status;
mod tree;
mod trust;
mod vault;
mod verify;
mod witnesses;

pub use cited::Cited;
pub use erasure::NotErased;
pub use error::AuditError;
pub use event::Actor;
pub use event::Event;
pub use event::ServiceFacts;
pub use export::Pieces;
pub use pieces::PieceReader;
pub use read::Entry;
pub use read::Erased;
pub use review::NotReviewed;
pub use status::LogStatus;
pub use status::WitnessStatus;
pub use vault::Vault;
pub use verify::Verification;

use crate::audit::appender::Command;
use crate::audit::log::Log;
use crate::audit::tree::Tree;
use crate::config::Audit as AuditConfig;
use crate::config::Retention;
use crate::domain::BootId;
use crate::domain::EventId;
use crate::domain::Principal;
use crate::domain::Receipt;
use crate::ports::Change;
use crate::ports::CheckpointShelf;
use crate::ports::LogQuery;
use crate::ports::LogStore;
use crate::ports::PrefixCache;
use crate::ports::WitnessClient;
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
    erase_with_documents: bool,
}

/// What the log is written with; `app` fills it.
pub struct AuditorParts {
    /// The tables.
    pub store: Arc<dyn LogStore>,
    /// Where checkpoints go.
    pub shelves: Vec<Arc<dyn CheckpointShelf>>,
    /// The way to witnesses.
    pub witness_client: Arc<dyn WitnessClient>,
    /// Forgets what was computed of prompts when content is erased.
    pub prefixes: Arc<dyn PrefixCache>,
    /// Bounds, the log's name, its witnesses.
    pub config: AuditConfig,
    /// How long content is kept.
    pub retention: Retention,
    /// Wraps the keys of sealed content; the log's signing key comes from it.
    pub master_key: [u8; 32],
    /// This run.
    pub boot: BootId,
    /// Names this process's place: an earlier run of the same node is taken for dead, so two processes that live at the
    /// same time never share one.
    pub node: String,
    /// What every leaf says.
    pub service: ServiceFacts,
}

impl Auditor {
    /// Compares the log with what it signed and handed out, also to witnesses, and starts the appender on the current
    /// runtime. The task ends, with everything that waited written, after [`Auditor::stop`] or when the last auditor is
    /// gone.
    ///
    /// # Errors
    /// When the log's name or a witness cannot be one, or the log or a shelf does not answer.
    pub async fn start(parts: AuditorParts) -> Result<(Self, JoinHandle<()>), AuditError> {
        let tree = Tree::new(parts.master_key, &parts.config.origin)?;
        let doubt = trust::doubt(parts.store.as_ref(), &tree, &parts.shelves).await?;
        let (queue, commands) = mpsc::channel(parts.config.queue_depth.max(1));
        let (stop, timeout) = (CancellationToken::new(), Duration::from_millis(parts.config.timeout_ms));
        let witnesses = witnesses::all(&parts.config.witnesses, &parts.witness_client)?;
        let erase_with_documents = parts.retention.erase_with_documents;
        let log = Arc::new(Log::new(parts, tree, witnesses));
        match doubt {
            Some(doubt) => log.distrust(doubt),
            // Witnesses are asked by being shown what there is.
            None => handing::hand_out(&log).await,
        }
        let task = tokio::spawn(appender::run(Arc::clone(&log), commands, stop.clone()));
        Ok((Self { log, queue, stop, timeout, erase_with_documents }, task))
    }

    /// Appends; returns once it is committed. An event that belongs to an earlier one waits for its turn; a new one is
    /// turned away while the queue is full.
    ///
    /// # Errors
    /// Then the caller does not know that it is in the log, and must not show or do what it speaks of.
    pub async fn record(&self, event: Event) -> Result<Receipt, AuditError> {
        self.append(event, None).await.map(|(receipt, _leaf)| receipt)
    }

    /// As [`Auditor::record`], with the proof in the receipt. Without one, when it cannot be made: the entry is in the log
    /// all the same.
    ///
    /// # Errors
    /// As [`Auditor::record`].
    pub async fn record_proved(&self, event: Event) -> Result<Receipt, AuditError> {
        let (mut receipt, leaf) = self.append(event, None).await?;
        let proved =
            timeout(self.timeout, tree::prove(self.log.store.as_ref(), &leaf, receipt.leaf_index)).await;
        match proved {
            Ok(Ok(proved)) => receipt.proof = Some(tree::shown(&proved)),
            Ok(Err(error)) => tracing::warn!(%error, "a receipt goes without its proof"),
            Err(_) => tracing::warn!("a receipt goes without its proof: the log does not answer in time"),
        }
        Ok(receipt)
    }

    /// The C2SP `tlog-proof` of an entry, with its leaf; none when there is no such entry.
    ///
    /// # Errors
    /// When the store does not answer, or what it holds proves nothing any more.
    pub async fn receipt(&self, id: EventId) -> Result<Option<String>, AuditError> {
        let Some((stored, _)) = self.log.store.find(id).await? else { return Ok(None) };
        let receipt = tree::prove_witnessed(self.log.store.as_ref(), &stored.leaf, stored.leaf_index).await?;
        Ok(Some(receipt.to_string()))
    }

    /// The newest checkpoint as a signed note; none before the first entry.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn checkpoint(&self) -> Result<Option<String>, AuditError> {
        Ok(self.log.store.head().await?.newest.map(|newest| newest.note))
    }

    /// The key that checks what the log signs, as C2SP `signed-note` writes it.
    pub fn verifier(&self) -> String {
        self.log.tree.verifier().to_string()
    }

    /// Gives the newest checkpoint to every shelf, after comparing the log with the one before.
    pub async fn hand_out(&self) {
        handing::hand_out(&self.log).await;
    }

    /// Exports all records from the position `first` on, as docs/audit-format.md §6 has it: pieces of the file, in order,
    /// through a channel that holds a few; none when the log is not that long. The export is itself an event, recorded before
    /// it begins and part of it.
    ///
    /// # Errors
    /// When the log does not answer or the export cannot be recorded.
    pub async fn export(&self, reader: &Principal, first: i64) -> Result<Option<Pieces>, AuditError> {
        export::export(self, reader, first).await
    }

    /// Exports selected records with a proof for each, the oldest first, at most 10000; none when nothing is selected. The
    /// export is itself an event, recorded before it begins.
    ///
    /// # Errors
    /// When the log does not answer or the export cannot be recorded.
    pub async fn export_selection(
        &self,
        reader: &Principal,
        query: LogQuery,
    ) -> Result<Option<Pieces>, AuditError> {
        export::selection(self, reader, query).await
    }

    /// Exports one entry and those that refer to it (1000 at most) with proofs, those of questions and searches with their
    /// content, so that somebody outside can check what was asked and answered; none when there is no such entry. The export
    /// is itself an event, recorded before it begins.
    ///
    /// # Errors
    /// As [`Auditor::export_selection`]; in a doubted log it fails, for content leaves with a record of it or not at all.
    pub async fn disclose(&self, reader: &Principal, id: EventId) -> Result<Option<Pieces>, AuditError> {
        export::disclosure(self, reader, id).await
    }

    /// Selected records without proofs, for a table.
    ///
    /// # Errors
    /// As [`Auditor::export_selection`].
    pub async fn select(
        &self,
        reader: &Principal,
        query: LogQuery,
    ) -> Result<Option<Vec<Entry>>, AuditError> {
        export::select(self, reader, query).await
    }

    /// Checks all records, checkpoints and stored hashes, as an auditor's program would; records that (`log.verified`). From
    /// then on a log that does not hold is doubted.
    ///
    /// # Errors
    /// When the log does not answer, or the check cannot be recorded.
    pub async fn verify(&self, asked_by: Option<&Principal>) -> Result<Verification, AuditError> {
        verify::verify(self, asked_by).await
    }

    /// Newest first, with the cursor of the next page; at most 200 at once.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list(&self, query: LogQuery) -> Result<(Vec<Entry>, Option<i64>), AuditError> {
        read::list(&self.log, query).await
    }

    /// The words of a text as they are looked for (`LogQuery::words`).
    pub fn words(&self, text: &str) -> Vec<i64> {
        self.log.sealer.words(text)
    }

    /// One entry in full, with the content of what belongs to it. Reading is itself an event, `audit.viewed`, recorded before
    /// anything is shown. A doubted log shows it without content, for nothing can be recorded.
    ///
    /// # Errors
    /// When the store does not answer or the view cannot be recorded.
    pub async fn read(&self, reader: &Principal, id: EventId) -> Result<Option<Entry>, AuditError> {
        read::read(self, reader, id).await
    }

    /// The outcome of an intent with its content; none when there is no such intent or it has no outcome yet. Nothing is
    /// recorded of it: the caller does, before it shows any of it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn outcome_of(&self, intent: EventId) -> Result<Option<Entry>, AuditError> {
        read::outcome_of(&self.log, intent).await
    }

    /// Whether an entry that was read, and each that was read with it, leads to the root that the log signed last.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn proved(&self, read: &Entry) -> Result<bool, AuditError> {
        read::proved(&self.log, read).await
    }

    /// As [`Auditor::record`], but in a doubted log it goes on unrecorded: signing in and out, and what auditors do to find out
    /// what is wrong.
    ///
    /// # Errors
    /// As [`Auditor::record`], while the log is not doubted.
    pub async fn record_unless_doubted(&self, event: Event) -> Result<(), AuditError> {
        let (kind, actor) = (event.kind, event.actor.as_ref().map(|actor| actor.user));
        match self.record(event).await {
            Ok(_) => Ok(()),
            Err(_) if self.doubt().is_some() => {
                tracing::warn!(event.kind = kind, user.id = ?actor, "not recorded: the audit log is doubted");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Why the log takes nothing any more; none while nothing speaks against it.
    pub fn doubt(&self) -> Option<&str> {
        self.log.doubt()
    }

    /// Whether the log takes entries: the last heart-beat or append was written.
    pub fn healthy(&self) -> bool {
        !self.queue.is_closed() && self.log.healthy()
    }

    /// Takes no more entries; what waits is still written, then the task of [`Auditor::start`] ends.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Appends, and makes a change in the same transaction: both or neither.
    async fn record_change(&self, event: Event, change: Change) -> Result<Receipt, AuditError> {
        self.append(event, Some(change)).await.map(|(receipt, _leaf)| receipt)
    }

    /// Gives the receipt and the leaf; an intent whose outcome did not come through is owed one.
    async fn append(&self, event: Event, change: Option<Change>) -> Result<(Receipt, Vec<u8>), AuditError> {
        let owed = if event::is_outcome(event.kind) { event.reference } else { None };
        let appended = self.submit(event, change).await;
        if let (Err(_), Some(intent)) = (&appended, owed) {
            self.log.owe(intent);
        }
        appended
    }

    async fn submit(&self, event: Event, change: Option<Change>) -> Result<(Receipt, Vec<u8>), AuditError> {
        if self.log.doubt().is_some() {
            return Err(AuditError::Doubted);
        }
        let belongs = event.reference.is_some();
        let entry = self.log.sealer.seal(event, change)?;
        let (event_id, leaf_hash, leaf) = (entry.event_id, hex::encode(entry.leaf_hash), entry.leaf.clone());
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
        Ok((Receipt { event_id, leaf_index, leaf_hash, proof: None }, leaf))
    }
}
