//! Few words that say nothing by themselves: `780MB`, `Confidential`. They are an answer only where the place they stand
//! at speaks of what was asked, and its document of all of it. Knows no verdict.

use crate::answer::cite::own_words::named_by_document;
use crate::answer::language::is_chinese;
use crate::answer::source::Source;
use crate::domain::content_terms;
use std::collections::BTreeSet;
use std::ops::Range;

/// More words make a statement, or more Chinese characters.
const MOST_WORDS: usize = 4;
const MOST_CHINESE: usize = 8;
/// Share of the question's terms that must stand in the sentence or the two that hold the words.
const MIN_NEAR: f32 = 1.0 / 3.0;
/// Share of the question's terms that the document's shown passages must name.
const MIN_NAMED: f32 = 0.75;

/// Says whether a text is few words and repeats none of the question.
pub(super) fn is_fragment(text: &str, asked: &BTreeSet<String>) -> bool {
    let chinese = text.chars().filter(|c| is_chinese(*c)).count();
    let few = text.split_whitespace().count() <= MOST_WORDS && chinese <= MOST_CHINESE;
    few && content_terms(text).is_disjoint(asked)
}

/// Says whether what surrounds a place speaks of what was asked.
pub(super) fn speaks_of(
    asked: &BTreeSet<String>,
    source: &Source,
    range: &Range<usize>,
    sources: &[Source],
) -> bool {
    // A word that no dictionary knows is cut into characters, which stand everywhere.
    let asked: BTreeSet<String> =
        asked.iter().filter(|term| term.chars().nth(1).is_some()).cloned().collect();
    let around = source
        .windows()
        .iter()
        .filter(|window| window.range.start <= range.start && range.end <= window.range.end);
    let near = around.map(|window| window.substance.share_in(&asked)).fold(0.0, f32::max);
    let document = named_by_document(source, sources);
    let named = asked.iter().filter(|term| document.contains(term.as_str())).count();
    asked.is_empty() || (near >= MIN_NEAR && named as f32 / asked.len() as f32 >= MIN_NAMED)
}
