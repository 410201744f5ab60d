//! The tree over the log as a store keeps it: hashes at positions, signed heads. A store knows where they lie and not what
//! they mean. Knows no adapter and no hash function.

use crate::ports::StoreError;
use async_trait::async_trait;

/// SHA-256.
pub type Digest = [u8; 32];

/// What the log signed of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// How many leaves.
    pub size: i64,
    /// The hash over all of them.
    pub root: Digest,
    /// The signed note.
    pub note: String,
}

/// What the log is at one moment.
#[derive(Clone, Debug)]
pub struct LogHead {
    /// How many entries it has.
    pub entries: i64,
    /// The newest checkpoint; none before the first.
    pub newest: Option<StoredCheckpoint>,
}

/// What is stored with new leaves.
#[derive(Clone, Debug)]
pub struct Growth {
    /// Hashes that are now complete, with their positions.
    pub hashes: Vec<(i64, Digest)>,
    /// What the log stands at then.
    pub checkpoint: StoredCheckpoint,
}

/// Whoever appends says how the tree grows, while the store holds the log's lock.
pub trait Growing: Send + Sync {
    /// Where the hashes are stored that a tree of this size needs to go on.
    fn needed(&self, size: i64) -> Vec<i64>;

    /// What to store with these leaves. `needed` are the hashes asked for.
    ///
    /// # Errors
    /// `Corrupt` when what is stored does not fit together: nothing must be built upon it.
    fn grow(
        &self,
        size: i64,
        needed: &[Digest],
        newest: Option<&StoredCheckpoint>,
        leaves: &[Digest],
    ) -> Result<Growth, StoreError>;
}

/// The stored tree.
#[async_trait]
pub trait LogTree: Send + Sync {
    /// Entries and newest checkpoint, both of the same moment.
    async fn head(&self) -> Result<LogHead, StoreError>;
    /// The newest checkpoint of more than `above` entries that a witness signed, too; its note holds all that was signed.
    async fn cosigned(&self, above: i64) -> Result<Option<StoredCheckpoint>, StoreError>;
    /// Keeps what a witness signed of the checkpoint of `size` entries. The same again is no fault.
    async fn keep_cosignature(&self, size: i64, witness: &str, line: &str) -> Result<(), StoreError>;
    /// Checkpoints, with all that was signed of them, of sizes above `above` and up to `to`, the smallest first; at most `limit`.
    async fn checkpoints(&self, above: i64, to: i64, limit: i64)
    -> Result<Vec<StoredCheckpoint>, StoreError>;
    /// The hashes at these positions, in their order. `Corrupt` when one is not there.
    async fn hashes(&self, positions: &[i64]) -> Result<Vec<Digest>, StoreError>;
    /// Positions and leaves from `first` up to but without `end`, in order: those that are there.
    async fn leaves(&self, first: i64, end: i64) -> Result<Vec<(i64, Vec<u8>)>, StoreError>;
}
