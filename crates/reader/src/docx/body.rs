//! From `document.xml`, or from a header, to blocks of text: paragraphs with their printed numbers, tables row by row, notes
//! and comments after the paragraph that calls them. Knows no archive.

use super::control;
use super::control::Controls;
use super::notes::Note;
use super::numbering::Numbering;
use super::revision::Change;
use super::revision::Revised;
use super::run::Run;
use super::seen::Seen;
use super::styles::Styles;
use super::styles::is_on;
use super::styles::is_shading;
use super::table;
use super::table::Grid;
use crate::error::ReadError;
use crate::office::xml::Element;
use crate::office::xml::Node;
use crate::office::xml::walk;
use crate::table::Rows;
use std::collections::HashMap;

/// Elements whose content is no text: how something was before its properties were changed, the second telling of what
/// stands in `mc:Choice` already, and the orders of fields.
pub(super) const LEFT_OUT: &[&str] = &[
    "Fallback",
    "pPrChange",
    "rPrChange",
    "tblPrChange",
    "tblPrExChange",
    "tblGridChange",
    "trPrChange",
    "tcPrChange",
    "sectPrChange",
    "instrText",
    "delInstrText",
];

/// A stretch of text with a line of its own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) text: String,
    /// The level of the heading that it is, from 1.
    pub(super) heading: Option<u8>,
    /// As it would stand, without the marks of changes.
    pub(super) title: String,
    pub(super) is_title: bool,
    /// Its rows, in place of a text.
    pub(super) table: Option<Rows>,
}

impl Block {
    fn plain(text: String) -> Self {
        Self { text, heading: None, title: String::new(), is_title: false, table: None }
    }

    fn table(rows: Rows) -> Self {
        Self { table: Some(rows), ..Self::plain(String::new()) }
    }

    /// All that it says on one line.
    pub(super) fn line(&self) -> String {
        self.table.as_ref().map_or_else(|| self.text.clone(), |rows| rows.lines.join(" "))
    }
}

/// What a text refers to in other parts.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) styles: Styles,
    pub(super) numbering: Numbering,
    pub(super) footnotes: HashMap<String, Note>,
    pub(super) endnotes: HashMap<String, Note>,
    pub(super) comments: HashMap<String, Note>,
}

/// Reads a part; `parts` have counted on after it.
pub(super) fn read(part: &[u8], parts: &mut Parts, seen: &mut Seen) -> Result<Vec<Block>, ReadError> {
    let mut body = Body::new(parts, seen);
    walk(part, &mut |node| {
        match node {
            Node::Open(element) => body.open(element),
            Node::Close(name) => body.close(name),
            Node::Text(text) => body.text(text),
        }
        Ok(())
    })?;
    body.end_carried();
    Ok(body.blocks)
}

#[derive(Default)]
struct Paragraph {
    style: Option<String>,
    numbering: Option<String>,
    level: Option<u8>,
    outline: Option<u8>,
    text: Revised,
    /// Notes and comments, as they are shown.
    notes: Vec<String>,
    shaded: bool,
    /// Its end is deleted or moved away: what is left of it belongs to the next paragraph.
    joins_next: bool,
    /// Its end is not seen.
    hidden: bool,
}

struct Body<'p> {
    parts: &'p mut Parts,
    seen: &'p mut Seen,
    blocks: Vec<Block>,
    /// A text box holds paragraphs inside of a paragraph.
    paragraphs: Vec<Paragraph>,
    /// What is left of a paragraph whose end is gone, and how many paragraphs and tables were open around it.
    carried: Option<(Revised, Vec<String>, (usize, usize))>,
    runs: Vec<Run>,
    /// A cell may hold a table.
    tables: Vec<Grid>,
    changes: Vec<Change>,
    controls: Controls,
    notes: usize,
    /// Open elements since one that is left out, itself included.
    left_out: usize,
    /// Open `pPr` and `rPr`, and of these the `pPr`.
    properties: usize,
    of_paragraph: usize,
    in_text: bool,
    /// The pages are not white.
    coloured: bool,
}

impl<'p> Body<'p> {
    fn new(parts: &'p mut Parts, seen: &'p mut Seen) -> Self {
        Self {
            parts,
            seen,
            blocks: Vec::new(),
            paragraphs: Vec::new(),
            carried: None,
            runs: Vec::new(),
            tables: Vec::new(),
            changes: Vec::new(),
            controls: Controls::default(),
            notes: 0,
            left_out: 0,
            properties: 0,
            of_paragraph: 0,
            in_text: false,
            coloured: false,
        }
    }

    fn open(&mut self, element: &Element<'_>) {
        let name = element.name.as_str();
        if self.left_out > 0 || LEFT_OUT.contains(&name) {
            self.left_out += 1;
            return;
        }
        self.controls.open(element);
        match name {
            "p" => self.paragraphs.push(Paragraph::default()),
            "r" => self.runs.push(Run::default()),
            "pPr" => (self.properties, self.of_paragraph) = (self.properties + 1, self.of_paragraph + 1),
            "rPr" => self.properties += 1,
            "t" | "delText" => self.in_text = true,
            "blip" | "imagedata" => self.seen.pictures += 1,
            "tbl" => {
                self.end_carried();
                self.tables.push(Grid::default());
            }
            "background" => self.coloured = true,
            _ if self.properties > 0 => self.property(element),
            "ins" | "del" | "moveFrom" | "moveTo" if !self.in_row_properties() => self.begin_change(element),
            "tab" | "ptab" => self.text_of("\t"),
            "br" | "cr" => self.text_of("\n"),
            "noBreakHyphen" => self.text_of("-"),
            "sym" => self.text_of(control::symbol(element).unwrap_or_default()),
            "footnoteReference" | "endnoteReference" | "commentReference" => self.note(element),
            _ => {
                if let Some(grid) = self.tables.last_mut() {
                    table::open(grid, element);
                }
            }
        }
    }

    fn close(&mut self, name: &str) {
        if self.left_out > 0 {
            self.left_out -= 1;
            return;
        }
        if let Some(sign) = self.controls.close(name) {
            self.write(sign);
        }
        match name {
            "p" => self.end_paragraph(),
            "r" => drop(self.runs.pop()),
            "pPr" => {
                self.properties = self.properties.saturating_sub(1);
                self.of_paragraph = self.of_paragraph.saturating_sub(1);
            }
            "rPr" => self.properties = self.properties.saturating_sub(1),
            "t" | "delText" => self.in_text = false,
            "tbl" => self.end_table(),
            "ins" | "del" | "moveFrom" | "moveTo" if self.properties == 0 && !self.in_row_properties() => {
                self.changes.pop();
            }
            _ => {
                if name == "tc" {
                    self.end_carried();
                }
                if let Some(grid) = self.tables.last_mut() {
                    table::close(grid, name);
                }
            }
        }
    }

    fn in_row_properties(&self) -> bool {
        self.tables.last().is_some_and(Grid::in_properties)
    }

    fn begin_change(&mut self, element: &Element<'_>) {
        self.seen.author(element);
        self.changes.push(match element.name.as_str() {
            "ins" => Change::Inserted,
            "del" => Change::Deleted,
            "moveTo" => Change::MovedHere,
            _ => Change::MovedAway,
        });
    }

    /// What happened to the text that is being read; what one inserted and another deleted is deleted.
    fn change(&self) -> Option<Change> {
        let of_row = self.tables.last().and_then(Grid::change);
        let mut all = self.changes.iter().copied().chain(of_row);
        all.clone().find(|change| change.is_gone()).or_else(|| all.next_back())
    }

    fn text(&mut self, text: &str) {
        if self.in_text && self.left_out == 0 {
            self.text_of(text);
        }
    }

    /// Writes text of a run, if it is seen.
    fn text_of(&mut self, text: &str) {
        let shown = self.controls.shown(text);
        let Some(paragraph) = self.paragraphs.last() else { return };
        let shaded = self.coloured
            || paragraph.shaded
            || self.paragraphs.len() > 1
            || self.tables.last().is_some_and(Grid::is_shaded);
        let hidden = self
            .runs
            .last()
            .is_some_and(|run| run.is_hidden(paragraph.style.as_deref(), shaded, &self.parts.styles));
        if hidden {
            self.seen.hide(text);
        } else {
            self.write(shown);
        }
    }

    fn write(&mut self, text: &str) {
        let change = self.change();
        if let Some(paragraph) = self.paragraphs.last_mut().filter(|_| !text.is_empty()) {
            paragraph.text.push(change, text);
        }
    }

    fn property(&mut self, element: &Element<'_>) {
        let in_run = self.of_paragraph == 0;
        if let Some(run) = self.runs.last_mut().filter(|_| in_run) {
            return run.property(element);
        }
        // A content control has properties of a run without being one.
        let Some(paragraph) = self.paragraphs.last_mut().filter(|_| !in_run) else { return };
        match element.name.as_str() {
            "pStyle" => paragraph.style = element.value(),
            "numId" => paragraph.numbering = element.value(),
            "ilvl" => paragraph.level = element.number(),
            "outlineLvl" => paragraph.outline = element.number(),
            "shd" => paragraph.shaded = is_shading(element),
            "vanish" => paragraph.hidden = is_on(element),
            "del" | "moveFrom" => {
                self.seen.author(element);
                paragraph.joins_next = true;
            }
            _ => {}
        }
    }

    /// A note gets the next number where it is called, and follows its paragraph; a comment only follows.
    fn note(&mut self, element: &Element<'_>) {
        let gone = self.change().is_some_and(Change::is_gone);
        let (of, counts) = match element.name.as_str() {
            "footnoteReference" => (&self.parts.footnotes, !gone),
            "endnoteReference" => (&self.parts.endnotes, !gone),
            _ => (&self.parts.comments, false),
        };
        let note = element.attribute("id").and_then(|id| of.get(&id));
        let (Some(note), Some(paragraph)) = (note, self.paragraphs.last_mut()) else { return };
        if counts {
            self.notes += 1;
            let sign = format!("[^{}]", self.notes);
            paragraph.notes.push(format!("{sign} {}", note.text));
            self.write(&sign);
        } else if let Some(author) = &note.author {
            paragraph.notes.push(format!("[{author}: {}]", note.text));
        } else if gone {
            paragraph.notes.push(format!("[Note called in deleted text: {}]", note.text));
        } else {
            paragraph.notes.push(format!("[Comment: {}]", note.text));
        }
    }

    fn end_paragraph(&mut self) {
        let Some(mut paragraph) = self.paragraphs.pop() else { return };
        let place = (self.paragraphs.len(), self.tables.len());
        if let Some((mut text, notes, _)) = self.carried.take_if(|(_, _, of)| *of == place) {
            text.append(std::mem::take(&mut paragraph.text));
            (paragraph.text, paragraph.notes) = (text, [notes, paragraph.notes].concat());
        }
        let stands = paragraph.text.stands();
        if paragraph.joins_next && stands {
            // What was carried in another place would be overwritten.
            self.end_carried();
            self.carried = Some((paragraph.text, paragraph.notes, place));
            return;
        }
        let is_gone = !stands && (paragraph.joins_next || paragraph.hidden);
        let style = paragraph.style.clone().unwrap_or_default();
        let number = if is_gone { None } else { self.number(&paragraph, &style) };
        let numbered =
            |text: &str| number.as_ref().map_or_else(|| text.to_owned(), |number| format!("{number} {text}"));
        let text = paragraph.text.written(&mut self.seen.marks);
        let own = paragraph.outline.filter(|level| *level < 9).map(|level| level + 1);
        let heading = own.or_else(|| self.parts.styles.heading(&style)).filter(|_| stands);
        let block = Block {
            text: numbered(&text),
            heading,
            title: numbered(paragraph.text.standing().trim()),
            is_title: stands && self.parts.styles.is_title(&style),
            table: None,
        };
        self.put(block, paragraph.text.is_blank() || text.is_empty(), paragraph.notes);
    }

    /// Writes a paragraph and what follows it, into the cell that is open or as a block.
    fn put(&mut self, block: Block, is_blank: bool, notes: Vec<String>) {
        if let Some(grid) = self.tables.last_mut() {
            grid.table.text(&block.text);
            for note in &notes {
                grid.table.text(note);
            }
            return;
        }
        if !is_blank {
            self.blocks.push(block);
        }
        self.blocks.extend(notes.into_iter().map(Block::plain));
    }

    /// Writes what is left of a paragraph that no other one follows.
    fn end_carried(&mut self) {
        if let Some((text, notes, _)) = self.carried.take() {
            let text = text.written(&mut self.seen.marks);
            self.put(Block::plain(text), false, notes);
        }
    }

    /// Counts also where the paragraph is empty, as Word does.
    fn number(&mut self, paragraph: &Paragraph, style: &str) -> Option<String> {
        let (of_style, level_of_style) = self.parts.styles.numbering(style);
        let id = paragraph.numbering.clone().or(of_style).filter(|id| id != "0")?;
        let of_numbering = || self.parts.numbering.level_of_style(&id, style);
        let level = paragraph.level.or(level_of_style).or_else(of_numbering).unwrap_or(0);
        self.parts.numbering.next(&id, level)
    }

    fn end_table(&mut self) {
        self.end_carried();
        let Some(grid) = self.tables.pop() else { return };
        let rows = grid.table.rows();
        if let Some(outer) = self.tables.last_mut() {
            for row in &rows.lines {
                outer.table.text(row);
            }
        } else {
            self.blocks.push(Block::table(rows));
        }
    }
}
