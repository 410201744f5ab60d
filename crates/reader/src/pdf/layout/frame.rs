//! Upright frames: glyphs of one reading direction, turned so that lines run rightwards and follow each other downwards.
//! Knows no lines.

use super::super::font::Characters;
use super::super::glyph::Glyph;
use crate::parsed::Rect;
use std::collections::BTreeMap;

/// A glyph in its frame; `u` runs along the line and `v` down the page.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) text: Characters,
    pub(super) u0: f32,
    pub(super) u1: f32,
    /// The baseline.
    pub(super) v: f32,
    /// Height of an em.
    pub(super) size: f32,
    pub(super) top: f32,
    pub(super) bottom: f32,
    pub(super) bold: bool,
    /// The file calls it furniture of the page.
    pub(super) is_artifact: bool,
}

/// The glyphs of one direction, in the order of the content.
pub(super) struct Frame {
    pub(super) glyphs: Vec<Placed>,
    sine: f64,
    cosine: f64,
}

/// Splits the glyphs of a page by direction; the direction of most glyphs comes first.
pub(super) fn split(glyphs: Vec<Glyph>) -> Vec<Frame> {
    let mut by_direction: BTreeMap<u16, Frame> = BTreeMap::new();
    for glyph in glyphs {
        by_direction.entry(glyph.direction).or_insert_with(|| Frame::new(glyph.direction)).push(glyph);
    }
    let mut frames: Vec<Frame> = by_direction.into_values().collect();
    frames.sort_by_key(|frame| std::cmp::Reverse(frame.glyphs.len()));
    frames
}

impl Frame {
    fn new(direction: u16) -> Self {
        // Quarter turns are exact, so that boxes of upright text are not blurred.
        let (sine, cosine) = match direction {
            0 => (0.0, 1.0),
            90 => (1.0, 0.0),
            180 => (0.0, -1.0),
            270 => (-1.0, 0.0),
            other => f64::from(other).to_radians().sin_cos(),
        };
        Self { glyphs: Vec::new(), sine, cosine }
    }

    fn push(&mut self, glyph: Glyph) {
        let along = |x: f64, y: f64| (x * self.cosine + y * self.sine) as f32;
        let down = (glyph.start.y * self.cosine - glyph.start.x * self.sine) as f32;
        let (from, to) = (along(glyph.start.x, glyph.start.y), along(glyph.end.x, glyph.end.y));
        self.glyphs.push(Placed {
            text: glyph.text,
            u0: from.min(to),
            u1: from.max(to),
            v: down,
            size: glyph.size,
            top: down - glyph.ascent,
            bottom: down - glyph.descent,
            bold: glyph.bold,
            is_artifact: glyph.look.is_artifact,
        });
    }

    /// Returns the place in the frame of a place on the page.
    pub(super) fn of_page(&self, x: f64, y: f64) -> (f32, f32) {
        ((x * self.cosine + y * self.sine) as f32, (y * self.cosine - x * self.sine) as f32)
    }

    /// Says whether lines run along an edge of the page.
    pub(super) fn is_straight(&self) -> bool {
        (self.sine * self.cosine).abs() < 1e-9
    }

    /// Returns the box on the page that holds a box of the frame.
    pub(super) fn to_page(&self, u0: f32, top: f32, u1: f32, bottom: f32) -> Rect {
        let corner = |u: f32, v: f32| {
            let (u, v) = (f64::from(u), f64::from(v));
            (u * self.cosine - v * self.sine, u * self.sine + v * self.cosine)
        };
        let corners = [corner(u0, top), corner(u1, top), corner(u1, bottom), corner(u0, bottom)];
        let fold = |pick: fn(&(f64, f64)) -> f64, choose: fn(f64, f64) -> f64| {
            let first = pick(&corners[0]);
            corners.iter().map(pick).fold(first, choose)
        };
        Rect {
            x0: hundredths(fold(|c| c.0, f64::min)),
            y0: hundredths(fold(|c| c.1, f64::min)),
            x1: hundredths(fold(|c| c.0, f64::max)),
            y1: hundredths(fold(|c| c.1, f64::max)),
        }
    }
}

/// Rounds to what is worth keeping, so that boxes are short as JSON.
fn hundredths(points: f64) -> f32 {
    ((points * 100.0).round() / 100.0) as f32
}
