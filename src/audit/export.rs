//! A range or a selection of the log as a file for `docent-verify`: records and the checkpoints between them, read in pages and written as
//! it is taken. Knows no HTTP.

use crate::audit::AuditError;
use crate::audit::Auditor;
use crate::audit::event::Actor;
use crate::audit::event::Event;
use crate::audit::log::Log;
use crate::audit::read::Entry;
use crate::audit::read::entry;
use crate::audit::seal::written;
use crate::audit::tree;
use crate::domain::EventId;
use crate::domain::Principal;
use crate::ports::Growing;
use crate::ports::LogHead;
use crate::ports::LogQuery;
use crate::ports::StoredCheckpoint;
use crate::ports::StoredEntry;
use ledger::Frontier;
use ledger::SignedCheckpoint;
use ledger::export::Disclosed;
use ledger::export::Writer;
use ledger::export::write::About;
use serde_json::Value;
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
/// Records proved before a piece is sent.
const PAGE_PROVED: usize = 100;
/// Entries of one selection.
const MAX_SELECTED: usize = 10_000;
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
    record_export(auditor, reader, json!({"scope": "range", "first": first})).await?;
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

/// The selected entries, the oldest first, for a table; none when there are none. Recorded before it is given.
pub(super) async fn select(
    auditor: &Auditor,
    reader: &Principal,
    query: LogQuery,
) -> Result<Option<Vec<Entry>>, AuditError> {
    let entries = selected(&auditor.log, &query).await?;
    if entries.is_empty() {
        return Ok(None);
    }
    let facts = json!({"scope": "table", "records": entries.len(), "filter": filter_facts(&query)});
    record_export(auditor, reader, facts).await?;
    Ok(Some(entries.iter().map(entry).collect()))
}

/// The same with a proof for each, as docs/audit-format.md §6 has it.
pub(super) async fn selection(
    auditor: &Auditor,
    reader: &Principal,
    query: LogQuery,
) -> Result<Option<Pieces>, AuditError> {
    let log = Arc::clone(&auditor.log);
    let entries = selected(&log, &query).await?;
    if entries.is_empty() {
        return Ok(None);
    }
    let facts = json!({"scope": "selection", "records": entries.len(), "filter": filter_facts(&query)});
    record_export(auditor, reader, facts).await?;
    proved(log, entries).await
}

/// A question, or another entry, with what belongs to it, in the same form and with the content of questions and searches, which
/// the keys beside it bind to the leaves; none when there is no such entry.
pub(super) async fn disclosure(
    auditor: &Auditor,
    reader: &Principal,
    id: EventId,
) -> Result<Option<Pieces>, AuditError> {
    let log = Arc::clone(&auditor.log);
    let Some((entry, related)) = log.store.find(id).await? else { return Ok(None) };
    let mut entries = vec![entry];
    entries.extend(related);
    let facts = json!({"scope": "disclosure", "records": entries.len()});
    let documents = entries[0].documents.clone();
    auditor.record(Event { reference: Some(id), documents, ..exported(reader, facts) }).await?;
    // Of the question itself; who reviewed or looked at it is nobody's business outside.
    let (mut questions, others): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| is_of_a_question(&entry.kind));
    log.store.fill_in_content(&mut questions).await?;
    let mut entries: Vec<StoredEntry> = questions.into_iter().chain(others).collect();
    entries.sort_by_key(|entry| entry.leaf_index);
    proved(log, entries).await
}

fn is_of_a_question(kind: &str) -> bool {
    kind.starts_with("chat.") || kind.starts_with("search.")
}

/// Entries in their order, each with its proof, and its content where it is there.
async fn proved(log: Arc<Log>, entries: Vec<StoredEntry>) -> Result<Option<Pieces>, AuditError> {
    let Some(newest) = log.store.head().await?.newest else { return Ok(None) };
    let (pieces, taken) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        if let Err(error) = write_selection(&log, &entries, &newest, &pieces).await {
            tracing::error!(%error, "an export of the audit log broke off");
            let _gone = pieces.send(Err(error)).await;
        }
    });
    Ok(Some(taken))
}

async fn selected(log: &Log, query: &LogQuery) -> Result<Vec<StoredEntry>, AuditError> {
    let mut entries: Vec<StoredEntry> = Vec::new();
    let mut before = query.before;
    while entries.len() < MAX_SELECTED {
        let page = log.store.list(&LogQuery { before, limit: PAGE, ..query.clone() }).await?;
        let last = page.last().map(|entry| entry.leaf_index);
        entries.extend(page);
        match last {
            Some(last) => before = Some(last),
            None => break,
        }
    }
    entries.truncate(MAX_SELECTED);
    entries.reverse();
    Ok(entries)
}

async fn write_selection(
    log: &Log,
    entries: &[StoredEntry],
    newest: &StoredCheckpoint,
    pieces: &mpsc::Sender<io::Result<Vec<u8>>>,
) -> io::Result<()> {
    let (buffer, key) = (Buffer::default(), log.tree.verifier());
    let about = About { key: Some(&key), about: None };
    let mut writer = Writer::selection(buffer.clone(), &signed(newest)?, about)?;
    for page in entries.chunks(PAGE_PROVED) {
        for entry in page {
            let proved = tree::prove_by(log.store.as_ref(), &entry.leaf, entry.leaf_index, newest).await;
            let proved = proved.map_err(io::Error::other)?;
            let opened = log.sealer.disclose(entry);
            let disclosed = opened.as_ref().map(|(content, key)| Disclosed { content, key });
            writer.chosen(entry.leaf_index.cast_unsigned(), &entry.leaf, proved.hashes(), disclosed)?;
        }
        if pieces.send(Ok(buffer.take())).await.is_err() {
            return Ok(()); // nobody takes it any more
        }
    }
    writer.finish()?;
    let _gone = pieces.send(Ok(buffer.take())).await;
    Ok(())
}

/// What was asked for; words looked for are content and are only counted.
fn filter_facts(query: &LogQuery) -> Value {
    json!({
        "from": query.from.map(written),
        "to": query.to.map(written),
        "actor": query.actor,
        "document": query.document,
        "outcome": query.outcome,
        "kind": query.kind,
        "words": query.words.len(),
        "tags": query.tags,
        "review": query.review,
    })
}

/// Where nothing can be recorded any more, exports are how it is found out what is wrong.
async fn record_export(auditor: &Auditor, reader: &Principal, facts: Value) -> Result<(), AuditError> {
    auditor.record_unless_doubted(exported(reader, facts)).await
}

fn exported(reader: &Principal, facts: Value) -> Event {
    Event {
        id: EventId::new(),
        kind: "audit.exported",
        reference: None,
        actor: Some(Actor::from(reader)),
        documents: Vec::new(),
        outcome: None,
        facts,
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
