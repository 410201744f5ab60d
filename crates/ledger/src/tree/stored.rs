//! The order in which hashes are stored: that of Go's checksum database (`golang.org/x/mod/sumdb/tlog`). Each leaf's
//! hash is followed by the hashes of the nodes that this leaf completes, from below upwards, so that appending only
//! ever adds rows: 2n − popcount(n) of them for n leaves. Knows no hash function.

use crate::hash::Hash;
use std::ops::Range;

/// A hash and its place in that order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredHash {
    /// From 0, without gaps.
    pub position: u64,
    /// The hash.
    pub hash: Hash,
}

/// Gives how many hashes a tree of this size has stored, which is also where the next leaf's goes.
pub const fn count(size: u64) -> u64 {
    2 * size - size.count_ones() as u64
}

/// Gives where the node over the leaves `[number · 2^level, (number + 1) · 2^level)` is stored: its last leaf
/// completes it, as the `level`-th hash after that leaf's own.
pub const fn position(level: u32, number: u64) -> u64 {
    let last_leaf = ((number + 1) << level) - 1;
    count(last_leaf) + level as u64
}

/// Splits a range of leaves into the largest stored nodes, from left to right: one for each bit of its length. The
/// range begins where a split of RFC 6962 lets one begin: at a multiple of a power of two not below its length.
pub(super) fn positions_of(leaves: Range<u64>) -> impl Iterator<Item = u64> {
    let Range { mut start, end } = leaves;
    std::iter::from_fn(move || {
        let level = (end - start).checked_ilog2()?;
        let node = position(level, start >> level);
        start += 1 << level;
        Some(node)
    })
}
