//! The one task that writes. It takes everything that waits, up to 512 entries, and appends it in one transaction;
//! while that commits, the next batch fills, so no timer is needed. Knows no event's meaning but which are intents.

use crate::audit::AuditError;
use crate::audit::event;
use crate::audit::log::Log;
use crate::audit::log::too_late;
use crate::audit::orphans;
use crate::ports::LogEntry;
use crate::ports::StoreError;
use metrics::gauge;
use metrics::histogram;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const MAX_BATCH: usize = 512;
const HEARTBEAT: Duration = Duration::from_secs(5);
const ORPHANS: Duration = Duration::from_secs(30);

type Reply = oneshot::Sender<Result<i64, AuditError>>;

/// An entry and who waits for its position.
pub(super) struct Command {
    pub(super) entry: LogEntry,
    pub(super) reply: Reply,
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
