//! The Merkle tree over the log: how it grows with a batch, what the log signs of it, and proofs. Knows no table.

use crate::audit::AuditError;
use crate::domain::InclusionProof;
use crate::ports::Digest;
use crate::ports::Growing;
use crate::ports::Growth;
use crate::ports::LogStore;
use crate::ports::StoreError;
use crate::ports::StoredCheckpoint;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ledger::Checkpoint;
use ledger::Frontier;
use ledger::MasterKey;
use ledger::Plan;
use ledger::Policy;
use ledger::SignedCheckpoint;
use ledger::SignerKey;
use ledger::TreeHead;

/// The log's name and the key that it signs with.
pub(super) struct Tree {
    key: SignerKey,
}

impl Tree {
    pub(super) fn new(master_key: [u8; 32], origin: &str) -> Result<Self, AuditError> {
        let key = MasterKey::from_bytes(master_key).log_key(origin).map_err(|_| AuditError::Origin)?;
        Ok(Self { key })
    }

    /// What an auditor checks with.
    pub(super) fn verifier(&self) -> ledger::VerifierKey {
        self.key.verifier()
    }

    /// Believes this log's own key alone.
    pub(super) fn policy(&self) -> Policy {
        Policy::of_log(self.key.verifier()).expect("it is a log's key")
    }

    /// What a note says, if this log's key signed it.
    pub(super) fn believed(&self, note: &str) -> Option<TreeHead> {
        let signed = SignedCheckpoint::parse(note).ok()?;
        self.policy().check(&signed).ok().map(|trusted| *trusted.head())
    }

    /// Never signed twice for one size: what is signed is stored in the transaction that makes the log that large, and
    /// read from there.
    fn sign(&self, head: TreeHead) -> SignedCheckpoint {
        let checkpoint = Checkpoint::new(self.key.verifier().name(), head);
        let checkpoint =
            checkpoint.expect("a key's name is one line, and a log is smaller than the largest tree");
        checkpoint.sign(&self.key).expect("the key bears the origin as its name")
    }
}

impl Growing for Tree {
    fn needed(&self, size: i64) -> Vec<i64> {
        signed(&Frontier::positions(size.cast_unsigned()))
    }

    fn grow(
        &self,
        size: i64,
        needed: &[Digest],
        newest: Option<&StoredCheckpoint>,
        leaves: &[Digest],
    ) -> Result<Growth, StoreError> {
        let frontier = Frontier::from_roots(size.cast_unsigned(), needed.to_vec());
        let mut frontier =
            frontier.ok_or_else(|| damaged("its tree has not the hashes that its size asks for"))?;
        let same = match newest {
            Some(newest) => {
                (newest.size, newest.root) == (size, frontier.head().root)
                    && self.believed(&newest.note) == Some(frontier.head())
            }
            None => size == 0,
        };
        if !same {
            return Err(damaged("its entries are not those that it signed last"));
        }
        let mut hashes = Vec::with_capacity(2 * leaves.len());
        for leaf in leaves {
            frontier.append(*leaf, |stored| hashes.push((stored.position.cast_signed(), stored.hash)));
        }
        let head = frontier.head();
        let checkpoint = StoredCheckpoint {
            size: head.size.cast_signed(),
            root: head.root,
            note: self.sign(head).to_string(),
        };
        Ok(Growth { hashes, checkpoint })
    }
}

/// That the leaf at this position is in the log, as the newest checkpoint has it that a witness signed, or where none did,
/// the newest.
pub(super) async fn prove_witnessed(
    store: &dyn LogStore,
    leaf: &[u8],
    index: i64,
) -> Result<ledger::Receipt, StoreError> {
    match store.cosigned(index).await? {
        Some(cosigned) => prove_by(store, leaf, index, &cosigned).await,
        None => prove(store, leaf, index).await,
    }
}

/// The same by the newest checkpoint.
pub(super) async fn prove(
    store: &dyn LogStore,
    leaf: &[u8],
    index: i64,
) -> Result<ledger::Receipt, StoreError> {
    let newest = store.head().await?.newest.ok_or_else(|| damaged("it has signed nothing"))?;
    prove_by(store, leaf, index, &newest).await
}

/// Checked before it is given.
pub(super) async fn prove_by(
    store: &dyn LogStore,
    leaf: &[u8],
    index: i64,
    newest: &StoredCheckpoint,
) -> Result<ledger::Receipt, StoreError> {
    let plan = Plan::inclusion(index.cast_unsigned(), newest.size.cast_unsigned());
    let plan = plan.map_err(|_| damaged("its newest checkpoint does not reach the entry"))?;
    let hashes = store.hashes(&signed(&plan.positions())).await?;
    let proof = plan.prove(&hashes).ok_or_else(|| damaged("a proof lacks hashes"))?;
    let checkpoint =
        SignedCheckpoint::parse(&newest.note).map_err(|_| damaged("its newest checkpoint is none"))?;
    ledger::Receipt::new(leaf, index.cast_unsigned(), proof, checkpoint)
        .map_err(|_| damaged("the entry is not the one that was recorded"))
}

/// The root of the first `size` leaves, one or more, as the stored hashes have it.
pub(super) async fn root(store: &dyn LogStore, size: i64) -> Result<Digest, StoreError> {
    let plan = Plan::root(size.cast_unsigned());
    let hashes = store.hashes(&signed(&plan.positions())).await?;
    plan.prove(&hashes)
        .and_then(|roots| roots.first().copied())
        .ok_or_else(|| damaged("its tree lacks hashes"))
}

/// That the log of `old` entries is how the log of `new` entries began.
pub(super) async fn consistency(store: &dyn LogStore, old: u64, new: u64) -> Result<Vec<Digest>, StoreError> {
    let plan = Plan::consistency(old, new).map_err(|_| damaged("it shrank"))?;
    let hashes = store.hashes(&signed(&plan.positions())).await?;
    plan.prove(&hashes).ok_or_else(|| damaged("a proof lacks hashes"))
}

/// The proof as an answer carries it.
pub(super) fn shown(receipt: &ledger::Receipt) -> InclusionProof {
    InclusionProof {
        hashes: receipt.hashes().iter().map(|hash| STANDARD.encode(hash)).collect(),
        checkpoint: receipt.checkpoint().to_string(),
    }
}

fn signed(positions: &[u64]) -> Vec<i64> {
    positions.iter().map(|position| position.cast_signed()).collect()
}

fn damaged(what: &str) -> StoreError {
    StoreError::Corrupt { store: "postgres", detail: format!("the audit log is damaged: {what}") }
}
