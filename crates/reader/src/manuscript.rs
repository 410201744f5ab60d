//! Text that grows block by block, with an empty line between two, on numbered pages and within the bound on characters.
//! Knows no file format.

use crate::error::ReadError;
use crate::options::ReadOptions;
use crate::parsed::Format;
use crate::parsed::Heading;
use crate::parsed::Page;
use crate::parsed::Parsed;
use crate::parsed::Span;
use crate::parsed::Table;
use crate::parsed::Warning;
use crate::table::Rows;

/// A text under construction.
pub(crate) struct Manuscript<'o> {
    options: &'o ReadOptions,
    content: String,
    characters: u32,
    pages: Vec<Page>,
    headings: Vec<Heading>,
    tables: Vec<Table>,
}

impl<'o> Manuscript<'o> {
    pub(crate) fn new(options: &'o ReadOptions) -> Self {
        let (pages, headings, tables) = (Vec::new(), Vec::new(), Vec::new());
        Self { options, content: String::new(), characters: 0, pages, headings, tables }
    }

    /// Begins a page; every block belongs to one.
    pub(crate) fn page(&mut self, label: Option<String>) {
        self.part();
        self.pages.push(Page {
            number: self.pages.len() as u32 + 1,
            label,
            width: 0.0,
            height: 0.0,
            span: Span { start: self.characters, end: self.characters },
            words: Vec::new(),
            undecodable: 0,
            running: Vec::new(),
            recognised: None,
            hidden: Vec::new(),
        });
    }

    /// Adds a block with its level where it is a heading.
    pub(crate) fn block(&mut self, text: &str, heading: Option<u8>) -> Result<(), ReadError> {
        self.titled(text, heading.map(|level| (level, text)))
    }

    /// Adds a block with its level and title where it is a heading.
    pub(crate) fn titled(&mut self, text: &str, heading: Option<(u8, &str)>) -> Result<(), ReadError> {
        self.part();
        let start = self.characters;
        // Two line breaks may follow.
        let end = u64::from(start) + text.chars().count() as u64 + 2;
        let limit = self.options.max_characters;
        let end = u32::try_from(end).ok().filter(|end| u64::from(*end) <= limit.saturating_add(1));
        let end = end.ok_or(ReadError::TooLarge { limit, unit: "characters".into() })? - 2;
        self.content.push_str(text);
        self.content.push('\n');
        self.characters = end + 1;
        if let Some(page) = self.pages.last_mut() {
            page.span.end = self.characters;
        }
        if let Some((level, title)) = heading.filter(|(_, title)| !title.trim().is_empty()) {
            let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
            self.headings.push(Heading { level, title, span: Span { start, end } });
        }
        Ok(())
    }

    /// Adds a block that is a table; nothing where it has no rows.
    pub(crate) fn table(&mut self, table: &Rows) -> Result<(), ReadError> {
        if table.lines.is_empty() {
            return Ok(());
        }
        self.block(&table.lines.join("\n"), None)?;
        let mut end = self.characters;
        let rows = table.lines.iter().rev().map(|line| {
            // Behind each stands a line break.
            let span = Span { start: end - 1 - line.chars().count() as u32, end: end - 1 };
            end = span.start;
            span
        });
        let mut rows: Vec<Span> = rows.collect();
        rows.reverse();
        let (page, header_rows) = (self.pages.len() as u32, table.header_rows as u32);
        self.tables.push(Table { page, rows, header_rows });
        Ok(())
    }

    /// Tells of characters on the page that could not be found.
    pub(crate) fn undecodable(&mut self, count: u32) {
        if let Some(page) = self.pages.last_mut() {
            page.undecodable = page.undecodable.saturating_add(count);
        }
    }

    /// How long the text is.
    pub(crate) const fn characters(&self) -> u32 {
        self.characters
    }

    /// Sets what follows off by an empty line, unless it is the first of its page.
    fn part(&mut self) {
        if let Some(page) = self.pages.last_mut().filter(|page| !page.span.is_empty()) {
            self.content.push('\n');
            self.characters += 1;
            page.span.end = self.characters;
        }
    }

    /// Ends the text.
    ///
    /// # Errors
    /// [`ReadError::Empty`] if nothing was written.
    pub(crate) fn finish(
        self,
        format: Format,
        title: Option<String>,
        warnings: Vec<Warning>,
    ) -> Result<Parsed, ReadError> {
        if self.content.is_empty() {
            return Err(ReadError::Empty);
        }
        let Self { content, pages, headings, tables, .. } = self;
        Ok(Parsed { format, title, content, pages, headings, tables, warnings, unread: Vec::new() })
    }
}

/// Refuses more pages than allowed.
pub(crate) fn check_pages(count: usize, options: &ReadOptions) -> Result<(), ReadError> {
    let (pages, limit) = (u32::try_from(count).unwrap_or(u32::MAX), options.max_pages);
    if pages > limit { Err(ReadError::TooManyPages { pages, limit }) } else { Ok(()) }
}
