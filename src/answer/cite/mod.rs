//! From what the model wrote to a checked sentence. Verdicts, from the strictest:
//!
//! - `quoted`: the whole sentence stands in a passage, but for typesetting ([`quote`](super::quote));
//! - `supported`: one place of a cited passage bears it out ([`support`](super::support)), and every stretch the
//!   sentence puts in quotation marks stands in a cited passage;
//! - `unsupported`: neither. It keeps no citation.
//!
//! A sentence whose terms stand in a passage, but in no one place, or with the opposite yes or no, gives way to the words
//! of the place that comes nearest, which are `quoted`: `Fees are due in May`, where the passage says `They are due in May`.
//! What is shown is never less strictly checked for that; the draft is kept for an auditor.
//!
//! A wrong mark is mended only by the strict test, over all passages the model was shown. A sentence without any mark,
//! which small models often write, takes both tests over each passage alone: the thresholds are the same, nothing is made
//! to fit by lowering one. Knows no model and no log.

use crate::answer::AnswerError;
use crate::answer::generate::Draft;
use crate::answer::language::Language;
use crate::answer::marks::without_marks;
use crate::answer::prompt::Prompt;
use crate::answer::prompt::label;
use crate::answer::quote::Folded;
use crate::answer::quote::core;
use crate::answer::quote::explicit_quotes;
use crate::answer::source::Source;
use crate::answer::support::Substance;
use crate::domain::AclFilter;
use crate::domain::Citation;
use crate::domain::DocumentId;
use crate::domain::PageLayout;
use crate::domain::Passage;
use crate::domain::Rect;
use crate::domain::Sentence;
use crate::domain::SentenceVerdict;
use crate::domain::Span;
use crate::ports::Documents;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// Letters and digits a copy must have to be one, where the sentence cites the passage.
const MIN_QUOTED: usize = 2;
/// Letters and digits a copy must have to be found without its mark: shorter ones stand everywhere.
const MIN_REATTACHED: usize = 8;
/// Longest place that is shown instead of a sentence, in characters.
const MAX_OWN_WORDS: usize = 400;
/// Pages that a passage may run over.
const MAX_PAGES_ONWARD: u32 = 8;

/// A sentence that was checked; only [`verify`] makes one.
pub(super) struct Verified {
    sentence: Sentence,
    check: Check,
}

impl Verified {
    pub(super) const fn sentence(&self) -> &Sentence {
        &self.sentence
    }

    pub(super) fn into_sentence(self) -> Sentence {
        self.sentence
    }

    pub(super) const fn check(&self) -> &Check {
        &self.check
    }

    pub(super) fn is_unsupported(&self) -> bool {
        self.check.verdict == SentenceVerdict::Unsupported
    }
}

/// What checking found, without positions on pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) text: String,
    pub(super) verdict: SentenceVerdict,
    /// As the model wrote them, from 1.
    pub(super) marks: Vec<usize>,
    /// Which sources, from 0, and which characters of each.
    pub(super) places: Vec<(usize, Range<usize>)>,
    /// The model's marks did not lead there.
    pub(super) reattached: bool,
    /// What the model wrote, where `text` is the passage's own words instead.
    pub(super) replaced: Option<String>,
}

/// Checks a sentence and resolves where its words stand.
///
/// # Errors
/// When the pages cannot be read.
pub(super) async fn verify(
    draft: Draft,
    prompt: &Prompt,
    pages: &mut Pages,
) -> Result<Verified, AnswerError> {
    let sources = prompt.sources();
    let check = check(draft.text(), prompt.asked(), sources);
    let mut citations = Vec::with_capacity(check.places.len());
    for (source, range) in &check.places {
        citations.push(pages.locate(&sources[*source], range).await?);
    }
    let sentence = Sentence { text: check.text.clone(), verdict: check.verdict, citations };
    Ok(Verified { sentence, check })
}

/// Checks a sentence against the passages the model was shown; `asked` are the terms of the question.
pub(super) fn check(draft: &str, asked: &BTreeSet<String>, sources: &[Source]) -> Check {
    let (text, marks) = without_marks(draft);
    let text = without_label(text, sources);
    let cited: Vec<usize> = marks
        .iter()
        .filter_map(|mark| mark.checked_sub(1))
        .filter(|source| *source < sources.len())
        .collect();
    let copy = Folded::new(&core(&text).chars().collect::<Vec<_>>());
    let all: Vec<usize> = (0..sources.len()).collect();

    let (verdict, places, reattached) = if let Some(places) = copies(&copy, &cited, sources, MIN_QUOTED) {
        (SentenceVerdict::Quoted, places, false)
    } else if let Some(places) = supports(&text, &cited, sources) {
        (SentenceVerdict::Supported, places, false)
    } else if let Some(mut places) = copies(&copy, &all, sources, MIN_REATTACHED) {
        places.truncate(1);
        (SentenceVerdict::Quoted, places, true)
    } else if let Some(place) = marks.is_empty().then(|| support_of_unmarked(&text, sources)).flatten() {
        (SentenceVerdict::Supported, vec![place], true)
    } else if let Some((source, range)) =
        nearest(&text, asked, if cited.is_empty() { &all } else { &cited }, sources)
    {
        let words = own_words(&sources[source].quote(&range).0);
        let places = vec![(source, range)];
        let (verdict, reattached) = (SentenceVerdict::Quoted, cited.is_empty());
        return Check { text: words, verdict, marks, places, reattached, replaced: Some(text) };
    } else {
        (SentenceVerdict::Unsupported, Vec::new(), false)
    };
    Check { text, verdict, marks, places, reattached, replaced: None }
}

/// Leaves out the line above a source where the model has copied it too.
fn without_label(text: String, sources: &[Source]) -> String {
    let labels = sources.iter().flat_map(|source| {
        [Language::English, Language::Chinese].map(|language| label(language, source.passage()))
    });
    let rest =
        labels.filter_map(|label| text.strip_prefix(&label)).map(str::trim).find(|rest| !rest.is_empty());
    rest.map(str::to_owned).unwrap_or(text)
}

/// Where the words stand, in each of the passages that have them.
fn copies(
    words: &Folded,
    among: &[usize],
    sources: &[Source],
    min: usize,
) -> Option<Vec<(usize, Range<usize>)>> {
    if words.weight() < min {
        return None;
    }
    let places: Vec<_> =
        among.iter().filter_map(|&source| Some((source, sources[source].folded().find(words)?))).collect();
    if places.is_empty() { None } else { Some(places) }
}

/// The places that bear a sentence out: one in each cited passage that does so alone, else one in each of the cited
/// passages that do so together.
fn supports(text: &str, cited: &[usize], sources: &[Source]) -> Option<Vec<(usize, Range<usize>)>> {
    let claim = Substance::of(text);
    if claim.is_empty() || !quotes_stand(text, cited, sources) {
        return None;
    }
    let alone: Vec<_> =
        cited.iter().filter_map(|&source| Some((source, bearing(&sources[source], &claim)?))).collect();
    if alone.is_empty() { together(&claim, cited, sources) } else { Some(alone) }
}

/// The first passage that bears an unmarked sentence out alone.
fn support_of_unmarked(text: &str, sources: &[Source]) -> Option<(usize, Range<usize>)> {
    let claim = Substance::of(text);
    if claim.is_empty() {
        return None;
    }
    (0..sources.len())
        .filter(|&source| quotes_stand(text, &[source], sources))
        .find_map(|source| Some((source, bearing(&sources[source], &claim)?)))
}

/// The place with most of the claim's terms, all its numbers and what it says beyond the question, in a passage that has
/// the whole claim somewhere.
fn nearest(
    text: &str,
    asked: &BTreeSet<String>,
    among: &[usize],
    sources: &[Source],
) -> Option<(usize, Range<usize>)> {
    let claim = Substance::of(text);
    let mut best: Option<(f32, usize, &Range<usize>)> = None;
    for &source in among.iter().filter(|&&source| sources[source].speaks_of(&claim)) {
        let windows = sources[source].windows().iter();
        for window in windows.filter(|window| {
            window.range.len() <= MAX_OWN_WORDS && window.substance.comes_near(&claim, asked)
        }) {
            let share = window.substance.share_of(&claim);
            if best.is_none_or(|(most, _, _)| share > most) {
                best = Some((share, source, &window.range));
            }
        }
    }
    best.map(|(_, source, range)| (source, range.clone()))
}

/// The words of a passage on one line: breaks within Chinese text and after a hyphen leave no space.
fn own_words(quote: &str) -> String {
    let mut words = String::with_capacity(quote.len());
    for line in quote.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (last, first) = (words.chars().last(), line.chars().next());
        let broken_word = last == Some('-') && first.is_some_and(char::is_lowercase);
        let chinese = |character: Option<char>| character.is_some_and(|character| !character.is_ascii());
        if broken_word {
            words.pop();
        } else if last.is_some() && !(chinese(last) && chinese(first)) {
            words.push(' ');
        }
        words.push_str(line);
    }
    words
}

fn quotes_stand(text: &str, cited: &[usize], sources: &[Source]) -> bool {
    explicit_quotes(text).iter().all(|quote| {
        let words = Folded::new(&core(quote).chars().collect::<Vec<_>>());
        cited.iter().any(|&source| sources[source].folded().find(&words).is_some())
    })
}

/// Of the places that bear the claim out, the one with most of its terms; a single sentence before two.
fn bearing(source: &Source, claim: &Substance) -> Option<Range<usize>> {
    let mut best: Option<(f32, &Range<usize>)> = None;
    for window in source.windows().iter().filter(|window| window.substance.bears_out(claim, source.above())) {
        let share = window.substance.share_of(claim);
        if best.is_none_or(|(least, _)| share > least) {
            best = Some((share, &window.range));
        }
    }
    best.map(|(_, range)| range.clone())
}

fn together(claim: &Substance, cited: &[usize], sources: &[Source]) -> Option<Vec<(usize, Range<usize>)>> {
    if cited.len() < 2 {
        return None;
    }
    let (mut places, mut joined, mut above) = (Vec::new(), Substance::default(), BTreeSet::new());
    for &source in cited {
        let windows =
            sources[source].windows().iter().filter(|window| window.substance.share_of(claim) > 0.0);
        let best = windows.reduce(|best, window| {
            if window.substance.share_of(claim) > best.substance.share_of(claim) { window } else { best }
        })?;
        places.push((source, best.range.clone()));
        joined = joined.and(&best.substance);
        above.extend(sources[source].above().iter().cloned());
    }
    joined.bears_out(claim, &above).then_some(places)
}

/// Pages of the shown documents, read as the asker may read them and kept for the length of one answer.
pub(super) struct Pages {
    documents: Arc<dyn Documents>,
    filter: AclFilter,
    read: Vec<(DocumentId, i32, u32, Option<PageLayout>)>,
}

impl Pages {
    pub(super) const fn new(documents: Arc<dyn Documents>, filter: AclFilter) -> Self {
        Self { documents, filter, read: Vec::new() }
    }

    /// Makes the citation: the exact characters, the page on which they begin, and where they stand on it.
    async fn locate(&mut self, source: &Source, range: &Range<usize>) -> Result<Citation, AnswerError> {
        let passage = source.passage();
        let (quote, span) = source.quote(range);
        let (page, boxes) = self.place(passage, span).await?;
        Ok(Citation {
            passage_id: passage.passage_id,
            document_id: passage.document_id,
            version: passage.version,
            title: passage.title.clone(),
            page,
            span,
            boxes,
            quote,
        })
    }

    async fn place(&mut self, passage: &Passage, span: Span) -> Result<(u32, Vec<Rect>), AnswerError> {
        if passage.boxes.is_empty() {
            return Ok((passage.page, Vec::new())); // a format without positions: its one page is the whole file
        }
        for number in passage.page..=passage.page.saturating_add(MAX_PAGES_ONWARD) {
            let Some(layout) = self.page(passage, number).await? else {
                break;
            };
            if span.start < layout.span.end {
                return Ok((number, layout.rects_for(span)));
            }
        }
        Ok((passage.page, Vec::new()))
    }

    async fn page(&mut self, passage: &Passage, number: u32) -> Result<Option<&PageLayout>, AnswerError> {
        let (document, version) = (passage.document_id, passage.version);
        let known =
            self.read.iter().position(|(of, at, page, _)| (*of, *at, *page) == (document, version, number));
        let position = if let Some(position) = known {
            position
        } else {
            let read = self.documents.page(document, Some(version), number, &self.filter).await?;
            self.read.push((document, version, number, read.map(|(layout, _)| layout)));
            self.read.len() - 1
        };
        Ok(self.read[position].3.as_ref())
    }
}

#[cfg(test)]
mod tests;
