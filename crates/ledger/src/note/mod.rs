//! C2SP `signed-note`: a text, an empty line, and a line for each signature.
//!
//! ```text
//! text, one line or more                                  ← what is signed, with its last line feed
//!
//! — name base64(key id, 4 bytes ‖ signature)              ← one for each key
//! ```
//!
//! Written here and not taken from `signed_note` 0.2: that crate brings second generations of SHA-2, of Ed25519 and of
//! base64 into a program that an auditor is to build and read, and does not know cosignatures. Knows no tree.

/// Keys that check signatures, and keys that make them.
pub mod key;

pub use key::KeyError;
pub use key::Purpose;
pub use key::SignerKey;
pub use key::VerifierKey;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// A note is at most this long, in bytes: room for 16 signatures of any kind assigned so far, and more.
pub const MAX_NOTE_BYTES: usize = 256 * 1024;

const MAX_SIGNATURES: usize = 100;
const DASH: &str = "— ";
const KEY_ID_BYTES: usize = 4;

/// A text with signatures that nobody has checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One line of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub(crate) name: String,
    pub(crate) key_id: [u8; KEY_ID_BYTES],
    pub(crate) bytes: Vec<u8>,
}

/// Why a text is no signed note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than [`MAX_NOTE_BYTES`], or more than 100 signatures.
    #[error("the signed note is too long")]
    TooLong,
    /// A control character, no empty line before the signatures, no signature, or no last line feed.
    #[error("it is not a signed note: a text, an empty line, then lines of signatures")]
    Shape,
    /// A signature's line is not a dash, a name and base64.
    #[error("line {line} of the signatures is not `— name base64`")]
    Signature {
        /// From 1.
        line: usize,
    },
}

impl Note {
    /// Takes a text that ends in a line feed and has no control characters beside.
    ///
    /// # Errors
    /// When it is not such a text.
    pub fn new(text: String) -> Result<Self, NoteError> {
        if !text.ends_with('\n') || has_control(&text) {
            return Err(NoteError::Shape);
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a signed note. Nothing about its signatures is known then, but for their shape.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong);
        }
        if has_control(note) {
            return Err(NoteError::Shape);
        }
        let at = note.rfind("\n\n").ok_or(NoteError::Shape)?;
        let (text, signatures) = (&note[..=at], &note[at + 2..]);
        let lines = signatures.strip_suffix('\n').ok_or(NoteError::Shape)?;
        let signatures = lines
            .split('\n')
            .take(MAX_SIGNATURES + 1)
            .enumerate()
            .map(|(at, line)| Signature::parse(line).ok_or(NoteError::Signature { line: at + 1 }))
            .collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(NoteError::TooLong);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// What is signed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, checked or not.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature made for this text.
    #[must_use]
    pub fn with(mut self, signature: Signature) -> Self {
        self.signatures.push(signature);
        self
    }
}

impl fmt::Display for Note {
    /// Writes the note as [`Note::parse`] reads it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(formatter, "{signature}"))
    }
}

impl Signature {
    /// Reads a line without its line feed, such as a witness answers with.
    pub fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(DASH)?.split_once(' ')?;
        let decoded = STANDARD.decode(encoded).ok()?;
        let (key_id, bytes) = decoded.split_first_chunk()?;
        (is_name(name) && !bytes.is_empty()).then(|| Self {
            name: name.to_owned(),
            key_id: *key_id,
            bytes: bytes.to_vec(),
        })
    }

    /// The name of the key that made it, as it says itself.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Signature {
    /// Writes the line without its line feed.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = STANDARD.encode([&self.key_id, self.bytes.as_slice()].concat());
        write!(formatter, "{DASH}{} {encoded}", self.name)
    }
}

fn has_control(text: &str) -> bool {
    text.bytes().any(|byte| byte < b' ' && byte != b'\n')
}

/// What C2SP allows as a key's name.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|character| character.is_whitespace() || character == '+')
}

#[cfg(test)]
mod tests;
