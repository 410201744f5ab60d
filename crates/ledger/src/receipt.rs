//! C2SP `tlog-proof`: that one record is in the log, in a file that needs nothing beside but the log's key.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra base64(leaf)                  the record's own text, so that the file stands alone
//! index 17
//! base64(hash)                        from the leaf's sibling up to below the root
//! …
//!                                     an empty line, then the signed checkpoint
//! rag.example/audit
//! 41783
//! base64(root)
//!
//! — rag.example/audit base64(…)
//! ```
//!
//! Knows no content of a record.

use crate::checkpoint;
use crate::checkpoint::CheckpointError;
use crate::checkpoint::SignedCheckpoint;
use crate::hash::Hash;
use crate::hash::leaf_hash;
use crate::leaf::MAX_LEAF_BYTES;
use crate::note::MAX_NOTE_BYTES;
use crate::policy::Policy;
use crate::policy::PolicyError;
use crate::policy::Trusted;
use crate::tree::ProofError;
use crate::tree::check_inclusion;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// A receipt's file is at most this long, in bytes.
pub const MAX_RECEIPT_BYTES: usize = MAX_NOTE_BYTES + 2 * MAX_LEAF_BYTES;

const HEADER: &str = "c2sp.org/tlog-proof@v1";
const MAX_HASHES: usize = 63;

/// The proof for one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    leaf: Option<Vec<u8>>,
    index: u64,
    hashes: Vec<Hash>,
    checkpoint: SignedCheckpoint,
}

/// Why a file is no receipt, or why it proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Its first line, or one that has to follow, is missing.
    #[error("it is not a receipt: `{missing}` is missing or damaged")]
    Shape {
        /// Which part.
        missing: &'static str,
    },
    /// What follows the proof is no checkpoint.
    #[error("the checkpoint in the receipt: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint is not believed.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The record is not where the receipt says.
    #[error("the record is not in the log at this position: {0}")]
    Proof(#[from] ProofError),
}

impl Receipt {
    /// Puts a proof for the leaf at `index` and the checkpoint that it leads to into one. It is checked at once: a
    /// service does not hand out a receipt that fails.
    ///
    /// # Errors
    /// When the proof does not lead to the checkpoint's root.
    pub fn new(
        leaf: &[u8],
        index: u64,
        hashes: Vec<Hash>,
        checkpoint: SignedCheckpoint,
    ) -> Result<Self, ProofError> {
        check_inclusion(&leaf_hash(leaf), index, checkpoint.checkpoint().head(), &hashes)?;
        Ok(Self { leaf: Some(leaf.to_vec()), index, hashes, checkpoint })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is not a receipt, whatever it may prove.
    pub fn parse(text: &str) -> Result<Self, ReceiptError> {
        let missing = |missing| ReceiptError::Shape { missing };
        if text.len() > MAX_RECEIPT_BYTES {
            return Err(missing("a file of sensible size"));
        }
        let (proof, note) = text.split_once("\n\n").ok_or(missing("the checkpoint"))?;
        let mut lines = proof.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(missing(HEADER));
        }
        let extra = lines.next_if(|line| line.starts_with("extra ")).and_then(|line| line.get(6..));
        let leaf = extra.map(|extra| STANDARD.decode(extra)).transpose().map_err(|_| missing("extra"))?;
        let index = lines.next().and_then(|line| checkpoint::decimal(line.strip_prefix("index ")?));
        let index = index.ok_or(missing("index"))?;
        let hashes: Vec<Hash> = lines
            .take(MAX_HASHES + 1)
            .map(checkpoint::hash)
            .collect::<Option<_>>()
            .ok_or(missing("a hash of the proof"))?;
        if hashes.len() > MAX_HASHES {
            return Err(missing("a proof of sensible length"));
        }
        Ok(Self { leaf, index, hashes, checkpoint: SignedCheckpoint::parse(note)? })
    }

    /// The record's text as the receipt gives it. It is that of the log only after [`Receipt::check`].
    pub fn leaf(&self) -> Option<&[u8]> {
        self.leaf.as_deref()
    }

    /// The record's position in the log, from 0.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// From the leaf's sibling upwards.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The checkpoint that the proof leads to.
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// Checks that the leaf with this hash is in a log of the policy, in a state that enough witnesses saw.
    ///
    /// # Errors
    /// When a signature, a witness or the proof fails.
    pub fn check(&self, leaf: &Hash, policy: &Policy) -> Result<Trusted, ReceiptError> {
        let trusted = policy.check(&self.checkpoint)?;
        if !trusted.quorum() {
            return Err(PolicyError::Quorum.into());
        }
        check_inclusion(leaf, self.index, trusted.head(), &self.hashes)?;
        Ok(trusted)
    }
}

impl fmt::Display for Receipt {
    /// Writes the file.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{HEADER}")?;
        if let Some(leaf) = &self.leaf {
            writeln!(formatter, "extra {}", STANDARD.encode(leaf))?;
        }
        writeln!(formatter, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(formatter, "{}", STANDARD.encode(hash))?;
        }
        write!(formatter, "\n{}", self.checkpoint)
    }
}
