//! Token ids as bytes, little-endian u32 one after the other: what their hash is taken of and how a record keeps them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest;
use sha2::Sha256;

/// SHA-256 of the bytes, hex.
pub(super) fn sha256(tokens: &[u32]) -> String {
    hex::encode(Sha256::digest(bytes(tokens)))
}

/// The bytes, base64.
pub(super) fn write(tokens: &[u32]) -> String {
    STANDARD.encode(bytes(tokens))
}

/// Tokens that [`write()`] wrote; none of anything else.
pub(super) fn read(text: &str) -> Option<Vec<u32>> {
    let bytes = STANDARD.decode(text).ok()?;
    let (ids, rest) = bytes.as_chunks();
    rest.is_empty().then(|| ids.iter().map(|id| u32::from_le_bytes(*id)).collect())
}

fn bytes(tokens: &[u32]) -> Vec<u8> {
    tokens.iter().flat_map(|token| token.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::any;
    use proptest::prelude::proptest;
    use proptest::prop_assert_eq;

    proptest! {
        #[test]
        fn written_tokens_come_back(tokens in vec(any::<u32>(), 0..50)) {
            prop_assert_eq!(read(&write(&tokens)), Some(tokens));
        }
    }

    #[test]
    fn the_hash_is_that_of_the_bytes_and_half_a_token_is_none() {
        assert_eq!(sha256(&[1, 258]), hex::encode(Sha256::digest([1, 0, 0, 0, 2, 1, 0, 0])));
        assert_eq!(read("AAA="), None);
        assert_eq!(read("no base64"), None);
    }
}
