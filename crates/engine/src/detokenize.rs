//! Tokens to text as they come: never half a character, never part of a stop string. Knows no model.

use crate::tokenizer::Tokenizer;

/// Turns the bytes of tokens into whole characters. The pieces together are exactly `Tokenizer::decode` of all.
#[derive(Debug, Default)]
pub(crate) struct Detokenizer {
    /// Bytes that may still become a character: at most three.
    pending: Vec<u8>,
}

impl Detokenizer {
    /// The characters that `id` completes; bytes that can begin no character become U+FFFD.
    pub(crate) fn push(&mut self, tokenizer: &Tokenizer, id: u32) -> String {
        self.pending.extend_from_slice(tokenizer.bytes(id).unwrap_or_default());
        let mut text = String::new();
        let mut used = 0;
        for chunk in self.pending.utf8_chunks() {
            text.push_str(chunk.valid());
            used += chunk.valid().len();
            let invalid = chunk.invalid();
            let unfinished = used + invalid.len() == self.pending.len() && may_continue(invalid);
            if !invalid.is_empty() && !unfinished {
                text.push(char::REPLACEMENT_CHARACTER);
                used += invalid.len();
            }
        }
        self.pending.drain(..used);
        text
    }

    /// What is left at the end: U+FFFD for an unfinished character, as a decoder of the whole would give.
    pub(crate) fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned()
    }
}

/// Whether more bytes could make these a character.
fn may_continue(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

/// Ends a text at the first of several strings, and holds back whatever might become one.
#[derive(Debug)]
pub(crate) struct StopFilter {
    stops: Vec<String>,
    held: String,
}

/// What may be shown of a text so far.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cleared {
    /// Text that no stop string can reach any more.
    pub text: String,
    /// Whether a stop string came; the text ends before it.
    pub stopped: bool,
}

impl StopFilter {
    pub(crate) fn new(stops: Vec<String>) -> Self {
        Self { stops, held: String::new() }
    }

    /// Takes more text and gives back what can be shown.
    pub(crate) fn push(&mut self, text: &str) -> Cleared {
        self.held.push_str(text);
        if let Some(at) = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min() {
            self.held.truncate(at);
            return Cleared { text: std::mem::take(&mut self.held), stopped: true };
        }
        let keep = self.stops.iter().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        Cleared { text: std::mem::replace(&mut self.held, rest), stopped: false }
    }

    /// What was held back, once no more text comes.
    pub(crate) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Length in bytes of the longest end of `text` that begins `stop`.
fn overlap(text: &str, stop: &str) -> usize {
    let begins = |length: &usize| stop.is_char_boundary(*length) && text.ends_with(&stop[..*length]);
    (1..stop.len()).rev().find(begins).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::tiny;

    proptest! {
        #[test]
        fn pieces_add_up_to_the_whole_and_never_break_a_character(ids in vec(0..tiny::VOCABULARY as u32, 0..60)) {
            let tokenizer = tiny::tokenizer();
            let mut detokenizer = Detokenizer::default();
            let mut text = String::new();

            for id in &ids {
                text.push_str(&detokenizer.push(&tokenizer, *id));
                prop_assert!(detokenizer.pending.len() < 4);
            }
            text.push_str(&detokenizer.finish());

            prop_assert_eq!(text, tokenizer.decode(&ids));
        }

        #[test]
        fn real_text_comes_without_replacement_characters(source in "\\PC{0,40}") {
            let tokenizer = tiny::tokenizer();
            let ids = tokenizer.encode_text(&source).unwrap();
            let mut detokenizer = Detokenizer::default();

            let pieces: Vec<String> = ids.iter().map(|id| detokenizer.push(&tokenizer, *id)).collect();

            let marks = source.matches('\u{FFFD}').count();
            prop_assert_eq!(pieces.concat().matches('\u{FFFD}').count(), marks);
            prop_assert_eq!(pieces.concat(), tokenizer.decode(&ids));
        }

        #[test]
        fn the_filter_agrees_with_a_search_of_the_whole(text in "[ab费]{0,30}", stops in vec("[ab费]{1,4}", 0..3), cut in 1usize..5) {
            let mut filter = StopFilter::new(stops.clone());
            let mut shown = String::new();
            let mut stopped = false;

            let characters: Vec<char> = text.chars().collect();
            for piece in characters.chunks(cut) {
                let cleared = filter.push(&piece.iter().collect::<String>());
                shown.push_str(&cleared.text);
                stopped = cleared.stopped;
                if stopped {
                    break;
                }
            }
            shown.push_str(&filter.finish());

            let first = first_stop(&text, &stops);
            prop_assert_eq!(stopped, first.is_some());
            if cut == 1 {
                prop_assert_eq!(&shown, &text[..first.map_or(text.len(), |(at, _)| at)]);
            }
            prop_assert!(stops.iter().all(|stop| !shown.contains(stop.as_str())));
        }
    }

    /// The naive twin: the stop string that is complete first, fed one character at a time.
    fn first_stop(text: &str, stops: &[String]) -> Option<(usize, usize)> {
        let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
        ends.into_iter().find_map(|end| {
            stops.iter().filter_map(|stop| text[..end].find(stop.as_str()).map(|at| (at, end))).min()
        })
    }

    #[test]
    fn a_stop_string_is_never_partly_shown() {
        let mut filter = StopFilter::new(vec!["<|end|>".into()]);

        assert_eq!(filter.push("yes <|e"), Cleared { text: "yes ".into(), stopped: false });
        assert_eq!(filter.push("lse"), Cleared { text: "<|else".into(), stopped: false });
        assert_eq!(filter.push("<|end"), Cleared { text: String::new(), stopped: false });
        assert_eq!(filter.push("|> more"), Cleared { text: String::new(), stopped: true });
    }
}
