//! Inclusion and consistency proofs: which hashes they hold (RFC 6962 §2.1.1 and §2.1.2) and how they are checked
//! (RFC 9162 §2.1.3.2 and §2.1.4.2). Making one is in two steps, so that the hashes can come from a database in one
//! query: a [`Plan`] says which are needed, [`Plan::prove`] folds them. Knows no storage.

use crate::hash::Hash;
use crate::hash::empty_root;
use crate::hash::node_hash;
use crate::tree::MAX_SIZE;
use crate::tree::TreeHead;
use crate::tree::stored;
use std::ops::Range;

/// Why there is no proof, or why it does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The tree has no such leaf, or the old tree is larger than the new one.
    #[error("position or size {asked} lies outside a tree of {size}")]
    Outside {
        /// What was asked for.
        asked: u64,
        /// How many leaves the tree has.
        size: u64,
    },
    /// Too few or too many hashes for these sizes.
    #[error("the proof has not the number of hashes that a tree of this size asks for")]
    Length,
    /// The hashes do not lead to the root.
    #[error("the proof does not lead to the root")]
    Root,
}

/// Which stored hashes a proof is folded from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The leaves under each hash of the proof.
    ranges: Vec<Range<u64>>,
}

impl Plan {
    /// For the proof that the leaf at `index` is in the tree of `size` leaves.
    ///
    /// # Errors
    /// When the tree has no such leaf.
    pub fn inclusion(index: u64, size: u64) -> Result<Self, ProofError> {
        if index >= size || size > MAX_SIZE {
            return Err(ProofError::Outside { asked: index, size });
        }
        let mut ranges = Vec::new();
        path(index, 0..size, &mut ranges);
        Ok(Self { ranges })
    }

    /// For the proof that the tree of `old` leaves is how the tree of `new` leaves began.
    ///
    /// # Errors
    /// When the old tree is the larger one.
    pub fn consistency(old: u64, new: u64) -> Result<Self, ProofError> {
        if old > new || new > MAX_SIZE {
            return Err(ProofError::Outside { asked: old, size: new });
        }
        let mut ranges = Vec::new();
        if old > 0 {
            subproof(old, 0..new, true, &mut ranges);
        }
        Ok(Self { ranges })
    }

    /// For the root of the first `size` leaves, one or more: [`Plan::prove`] then gives that one hash.
    pub fn root(size: u64) -> Self {
        let whole = 0..size;
        Self { ranges: vec![whole] }
    }

    /// Where the needed hashes are stored, in the order in which [`Plan::prove`] takes them.
    pub fn positions(&self) -> Vec<u64> {
        self.ranges.iter().cloned().flat_map(stored::positions_of).collect()
    }

    /// Folds the stored hashes into the proof; none when there are not as many as [`Plan::positions`] says.
    pub fn prove(&self, stored: &[Hash]) -> Option<Vec<Hash>> {
        let mut rest = stored;
        let mut proof = Vec::with_capacity(self.ranges.len());
        for range in &self.ranges {
            let (nodes, later) = rest.split_at_checked((range.end - range.start).count_ones() as usize)?;
            proof.push(nodes.iter().copied().rev().reduce(|right, left| node_hash(&left, &right))?);
            rest = later;
        }
        rest.is_empty().then_some(proof)
    }
}

/// `PATH(m, D[n])` of RFC 6962 §2.1.1, from the leaf's sibling upwards.
fn path(index: u64, leaves: Range<u64>, ranges: &mut Vec<Range<u64>>) {
    if leaves.end - leaves.start == 1 {
        return;
    }
    let middle = split(&leaves);
    if index < middle {
        path(index, leaves.start..middle, ranges);
        ranges.push(middle..leaves.end);
    } else {
        path(index, middle..leaves.end, ranges);
        ranges.push(leaves.start..middle);
    }
}

/// `SUBPROOF(m, D[n], b)` of RFC 6962 §2.1.2; `known` is b: the verifier has this subtree's root already.
fn subproof(old: u64, leaves: Range<u64>, known: bool, ranges: &mut Vec<Range<u64>>) {
    if old == leaves.end {
        if !known {
            ranges.push(leaves);
        }
        return;
    }
    let middle = split(&leaves);
    if old <= middle {
        subproof(old, leaves.start..middle, known, ranges);
        ranges.push(middle..leaves.end);
    } else {
        subproof(old, middle..leaves.end, false, ranges);
        ranges.push(leaves.start..middle);
    }
}

/// Where RFC 6962 splits: the left side gets the largest power of two below the number of leaves, two or more.
fn split(leaves: &Range<u64>) -> u64 {
    leaves.start + (1 << (leaves.end - leaves.start - 1).ilog2())
}

/// Checks that the leaf with this hash stands at `index` of the tree (RFC 9162 §2.1.3.2).
///
/// # Errors
/// When it does not, or the proof does not show it.
pub fn check_inclusion(leaf: &Hash, index: u64, head: &TreeHead, proof: &[Hash]) -> Result<(), ProofError> {
    if index >= head.size {
        return Err(ProofError::Outside { asked: index, size: head.size });
    }
    let (mut node, mut last, mut hash) = (index, head.size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            (node, last) = up_to_right_child(node, last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    match (last, hash == head.root) {
        (0, true) => Ok(()),
        (0, false) => Err(ProofError::Root),
        (_, _) => Err(ProofError::Length),
    }
}

/// Checks that the tree began as the older one (RFC 9162 §2.1.4.2). The empty tree is how every tree began.
///
/// # Errors
/// When it did not, or the proof does not show it.
pub fn check_consistency(old: &TreeHead, new: &TreeHead, proof: &[Hash]) -> Result<(), ProofError> {
    if old.size > new.size {
        return Err(ProofError::Outside { asked: old.size, size: new.size });
    }
    if old.size == new.size || old.size == 0 {
        let expected = if old.size == 0 { empty_root() } else { new.root };
        return match (proof.is_empty(), old.root == expected) {
            (true, true) => Ok(()),
            (true, false) => Err(ProofError::Root),
            (false, _) => Err(ProofError::Length),
        };
    }
    let (mut node, mut last) = up_to_left_child(old.size - 1, new.size - 1);
    // a whole subtree is the old root itself, which the proof then leaves out
    let (start, rest) = if node == 0 {
        (old.root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or(ProofError::Length)?;
        (*first, rest)
    };
    let (mut old_hash, mut new_hash) = (start, start);
    for sibling in rest {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            (node, last) = up_to_right_child(node, last);
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    match (last, old_hash == old.root && new_hash == new.root) {
        (0, true) => Ok(()),
        (0, false) => Err(ProofError::Root),
        (_, _) => Err(ProofError::Length),
    }
}

/// Climbs past levels at which the node, being the last of an incomplete level, has no sibling.
const fn up_to_right_child(node: u64, last: u64) -> (u64, u64) {
    let levels = if node == 0 { 0 } else { node.trailing_zeros() };
    (node >> levels, last >> levels)
}

/// Climbs while the node is a right child: what is below is one whole subtree.
const fn up_to_left_child(node: u64, last: u64) -> (u64, u64) {
    let levels = node.trailing_ones();
    (node >> levels, last >> levels)
}
