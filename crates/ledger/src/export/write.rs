//! Writes an export, line by line. It does not check what it is given: the verifier does. Knows no store.

use crate::checkpoint::SignedCheckpoint;
use crate::commitment::RecordKey;
use crate::export::line::Content;
use crate::export::line::End;
use crate::export::line::FORMAT;
use crate::export::line::Header;
use crate::export::line::Line;
use crate::export::line::Record;
use crate::export::line::Scope;
use crate::hash::Hash;
use crate::hash::leaf_hash;
use crate::note::VerifierKey;
use crate::tree::Frontier;
use std::borrow::Cow;
use std::io;
use std::io::Write;

/// What the exporter says of the export beside what can be proved.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// The log's key.
    pub key: Option<&'a VerifierKey>,
    /// Who made it when and for what.
    pub about: Option<&'a str>,
}

/// Content that is shown with a record.
#[derive(Clone, Copy, Debug)]
pub struct Disclosed<'a> {
    /// As it was sealed.
    pub content: &'a str,
    /// The record's key.
    pub key: &'a RecordKey,
}

/// Writes lines to `W`, which should be buffered.
#[derive(Debug)]
pub struct Writer<W> {
    to: W,
    next: u64,
    written: End,
}

impl<W: Write> Writer<W> {
    /// Begins an export of all records from `start` on, which is the tree before the first of them.
    ///
    /// # Errors
    /// When `to` does not take it.
    pub fn range(to: W, origin: &str, start: &Frontier, about: About<'_>) -> io::Result<Self> {
        let frontier = start.roots().iter().map(|hash| hex::encode(hash).into()).collect();
        Self::begin(to, header(origin, Scope::Range, start.size(), frontier, about))
    }

    /// Begins an export of chosen records; their proofs lead to `checkpoint`.
    ///
    /// # Errors
    /// When `to` does not take it.
    pub fn selection(to: W, checkpoint: &SignedCheckpoint, about: About<'_>) -> io::Result<Self> {
        let origin = checkpoint.checkpoint().origin();
        let mut writer = Self::begin(to, header(origin, Scope::Selection, 0, Vec::new(), about))?;
        writer.checkpoint(checkpoint)?;
        Ok(writer)
    }

    fn begin(to: W, header: Header<'_>) -> io::Result<Self> {
        let next = header.first;
        let mut writer = Self { to, next, written: End { records: 0, checkpoints: 0 } };
        writer.line(&Line::Export(header))?;
        Ok(writer)
    }

    /// Writes the next record of a range.
    ///
    /// # Errors
    /// When the leaf is not UTF-8 or `to` does not take it.
    pub fn record(&mut self, leaf: &[u8], disclosed: Option<Disclosed<'_>>) -> io::Result<()> {
        let position = self.next;
        self.next += 1;
        self.put(position, leaf, disclosed, None)
    }

    /// Says that the next record of a range is the one at this position. Where that leaves some out, whoever checks the
    /// export is told so.
    pub const fn skip_to(&mut self, position: u64) {
        self.next = position;
    }

    /// Writes a record of a selection, of a higher position than the one before.
    ///
    /// # Errors
    /// When the leaf is not UTF-8 or `to` does not take it.
    pub fn chosen(
        &mut self,
        position: u64,
        leaf: &[u8],
        proof: &[Hash],
        disclosed: Option<Disclosed<'_>>,
    ) -> io::Result<()> {
        self.put(position, leaf, disclosed, Some(proof))
    }

    /// Writes a checkpoint: in a range exactly after as many records as it speaks of.
    ///
    /// # Errors
    /// When `to` does not take it.
    pub fn checkpoint(&mut self, checkpoint: &SignedCheckpoint) -> io::Result<()> {
        self.written.checkpoints += 1;
        self.line(&Line::Checkpoint(checkpoint.to_string().into()))
    }

    /// Writes the last line and gives `to` back. Without it an export counts as broken off.
    ///
    /// # Errors
    /// When `to` does not take it.
    pub fn finish(mut self) -> io::Result<W> {
        self.line(&Line::End(self.written))?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn put(
        &mut self,
        position: u64,
        leaf: &[u8],
        disclosed: Option<Disclosed<'_>>,
        proof: Option<&[Hash]>,
    ) -> io::Result<()> {
        let text = str::from_utf8(leaf).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        self.written.records += 1;
        self.line(&Line::Record(Record {
            position,
            leaf: text.into(),
            hash: hex::encode(leaf_hash(leaf)).into(),
            disclosed: disclosed.map(|Disclosed { content, key }| Content {
                content: content.into(),
                key: hex::encode(key.bytes()).into(),
            }),
            proof: proof.map(|proof| proof.iter().map(|hash| hex::encode(hash).into()).collect()),
        }))
    }

    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut self.to, line)?;
        self.to.write_all(b"\n")
    }
}

fn header<'a>(
    origin: &'a str,
    scope: Scope,
    first: u64,
    frontier: Vec<Cow<'a, str>>,
    about: About<'a>,
) -> Header<'a> {
    Header {
        format: FORMAT.into(),
        origin: origin.into(),
        scope,
        first,
        frontier,
        key: about.key.map(|key| key.to_string().into()),
        about: about.about.map(Cow::from),
    }
}
