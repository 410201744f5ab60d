//! Writes rows as text and notes where the words stand. Knows nothing of how the order was found.

use super::PageTable;
use super::PageText;
use super::columns::Row;
use super::fragments::Spacing;
use super::fragments::is_cjk;
use super::frame::Frame;
use super::frame::Placed;
use super::raised;
use super::raised::Kind;
use super::raised::Sign;
use crate::parsed::Span;
use crate::parsed::Word;
use std::collections::HashSet;

/// A gap between fragments of one row wider than this, in em, is a tab: most likely the next cell of a table.
const TAB_GAP: f32 = 2.0;
/// Rows further apart than this many usual distances, or this many em, begin a paragraph.
const PARAGRAPH_DISTANCE: f32 = 1.4;
const PARAGRAPH_SIZES: f32 = 2.6;
/// How far, in em, a Chinese character may stand from where counting would put it.
const COUNTING_ERROR: f32 = 0.2;

/// The text so far.
#[derive(Default)]
pub(super) struct Writer {
    page: PageText,
    word: Option<OpenWord>,
    /// What comes next begins a paragraph: a table stands before it.
    apart: bool,
    /// The characters belong to a cell.
    in_table: bool,
}

/// A word that may go on.
struct OpenWord {
    start: u32,
    cjk: bool,
    glyphs: u32,
    /// Distance between characters of a Chinese run, once there are two.
    pitch: f32,
    u0: f32,
    u1: f32,
    top: f32,
    bottom: f32,
    is_artifact: bool,
}

impl Writer {
    /// Writes the rows of one column.
    pub(super) fn flow(&mut self, flow: &[Row], frame: &Frame, spacing: Spacing, marks: &HashSet<String>) {
        let distance = usual_distance(flow);
        let mut previous: Option<&Row> = None;
        for row in flow {
            self.end_line(frame);
            if self.page.characters > 0 {
                let paragraph = std::mem::take(&mut self.apart)
                    || previous.is_some_and(|previous| begins_paragraph(previous, row, distance));
                self.push_str(if paragraph { "\n\n" } else { "\n" });
            }
            self.row(row, frame, spacing, marks);
            previous = Some(row);
        }
        self.end_line(frame);
    }

    /// Writes footnotes as paragraphs of their own.
    pub(super) fn notes(&mut self, flow: &[Row], frame: &Frame, spacing: Spacing, marks: &HashSet<String>) {
        while self.page.characters > 0 && !self.page.text.ends_with('\n') {
            self.push_str("\n");
        }
        self.flow(flow, frame, spacing, marks);
        self.page.ends_with_notes = true;
    }

    /// Separates text of another direction from what follows.
    pub(super) fn end_frame(&mut self) {
        if self.page.characters > 0 && !self.page.text.ends_with('\n') {
            self.push_str("\n");
        }
        self.apart = false;
    }

    /// Begins a table, with an empty line before it.
    pub(super) fn begin_table(&mut self) {
        while self.page.characters > 0 && !self.page.text.ends_with("\n\n") {
            self.push_str("\n");
        }
        self.in_table = true;
    }

    pub(super) fn end_table(&mut self, table: PageTable) {
        self.page.tables.push(table);
        (self.in_table, self.apart) = (false, true);
    }

    pub(super) fn characters(&self) -> u32 {
        self.page.characters
    }

    pub(super) fn finish(mut self) -> PageText {
        let kept = self.page.text.trim_end().len();
        self.page.characters -= self.page.text[kept..].chars().count() as u32;
        self.page.text.truncate(kept);
        self.page
    }

    pub(super) fn row(&mut self, row: &Row, frame: &Frame, spacing: Spacing, marks: &HashSet<String>) {
        let signs = raised::signs(row, frame, marks);
        let (mut signs, mut index) = (signs.iter().peekable(), 0);
        let mut previous: Option<&Placed> = None;
        for fragment in &row.fragments {
            for (position, piece) in fragment.glyphs.iter().enumerate() {
                let glyph = &frame.glyphs[piece.glyph];
                if let Some(previous) = previous {
                    let gap = glyph.u0 - previous.u1;
                    let first = position == 0;
                    if first && gap > TAB_GAP * row.size {
                        self.separate(if self.in_table { ' ' } else { '\t' }, frame);
                    } else if piece.after_space || first && spacing.separates(gap, previous, glyph) {
                        self.separate(' ', frame);
                    }
                }
                while signs.next_if(|sign| sign.first + sign.count <= index).is_some() {}
                match signs.peek().filter(|sign| sign.first <= index) {
                    Some(sign) => self.sign(sign, index - sign.first, glyph, frame),
                    None => self.glyph(glyph, frame),
                }
                previous = Some(glyph);
                index += 1;
            }
        }
    }

    /// Writes one glyph of a raised sign.
    fn sign(&mut self, sign: &Sign, position: usize, glyph: &Placed, frame: &Frame) {
        match sign.kind {
            Kind::Plain => self.glyph(glyph, frame),
            Kind::Power => {
                if position == 0 && self.word.is_some() {
                    self.push_str("^");
                }
                self.glyph(glyph, frame);
            }
            Kind::Mark => {
                if position == 0 {
                    self.end_word(frame);
                    self.word = Some(OpenWord::new(self.page.characters, glyph));
                    self.push_str("[^");
                }
                self.glyph(glyph, frame);
                if position + 1 == sign.count {
                    self.push_str("]");
                    self.end_word(frame);
                }
                if position + 1 == sign.count && sign.first == 0 {
                    self.separate(' ', frame);
                }
            }
        }
    }

    fn separate(&mut self, separator: char, frame: &Frame) {
        self.end_word(frame);
        if separator == ' ' && self.page.text.ends_with(' ') {
            return;
        }
        self.page.text.push(separator);
        self.page.characters += 1;
    }

    fn glyph(&mut self, glyph: &Placed, frame: &Frame) {
        if !self.word.as_mut().is_some_and(|word| word.continues_with(glyph)) {
            self.end_word(frame);
            self.word = Some(OpenWord::new(self.page.characters, glyph));
        }
        let characters = glyph.text.count() as u32;
        self.page.undecodable += u32::from(glyph.text.first() == char::REPLACEMENT_CHARACTER);
        if characters == 1 || !glyph.text.holds_space() {
            let start = self.page.text.len();
            glyph.text.push_to(&mut self.page.text);
            self.page.characters += characters;
            self.keep_from_dividing(start);
            return;
        }
        // Replacement text for several words: each is a word of its own with the box of all.
        let mut text = String::new();
        glyph.text.push_to(&mut text);
        for part in text.split_whitespace() {
            if self.word.is_none() {
                self.separate(' ', frame);
                self.word = Some(OpenWord::new(self.page.characters, glyph));
            }
            let start = self.page.text.len();
            self.push_str(part);
            self.keep_from_dividing(start);
            self.end_word(frame);
        }
    }

    /// Gives bars in cells the shape that readers of all formats give them: they would divide the row.
    fn keep_from_dividing(&mut self, start: usize) {
        if self.in_table && self.page.text[start..].contains('|') {
            let part = self.page.text.split_off(start);
            self.page.text.push_str(&part.replace('|', "¦"));
        }
    }

    pub(super) fn push_str(&mut self, text: &str) {
        self.page.text.push_str(text);
        self.page.characters += text.chars().count() as u32;
    }

    fn end_line(&mut self, frame: &Frame) {
        self.end_word(frame);
    }

    pub(super) fn end_word(&mut self, frame: &Frame) {
        if let Some(word) = self.word.take() {
            let span = Span { start: word.start, end: self.page.characters };
            if !span.is_empty() {
                self.page.artifacts.push(word.is_artifact);
                self.page
                    .words
                    .push(Word { span, rect: frame.to_page(word.u0, word.top, word.u1, word.bottom) });
            }
        }
    }
}

impl OpenWord {
    fn new(start: u32, glyph: &Placed) -> Self {
        let cjk = glyph.text.count() == 1 && is_cjk(glyph.text.first());
        let Placed { u0, u1, top, bottom, is_artifact, .. } = *glyph;
        Self { start, cjk, glyphs: 1, pitch: 0.0, u0, u1, top, bottom, is_artifact }
    }

    /// Takes a glyph into the word, unless it is of the other kind of script or, in a Chinese run, stands elsewhere
    /// than counting characters would put it.
    fn continues_with(&mut self, glyph: &Placed) -> bool {
        let cjk = glyph.text.count() == 1 && is_cjk(glyph.text.first());
        if cjk != self.cjk {
            return false;
        }
        if cjk {
            let distance = glyph.u0 - self.u0;
            if self.glyphs == 1 {
                if !(0.5..=1.6).contains(&(distance / glyph.size)) {
                    return false;
                }
                self.pitch = distance;
            } else if (distance - self.pitch * self.glyphs as f32).abs() > COUNTING_ERROR * glyph.size {
                return false;
            }
        }
        self.glyphs += 1;
        self.is_artifact &= glyph.is_artifact;
        self.u0 = self.u0.min(glyph.u0);
        self.u1 = self.u1.max(glyph.u1);
        self.top = self.top.min(glyph.top);
        self.bottom = self.bottom.max(glyph.bottom);
        true
    }
}

/// Returns the median distance between rows that follow each other.
fn usual_distance(flow: &[Row]) -> f32 {
    let mut distances: Vec<f32> = flow
        .windows(2)
        .map(|pair| pair[1].v - pair[0].v)
        .zip(flow)
        .filter(|(distance, row)| *distance > 0.3 * row.size && *distance < PARAGRAPH_SIZES * row.size)
        .map(|(distance, _)| distance)
        .collect();
    distances.sort_by(f32::total_cmp);
    distances.get(distances.len() / 2).copied().unwrap_or(f32::INFINITY)
}

/// Says whether a row stands apart from the one above, by distance or by size.
fn begins_paragraph(previous: &Row, row: &Row, usual_distance: f32) -> bool {
    let distance = row.v - previous.v;
    let ratio = row.size / previous.size.max(0.1);
    distance > PARAGRAPH_DISTANCE * usual_distance
        || distance > PARAGRAPH_SIZES * row.size.max(previous.size)
        || !(0.85..=1.18).contains(&ratio)
}
