//! A passage as the model is shown it, made ready for checking sentences against it. Knows no prompt template.

use crate::answer::quote::Folded;
use crate::answer::support::Substance;
use crate::answer::support::Window;
use crate::answer::support::windows;
use crate::domain::Passage;
use crate::domain::ScoredPassage;
use crate::domain::Span;
use crate::domain::content_terms;
use std::collections::BTreeSet;
use std::ops::Range;

/// A passage that the model is shown, whole or its beginning; its mark is its place among the sources, from 1.
pub(super) struct Source {
    scored: ScoredPassage,
    shown: Vec<char>,
    folded: Folded,
    windows: Vec<Window>,
    above: BTreeSet<String>,
}

impl Source {
    /// Takes the first `characters` of the passage's text.
    pub(super) fn new(scored: ScoredPassage, characters: usize) -> Self {
        let shown: Vec<char> = scored.passage.text.chars().take(characters).collect();
        let titles = scored.passage.heading_path.iter().chain([&scored.passage.title]);
        let above = titles.flat_map(|title| content_terms(title)).collect();
        Self { folded: Folded::new(&shown), windows: windows(&shown), above, scored, shown }
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

    /// Terms of the title and headings above all of it.
    pub(super) const fn above(&self) -> &BTreeSet<String> {
        &self.above
    }

    /// Says whether nearly all of a claim's terms stand in it, however far apart.
    pub(super) fn speaks_of(&self, claim: &Substance) -> bool {
        let whole =
            self.windows.iter().fold(Substance::default(), |whole, window| whole.and(&window.substance));
        whole.speaks_of(claim, &self.above)
    }

    /// The characters of a range of what is shown, and where they stand in the document's content.
    pub(super) fn quote(&self, range: &Range<usize>) -> (String, Span) {
        let start = self.scored.passage.span.start;
        let span = Span { start: start + range.start as u32, end: start + range.end as u32 };
        (self.shown[range.clone()].iter().collect(), span)
    }
}
