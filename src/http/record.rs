//! Acts that change who may do what: in the log as `requested` before they are done and as `done` or `failed` after. If
//! the log does not take the first, nothing is done. Knows no act.

use crate::audit::Actor;
use crate::audit::AuditError;
use crate::audit::Auditor;
use crate::audit::Event;
use crate::domain::EventId;
use crate::domain::Principal;
use crate::ports::StoreError;
use serde_json::Value;

/// An act as the log says it.
pub(super) struct Act {
    /// Such as `collection.create`.
    pub(super) kind: &'static str,
    /// Into the leaf: ids and roles, no names.
    pub(super) facts: Value,
    /// Sealed beside it: names.
    pub(super) content: Option<Value>,
}

/// Why an act was not done, or cannot be said to be done.
#[derive(Debug, thiserror::Error)]
pub(super) enum ActError {
    /// The log did not take it.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// It was recorded, and failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Records the act (nobody's when the service does it by itself), does it, and records what became of it with the facts that `found` adds.
pub(super) async fn recorded<T>(
    auditor: &Auditor,
    who: Option<&Principal>,
    act: Act,
    doing: impl Future<Output = Result<T, StoreError>>,
    found: impl FnOnce(&T) -> Value,
) -> Result<T, ActError> {
    let request = EventId::new();
    let Act { kind, facts, content } = act;
    let event = |id, reference, outcome, facts, content| Event {
        id,
        kind,
        reference,
        actor: who.map(Actor::from),
        documents: Vec::new(),
        outcome: Some(outcome),
        facts,
        content,
    };
    auditor.record(event(request, None, "requested", facts, content)).await?;
    let result = doing.await;
    let (outcome, facts) = match &result {
        Ok(done) => ("done", found(done)),
        Err(StoreError::Conflict { .. }) => ("failed", serde_json::json!({ "reason": "conflict" })),
        Err(StoreError::Missing { .. }) => ("failed", serde_json::json!({ "reason": "missing" })),
        Err(StoreError::Unavailable { .. } | StoreError::Corrupt { .. }) => {
            ("failed", serde_json::json!({ "reason": "store" }))
        }
    };
    auditor.record(event(EventId::new(), Some(request), outcome, facts, None)).await?;
    Ok(result?)
}
