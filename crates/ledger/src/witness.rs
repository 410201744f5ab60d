//! C2SP `tlog-witness`: what a log asks of a witness, and what a witness looks at before it signs.
//!
//! ```text
//! old 41702                  the size that the witness saw last
//! base64(hash)               how the tree of then is the beginning of the tree of now, at most 63 lines
//! …
//!                            an empty line, then the signed checkpoint
//! rag.example/audit
//! 41783
//! …
//! ```
//!
//! Knows no HTTP, no file and no clock.

use crate::checkpoint;
use crate::checkpoint::CheckpointError;
use crate::checkpoint::SignedCheckpoint;
use crate::hash::Hash;
use crate::hash::empty_root;
use crate::note::Signature;
use crate::note::SignerKey;
use crate::policy::Policy;
use crate::tree::TreeHead;
use crate::tree::check_consistency;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

const MAX_HASHES: usize = 63;

/// A checkpoint for a witness, with the proof that the log only grew since it looked last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    old: u64,
    proof: Vec<Hash>,
    checkpoint: SignedCheckpoint,
}

/// Why a text is no submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmissionError {
    /// Not `old`, hashes, an empty line and a note.
    #[error("it is not `old SIZE`, lines of hashes, an empty line and a checkpoint")]
    Shape,
    /// What follows the proof is no checkpoint.
    #[error("the checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
}

/// Why a witness does not sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It does not look at logs of this name.
    #[error("this witness does not know the log `{origin}`")]
    Unknown {
        /// What the checkpoint says.
        origin: String,
    },
    /// The log's key did not sign it.
    #[error("the log's key has not signed it")]
    Unsigned,
    /// It says of itself that the log shrank.
    #[error("the old size is larger than the new one")]
    Backwards,
    /// It is told from another size than the one that was seen last, or that size has another root now.
    #[error("this witness saw the log at {size} entries")]
    Stale {
        /// What was seen last.
        size: u64,
    },
    /// The log did not only grow: it was changed.
    #[error("the log is not the one that was seen: the proof does not hold")]
    Inconsistent,
}

impl Submission {
    /// Asks a witness that saw the log at `old` entries.
    pub const fn new(old: u64, proof: Vec<Hash>, checkpoint: SignedCheckpoint) -> Self {
        Self { old, proof, checkpoint }
    }

    /// Reads what a log sent.
    ///
    /// # Errors
    /// When it is not a submission.
    pub fn parse(text: &str) -> Result<Self, SubmissionError> {
        let (head, note) = text.split_once("\n\n").ok_or(SubmissionError::Shape)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| checkpoint::decimal(line.strip_prefix("old ")?));
        let old = old.ok_or(SubmissionError::Shape)?;
        let proof: Option<Vec<Hash>> = lines.take(MAX_HASHES + 1).map(checkpoint::hash).collect();
        let proof = proof.filter(|proof| proof.len() <= MAX_HASHES).ok_or(SubmissionError::Shape)?;
        Ok(Self { old, proof, checkpoint: SignedCheckpoint::parse(note)? })
    }

    /// What is to be signed.
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }
}

impl fmt::Display for Submission {
    /// Writes it as [`Submission::parse`] reads it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "old {}", self.old)?;
        for hash in &self.proof {
            writeln!(formatter, "{}", STANDARD.encode(hash))?;
        }
        write!(formatter, "\n{}", self.checkpoint)
    }
}

/// Signs a checkpoint if its log only grew since `seen` (none: never seen). The caller keeps the checkpoint's head as what
/// was seen, durably, before the signature leaves; two submissions of one log must not be looked at at once.
///
/// # Errors
/// When it does not sign, and why.
pub fn cosign(
    submission: &Submission,
    seen: Option<TreeHead>,
    logs: &Policy,
    key: &SignerKey,
    time: u64,
) -> Result<Signature, Refusal> {
    let checkpoint = submission.checkpoint.checkpoint();
    let (origin, head) = (checkpoint.origin(), checkpoint.head());
    if !logs.logs().iter().any(|log| log.name() == origin) {
        return Err(Refusal::Unknown { origin: origin.to_owned() });
    }
    logs.check(&submission.checkpoint).map_err(|_| Refusal::Unsigned)?;
    if submission.old > head.size {
        return Err(Refusal::Backwards);
    }
    let seen = seen.unwrap_or(TreeHead { size: 0, root: empty_root() });
    if submission.old != seen.size || (seen.size == head.size && seen.root != head.root) {
        return Err(Refusal::Stale { size: seen.size });
    }
    check_consistency(&seen, head, &submission.proof).map_err(|_| Refusal::Inconsistent)?;
    Ok(key.sign(submission.checkpoint.note(), time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Checkpoint;
    use crate::hash::leaf_hash;
    use crate::note::Purpose;
    use crate::tree::Frontier;
    use crate::tree::Plan;
    use proptest::prelude::*;

    fn log() -> SignerKey {
        SignerKey::from_seed("log.example", Purpose::Log, &[1; 32]).unwrap()
    }

    fn witness() -> SignerKey {
        SignerKey::from_seed("witness.example", Purpose::Witness, &[2; 32]).unwrap()
    }

    /// A log of numbers, its hashes in the order of storage; from `changed` on they are others.
    struct Log {
        frontier: Frontier,
        hashes: Vec<Hash>,
        heads: Vec<TreeHead>,
    }

    fn grown(size: u64, changed: u64) -> Log {
        let mut log = Log { frontier: Frontier::default(), hashes: vec![], heads: vec![] };
        log.heads.push(log.frontier.head());
        for leaf in 0..size {
            let text = if leaf >= changed { format!("other {leaf}") } else { format!("{leaf}") };
            let Log { frontier, hashes, heads } = &mut log;
            frontier.append(leaf_hash(text.as_bytes()), |stored| hashes.push(stored.hash));
            heads.push(frontier.head());
        }
        log
    }

    fn submission(log: &Log, old: u64, key: &SignerKey) -> Submission {
        let head = log.frontier.head();
        let plan = Plan::consistency(old, head.size).unwrap();
        let stored: Vec<Hash> =
            plan.positions().iter().map(|position| log.hashes[usize::try_from(*position).unwrap()]).collect();
        let proof = plan.prove(&stored).unwrap();
        Submission::new(old, proof, Checkpoint::new("log.example", head).unwrap().sign(key).unwrap())
    }

    fn asked(submission: &Submission, seen: Option<TreeHead>) -> Result<Signature, Refusal> {
        cosign(submission, seen, &Policy::of_log(log().verifier()).unwrap(), &witness(), 1_800_000_000)
    }

    proptest! {
        #[test]
        fn a_log_that_only_grew_is_signed_and_one_that_was_changed_is_not(
            old in 0_u64..40, more in 0_u64..40, changed in 0_u64..40
        ) {
            let size = old + more;
            prop_assume!(size > 0);
            let (honest, forked) = (grown(size, size), grown(size, changed));
            let seen = (old > 0).then(|| honest.heads[usize::try_from(old).unwrap()]);

            let signature = asked(&submission(&honest, old, &log()), seen).unwrap();
            let other = asked(&submission(&forked, old, &log()), seen);

            let text = Checkpoint::new("log.example", honest.frontier.head()).unwrap().to_string();
            prop_assert_eq!(witness().verifier().check(&text, &signature), Some(1_800_000_000));
            prop_assert_eq!(other.is_ok(), old <= changed || changed >= size);
        }

        #[test]
        fn a_submission_reads_back_as_it_was_written(old in 0_u64..40, more in 1_u64..40) {
            let written = submission(&grown(old + more, u64::MAX), old, &log());

            prop_assert_eq!(Submission::parse(&written.to_string()), Ok(written));
        }
    }

    #[test]
    fn each_refusal_says_why() {
        let log_of_seven = grown(7, u64::MAX);
        let seen = Some(log_of_seven.heads[3]);
        let forger = SignerKey::from_seed("log.example", Purpose::Log, &[9; 32]).unwrap();
        let stranger = SignerKey::from_seed("other.example", Purpose::Log, &[1; 32]).unwrap();
        let head = log_of_seven.frontier.head();
        let strange = Checkpoint::new("other.example", head).unwrap().sign(&stranger).unwrap();
        let other = TreeHead { root: [5; 32], ..head };

        let check =
            |submission: &Submission, seen, refusal| assert_eq!(asked(submission, seen), Err(refusal));
        check(&submission(&log_of_seven, 3, &forger), seen, Refusal::Unsigned);
        check(
            &Submission::new(3, vec![], strange),
            seen,
            Refusal::Unknown { origin: "other.example".to_owned() },
        );
        check(&submission(&log_of_seven, 2, &log()), seen, Refusal::Stale { size: 3 });
        check(&submission(&log_of_seven, 0, &log()), seen, Refusal::Stale { size: 3 });
        check(&submission(&log_of_seven, 7, &log()), Some(other), Refusal::Stale { size: 7 });
        let shrunk = Submission { old: 9, ..submission(&log_of_seven, 3, &log()) };
        check(&shrunk, seen, Refusal::Backwards);
        let bare = Submission { proof: vec![], ..submission(&log_of_seven, 3, &log()) };
        check(&bare, seen, Refusal::Inconsistent);
    }

    #[test]
    fn what_is_no_submission_is_refused() {
        for text in ["", "old 1\n", "old 01\n\nx", "old 1\nAAAA\n\nx", "new 1\n\nx"] {
            assert!(Submission::parse(text).is_err(), "{text:?}");
        }
        let hash = STANDARD.encode([0; 32]);
        let long = format!("old 1\n{}\n\nx", vec![hash; 64].join("\n"));
        assert_eq!(Submission::parse(&long), Err(SubmissionError::Shape));
    }
}
