//! Content sealed beside a leaf.
//!
//! ```text
//! wrapped key   nonce (24) ‖ XChaCha20-Poly1305(master key, record key,  "docent/v1/key" ‖ event id ‖ kind)
//! ciphertext    nonce (24) ‖ XChaCha20-Poly1305(K_enc,      content,                      event id ‖ kind)
//! ```
//!
//! The associated data binds both to their event: sealed content moved to another event does not open. From the master key
//! comes the log's signing key, too. Knows no leaf.

use crate::commitment::RecordKey;
use crate::note::KeyError;
use crate::note::Purpose;
use crate::note::SignerKey;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::XNonce;
use chacha20poly1305::aead::Aead;
use chacha20poly1305::aead::Generate;
use chacha20poly1305::aead::KeyInit;
use chacha20poly1305::aead::Payload;
use hkdf::Hkdf;
use sha2::Digest;
use sha2::Sha256;
use std::fmt;

const NONCE_BYTES: usize = 24;
const KEY_PURPOSE: &[u8] = b"docent/v1/key";
const LOG_PURPOSE: &[u8] = b"docent/v1/log/signing/";

/// The key that wraps the key of every record; never stored beside what it wraps.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// Takes 32 random bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// For keys that are derived from it.
    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Gives the key with which the log of this name signs: by HKDF-SHA256 (RFC 5869) from this one, so that there is one
    /// secret to keep.
    ///
    /// # Errors
    /// When the name cannot be a key's: it is empty, or has white space or a plus.
    pub fn log_key(&self, origin: &str) -> Result<SignerKey, KeyError> {
        let mut seed = [0; 32];
        Hkdf::<Sha256>::new(None, &self.0)
            .expand_multi_info(&[LOG_PURPOSE, origin.as_bytes()], &mut seed)
            .expect("HKDF-SHA256 gives up to 8160 bytes");
        SignerKey::from_seed(origin, Purpose::Log, &seed)
    }
}

impl fmt::Debug for MasterKey {
    /// Never shows the key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MasterKey(…)")
    }
}

/// The event that content belongs to; content sealed for one does not open for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The event's id (a UUID's 16 bytes).
    pub event_id: [u8; 16],
    /// The event's kind, such as `chat.intent`.
    pub kind: &'a str,
}

/// What is stored beside a leaf, and what the leaf says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedContent {
    /// The record's key under the master key, its nonce before it.
    pub wrapped_key: Vec<u8>,
    /// The content under the record's key, its nonce before it.
    pub ciphertext: Vec<u8>,
    /// For the leaf: HMAC-SHA256(K_com, content).
    pub commitment: [u8; 32],
    /// For the leaf: SHA-256 of `ciphertext`.
    pub ciphertext_sha256: [u8; 32],
}

/// What was opened, with the key that proves it to a third person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// As it was sealed.
    pub content: Vec<u8>,
    /// Shows, without the master key, that the leaf binds this content.
    pub key: RecordKey,
}

/// Why content was not sealed or not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The system gave no random numbers.
    #[error("the system's random number generator does not answer")]
    NoRandomness,
    /// The content is larger than the cipher takes (256 GiB).
    #[error("the content is too large to be sealed")]
    TooLarge,
    /// The wrapped key does not open: another master key, another event, or it was changed.
    #[error("the record's key does not open with this master key")]
    Key,
    /// The ciphertext is not the one that the leaf names.
    #[error("the ciphertext is not the one that the leaf names")]
    Ciphertext,
    /// The ciphertext does not open: another event, or it was changed.
    #[error("the content does not open")]
    Content,
    /// The leaf commits to another content.
    #[error("the leaf commits to another content")]
    Commitment,
}

/// Seals content under a fresh key.
///
/// # Errors
/// When the system has no randomness, or the content is beyond the cipher's limit.
pub fn seal(master: &MasterKey, subject: Subject<'_>, content: &[u8]) -> Result<SealedContent, SealError> {
    let key = RecordKey::from_bytes(<[u8; 32]>::try_generate().map_err(|_| SealError::NoRandomness)?);
    let wrapped_key = encrypt(&master.0, &subject.of_key(), key.bytes())?;
    let ciphertext = encrypt(&key.encryption_key(), &subject.of_content(), content)?;
    let ciphertext_sha256 = Sha256::digest(&ciphertext).into();
    Ok(SealedContent { wrapped_key, ciphertext, commitment: key.commit(content), ciphertext_sha256 })
}

/// Opens content and checks it against both values in the leaf.
///
/// # Errors
/// The first check that fails; nothing is opened in part.
pub fn open(master: &MasterKey, subject: Subject<'_>, sealed: &SealedContent) -> Result<Opened, SealError> {
    if Sha256::digest(&sealed.ciphertext)[..] != sealed.ciphertext_sha256 {
        return Err(SealError::Ciphertext);
    }
    let key = decrypt(&master.0, &subject.of_key(), &sealed.wrapped_key).ok_or(SealError::Key)?;
    let key = RecordKey::from_bytes(key.try_into().map_err(|_| SealError::Key)?);
    let content = decrypt(&key.encryption_key(), &subject.of_content(), &sealed.ciphertext)
        .ok_or(SealError::Content)?;
    if !key.commits(&content, &sealed.commitment) {
        return Err(SealError::Commitment);
    }
    Ok(Opened { content, key })
}

impl Subject<'_> {
    fn of_content(self) -> Vec<u8> {
        [&self.event_id, self.kind.as_bytes()].concat()
    }

    fn of_key(self) -> Vec<u8> {
        [KEY_PURPOSE, &self.event_id, self.kind.as_bytes()].concat()
    }
}

fn encrypt(key: &[u8; 32], associated: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
    let nonce = XNonce::try_generate().map_err(|_| SealError::NoRandomness)?;
    let body = XChaCha20Poly1305::new(key.into())
        .encrypt(&nonce, Payload { msg: plain, aad: associated })
        .map_err(|_| SealError::TooLarge)?;
    Ok([nonce.as_slice(), &body].concat())
}

fn decrypt(key: &[u8; 32], associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, body) = sealed.split_at_checked(NONCE_BYTES)?;
    let nonce = XNonce::try_from(nonce).ok()?;
    XChaCha20Poly1305::new(key.into()).decrypt(&nonce, Payload { msg: body, aad: associated }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SUBJECT: Subject<'static> = Subject { event_id: [9; 16], kind: "chat.intent" };

    fn master() -> MasterKey {
        MasterKey::from_bytes([1; 32])
    }

    #[test]
    fn content_opens_for_its_event_and_key_and_for_no_other() {
        let sealed = seal(&master(), SUBJECT, "差旅".as_bytes()).unwrap();

        assert_eq!(open(&master(), SUBJECT, &sealed).unwrap().content, "差旅".as_bytes());
        let other_key = MasterKey::from_bytes([2; 32]);
        assert_eq!(open(&other_key, SUBJECT, &sealed), Err(SealError::Key));
        let other_event = Subject { event_id: [8; 16], ..SUBJECT };
        assert_eq!(open(&master(), other_event, &sealed), Err(SealError::Key));
        let other_kind = Subject { kind: "chat.completed", ..SUBJECT };
        assert_eq!(open(&master(), other_kind, &sealed), Err(SealError::Key));
    }

    #[test]
    fn the_key_given_with_the_content_proves_the_commitment_without_the_master_key() {
        let sealed = seal(&master(), SUBJECT, b"yes").unwrap();

        let opened = open(&master(), SUBJECT, &sealed).unwrap();

        assert!(opened.key.commits(b"yes", &sealed.commitment));
        assert!(!opened.key.commits(b"no", &sealed.commitment));
    }

    #[test]
    fn sealing_twice_gives_other_keys_ciphertexts_and_commitments() {
        let first = seal(&master(), SUBJECT, b"yes").unwrap();
        let second = seal(&master(), SUBJECT, b"yes").unwrap();

        assert_ne!(first.wrapped_key, second.wrapped_key);
        assert_ne!(first.ciphertext, second.ciphertext);
        assert_ne!(first.commitment, second.commitment);
    }

    #[test]
    fn it_opens_what_an_independent_implementation_sealed() {
        // draft-irtf-cfrg-xchacha-03 §A.3.1
        let key: [u8; 32] = std::array::from_fn(|position| 0x80 + position as u8);
        let nonce: [u8; 24] = std::array::from_fn(|position| 0x40 + position as u8);
        let associated = hex::decode("50515253c0c1c2c3c4c5c6c7").unwrap();
        let body = hex::decode(
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c67\
             08c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637d\
             a9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49",
        )
        .unwrap();

        let plain = decrypt(&key, &associated, &[&nonce[..], &body].concat()).unwrap();

        assert!(plain.starts_with(b"Ladies and Gentlemen of the class of '99"));
    }

    #[test]
    fn nothing_and_a_fragment_do_not_open() {
        let mut sealed = seal(&master(), SUBJECT, b"").unwrap();

        assert_eq!(open(&master(), SUBJECT, &sealed).unwrap().content, b"");
        sealed.wrapped_key.truncate(NONCE_BYTES - 1);
        assert_eq!(open(&master(), SUBJECT, &sealed), Err(SealError::Key));
    }

    proptest! {
        #[test]
        fn any_flipped_bit_fails(content in prop::collection::vec(any::<u8>(), 0..200), part in 0..4_usize, at: prop::sample::Index, bit in 0..8_u8) {
            let mut sealed = seal(&master(), SUBJECT, &content).unwrap();
            prop_assert_eq!(open(&master(), SUBJECT, &sealed).unwrap().content, content);

            let bytes: &mut [u8] = match part {
                0 => &mut sealed.wrapped_key,
                1 => &mut sealed.ciphertext,
                2 => &mut sealed.commitment,
                _ => &mut sealed.ciphertext_sha256,
            };
            let position = at.index(bytes.len());
            bytes[position] ^= 1 << bit;

            prop_assert!(open(&master(), SUBJECT, &sealed).is_err());
        }

        #[test]
        fn a_flipped_bit_fails_even_if_the_leaf_names_the_changed_ciphertext(content in prop::collection::vec(any::<u8>(), 0..200), at: prop::sample::Index, bit in 0..8_u8) {
            let mut sealed = seal(&master(), SUBJECT, &content).unwrap();

            let position = at.index(sealed.ciphertext.len());
            sealed.ciphertext[position] ^= 1 << bit;
            sealed.ciphertext_sha256 = Sha256::digest(&sealed.ciphertext).into();

            prop_assert_eq!(open(&master(), SUBJECT, &sealed), Err(SealError::Content));
        }
    }
}
