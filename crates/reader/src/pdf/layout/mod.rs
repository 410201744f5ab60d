//! From glyphs on a page to text in reading order, with boxes for its words.
//!
//! Glyphs of one reading direction are turned upright into a frame; within it they are joined into fragments, fragments
//! into rows, rows into columns where there are some, and the lines that come out are written one after the other.
//! Knows no fonts and no PDF objects.

mod columns;
mod fragments;
mod frame;
mod table;
mod tables;
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

/// Puts the glyphs of a page in reading order, with its tables where the rules are given.
pub(super) fn lay_out(glyphs: Vec<Glyph>, rules: Option<&Rules>) -> PageText {
    let mut writer = Writer::default();
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
        for flow in columns::order(fragments, &frame) {
            let blocks = match &mut tables {
                Some(tables) => tables.blocks(flow, &frame),
                None => vec![Block::Lines(flow)],
            };
            for block in blocks {
                match block {
                    Block::Lines(lines) => writer.flow(&lines, &frame, spacing),
                    Block::Table(table) => writer.table(&table, &frame, spacing),
                }
            }
        }
        writer.end_frame();
    }
    writer.finish()
}
