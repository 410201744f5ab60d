//! What an auditor must be able to check alone: records and their tree, signed checkpoints, receipts and exports,
//! commitments to content, and sealed content.
//!
//! A leaf is canonical JSON and holds no content, only a commitment to it. The content is sealed beside the leaf under
//! a key of its own, so that it can be erased (by deleting key and ciphertext) while the leaf, its hash and every
//! proof over it stay valid. Leaves are the list under a Merkle tree (RFC 6962) whose root the log signs in the formats
//! of C2SP (`tlog-checkpoint`, `signed-note`, `tlog-cosignature`, `tlog-proof`, `tlog-policy`). The program
//! `docent-verify` is made of this crate alone. Knows no database, no service and no clock.
#![forbid(unsafe_code)]

/// Words of sealed content, to be found and not read.
pub mod blind;
/// Origin, size and root as a signed note.
pub mod checkpoint;
/// HMAC commitments to content, and the keys of one record.
pub mod commitment;
/// Many records in a file.
pub mod export;
/// SHA-256 of leaves and nodes (RFC 6962).
pub mod hash;
/// Canonical JSON.
pub mod leaf;
/// Signed notes and their keys.
pub mod note;
/// Whom an auditor believes.
pub mod policy;
/// One record's proof in a file.
pub mod receipt;
/// The fields of a leaf that a verifier follows.
pub mod record;
/// Content under a key of its own.
pub mod seal;
/// The Merkle tree: appending, stored hashes, proofs.
pub mod tree;
/// Cosigning: what a log asks, and what a witness looks at.
pub mod witness;

pub use blind::BlindingKey;
pub use checkpoint::Checkpoint;
pub use checkpoint::CheckpointError;
pub use checkpoint::SignedCheckpoint;
pub use commitment::RecordKey;
pub use hash::Hash;
pub use hash::leaf_hash;
pub use hash::node_hash;
pub use leaf::LeafError;
pub use leaf::MAX_LEAF_BYTES;
pub use leaf::canonical;
pub use note::KeyError;
pub use note::Note;
pub use note::NoteError;
pub use note::Purpose;
pub use note::Signature;
pub use note::SignerKey;
pub use note::VerifierKey;
pub use policy::Policy;
pub use policy::PolicyError;
pub use policy::Trusted;
pub use receipt::Receipt;
pub use receipt::ReceiptError;
pub use seal::MasterKey;
pub use seal::Opened;
pub use seal::SealError;
pub use seal::SealedContent;
pub use seal::Subject;
pub use seal::open;
pub use seal::seal;
pub use tree::Frontier;
pub use tree::Plan;
pub use tree::ProofError;
pub use tree::StoredHash;
pub use tree::TreeHead;
pub use witness::Refusal;
pub use witness::Submission;
pub use witness::SubmissionError;
pub use witness::cosign;
