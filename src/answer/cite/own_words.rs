//! The words of a passage in place of a sentence that it speaks of but does not bear out. A place is shown only where it
//! stands for itself: whole sentences that open with no pronoun. Knows no verdict.

use crate::answer::language::is_chinese;
use crate::answer::quote::Folded;
use crate::answer::source::Source;
use crate::answer::support::Substance;
use crate::answer::window::opens_with_list_mark;
use crate::answer::window::opens_with_pronoun;
use crate::domain::content_terms;
use std::collections::BTreeSet;
use std::ops::Range;

/// Longest place that is shown, in characters.
const LONGEST: usize = 400;

/// A place and its words on one line.
pub(super) struct OwnWords {
    pub(super) source: usize,
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

/// The place with most of the claim's terms, all its numbers and what it says beyond the question. The document's shown
/// passages must name the whole claim: a clause says `Customer` of whom the first page names. Words of the question that
/// only say what kind of thing is asked for may be missing.
pub(super) fn nearest(
    claim: &str,
    asked: &BTreeSet<String>,
    among: &[usize],
    sources: &[Source],
) -> Option<OwnWords> {
    let claim = Substance::of(claim).without(&kinds_asked(asked), asked);
    let mut best: Option<(f32, usize, &Range<usize>)> = None;
    for &at in among.iter().filter(|&&at| claim.is_named_by(&named_by_document(&sources[at], sources))) {
        for window in sources[at].windows() {
            let share = window.substance.share_of(&claim);
            let better = best.is_none_or(|(most, _, _)| share > most);
            if better
                && window.substance.comes_near(&claim, asked)
                && stands_alone(&sources[at], &window.range)
            {
                best = Some((share, at, &window.range));
            }
        }
    }
    let (_, source, range) = best?;
    let text = one_line(&sources[source].quote(range).0);
    let is_copy =
        sources[source].folded().find_anywhere(&Folded::new(&text.chars().collect::<Vec<_>>())).is_some();
    is_copy.then(|| OwnWords { source, range: range.clone(), text })
}

/// Words for the kind of thing that answers a question: a clause that sets a notice period need not call it one.
const KINDS: &str = "period deadline date time duration amount number percentage size name place kind type \
                     期限 时限 时间 日期 天数 金额 数额 数量 多少 名称 名字 地点 类型 种类";

fn kinds_asked(asked: &BTreeSet<String>) -> BTreeSet<String> {
    content_terms(KINDS).intersection(asked).cloned().collect()
}

/// Terms of all the passages of a source's document that the model was shown.
pub(super) fn named_by_document<'a>(source: &Source, sources: &'a [Source]) -> BTreeSet<&'a str> {
    let document = source.passage().document_id;
    let shown = sources.iter().filter(|other| other.passage().document_id == document);
    shown.flat_map(Source::named).map(String::as_str).collect()
}

/// An item of a list may stand below a line that denies it, and a pronoun for something else than the claim's subject.
fn stands_alone(source: &Source, range: &Range<usize>) -> bool {
    let text: Vec<char> = source.quote(range).0.chars().collect();
    range.len() <= LONGEST
        && !opens_with_list_mark(&text)
        && !opens_with_pronoun(&text)
        && source.is_whole(range)
}

/// Joins lines: breaks within Chinese text and after a hyphen leave no space.
fn one_line(quote: &str) -> String {
    let solid = |character: Option<char>| {
        character
            .is_some_and(|c| is_chinese(c) || matches!(c, '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}'))
    };
    let mut text = String::with_capacity(quote.len());
    for line in quote.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let last = text.chars().last();
        if last.is_some_and(|last| last != '-') && !(solid(last) && solid(line.chars().next())) {
            text.push(' ');
        }
        text.push_str(line);
    }
    text
}
