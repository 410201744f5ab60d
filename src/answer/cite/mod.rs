//! From what the model wrote to a checked sentence. Verdicts, from the strictest:
//!
//! - `quoted`: the whole sentence stands in a passage, but for typesetting ([`quote`](super::quote));
//! - `supported`: one place of a cited passage bears it out ([`support`](super::support)), and every stretch the
//!   sentence puts in quotation marks stands in a cited passage;
//! - `unsupported`: neither. It keeps no citation.
//!
//! Few words that say nothing by themselves count only where the passage speaks of what was asked ([`fragment`]).
//!
//! A sentence that a passage names, but bears out in no one place or with the opposite yes or no, gives way to the words of
//! the place that comes nearest ([`own_words`]): these are `quoted`, and the draft is kept for an auditor.
//!
//! A wrong mark is mended only where the passage's own words are what is shown. A sentence without any mark, which small
//! models often write, takes every test over each passage alone: the thresholds are the same, nothing is made to fit by
//! lowering one. Knows no model and no log.

mod fragment;
mod own_words;

use crate::answer::AnswerError;
use crate::answer::cite::fragment::is_fragment;
use crate::answer::cite::fragment::speaks_of;
use crate::answer::cite::own_words::OwnWords;
use crate::answer::cite::own_words::nearest;
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

    pub(super) const fn check(&self) -> &Check {
        &self.check
    }

    /// Says whether what reads like a refusal is a statement of a passage: a copy, or borne out where its mark leads.
    pub(super) fn states(&self) -> bool {
        match self.check.verdict {
            SentenceVerdict::Quoted => !self.check.own_words,
            SentenceVerdict::Supported => !self.check.marks.is_empty(),
            SentenceVerdict::Unsupported => false,
        }
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
    /// What the model wrote, without its marks.
    pub(super) drafted: String,
    /// `text` is the passage's own words instead of the draft.
    pub(super) own_words: bool,
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
    let (drafted, marks) = without_marks(draft);
    let text = without_label(&drafted, sources);
    let cited: Vec<usize> = marks
        .iter()
        .filter_map(|mark| mark.checked_sub(1))
        .filter(|source| *source < sources.len())
        .collect();
    let copy = Folded::new(&core(&text).chars().collect::<Vec<_>>());
    let all: Vec<usize> = (0..sources.len()).collect();

    let unsupported = || (SentenceVerdict::Unsupported, Vec::new(), false);
    let (verdict, places, reattached) = if says_only_yes_or_no(&text) {
        unsupported()
    } else if let Some(places) = copies(&copy, &cited, sources, MIN_QUOTED) {
        (SentenceVerdict::Quoted, places, false)
    } else if let Some(places) = supports(&text, &cited, sources) {
        (SentenceVerdict::Supported, places, false)
    } else if let Some(mut places) = copies(&copy, &all, sources, MIN_REATTACHED) {
        places.truncate(1);
        (SentenceVerdict::Quoted, places, true)
    } else if let Some(place) = marks.is_empty().then(|| support_of_unmarked(&text, sources)).flatten() {
        (SentenceVerdict::Supported, vec![place], true)
    } else if let Some(own) = instead(&text, asked, &cited, sources) {
        let reattached = !cited.contains(&own.source);
        let (verdict, places) = (SentenceVerdict::Quoted, vec![(own.source, own.range)]);
        return Check { text: own.text, drafted, own_words: true, verdict, marks, places, reattached };
    } else {
        unsupported()
    };
    let check = Check { text, drafted, own_words: false, verdict, marks, places, reattached };
    if is_fragment(&check.text, asked) { only_relevant(check, asked, sources) } else { check }
}

/// Leaves a fragment the places that speak of what was asked; without one it is unsupported.
fn only_relevant(mut check: Check, asked: &BTreeSet<String>, sources: &[Source]) -> Check {
    check.places.retain(|(source, range)| speaks_of(asked, &sources[*source], range, sources));
    if check.places.is_empty() {
        (check.verdict, check.reattached) = (SentenceVerdict::Unsupported, false);
    }
    check
}

/// From the cited passages, or else from any: words too short to be found without their mark may stand everywhere.
fn instead(text: &str, asked: &BTreeSet<String>, cited: &[usize], sources: &[Source]) -> Option<OwnWords> {
    let all: Vec<usize> = (0..sources.len()).collect();
    let is_short = Folded::new(&text.chars().collect::<Vec<_>>()).weight() < MIN_REATTACHED;
    let anywhere = || (!is_short).then(|| nearest(text, asked, &all, sources)).flatten();
    nearest(text, asked, cited, sources).or_else(anywhere)
}

/// `可以` and `No.` stand in any contract, and are a copy of nothing.
fn says_only_yes_or_no(text: &str) -> bool {
    const BARE: &[&str] = &[
        "yes",
        "no",
        "not",
        "may",
        "shall",
        "must",
        "can",
        "cannot",
        "may not",
        "shall not",
        "must not",
        "allowed",
        "是",
        "否",
        "能",
        "不能",
        "可以",
        "不可以",
        "可",
        "不可",
        "有",
        "没有",
        "是的",
        "不是",
        "应当",
        "不得",
        "允许",
        "不允许",
        "禁止",
    ];
    BARE.contains(&core(text).trim().to_lowercase().as_str())
}

/// Leaves out the line above a source where the model has copied it too.
fn without_label(text: &str, sources: &[Source]) -> String {
    let labels = sources.iter().flat_map(|source| {
        [Language::English, Language::Chinese].map(|language| label(language, source.passage()))
    });
    let rest =
        labels.filter_map(|label| text.strip_prefix(&label)).map(str::trim).find(|rest| !rest.is_empty());
    rest.unwrap_or(text).to_owned()
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

/// The places that bear a sentence out, one in each cited passage that does so.
fn supports(text: &str, cited: &[usize], sources: &[Source]) -> Option<Vec<(usize, Range<usize>)>> {
    let claim = Substance::of(text);
    if claim.is_empty() || !quotes_stand(text, cited, sources) {
        return None;
    }
    let alone: Vec<_> =
        cited.iter().filter_map(|&source| Some((source, bearing(&sources[source], &claim)?))).collect();
    (!alone.is_empty()).then_some(alone)
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

fn quotes_stand(text: &str, cited: &[usize], sources: &[Source]) -> bool {
    explicit_quotes(text).iter().all(|quote| {
        let words = Folded::new(&core(quote).chars().collect::<Vec<_>>());
        cited.iter().any(|&source| sources[source].folded().find_anywhere(&words).is_some())
    })
}

/// Of the places that bear the claim out, the one with most of its terms; a single sentence before two.
fn bearing(source: &Source, claim: &Substance) -> Option<Range<usize>> {
    let mut best: Option<(f32, &Range<usize>)> = None;
    for window in
        source.windows().iter().filter(|window| window.coherent && window.substance.bears_out(claim))
    {
        let share = window.substance.share_of(claim);
        if best.is_none_or(|(least, _)| share > least) {
            best = Some((share, &window.range));
        }
    }
    best.map(|(_, range)| range.clone())
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
