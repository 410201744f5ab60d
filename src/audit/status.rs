//! How the log is doing, for who runs it and for who audits it. Knows no HTTP.

use crate::audit::AuditError;
use crate::audit::Auditor;
use crate::audit::witnesses::Witness;
use serde::Serialize;
use std::sync::PoisonError;
use time::OffsetDateTime;

/// How the log is doing.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct LogStatus {
    /// Its name.
    pub origin: String,
    /// Entries.
    pub entries: i64,
    /// How many of them its newest checkpoint speaks of.
    pub signed: i64,
    /// The same of the newest checkpoint that left the database; none before the first.
    pub handed_out: Option<i64>,
    /// When it did.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = "date-time")]
    pub handed_out_at: Option<OffsetDateTime>,
    /// Where checkpoints go.
    pub shelves: Vec<String>,
    /// Who else signs them.
    pub witnesses: Vec<WitnessStatus>,
    /// Whether entries are taken.
    pub writable: bool,
    /// Why nothing is added any more; none while nothing speaks against the log.
    pub doubt: Option<String>,
    /// Questions and searches of this process that have no outcome yet.
    pub open_intents: usize,
    /// Entries that wait to be written.
    pub queue: usize,
    /// As many may wait.
    pub queue_limit: usize,
    /// Settings of the database with which a crash could lose what was acknowledged; they were on when the service started.
    pub unsafe_settings: Vec<String>,
    /// Erasures that wait for somebody.
    pub erasures_waiting: i64,
    /// Holds that stand.
    pub holds: i64,
}

/// A witness.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct WitnessStatus {
    /// The name of its key.
    pub name: String,
    /// How many entries the newest checkpoint speaks of that it signed for this process; 0: none yet.
    pub signed: u64,
}

impl Auditor {
    /// How the log is doing.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn status(&self) -> Result<LogStatus, AuditError> {
        let log = &self.log;
        let head = log.store.head().await?;
        let handed = *log.handed.lock().unwrap_or_else(PoisonError::into_inner);
        let (erasures_waiting, holds) = log.store.counts().await?;
        let witness =
            |witness: &Witness| WitnessStatus { name: witness.name().to_owned(), signed: witness.seen() };
        Ok(LogStatus {
            origin: log.tree.verifier().name().to_owned(),
            entries: head.entries,
            signed: head.newest.map_or(0, |newest| newest.size),
            handed_out: handed.map(|handed| handed.head.size.cast_signed()),
            handed_out_at: handed.map(|handed| handed.at),
            shelves: log.shelves.iter().map(|shelf| shelf.name()).collect(),
            witnesses: log.witnesses.iter().map(witness).collect(),
            writable: self.healthy(),
            doubt: log.doubt().map(str::to_owned),
            open_intents: log.open(),
            queue: self.queue.max_capacity() - self.queue.capacity(),
            queue_limit: self.queue.max_capacity(),
            unsafe_settings: log.store.unsafe_settings().await?,
            erasures_waiting,
            holds,
        })
    }
}
