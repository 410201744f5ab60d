//! From a text and its headings to the tree of its clauses. A line that begins with a mark begins a clause where the mark
//! fits what came before: the next of an open list, or the first of a new one. `30 days after` and a `Section 5` that
//! only a line break put at the start of a line fit nowhere. Knows no passage.
//!
//! ```text
//! open lists          line            becomes
//! 5. ─ (a)            (b) …           sibling of (a)
//! 5. ─ (a)            5.1 …           child of 5.
//! 5. ─ (a)            6. …            sibling of 5.; (a) is closed
//! 5. ─ (a)            (f) …           text
//! ```

mod contents;
mod lines;
mod lookahead;
mod open;

mod title;

use crate::domain::PageLayout;
use crate::domain::Span;
use crate::domain::clause::Clause;
use crate::domain::clause::Dress;
use crate::domain::clause::Mark;
use crate::domain::clause::Style;
use crate::domain::clause::Unit;
use crate::domain::clause::bare_mark;
use crate::domain::clause::plain_number;
use crate::domain::clause::word_mark;
use crate::domain::revision;
use crate::ingest::clauses::contents::is_blank;
use crate::ingest::clauses::contents::without_contents;
use crate::ingest::clauses::contents::without_page;
use crate::ingest::clauses::lines::Line;
use crate::ingest::clauses::lines::lines;
use crate::ingest::clauses::lookahead::reads_as_mark;
use crate::ingest::clauses::open::MAX_DEPTH;
use crate::ingest::clauses::open::New;
use crate::ingest::clauses::open::Open;
use crate::ingest::read::Parsed;
use reader::Heading;
use reader::ReadError;
use reader::ReadOptions;
use std::collections::HashMap;

/// More are not looked for: no document has so many, and an outline must stay readable.
pub(super) const MAX_CLAUSES: usize = 20_000;
/// Longest opening that is kept, in characters.
const MAX_OPENING: usize = 80;
/// Marks that may follow each other on one line, as in `5. (a) (i)`.
const MAX_CHAIN: usize = 3;

/// A clause, and where its mark and heading stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) clause: Clause,
    pub(super) head: Span,
}

impl Found {
    /// As a heading above what follows: mark and title.
    pub(super) fn heading(&self) -> Heading {
        let span = reader::Span { start: self.head.start, end: self.head.end };
        Heading { level: self.clause.depth, title: self.clause.heading(), span }
    }

    /// With the page on which it begins.
    pub(super) fn clause_on(self, pages: &[PageLayout]) -> Clause {
        let before = pages.partition_point(|page| page.span.end <= self.clause.span.start);
        let page = pages.get(before).or(pages.last()).map_or(1, |page| page.number);
        Clause { page, ..self.clause }
    }
}

/// The clauses of a file of the caller's own, read in this process: for a look at what Docent makes of it.
///
/// # Errors
/// Why the file cannot be read.
pub fn clauses_of(file: &[u8]) -> Result<Vec<Clause>, ReadError> {
    let parsed = Parsed::from_reader(reader::read(file, &ReadOptions::default())?);
    let found = find(parsed.content(), parsed.headings());
    Ok(found.into_iter().map(|found| found.clause_on(parsed.pages())).collect())
}

/// Finds the clauses of a text in order.
pub(super) fn find(content: &str, headings: &[Heading]) -> Vec<Found> {
    let text = compared(content);
    let mut headings: Vec<&Heading> = headings.iter().collect();
    headings.sort_by_key(|heading| heading.span.start);
    let mut tree = Tree { text: &text, found: Vec::new(), open: Open::default(), firsts: HashMap::new() };
    let mut next = 0;
    for line in lines(&text) {
        if tree.found.len() >= MAX_CLAUSES {
            break;
        }
        let mut heading = None;
        while let Some(here) = headings.get(next).filter(|heading| (heading.span.start as usize) < line.past)
        {
            if let Some(before) = heading.replace(*here) {
                tree.heading(before, None);
            }
            next += 1;
        }
        tree.line(&line, heading);
    }
    for heading in &headings[next..] {
        tree.heading(heading, None);
    }
    tree.open.close_all(&mut tree.found, text.len() as u32);
    let mut found = without_contents(tree.found, &text);
    for one in found.iter_mut().filter(|one| one.clause.title.is_empty()) {
        one.clause.opening = opening(&text, one.head.end, one.clause.span.end);
    }
    found
}

/// The first words of a clause on one line.
fn opening(text: &[char], from: u32, past: u32) -> String {
    let Some(own) = text.get(from as usize..past as usize) else { return String::new() };
    let words: String = own.iter().take(2 * MAX_OPENING).collect();
    title::trimmed(&words).chars().take(MAX_OPENING).collect()
}

/// The text as it would stand, character for character: what is deleted and the marks of changes are blank, so that neither
/// hides a number nor is taken for one.
fn compared(content: &str) -> Vec<char> {
    let text: Vec<char> = content.chars().map(half_width).collect();
    let stands = revision::standing(&text);
    text.into_iter().zip(stands).map(|(character, stands)| if stands { character } else { ' ' }).collect()
}

/// Digits of full width count as digits; one character stays one.
fn half_width(character: char) -> char {
    match character {
        '０'..='９' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        other => other,
    }
}

struct Tree<'a> {
    text: &'a [char],
    found: Vec<Found>,
    open: Open,
    /// Where the first clauses of lists were found first, by mark and heading.
    firsts: HashMap<(String, String), usize>,
}

impl Tree<'_> {
    fn line(&mut self, line: &Line, heading: Option<&Heading>) {
        if let Some(heading) = heading {
            let span = heading.span;
            let is_line = (span.start as usize) <= line.body && (span.end as usize) > line.body;
            let mark = mark_at(&self.text[line.body..line.past]).filter(|_| is_line);
            self.heading(heading, mark.map(|mark| (line.body, mark)));
            if is_line {
                return;
            }
        }
        let mut at = line.body;
        for step in 0..MAX_CHAIN {
            let rest = &self.text[at..line.past];
            let first = step == 0;
            let number = || self.lone_number(at, line.past).filter(|_| first);
            let Some(mark) = mark_at(rest).or_else(number) else { break };
            let fits = first || self.open.begins_list(&mark);
            if !fits || !reads_as_mark(&mark, rest) || !self.push(at, &mark, line.past, first && line.goes_on)
            {
                break;
            }
            at = lines::body(self.text, at + mark.length, line.past);
        }
        self.articles_within(at, line.past);
    }

    /// `2 TERM`, where it is the next of its list or `2.1` follows.
    fn lone_number(&self, at: usize, past: usize) -> Option<Mark> {
        let rest = &self.text[at..past];
        let mark = plain_number(rest).filter(|mark| mark.style.parts == 1)?;
        let title: String = rest[mark.length..].iter().take(title::LOOKED_AT).collect();
        let apart = title.starts_with(char::is_whitespace);
        let high = title.trim().starts_with(|c: char| c.is_uppercase() || !c.is_ascii());
        let mark = Mark { style: Style { dress: Dress::Stop, ..mark.style }, ..mark };
        let begins = || {
            let inner: Vec<char> = format!("{}.1", mark.segment.number).chars().collect();
            let next =
                (past..self.text.len()).take(title::LOOKED_AT).find(|&at| !self.text[at].is_whitespace());
            next.is_some_and(|next| self.text[next..].starts_with(&inner))
        };
        let fits = || self.open.fit(&mark).is_some_and(|fit| fit.is_next);
        (apart && high && title::is_title(title.trim()) && (begins() || fits())).then_some(mark)
    }

    /// Texts that have lost their line breaks go on with `。 第二条 ` on the same line.
    fn articles_within(&mut self, from: usize, past: usize) {
        for at in from + 2..past {
            let apart = self.text[at] == '第' && self.text[at - 1].is_whitespace();
            if self.found.len() >= MAX_CLAUSES {
                return;
            }
            if !apart
                || !self.text[from..at]
                    .iter()
                    .rev()
                    .find(|c| !c.is_whitespace())
                    .is_some_and(|c| "。；：".contains(*c))
            {
                continue;
            }
            let mark = word_mark(&self.text[at..past]).filter(|mark| mark.segment.unit == Unit::Article);
            let mark = mark.filter(|mark| self.text.get(at + mark.length).is_some_and(|c| c.is_whitespace()));
            if let Some(mark) = mark {
                self.push(at, &mark, past, false);
            }
        }
    }

    /// Adds the clause if its mark fits the open lists; in the middle of a sentence only the very next does, as after
    /// the foot of a page.
    fn push(&mut self, at: usize, mark: &Mark, past: usize, goes_on: bool) -> bool {
        let Some(fit) = self.open.fit(mark).filter(|fit| fit.is_next || !goes_on) else { return false };
        let title = title::of(self.text, at + mark.length, past);
        let label: String = self.text[at..at + mark.length].iter().collect();
        let label = label.trim_end_matches(['.', '．', '、']).to_owned();
        let restart = if fit.reading.value == 1 { self.listed(&label, &title.text) } else { None };
        self.open.close_to(restart.map_or(fit.keep, |keep| keep.min(fit.keep)), &mut self.found, at as u32);
        let head = Span { start: at as u32, end: title.end.max(at + mark.length) as u32 };
        let mark = Some((mark.segment.clone(), fit.reading));
        self.open.enter(&mut self.found, New { mark, heading: None, label, title: title.text, head });
        true
    }

    /// How many were open when a contents page named a first clause, if one did: the body begins again there.
    fn listed(&mut self, label: &str, title: &str) -> Option<usize> {
        if title.is_empty() {
            return None;
        }
        let name = (label.to_owned(), without_page(title).to_owned());
        let earlier = *self.firsts.entry(name).or_insert(self.found.len());
        let found = self.found.get(earlier)?;
        // A schedule may have definitions of its own.
        let again = !self.open.in_schedule() || is_blank(self.text, found.head.end, found.clause.span.end);
        again.then(|| usize::from(found.clause.depth) - 1)
    }

    /// A heading of the file is believed: whatever stands above it closes by its level.
    fn heading(&mut self, heading: &Heading, marked: Option<(usize, Mark)>) {
        let start = heading.span.start;
        let head = Span { start, end: heading.span.end.max(start) };
        let keep = self.open.above_heading(heading.level).min(MAX_DEPTH - 1);
        self.open.close_to(keep, &mut self.found, start);
        let title = heading.title.split_whitespace().collect::<Vec<_>>().join(" ");
        let own: Vec<char> = title.chars().collect();
        // A bookmark often leaves out the number that its line has.
        let (mark, label, title) = match (mark_at(&own), marked) {
            (Some(mark), _) => {
                let (label, title) = own.split_at(mark.length);
                (Some(mark), label.iter().collect(), title::trimmed(&title.iter().collect::<String>()))
            }
            (None, Some((at, mark))) => {
                let label: String = self.text[at..at + mark.length].iter().collect();
                (Some(mark), label, title)
            }
            (None, None) => (None, String::new(), title),
        };
        let label = label.trim_end_matches(['.', '．', '、']).to_owned();
        let reading = mark.as_ref().and_then(|mark| self.open.reading(mark));
        let mark = mark.map(|mark| mark.segment).zip(reading);
        self.open.enter(&mut self.found, New { mark, heading: Some(heading.level), label, title, head });
    }
}

fn mark_at(text: &[char]) -> Option<Mark> {
    word_mark(text).or_else(|| bare_mark(text))
}

#[cfg(test)]
mod tests;
