//! PDF: `lopdf` reads the file as a file, everything above is ours: content, fonts, layout. `hayro` paints pages.
//!
//! The way of a page: [`mod@file`] finds it, [`interpret`] carries out its content and places glyphs with the [`font`]s'
//! characters, [`layout`] puts them in reading order. Knows no formats but PDF.

mod annotations;
mod content;
mod continued;
mod encryption;
mod file;
mod font;
mod garble;
mod geometry;
mod glyph;
mod hidden;
mod hyphens;
mod interpret;
mod labels;
mod layers;
mod layout;
mod marked;
mod objects;
mod outline;
mod paint;
mod recognise;
mod render;
mod rules;
mod running;
mod state;
mod strings;
mod structure;

pub(crate) use recognise::recognise;
pub(crate) use render::render;

use crate::error::ReadError;
use crate::merge::without_text;
use crate::options::ReadOptions;
use crate::parsed::Format;
use crate::parsed::HiddenText;
use crate::parsed::Page;
use crate::parsed::Parsed;
use crate::parsed::Span;
use crate::parsed::Warning;
use crate::parsed::WarningCode;
use crate::parsed::Word;
use continued::Tables;
use file::PageObject;
use font::Fonts;
use garble::Garble;
use glyph::PageGlyphs;
use interpret::Interpreter;
use layers::Layers;
use layout::PageText;
use lopdf::Document;
use outline::Title;
use structure::Structure;

/// Fewer characters beside pictures, on all pages together or on one, mean that the pages are pictures.
const MIN_CHARACTERS: usize = 30;
/// A picture that covers more than this part of its page may be the page.
const MIN_COVER: f64 = 0.5;
/// A page without text on which so many lines and areas are drawn may have its text among them.
const MIN_DRAWINGS: u32 = 20;
/// Steps of interpretation for a whole document; an honest page takes some thousands.
const MAX_STEPS: u64 = 300_000_000;
/// Characters of hidden text kept of a file.
const MAX_HIDDEN: usize = 100_000;

/// Reads the text of a PDF.
pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Parsed, ReadError> {
    let stream_limit = usize::try_from(options.max_stream_bytes).unwrap_or(usize::MAX);
    let document = file::open(bytes, options.password.as_deref(), stream_limit)?;
    let pages = file::pages(&document, options.max_pages)?;
    let mut characters = 0_u64;
    let mut assembly = Assembly::new(&document, pages.len(), options);
    let mut interpreter = Interpreter {
        document: &document,
        fonts: Fonts::new(&document, stream_limit),
        layers: Layers::new(&document),
        structure: Structure::new(&document),
        stream_limit,
        steps_left: MAX_STEPS,
    };
    let (mut found_of, mut texts) = (Vec::with_capacity(pages.len()), Vec::with_capacity(pages.len()));
    for page in &pages {
        let mut found = interpreter.run(page);
        if interpreter.steps_left == 0 {
            return Err(ReadError::OutOfBudget { detail: "its pages ask for endless drawing".into() });
        }
        let rules = std::mem::take(&mut found.rules);
        let text = layout::lay_out(std::mem::take(&mut found.glyphs), Some(&rules));
        characters += u64::from(text.characters);
        if characters > options.max_characters {
            return Err(ReadError::TooLarge { limit: options.max_characters, unit: "characters".into() });
        }
        found_of.push(found);
        texts.push(text);
    }
    let heights: Vec<f32> = pages.iter().map(|page| page.shown.size().1 as f32).collect();
    let running = running::set_apart(&mut texts, &heights);
    hyphens::mend(&mut texts);
    for (((page, found), text), running) in pages.iter().zip(&mut found_of).zip(texts).zip(running) {
        assembly.add(page, found, text, running)?;
    }
    let drawn = pages.iter().zip(found_of).enumerate();
    let drawn = drawn.map(|(index, (page, found))| (index, page, found.tagged));
    let marked = interpreter.structure.titles(drawn, characters);
    assembly.finish(&document, &pages, marked)
}

/// The document being put together.
struct Assembly<'o> {
    options: &'o ReadOptions,
    parsed: Parsed,
    tables: Tables,
    labels: std::vec::IntoIter<Option<String>>,
    characters: u32,
    page_count: usize,
    without_text: Vec<u32>,
    garble: Garble,
    hidden_left: usize,
}

impl<'o> Assembly<'o> {
    fn new(document: &Document, page_count: usize, options: &'o ReadOptions) -> Self {
        let mut warnings = Vec::new();
        if document.xref_recovery.is_some() {
            let detail = "the file was damaged and has been repaired; parts of it may be missing".into();
            warnings.push(Warning { code: WarningCode::RepairedFile, page: None, detail });
        }
        let parsed = Parsed {
            format: Format::Pdf,
            title: file::title(document),
            content: String::new(),
            pages: Vec::with_capacity(page_count),
            headings: Vec::new(),
            tables: Vec::new(),
            warnings,
            unread: Vec::new(),
        };
        Self {
            options,
            parsed,
            tables: Tables::default(),
            labels: labels::labels(document, page_count).into_iter(),
            characters: 0,
            page_count,
            without_text: Vec::new(),
            garble: Garble::default(),
            hidden_left: MAX_HIDDEN,
        }
    }

    /// Appends a page.
    fn add(
        &mut self,
        page: &PageObject<'_>,
        found: &mut PageGlyphs,
        mut text: PageText,
        running: Vec<String>,
    ) -> Result<(), ReadError> {
        let number = self.parsed.pages.len() as u32 + 1;
        self.warn_of(number, found, &text, running.len());
        self.judge(number, found, &text, page.shown.size());
        annotations::append(&mut text, std::mem::take(&mut found.comments), page.shown.size());
        let start = self.characters;
        self.parsed.content.push_str(&text.text);
        self.characters += text.characters;
        if (number as usize) < self.page_count {
            // Text that goes on on the next page goes on from the text, not from a note under it.
            let page_end = if text.ends_with_notes { "\n\n" } else { "\n" };
            self.parsed.content.push_str(page_end);
            self.characters += page_end.len() as u32;
        }
        if u64::from(self.characters) > self.options.max_characters {
            return Err(ReadError::TooLarge {
                limit: self.options.max_characters,
                unit: "characters".into(),
            });
        }
        let shift = |word: Word| Word {
            span: Span { start: word.span.start + start, end: word.span.end + start },
            ..word
        };
        let (width, height) = page.shown.size();
        self.tables.add(number, &text, start, height as f32);
        let hidden = self.keep_hidden(std::mem::take(&mut found.hidden));
        self.parsed.pages.push(Page {
            number,
            label: self.labels.next().flatten(),
            width: width as f32,
            height: height as f32,
            span: Span { start, end: self.characters },
            words: text.words.into_iter().map(shift).collect(),
            undecodable: text.undecodable,
            running,
            recognised: None,
            hidden,
        });
        Ok(())
    }

    /// Keeps as much of hidden text as a file may have.
    fn keep_hidden(&mut self, mut hidden: Vec<HiddenText>) -> Vec<HiddenText> {
        for text in &mut hidden {
            text.text = text.text.chars().take(self.hidden_left).collect();
            self.hidden_left -= text.text.chars().count();
        }
        hidden
    }

    fn warn_of(&mut self, number: u32, found: &PageGlyphs, text: &PageText, running: usize) {
        let mut warn = |code: WarningCode, detail: String| {
            self.parsed.warnings.push(Warning { code, page: Some(number), detail });
        };
        if let Some(reason) = found.incomplete {
            warn(WarningCode::PageIncomplete, format!("page {number} is not complete: {reason}"));
        }
        if text.undecodable > 0 {
            let detail =
                format!("page {number} has {} characters that the file does not identify", text.undecodable);
            warn(WarningCode::UndecodableGlyphs, detail);
        }
        // A page with nothing on it has lost nothing.
        let blank = found.images == 0 && found.drawings == 0 && found.incomplete.is_none();
        if text.characters == 0 && running == 0 && !blank {
            self.without_text.push(number);
        }
    }

    /// Notes a page that recognition would say more about than its content does.
    fn judge(&mut self, number: u32, found: &PageGlyphs, text: &PageText, (width, height): (f64, f64)) {
        let garbled = self.garble.look_at(number, &text.text);
        let undecodable = u64::from(text.undecodable) * 10 > u64::from(text.characters);
        let few = visible(&text.text).take(MIN_CHARACTERS).count() < MIN_CHARACTERS;
        let picture = found.image_area > MIN_COVER * width * height;
        let nothing = text.characters == 0 && (found.images > 0 || found.drawings >= MIN_DRAWINGS);
        if garbled || undecodable || few && picture || nothing {
            self.parsed.unread.push(number);
        }
    }

    /// Adds what can be said only of the whole.
    fn finish(
        mut self,
        document: &Document,
        pages: &[PageObject<'_>],
        marked: Vec<Title>,
    ) -> Result<Parsed, ReadError> {
        let hopeless = self.parsed.unread.is_empty() || !self.options.will_recognise;
        let characters = visible(&self.parsed.content).take(MIN_CHARACTERS).count();
        // A few characters are a text where there is nothing else.
        let few = characters == 0 || (characters < MIN_CHARACTERS && !self.parsed.unread.is_empty());
        if hopeless && few {
            return Err(self.without_any_text());
        }
        self.parsed.warnings.extend(without_text(&self.without_text));
        self.parsed.warnings.extend(self.garble.warnings());
        self.parsed.tables = self.tables.finish();
        self.parsed.warnings.extend(hidden::warnings(&self.parsed.pages));
        let bookmarks = outline::titles(document, pages);
        // Bookmarks are made for readers to go by; marks of structure are often made by nobody.
        if bookmarks.is_empty() {
            self.parsed.headings = outline::headings(marked, &self.parsed);
            // The tree need not go with the text.
            self.parsed.headings.sort_by_key(|heading| heading.span.start);
        } else {
            self.parsed.headings = outline::headings(bookmarks, &self.parsed);
        }
        Ok(self.parsed)
    }

    /// A file whose pages could not be read is damaged; one whose pages could be, but hold no text, is a scan.
    fn without_any_text(&self) -> ReadError {
        let incomplete =
            self.parsed.warnings.iter().find(|warning| warning.code == WarningCode::PageIncomplete);
        match incomplete {
            Some(warning) => ReadError::Damaged { detail: warning.detail.clone() },
            None => ReadError::NoText { pages: self.page_count as u32 },
        }
    }
}

fn visible(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|character| !character.is_whitespace())
}
