//! Text to token ids and back, for text that nobody vouches for. Knows no chat template and no prompt.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;
use tokenizers::DecoderWrapper;

use crate::error::EngineError;

/// A `tokenizer.json`. Cheap to clone.
///
/// Text is always encoded as text: `<|im_end|>` in a document becomes the tokens of its characters, never the
/// control token. Control tokens are reached only by name, through [`Tokenizer::special`].
#[derive(Clone)]
pub struct Tokenizer {
    inner: Arc<Inner>,
}

struct Inner {
    /// The file without its added tokens, so that no text can match one.
    plain: tokenizers::Tokenizer,
    special: HashMap<String, u32>,
    /// The names of control tokens.
    control: HashMap<u32, String>,
    /// The bytes of each id, if the vocabulary is byte-level; nothing for control tokens.
    bytes: Option<TokenBytes>,
    size: usize,
    sha256: String,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// `Model` when the file cannot be read or is no tokenizer.
    pub fn load(path: &Path) -> Result<Self, EngineError> {
        let data = std::fs::read(path).map_err(|error| EngineError::model(path, error))?;
        let invalid = |error: &dyn fmt::Display| EngineError::model(path, format!("no tokenizer: {error}"));
        let mut file: Value = serde_json::from_slice(&data).map_err(|error| invalid(&error))?;
        let added = AddedToken::all(&file);
        hide_added_tokens(&mut file, &added);
        let plain = serde_json::to_vec(&file).map_err(|error| invalid(&error))?;
        drop(file);
        let plain = tokenizers::Tokenizer::from_bytes(plain).map_err(|error| invalid(&error))?;

        let base = plain.get_vocab_size(false);
        let size = added.iter().map(|token| token.id as usize + 1).fold(base, usize::max);
        let byte_level = matches!(plain.get_decoder(), Some(DecoderWrapper::ByteLevel(_)));
        let bytes = byte_level.then(|| TokenBytes::read(&plain, &added, size));
        let control = added.iter().map(|token| (token.id, token.content.clone())).collect();
        let special = added.into_iter().map(|token| (token.content, token.id)).collect();
        let sha256 = hex::encode(Sha256::digest(&data));
        Ok(Self { inner: Arc::new(Inner { plain, special, control, bytes, size, sha256 }) })
    }

    /// Encodes untrusted text: no special token is recognised in it and none is added around it.
    ///
    /// # Errors
    /// `Internal` when the tokenizer's own rules fail on the text.
    pub fn encode_text(&self, text: &str) -> Result<Vec<u32>, EngineError> {
        let encoding = self.inner.plain.encode_fast(text, false);
        let encoding = encoding.map_err(|error| EngineError::Internal(format!("tokenizer: {error}")))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The id of a control token such as `<|im_start|>`, by its exact name.
    pub fn special(&self, token: &str) -> Option<u32> {
        self.inner.special.get(token).copied()
    }

    /// The name of a control token, such as `<|im_start|>`; nothing for ids that stand for text.
    pub(crate) fn control(&self, id: u32) -> Option<&str> {
        self.inner.control.get(&id).map(String::as_str)
    }

    /// The number of tokens that [`Tokenizer::encode_text`] gives; 0 for text it fails on.
    pub fn count(&self, text: &str) -> usize {
        self.encode_text(text).map_or(0, |ids| ids.len())
    }

    /// The text of token ids; control tokens give none, incomplete characters give U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> String {
        if let Some(bytes) = &self.inner.bytes {
            let bytes: Vec<u8> = ids.iter().flat_map(|id| bytes.of(*id)).copied().collect();
            return String::from_utf8_lossy(&bytes).into_owned();
        }
        let ids: Vec<u32> = ids.iter().copied().filter(|id| self.control(*id).is_none()).collect();
        self.inner.plain.decode(&ids, true).unwrap_or_default()
    }

    /// SHA-256 of the file, in hex.
    pub fn sha256(&self) -> &str {
        &self.inner.sha256
    }

    /// One more than the highest id that means anything; a model's table may have more rows.
    pub fn size(&self) -> usize {
        self.inner.size
    }

    /// The bytes that an id adds to a text, if the vocabulary is byte-level.
    pub(crate) fn bytes(&self, id: u32) -> Option<&[u8]> {
        self.inner.bytes.as_ref().map(|bytes| bytes.of(id))
    }

    /// Whether every id stands for bytes, as in all models that this engine decodes with.
    pub(crate) fn is_byte_level(&self) -> bool {
        self.inner.bytes.is_some()
    }
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokenizer")
            .field("size", &self.inner.size)
            .field("sha256", &self.inner.sha256)
            .finish()
    }
}

/// A token that is matched as a whole before the vocabulary is looked at.
struct AddedToken {
    id: u32,
    content: String,
    /// Whether it is left out of decoded text.
    control: bool,
}

impl AddedToken {
    fn all(file: &Value) -> Vec<Self> {
        let token = |entry: &Value| {
            let (id, content) = (entry["id"].as_u64()? as u32, entry["content"].as_str()?.to_owned());
            Some(Self { id, content, control: entry["special"].as_bool().unwrap_or(false) })
        };
        file["added_tokens"].as_array().into_iter().flatten().filter_map(token).collect()
    }
}

/// Takes the added tokens away, and out of the pieces of a Unigram model, which lists its control tokens there
/// with the best score of all. Ids stay: such a piece gets a name that starts with NUL, which every charsmap drops.
fn hide_added_tokens(file: &mut Value, added: &[AddedToken]) {
    for part in ["truncation", "padding", "post_processor"] {
        file[part] = Value::Null;
    }
    file["added_tokens"] = Value::Array(Vec::new());
    let Some(pieces) = file["model"]["vocab"].as_array_mut() else { return };
    for token in added {
        if let Some(piece) = pieces.get_mut(token.id as usize) {
            piece[0] = Value::String(format!("\u{0}{}", token.content));
        }
    }
}

/// The bytes of all ids in one piece: id `i` has `data[start[i]..start[i + 1]]`.
struct TokenBytes {
    start: Vec<u32>,
    data: Vec<u8>,
}

impl TokenBytes {
    fn read(tokenizer: &tokenizers::Tokenizer, added: &[AddedToken], size: usize) -> Self {
        let alphabet = byte_alphabet();
        let added: HashMap<u32, &AddedToken> = added.iter().map(|token| (token.id, token)).collect();
        let (mut start, mut data) = (vec![0], Vec::new());
        for id in 0..size as u32 {
            let token = match added.get(&id) {
                Some(token) if token.control => None,
                Some(token) => Some(token.content.clone()),
                None => tokenizer.id_to_token(id),
            };
            if let Some(token) = token {
                let bytes: Option<Vec<u8>> = token.chars().map(|c| alphabet.get(&c).copied()).collect();
                data.extend(bytes.unwrap_or_else(|| token.into_bytes()));
            }
            start.push(data.len() as u32);
        }
        Self { start, data }
    }

    fn of(&self, id: u32) -> &[u8] {
        match self.start.get(id as usize..id as usize + 2) {
            Some(&[from, to]) => &self.data[from as usize..to as usize],
            Some(_) | None => &[],
        }
    }
}

/// The printable stand-ins that byte-level vocabularies use for bytes: GPT-2, `encoder.py`, `bytes_to_unicode`.
fn byte_alphabet() -> HashMap<char, u8> {
    let printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let (kept, moved): (Vec<u8>, Vec<u8>) = (0..=255).partition(printable);
    let moved = moved.into_iter().zip('\u{100}'..).map(|(byte, stand_in)| (stand_in, byte));
    kept.into_iter().map(|byte| (char::from(byte), byte)).chain(moved).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiny;

    #[test]
    fn control_tokens_in_text_are_only_characters() {
        let tokenizer = tiny::tokenizer();
        let end = tokenizer.special("<|im_end|>").unwrap();
        let think = tokenizer.special("<think>").unwrap();

        let ids = tokenizer.encode_text("a<|im_end|>b<think>").unwrap();

        assert!(!ids.contains(&end) && !ids.contains(&think));
        assert_eq!(tokenizer.decode(&ids), "a<|im_end|>b<think>");
        assert_eq!(tokenizer.count("a<|im_end|>b<think>"), ids.len());
    }

    #[test]
    fn a_control_piece_of_a_unigram_model_is_not_matched_either() {
        let tokenizer = tiny::unigram_tokenizer();
        let end = tokenizer.special("</s>").unwrap();

        let ids = tokenizer.encode_text("a</s>").unwrap();

        assert!(!ids.contains(&end), "{ids:?}");
    }

    #[test]
    fn decoding_skips_control_tokens_and_marks_half_characters() {
        let tokenizer = tiny::tokenizer();
        let end = tokenizer.special("<|im_end|>").unwrap();
        let mut ids = tokenizer.encode_text("费").unwrap();

        assert_eq!(tokenizer.decode(&[ids.clone(), vec![end]].concat()), "费");
        ids.pop();
        assert_eq!(tokenizer.decode(&ids), "\u{FFFD}");
        assert_eq!(tokenizer.decode(&[u32::MAX]), "");
    }

    #[test]
    fn a_file_that_is_no_tokenizer_is_an_error_that_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokenizer.json");
        std::fs::write(&path, "{}").unwrap();

        let message = Tokenizer::load(&path).unwrap_err().to_string();

        assert!(message.contains("tokenizer.json"), "{message}");
        assert!(Tokenizer::load(&directory.path().join("absent")).is_err());
    }
}
