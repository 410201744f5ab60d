//! Fragments: runs of glyphs that the content draws one after the other on one line without a wide gap.
//! Knows no rows and no columns.

use super::frame::Frame;
use super::frame::Placed;
use std::collections::HashMap;

/// A gap wider than this, in em, ends a fragment; with a space drawn in it, it may be wider.
const MAX_GAP: f32 = 1.0;
const MAX_GAP_WITH_SPACE: f32 = 1.5;
/// A glyph drawn again closer than this, in em, only makes the first one bolder.
const OVERPRINT: f32 = 0.1;
/// Glyphs are looked for again in squares of this side, in points, and among this many neighbours in each.
const SQUARE: f32 = 4.0;
const MAX_NEIGHBOURS: usize = 16;

/// How wide gaps without a drawn space must be, in em, to separate words.
#[derive(Clone, Copy)]
pub(super) struct Spacing {
    latin: f32,
}

impl Spacing {
    /// Where a page draws its spaces, gaps between letters are more likely loose setting than words.
    pub(super) fn of(frame: &Frame) -> Self {
        let spaces = frame.glyphs.iter().filter(|glyph| glyph.text.is_space()).count();
        Self { latin: if spaces * 33 > frame.glyphs.len() { 0.25 } else { 0.17 } }
    }

    /// Says whether a gap between two glyphs separates words. Chinese is often set loosely, and spaced against Latin.
    pub(super) fn separates(self, gap: f32, left: &Placed, right: &Placed) -> bool {
        let threshold = match (is_cjk(left.text.last()), is_cjk(right.text.first())) {
            (false, false) => self.latin,
            (true, true) => 0.6,
            (true, false) | (false, true) => 0.45,
        };
        gap > threshold * left.size.min(right.size)
    }
}

/// A run of glyphs; spaces are not among them.
#[derive(Clone, Debug)]
pub(super) struct Fragment {
    pub(super) glyphs: Vec<Piece>,
    pub(super) u0: f32,
    pub(super) u1: f32,
    /// The baseline of its largest glyph.
    pub(super) v: f32,
    pub(super) size: f32,
    /// It holds the place of a line of this table.
    pub(super) table: Option<usize>,
}

/// A glyph of a fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    /// Index in the frame.
    pub(super) glyph: usize,
    /// A space was drawn before it.
    pub(super) after_space: bool,
}

impl Fragment {
    pub(super) fn new(piece: Piece, glyph: &Placed) -> Self {
        Self { glyphs: vec![piece], u0: glyph.u0, u1: glyph.u1, v: glyph.v, size: glyph.size, table: None }
    }

    pub(super) fn push(&mut self, piece: Piece, glyph: &Placed) {
        self.glyphs.push(piece);
        self.u0 = self.u0.min(glyph.u0);
        self.u1 = self.u1.max(glyph.u1);
        if glyph.size > self.size * 1.05 {
            (self.v, self.size) = (glyph.v, glyph.size);
        }
    }

    /// Takes in what follows on the same line.
    pub(super) fn extend(&mut self, next: &Fragment) {
        self.glyphs.extend(&next.glyphs);
        self.u0 = self.u0.min(next.u0);
        self.u1 = self.u1.max(next.u1);
    }

    /// Returns how much text there is, counting a Chinese character as two letters.
    pub(super) fn weight(&self, frame: &Frame) -> usize {
        let weigh = |piece: &Piece| {
            let text = &frame.glyphs[piece.glyph].text;
            if is_cjk(text.first()) { 2 } else { text.count() }
        };
        self.glyphs.iter().map(weigh).sum()
    }

    pub(super) fn width(&self) -> f32 {
        self.u1 - self.u0
    }
}

/// Joins the glyphs of a frame into fragments, in the order of the content.
pub(super) fn join(frame: &Frame, spacing: Spacing) -> Vec<Fragment> {
    let mut fragments: Vec<Fragment> = Vec::new();
    let (mut after_space, mut previous): (bool, Option<usize>) = (false, None);
    let mut drawn = Drawn::default();
    for (index, glyph) in frame.glyphs.iter().enumerate() {
        if glyph.text.is_space() {
            after_space = true;
            continue;
        }
        if drawn.repeats(frame, index) {
            continue;
        }
        let before = previous.map(|previous| &frame.glyphs[previous]);
        if let (Some(fragment), Some(before)) = (fragments.last_mut(), before) {
            if continues(before, glyph, after_space) {
                let gap = glyph.u0 - before.u1;
                let after_space = after_space || spacing.separates(gap, before, glyph);
                fragment.push(Piece { glyph: index, after_space }, glyph);
            } else {
                fragments.push(Fragment::new(Piece { glyph: index, after_space }, glyph));
            }
        } else {
            fragments.push(Fragment::new(Piece { glyph: index, after_space: false }, glyph));
        }
        (after_space, previous) = (false, Some(index));
    }
    fragments
}

/// The glyphs drawn so far, by character and place.
#[derive(Default)]
struct Drawn {
    squares: HashMap<(char, i32, i32), Vec<usize>>,
}

impl Drawn {
    /// Says whether the same glyph has been drawn at almost the same place, to look bold or shadowed; notes it if not.
    fn repeats(&mut self, frame: &Frame, index: usize) -> bool {
        let glyph = &frame.glyphs[index];
        let reach = (OVERPRINT * glyph.size).min(SQUARE);
        // A font without widths puts all its glyphs on one place; they are not the same glyph for that.
        if glyph.u1 - glyph.u0 < reach {
            return false;
        }
        let square = |at: f32| (at / SQUARE).floor() as i32;
        let character = glyph.text.first();
        for u in square(glyph.u0 - reach)..=square(glyph.u0 + reach) {
            for v in square(glyph.v - reach)..=square(glyph.v + reach) {
                let Some(neighbours) = self.squares.get(&(character, u, v)) else { continue };
                let same = |&other: &usize| {
                    let other = &frame.glyphs[other];
                    (other.u0 - glyph.u0).abs() < reach
                        && (other.v - glyph.v).abs() < reach
                        && other.text == glyph.text
                };
                if neighbours.iter().rev().take(MAX_NEIGHBOURS).any(same) {
                    return true;
                }
            }
        }
        self.squares.entry((character, square(glyph.u0), square(glyph.v))).or_default().push(index);
        false
    }
}

/// Says whether a glyph carries on where another ends. Superscripts, subscripts and kerning stay within.
fn continues(before: &Placed, glyph: &Placed, after_space: bool) -> bool {
    let size = before.size.max(glyph.size);
    let gap = glyph.u0 - before.u1;
    let widest = if after_space { MAX_GAP_WITH_SPACE } else { MAX_GAP };
    (glyph.v - before.v).abs() < 0.5 * size
        && gap > -0.5 * size
        && gap < widest * size
        && glyph.u1 > before.u0
}

/// Recognises characters that are written without spaces between words and with even advance: Chinese and Japanese
/// with their punctuation, and full-width forms. Korean has spaces.
pub(super) fn is_cjk(character: char) -> bool {
    matches!(character,
        '\u{2e80}'..='\u{312f}' | '\u{3190}'..='\u{a4cf}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}'
        | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{20000}'..='\u{3ffff}')
}
