//! Finding words of a sentence in a passage, exactly but for how they are typeset: compatibility forms (NFKC), case,
//! white space, shapes of quotation marks and dashes, Markdown emphasis, marks of footnotes, and the marks of tracked
//! changes: of these the text is compared as it would stand, so that deleted words are nobody's. What is found is given as characters of the
//! passage as it stands. Knows no verdict.

use crate::answer::denial::denies;
use crate::answer::language::is_chinese;
use crate::domain::revision;
use std::ops::Range;
use unicode_normalization::UnicodeNormalization;

/// In the place of a character that would not stand: a space without width, which is no part of a word.
const NOTHING: char = '\u{200b}';

/// Text folded for comparison, with the way back to the characters it came from.
pub(super) struct Folded {
    characters: Vec<char>,
    /// For each folded character the position of its origin.
    origins: Vec<usize>,
    text: Vec<char>,
}

impl Folded {
    /// Folds text as it would stand. Each character is decomposed by itself, so that `é` and `e` with an accent are equal.
    pub(super) fn new(text: &[char]) -> Self {
        let (mut characters, mut origins) = (Vec::with_capacity(text.len()), Vec::with_capacity(text.len()));
        let stands = revision::standing(text);
        let text: Vec<char> = text
            .iter()
            .zip(stands)
            .map(|(&character, stands)| if stands { character } else { NOTHING })
            .collect();
        let mut read_from = 0;
        for (position, &character) in text.iter().enumerate() {
            read_from = read_from.max(position + note_mark(&text[position..]));
            if position < read_from {
                continue;
            }
            for folded in std::iter::once(character).nfkd().flat_map(char::to_lowercase).filter_map(shape) {
                characters.push(folded);
                origins.push(position);
            }
        }
        Self { characters, origins, text }
    }

    /// Letters and digits, which alone make a find mean something.
    pub(super) fn weight(&self) -> usize {
        self.characters.iter().filter(|character| character.is_alphanumeric()).count()
    }

    /// Finds the words where they begin and end between words and numbers: `5` is not found in `2.5` or `15`. Where the
    /// sentence they stand in denies them is no find: `refundable` of `not refundable`.
    pub(super) fn find(&self, words: &Self) -> Option<Range<usize>> {
        self.finds(words).find(|range| !self.is_denied(range))
    }

    /// Finds the words also where they are denied.
    pub(super) fn find_anywhere(&self, words: &Self) -> Option<Range<usize>> {
        self.finds(words).next()
    }

    fn finds(&self, words: &Self) -> impl Iterator<Item = Range<usize>> {
        let length = words.characters.len().max(1);
        let starts = self.characters.windows(length).enumerate();
        starts
            .filter(move |(start, window)| {
                *window == words.characters && self.is_whole(*start, start + length)
            })
            .map(move |(start, _)| self.origins[start]..self.origins[start + length - 1] + 1)
            .filter(|range| !self.cuts(range.start) && !self.cuts(range.end))
    }

    /// Says whether something denies a range: in its sentence before it, or in its clause after it.
    fn is_denied(&self, range: &Range<usize>) -> bool {
        let ends_sentence = |at: usize| match self.text[at] {
            '。' | '！' | '？' | '!' | '?' => true,
            '.' => self.text.get(at + 1).is_none_or(|next| next.is_whitespace()),
            '\n' => self.text[..at].iter().rev().find(|c| !matches!(c, ' ' | '\t' | '\r')) == Some(&'\n'),
            _ => false,
        };
        let start = (0..range.start).rev().find(|at| ends_sentence(*at)).map_or(0, |end| end + 1);
        let ends_clause = |at: &usize| ends_sentence(*at) || ",;:，；：、".contains(self.text[*at]);
        let end = (range.end..self.text.len()).find(ends_clause).unwrap_or(self.text.len());
        denies(&self.text[start..range.start]) || denies(&self.text[range.end..end])
    }

    /// Says whether folded characters are all that their origins gave: `i` is no find in the ligature `ﬁ`.
    fn is_whole(&self, start: usize, end: usize) -> bool {
        let begins = start == 0 || self.origins[start - 1] != self.origins[start];
        begins && self.origins.get(end) != Some(&self.origins[end - 1])
    }

    /// Says whether a cut before this character of the text would go through a word or a number.
    fn cuts(&self, at: usize) -> bool {
        let before = |back: usize| at.checked_sub(back).and_then(|position| self.text.get(position)).copied();
        let (left, right) = (before(1), self.text.get(at).copied());
        let (Some(left), Some(right)) = (left, right) else {
            return false;
        };
        let point = |character: char| matches!(character, '.' | ',' | '．' | '，');
        let digit = |character: Option<char>| character.is_some_and(char::is_numeric);
        (in_word(left) && (in_word(right) || is_combining(right)))
            || (point(left) && digit(before(2)) && right.is_numeric())
            || (left.is_numeric() && point(right) && digit(self.text.get(at + 1).copied()))
            || (is_numeral(left) && is_numeral(right))
    }
}

fn in_word(character: char) -> bool {
    character.is_alphanumeric() && !is_chinese(character)
}

/// An accent that stands after its letter.
const fn is_combining(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}')
}

fn is_numeral(character: char) -> bool {
    "〇零一二三四五六七八九十百千万亿".contains(character)
}

/// Returns the length of a footnote's mark that the text begins with, `[^12]`; else 0.
fn note_mark(text: &[char]) -> usize {
    const LONGEST: usize = 11;
    match text {
        ['[', '^', rest @ ..] => rest.iter().take(LONGEST).position(|c| *c == ']').map_or(0, |end| end + 3),
        _ => 0,
    }
}

/// One shape for what typesetting varies; none for what it adds.
fn shape(character: char) -> Option<char> {
    match character {
        '‘' | '’' | '‚' | '‛' | '′' | '＇' => Some('\''),
        '“' | '”' | '„' | '‟' | '″' | '«' | '»' | '「' | '」' | '『' | '』' => Some('"'),
        '‐'..='―' | '−' => Some('-'),
        '*' | '`' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => None,
        _ if character.is_whitespace() || character.is_control() => None,
        _ => Some(character),
    }
}

/// The claims of a sentence to be somebody's words: what stands between “”, 「」, 『』 or straight double quotes.
pub(super) fn explicit_quotes(sentence: &str) -> Vec<String> {
    let (mut quotes, mut open): (Vec<String>, Option<(char, String)>) = (Vec::new(), None);
    for character in sentence.chars() {
        open = match (open.take(), character) {
            (Some((close, words)), _) if character == close => {
                quotes.push(words);
                None
            }
            (Some((close, mut words)), _) => {
                words.push(character);
                Some((close, words))
            }
            (None, '“') => Some(('”', String::new())),
            (None, '「') => Some(('」', String::new())),
            (None, '『') => Some(('』', String::new())),
            (None, '"') => Some(('"', String::new())),
            (None, _) => None,
        };
    }
    quotes.retain(|words| words.chars().any(char::is_alphanumeric));
    quotes
}

/// A sentence without what a model puts around a copy: list marks, quotation marks around all, the full stop.
pub(super) fn core(sentence: &str) -> &str {
    let listed = |character: char| character.is_whitespace() || "-*•#>".contains(character);
    let ending = |character: char| character.is_whitespace() || "。．.！!？?；;，,：:".contains(character);
    let inner = sentence.trim_start_matches(listed).trim_end_matches(ending);
    let quotes = [('“', '”'), ('「', '」'), ('『', '』'), ('"', '"')];
    let unquoted = quotes.iter().find_map(|(open, close)| inner.strip_prefix(*open)?.strip_suffix(*close));
    match unquoted {
        Some(unquoted) if !unquoted.contains(['“', '”', '「', '」', '"']) => {
            unquoted.trim_end_matches(ending)
        }
        Some(_) | None => inner,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn find(passage: &str, words: &str) -> Option<String> {
        let passage: Vec<char> = passage.chars().collect();
        let words: Vec<char> = words.chars().collect();
        let range = Folded::new(&passage).find(&Folded::new(&words))?;
        Some(passage[range].iter().collect())
    }

    fn check(passage: &str, words: &str, expected: &str) {
        assert_eq!(find(passage, words).as_deref(), Some(expected), "{words} in {passage}");
    }

    #[test]
    fn typesetting_does_not_matter_and_the_find_is_the_passage_as_it_stands() {
        check("费用 须在三十\n日内 提交。", "费用须在三十日内提交", "费用 须在三十\n日内 提交");
        check("The ﬁnal  PRICE is due", "final price", "ﬁnal  PRICE");
        check("标准ＡＢＣ（２０２５）版", "abc(2025)", "ＡＢＣ（２０２５）");
        check("the “Licensee” – that is, you", "the \"licensee\" - that is", "the “Licensee” – that is");
        check("cafe\u{301} au lait", "café au", "cafe\u{301} au");
        check("within 30[^1] days[^12,13] of notice", "30 days of notice", "30[^1] days[^12,13] of notice");
        check("within 30[^1] days", "within 30", "within 30");
        check("soft\u{ad}ware is **free**", "software is free", "soft\u{ad}ware is **free");
    }

    #[test]
    fn tracked_changes_are_read_as_they_would_stand() {
        let text = "The rent is due in [deleted: five][inserted: ten] days and [deleted: not ]refundable.";

        check(text, "due in ten days", "due in [deleted: five][inserted: ten] days");
        check(
            text,
            "due in [deleted: five][inserted: ten] days",
            "due in [deleted: five][inserted: ten] days",
        );
        check(text, "refundable", "refundable");
        assert_eq!(find(text, "five days"), None);
        assert_eq!(find(text, "five"), None);
    }

    #[test]
    fn words_and_numbers_are_found_whole_or_not_at_all() {
        for (passage, words) in [
            ("the therapist", "rapist"),
            ("a fee of 15 euro", "5 euro"),
            ("a fee of 2.5 euro", "5 euro"),
            ("a fee of 1,500 euro", "500 euro"),
            ("for 30 days", "for 3"),
            ("for 30[^1] days", "301 days"),
            ("at 5.2 metres", "at 5"),
            ("期限为二十日", "十日"),
            ("a ﬁgure", "i"),
            ("a cafe\u{301}", "cafe"),
        ] {
            assert_eq!(find(passage, words), None, "{words} in {passage}");
        }
        check("a 15 or 5 euro fee", "5 euro", "5 euro");
        check("共5天", "5天", "5天");
    }

    #[test]
    fn other_words_and_nothing_are_not_found() {
        assert_eq!(find("九十天", "六十天"), None);
        assert_eq!(find("something", ""), None);
        assert_eq!(find("", "something"), None);
    }

    #[test]
    fn claims_to_quote_are_seen() {
        let check =
            |sentence: &str, expected: &[&str]| assert_eq!(explicit_quotes(sentence), expected, "{sentence}");

        check("合同写明“三十日内”和「书面」。", &["三十日内", "书面"]);
        check(r#"It says "thirty days" and "in writing"."#, &["thirty days", "in writing"]);
        check("The 5\" pipe and ” alone", &[]);
        check("“ ” and \"\"", &[]);
    }

    #[test]
    fn the_core_of_a_sentence_is_what_a_copy_would_be() {
        let check = |sentence: &str, expected: &str| assert_eq!(core(sentence), expected);

        check("- **甲方**付款。", "甲方**付款");
        check("“甲方应付款。”", "甲方应付款");
        check("\"Yes\" and \"no\".", "\"Yes\" and \"no\"");
        check("Pay within 30 days.", "Pay within 30 days");
    }

    proptest! {
        #[test]
        fn any_stretch_between_spaces_is_found_as_characters_that_fold_alike(text in "[a-zA-Zé 1-9.,甲乙“”ﬁＡ\\n]{1,60}", from in 0..60_usize, length in 1..20_usize) {
            let characters: Vec<char> = text.chars().collect();
            let from = from.min(characters.len() - 1);
            let words = &characters[from..(from + length).min(characters.len())];
            let (passage, needle) = (Folded::new(&characters), Folded::new(words));

            if let Some(range) = passage.find_anywhere(&needle) {
                prop_assert_eq!(Folded::new(&characters[range]).characters, needle.characters);
            } else {
                let end = from + words.len();
                let only_cut_places = needle.characters.is_empty() || passage.cuts(from) || passage.cuts(end)
                    || words[0].is_whitespace() || words[words.len() - 1].is_whitespace();
                prop_assert!(only_cut_places, "`{}` in `{}`", words.iter().collect::<String>(), text);
            }
        }
    }
}
