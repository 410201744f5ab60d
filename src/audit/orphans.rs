//! Outcomes for intents that nobody else will close: their process died, or could not record the outcome. Knows no
//! question.

use crate::audit::event;
use crate::audit::event::Event;
use crate::audit::log::Log;
use crate::domain::EventId;
use crate::ports::StoreError;
use crate::ports::StoredEntry;
use serde_json::json;

/// Closes what is owed by this process and what dead processes left open. What fails is tried again at the next sweep;
/// an outcome that came meanwhile wins, since the store takes only one.
pub(super) async fn close(log: &Log) {
    let mut debts = log.take_debts().into_iter();
    while let Some(intent) = debts.next() {
        match close_one(log, intent, "outcome_not_recorded").await {
            Ok(()) => log.closed(intent),
            Err(error) => {
                tracing::warn!(%error, event.id = %intent, "an intent keeps waiting for its outcome");
                log.owe(intent);
                // The store is away: the others would wait for it one by one, and every entry behind them.
                debts.by_ref().for_each(|rest| log.owe(rest));
            }
        }
    }
    let open = match log.open_intents().await {
        Ok(open) => open,
        Err(error) => return tracing::warn!(%error, "open intents cannot be listed"),
    };
    for intent in open {
        match close_one(log, intent, "process_ended").await {
            Ok(()) => tracing::info!(event.id = %intent, "closed an intent of a dead process as abandoned"),
            Err(error) => return tracing::warn!(%error, "open intents cannot be closed"),
        }
    }
}

async fn close_one(log: &Log, intent: EventId, reason: &'static str) -> Result<(), StoreError> {
    let Some((stored, related)) = log.store.find(intent).await? else {
        return Ok(()); // its own append never came through
    };
    let Some(kind) = event::abandoned(&stored.kind) else {
        return Ok(());
    };
    if related.iter().any(|entry| event::is_outcome(&entry.kind)) {
        return Ok(());
    }
    let entry = log.sealer.seal(abandoned(&stored, &related, kind, reason), None);
    let entry =
        entry.map_err(|error| StoreError::Corrupt { store: "postgres", detail: error.to_string() })?;
    match log.append(&[entry]).await {
        Ok(_) | Err(StoreError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

fn abandoned(intent: &StoredEntry, related: &[StoredEntry], kind: &'static str, reason: &str) -> Event {
    let released = related.iter().filter(|entry| entry.kind == "chat.sentence").count();
    Event {
        id: EventId::new(),
        kind,
        reference: Some(intent.event_id),
        actor: None,
        documents: intent.documents.clone(),
        outcome: Some("abandoned"),
        facts: json!({
            "reason": reason,
            "released_sentences": released,
            "last_event": related.last().map_or(intent.kind.as_str(), |entry| entry.kind.as_str()),
        }),
        content: None,
    }
}
