//! ChatML: turns as token ids, ready for the answer. Knows no engine thread and no passage.
//!
//! ```text
//! <|im_start|>system\n…<|im_end|>\n<|im_start|>user\n…<|im_end|>\n<|im_start|>assistant\n
//! ```
//! Qwen3 then gets an empty think block, which switches thinking off; Qwen2.5 has never seen one (ids 151665 and up are
//! untrained there) and must not. Only the markers here are control tokens: text of a turn is encoded as text.

use crate::adapters::models::manifest::Family;
use crate::ports::ChatRole;
use crate::ports::ChatTurn;
use crate::ports::ModelError;
use engine::Tokenizer;
use std::borrow::Cow;

const SWITCHES: [&str; 2] = ["/think", "/no_think"];
/// Looks like `/` and is it under NFKC, so that quotes still match; to the model it is another token.
const WIDE_SLASH: &str = "\u{FF0F}";

/// A chat template with its control tokens looked up.
pub(super) struct Template {
    start: u32,
    end: u32,
    /// The empty think block, of families that think.
    no_think: Option<(u32, u32)>,
}

impl Template {
    /// # Errors
    /// The control token that the tokenizer lacks, or that the family does not chat.
    pub(super) fn new(family: Family, tokenizer: &Tokenizer) -> Result<Self, String> {
        let id =
            |token: &str| tokenizer.special(token).ok_or_else(|| format!("its tokenizer has no `{token}`"));
        let no_think = match family {
            Family::Qwen3 => Some((id("<think>")?, id("</think>")?)),
            Family::Qwen2 => None,
            Family::E5 | Family::BgeM3 | Family::Qwen3Embedding | Family::BgeReranker | Family::PpOcr => {
                return Err("it has no chat template".to_owned());
            }
        };
        Ok(Self { start: id("<|im_start|>")?, end: id("<|im_end|>")?, no_think })
    }

    pub(super) fn encode(&self, tokenizer: &Tokenizer, turns: &[ChatTurn]) -> Result<Vec<u32>, ModelError> {
        let text =
            |text: &str| tokenizer.encode_text(text).map_err(|error| ModelError::Failed(error.to_string()));
        let mut prompt = Vec::new();
        for turn in turns {
            let said = if self.no_think.is_some() {
                without_switches(&turn.text)
            } else {
                Cow::Borrowed(&*turn.text)
            };
            prompt.push(self.start);
            prompt.extend(text(&format!("{}\n{said}", role(turn.role)))?);
            prompt.push(self.end);
            prompt.extend(text("\n")?);
        }
        prompt.push(self.start);
        prompt.extend(text("assistant\n")?);
        if let Some((think, end_of_thought)) = self.no_think {
            prompt.push(think);
            prompt.extend(text("\n\n")?);
            prompt.push(end_of_thought);
            prompt.extend(text("\n\n")?);
        }
        Ok(prompt)
    }
}

fn role(role: ChatRole) -> &'static str {
    match role {
        ChatRole::System => "system",
        ChatRole::User => "user",
        ChatRole::Assistant => "assistant",
    }
}

/// Qwen3 obeys `/think` and `/no_think` in any turn; in a document they are words. Paths such as `/opt/think/x` stay.
fn without_switches(text: &str) -> Cow<'_, str> {
    let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '.');
    let mut clean = String::new();
    let mut copied = 0;
    for (at, _) in text.match_indices('/') {
        let rest = &text[at..];
        let Some(switch) = SWITCHES.iter().find(|switch| rest.starts_with(**switch)) else { continue };
        let before = text[..at].chars().next_back().is_some_and(in_word);
        let mut after = rest[switch.len()..].chars();
        let goes_on = match after.next() {
            Some('.') => after.next().is_some_and(in_word),
            Some(c) => in_word(c),
            None => false,
        };
        if !before && !goes_on {
            clean.push_str(&text[copied..at]);
            clean.push_str(WIDE_SLASH);
            copied = at + 1;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(&text[copied..]);
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::UnicodeNormalization;

    fn check(text: &str, expected: &str) {
        assert_eq!(without_switches(text), expected);
        assert!(without_switches(text).nfkc().eq(text.nfkc()));
    }

    #[test]
    fn switches_of_the_model_are_words_in_a_document() {
        check("/think", "／think");
        check("Now /no_think.", "Now ／no_think.");
        check("请/think。", "请／think。");
        check("a /think b /no_think", "a ／think b ／no_think");
        check("/think\n/think", "／think\n／think");
    }

    #[test]
    fn other_slashes_stay() {
        for text in
            ["", "/", "/opt/think/x", "and/think", "/thinking", "/think-tank", "/think.txt", "/no_thinker"]
        {
            check(text, text);
        }
    }
}
