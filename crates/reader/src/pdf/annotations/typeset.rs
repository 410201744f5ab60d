//! Text that the file only names and viewers set: as glyphs in the box that it belongs in. Knows no fields.

use super::super::font::Characters;
use super::super::geometry::Point;
use super::super::glyph::Glyph;
use super::super::glyph::Look;
use super::super::interpret::PageRun;
use crate::parsed::Rect;

/// Longer texts are cut.
pub(super) const MAX_CHARACTERS: usize = 10_000;
/// Largest size, in points, and the part of its line that text fills.
const MAX_SIZE: f32 = 12.0;
const FILL: f32 = 0.75;
/// Text this far to the sides of a field, in points, or half as far over it, says what it is for.
const REACH: f32 = 150.0;

impl PageRun<'_, '_> {
    /// Sets a text into a box: in as many lines as it takes, or squeezed into those that it has.
    pub(super) fn typeset(&mut self, text: &str, place: Option<Rect>, wraps: bool) {
        let Some(place) = place.filter(|place| place.width() > 0.0 && place.height() > 0.0) else { return };
        let characters: String = text.chars().take(MAX_CHARACTERS).collect();
        if characters.trim().is_empty() || !self.spend(characters.len() as u64) {
            return;
        }
        let size = (place.height() * FILL).min(MAX_SIZE);
        let room = if wraps { place.width() } else { f32::INFINITY };
        let lines: Vec<Vec<char>> =
            characters.lines().flat_map(|line| wrapped(line.trim_end(), room, size)).collect();
        let pitch = place.height() / lines.len().max(1) as f32;
        let size = size.min(pitch * FILL);
        for (index, line) in lines.iter().enumerate() {
            let natural: f32 = line.iter().map(|character| width(*character) * size).sum();
            let squeeze = (place.width() / natural.max(0.1)).min(1.0);
            let y = place.y0 + pitch * (index as f32 + 0.5) + 0.3 * size;
            let mut x = place.x0;
            for &character in line {
                let end = x + width(character) * size * squeeze;
                let at = |x: f32| Point { x: f64::from(x), y: f64::from(y) };
                self.place(Glyph {
                    text: Characters::of(character),
                    start: at(x),
                    end: at(end),
                    size,
                    ascent: 0.78 * size,
                    descent: -0.22 * size,
                    direction: 0,
                    bold: false,
                    look: Look::default(),
                });
                x = end;
            }
        }
    }

    /// Says whether nothing beside or over a box says what it is for.
    pub(super) fn is_alone(&mut self, place: Rect) -> bool {
        let glyphs = &self.result.glyphs;
        let steps = glyphs.len() as u64 / 8;
        let near = |glyph: &Glyph| {
            let (x, y) = (glyph.start.x as f32, glyph.start.y as f32);
            let beside =
                (place.x0 - REACH..place.x1 + REACH).contains(&x) && (place.y0..place.y1 + 3.0).contains(&y);
            let over = (place.x0 - 3.0..place.x1).contains(&x) && (place.y0 - 15.0..place.y0).contains(&y);
            (beside || over) && !glyph.text.is_space()
        };
        let alone = !glyphs.iter().any(near);
        self.spend(steps) && alone
    }
}

/// Breaks a line between words where it does not fit.
fn wrapped(line: &str, room: f32, size: f32) -> Vec<Vec<char>> {
    let (mut lines, mut current, mut used) = (Vec::new(), Vec::new(), 0.0);
    for word in line.split_inclusive(' ') {
        let needed: f32 = word.trim_end().chars().map(|character| width(character) * size).sum();
        if used + needed > room && !current.is_empty() {
            lines.push(std::mem::take(&mut current));
            used = 0.0;
        }
        current.extend(word.chars());
        used += word.chars().map(|character| width(character) * size).sum::<f32>();
    }
    lines.push(current);
    lines
}

/// About how wide a character is, in em.
fn width(character: char) -> f32 {
    if character >= '\u{2e80}' { 1.0 } else { 0.5 }
}
