//! Ed25519 keys in the text form of C2SP `signed-note`: `name+id+base64(type ‖ key)`, and for the secret half
//! `PRIVATE+KEY+name+id+base64(type ‖ seed)` as Go's `sumdb/note` writes it.
//!
//! Signatures are checked strictly (RFC 8032, and neither the key nor the signature's point of small order), so that a
//! signature which holds cannot be changed into another that holds. Knows no checkpoint.

use crate::note::Note;
use crate::note::Signature;
use crate::note::is_name;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::Generate;
use ed25519_dalek::Signer;
use ed25519_dalek::SigningKey;
use ed25519_dalek::VerifyingKey;
use sha2::Digest;
use sha2::Sha256;
use std::fmt;

const PRIVATE: &str = "PRIVATE+KEY+";
const TIME_BYTES: usize = 8;

/// What a key's signature means; its type byte in C2SP `signed-note`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// 0x01: signs the text itself, as a log signs its checkpoints.
    Log = 1,
    /// 0x04: a witness's cosignature with the time at which it was made (C2SP `tlog-cosignature`).
    Witness = 4,
}

/// A key that checks signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    purpose: Purpose,
    key: VerifyingKey,
}

/// A key that makes signatures. Does not print.
#[derive(Clone)]
pub struct SignerKey {
    name: String,
    purpose: Purpose,
    key: SigningKey,
}

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not `name+id+base64`.
    #[error("a key is written `name+id+base64`, without spaces")]
    Shape,
    /// The id does not belong to the name and the key: a letter was lost or changed.
    #[error("the key's id does not fit its name and bytes: was it copied whole?")]
    Id,
    /// Neither Ed25519 of a log (type 1) nor of a witness (type 4).
    #[error("keys of type {kind} are not supported: only Ed25519, type 1 (logs) and type 4 (witnesses)")]
    Kind {
        /// The type byte.
        kind: u8,
    },
    /// No point of the curve.
    #[error("the key's bytes are not an Ed25519 key")]
    Bytes,
    /// The system gave no random numbers.
    #[error("the system's random number generator does not answer")]
    NoRandomness,
}

impl VerifierKey {
    /// Reads `name+id+base64(type ‖ key)`.
    ///
    /// # Errors
    /// When it is not one of ours, or was not copied whole.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let (name, id, purpose, bytes) = split(text)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::Bytes)?;
        let key = Self { name: name.to_owned(), purpose, key };
        if hex::encode(key.id()) != id {
            return Err(KeyError::Id);
        }
        Ok(key)
    }

    /// The key's name; a log's is the origin of its checkpoints.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whose key it is.
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// SHA-256(name ‖ 0x0A ‖ type ‖ key), its first four bytes.
    pub fn id(&self) -> [u8; 4] {
        let digest = Sha256::new()
            .chain_update(&self.name)
            .chain_update([b'\n', self.purpose as u8])
            .chain_update(self.key.as_bytes())
            .finalize();
        std::array::from_fn(|at| digest[at])
    }

    /// The 32 bytes of the key alone, without name and purpose.
    pub fn bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Says whether a signature claims to be this key's; others are to be ignored.
    pub fn made(&self, signature: &Signature) -> bool {
        self.name == signature.name && self.id() == signature.key_id
    }

    /// Checks a signature over the text and gives the time that a witness put into it, in seconds since 1970; 0 for a
    /// log, which puts none. None when the signature does not hold.
    pub fn check(&self, text: &str, signature: &Signature) -> Option<u64> {
        match self.purpose {
            Purpose::Log => self.holds(text.as_bytes(), &signature.bytes).then_some(0),
            Purpose::Witness => {
                let (time, bytes) = signature.bytes.split_first_chunk::<TIME_BYTES>()?;
                let time = u64::from_be_bytes(*time);
                (i64::try_from(time).is_ok() && self.holds(cosigned(text, time).as_bytes(), bytes))
                    .then_some(time)
            }
        }
    }

    fn holds(&self, message: &[u8], signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    /// Writes the key as [`VerifierKey::parse`] reads it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = encode(self.purpose, self.key.as_bytes());
        write!(formatter, "{}+{}+{encoded}", self.name, hex::encode(self.id()))
    }
}

impl SignerKey {
    /// Makes a key from 32 bytes of the system's generator.
    ///
    /// # Errors
    /// When the name cannot be a key's, or there is no randomness.
    pub fn generate(name: &str, purpose: Purpose) -> Result<Self, KeyError> {
        let seed = <[u8; 32]>::try_generate().map_err(|_| KeyError::NoRandomness)?;
        Self::from_seed(name, purpose, &seed)
    }

    /// Takes 32 random bytes.
    ///
    /// # Errors
    /// When the name is empty or has white space or a plus.
    pub fn from_seed(name: &str, purpose: Purpose, seed: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_name(name) {
            return Err(KeyError::Shape);
        }
        Ok(Self { name: name.to_owned(), purpose, key: SigningKey::from_bytes(seed) })
    }

    /// Reads `PRIVATE+KEY+name+id+base64(type ‖ seed)`.
    ///
    /// # Errors
    /// When it is not one of ours, or was not copied whole.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let (name, id, purpose, seed) = split(text.strip_prefix(PRIVATE).ok_or(KeyError::Shape)?)?;
        let key = Self::from_seed(name, purpose, &seed)?;
        if hex::encode(key.verifier().id()) != id {
            return Err(KeyError::Id);
        }
        Ok(key)
    }

    /// Writes the secret key as [`SignerKey::parse`] reads it: for a file that only the service can read.
    pub fn to_secret_text(&self) -> String {
        let (id, encoded) = (hex::encode(self.verifier().id()), encode(self.purpose, &self.key.to_bytes()));
        format!("{PRIVATE}{}+{id}+{encoded}", self.name)
    }

    /// The key that checks what this one signs.
    pub fn verifier(&self) -> VerifierKey {
        VerifierKey { name: self.name.clone(), purpose: self.purpose, key: self.key.verifying_key() }
    }

    /// Signs the note's text; a witness states `time`, in seconds since 1970, a log does not.
    pub fn sign(&self, note: &Note, time: u64) -> Signature {
        let bytes = match self.purpose {
            Purpose::Log => self.key.sign(note.text().as_bytes()).to_bytes().to_vec(),
            Purpose::Witness => {
                let signature = self.key.sign(cosigned(note.text(), time).as_bytes());
                [time.to_be_bytes().as_slice(), &signature.to_bytes()].concat()
            }
        };
        Signature { name: self.name.clone(), key_id: self.verifier().id(), bytes }
    }
}

impl fmt::Debug for SignerKey {
    /// Never shows the key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SignerKey({}, …)", self.name)
    }
}

/// What a witness signs (C2SP `tlog-cosignature`, Ed25519).
fn cosigned(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

fn encode(purpose: Purpose, bytes: &[u8; 32]) -> String {
    STANDARD.encode([&[purpose as u8], bytes.as_slice()].concat())
}

/// Gives name, id, purpose and bytes. The name has no plus, base64 may.
fn split(text: &str) -> Result<(&str, &str, Purpose, [u8; 32]), KeyError> {
    let (name, rest) = text.split_once('+').ok_or(KeyError::Shape)?;
    let (id, encoded) = rest.split_once('+').ok_or(KeyError::Shape)?;
    let decoded = STANDARD.decode(encoded).map_err(|_| KeyError::Shape)?;
    let (&kind, bytes) = decoded.split_first().ok_or(KeyError::Shape)?;
    if !is_name(name) {
        return Err(KeyError::Shape);
    }
    let purpose = match kind {
        1 => Purpose::Log,
        4 => Purpose::Witness,
        kind => return Err(KeyError::Kind { kind }),
    };
    Ok((name, id, purpose, bytes.try_into().map_err(|_| KeyError::Bytes)?))
}
