//! Words of sealed content under a key, so that a store can find them without being able to read them: a blind index. It
//! shows which records share a word; which word that is, only who has the key can tell. Knows no text.

use crate::seal::MasterKey;
use hkdf::Hkdf;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Sha256;

const PURPOSE: &[u8] = b"docent/v1/search";

/// Blinds words; by HKDF-SHA256 (RFC 5869) from a master key.
pub struct BlindingKey(Hmac<Sha256>);

impl BlindingKey {
    /// Of a master key.
    pub fn of(master: &MasterKey) -> Self {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(None, master.bytes())
            .expand(PURPOSE, &mut key)
            .expect("HKDF-SHA256 gives up to 8160 bytes");
        Self(Hmac::new_from_slice(&key).expect("HMAC takes keys of any length"))
    }

    /// The first 64 bits of HMAC-SHA256(key, word), big-endian: two of a million words meet with a chance of one in forty
    /// million.
    pub fn blind(&self, word: &str) -> i64 {
        let digest = self.0.clone().chain_update(word).finalize().into_bytes();
        let (first, _) = digest.split_first_chunk().expect("SHA-256 gives 32 bytes");
        i64::from_be_bytes(*first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_blinded_the_same_way_under_one_key_alone() {
        let key = |byte| BlindingKey::of(&MasterKey::from_bytes([byte; 32]));

        assert_eq!(key(1).blind("rent"), key(1).blind("rent"));
        assert_ne!(key(1).blind("rent"), key(2).blind("rent"));
        assert_ne!(key(1).blind("租金"), key(1).blind("rent"));
    }
}
