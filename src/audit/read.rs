//! Entries as an auditor reads them, checked on the way. Knows no HTTP.

use crate::audit::AuditError;
use crate::audit::Auditor;
use crate::audit::appender::Log;
use crate::audit::event::Actor;
use crate::audit::event::Event;
use crate::audit::seal::written;
use crate::domain::DocumentId;
use crate::domain::EventId;
use crate::domain::Principal;
use crate::domain::UserId;
use crate::ports::LogQuery;
use crate::ports::StoredEntry;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use time::OffsetDateTime;

const MAX_LISTED: i64 = 200;

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
    /// is also the one the leaf commits to. False means that somebody changed the stored entry.
    pub verified: bool,
    /// Only when one entry is read: the sealed content `{actor_name, content}`, opened and checked against the leaf's
    /// commitment. None when nothing was sealed, when it was erased, or when `verified` is false.
    #[schema(value_type = Object)]
    pub content: Option<Value>,
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
    let Some((stored, related)) = auditor.log.store.find(id).await? else {
        return Ok(None);
    };
    auditor.record(viewed(reader, &stored)).await?;
    let mut read = entry(&stored);
    if let Some(sealed) = &stored.sealed
        && read.verified
    {
        read.content = auditor.log.sealer.open(&stored, &read.leaf, sealed);
        read.verified = read.content.is_some();
    }
    read.related = related.iter().map(entry).collect();
    Ok(Some(read))
}

fn viewed(reader: &Principal, stored: &StoredEntry) -> Event {
    Event {
        id: EventId::new(),
        kind: "audit.viewed",
        reference: Some(stored.event_id),
        actor: Some(Actor::from(reader)),
        documents: Vec::new(),
        outcome: None,
        facts: json!({"leaf_index": stored.leaf_index, "kind": stored.kind}),
        content: None,
    }
}

fn entry(stored: &StoredEntry) -> Entry {
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
