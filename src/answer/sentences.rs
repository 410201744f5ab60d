//! Where sentences end, in what the model writes as it writes it and in passages. A mark `[n]` belongs to the sentence
//! before it. Knows no verdict.

use crate::answer::language::is_chinese;
use crate::answer::marks::Mark;
use crate::answer::marks::mark_at;
use std::ops::Range;

/// A sentence that goes on longer is cut, in characters: what waits is bounded.
const MAX_SENTENCE: usize = 1_200;
/// A sentence of a passage that goes on longer is cut at its lines, in characters: tables and lists have no full stops.
const MAX_PASSAGE_SENTENCE: usize = 400;

/// Words whose full stop ends no sentence.
const ABBREVIATIONS: &[&str] = &[
    "al", "approx", "art", "arts", "cf", "ch", "cl", "co", "corp", "dept", "dr", "e.g", "ed", "eq", "est",
    "etc", "fig", "figs", "i.e", "inc", "jr", "ltd", "max", "min", "mr", "mrs", "ms", "no", "nos", "p",
    "para", "pp", "prof", "ref", "rev", "sec", "sr", "st", "ver", "viz", "vol", "vs",
];

/// Cuts a stream of text into sentences as soon as each is sure to have ended.
#[derive(Default)]
pub(super) struct Splitter {
    buffer: Vec<char>,
    /// Where the search for an end goes on: nothing before it is one.
    scanned: usize,
}

impl Splitter {
    /// Adds text; gives the sentences that ended.
    pub(super) fn push(&mut self, text: &str) -> Vec<String> {
        self.buffer.extend(text.chars());
        self.cut(false)
    }

    /// Nothing follows; gives what is left.
    pub(super) fn finish(&mut self) -> Vec<String> {
        let mut sentences = self.cut(true);
        let rest = std::mem::take(&mut self.buffer);
        sentences.extend(trimmed(&rest));
        self.scanned = 0;
        sentences
    }

    fn cut(&mut self, whole: bool) -> Vec<String> {
        let mut sentences = Vec::new();
        loop {
            let end = match next_end(&self.buffer, self.scanned, whole, Lines::End) {
                Next::End(end) => end,
                Next::Unsure(at) if self.buffer.len() <= MAX_SENTENCE => {
                    self.scanned = at;
                    return sentences;
                }
                Next::Unsure(_) => emergency_end(&self.buffer),
            };
            let sentence: Vec<char> = self.buffer.drain(..end).collect();
            self.scanned = 0;
            sentences.extend(trimmed(&sentence));
        }
    }
}

fn trimmed(sentence: &[char]) -> Option<String> {
    let text: String = sentence.iter().collect();
    let text = text.trim();
    if text.is_empty() { None } else { Some(text.to_owned()) }
}

/// The last place of a too long sentence where a cut hurts least.
fn emergency_end(text: &[char]) -> usize {
    let pause =
        |character: &char| matches!(character, '，' | ',' | '、' | '：' | ':') || character.is_whitespace();
    let text = &text[..MAX_SENTENCE.min(text.len())];
    text.iter().rposition(pause).map_or(text.len(), |position| position + 1)
}

/// Sentences of a passage as ranges of characters, without the white space around them. A line ends a sentence only
/// where a paragraph or a list item begins, since lines of a PDF break anywhere.
pub(super) fn sentence_ranges(text: &[char]) -> Vec<Range<usize>> {
    let (mut ranges, mut start) = (Vec::new(), 0);
    while start < text.len() {
        let end = match next_end(&text[start..], 0, true, Lines::EndParagraphs) {
            Next::End(end) => start + end,
            Next::Unsure(_) => text.len(),
        };
        cut_at_lines(text, start..end, &mut ranges);
        start = end;
    }
    ranges
}

fn cut_at_lines(text: &[char], range: Range<usize>, ranges: &mut Vec<Range<usize>>) {
    let mut start = range.start;
    while range.end - start > MAX_PASSAGE_SENTENCE {
        let limit = start + MAX_PASSAGE_SENTENCE;
        let line = text[start + 1..limit].iter().rposition(|character| *character == '\n');
        let end = line.map_or(limit, |position| start + position + 2);
        ranges.extend(without_space(text, start..end));
        start = end;
    }
    ranges.extend(without_space(text, start..range.end));
}

fn without_space(text: &[char], range: Range<usize>) -> Option<Range<usize>> {
    let inner = &text[range.clone()];
    let first = inner.iter().position(|character| !character.is_whitespace())?;
    let last = inner.iter().rposition(|character| !character.is_whitespace())?;
    Some(range.start + first..range.start + last + 1)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    End,
    EndParagraphs,
}

enum Next {
    End(usize),
    /// None before this position.
    Unsure(usize),
}

/// Finds the first end of a sentence; `whole` says that no text follows.
fn next_end(text: &[char], from: usize, whole: bool, lines: Lines) -> Next {
    for at in from..text.len() {
        match ends_here(text, at, whole, lines) {
            Some(false) => {}
            Some(true) => return tail(text, at + 1, whole).map_or(Next::Unsure(at), Next::End),
            None => return Next::Unsure(at),
        }
    }
    Next::Unsure(text.len())
}

/// Says whether the character ends a sentence; none when only what follows can tell.
fn ends_here(text: &[char], at: usize, whole: bool, lines: Lines) -> Option<bool> {
    let next = text.get(at + 1).copied();
    match text[at] {
        '。' | '！' | '？' | '；' => Some(true),
        '\n' => Some(lines == Lines::End || begins_paragraph(&text[at + 1..])),
        '!' | '?' | '.' if next.is_none() => {
            if whole {
                Some(!is_numbering(text, at) && !is_abbreviation(text, at))
            } else {
                None
            }
        }
        '!' | '?' => Some(next.is_some_and(|next| !next.is_alphanumeric() || is_chinese(next))),
        '.' => Some(next.is_some_and(|next| full_stop(text, at, next))),
        _ => Some(false),
    }
}

fn full_stop(text: &[char], at: usize, next: char) -> bool {
    match next {
        '.' | ',' | ';' | ':' | '-' | '/' | '_' | '@' => false,
        '[' | '【' => true,
        _ if next.is_alphanumeric() && !is_chinese(next) => false,
        _ => !is_numbering(text, at) && !is_abbreviation(text, at),
    }
}

/// `3.` at the beginning is the number of a list item.
fn is_numbering(text: &[char], at: usize) -> bool {
    let word = word_before(text, at);
    !word.is_empty()
        && word.iter().all(char::is_ascii_digit)
        && text[..at - word.len()]
            .iter()
            .all(|character| character.is_whitespace() || "#*->".contains(*character))
}

fn is_abbreviation(text: &[char], at: usize) -> bool {
    let word: String = word_before(text, at).iter().collect::<String>().to_lowercase();
    let initials = !word.is_empty()
        && word
            .split('.')
            .all(|part| part.chars().count() == 1 && part.chars().all(|letter| letter.is_ascii_alphabetic()));
    initials || ABBREVIATIONS.contains(&word.as_str())
}

/// The letters, digits and full stops before a position.
fn word_before(text: &[char], at: usize) -> &[char] {
    let in_word =
        |character: &char| (character.is_alphanumeric() && !is_chinese(*character)) || *character == '.';
    let start =
        text[..at].iter().rposition(|character| !in_word(character)).map_or(0, |position| position + 1);
    &text[start..at]
}

/// After a line break: an empty line, a heading, a list item or a table row.
fn begins_paragraph(rest: &[char]) -> bool {
    let mut line = rest.iter().skip_while(|character| matches!(character, ' ' | '\t' | '　' | '\r'));
    match line.next() {
        None | Some('\n' | '-' | '*' | '•' | '●' | '#' | '|' | '第' | '（') => true,
        Some(character) => {
            character.is_ascii_digit() && line.next().is_some_and(|next| ".)、．".contains(*next))
        }
    }
}

/// Takes closing quotes and marks along; none when more of them may come.
fn tail(text: &[char], mut at: usize, whole: bool) -> Option<usize> {
    loop {
        while text.get(at).is_some_and(|character| "。！？；.!?”’」』》）)\"'*".contains(*character))
        {
            at += 1;
        }
        let next = at + text[at..].iter().take_while(|character| character.is_whitespace()).count();
        match mark_at(text, next) {
            Mark::Whole { end, .. } => at = end,
            Mark::Begun if !whole => return None,
            Mark::Begun | Mark::Other if next == text.len() && !whole => return None,
            Mark::Begun | Mark::Other => return Some(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &[&str]) {
        let mut splitter = Splitter::default();
        let mut sentences = splitter.push(text);
        sentences.extend(splitter.finish());
        assert_eq!(sentences, expected, "{text}");
    }

    #[test]
    fn chinese_sentences_take_their_marks_along() {
        check("甲方付款。[1]乙方交货！【2】完。", &["甲方付款。[1]", "乙方交货！【2】", "完。"]);
        check("甲方付款[1]。\n\n乙方交货；[2] [3]\n完", &["甲方付款[1]。", "乙方交货；[2] [3]", "完"]);
        check("他说：“可以。”[1]然后走了。", &["他说：“可以。”[1]", "然后走了。"]);
    }

    #[test]
    fn english_sentences_take_their_marks_along() {
        check(
            "Pay now. [1] Deliver later! [2][3] Done?",
            &["Pay now. [1]", "Deliver later! [2][3]", "Done?"],
        );
        check("He said \"yes.\" She left [1].", &["He said \"yes.\"", "She left [1]."]);
        check("Wait... then go.", &["Wait...", "then go."]);
    }

    #[test]
    fn numbers_abbreviations_and_list_numbers_do_not_end_sentences() {
        check(
            "It costs 5.2 million at Acme Inc. in the U.S. market.",
            &["It costs 5.2 million at Acme Inc. in the U.S. market."],
        );
        check("See Sec. 4.1, e.g. No. 5. Then stop.", &["See Sec. 4.1, e.g. No. 5.", "Then stop."]);
        check("1. First item\n2. Second item", &["1. First item", "2. Second item"]);
        check("版本 3.14 见 www.example.com/a?b=c 页。", &["版本 3.14 见 www.example.com/a?b=c 页。"]);
    }

    #[test]
    fn a_sentence_waits_until_it_is_sure_to_have_ended() {
        let mut splitter = Splitter::default();

        assert_eq!(splitter.push("It is 5."), Vec::<String>::new());
        assert_eq!(splitter.push("2 metres."), Vec::<String>::new());
        assert_eq!(splitter.push(" ["), Vec::<String>::new());
        assert_eq!(splitter.push("1"), Vec::<String>::new());
        assert_eq!(splitter.push("] Next"), ["It is 5.2 metres. [1]"]);
        assert_eq!(splitter.finish(), ["Next"]);
    }

    #[test]
    fn a_sentence_without_end_is_cut() {
        let mut splitter = Splitter::default();

        let sentences = splitter.push(&"没有句号的话，".repeat(400));

        assert_eq!(sentences.len(), 2);
        assert!(
            sentences
                .iter()
                .all(|sentence| sentence.chars().count() <= MAX_SENTENCE && sentence.ends_with('，'))
        );
    }

    #[test]
    fn lines_of_a_passage_break_sentences_only_at_paragraphs_and_items() {
        let text: Vec<char> =
            "The fee is due\nwithin ten days. It is\nfixed.\n\nNext part\n- one item\n- two"
                .chars()
                .collect();

        let sentences: Vec<String> =
            sentence_ranges(&text).into_iter().map(|range| text[range].iter().collect()).collect();

        assert_eq!(
            sentences,
            ["The fee is due\nwithin ten days.", "It is\nfixed.", "Next part", "- one item", "- two"]
        );
    }

    proptest! {
        #[test]
        fn however_the_text_arrives_the_sentences_are_the_same(text in "[a-c1-2 .?!\\n。；，\\[\\]【】“”甲乙]{0,80}", cuts in prop::collection::vec(1..5_usize, 0..80)) {
            let mut whole = Splitter::default();
            let mut expected = whole.push(&text);
            expected.extend(whole.finish());

            let (mut pieces, mut sentences) = (Splitter::default(), Vec::new());
            let mut rest: Vec<char> = text.chars().collect();
            for cut in cuts {
                let piece: String = rest.drain(..cut.min(rest.len())).collect();
                sentences.extend(pieces.push(&piece));
            }
            sentences.extend(pieces.push(&rest.iter().collect::<String>()));
            sentences.extend(pieces.finish());

            prop_assert_eq!(sentences, expected);
        }

        #[test]
        fn nothing_but_white_space_is_lost(text in "[a-c1-2 .?!\\n。；，\\[\\]“”甲乙]{0,300}") {
            let mut splitter = Splitter::default();
            let mut sentences = splitter.push(&text);
            sentences.extend(splitter.finish());
            let solid = |text: &str| text.chars().filter(|character| !character.is_whitespace()).collect::<String>();

            prop_assert_eq!(solid(&sentences.concat()), solid(&text));
        }

        #[test]
        fn ranges_of_a_passage_are_in_order_and_hold_all_but_white_space(text in "[a-c1-2 .?!\\n。；，甲乙#-]{0,900}") {
            let text: Vec<char> = text.chars().collect();
            let ranges = sentence_ranges(&text);

            prop_assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start));
            let kept: String = ranges.into_iter().flat_map(|range| text[range].to_vec()).filter(|c| !c.is_whitespace()).collect();
            let solid: String = text.iter().filter(|character| !character.is_whitespace()).collect();
            prop_assert_eq!(kept, solid);
        }
    }
}
