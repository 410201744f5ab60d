//! Commitments to content. A bare hash of a short text can be guessed; an HMAC under a key of the record cannot, once
//! that key is erased. Knows no ciphertext.

use hkdf::Hkdf;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Sha256;
use std::fmt;

const ENCRYPTION: &[u8] = b"docent/v1/record/encryption";
const COMMITMENT: &[u8] = b"docent/v1/record/commitment";

/// The random key of one record. Whoever holds it can open the record's content and show that the leaf binds it.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordKey([u8; 32]);

impl RecordKey {
    /// Takes 32 bytes from the system's generator, or from an auditor who was given them.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Gives the bytes, to be wrapped or handed to an auditor.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Gives HMAC-SHA256(K_com, content), K_com by HKDF-SHA256 (RFC 5869) from this key.
    pub fn commit(&self, content: &[u8]) -> [u8; 32] {
        self.mac(content).finalize().into_bytes().into()
    }

    /// Says whether the commitment is to this content, in constant time.
    pub fn commits(&self, content: &[u8], commitment: &[u8; 32]) -> bool {
        self.mac(content).verify_slice(commitment).is_ok()
    }

    /// Gives K_enc, the key under which the content is encrypted.
    pub(crate) fn encryption_key(&self) -> [u8; 32] {
        self.derive(ENCRYPTION)
    }

    fn mac(&self, content: &[u8]) -> Hmac<Sha256> {
        let key = self.derive(COMMITMENT);
        let mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
        mac.chain_update(content)
    }

    fn derive(&self, purpose: &[u8]) -> [u8; 32] {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(None, &self.0)
            .expand(purpose, &mut key)
            .expect("HKDF-SHA256 gives up to 8160 bytes");
        key
    }
}

impl fmt::Debug for RecordKey {
    /// Never shows the key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RecordKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The expected values are from an independent computation with Python's hmac and hashlib (RFC 5869 by hand).
    #[test]
    fn it_gives_the_known_answers() {
        let key = RecordKey::from_bytes([7; 32]);

        assert_eq!(
            hex::encode(key.encryption_key()),
            "554ab8db05c9260c99d50b3de9f0720a3ba7ef151c764a685dd2c6e6b1e0bd2c"
        );
        assert_eq!(
            hex::encode(key.commit("是".as_bytes())),
            "5c41a58e611edeb854269340838772d62c5740be5ef12c2d8813f82252ec5c10"
        );
    }

    #[test]
    fn another_content_or_key_does_not_fit_the_commitment() {
        let key = RecordKey::from_bytes([7; 32]);
        let commitment = key.commit(b"yes");

        assert!(key.commits(b"yes", &commitment));
        assert!(!key.commits(b"no", &commitment));
        assert!(!RecordKey::from_bytes([8; 32]).commits(b"yes", &commitment));
    }

    #[test]
    fn the_key_does_not_print() {
        assert_eq!(format!("{:?}", RecordKey::from_bytes([7; 32])), "RecordKey(…)");
    }
}
