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
mod upright;
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
    /// For each word whether the file calls it furniture of the page; empty once words have moved.
    pub(super) artifacts: Vec<bool>,
    /// The last paragraphs are footnotes, which do not go on on the next page.
    pub(super) ends_with_notes: bool,
}

impl PageText {
    /// Moves the words after the text was changed: the character that was the `i`th is now the `to[i]`th, or was taken
    /// out before that one.
    pub(super) fn moved(&mut self, to: &[u32]) {
        self.artifacts.clear();
        for word in &mut self.words {
            word.span.start = to[word.span.start as usize];
            word.span.end = to[word.span.end as usize];
        }
        self.words.retain(|word| !word.span.is_empty());
    }
}

/// Puts the glyphs of a page in reading order.
pub(super) fn lay_out(mut glyphs: Vec<Glyph>) -> PageText {
    upright::turn(&mut glyphs);
    let mut writer = Writer::default();
    let mut apart = Vec::new();
    for frame in frame::split(glyphs) {
        let spacing = fragments::Spacing::of(&frame);
        let fragments = fragments::join(&frame, spacing);
        let parts = notes::set_apart(columns::order(fragments, &frame), &frame);
        for flow in &parts.flows {
            writer.flow(flow, &frame, spacing, &parts.marks);
        }
        writer.end_frame();
        apart.push((parts, frame, spacing));
    }
    for (parts, frame, spacing) in &apart {
        for flow in &parts.notes {
            writer.notes(flow, frame, *spacing, &parts.marks);
        }
    }
    writer.finish()
}
