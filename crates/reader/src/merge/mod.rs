//! Recognised pages in the places of those that reading found no text on. Knows no models and no pictures.

use crate::error::ReadError;
use crate::parsed::Heading;
use crate::parsed::Page;
use crate::parsed::Parsed;
use crate::parsed::RecognisedPage;
use crate::parsed::Span;
use crate::parsed::Table;
use crate::parsed::Warning;
use crate::parsed::WarningCode;
use crate::parsed::Word;
use std::collections::BTreeMap;

/// A page read with a lower mean probability of its characters is doubtful; clean print comes to 0.97 and more.
const DOUBTFUL: f32 = 0.85;
/// A page with fewer visible characters has no text of its own to speak of.
const FEW: usize = 30;

impl Parsed {
    /// Puts recognised pages in the places of what reading found there.
    ///
    /// A page keeps its own text where recognition found none, or less than the few characters it has. Headings of the
    /// outline that pointed into a replaced page stand at its start, tables lose the rows that stood on it.
    ///
    /// # Errors
    /// [`ReadError::NoText`] if even now no page holds text.
    pub fn with_recognised(self, recognised: Vec<RecognisedPage>) -> Result<Self, ReadError> {
        let mut found: BTreeMap<u32, RecognisedPage> =
            recognised.into_iter().map(|page| (page.number, page)).collect();
        let moves = Moves::plan(&self, &mut found);
        let mut parsed = Self {
            content: moves.content,
            headings: self.headings.into_iter().map(|heading| moves.pages.heading(heading)).collect(),
            tables: self.tables.iter().filter_map(|table| moves.pages.table(table)).collect(),
            ..self
        };
        parsed.pages = moves.pages.place(parsed.pages);
        if parsed.content.chars().all(char::is_whitespace) {
            return Err(ReadError::NoText { pages: parsed.pages.len() as u32 });
        }
        parsed.take_stock();
        Ok(parsed)
    }

    /// Says what recognition changed: which pages are still unread, and how sure the others are.
    fn take_stock(&mut self) {
        let replaced: BTreeMap<u32, f32> =
            self.pages.iter().filter_map(|page| Some((page.number, page.recognised?.confidence))).collect();
        self.unread.retain(|number| !replaced.contains_key(number));
        let had_empty = self.warnings.iter().any(|warning| warning.code == WarningCode::PageWithoutText);
        self.warnings.retain(|warning| !is_settled(warning, &replaced));
        if had_empty {
            let empty =
                |page: &&Page| page.words.is_empty() && page.running.is_empty() && page.span.len() <= 1;
            let numbers = self.pages.iter().filter(empty).map(|page| page.number);
            let still: Vec<u32> = numbers.filter(|number| self.unread.contains(number)).collect();
            self.warnings.extend(without_text(&still));
        }
        self.warnings.extend(recognised_text(&replaced));
        self.warnings
            .extend(replaced.iter().filter(|(_, confidence)| **confidence < DOUBTFUL).map(low_confidence));
    }
}

/// Where the pages go.
struct Moves {
    content: String,
    pages: Places,
}

/// The old and the new span of each page, and what takes its place.
struct Places(Vec<(Span, Span, Option<RecognisedPage>)>);

impl Moves {
    fn plan(parsed: &Parsed, found: &mut BTreeMap<u32, RecognisedPage>) -> Self {
        let mut content = String::with_capacity(parsed.content.len());
        let (mut places, mut end) = (Vec::with_capacity(parsed.pages.len()), 0_u32);
        let mut rest = parsed.content.as_str();
        for page in &parsed.pages {
            let (own, later) = split_at_character(rest, page.span.len() as usize);
            rest = later;
            let replacement = found.remove(&page.number).filter(|found| says_more(&found.text, own));
            let start = end;
            if let Some(found) = &replacement {
                let line_end = if own.ends_with('\n') { "\n" } else { "" };
                content.extend([&found.text, line_end]);
                end = end.saturating_add((found.text.chars().count() + line_end.len()) as u32);
            } else {
                content.push_str(own);
                end = end.saturating_add(page.span.len());
            }
            places.push((page.span, Span { start, end }, replacement));
        }
        Self { content, pages: Places(places) }
    }
}

impl Places {
    /// Returns where a place of the old text is now; `None` if it was replaced.
    fn moved(&self, span: Span) -> Option<Span> {
        let (old, new, replacement) = &self.0[self.page_at(span.start)?];
        let shift = |at: u32| new.start.saturating_add(at.saturating_sub(old.start));
        replacement.is_none().then(|| Span { start: shift(span.start), end: shift(span.end) })
    }

    /// Returns the index of the page that holds a character, or of the last one.
    fn page_at(&self, character: u32) -> Option<usize> {
        let index = self.0.partition_point(|(old, ..)| old.end <= character);
        (!self.0.is_empty()).then(|| index.min(self.0.len() - 1))
    }

    fn heading(&self, heading: Heading) -> Heading {
        let start = || {
            let start = self.page_at(heading.span.start).map_or(0, |index| self.0[index].1.start);
            Span { start, end: start }
        };
        let span = self.moved(heading.span).unwrap_or_else(start);
        Heading { span, ..heading }
    }

    fn table(&self, table: &Table) -> Option<Table> {
        let rows: Vec<Option<Span>> = table.rows.iter().map(|row| self.moved(*row)).collect();
        let headers = rows.iter().take(table.header_rows as usize).flatten().count();
        let rows: Vec<Span> = rows.into_iter().flatten().collect();
        let page =
            self.0.iter().position(|(_, new, _)| rows.first().is_some_and(|row| row.start < new.end))?;
        Some(Table { page: page as u32 + 1, rows, header_rows: headers as u32 })
    }

    fn place(self, pages: Vec<Page>) -> Vec<Page> {
        let place = |(page, (old, new, replacement)): (Page, (Span, Span, Option<RecognisedPage>))| {
            let from = |base: u32| {
                let shift = move |at: u32| new.start.saturating_add(at.saturating_sub(base)).min(new.end);
                move |word: Word| Word {
                    span: Span { start: shift(word.span.start), end: shift(word.span.end) },
                    ..word
                }
            };
            match replacement {
                Some(found) => Page {
                    span: new,
                    words: found.words.into_iter().map(from(0)).collect(),
                    undecodable: 0,
                    running: Vec::new(),
                    recognised: Some(found.recognised),
                    ..page
                },
                None => {
                    Page { span: new, words: page.words.into_iter().map(from(old.start)).collect(), ..page }
                }
            }
        };
        pages.into_iter().zip(self.0).map(place).collect()
    }
}

/// Says whether recognised text is better than none, or than the little that a page has of its own.
fn says_more(recognised: &str, own: &str) -> bool {
    let visible = |text: &str| text.chars().filter(|character| !character.is_whitespace()).take(FEW).count();
    let recognised = visible(recognised);
    recognised > 0 && recognised >= visible(own)
}

fn split_at_character(text: &str, character: usize) -> (&str, &str) {
    let at = text.char_indices().nth(character).map_or(text.len(), |(at, _)| at);
    text.split_at(at)
}

/// Says whether recognising a page has made up for what a warning tells of it.
fn is_settled(warning: &Warning, replaced: &BTreeMap<u32, f32>) -> bool {
    match warning.code {
        // Told anew of the pages that are left.
        WarningCode::PageWithoutText => true,
        WarningCode::GarbledText | WarningCode::UndecodableGlyphs => {
            warning.page.is_some_and(|page| replaced.contains_key(&page))
        }
        WarningCode::PageIncomplete
        | WarningCode::HiddenText
        | WarningCode::RepairedFile
        | WarningCode::EncodingGuessed
        | WarningCode::TrackedChanges
        | WarningCode::PicturesNotRead
        | WarningCode::RecognisedText
        | WarningCode::LowConfidence
        | WarningCode::NotRecognised
        | WarningCode::AttachmentsNotRead => false,
    }
}

/// Tells of pages on which no text was found, if there are any.
pub(crate) fn without_text(pages: &[u32]) -> Option<Warning> {
    let detail = format!("no text was found on {}, perhaps a scan", page_list(pages));
    about(pages, WarningCode::PageWithoutText, detail)
}

/// Tells of the pages that were recognised, if there are any.
fn recognised_text(pages: &BTreeMap<u32, f32>) -> Option<Warning> {
    let mean = pages.values().sum::<f32>() / pages.len().max(1) as f32;
    let numbers: Vec<u32> = pages.keys().copied().collect();
    let detail = format!(
        "the text of {} was recognised in pictures, with a mean confidence of {:.0} %",
        page_list(&numbers),
        mean * 100.0
    );
    about(&numbers, WarningCode::RecognisedText, detail)
}

fn low_confidence((&page, confidence): (&u32, &f32)) -> Warning {
    let detail = format!(
        "the text recognised on page {page} is doubtful: the mean confidence is {:.0} %",
        confidence * 100.0
    );
    Warning { code: WarningCode::LowConfidence, page: Some(page), detail }
}

/// Makes a warning about pages, if there are any.
pub(crate) fn about(pages: &[u32], code: WarningCode, detail: String) -> Option<Warning> {
    let &first = pages.first()?;
    Some(Warning { code, page: (pages.len() == 1).then_some(first), detail })
}

/// Writes page numbers as `page 5` or `pages 1, 3-7, 9`.
pub(crate) fn page_list(numbers: &[u32]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let noun = if numbers.len() == 1 { "page" } else { "pages" };
    for run in numbers.chunk_by(|a, b| a + 1 == *b) {
        match run {
            [first, .., last] => parts.push(format!("{first}-{last}")),
            [only] => parts.push(only.to_string()),
            [] => {}
        }
    }
    format!("{noun} {}", parts.join(", "))
}

#[cfg(test)]
mod tests;
