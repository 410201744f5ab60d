//! What a prompt's blocks are called: each name is made from the name before it, so one name stands for a whole
//! beginning. Knows no pool.

use sha2::Digest;
use sha2::Sha256;

use super::BLOCK_TOKENS;

/// The name of a beginning of a prompt: the first 128 bits of a SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Name(pub(crate) [u8; 16]);

/// What a block is: all that must be equal before it is used for a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    pub name: Name,
    pub origin: Origin,
    /// Its own tokens.
    pub tokens: Box<[u32]>,
}

/// What comes before a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nothing: it begins a prompt with this salt.
    Salt([u8; 16]),
    /// Another block.
    After(Name),
}

/// A prompt as the index sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prefix<'a> {
    /// Separates prompts that must not share.
    pub salt: [u8; 16],
    /// The whole prompt.
    pub tokens: &'a [u32],
    /// Of its whole blocks, as [`names`] gives them.
    pub names: &'a [Name],
}

impl<'a> Prefix<'a> {
    /// The tokens of the block at `place`.
    pub(super) fn block(&self, place: usize) -> &'a [u32] {
        &self.tokens[place * BLOCK_TOKENS..][..BLOCK_TOKENS]
    }

    /// What the block at `place` is.
    pub(crate) fn label(&self, place: usize) -> Label {
        let origin = match place {
            0 => Origin::Salt(self.salt),
            _ => Origin::After(self.names[place - 1]),
        };
        Label { name: self.names[place], origin, tokens: self.block(place).into() }
    }

    /// How many blocks may come from the index: the last token is always computed, its logits are wanted.
    pub(crate) fn reusable(&self) -> usize {
        self.names.len().min(self.tokens.len().saturating_sub(1) / BLOCK_TOKENS)
    }
}

/// The names of a prompt's whole blocks: `SHA-256(salt)`, then `SHA-256(name before ‖ tokens, little-endian)`.
pub(crate) fn names(salt: &[u8; 16], tokens: &[u32]) -> Vec<Name> {
    let mut parent = name(Sha256::new().chain_update(salt));
    let blocks = tokens.chunks_exact(BLOCK_TOKENS);
    let next = blocks.map(|block| {
        let mut hash = Sha256::new().chain_update(parent.0);
        for token in block {
            hash.update(token.to_le_bytes());
        }
        parent = name(hash);
        parent
    });
    next.collect()
}

fn name(hash: Sha256) -> Name {
    let digest = hash.finalize();
    let mut name = [0; 16];
    name.copy_from_slice(&digest[..16]);
    Name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_the_salt_and_all_tokens_up_to_it() {
        let tokens: Vec<u32> = (0..200).collect();
        let mut other = tokens.clone();
        other[0] = 7;

        let of = |salt, tokens: &[u32]| names(&[salt; 16], tokens);

        assert_eq!(of(0, &tokens).len(), 3);
        assert_eq!(of(0, &tokens)[..2], of(0, &tokens[..130])[..]);
        assert!(of(0, &tokens).iter().zip(of(0, &other)).all(|(one, two)| *one != two));
        assert!(of(0, &tokens).iter().zip(of(1, &tokens)).all(|(one, two)| *one != two));
        assert!(of(0, &tokens[..63]).is_empty());
    }
}
