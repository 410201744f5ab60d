//! A passage as the model is shown it, made ready for checking sentences against it. Knows no prompt template.

use crate::answer::quote::Folded;
use crate::answer::window::Window;
use crate::answer::window::windows;
use crate::domain::Passage;
use crate::domain::ScoredPassage;
use crate::domain::Span;
use crate::domain::content_terms;
use std::collections::BTreeSet;
use std::ops::Range;

/// What a sentence begins after: a colon or semicolon before it may lead it in with a denial.
const BEFORE: &str = "。！？.!?”’」』》）)\"|";
/// What a sentence ends with.
const AFTER: &str = "。！？；.!?:：”’」』》）)\"|";

/// A passage that the model is shown, whole or its beginning; its mark is its place among the sources, from 1.
pub(super) struct Source {
    scored: ScoredPassage,
    shown: Vec<char>,
    folded: Folded,
    windows: Vec<Window>,
    named: BTreeSet<String>,
}

impl Source {
    /// Takes the first `characters` of the passage's text.
    pub(super) fn new(scored: ScoredPassage, characters: usize) -> Self {
        let shown: Vec<char> = scored.passage.text.chars().take(characters).collect();
        let titles = scored.passage.heading_path.iter().chain([&scored.passage.title]);
        let mut named: BTreeSet<String> = titles.flat_map(|title| content_terms(title)).collect();
        named.extend(content_terms(&shown.iter().collect::<String>()));
        Self { folded: Folded::new(&shown), windows: windows(&shown), named, scored, shown }
    }

    pub(super) const fn scored(&self) -> &ScoredPassage {
        &self.scored
    }

    pub(super) const fn passage(&self) -> &Passage {
        &self.scored.passage
    }

    pub(super) fn shown(&self) -> String {
        self.shown.iter().collect()
    }

    pub(super) fn shown_characters(&self) -> usize {
        self.shown.len()
    }

    pub(super) const fn folded(&self) -> &Folded {
        &self.folded
    }

    pub(super) fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// Terms of what is shown and of the title and headings above it.
    pub(super) const fn named(&self) -> &BTreeSet<String> {
        &self.named
    }

    /// Says whether a range is whole sentences: a long one is cut into parts, and a part may lack its denial.
    pub(super) fn is_whole(&self, range: &Range<usize>) -> bool {
        let breaks = |text: &[char]| {
            let blank = |c: &&char| c.is_whitespace();
            text.iter().take_while(blank).filter(|c| **c == '\n').count() >= 2
        };
        let ends = |text: &[char], with: &str| text.last().is_none_or(|last| with.contains(*last));
        let before = &self.shown[..range.start];
        let last = before.iter().rposition(|c| !c.is_whitespace()).map_or(0, |last| last + 1);
        let begins = ends(&before[..last], BEFORE) || breaks(&before[last..]);
        begins && (ends(&self.shown[..range.end], AFTER) || breaks(&self.shown[range.end..]))
    }

    /// The characters of a range of what is shown, and where they stand in the document's content.
    pub(super) fn quote(&self, range: &Range<usize>) -> (String, Span) {
        let start = self.scored.passage.span.start;
        let span = Span { start: start + range.start as u32, end: start + range.end as u32 };
        (self.shown[range.clone()].iter().collect(), span)
    }
}
