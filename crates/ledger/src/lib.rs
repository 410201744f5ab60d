//! What an auditor must be able to check alone: leaves, their hashes, commitments to content, and sealed content.
//!
//! A leaf is canonical JSON and holds no content, only a commitment to it. The content is sealed beside the leaf under
//! a key of its own, so that it can be erased (by deleting key and ciphertext) while the leaf, its hash and every
//! proof over it stay valid. Knows no database, no service and no clock.
#![forbid(unsafe_code)]

/// HMAC commitments to content, and the keys of one record.
pub mod commitment;
/// SHA-256 of leaves and nodes (RFC 6962).
pub mod hash;
/// Canonical JSON.
pub mod leaf;
/// Content under a key of its own.
pub mod seal;

pub use commitment::RecordKey;
pub use hash::leaf_hash;
pub use hash::node_hash;
pub use leaf::LeafError;
pub use leaf::MAX_LEAF_BYTES;
pub use leaf::canonical;
pub use seal::MasterKey;
pub use seal::Opened;
pub use seal::SealError;
pub use seal::SealedContent;
pub use seal::Subject;
pub use seal::open;
pub use seal::seal;
