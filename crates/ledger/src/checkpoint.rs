//! C2SP `tlog-checkpoint`: origin, size and root hash of a log as the text of a signed note. Knows no key's worth: which
//! signatures count is for a `policy` to say.

use crate::hash::Hash;
use crate::note::Note;
use crate::note::NoteError;
use crate::note::Purpose;
use crate::note::Signature;
use crate::note::SignerKey;
use crate::tree::MAX_SIZE;
use crate::tree::TreeHead;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// What a log says of itself at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    head: TreeHead,
}

/// A checkpoint within a note whose signatures nobody has checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    note: Note,
    checkpoint: Checkpoint,
}

/// Why a note is no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not even a note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Its text is not origin, size and root.
    #[error("the note's text is not a checkpoint: a line each for origin, size and root")]
    Shape,
    /// A checkpoint's own line is signed by a log's key of the same name.
    #[error("a checkpoint is signed by the log's own key, named as its origin")]
    Signer,
}

impl Checkpoint {
    /// Says that the log of this name stands at this head; none when the origin is empty or more than one line.
    pub fn new(origin: &str, head: TreeHead) -> Option<Self> {
        let one_line = !origin.is_empty() && !origin.chars().any(char::is_control);
        (one_line && head.size <= MAX_SIZE).then(|| Self { origin: origin.to_owned(), head })
    }

    /// Reads the text of a note. Lines after the third are allowed and mean nothing here.
    ///
    /// # Errors
    /// When it is not origin, size and root.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Shape)?.split('\n');
        let mut line = || lines.next().filter(|line| !line.is_empty()).ok_or(CheckpointError::Shape);
        let (origin, size, root) = (line()?, line()?, line()?);
        if lines.any(str::is_empty) {
            return Err(CheckpointError::Shape);
        }
        let size = decimal(size).ok_or(CheckpointError::Shape)?;
        let root = hash(root).ok_or(CheckpointError::Shape)?;
        Self::new(origin, TreeHead { size, root }).ok_or(CheckpointError::Shape)
    }

    /// Which log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How large, with which root.
    pub const fn head(&self) -> &TreeHead {
        &self.head
    }

    /// Signs it with the log's key. A log must never sign two roots for one size: it publishes the note that it stored
    /// and does not sign again.
    ///
    /// # Errors
    /// When the key is not a log's or bears another name than the origin.
    pub fn sign(self, key: &SignerKey) -> Result<SignedCheckpoint, CheckpointError> {
        let verifier = key.verifier();
        if verifier.purpose() != Purpose::Log || verifier.name() != self.origin {
            return Err(CheckpointError::Signer);
        }
        let note = Note::new(self.to_string())?;
        let signature = key.sign(&note, 0);
        Ok(SignedCheckpoint { note: note.with(signature), checkpoint: self })
    }
}

impl fmt::Display for Checkpoint {
    /// Writes the text that is signed.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TreeHead { size, root } = self.head;
        writeln!(formatter, "{}\n{size}\n{}", self.origin, STANDARD.encode(root))
    }
}

impl SignedCheckpoint {
    /// Reads a note whose text is a checkpoint.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(note: &str) -> Result<Self, CheckpointError> {
        let note = Note::parse(note)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        Ok(Self { note, checkpoint })
    }

    /// What it says, unchecked.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note.
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// Adds a line, such as a witness's cosignature or that of the log's next key.
    #[must_use]
    pub fn with(self, signature: Signature) -> Self {
        Self { note: self.note.with(signature), checkpoint: self.checkpoint }
    }
}

impl fmt::Display for SignedCheckpoint {
    /// Writes the note.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(formatter)
    }
}

/// Reads a number as C2SP writes one: digits, no sign, no leading zero.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// Reads a hash in base64.
pub(crate) fn hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::VerifierKey;

    /// The example of C2SP `tlog-cosignature`, with a witness's line.
    const C2SP: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

    fn key(name: &str, purpose: Purpose) -> SignerKey {
        SignerKey::from_seed(name, purpose, &[7; 32]).unwrap()
    }

    fn check(text: &str, right: bool) {
        assert_eq!(Checkpoint::parse(text).is_ok(), right, "{text:?}");
    }

    #[test]
    fn the_example_of_c2sp_reads_and_writes() {
        let signed = SignedCheckpoint::parse(C2SP).unwrap();

        assert_eq!(signed.checkpoint().origin(), "example.com/behind-the-sofa");
        assert_eq!(signed.checkpoint().head().size, 20_852_163);
        assert_eq!(signed.note().signatures().len(), 2);
        assert_eq!(signed.to_string(), C2SP);
        assert_eq!(signed.checkpoint().to_string(), signed.note().text());
    }

    #[test]
    fn a_size_and_a_root_are_written_in_one_way() {
        let root = STANDARD.encode([3; 32]);

        check(&format!("a\n0\n{root}\n"), true);
        check(&format!("a\n7\n{root}\nmore\n"), true);
        check(&format!("a\n07\n{root}\n"), false);
        check(&format!("a\n+7\n{root}\n"), false);
        check(&format!("a\n\n{root}\n"), false);
        check(&format!("\n7\n{root}\n"), false);
        check(&format!("a\n7\n{root}\n\n"), false);
        check(&format!("a\n7\n{root}"), false);
        check("a\n7\nAAAA\n", false);
        check(&format!("a\n{}\n{root}\n", u64::MAX), false);
    }

    #[test]
    fn only_the_logs_own_key_signs() {
        let checkpoint = Checkpoint::new("a.example", TreeHead { size: 7, root: [3; 32] }).unwrap();
        let (own, other, witness) = (
            key("a.example", Purpose::Log),
            key("b.example", Purpose::Log),
            key("a.example", Purpose::Witness),
        );

        let signed = checkpoint.clone().sign(&own).unwrap();

        assert_eq!(SignedCheckpoint::parse(&signed.to_string()).unwrap(), signed);
        let verifier: VerifierKey = own.verifier();
        assert_eq!(verifier.check(signed.note().text(), &signed.note().signatures()[0]), Some(0));
        assert_eq!(checkpoint.clone().sign(&other), Err(CheckpointError::Signer));
        assert_eq!(checkpoint.sign(&witness), Err(CheckpointError::Signer));
        assert_eq!(Checkpoint::new("a\nb", TreeHead { size: 7, root: [3; 32] }), None);
    }
}
