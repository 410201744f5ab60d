//! The text of a web page as it flows: white space as browsers collapse it, paragraphs, lists and tables. Knows no tree.

use crate::error::ReadError;
use crate::manuscript::Manuscript;
use crate::numerals::alphabetic;
use crate::numerals::roman;
use crate::table::Table;

/// Lists are indented by two spaces a level up to this one.
const MAX_INDENTED: usize = 8;

/// A page under construction.
pub(super) struct Flow<'m, 'o> {
    manuscript: &'m mut Manuscript<'o>,
    /// The paragraph that is open.
    paragraph: String,
    space: Space,
    /// Open elements that keep their white space.
    preserved: usize,
    heading: Option<u8>,
    lists: Vec<List>,
    /// What the next line of a list begins with.
    marker: Option<String>,
    /// The lines of the outermost list.
    lines: String,
    /// A table whose rows are written; it holds no other one.
    table: Option<Table>,
}

/// White space that has not been written: at the end of a paragraph it never is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Space {
    Nothing,
    Blank,
    /// With a line break of the source.
    Break,
}

/// A list that is open.
pub(super) struct List {
    pub(super) numbering: Option<Numbering>,
    pub(super) next: u32,
}

/// How the items of a list are numbered.
#[derive(Clone, Copy)]
pub(super) enum Numbering {
    Digits,
    UpperLetters,
    LowerLetters,
    UpperRoman,
    LowerRoman,
}

impl<'m, 'o> Flow<'m, 'o> {
    pub(super) fn new(manuscript: &'m mut Manuscript<'o>) -> Self {
        Self {
            manuscript,
            paragraph: String::new(),
            space: Space::Nothing,
            preserved: 0,
            heading: None,
            lists: Vec::new(),
            marker: None,
            lines: String::new(),
            table: None,
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        if self.preserved > 0 {
            self.paragraph.push_str(text);
            return;
        }
        for character in text.chars() {
            match character {
                '\n' => self.space = Space::Break,
                '\u{a0}' => self.space = if self.space == Space::Break { Space::Break } else { Space::Blank },
                character if character.is_ascii_whitespace() => {
                    self.space = if self.space == Space::Break { Space::Break } else { Space::Blank };
                }
                character => self.character(character),
            }
        }
    }

    fn character(&mut self, character: char) {
        let before = self.paragraph.chars().next_back().filter(|before| *before != '\n');
        // Chinese has no spaces: a line break of the source parts no words there (CSS Text 3, 4.1.3).
        let parted = match (self.space, before) {
            (Space::Nothing, _) | (_, None) => false,
            (Space::Blank, Some(_)) => true,
            (Space::Break, Some(before)) => !(is_wide(before) && is_wide(character)),
        };
        if parted {
            self.paragraph.push(' ');
        }
        self.space = Space::Nothing;
        self.paragraph.push(character);
    }

    pub(super) fn line_break(&mut self) {
        self.paragraph.push('\n');
        self.space = Space::Nothing;
    }

    pub(super) fn preserve(&mut self, keeps: bool) -> Result<(), ReadError> {
        self.end_paragraph()?;
        self.preserved = if keeps { self.preserved + 1 } else { self.preserved.saturating_sub(1) };
        Ok(())
    }

    pub(super) fn begin_heading(&mut self, level: u8) -> Result<(), ReadError> {
        self.end_paragraph()?;
        self.heading = Some(level);
        Ok(())
    }

    pub(super) fn end_heading(&mut self) -> Result<(), ReadError> {
        self.end_paragraph()?;
        self.heading = None;
        Ok(())
    }

    pub(super) fn begin_list(&mut self, list: List) -> Result<(), ReadError> {
        self.end_paragraph()?;
        self.lists.push(list);
        Ok(())
    }

    pub(super) fn end_list(&mut self) -> Result<(), ReadError> {
        self.end_paragraph()?;
        self.lists.pop();
        if self.lists.is_empty() { self.end_lines() } else { Ok(()) }
    }

    /// Begins an item, with a number of its own where it has one.
    pub(super) fn begin_item(&mut self, own: Option<u32>) -> Result<(), ReadError> {
        self.end_paragraph()?;
        self.marker = self.lists.last_mut().map(|list| {
            let number = own.unwrap_or(list.next);
            list.next = number.saturating_add(1);
            match list.numbering {
                None => "- ".to_owned(),
                Some(Numbering::Digits) => format!("{number}. "),
                Some(Numbering::UpperLetters) => format!("{}. ", alphabetic(number)),
                Some(Numbering::LowerLetters) => format!("{}. ", alphabetic(number).to_lowercase()),
                Some(Numbering::UpperRoman) => format!("{}. ", roman(number)),
                Some(Numbering::LowerRoman) => format!("{}. ", roman(number).to_lowercase()),
            }
        });
        Ok(())
    }

    pub(super) fn end_item(&mut self) -> Result<(), ReadError> {
        self.end_paragraph()?;
        self.marker = None;
        Ok(())
    }

    pub(super) fn begin_table(&mut self) -> Result<(), ReadError> {
        self.end_paragraph()?;
        self.table = Some(Table::default());
        Ok(())
    }

    /// The table whose rows are being written.
    pub(super) fn table(&mut self) -> Option<&mut Table> {
        self.table.as_mut()
    }

    pub(super) fn end_table(&mut self) -> Result<(), ReadError> {
        self.end_paragraph()?;
        let rows = self.table.take().map(Table::rows).unwrap_or_default();
        if rows.lines.is_empty() {
            return Ok(());
        }
        self.end_lines()?;
        self.manuscript.table(&rows)
    }

    /// Ends the paragraph that is open, if one is.
    pub(super) fn end_paragraph(&mut self) -> Result<(), ReadError> {
        self.space = Space::Nothing;
        let paragraph = std::mem::take(&mut self.paragraph);
        if paragraph.trim().is_empty() {
            return Ok(());
        }
        if self.preserved > 0 {
            return self.write(paragraph.trim_matches('\n').trim_end());
        }
        // Two line breaks are how many people end a paragraph.
        paragraph
            .split("\n\n")
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .try_for_each(|text| self.write(text))
    }

    fn write(&mut self, text: &str) -> Result<(), ReadError> {
        let marker = self.marker.take();
        if let Some(table) = self.table.as_mut().filter(|table| table.is_in_cell()) {
            table.text(&marker.unwrap_or_default());
            table.text(text);
            return Ok(());
        }
        if let Some(level) = self.heading {
            self.end_lines()?;
            let number = marker.filter(|marker| marker != "- ").unwrap_or_default();
            return self.manuscript.block(&format!("{number}{text}"), Some(level));
        }
        if self.lists.is_empty() {
            return self.manuscript.block(text, None);
        }
        let depth = self.lists.len().min(MAX_INDENTED);
        let indent = "  ".repeat(if marker.is_some() { depth - 1 } else { depth });
        let more = format!("\n{}", "  ".repeat(depth));
        let line_break = if self.lines.is_empty() { "" } else { "\n" };
        let text = text.replace('\n', &more);
        self.lines.extend([line_break, &indent, &marker.unwrap_or_default(), &text]);
        Ok(())
    }

    /// Writes the lines of a list so far.
    fn end_lines(&mut self) -> Result<(), ReadError> {
        let lines = std::mem::take(&mut self.lines);
        if lines.is_empty() { Ok(()) } else { self.manuscript.block(&lines, None) }
    }

    pub(super) fn finish(mut self) -> Result<(), ReadError> {
        self.end_paragraph()?;
        self.end_lines()
    }
}

/// Recognises Chinese and Japanese characters and their punctuation.
const fn is_wide(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{312f}' | '\u{31a0}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}
