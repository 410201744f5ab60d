//! Whom an auditor believes: C2SP `tlog-policy`. Logs by their keys, witnesses by theirs, and which witnesses together
//! are enough (the quorum).
//!
//! ```text
//! log rag.example/audit+530d903a+AekyeR…
//! witness compliance compliance.example+a03b…+BPx…
//! witness auditors auditors.example+11f0…+BKm…
//! group both all compliance auditors
//! quorum both
//! ```
//!
//! A checkpoint becomes [`Trusted`] here and nowhere else. Knows no record.

mod parse;

use crate::checkpoint::SignedCheckpoint;
use crate::note::KeyError;
use crate::note::Purpose;
use crate::note::VerifierKey;
use crate::tree::TreeHead;

/// Whom to believe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<VerifierKey>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    /// None: no witness is needed.
    quorum: Option<Member>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Witness {
    name: String,
    key: VerifierKey,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    threshold: usize,
    members: Vec<Member>,
}

/// A witness or a group, by its place in the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// A checkpoint that a log of the policy signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    origin: String,
    head: TreeHead,
    cosigned: Vec<Cosigned>,
    quorum: bool,
}

/// A witness of the policy that saw the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// The witness's name in the policy.
    pub witness: String,
    /// When, in seconds since 1970, as the witness says.
    pub time: u64,
}

/// Why a policy cannot be read, or a checkpoint is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A line is not what the format allows.
    #[error("line {line} of the policy: {what}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A key in it cannot be read.
    #[error("line {line} of the policy: {error}")]
    Key {
        /// From 1.
        line: usize,
        /// Why.
        error: KeyError,
    },
    /// No quorum line.
    #[error("the policy has no line `quorum`")]
    NoQuorum,
    /// No key of a log.
    #[error("the policy names no log")]
    NoLog,
    /// A key that was given as a log's is a witness's.
    #[error("this is a witness's key, not a log's")]
    NotALog,
    /// A key that we know is said to have signed, and has not.
    #[error(
        "the signature of `{name}` does not hold: the checkpoint was changed, or somebody else signed it"
    )]
    Forged {
        /// The key's name.
        name: String,
    },
    /// No log that we know signed it.
    #[error("the checkpoint of `{origin}` is not signed by any log key that you gave")]
    Unsigned {
        /// What it says of its origin.
        origin: String,
    },
    /// The witnesses that the policy asks for did not sign it.
    #[error("too few of the witnesses that the policy asks for have signed the checkpoint")]
    Quorum,
}

impl Policy {
    /// Believes the log with this key, and asks for no witness.
    ///
    /// # Errors
    /// When it is a witness's key.
    pub fn of_log(key: VerifierKey) -> Result<Self, PolicyError> {
        Self { logs: Vec::new(), witnesses: Vec::new(), groups: Vec::new(), quorum: None }.and_log(key)
    }

    /// Believes a log by this key too, such as by its key before or after a change.
    ///
    /// # Errors
    /// When it is a witness's key.
    pub fn and_log(mut self, key: VerifierKey) -> Result<Self, PolicyError> {
        if key.purpose() != Purpose::Log {
            return Err(PolicyError::NotALog);
        }
        self.logs.push(key);
        Ok(self)
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// When a line is wrong, a quorum is missing, or no log is named.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        parse::parse(text)
    }

    /// The keys of logs.
    pub fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// Whether witnesses are needed.
    pub const fn needs_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Checks every signature that claims to be of a key of this policy. Others are ignored, as C2SP `signed-note` asks.
    ///
    /// # Errors
    /// When one of them does not hold, or none is the log's own.
    pub fn check(&self, signed: &SignedCheckpoint) -> Result<Trusted, PolicyError> {
        let (note, checkpoint) = (signed.note(), signed.checkpoint());
        let mut signed_by_log = false;
        let mut seen = vec![None; self.witnesses.len()];
        for signature in note.signatures() {
            let forged = || PolicyError::Forged { name: signature.name().to_owned() };
            for key in self.logs.iter().filter(|key| key.made(signature)) {
                key.check(note.text(), signature).ok_or_else(forged)?;
                signed_by_log |= key.name() == checkpoint.origin();
            }
            for (witness, seen) in self.witnesses.iter().zip(&mut seen) {
                if witness.key.made(signature) {
                    *seen = Some(witness.key.check(note.text(), signature).ok_or_else(forged)?);
                }
            }
        }
        if !signed_by_log {
            return Err(PolicyError::Unsigned { origin: checkpoint.origin().to_owned() });
        }
        let quorum = self.quorum.is_none_or(|quorum| self.satisfied(quorum, &seen));
        let cosigned =
            self.witnesses.iter().zip(&seen).filter_map(|(witness, seen)| {
                seen.map(|time| Cosigned { witness: witness.name.clone(), time })
            });
        Ok(Trusted {
            origin: checkpoint.origin().to_owned(),
            head: *checkpoint.head(),
            cosigned: cosigned.collect(),
            quorum,
        })
    }

    /// Whether a witness signed, or enough members of a group did. Groups name earlier ones only, and each at most
    /// once: this ends after each was asked once.
    fn satisfied(&self, member: Member, seen: &[Option<u64>]) -> bool {
        match member {
            Member::Witness(at) => seen[at].is_some(),
            Member::Group(at) => {
                let Group { threshold, members } = &self.groups[at];
                members.iter().filter(|&&member| self.satisfied(member, seen)).count() >= *threshold
            }
        }
    }
}

impl Trusted {
    /// Which log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How large, with which root.
    pub const fn head(&self) -> &TreeHead {
        &self.head
    }

    /// Which witnesses of the policy signed too.
    pub fn cosigned(&self) -> &[Cosigned] {
        &self.cosigned
    }

    /// Whether they are as many as the policy asks for.
    pub const fn quorum(&self) -> bool {
        self.quorum
    }
}

#[cfg(test)]
mod tests;
