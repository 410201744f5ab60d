//! Small secrets that the service has to keep: sealed under the master key, each for the one thing that it opens. Knows
//! no store.

use crate::audit::AuditError;
use ledger::MasterKey;
use ledger::SealedContent;
use ledger::Subject;
use secrecy::ExposeSecret;
use secrecy::SecretString;
use sha2::Digest;
use sha2::Sha256;

/// A nonce, a key and a tag; then a commitment; the rest is the ciphertext.
const WRAPPED_KEY: usize = 24 + 32 + 16;
const COMMITMENT: usize = 32;

/// Seals and opens.
#[derive(Clone)]
pub struct Vault {
    master: MasterKey,
}

impl Vault {
    /// Under the key that seals the log's content too.
    pub const fn new(master_key: [u8; 32]) -> Self {
        Self { master: MasterKey::from_bytes(master_key) }
    }

    /// Seals a secret for `thing`, of one `kind` of things.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn seal(
        &self,
        kind: &'static str,
        thing: &str,
        secret: &SecretString,
    ) -> Result<Vec<u8>, AuditError> {
        let sealed = ledger::seal(&self.master, subject(kind, thing), secret.expose_secret().as_bytes())?;
        Ok([sealed.wrapped_key, sealed.commitment.to_vec(), sealed.ciphertext].concat())
    }

    /// Opens what was sealed for the same thing; none under another master key or when it was changed.
    pub fn open(&self, kind: &'static str, thing: &str, sealed: &[u8]) -> Option<SecretString> {
        let (wrapped_key, rest) = sealed.split_at_checked(WRAPPED_KEY)?;
        let (commitment, ciphertext) = rest.split_at_checked(COMMITMENT)?;
        let sealed = SealedContent {
            wrapped_key: wrapped_key.to_vec(),
            ciphertext: ciphertext.to_vec(),
            commitment: commitment.try_into().ok()?,
            ciphertext_sha256: Sha256::digest(ciphertext).into(),
        };
        let opened = ledger::open(&self.master, subject(kind, thing), &sealed).ok()?;
        String::from_utf8(opened.content).ok().map(SecretString::from)
    }
}

fn subject<'a>(kind: &'a str, thing: &str) -> Subject<'a> {
    let digest: [u8; 32] = Sha256::digest(thing).into();
    Subject { event_id: std::array::from_fn(|at| digest[at]), kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_for_its_own_thing_alone() {
        let (vault, other) = (Vault::new([7; 32]), Vault::new([8; 32]));
        let sealed = vault.seal("document.password", "ab12", &"geheim".into()).unwrap();
        let opened = |vault: &Vault, kind, thing, sealed: &[u8]| {
            vault.open(kind, thing, sealed).map(|secret| secret.expose_secret().to_owned())
        };

        assert_eq!(opened(&vault, "document.password", "ab12", &sealed).as_deref(), Some("geheim"));
        assert_eq!(opened(&vault, "document.password", "ab13", &sealed), None);
        assert_eq!(opened(&vault, "webhook.secret", "ab12", &sealed), None);
        assert_eq!(opened(&other, "document.password", "ab12", &sealed), None);
        assert_eq!(opened(&vault, "document.password", "ab12", &sealed[..50]), None);
        assert!(!sealed.windows(6).any(|window| window == b"geheim"));
    }
}
