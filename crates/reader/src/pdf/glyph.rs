//! Glyphs as they stand on the page. Knows no fonts, no operators and no reading order.

use super::font::Characters;
use super::geometry::Point;
use super::rules::Rules;

/// A glyph in points from the top left of the page as shown.
#[derive(Clone, Debug)]
pub(super) struct Glyph {
    pub(super) text: Characters,
    /// Where the glyph's box begins on the baseline, or on the centre line of vertical text.
    pub(super) start: Point,
    /// Where its advance ends.
    pub(super) end: Point,
    /// Height of an em.
    pub(super) size: f32,
    /// From the baseline to the top of the box.
    pub(super) ascent: f32,
    /// From the baseline to the bottom of the box; negative.
    pub(super) descent: f32,
    /// Reading direction in degrees clockwise from rightwards, a multiple of 5 below 360.
    pub(super) direction: u16,
    /// The font's name says that it is bold.
    pub(super) bold: bool,
}

/// What the content of a page gives.
#[derive(Default)]
pub(super) struct PageGlyphs {
    /// In the order of the content.
    pub(super) glyphs: Vec<Glyph>,
    /// Glyphs that the page does not show: drawn invisibly or beside the page.
    pub(super) hidden: u32,
    /// Pictures drawn.
    pub(super) images: u32,
    /// Area of the page under pictures, in square points; where they overlap, it counts again.
    pub(super) image_area: f64,
    /// Lines, areas and shadings drawn.
    pub(super) drawings: u32,
    /// Those of them that tables may be ruled with.
    pub(super) rules: Rules,
    /// Why a part of the page is missing.
    pub(super) incomplete: Option<&'static str>,
}
