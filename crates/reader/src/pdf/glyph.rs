//! Glyphs as they stand on the page. Knows no fonts, no operators and no reading order.

use super::annotations::Comment;
use super::font::Characters;
use super::geometry::Point;
use super::paint::Colour;
use super::rules::Rules;
use super::structure::Tagged;
use crate::parsed::HiddenReason;
use crate::parsed::HiddenText;
use crate::parsed::Rect;

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
    pub(super) look: Look,
}

/// How a glyph comes out on the page.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look {
    /// Glyphs placed before it.
    pub(super) order: u32,
    /// `None` where it is not known.
    pub(super) colour: Option<Colour>,
    /// Why it is not seen, as far as that is plain before the page is finished.
    pub(super) hidden: Option<HiddenReason>,
    /// It is drawn only to clip what is painted after it.
    pub(super) only_clips: bool,
    /// The file calls it furniture of the page: a running head or foot, a page number.
    pub(super) is_artifact: bool,
}

impl Look {
    /// Something is painted through text that clips; that does not cover it.
    pub(super) fn reveal(&mut self) {
        if std::mem::take(&mut self.only_clips) {
            (self.hidden, self.colour, self.order) = (None, None, u32::MAX);
        }
    }
}

impl Glyph {
    /// Returns the box around the glyph.
    pub(super) fn bounds(&self) -> Rect {
        let (sine, cosine) = f64::from(self.direction).to_radians().sin_cos();
        let corner = |at: Point, rise: f32| {
            let rise = f64::from(rise);
            ((at.x + sine * rise) as f32, (at.y - cosine * rise) as f32)
        };
        let corners = [(self.start, self.ascent), (self.start, self.descent), (self.end, self.ascent)]
            .into_iter()
            .chain([(self.end, self.descent)])
            .map(|(at, rise)| corner(at, rise));
        let point = |(x, y): (f32, f32)| Rect { x0: x, y0: y, x1: x, y1: y };
        let (x, y) = (self.start.x as f32, self.start.y as f32);
        corners.map(point).fold(point((x, y)), Rect::union)
    }
}

/// What the content of a page gives.
#[derive(Default)]
pub(super) struct PageGlyphs {
    /// In the order of the content.
    pub(super) glyphs: Vec<Glyph>,
    /// Text that the page does not show.
    pub(super) hidden: Vec<HiddenText>,
    /// Text of headings that the file marks.
    pub(super) tagged: Vec<Tagged>,
    /// What people noted on the page.
    pub(super) comments: Vec<Comment>,
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
