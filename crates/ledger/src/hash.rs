//! SHA-256 of leaves and nodes as RFC 6962 §2.1 defines them: the first byte keeps a leaf from being taken for a node.
//! Knows no tree.

use sha2::Digest;
use sha2::Sha256;

/// A SHA-256.
pub type Hash = [u8; 32];

/// Gives SHA-256(0x00 ‖ leaf).
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new().chain_update([0x00]).chain_update(leaf).finalize().into()
}

/// Gives SHA-256 of nothing, the root of the tree without leaves.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// Gives SHA-256(0x01 ‖ left ‖ right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([0x01]).chain_update(left).chain_update(right).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_the_known_answers_of_certificate_transparency() {
        // certificate-transparency-go, `merkletree` reference vectors: the empty leaf, the leaf `00`, and their node
        let empty = leaf_hash(b"");
        let zero = leaf_hash(&[0]);

        assert_eq!(hex::encode(empty), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(hex::encode(zero), "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7");
        assert_eq!(
            hex::encode(node_hash(&empty, &zero)),
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
        );
    }
}
