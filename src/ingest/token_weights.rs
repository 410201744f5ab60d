//! How many tokens any stretch of a text has, from tokenising each byte of it once.
//!
//! A splitter asks for the size of dozens of stretches before it settles on one; a tokenizer takes about a second for
//! a megabyte. So the text is counted once in short pieces, sums are kept, and a stretch is a difference of two sums,
//! linear inside a piece. Sums of pieces are a little above the count of the whole; what must not be too long at any
//! price is counted exactly at the end. Knows no passage.

use std::ops::Range;

/// Longest piece that is counted at once, in bytes.
const PIECE: usize = 256;
/// A stretch has at least one token for so many visible characters: tokenizers fuse a run of unknown characters of
/// any length into a single one.
const VISIBLE_PER_TOKEN: usize = 8;
/// The same for white space, which many tokenizers drop.
const SPACES_PER_TOKEN: usize = 32;

/// Sums of tokens by position in one text.
pub(super) struct TokenWeights {
    /// Where pieces end, in bytes; rising.
    ends: Vec<usize>,
    /// Tokens from the text's start to the end of each piece.
    sums: Vec<usize>,
}

impl TokenWeights {
    /// Counts a text piece by piece.
    pub(super) fn new(text: &str, count_tokens: impl Fn(&str) -> usize) -> Self {
        let (mut ends, mut sums) = (Vec::new(), Vec::new());
        let (mut start, mut sum) = (0, 0);
        while start < text.len() {
            let end = piece_end(text, start);
            let piece = &text[start..end];
            let counted = if piece.trim().is_empty() { 0 } else { count_tokens(piece.trim()) };
            sum += counted.max(fewest_tokens(piece));
            ends.push(end);
            sums.push(sum);
            start = end;
        }
        Self { ends, sums }
    }

    /// Tokens of a stretch, rounded up.
    pub(super) fn between(&self, range: &Range<usize>) -> usize {
        (self.until(range.end) - self.until(range.start)).max(0.0).ceil() as usize
    }

    /// An upper bound for a stretch: the tokens of every piece that it touches.
    pub(super) fn touching(&self, range: &Range<usize>) -> usize {
        let first = self.ends.partition_point(|&end| end <= range.start);
        let last = self.ends.partition_point(|&end| end < range.end);
        let before = first.checked_sub(1).map_or(0, |piece| self.sums[piece]);
        self.sums.get(last).or(self.sums.last()).map_or(0, |sum| sum - before)
    }

    fn until(&self, position: usize) -> f64 {
        let piece = self.ends.partition_point(|&end| end <= position);
        let (start, before) = match piece.checked_sub(1) {
            Some(previous) => (self.ends[previous], self.sums[previous]),
            None => (0, 0),
        };
        match (self.ends.get(piece), self.sums.get(piece)) {
            (Some(end), Some(sum)) => {
                before as f64 + (sum - before) as f64 * (position - start) as f64 / (end - start) as f64
            }
            _ => before as f64,
        }
    }
}

/// The end of the piece that begins at `start`: after a line, a space or a Chinese mark, so that words stay whole.
fn piece_end(text: &str, start: usize) -> usize {
    if text.len() - start <= PIECE {
        return text.len();
    }
    let window = &text[start..text.floor_char_boundary(start + PIECE)];
    let pause =
        |c: char| c.is_whitespace() || matches!(c, '。' | '，' | '；' | '、' | '：' | '！' | '？' | '）');
    let length = window
        .char_indices()
        .rev()
        .find(|(_, c)| pause(*c))
        .map_or(window.len(), |(at, c)| at + c.len_utf8());
    start + length
}

fn fewest_tokens(piece: &str) -> usize {
    let spaces = piece.chars().filter(|c| c.is_whitespace()).count();
    let visible = piece.chars().count() - spaces;
    visible / VISIBLE_PER_TOKEN + spaces / SPACES_PER_TOKEN
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    #[test]
    fn a_text_of_words_is_counted_exactly_at_the_ends_of_words() {
        let text = "one two three four five ".repeat(200);

        let weights = TokenWeights::new(&text, words);

        assert_eq!(weights.between(&(0..text.len())), 1_000);
        assert!((495..=505).contains(&weights.between(&(0..text.len() / 2))));
    }

    #[test]
    fn a_run_that_the_tokenizer_fuses_still_has_a_size() {
        let text = "𓀀".repeat(10_000);

        let weights = TokenWeights::new(&text, |_| 1);

        assert!(weights.between(&(0..text.len())) >= 1_250);
    }

    #[test]
    fn white_space_has_a_size() {
        let text = "\n".repeat(32_000);

        let weights = TokenWeights::new(&text, words);

        assert_eq!(weights.between(&(0..text.len())), 1_000);
    }

    proptest! {
        #[test]
        fn sums_never_fall_and_bounds_hold(text in "(\\PC{0,40}|[a-z ]{0,300}|[一-龥。，]{0,200}|\n){0,12}") {
            let weights = TokenWeights::new(&text, words);
            let marks: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();

            for pair in marks.windows(2) {
                prop_assert!(weights.until(pair[0]) <= weights.until(pair[1]));
                prop_assert!(weights.between(&(pair[0]..pair[1])) <= weights.touching(&(pair[0]..pair[1])));
            }
            prop_assert_eq!(weights.ends.last().copied().unwrap_or(0), text.len());
        }
    }
}
