//! What one line shows by itself, without the others: so lines can be examined on all cores. Knows no order.

use crate::checkpoint::SignedCheckpoint;
use crate::commitment::RecordKey;
use crate::export::line;
use crate::export::line::End;
use crate::export::line::FORMAT;
use crate::export::line::Header;
use crate::export::line::Line;
use crate::export::line::Scope;
use crate::export::pairs::EventId;
use crate::export::pairs::Role;
use crate::export::report::Flaw;
use crate::export::report::Problem;
use crate::hash::Hash;
use crate::hash::leaf_hash;
use crate::leaf::canonical;
use crate::policy::Policy;
use crate::policy::Trusted;
use crate::record;
use crate::record::Record;
use crate::tree::Frontier;
use std::borrow::Cow;

/// A line that holds by itself.
#[derive(Debug)]
pub enum Examined {
    /// What the export says it is.
    Start(Start),
    /// A record.
    Record(Seen),
    /// A checkpoint that the log signed.
    Checkpoint(Trusted),
    /// What the export says it held.
    End {
        /// How many records.
        records: u64,
        /// How many checkpoints.
        checkpoints: u64,
    },
}

/// What the export says it is.
#[derive(Debug)]
pub struct Start {
    /// Which log.
    pub origin: String,
    /// All records or chosen ones.
    pub scope: Scope,
    /// The tree before the first record.
    pub frontier: Frontier,
    /// Who made it when and for what, as it says itself.
    pub about: Option<String>,
}

/// A record whose text has the hash that stands beside it and is what a record has to be.
#[derive(Debug)]
pub struct Seen {
    /// Its position, as the line says.
    pub position: u64,
    /// Its leaf's hash, computed.
    pub hash: Hash,
    /// Its id.
    pub id: EventId,
    /// Intent, outcome or neither.
    pub role: Role,
    /// Which record it belongs to.
    pub reference: Option<EventId>,
    /// When it was recorded, in microseconds since 1970.
    pub at_us: i64,
    /// What became of the content that it commits to.
    pub content: Shown,
    /// Of a selection.
    pub proof: Option<Vec<Hash>>,
}

/// Whether content stands beside a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It does, and is what the leaf commits to.
    Yes,
    /// It does not, though the leaf commits to some.
    No,
    /// The leaf commits to none.
    Nothing,
}

/// Reads the log's key as an export itself gives it, for those who have no other: a key from there proves nothing.
pub fn key_in_header(line: &str) -> Option<String> {
    match serde_json::from_str(line).ok()? {
        Line::Export(Header { key, .. }) => key.map(Cow::into_owned),
        Line::Record(_) | Line::Checkpoint(_) | Line::End(_) => None,
    }
}

/// Reads the note of a line that is a checkpoint.
pub fn note_in(line: &str) -> Option<String> {
    match serde_json::from_str(line).ok()? {
        Line::Checkpoint(note) => Some(note.into_owned()),
        Line::Export(_) | Line::Record(_) | Line::End(_) => None,
    }
}

/// Examines one line.
///
/// # Errors
/// When it is damaged, or something in it does not hold.
pub fn examine(line: &[u8], policy: &Policy) -> Result<Examined, Flaw> {
    match serde_json::from_slice(line).map_err(|_| Problem::Line)? {
        Line::Export(header) => Ok(Examined::Start(start(header)?)),
        Line::Record(record) => examine_record(&record).map(Examined::Record),
        Line::Checkpoint(note) => {
            let signed = SignedCheckpoint::parse(&note).map_err(Problem::Checkpoint)?;
            Ok(Examined::Checkpoint(policy.check(&signed).map_err(Problem::Signature)?))
        }
        Line::End(End { records, checkpoints }) => Ok(Examined::End { records, checkpoints }),
    }
}

fn start(header: Header<'_>) -> Result<Start, Problem> {
    let Header { format, origin, scope, first, frontier, key: _, about } = header;
    if format != FORMAT || origin.is_empty() || origin.chars().any(char::is_control) {
        return Err(Problem::Format);
    }
    let roots =
        frontier.iter().map(|root| hex_hash(root)).collect::<Option<Vec<_>>>().ok_or(Problem::Line)?;
    let frontier = Frontier::from_roots(first, roots).ok_or(Problem::Frontier)?;
    Ok(Start { origin: origin.into_owned(), scope, frontier, about: about.map(Cow::into_owned) })
}

fn examine_record(line: &line::Record<'_>) -> Result<Seen, Flaw> {
    let leaf = line.leaf.as_bytes();
    let value: serde_json::Value = serde_json::from_slice(leaf).unwrap_or_default();
    let flaw = |problem| Flaw { position: Some(line.position), event: record::id_of(&value), problem };
    let hash = leaf_hash(leaf);
    if hex_hash(&line.hash) != Some(hash) {
        return Err(flaw(Problem::Hash));
    }
    if canonical(&value).ok().as_deref() != Some(leaf) {
        return Err(flaw(Problem::Canonical));
    }
    let record = Record::read(&value).ok_or_else(|| flaw(Problem::Record))?;
    let content = shown(line.disclosed.as_ref(), record.commitment).map_err(flaw)?;
    let proof =
        line.proof.as_ref().map(|proof| proof.iter().map(|hash| hex_hash(hash)).collect::<Option<_>>());
    let proof = proof.map(|proof| proof.ok_or_else(|| flaw(Problem::Line))).transpose()?;
    Ok(Seen {
        position: line.position,
        hash,
        id: record.id,
        role: Role::of(record.kind),
        reference: record.reference,
        at_us: record.at_us,
        content,
        proof,
    })
}

fn shown(disclosed: Option<&line::Content<'_>>, commitment: Option<Hash>) -> Result<Shown, Problem> {
    match (disclosed, commitment) {
        (None, None) => Ok(Shown::Nothing),
        (None, Some(_)) => Ok(Shown::No),
        (Some(_), None) => Err(Problem::Uncommitted),
        (Some(line::Content { content, key }), Some(commitment)) => {
            let key = RecordKey::from_bytes(hex_hash(key).ok_or(Problem::Line)?);
            if key.commits(content.as_bytes(), &commitment) { Ok(Shown::Yes) } else { Err(Problem::Content) }
        }
    }
}

/// Reads 32 bytes in lower-case hexadecimal.
fn hex_hash(text: &str) -> Option<Hash> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut hash = Hash::default();
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}
