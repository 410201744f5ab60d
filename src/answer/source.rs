//! A passage as the model is shown it, made ready for checking sentences against it. Knows no prompt template.

use crate::answer::quote::Folded;
use crate::answer::support::Window;
use crate::answer::support::windows;
use crate::domain::Passage;
use crate::domain::ScoredPassage;
use crate::domain::Span;
use std::ops::Range;

/// A passage that the model is shown, whole or its beginning; its mark is its place among the sources, from 1.
pub(super) struct Source {
    scored: ScoredPassage,
    shown: Vec<char>,
    folded: Folded,
    windows: Vec<Window>,
}

impl Source {
    /// Takes the first `characters` of the passage's text.
    pub(super) fn new(scored: ScoredPassage, characters: usize) -> Self {
        let shown: Vec<char> = scored.passage.text.chars().take(characters).collect();
        Self { folded: Folded::new(&shown), windows: windows(&shown), scored, shown }
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

    /// The characters of a range of what is shown, and where they stand in the document's content.
    pub(super) fn quote(&self, range: &Range<usize>) -> (String, Span) {
        let start = self.scored.passage.span.start;
        let span = Span { start: start + range.start as u32, end: start + range.end as u32 };
        (self.shown[range.clone()].iter().collect(), span)
    }
}
