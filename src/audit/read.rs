//! Entries as an auditor reads them, checked on the way. Knows no HTTP.

use crate::audit::AuditError;
use crate::audit::Auditor;
use crate::audit::event;
use crate::audit::event::Actor;
use crate::audit::event::Event;
use crate::audit::log::Log;
use crate::audit::seal::written;
use crate::audit::tree;
use crate::domain::DocumentId;
use crate::domain::EventId;
use crate::domain::Principal;
use crate::domain::UserId;
use crate::ports::LogQuery;
use crate::ports::Review;
use crate::ports::StoreError;
use crate::ports::StoredEntry;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use std::collections::HashMap;
use std::collections::hash_map;
use time::OffsetDateTime;

const MAX_LISTED: i64 = 200;

/// That content was erased.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Erased {
    /// The entry that records it.
    pub event_id: EventId,
    /// When. As the next two only when one entry is read.
    pub at: Option<String>,
    /// Why, as `erasure.requested` says it, or `time_over`.
    pub reason: Option<String>,
    /// Who approved it.
    pub approved_by: Vec<UserId>,
}

/// An entry as an auditor reads it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Entry {
    /// Its id.
    pub event_id: EventId,
    /// Its position in the log, from 0.
    pub leaf_index: i64,
    /// Such as `chat.intent`.
    pub kind: String,
    /// What it belongs to.
    pub reference: Option<EventId>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = "date-time")]
    pub recorded_at: OffsetDateTime,
    /// Who; none: the service itself.
    pub actor: Option<UserId>,
    /// Which documents.
    pub documents: Vec<DocumentId>,
    /// Such as `answered`.
    pub outcome: Option<String>,
    /// The leaf as JSON.
    #[schema(value_type = Object)]
    pub leaf: Value,
    /// SHA-256(0x00 ‖ leaf), hex (RFC 6962).
    pub leaf_hash: String,
    /// The leaf has this hash and says what the fields above say; when one entry is read with its content, the content
    /// is also the one the leaf commits to, its erasure and its review are what records say. False means that somebody changed
    /// the stored entry, or removed its content without a record of it. (In a doubted log nothing is opened, and only hash and
    /// fields are checked.)
    pub verified: bool,
    /// Only when one entry is read, and what belongs to it: the sealed content `{actor_name, actor_address, content}`, opened and checked against the leaf's
    /// commitment. None when nothing was sealed, when it was erased (`erased` says so), or when `verified` is false.
    #[schema(value_type = Object)]
    pub content: Option<Value>,
    /// Its content was erased.
    pub erased: Option<Erased>,
    /// Of a question, how far people are with it; none while nobody took a step.
    pub review: Option<Review>,
    /// Only when one entry is read: entries that refer to it, oldest first.
    #[schema(no_recursion)]
    pub related: Vec<Entry>,
}

pub(super) async fn list(log: &Log, query: LogQuery) -> Result<(Vec<Entry>, Option<i64>), AuditError> {
    let limit = query.limit.clamp(1, MAX_LISTED);
    let mut stored = log.store.list(&LogQuery { limit: limit + 1, ..query }).await?;
    let more = stored.len() as i64 > limit;
    stored.truncate(limit as usize);
    let next = if more { stored.last().map(|entry| entry.leaf_index) } else { None };
    Ok((stored.iter().map(entry).collect(), next))
}

pub(super) async fn read(
    auditor: &Auditor,
    reader: &Principal,
    id: EventId,
) -> Result<Option<Entry>, AuditError> {
    let Some((stored, related)) = found(&auditor.log, id).await? else {
        return Ok(None);
    };
    if auditor.doubt().is_some() {
        return Ok(Some(without_content(&stored, &related)));
    }
    auditor.record(viewed(reader, &stored, related.len())).await?;
    let mut read = opened(&auditor.log, &stored);
    if last_step(&related) != stored.review {
        tracing::error!(event.id = %id, "the state of a review is not the one that was recorded");
        read.verified = false;
    }
    read.related = with_content(&auditor.log, related).await?;
    check_erased(&auditor.log, &mut read).await?;
    Ok(Some(read))
}

/// The entry and what refers to it are read one after the other: once more where a step of a review came between.
async fn found(log: &Log, id: EventId) -> Result<Option<(StoredEntry, Vec<StoredEntry>)>, StoreError> {
    let found = log.store.find(id).await?;
    let moved = found.as_ref().is_some_and(|(stored, related)| last_step(related) != stored.review);
    if moved { log.store.find(id).await } else { Ok(found) }
}

/// What a doubted log still shows: opening content would have to be recorded.
fn without_content(stored: &StoredEntry, related: &[StoredEntry]) -> Entry {
    let mut read = entry(stored);
    read.related = related.iter().map(entry).collect();
    read
}

pub(super) async fn outcome_of(log: &Log, intent: EventId) -> Result<Option<Entry>, AuditError> {
    let Some((_, related)) = log.store.find(intent).await? else { return Ok(None) };
    let Some(outcome) = related.iter().find(|entry| event::is_outcome(&entry.kind)) else { return Ok(None) };
    let outcome = log.store.find(outcome.event_id).await?;
    Ok(outcome.map(|(stored, _)| opened(log, &stored)))
}

/// Several at once.
async fn with_content(log: &Log, mut entries: Vec<StoredEntry>) -> Result<Vec<Entry>, AuditError> {
    log.store.fill_in_content(&mut entries).await?;
    Ok(entries.iter().map(|stored| opened(log, stored)).collect())
}

/// Fills in what the erasing entries say. An erasure that no record speaks of is none: the content is gone without one.
async fn check_erased(log: &Log, read: &mut Entry) -> Result<(), AuditError> {
    let mut known: HashMap<EventId, Option<Value>> = HashMap::new();
    let (one, related) = (&mut read.verified, &mut read.related);
    let own = std::iter::once((read.event_id, one, &mut read.erased));
    let others = related.iter_mut().map(|entry| (entry.event_id, &mut entry.verified, &mut entry.erased));
    for (id, verified, said) in own.chain(others) {
        let Some(erased) = said else { continue };
        if let hash_map::Entry::Vacant(unknown) = known.entry(erased.event_id) {
            unknown.insert(erasing(log, erased.event_id).await?);
        }
        let leaf = known[&erased.event_id].as_ref();
        if let Some(leaf) = leaf.filter(|leaf| names(&leaf["facts"]["records"], id)) {
            erased.explain(leaf);
        } else {
            (*verified, *said) = (false, None);
        }
    }
    Ok(())
}

/// The leaf of a record of erasure that the log holds.
async fn erasing(log: &Log, id: EventId) -> Result<Option<Value>, AuditError> {
    let Some((stored, _)) = log.store.find(id).await? else { return Ok(None) };
    let said = entry(&stored);
    let is_one = said.verified && said.kind == "record.erased" && proved(log, &said).await?;
    Ok(is_one.then_some(said.leaf))
}

fn names(records: &Value, id: EventId) -> bool {
    records.as_array().is_some_and(|records| records.contains(&json!(id)))
}

impl Erased {
    fn explain(&mut self, leaf: &Value) {
        let facts = &leaf["facts"];
        self.at = leaf["recorded_at"].as_str().map(str::to_owned);
        self.reason = facts["reason"].as_str().map(str::to_owned);
        self.approved_by = serde_json::from_value(facts["approved_by"].clone()).unwrap_or_default();
    }
}

/// How far a review is, by the last step that was recorded.
fn last_step(related: &[StoredEntry]) -> Option<Review> {
    let steps = related.iter().filter(|entry| entry.kind == "review.changed");
    let last = steps.max_by_key(|entry| entry.leaf_index)?;
    let state = last.outcome.as_deref()?.parse().ok()?;
    Some(Review { state, changed_by: last.actor?, changed_at: last.recorded_at })
}

/// With its content, where it is still there and fits the leaf.
pub(super) fn opened(log: &Log, stored: &StoredEntry) -> Entry {
    let mut read = entry(stored);
    match &stored.sealed {
        Some(sealed) if read.verified => {
            read.content = log.sealer.open(stored, &read.leaf, sealed);
            read.verified = read.content.is_some();
        }
        // Gone without a record of it.
        None if !read.leaf["content"].is_null() && read.erased.is_none() => read.verified = false,
        Some(_) | None => {}
    }
    read
}

/// Whether the tree that the log signed holds an entry that was read, and all that was read with it.
pub(super) async fn proved(log: &Log, read: &Entry) -> Result<bool, AuditError> {
    let Some(newest) = log.store.head().await?.newest else { return Ok(false) };
    if log.tree.believed(&newest.note).is_none() {
        return Ok(false);
    }
    for entry in std::iter::once(read).chain(&read.related) {
        let Ok(leaf) = ledger::canonical(&entry.leaf) else { return Ok(false) };
        match tree::prove_by(log.store.as_ref(), &leaf, entry.leaf_index, &newest).await {
            Ok(_) => {}
            Err(StoreError::Corrupt { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

fn viewed(reader: &Principal, stored: &StoredEntry, related: usize) -> Event {
    Event {
        id: EventId::new(),
        kind: "audit.viewed",
        reference: Some(stored.event_id),
        actor: Some(Actor::from(reader)),
        documents: Vec::new(),
        outcome: None,
        facts: json!({"leaf_index": stored.leaf_index, "kind": stored.kind, "related": related}),
        content: None,
    }
}

pub(super) fn entry(stored: &StoredEntry) -> Entry {
    let leaf: Value = serde_json::from_slice(&stored.leaf).unwrap_or_default();
    let verified = ledger::leaf_hash(&stored.leaf) == *stored.leaf_hash && says_the_same(&leaf, stored);
    if !verified {
        tracing::error!(event.id = %stored.event_id, leaf.index = stored.leaf_index, "an audit entry was changed");
    }
    Entry {
        event_id: stored.event_id,
        leaf_index: stored.leaf_index,
        kind: stored.kind.clone(),
        reference: stored.reference,
        recorded_at: stored.recorded_at,
        actor: stored.actor,
        documents: stored.documents.clone(),
        outcome: stored.outcome.clone(),
        leaf,
        leaf_hash: hex::encode(&stored.leaf_hash),
        verified,
        content: None,
        erased: stored.erased_by.map(|event_id| Erased {
            event_id,
            at: None,
            reason: None,
            approved_by: Vec::new(),
        }),
        review: stored.review,
        related: Vec::new(),
    }
}

/// Columns are for searching; the leaf is what counts.
fn says_the_same(leaf: &Value, stored: &StoredEntry) -> bool {
    leaf["event_id"] == json!(stored.event_id)
        && leaf["kind"] == json!(stored.kind)
        && leaf["ref"] == json!(stored.reference)
        && leaf["recorded_at"] == json!(written(stored.recorded_at))
        && leaf["actor"]["id"] == json!(stored.actor)
        && leaf["documents"] == json!(stored.documents)
        && leaf["outcome"] == json!(stored.outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> StoredEntry {
        let event_id = EventId::new();
        let recorded_at = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let leaf = ledger::canonical(&json!({
            "event_id": event_id, "kind": "chat.completed", "ref": null, "recorded_at": written(recorded_at),
            "actor": null, "documents": [], "outcome": "answered",
        }))
        .unwrap();
        StoredEntry {
            leaf_index: 4,
            event_id,
            kind: "chat.completed".into(),
            reference: None,
            recorded_at,
            actor: None,
            documents: vec![],
            outcome: Some("answered".into()),
            leaf_hash: ledger::leaf_hash(&leaf).to_vec(),
            leaf,
            sealed: None,
            erased_by: None,
            review: None,
        }
    }

    #[test]
    fn an_entry_as_it_was_written_is_verified() {
        assert!(entry(&stored()).verified);
    }

    #[test]
    fn a_changed_leaf_hash_or_column_is_seen() {
        let (mut leaf, mut hash, mut outcome, mut actor) = (stored(), stored(), stored(), stored());
        leaf.leaf.push(b' ');
        hash.leaf_hash[0] ^= 1;
        outcome.outcome = Some("not_in_documents".into());
        actor.actor = Some(UserId::new());

        for changed in [leaf, hash, outcome, actor] {
            assert!(!entry(&changed).verified);
        }
    }
}
