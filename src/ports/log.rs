//! The append-only tables. Knows no adapter.

use crate::domain::BootId;
use crate::domain::DocumentId;
use crate::domain::EventId;
use crate::domain::RetentionClass;
use crate::domain::ReviewState;
use crate::domain::UserId;
use crate::ports::Change;
use crate::ports::Growing;
use crate::ports::LogTree;
use crate::ports::Retention;
use crate::ports::StoreError;
use async_trait::async_trait;
use serde::Serialize;
use std::time::Duration;
use time::OffsetDateTime;

/// An entry ready to be written: the leaf holds commitments, the sealed part holds content.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// Made by the caller: writing twice is writing once.
    pub event_id: EventId,
    /// Such as `chat.intent`.
    pub kind: &'static str,
    /// The intent that this is the outcome of, or what else it belongs to.
    pub reference: Option<EventId>,
    /// Also inside the leaf.
    pub recorded_at: OffsetDateTime,
    /// Who; also inside the leaf.
    pub actor: Option<UserId>,
    /// Which documents; also inside the leaf.
    pub documents: Vec<DocumentId>,
    /// Such as `answered`; also inside the leaf.
    pub outcome: Option<&'static str>,
    /// Which run of the process wrote it.
    pub boot: BootId,
    /// Canonical JSON, under 64 KiB: what counts.
    pub leaf: Vec<u8>,
    /// SHA-256(0x00 ‖ leaf) (RFC 6962).
    pub leaf_hash: [u8; 32],
    /// Content under its own key.
    pub sealed: Option<Sealed>,
    /// How long the content is kept.
    pub term: Term,
    /// What it is found by.
    pub marks: Option<Marks>,
    /// What else is changed with it.
    pub change: Option<Change>,
}

/// What an entry is found by, beside its own fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Words of its content, blinded.
    pub words: Vec<i64>,
    /// Of its leaf, such as `verdict:unsupported`.
    pub tags: Vec<String>,
}

/// How long content is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// As what.
    pub class: RetentionClass,
    /// Until then.
    pub until: OffsetDateTime,
    /// Nobody may have it erased before.
    pub binding: bool,
}

/// Content of an entry, encrypted under a key of its own which is wrapped by the master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The wrapped key.
    pub wrapped_key: Vec<u8>,
    /// The ciphertext, with its nonce before it.
    pub ciphertext: Vec<u8>,
}

/// An entry as it is read back.
#[derive(Clone, Debug)]
pub struct StoredEntry {
    /// Its position, from 0.
    pub leaf_index: i64,
    /// Its id.
    pub event_id: EventId,
    /// Such as `chat.intent`.
    pub kind: String,
    /// What it belongs to.
    pub reference: Option<EventId>,
    /// When.
    pub recorded_at: OffsetDateTime,
    /// Who.
    pub actor: Option<UserId>,
    /// Which documents.
    pub documents: Vec<DocumentId>,
    /// Such as `answered`.
    pub outcome: Option<String>,
    /// What counts.
    pub leaf: Vec<u8>,
    /// SHA-256(0x00 ‖ leaf).
    pub leaf_hash: Vec<u8>,
    /// Content, unless erased or none.
    pub sealed: Option<Sealed>,
    /// The entry that says why the content is gone.
    pub erased_by: Option<EventId>,
    /// Of a question, how far people are with it.
    pub review: Option<Review>,
}

/// How far people are with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Review {
    /// How far.
    pub state: ReviewState,
    /// Who said so.
    pub changed_by: UserId,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = "date-time")]
    pub changed_at: OffsetDateTime,
}

/// Which entries to list; newest first.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// Not before.
    pub from: Option<OffsetDateTime>,
    /// Before.
    pub to: Option<OffsetDateTime>,
    /// Only this user's.
    pub actor: Option<UserId>,
    /// Only about this document.
    pub document: Option<DocumentId>,
    /// Only with this outcome.
    pub outcome: Option<String>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only with all of these words in the content, blinded.
    pub words: Vec<i64>,
    /// Only with all of these tags.
    pub tags: Vec<String>,
    /// Only questions in this state.
    pub review: Option<ReviewState>,
    /// Only below this position.
    pub before: Option<i64>,
    /// At most this many.
    pub limit: i64,
}

/// An intent that no outcome followed.
#[derive(Clone, Debug)]
pub struct OpenIntent {
    /// The intent.
    pub event_id: EventId,
    /// Who asked.
    pub actor: Option<UserId>,
    /// When.
    pub recorded_at: OffsetDateTime,
}

/// The append-only tables.
#[async_trait]
pub trait LogStore: LogTree + Retention {
    /// Appends all or none, in order, and what `tree` says to store with them, and makes their changes; gives the position
    /// of the first. `Conflict` when an intent would get a second outcome, an event id is taken, or a change is not allowed.
    async fn append(&self, entries: &[LogEntry], tree: &dyn Growing) -> Result<i64, StoreError>;
    /// Newest first; `sealed` is not read.
    async fn list(&self, query: &LogQuery) -> Result<Vec<StoredEntry>, StoreError>;
    /// One entry with its content, and the entries that refer to it, oldest first: at most 1000, of which steps of a review come
    /// in first, the latest before the others, and views last.
    async fn find(&self, id: EventId) -> Result<Option<(StoredEntry, Vec<StoredEntry>)>, StoreError>;
    /// Reads `sealed` and `erased_by` of entries, both of one moment.
    async fn fill_in_content(&self, entries: &mut [StoredEntry]) -> Result<(), StoreError>;
    /// Intents without outcome whose process is dead: not `alive_within`, or of this node but an earlier boot.
    async fn open_intents(
        &self,
        boot: BootId,
        node: &str,
        alive_within: Duration,
    ) -> Result<Vec<OpenIntent>, StoreError>;
    /// Names of settings with which the store could lose, in a crash, what it acknowledged.
    async fn unsafe_settings(&self) -> Result<Vec<String>, StoreError>;
    /// Says that this process lives.
    async fn heartbeat(&self, boot: BootId, node: &str) -> Result<(), StoreError>;
}
