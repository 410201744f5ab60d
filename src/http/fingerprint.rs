//! What a form said, as a digest: two forms with the same parts in the same order have the same one, however they were
//! put on the wire. Knows no form.

use sha2::Digest;
use sha2::Sha256;

/// A digest that grows with each part; or none, where nobody will ask for it.
pub(super) struct Fingerprint(Option<Sha256>);

impl Fingerprint {
    /// Digests nothing.
    pub(super) const fn unasked() -> Self {
        Self(None)
    }

    /// Digests each part.
    pub(super) fn new() -> Self {
        Self(Some(Sha256::new()))
    }

    /// Takes a short part: its name and its value.
    pub(super) fn part(&mut self, name: &str, value: &[u8]) {
        let Some(digest) = &mut self.0 else { return };
        // Lengths first: no two lists of parts give the same bytes.
        for field in [name.as_bytes(), value] {
            digest.update((field.len() as u64).to_be_bytes());
            digest.update(field);
        }
    }

    /// Takes a file's name and bytes, and gives the bytes back; digests them off the runtime's threads.
    pub(super) async fn file(&mut self, name: &str, bytes: Vec<u8>) -> Vec<u8> {
        if self.0.is_none() {
            return bytes;
        }
        let digesting = tokio::task::spawn_blocking(move || (Sha256::digest(&bytes), bytes));
        let (digest, bytes) = digesting.await.expect("a digest of bytes does not panic");
        self.part("file", name.as_bytes());
        self.part("bytes", &digest);
        bytes
    }

    /// In hex; none where nobody asked.
    pub(super) fn finish(self) -> Option<String> {
        self.0.map(|digest| hex::encode(digest.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[(&str, &str)]) -> Option<String> {
        let mut fingerprint = Fingerprint::new();
        for (name, value) in parts {
            fingerprint.part(name, value.as_bytes());
        }
        fingerprint.finish()
    }

    #[test]
    fn where_one_part_ends_and_the_next_begins_matters() {
        assert_eq!(of(&[("title", "ab")]), of(&[("title", "ab")]));
        assert_ne!(of(&[("title", "ab")]), of(&[("titlea", "b")]));
        assert_ne!(of(&[("a", "b"), ("c", "d")]), of(&[("c", "d"), ("a", "b")]));
        assert_eq!(Fingerprint::unasked().finish(), None);
    }
}
