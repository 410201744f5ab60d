//! All that a log must keep in memory to go on: the roots of the full subtrees, at most 62 of them.

use crate::hash::Hash;
use crate::hash::empty_root;
use crate::hash::node_hash;
use crate::tree::MAX_SIZE;
use crate::tree::TreeHead;
use crate::tree::stored;
use crate::tree::stored::StoredHash;

/// A tree that can grow. It does not know its earlier leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Of the full subtrees, the largest first: one for each one-bit of `size`.
    roots: Vec<Hash>,
}

impl Frontier {
    /// Gives where the hashes are stored that [`Frontier::from_roots`] asks for.
    pub fn positions(size: u64) -> Vec<u64> {
        stored::positions_of(0..size).collect()
    }

    /// Takes up a tree of `size` leaves again; none when the number of hashes is not the one that size has.
    pub fn from_roots(size: u64, roots: Vec<Hash>) -> Option<Self> {
        (size <= MAX_SIZE && roots.len() as u32 == size.count_ones()).then_some(Self { size, roots })
    }

    /// How many leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the full subtrees, the largest first.
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// Appends the hash of a leaf; `store` is given each hash that is now complete, in the order of their positions.
    pub fn append(&mut self, leaf: Hash, mut store: impl FnMut(StoredHash)) {
        let first = stored::count(self.size);
        store(StoredHash { position: first, hash: leaf });
        let mut node = leaf;
        for level in 1..=self.size.trailing_ones() {
            let left = self.roots.pop().expect("each one-bit of the size has its root");
            node = node_hash(&left, &node);
            store(StoredHash { position: first + u64::from(level), hash: node });
        }
        self.roots.push(node);
        self.size += 1;
    }

    /// Gives the size and the hash over all leaves (MTH of RFC 6962 §2.1).
    pub fn head(&self) -> TreeHead {
        let root = self.roots.iter().copied().rev().reduce(|right, left| node_hash(&left, &right));
        TreeHead { size: self.size, root: root.unwrap_or_else(empty_root) }
    }
}
