//! The Merkle tree of RFC 6962 §2.1 over an append-only list of leaves.
//!
//! ```text
//!            root(7)                    leaves 0 … 6; every node whose leaves are all there is stored once,
//!          ┌────┴─────┐                 with the leaf that completed it (`stored`)
//!        0…3         ┌┴──┐
//!      ┌──┴──┐      4…5  6              frontier of 7 leaves: the nodes 0…3, 4…5 and 6
//!     0…1   2…3     ┌┴┐
//!     ┌┴┐   ┌┴┐     4 5
//!     0 1   2 3
//! ```
//!
//! A log needs only its [`Frontier`] to append; a proof needs a few stored hashes ([`Plan`]). Knows no record and no
//! signature.

/// Proofs: made from stored hashes, checked against roots.
pub mod proof;
/// Where a node's hash is stored.
pub mod stored;

mod frontier;

pub use frontier::Frontier;
pub use proof::Plan;
pub use proof::ProofError;
pub use proof::check_consistency;
pub use proof::check_inclusion;
pub use stored::StoredHash;

use crate::hash::Hash;

/// A tree has at most this many leaves: positions of stored hashes then fit into a signed 64-bit column.
pub const MAX_SIZE: u64 = 1 << 62;

/// A tree at one moment: how many leaves, and the hash over all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// How many leaves.
    pub size: u64,
    /// The root hash.
    pub root: Hash,
}

#[cfg(test)]
mod tests;
