//! A range of the log as a file for `docent-verify`: records and the checkpoints between them, read in pages and written as
//! it is taken. Knows no HTTP.

use crate::audit::AuditError;
use crate::audit::Auditor;
use crate::audit::appender::Log;
use crate::audit::event::Actor;
use crate::audit::event::Event;
use crate::domain::EventId;
use crate::domain::Principal;
use crate::ports::Growing;
use crate::ports::LogHead;
use crate::ports::StoredCheckpoint;
use ledger::Frontier;
use ledger::SignedCheckpoint;
use ledger::export::Writer;
use ledger::export::write::About;
use serde_json::json;
use std::io;
use std::io::Write;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use tokio::sync::mpsc;

/// Pieces of an export in their order; an error where the log cannot be read on.
pub type Pieces = mpsc::Receiver<io::Result<Vec<u8>>>;

/// Records read at once.
const PAGE: i64 = 500;
/// Pieces that wait for being taken.
const WAITING: usize = 4;

pub(super) async fn export(
    auditor: &Auditor,
    reader: &Principal,
    first: i64,
) -> Result<Option<Pieces>, AuditError> {
    let log = Arc::clone(&auditor.log);
    if !(0..log.store.head().await?.entries).contains(&first) {
        return Ok(None);
    }
    let recorded = auditor.record(exported(reader, first)).await;
    match recorded {
        Ok(_) => {}
        // Nothing can be recorded then, and this is how it is found out what is wrong.
        Err(_) if log.doubt().is_some() => {
            tracing::warn!(user.id = %reader.user(), "an export of a doubted log is not recorded");
        }
        Err(error) => return Err(error),
    }
    pieces(&log, first).await
}

/// The export itself; none when the log is not that long. Up to the newest checkpoint, or in a doubted log to its end.
pub(super) async fn pieces(log: &Arc<Log>, first: i64) -> Result<Option<Pieces>, AuditError> {
    let LogHead { entries, newest } = log.store.head().await?;
    let signed = newest.map_or(0, |newest| newest.size);
    let end = if log.doubt().is_some() { entries } else { signed };
    if !(0..end).contains(&first) {
        return Ok(None);
    }
    let roots = log.store.hashes(&log.tree.needed(first)).await?;
    let frontier = Frontier::from_roots(first.cast_unsigned(), roots);
    let frontier = frontier.expect("there is a hash for each position asked for");
    let (pieces, taken) = mpsc::channel(WAITING);
    let log = Arc::clone(log);
    tokio::spawn(async move {
        if let Err(error) = write(&log, frontier, end, &pieces).await {
            tracing::error!(%error, "an export of the audit log broke off");
            let _gone = pieces.send(Err(error)).await;
        }
    });
    Ok(Some(taken))
}

fn exported(reader: &Principal, first: i64) -> Event {
    Event {
        id: EventId::new(),
        kind: "audit.exported",
        reference: None,
        actor: Some(Actor::from(reader)),
        documents: Vec::new(),
        outcome: None,
        facts: json!({"scope": "range", "first": first}),
        content: None,
    }
}

async fn write(
    log: &Log,
    frontier: Frontier,
    end: i64,
    pieces: &mpsc::Sender<io::Result<Vec<u8>>>,
) -> io::Result<()> {
    let (buffer, key) = (Buffer::default(), log.tree.verifier());
    let about = About { key: Some(&key), about: None };
    let mut next = frontier.size().cast_signed();
    let mut writer = Writer::range(buffer.clone(), key.name(), &frontier, about)?;
    while next < end {
        let to = end.min(next + PAGE);
        let leaves = log.store.leaves(next, to).await.map_err(io::Error::other)?;
        let checkpoints = log.store.checkpoints(next, to, PAGE).await.map_err(io::Error::other)?;
        let mut due = checkpoints.into_iter().peekable();
        for (position, leaf) in leaves {
            writer.skip_to(position.cast_unsigned());
            writer.record(&leaf, None)?;
            while let Some(checkpoint) = due.next_if(|checkpoint| checkpoint.size <= position + 1) {
                writer.checkpoint(&signed(&checkpoint)?)?;
            }
        }
        next = to;
        if pieces.send(Ok(buffer.take())).await.is_err() {
            return Ok(()); // nobody takes it any more
        }
    }
    writer.finish()?;
    let _gone = pieces.send(Ok(buffer.take())).await;
    Ok(())
}

/// As it was signed: whether it fits is for the verifier to say.
fn signed(stored: &StoredCheckpoint) -> io::Result<SignedCheckpoint> {
    let signed = SignedCheckpoint::parse(&stored.note);
    signed.map_err(|error| io::Error::other(format!("the checkpoint of {} entries: {error}", stored.size)))
}

/// Bytes between the writer and the channel.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
