//! From `document.xml` to blocks of text: paragraphs with their printed numbers, tables row by row, notes and comments
//! after the paragraph that calls them. Knows no archive.

use super::notes::Note;
use super::numbering::Numbering;
use super::styles::Styles;
use super::table;
use crate::error::ReadError;
use crate::office::xml::Element;
use crate::office::xml::Node;
use crate::office::xml::walk;
use crate::table::Table;
use std::collections::HashMap;

/// Elements whose content is not the text as it stands: the old half of a tracked change, what is deleted, and the
/// second telling of what stands in `mc:Choice` already.
const LEFT_OUT: &[&str] = &["Fallback", "del", "moveFrom", "pPrChange", "rPrChange", "instrText", "delText"];

/// A stretch of text with a line of its own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) text: String,
    /// The level of the heading that it is, from 1.
    pub(super) heading: Option<u8>,
    pub(super) is_title: bool,
}

/// What of a text is not in its blocks as it stands.
#[derive(Default)]
pub(super) struct Lost {
    pub(super) deletions: u32,
    pub(super) insertions: u32,
    pub(super) pictures: u32,
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

/// Reads the main part.
pub(super) fn read(part: &[u8], parts: Parts) -> Result<(Vec<Block>, Lost), ReadError> {
    let mut body = Body { parts, ..Body::default() };
    walk(part, &mut |node| {
        match node {
            Node::Open(element) => body.open(element),
            Node::Close(name) => body.close(name),
            Node::Text(text) => body.text(text),
        }
        Ok(())
    })?;
    Ok((body.blocks, body.lost))
}

#[derive(Default)]
struct Paragraph {
    style: Option<String>,
    numbering: Option<String>,
    level: Option<u8>,
    outline: Option<u8>,
    text: String,
    /// Notes and comments, as they are shown.
    notes: Vec<String>,
}

#[derive(Default)]
struct Body {
    parts: Parts,
    blocks: Vec<Block>,
    lost: Lost,
    /// A text box holds paragraphs inside of a paragraph.
    paragraphs: Vec<Paragraph>,
    /// A cell may hold a table.
    tables: Vec<Table>,
    notes: usize,
    /// Open elements since one that is left out, itself included.
    left_out: usize,
    /// Open `pPr` and `rPr`.
    properties: usize,
    in_text: bool,
}

impl Body {
    fn open(&mut self, element: &Element<'_>) {
        let name = element.name.as_str();
        if self.left_out > 0 || LEFT_OUT.contains(&name) {
            self.lost.deletions += u32::from(self.left_out == 0 && name == "del" && self.properties == 0);
            self.left_out += 1;
            return;
        }
        match name {
            "p" => self.paragraphs.push(Paragraph::default()),
            "pPr" | "rPr" => self.properties += 1,
            "t" => self.in_text = true,
            "ins" | "moveTo" => self.lost.insertions += u32::from(self.properties == 0),
            "blip" | "imagedata" => self.lost.pictures += 1,
            "tbl" => self.tables.push(Table::default()),
            _ if self.properties > 0 => self.property(element),
            "tab" | "ptab" => self.text_of("\t"),
            "br" | "cr" => self.text_of("\n"),
            "noBreakHyphen" => self.text_of("-"),
            "footnoteReference" | "endnoteReference" | "commentReference" => self.note(element),
            _ => {
                if let Some(table) = self.tables.last_mut() {
                    table::open(table, element);
                }
            }
        }
    }

    fn close(&mut self, name: &str) {
        if self.left_out > 0 {
            self.left_out -= 1;
            return;
        }
        match name {
            "p" => self.end_paragraph(),
            "pPr" | "rPr" => self.properties = self.properties.saturating_sub(1),
            "t" => self.in_text = false,
            "tbl" => self.end_table(),
            _ => {
                if let Some(table) = self.tables.last_mut() {
                    table::close(table, name);
                }
            }
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_text && self.left_out == 0 {
            self.text_of(text);
        }
    }

    fn text_of(&mut self, text: &str) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.text.push_str(text);
        }
    }

    fn property(&mut self, element: &Element<'_>) {
        let Some(paragraph) = self.paragraphs.last_mut() else { return };
        match element.name.as_str() {
            "pStyle" => paragraph.style = element.value(),
            "numId" => paragraph.numbering = element.value(),
            "ilvl" => paragraph.level = element.number(),
            "outlineLvl" => paragraph.outline = element.number(),
            _ => {}
        }
    }

    /// A note gets the next number where it is called, and follows its paragraph; a comment only follows.
    fn note(&mut self, element: &Element<'_>) {
        let (of, counts) = match element.name.as_str() {
            "footnoteReference" => (&self.parts.footnotes, true),
            "endnoteReference" => (&self.parts.endnotes, true),
            _ => (&self.parts.comments, false),
        };
        let note = element.attribute("id").and_then(|id| of.get(&id));
        let (Some(note), Some(paragraph)) = (note, self.paragraphs.last_mut()) else { return };
        if counts {
            self.notes += 1;
            let sign = superscript(self.notes);
            paragraph.text.push_str(&sign);
            paragraph.notes.push(format!("{sign} {}", note.text));
        } else {
            paragraph.notes.push(format!("[{}: {}]", note.author.as_deref().unwrap_or("Comment"), note.text));
        }
    }

    fn end_paragraph(&mut self) {
        let Some(paragraph) = self.paragraphs.pop() else { return };
        let style = paragraph.style.as_deref().unwrap_or_default();
        let number = self.number(&paragraph, style);
        let text = paragraph.text.trim();
        let text = number.map_or_else(|| text.to_owned(), |number| format!("{number} {text}"));
        let own = paragraph.outline.filter(|level| *level < 9).map(|level| level + 1);
        let heading = own.or_else(|| self.parts.styles.heading(style));
        let is_title = self.parts.styles.is_title(style);
        if let Some(table) = self.tables.last_mut() {
            table.text(&text);
            for note in &paragraph.notes {
                table.text(note);
            }
            return;
        }
        if !paragraph.text.trim().is_empty() {
            self.blocks.push(Block { text, heading, is_title });
        }
        let notes = paragraph.notes.into_iter();
        self.blocks.extend(notes.map(|text| Block { text, heading: None, is_title: false }));
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
        let Some(table) = self.tables.pop() else { return };
        let rows = table.rows();
        if let Some(outer) = self.tables.last_mut() {
            for row in &rows {
                outer.text(row);
            }
        } else if !rows.is_empty() {
            self.blocks.push(Block { text: rows.join("\n"), heading: None, is_title: false });
        }
    }
}

fn superscript(number: usize) -> String {
    const SIGNS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    number.to_string().chars().filter_map(|digit| SIGNS.get(digit.to_digit(10)? as usize)).collect()
}
