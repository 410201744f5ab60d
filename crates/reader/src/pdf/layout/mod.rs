//! From glyphs on a page to text in reading order, with boxes for its words.
//!
//! Glyphs of one reading direction are turned upright into a frame; within it they are joined into fragments, fragments
//! into rows, rows into columns where there are some, and the lines that come out are written one after the other.
//! Knows no fonts and no PDF objects.

mod columns;
mod fragments;
mod frame;
mod notes;
mod raised;
mod table;
mod tables;
mod upright;
mod write;

use super::glyph::Glyph;
use super::rules::Rules;
use crate::parsed::Rect;
use crate::parsed::Span;
use crate::parsed::Word;
use tables::Block;
use tables::Tables;
use write::Writer;

/// The text of a page.
#[derive(Default)]
pub(super) struct PageText {
    /// Without a line break at the end.
    pub(super) text: String,
    /// Characters of `text`.
    pub(super) characters: u32,
    /// Spans count from the start of `text`.
    pub(super) words: Vec<Word>,
    /// Glyphs that stand as U+FFFD.
    pub(super) undecodable: u32,
    /// For each word whether the file calls it furniture of the page; empty once words have moved.
    pub(super) artifacts: Vec<bool>,
    /// The last paragraphs are footnotes, which do not go on on the next page.
    pub(super) ends_with_notes: bool,
    /// In the order of the text.
    pub(super) tables: Vec<PageTable>,
}

/// A table of a page; each of its rows is a line of the text.
#[derive(Debug)]
pub(super) struct PageTable {
    /// Spans count from the start of the page's text.
    pub(super) rows: Vec<Span>,
    pub(super) header_rows: u32,
    pub(super) rect: Rect,
}

impl PageText {
    /// Moves the words and the rows of tables after the text was changed: the character that was the `i`th is now the
    /// `to[i]`th, or was taken out before that one.
    pub(super) fn moved(&mut self, to: &[u32]) {
        self.artifacts.clear();
        let rows = self.tables.iter_mut().flat_map(|table| &mut table.rows);
        for span in self.words.iter_mut().map(|word| &mut word.span).chain(rows) {
            *span = Span { start: to[span.start as usize], end: to[span.end as usize] };
        }
        self.words.retain(|word| !word.span.is_empty());
    }
}

/// Puts the glyphs of a page in reading order, with its tables where the rules are given.
pub(super) fn lay_out(mut glyphs: Vec<Glyph>, rules: Option<&Rules>) -> PageText {
    upright::turn(&mut glyphs);
    let mut writer = Writer::default();
    let mut apart = Vec::new();
    for frame in frame::split(glyphs) {
        let spacing = fragments::Spacing::of(&frame);
        let fragments = fragments::join(&frame, spacing);
        let (fragments, mut tables) = match rules {
            Some(rules) => {
                let (fragments, tables) = Tables::take(fragments, &frame, rules);
                (fragments, Some(tables))
            }
            None => (fragments, None),
        };
        let parts = notes::set_apart(columns::order(fragments, &frame), &frame);
        let marks = parts.marks;
        for flow in parts.flows {
            let blocks = match &mut tables {
                Some(tables) => tables.blocks(flow, &frame),
                None => vec![Block::Lines(flow)],
            };
            for block in blocks {
                match block {
                    Block::Lines(lines) => writer.flow(&lines, &frame, spacing, &marks),
                    Block::Table(table) => writer.table(&table, &frame, spacing, &marks),
                }
            }
        }
        writer.end_frame();
        apart.push((parts.notes, marks, frame, spacing));
    }
    for (notes, marks, frame, spacing) in &apart {
        for flow in notes {
            writer.notes(flow, frame, *spacing, marks);
        }
    }
    writer.finish()
}
