//! From glyphs on a page to text in reading order, with boxes for its words.
//!
//! Glyphs of one reading direction are turned upright into a frame; within it they are joined into fragments, fragments
//! into rows, rows into columns where there are some, and the lines that come out are written one after the other.
//! Knows no fonts and no PDF objects.

mod columns;
mod fragments;
mod frame;
mod write;

use super::glyph::Glyph;
use crate::parsed::Word;
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
}

/// Puts the glyphs of a page in reading order.
pub(super) fn lay_out(glyphs: Vec<Glyph>) -> PageText {
    let mut writer = Writer::default();
    for frame in frame::split(glyphs) {
        let spacing = fragments::Spacing::of(&frame);
        let fragments = fragments::join(&frame, spacing);
        for flow in columns::order(fragments, &frame) {
            writer.flow(&flow, &frame, spacing);
        }
        writer.end_frame();
    }
    writer.finish()
}
