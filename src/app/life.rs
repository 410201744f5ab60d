//! The service's own beginning and end as events: which program, with which models and which configuration. Knows no part
//! of it.

use crate::app::Models;
use crate::audit::AuditError;
use crate::audit::Auditor;
use crate::audit::Event;
use crate::config::Config;
use crate::domain::EventId;
use serde_json::Value;
use serde_json::json;

/// Records that the service runs; the configuration, without secrets, is sealed.
///
/// # Errors
/// When the log does not take it, unless it is doubted: then the service runs so that auditors can look.
pub(super) async fn started(
    auditor: &Auditor,
    config: &Config,
    serve: bool,
    models: &Models,
) -> anyhow::Result<EventId> {
    let facts = json!({
        "serves": serve,
        "models": {
            "generator": models.generator.fingerprint(),
            "embedder": models.embedder.fingerprint(),
            "recognises_pages": models.recogniser.is_some(),
        },
    });
    let event = event("service.started", None, facts, Some(json!({ "config": config.show() })));
    let id = event.id;
    match auditor.record(event).await {
        Ok(_) | Err(AuditError::Doubted) => Ok(id),
        Err(error) => Err(error.into()),
    }
}

/// Records that it stops; what is not written then is missed by nobody but the reader of the log.
pub(super) async fn stopped(auditor: &Auditor, started: EventId) {
    match auditor.record(event("service.stopped", Some(started), Value::Null, None)).await {
        Ok(_) | Err(AuditError::Doubted) => {}
        Err(error) => tracing::warn!(%error, "that the service stops is not in the log"),
    }
}

fn event(kind: &'static str, reference: Option<EventId>, facts: Value, content: Option<Value>) -> Event {
    Event {
        id: EventId::new(),
        kind,
        reference,
        actor: None,
        documents: Vec::new(),
        outcome: None,
        facts,
        content,
    }
}
