//! Marked content with replacement text (ISO 32000-1, 14.6 and 14.9.4). Knows no operators.

use super::font::Characters;
use super::glyph::Glyph;
use super::strings;

/// Sequences nest no deeper in honest files; deeper ones are counted and otherwise ignored.
const MAX_DEPTH: usize = 256;

/// The sequences that are open.
#[derive(Default)]
pub(super) struct MarkedContent {
    open: Vec<Sequence>,
    ignored: usize,
}

struct Sequence {
    replacement: Option<Vec<u8>>,
    first_glyph: usize,
}

impl MarkedContent {
    pub(super) fn begin(&mut self, replacement: Option<Vec<u8>>, first_glyph: usize) {
        if self.open.len() < MAX_DEPTH {
            self.open.push(Sequence { replacement, first_glyph });
        } else {
            self.ignored += 1;
        }
    }

    /// Ends the innermost sequence. Its replacement text is used only where the font left a glyph of it without a
    /// meaning: otherwise what the page shows is what counts, whatever the file claims it says.
    pub(super) fn end(&mut self, glyphs: &mut Vec<Glyph>) {
        if let Some(ignored) = self.ignored.checked_sub(1) {
            self.ignored = ignored;
            return;
        }
        let Some(Sequence { replacement: Some(bytes), first_glyph }) = self.open.pop() else { return };
        let text = strings::text_string(&bytes);
        let Some(covered) = glyphs.get_mut(first_glyph..) else { return };
        let unclear =
            |glyph: &Glyph| glyph.text.is_private() || glyph.text.first() == char::REPLACEMENT_CHARACTER;
        if covered.iter().any(unclear) && !text.trim().is_empty() {
            let kept = replace(covered, &text);
            glyphs.truncate(first_glyph + kept);
        }
    }
}

/// Gives glyphs a new text and returns how many of them hold it: one character each if the numbers agree, otherwise
/// the first stretched over all.
fn replace(glyphs: &mut [Glyph], text: &str) -> usize {
    if text.chars().count() == glyphs.len() {
        for (glyph, character) in glyphs.iter_mut().zip(text.chars()) {
            glyph.text = Characters::of(character);
        }
        return glyphs.len();
    }
    let end = glyphs.last().map(|last| last.end);
    if let (Some(first), Some(end), Some(characters)) =
        (glyphs.first_mut(), end, Characters::new(text.trim()))
    {
        first.text = characters;
        first.end = end;
    }
    1
}
